// SPDX-License-Identifier: BSD-3-Clause
// Tables of distinct sub-indices, built from the leaves up.
//
// While building, row_of[v][p] is the row of point p in node v's table. At an interior node
// the points are sorted by their rows in the children's tables (last child first, a stable
// radix sort each: O(m) a child) and numbered where the tuple changes. Arrays of length m
// live only until the parent is done.
#include <stdbool.h>

#include "htflow/memory.h"
#include "points_impl.h"

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

typedef struct builder {
  const htf_tree *tree;
  const int64_t *indices; // [m, N]
  int64_t m;
  int32_t *sorted, *spare;             // [m]: points as sorted so far
  int32_t **row_of;                    // [nodes], each [m] or NULL
  int32_t *column[HTF_TREE_MAX_ORDER]; // what the current node is sorted by, each [m]
  int64_t bound[HTF_TREE_MAX_ORDER];   // entries of that column are below
  htf_points *points;
} builder;

// ---- sorting points -------------------------------------------------------------------

// Sorts by one digit of a column, keeping the order of equals.
static void sort_by_digit(builder *b, const int32_t *column, int shift) {
  int64_t start[DIGITS + 1] = {0};
  for (int64_t p = 0; p < b->m; p++) {
    start[(column[p] >> shift & (DIGITS - 1)) + 1]++;
  }
  for (int d = 0; d < DIGITS; d++) {
    start[d + 1] += start[d];
  }
  for (int64_t k = 0; k < b->m; k++) {
    int32_t p = b->sorted[k];
    b->spare[start[column[p] >> shift & (DIGITS - 1)]++] = p;
  }
  int32_t *swap = b->sorted;
  b->sorted = b->spare;
  b->spare = swap;
}

// Sorts the points lexicographically by the builder's columns; equals stay as given.
static void sort_points(builder *b, int columns) {
  for (int64_t p = 0; p < b->m; p++) {
    b->sorted[p] = (int32_t)p;
  }
  for (int i = columns - 1; i >= 0; i--) {
    for (int shift = 0; (b->bound[i] - 1) >> shift > 0; shift += DIGIT_BITS) {
      sort_by_digit(b, b->column[i], shift);
    }
  }
}

static bool differ(const builder *b, int columns, int32_t p, int32_t q) {
  for (int i = 0; i < columns; i++) {
    if (b->column[i][p] != b->column[i][q]) {
      return true;
    }
  }
  return false;
}

// Numbers the sorted points by distinct tuple, or one by one; returns how many rows.
static int64_t number_rows(const builder *b, int columns, bool distinct, int32_t *row) {
  int64_t rows = 0;
  for (int64_t k = 0; k < b->m; k++) {
    int32_t p = b->sorted[k];
    if (k == 0 || !distinct || differ(b, columns, b->sorted[k - 1], p)) {
      rows++;
    }
    row[p] = (int32_t)(rows - 1);
  }
  return rows;
}

// ---- tables ---------------------------------------------------------------------------

// The table of a node from the builder's columns, and the points' rows in it.
static htf_status make_table(builder *b, int node, int columns) {
  htf_status status = HTF_OK;
  htf_points__table *t = &b->points->at[node];
  sort_points(b, columns);
  HTF_NEW(b->row_of[node], b->m);
  const int32_t *row = b->row_of[node];
  bool distinct = node != htf_tree_root(b->tree);
  t->rows = number_rows(b, columns, distinct, b->row_of[node]);
  t->columns = columns;
  HTF_NEW(t->entry, t->rows * columns);
  for (int i = 0; i < columns; i++) {
    for (int64_t p = 0; p < b->m; p++) {
      t->entry[i * t->rows + row[p]] = b->column[i][p];
    }
  }
done:
  return status;
}

static htf_status add_leaf(builder *b, int mode, int64_t size) {
  htf_status status = HTF_OK;
  int order = htf_tree_order(b->tree);
  int32_t *column = NULL;
  HTF_NEW(column, b->m);
  for (int64_t p = 0; p < b->m; p++) {
    column[p] = (int32_t)b->indices[p * order + mode];
  }
  b->column[0] = column;
  b->bound[0] = size;
  HTF_TRY(make_table(b, htf_tree_leaf(b->tree, mode), 1));
done:
  HTF_FREE(column);
  return status;
}

htf_status htf_points__mark_segments(htf_points__table *t, int64_t first_child_rows) {
  htf_status status = HTF_OK;
  HTF_NEW(t->segment, first_child_rows + 1);
  for (int64_t k = 0; k < t->rows; k++) {
    if (k == 0 || t->entry[k] != t->entry[k - 1]) {
      t->segment[t->entry[k]] = (int32_t)k;
    }
  }
  t->segment[first_child_rows] = (int32_t)t->rows;
done:
  return status;
}

static htf_status add_interior(builder *b, int node) {
  htf_status status = HTF_OK;
  htf_points__table *at = b->points->at;
  int children = htf_tree_children(b->tree, node);
  for (int i = 0; i < children; i++) {
    int child = htf_tree_child(b->tree, node, i);
    b->column[i] = b->row_of[child];
    b->bound[i] = at[child].rows;
  }
  HTF_TRY(make_table(b, node, children));
  HTF_TRY(htf_points__mark_segments(&at[node], b->bound[0]));
  for (int i = 0; i < children; i++) {
    HTF_FREE(b->row_of[htf_tree_child(b->tree, node, i)]);
  }
done:
  return status;
}

// ---- the door -------------------------------------------------------------------------

htf_status htf_points__check_sizes(const htf_tree *tree, const int64_t *shape, int64_t m) {
  htf_status status = HTF_OK;
  HTF_CHECK(0 <= m && m <= INT32_MAX, HTF_E_DATA, "%lld points must be 0 .. %d",
            (long long)m, INT32_MAX);
  for (int n = 0; n < htf_tree_order(tree); n++) {
    HTF_CHECK(1 <= shape[n] && shape[n] <= INT32_MAX, HTF_E_DATA,
              "the size of mode %d is %lld, must be 1 .. %d", n, (long long)shape[n],
              INT32_MAX);
  }
done:
  return status;
}

static htf_status check_indices(int order, const int64_t *shape, int64_t m,
                                const int64_t *indices) {
  htf_status status = HTF_OK;
  for (int64_t k = 0; k < m; k++) {
    for (int n = 0; n < order; n++) {
      int64_t index = indices[k * order + n];
      HTF_CHECK(0 <= index && index < shape[n], HTF_E_DATA,
                "point %lld has index %lld in mode %d, must be 0 .. %lld", (long long)k,
                (long long)index, n, (long long)(shape[n] - 1));
    }
  }
done:
  return status;
}

static htf_status build_tables(builder *b, const int64_t *shape) {
  htf_status status = HTF_OK;
  HTF_NEW(b->sorted, b->m);
  HTF_NEW(b->spare, b->m);
  HTF_NEW(b->row_of, b->points->nodes);
  for (int v = 0; v < b->points->nodes; v++) {
    if (htf_tree_children(b->tree, v) > 0) {
      HTF_TRY(add_interior(b, v));
    } else {
      const int *modes;
      htf_tree_modes(b->tree, v, &modes);
      HTF_TRY(add_leaf(b, modes[0], shape[modes[0]]));
    }
  }
  HTF_NEW(b->points->order, b->m);
  for (int64_t k = 0; k < b->m; k++) {
    b->points->order[k] = b->sorted[k];
  }
done:
  for (int v = 0; b->row_of != NULL && v < b->points->nodes; v++) {
    HTF_FREE(b->row_of[v]);
  }
  HTF_FREE(b->row_of);
  HTF_FREE(b->spare);
  HTF_FREE(b->sorted);
  return status;
}

htf_status htf_points__open(const htf_tree *tree, int64_t count, htf_points **out) {
  htf_status status = HTF_OK;
  htf_points *points = NULL;
  HTF_NEW(points, 1);
  points->count = count;
  points->nodes = htf_tree_nodes(tree);
  HTF_NEW(points->at, points->nodes);
  *out = points;
  points = NULL;
done:
  htf_points_destroy(&points);
  return status;
}

htf_status htf_points_create(const htf_tree *tree, const int64_t *shape, int64_t m,
                             const int64_t *indices, htf_points **out) {
  htf_status status = HTF_OK;
  htf_points *points = NULL;
  HTF_TRY(htf_points__check_sizes(tree, shape, m));
  HTF_TRY(check_indices(htf_tree_order(tree), shape, m, indices));
  HTF_TRY(htf_points__open(tree, m, &points));
  builder b = {.tree = tree, .indices = indices, .m = m, .points = points};
  HTF_TRY(build_tables(&b, shape));
  *out = points;
  points = NULL;
done:
  htf_points_destroy(&points);
  return status;
}

void htf_points_destroy(htf_points **out) {
  htf_points *points = *out;
  if (points != NULL) {
    for (int v = 0; points->at != NULL && v < points->nodes; v++) {
      HTF_FREE(points->at[v].entry);
      HTF_FREE(points->at[v].segment);
      HTF_FREE(points->at[v].inputs);
    }
    for (int i = 0; i < 2; i++) {
      HTF_FREE(points->group[i].entry);
      HTF_FREE(points->group[i].place);
    }
    HTF_FREE(points->at);
    HTF_FREE(points->order);
    HTF_FREE(*out);
  }
}

int64_t htf_points_count(const htf_points *points) {
  return points->count;
}

static const htf_points__table *table_of(const htf_points *points, int node) {
  HTF_ASSERT(0 <= node && node < points->nodes);
  return &points->at[node];
}

static const htf_points__group *group_of(const htf_points *points, int group) {
  HTF_ASSERT(htf_points_are_all(points) && (group == 0 || group == 1));
  return &points->group[group];
}

int64_t htf_points_rows(const htf_points *points, int node) {
  return table_of(points, node)->rows;
}

const int32_t *htf_points_gather(const htf_points *points, int node, int i) {
  const htf_points__table *t = table_of(points, node);
  if (node == points->nodes - 1 && htf_points_are_all(points)) {
    const htf_points__group *g = &points->group[i >= points->group[1].first];
    HTF_ASSERT(g->first <= i && i < g->last);
    return g->entry + (i - g->first) * g->rows;
  }
  HTF_ASSERT(t->segment != NULL && 0 <= i && i < t->columns);
  return t->entry + i * t->rows;
}

const int32_t *htf_points_segments(const htf_points *points, int node) {
  const htf_points__table *t = table_of(points, node);
  HTF_ASSERT(t->segment != NULL);
  return t->segment;
}

const int32_t *htf_points_index(const htf_points *points, int node) {
  const htf_points__table *t = table_of(points, node);
  HTF_ASSERT(t->segment == NULL && t->inputs == NULL);
  return t->entry;
}

const double *htf_points_inputs(const htf_points *points, int node) {
  return table_of(points, node)->inputs;
}

const int64_t *htf_points_order(const htf_points *points) {
  HTF_ASSERT(!htf_points_are_all(points));
  return points->order;
}

bool htf_points_are_all(const htf_points *points) {
  return points->group[0].rows > 0;
}

int64_t htf_points_group_rows(const htf_points *points, int group) {
  return group_of(points, group)->rows;
}

int htf_points_group_children(const htf_points *points, int group, int *first) {
  const htf_points__group *g = group_of(points, group);
  *first = g->first;
  return g->last - g->first;
}

const int64_t *htf_points_place(const htf_points *points, int group) {
  return group_of(points, group)->place;
}

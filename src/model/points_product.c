// SPDX-License-Identifier: BSD-3-Clause
// Points that need no sorting: given by vectors, where every table has a row a point, and
// all entries, where the table of a node is the product of its children's.
#include <math.h>

#include "htflow/memory.h"
#include "points_impl.h"

// ---- vectors --------------------------------------------------------------------------

static htf_status check_finite(int order, const int64_t *shape, int64_t widest, int64_t m,
                               const double *inputs) {
  htf_status status = HTF_OK;
  for (int64_t k = 0; k < m * order; k++) {
    int n = (int)(k % order);
    for (int64_t i = 0; i < shape[n]; i++) {
      HTF_CHECK(isfinite(inputs[k * widest + i]), HTF_E_DATA,
                "point %lld has %g at place %lld of its vector of mode %d",
                (long long)(k / order), inputs[k * widest + i], (long long)i, n);
    }
  }
done:
  return status;
}

// The vectors of one mode, `begin` into inputs of all modes, `stride` from point to point.
static htf_status add_vectors(htf_points__table *t, int64_t m, int64_t size, int64_t begin,
                              int64_t stride, const double *inputs) {
  htf_status status = HTF_OK;
  t->rows = m;
  HTF_NEW(t->inputs, m * size);
  for (int64_t k = 0; k < m; k++) {
    for (int64_t i = 0; i < size; i++) {
      t->inputs[k * size + i] = inputs[k * stride + begin + i];
    }
  }
done:
  return status;
}

// The table whose row k gathers row k of every child.
static htf_status add_identity(htf_points__table *t, int64_t m, int children) {
  htf_status status = HTF_OK;
  t->rows = m;
  t->columns = children;
  HTF_NEW(t->entry, m * children);
  for (int64_t k = 0; k < m * children; k++) {
    t->entry[k] = (int32_t)(k % m);
  }
  HTF_TRY(htf_points__mark_segments(t, m));
done:
  return status;
}

htf_status htf_points_create_vectors(const htf_tree *tree, const int64_t *shape, int64_t m,
                                     const double *inputs, htf_points **out) {
  htf_status status = HTF_OK;
  htf_points *points = NULL;
  int order = htf_tree_order(tree);
  int64_t widest = 0;
  HTF_TRY(htf_points__check_sizes(tree, shape, m));
  for (int n = 0; n < order; n++) {
    widest = shape[n] > widest ? shape[n] : widest;
  }
  HTF_TRY(check_finite(order, shape, widest, m, inputs));
  HTF_TRY(htf_points__open(tree, m, &points));
  for (int v = 0; v < points->nodes; v++) {
    int children = htf_tree_children(tree, v);
    const int *modes;
    htf_tree_modes(tree, v, &modes);
    HTF_TRY(children > 0 ? add_identity(&points->at[v], m, children)
                         : add_vectors(&points->at[v], m, shape[modes[0]],
                                       modes[0] * widest, order * widest, inputs));
  }
  HTF_NEW(points->order, m);
  for (int64_t k = 0; k < m; k++) {
    points->order[k] = k;
  }
  *out = points;
  points = NULL;
done:
  htf_points_destroy(&points);
  return status;
}

// ---- all entries ----------------------------------------------------------------------

// Gathers [last - first, rows] of all tuples of rows of a node's children first .. last -
// 1, the last fastest.
static htf_status add_product(const htf_points *points, const htf_tree *tree, int node,
                              int first, int last, int64_t *rows, int32_t **entry) {
  htf_status status = HTF_OK;
  int64_t below = 1;
  *rows = 1;
  for (int i = first; i < last; i++) {
    *rows *= points->at[htf_tree_child(tree, node, i)].rows;
  }
  HTF_NEW(*entry, *rows * (last - first));
  for (int i = last - 1; i >= first; i--) {
    int64_t size = points->at[htf_tree_child(tree, node, i)].rows;
    for (int64_t k = 0; k < *rows; k++) {
      (*entry)[(i - first) * *rows + k] = (int32_t)(k / below % size);
    }
    below *= size;
  }
done:
  return status;
}

// place[k] of all tuples of the modes of the group's children.
static htf_status add_places(const htf_tree *tree, const int64_t *shape,
                             htf_points__group *g) {
  htf_status status = HTF_OK;
  int root = htf_tree_root(tree);
  int64_t count = 1;
  HTF_NEW(g->place, g->rows);
  for (int i = g->last - 1; i >= g->first; i--) {
    const int *modes;
    int size = htf_tree_modes(tree, htf_tree_child(tree, root, i), &modes);
    for (int j = size - 1; j >= 0; j--) { // earlier modes vary more slowly
      int64_t stride = 1;
      for (int n = modes[j] + 1; n < htf_tree_order(tree); n++) {
        stride *= shape[n];
      }
      for (int64_t k = count; k < count * shape[modes[j]]; k++) {
        g->place[k] = g->place[k % count] + k / count * stride;
      }
      count *= shape[modes[j]];
    }
  }
done:
  return status;
}

// Where two groups of the root's children have the fewest tuples together.
static int split_root(const htf_points *points, const htf_tree *tree) {
  int root = htf_tree_root(tree), best = 1;
  int64_t n1 = 1, least = INT64_MAX;
  for (int i = 1; i < htf_tree_children(tree, root); i++) {
    n1 *= points->at[htf_tree_child(tree, root, i - 1)].rows;
    int64_t rows = n1 + points->count / n1;
    if (rows < least) {
      least = rows;
      best = i;
    }
  }
  return best;
}

static htf_status add_groups(htf_points *points, const htf_tree *tree,
                             const int64_t *shape) {
  htf_status status = HTF_OK;
  int root = htf_tree_root(tree), split = split_root(points, tree);
  for (int i = 0; i < 2; i++) {
    htf_points__group *g = &points->group[i];
    g->first = i == 0 ? 0 : split;
    g->last = i == 0 ? split : htf_tree_children(tree, root);
    HTF_TRY(add_product(points, tree, root, g->first, g->last, &g->rows, &g->entry));
    HTF_TRY(add_places(tree, shape, g));
  }
  points->at[root].rows = points->count;
done:
  return status;
}

static htf_status add_all_of(htf_points *points, const htf_tree *tree, int node,
                             int64_t size) {
  htf_status status = HTF_OK;
  htf_points__table *t = &points->at[node];
  t->columns = htf_tree_children(tree, node);
  if (t->columns > 0) {
    int64_t first = points->at[htf_tree_child(tree, node, 0)].rows;
    HTF_TRY(add_product(points, tree, node, 0, t->columns, &t->rows, &t->entry));
    HTF_TRY(htf_points__mark_segments(t, first));
  } else {
    t->rows = size;
    HTF_NEW(t->entry, size);
    for (int64_t i = 0; i < size; i++) {
      t->entry[i] = (int32_t)i;
    }
  }
done:
  return status;
}

htf_status htf_points_create_all(const htf_tree *tree, const int64_t *shape,
                                 htf_points **out) {
  htf_status status = HTF_OK;
  htf_points *points = NULL;
  double entries = 1;
  for (int n = 0; n < htf_tree_order(tree); n++) {
    entries *= (double)shape[n];
  }
  HTF_CHECK(entries <= INT32_MAX, HTF_E_CONFIG,
            "the whole tensor would take %.3g bytes, the most is %.3g", 8 * entries,
            8.0 * INT32_MAX);
  HTF_TRY(htf_points__check_sizes(tree, shape, 0));
  HTF_TRY(htf_points__open(tree, (int64_t)entries, &points));
  for (int v = 0; v < htf_tree_root(tree); v++) {
    const int *modes;
    htf_tree_modes(tree, v, &modes);
    HTF_TRY(add_all_of(points, tree, v, shape[modes[0]]));
  }
  HTF_TRY(add_groups(points, tree, shape));
  *out = points;
  points = NULL;
done:
  htf_points_destroy(&points);
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
// The work memory of an evaluation: one arena, measured and then dealt out by the same
// walk.

#include "evaluation_impl.h"
#include "htflow/memory.h"

enum { LINE = 64, PADDING = 8 }; // bytes of a cache line, doubles in it

// The next `count` elements of the arena, on a cache line; only measures while there is no
// arena.
static void *take(htf_evaluation *e, int64_t count, size_t size) {
  char *place = e->arena == NULL ? NULL : e->arena + e->bytes;
  e->bytes += (count * (int64_t)size + LINE - 1) / LINE * LINE;
  return place;
}

static double *take_doubles(htf_evaluation *e, int64_t count) {
  return take(e, count, sizeof(double));
}

static int32_t *take_ints(htf_evaluation *e, int64_t count) {
  return take(e, count, sizeof(int32_t));
}

static int64_t pad(int64_t width) {
  return (width + PADDING - 1) / PADDING * PADDING;
}

// A row stride of an odd number of cache lines for all but narrow rows: rows a power of two
// apart, a block of columns of all of them would fall into few sets of the cache.
static int64_t stride_of(int64_t width) {
  return width % (4 * PADDING) == 0 ? width + PADDING : width;
}

// Value and, in second order, tangent in arrays of their own.
static htf_rows take_rows(htf_evaluation *e, int64_t n, int64_t width) {
  htf_rows rows = {.stride = stride_of(width)};
  rows.value = take_doubles(e, n * rows.stride);
  if (e->use == HTF_USE_HESSIAN) {
    rows.tangent = take_doubles(e, n * rows.stride);
  }
  return rows;
}

// Two tables whose rows alternate.
static void take_pair(htf_evaluation *e, int64_t n, int64_t width, double **even,
                      double **odd, int64_t *stride) {
  *stride = 2 * stride_of(width);
  *even = take_doubles(e, n * *stride);
  *odd = *even == NULL ? NULL : *even + *stride / 2;
}

// Whether the entries' order is that of the sides' rows, side 1 faster.
static bool in_order(const htf_evaluation *e) {
  const int64_t *place0 = htf_points_place(e->points, 0);
  const int64_t *place1 = htf_points_place(e->points, 1);
  bool same = true;
  for (int64_t i = 0; i < e->side[0].n; i++) {
    same = same && place0[i] == i * e->side[1].n;
  }
  for (int64_t j = 0; j < e->side[1].n; j++) {
    same = same && place1[j] == j;
  }
  return same;
}

// ---- tables of floating-point numbers -------------------------------------------------

static void lay_out_leaf(htf_evaluation *e, htf_evaluation_node *v) {
  v->direct = v->inputs == NULL && v->cols == v->outer;
  v->value.stride = v->adjoint.stride = v->cols;
  if (!v->direct) {
    v->value = take_rows(e, v->stored, v->outer);
    if (e->use >= HTF_USE_GRADIENT) {
      v->adjoint = take_rows(e, v->stored, v->outer);
    }
  }
}

// BLAS is slow at A B^T where matrices are small: then W is kept transposed as well.
enum { SMALL = 128 * 128 };

// P and V are one, and dP and dV.
static void lay_out_bare(htf_evaluation *e, htf_evaluation_node *v) {
  v->product = v->value = take_rows(e, v->n, v->width);
  if (e->use >= HTF_USE_GRADIENT) {
    v->slope = v->adjoint = take_rows(e, v->n, v->width);
  }
}

// `shared` is P where only values are wanted, else dP.
static void lay_out_interior(htf_evaluation *e, htf_evaluation_node *v, htf_rows shared) {
  v->value = take_rows(e, v->n, v->outer);
  shared.stride = stride_of(v->width);
  v->slope = shared;
  for (int i = 0; i < (int)e->use && v->rows * v->cols <= SMALL; i++) {
    v->flipped[i] = take_doubles(e, v->rows * v->cols);
  }
  if (e->use == HTF_USE_HESSIAN) {
    take_pair(e, v->n, v->width, &v->product.value, &v->product.tangent,
              &v->product.stride);
    take_pair(e, v->n, v->outer, &v->adjoint.tangent, &v->adjoint.value,
              &v->adjoint.stride);
    v->slope.value = take_doubles(e, v->n * v->slope.stride);
  } else if (e->use == HTF_USE_GRADIENT) {
    v->product = take_rows(e, v->n, v->width);
    v->adjoint = take_rows(e, v->n, v->outer);
  } else {
    v->product = shared;
  }
}

// dP and dP' live only until they are summed into the children, so that all nodes share
// them; but second order needs dP again. P lives only until V is made if that is all.
static htf_rows take_shared(htf_evaluation *e) {
  htf_rows shared = {0};
  int64_t most = 0;
  for (int i = 0; i < e->root; i++) {
    const htf_evaluation_node *v = &e->nodes[i];
    int64_t size = v->children == 0 ? 0 : v->n * stride_of(v->width);
    most = size > most ? size : most;
  }
  *(e->use == HTF_USE_HESSIAN ? &shared.tangent : &shared.value) = take_doubles(e, most);
  return shared;
}

// K and dK of a side, its sums G before the root's weights, and for all entries K diag(w)
// of side 1 and room for entries in tree order unless that is row by row theirs.
static void lay_out_side(htf_evaluation *e, int i) {
  htf_evaluation_side *side = &e->side[i];
  int64_t width = e->nodes[e->root].width;
  if (side->children > 1) {
    side->value = take_rows(e, side->n, width);
    if (e->use >= HTF_USE_GRADIENT) {
      side->adjoint = take_rows(e, side->n, width);
    }
  }
  if (e->use == HTF_USE_HESSIAN && (e->whole || e->nodes[e->root].offset >= 0)) {
    side->sum = take_doubles(e, side->n * width);
  }
  if (e->whole && i == 1) {
    e->scaled = take_rows(e, side->n, width);
    e->entries = in_order(e) ? NULL : take_doubles(e, HTF_WHOLE_PANEL * side->n);
  }
}

static void lay_out_core(htf_evaluation *e) {
  htf_evaluation_core *c = &e->core;
  int second = e->use == HTF_USE_HESSIAN;
  for (int i = 0; i < HTF_ROLES && c->left != NULL; i++) {
    bool wanted =
        i == HTF_OF_THETA || second || (i == HTF_OF_GRADIENT && e->use == HTF_USE_GRADIENT);
    c->matrix[i] = wanted ? take_doubles(e, c->rows * c->cols) : NULL;
  }
  for (int i = 0; i <= second && c->left != NULL; i++) {
    c->scaled[i] = take_doubles(e, c->rows * c->between);
    bool small = c->between * c->cols <= SMALL;
    c->flipped[i] = small ? take_doubles(e, c->between * c->cols) : NULL;
  }
  if (c->left != NULL && e->use >= HTF_USE_GRADIENT) {
    c->pulled = take_doubles(e, c->rows * c->between);
  }
}

static void lay_out_root(htf_evaluation *e, htf_evaluation_node *root) {
  e->weights = take_rows(e, 1, root->width);
  e->weights_sum = take_doubles(e, root->width);
  if (e->use == HTF_USE_HESSIAN) {
    e->e = take_doubles(e, e->count);
  }
  if (root->children > 2 && !e->whole) {
    e->panel_product = take_rows(e, HTF_PANEL, root->width);
    e->panel_slope = take_rows(e, HTF_PANEL, root->width);
    return;
  }
  for (int i = 0; i < 2; i++) {
    lay_out_side(e, i);
  }
}

// ---- tables of rows -------------------------------------------------------------------

// The index of each row of a leaf whose storage has all rows of W; NULL where storage has
// the rows themselves.
static const int32_t *index_of(const htf_evaluation *e, int node) {
  const htf_evaluation_node *v = &e->nodes[node];
  bool indexed = v->children == 0 && v->inputs == NULL;
  return indexed ? htf_points_index(e->points, node) : NULL;
}

// The row in child i's storage for each row of v, or of the side of v that child i is in.
static void find_factor(htf_evaluation *e, int node, int i) {
  htf_evaluation_node *v = &e->nodes[node];
  const int32_t *gather = htf_points_gather(e->points, node, i);
  const int32_t *index = index_of(e, htf_tree_child(e->tree, node, i));
  int64_t rows = v->n;
  if (e->whole && node == e->root) {
    rows = e->side[i >= e->side[1].first].n;
  }
  int32_t *at = take_ints(e, rows);
  v->factors[i].at = at;
  for (int64_t k = 0; at != NULL && k < rows; k++) {
    at[k] = index != NULL ? index[gather[k]] : gather[k];
  }
}

// Rows of v sorted by child i's row (a counting sort), as segments for its sums. Strides
// are those that the arena was measured by.
static void find_segments(htf_evaluation *e, int node, int i) {
  htf_evaluation_node *v = &e->nodes[node];
  int child = htf_tree_child(e->tree, node, i);
  const htf_evaluation_node *other = &e->nodes[htf_tree_child(e->tree, node, 1 - i)];
  const int32_t *gather = htf_points_gather(e->points, node, i);
  const int32_t *index = index_of(e, child);
  const int64_t *order = node == e->root ? htf_points_order(e->points) : NULL;
  int64_t count = e->nodes[child].n;
  int32_t *start = take_ints(e, count + 2), *target = take_ints(e, count);
  htf_term *term = take(e, v->n, sizeof *term);
  htf_segments segments = {count, start, term, target};
  v->segments[i] = segments;
  if (e->arena == NULL) {
    return;
  }
  for (int64_t r = 0; r < count; r++) {
    target[r] = index != NULL ? index[r] : (int32_t)r;
  }
  for (int64_t k = 0; k < v->n; k++) {
    start[gather[k] + 2]++; // one too far: the placing below moves each start by one
  }
  for (int64_t r = 0; r < count; r++) {
    start[r + 2] += start[r + 1];
  }
  for (int64_t k = 0; k < v->n; k++) {
    int32_t place = start[gather[k] + 1]++;
    int64_t row = v->factors[1 - i].at[k];
    term[place] = htf_term_of((uint32_t)(order != NULL ? order[k] : k * v->slope.stride),
                              (uint32_t)(row * other->value.stride));
  }
}

// What a side over all entries needs of segments: its rows, one after another.
static void count_rows(htf_evaluation *e, int i) {
  int64_t rows = e->side[i].n;
  int32_t *target = take_ints(e, rows);
  e->nodes[e->root].segments[i] = (htf_segments){.count = rows, .target = target};
  for (int64_t r = 0; target != NULL && r < rows; r++) {
    target[r] = (int32_t)r;
  }
}

static void lay_out_links(htf_evaluation *e, int node) {
  htf_evaluation_node *v = &e->nodes[node];
  for (int i = 0; i < v->children; i++) {
    find_factor(e, node, i);
  }
  bool root = node == e->root, sums = e->use >= HTF_USE_GRADIENT;
  for (int i = 0; i < 2; i++) {
    if (root && e->whole) {
      count_rows(e, i);
    } else if (v->children == 2 && (root || sums)) {
      find_segments(e, node, i);
    }
  }
}

// ---- all of it ------------------------------------------------------------------------

static void walk(htf_evaluation *e) {
  int most = 2;
  e->bytes = 0;
  htf_rows shared = take_shared(e);
  for (int i = 0; i <= e->root; i++) {
    htf_evaluation_node *v = &e->nodes[i];
    if (v->children == 0) {
      lay_out_leaf(e, v);
    } else {
      lay_out_links(e, i);
      most = v->children > most ? v->children : most;
      if (v->bare) {
        lay_out_bare(e, v);
      } else if (i < e->root) {
        lay_out_interior(e, v, shared);
      }
    }
  }
  lay_out_core(e);
  lay_out_root(e, &e->nodes[e->root]);
  e->work = take_doubles(e, 2 * 64 * (int64_t)most);
}

// Whether the sums of child i are added up row by row rather than each written once.
static bool adds_up(const htf_evaluation *e, int node, int i) {
  if (e->whole && node == e->root) {
    return e->side[i >= e->side[1].first].children > 1;
  }
  return e->nodes[node].children != 2;
}

static void describe(htf_evaluation *e, int node, int place) {
  htf_evaluation_node *v = &e->nodes[node];
  v->children = htf_tree_children(e->tree, node);
  v->parent = htf_tree_parent(e->tree, node);
  v->n = htf_points_rows(e->points, node);
  v->rows = htf_model_rows(e->model, node);
  v->cols = htf_model_cols(e->model, node);
  v->width = pad(v->rows);
  v->outer = pad(v->cols);
  v->offset = htf_model_offset(e->model, node);
  v->inputs = htf_points_inputs(e->points, node);
  v->stored = index_of(e, node) != NULL ? v->rows : v->n;
  v->factors = e->factors + place;
  v->segments = e->segments + place;
  for (int i = 0; i < v->children; i++) {
    htf_evaluation_node *child = &e->nodes[htf_tree_child(e->tree, node, i)];
    child->as_factor = &v->factors[i];
    child->partial = adds_up(e, node, i) || child->n < child->stored;
  }
}

// A factor reads its child's V; a leaf's may move with theta and is set again by bind.
static void aim_factors(htf_evaluation *e) {
  for (int i = 0; i < e->root; i++) {
    htf_evaluation_node *v = &e->nodes[i];
    v->as_factor->value = v->value.value;
    v->as_factor->tangent = v->value.tangent;
    v->as_factor->stride = v->value.stride;
    v->as_factor->sum_stride = v->adjoint.stride;
  }
}

static void split_root(htf_evaluation *e) {
  for (int i = 0; i < 2; i++) {
    htf_evaluation_side *side = &e->side[i];
    if (e->whole) {
      side->children = htf_points_group_children(e->points, i, &side->first);
      side->n = htf_points_group_rows(e->points, i);
    } else {
      side->first = i;
      side->children = 1;
      side->n = htf_points_rows(e->points, htf_tree_child(e->tree, e->root, i));
    }
  }
}

// What a term can address.
static htf_status check_sizes(const htf_evaluation *e) {
  htf_status status = HTF_OK;
  for (int i = 0; i < e->root; i++) {
    const htf_evaluation_node *v = &e->nodes[i];
    int64_t widest = v->children > 0 && v->width > v->outer ? v->width : v->outer;
    HTF_CHECK(v->stored <= UINT32_MAX / stride_of(widest), HTF_E_MEMORY,
              "a node's table of %lld x %lld has more than 2^32 numbers",
              (long long)v->stored, (long long)widest);
  }
done:
  return status;
}

htf_status htf_evaluation__lay_out(htf_evaluation *e) {
  htf_status status = HTF_OK;
  int nodes = htf_tree_nodes(e->tree), place = 0;
  HTF_NEW(e->nodes, nodes);
  HTF_NEW(e->factors, nodes); // one for each node but the root
  HTF_NEW(e->shifted, nodes);
  HTF_NEW(e->segments, nodes);
  split_root(e);
  for (int i = 0; i < nodes; i++) {
    describe(e, i, place);
    place += e->nodes[i].children;
  }
  htf_evaluation__find_core(e);
  HTF_TRY(check_sizes(e));
  walk(e);
  HTF_NEW(e->arena, e->bytes);
  walk(e);
  aim_factors(e);
  for (int64_t r = 0; e->nodes[e->root].offset < 0 && r < e->nodes[e->root].rows; r++) {
    e->weights.value[r] = 1;
  }
done:
  return status;
}

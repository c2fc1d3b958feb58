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

// A row stride for wide rows that are not a power of two apart, where a block of columns
// of all rows would fall into few sets of the cache.
static int64_t stride_of(int64_t width) {
  return width % 256 == 0 ? width + PADDING : width;
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

// ---- tables of floating-point numbers -------------------------------------------------

static void lay_out_leaf(htf_evaluation *e, htf_evaluation_node *v) {
  v->direct = v->cols == v->outer;
  v->value.stride = v->adjoint.stride = v->cols;
  if (!v->direct) {
    v->value = take_rows(e, v->rows, v->outer);
    if (e->use >= HTF_USE_GRADIENT) {
      v->adjoint = take_rows(e, v->rows, v->outer);
    }
  }
}

// BLAS is slow at A B^T where matrices are small: then W is kept transposed as well.
enum { SMALL = 128 * 128 };

static void lay_out_interior(htf_evaluation *e, htf_evaluation_node *v, htf_rows shared) {
  v->value = take_rows(e, v->n, v->outer);
  v->slope = shared;
  v->slope.stride = stride_of(v->width);
  for (int i = 0; i < (int)e->use && v->rows * v->cols <= SMALL; i++) {
    v->flipped[i] = take_doubles(e, v->rows * v->cols);
  }
  if (e->use == HTF_USE_HESSIAN) {
    take_pair(e, v->n, v->width, &v->product.value, &v->product.tangent,
              &v->product.stride);
    take_pair(e, v->n, v->outer, &v->adjoint.tangent, &v->adjoint.value,
              &v->adjoint.stride);
    v->slope.value = take_doubles(e, v->n * v->slope.stride);
  } else {
    v->product = take_rows(e, v->n, v->width);
    if (e->use == HTF_USE_GRADIENT) {
      v->adjoint = take_rows(e, v->n, v->outer);
    }
  }
}

// dP and dP' live only until they are summed into the children, so that all nodes share
// them; but second order needs dP again.
static htf_rows take_shared_slope(htf_evaluation *e) {
  htf_rows shared = {0};
  int64_t most = 0;
  for (int i = 0; i < e->root; i++) {
    const htf_evaluation_node *v = &e->nodes[i];
    int64_t size = v->children == 0 ? 0 : v->n * stride_of(v->width);
    most = size > most ? size : most;
  }
  if (e->use == HTF_USE_GRADIENT) {
    shared.value = take_doubles(e, most);
  } else if (e->use == HTF_USE_HESSIAN) {
    shared.tangent = take_doubles(e, most);
  }
  return shared;
}

static void lay_out_root(htf_evaluation *e, htf_evaluation_node *root) {
  e->weights = take_rows(e, 1, root->width);
  e->weights_sum = take_doubles(e, root->width);
  if (e->use == HTF_USE_HESSIAN) {
    e->e = take_doubles(e, e->count);
  }
  if (root->children > 2) {
    e->panel_product = take_rows(e, HTF_PANEL, root->width);
    e->panel_slope = take_rows(e, HTF_PANEL, root->width);
    return;
  }
  for (int i = 0; i < 2 && e->use == HTF_USE_HESSIAN; i++) {
    htf_evaluation_node *child = &e->nodes[htf_tree_child(e->tree, e->root, i)];
    child->sum = take_doubles(e, child->n * child->outer);
  }
}

// ---- tables of rows -------------------------------------------------------------------

// The row in child i's storage for each row of v: a leaf's storage has all rows of W.
static void find_factor(htf_evaluation *e, int node, int i) {
  htf_evaluation_node *v = &e->nodes[node];
  int child = htf_tree_child(e->tree, node, i);
  const int32_t *gather = htf_points_gather(e->points, node, i);
  bool leaf = e->nodes[child].children == 0;
  int32_t *at = take_ints(e, v->n);
  v->factors[i].at = at;
  for (int64_t k = 0; at != NULL && k < v->n; k++) {
    at[k] = leaf ? htf_points_index(e->points, child)[gather[k]] : gather[k];
  }
}

// Rows of v sorted by child i's row (a counting sort), as segments for its sums.
static void find_segments(htf_evaluation *e, int node, int i) {
  htf_evaluation_node *v = &e->nodes[node];
  int child = htf_tree_child(e->tree, node, i);
  bool leaf = e->nodes[child].children == 0;
  const int32_t *gather = htf_points_gather(e->points, node, i);
  const int64_t *order = htf_points_order(e->points);
  int64_t count = e->nodes[child].n;
  int32_t *start = take_ints(e, count + 2), *target = take_ints(e, count);
  int32_t *term = take_ints(e, v->n), *other = take_ints(e, v->n);
  htf_segments segments = {count, start, term, other, target};
  v->segments[i] = segments;
  if (e->arena == NULL) {
    return;
  }
  for (int64_t r = 0; r < count; r++) {
    target[r] = leaf ? htf_points_index(e->points, child)[r] : (int32_t)r;
  }
  for (int64_t k = 0; k < v->n; k++) {
    start[gather[k] + 2]++; // one too far: the placing below moves each start by one
  }
  for (int64_t r = 0; r < count; r++) {
    start[r + 2] += start[r + 1];
  }
  for (int64_t k = 0; k < v->n; k++) {
    int32_t place = start[gather[k] + 1]++;
    term[place] = node == e->root ? (int32_t)order[k] : (int32_t)k;
    other[place] = v->factors[1 - i].at[k];
  }
}

static void lay_out_links(htf_evaluation *e, int node) {
  htf_evaluation_node *v = &e->nodes[node];
  for (int i = 0; i < v->children; i++) {
    find_factor(e, node, i);
  }
  for (int i = 0; v->children == 2 && i < 2; i++) {
    find_segments(e, node, i);
  }
}

// ---- all of it ------------------------------------------------------------------------

static void walk(htf_evaluation *e) {
  int most = 2;
  e->bytes = 0;
  htf_rows shared = take_shared_slope(e);
  for (int i = 0; i <= e->root; i++) {
    htf_evaluation_node *v = &e->nodes[i];
    if (v->children == 0) {
      lay_out_leaf(e, v);
    } else {
      lay_out_links(e, i);
      most = v->children > most ? v->children : most;
      if (i < e->root) {
        lay_out_interior(e, v, shared);
      }
    }
  }
  lay_out_root(e, &e->nodes[e->root]);
  e->work = take_doubles(e, 2 * 64 * (int64_t)most);
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
  v->factors = e->factors + place;
  v->segments = e->segments + place;
  for (int i = 0; i < v->children; i++) {
    htf_evaluation_node *child = &e->nodes[htf_tree_child(e->tree, node, i)];
    child->as_factor = &v->factors[i];
    child->partial = v->children > 2 || (child->children == 0 && child->n < child->rows);
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

htf_status htf_evaluation__lay_out(htf_evaluation *e) {
  htf_status status = HTF_OK;
  int nodes = htf_tree_nodes(e->tree), place = 0;
  HTF_NEW(e->nodes, nodes);
  HTF_NEW(e->factors, nodes); // one for each node but the root
  HTF_NEW(e->shifted, nodes);
  HTF_NEW(e->segments, nodes);
  for (int i = 0; i < nodes; i++) {
    describe(e, i, place);
    place += e->nodes[i].children;
  }
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

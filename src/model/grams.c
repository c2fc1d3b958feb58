// SPDX-License-Identifier: BSD-3-Clause
// Norms from the factors, by Gram matrices: of the end tensor, and of its part that flows
// through each local component.
//
//   up:    G_v = W^(v)^T (o_c G_c) W^(v),  o elementwise, c the children; a leaf W^T W
//   down:  H_root = 1;  T_v = W^(v) H_v W^(v)^T;  H_c = T_v o (o_d G_d), d the others
//
// ||W_H||^2 = G_root, and the part through (v, r) has ||.||^2 = T_v[r, r] prod_c G_c[r, r].
// Cost 4 R^3 a node up, 4 R^3 down.
#include <math.h>

#include "htflow/dense.h"
#include "htflow/memory.h"
#include "htflow/model.h"

// data 2^exponent, [rows, rows]: squares of small tensors of high order would underflow.
typedef struct gram {
  double *data;
  int64_t rows;
  int exponent;
} gram;

typedef struct sweep {
  const htf_model *model;
  const htf_tree *tree;
  gram *up, *down; // [nodes]: G_v and H_v [R_parent]; `down` is NULL where not asked for
  gram product;    // [R, R] for the largest R
  double *work;    // [rows, cols] of the largest matrix
} sweep;

static void rescale(gram *g) {
  double largest = 0;
  int exponent = 0;
  for (int64_t i = 0; i < g->rows * g->rows; i++) {
    largest = fmax(largest, fabs(g->data[i]));
  }
  if (largest > 0 && isfinite(largest)) {
    frexp(largest, &exponent);
  }
  for (int64_t i = 0; i < g->rows * g->rows; i++) {
    g->data[i] = ldexp(g->data[i], -exponent);
  }
  g->exponent += exponent;
}

static void multiply(const gram *by, gram *g) {
  for (int64_t i = 0; i < g->rows * g->rows; i++) {
    g->data[i] *= by->data[i];
  }
  g->exponent += by->exponent;
}

static void fill(int64_t rows, double value, gram *g) {
  g->rows = rows;
  g->exponent = 0;
  for (int64_t i = 0; i < rows * rows; i++) {
    g->data[i] = value;
  }
}

static htf_matrix view(const gram *g) {
  return htf_matrix_view(g->data, g->rows, g->rows);
}

static htf_matrix weights(const sweep *s, int v, const double *theta) {
  return htf_matrix_view(theta + htf_model_offset(s->model, v), htf_model_rows(s->model, v),
                         htf_model_cols(s->model, v));
}

// ---- sweeps ---------------------------------------------------------------------------

// o_c G_c of v's children but `without` into the product.
static void multiply_children(sweep *s, int v, int without, gram *g) {
  for (int i = 0; i < htf_tree_children(s->tree, v); i++) {
    int child = htf_tree_child(s->tree, v, i);
    if (child != without) {
      multiply(&s->up[child], g);
    }
  }
}

static double sum(const gram *g) {
  double total = 0;
  for (int64_t i = 0; i < g->rows * g->rows; i++) {
    total += g->data[i];
  }
  return total;
}

static void rise(sweep *s, int v, const double *theta) {
  gram *out = &s->up[v];
  bool leaf = htf_tree_children(s->tree, v) == 0;
  if (!leaf) {
    fill(htf_model_rows(s->model, v), 1, &s->product);
    multiply_children(s, v, -1, &s->product);
  }
  out->exponent = leaf ? 0 : s->product.exponent;
  if (htf_model_offset(s->model, v) < 0) { // all ones
    out->data[0] = sum(&s->product);
  } else {
    htf_matrix w = weights(s, v, theta), moved = w;
    if (!leaf) {
      moved = htf_matrix_view(s->work, w.rows, w.cols);
      htf_dense_multiply(HTF_PLAIN, view(&s->product), HTF_PLAIN, w, 0, moved);
    }
    htf_dense_multiply(HTF_TRANSPOSED, w, HTF_PLAIN, moved, 0, view(out));
  }
  rescale(out);
}

// T_v into the product.
static void carry(sweep *s, int v, const double *theta) {
  const gram *in = &s->down[v];
  fill(htf_model_rows(s->model, v), 1, &s->product); // as of weights that are all ones
  if (htf_model_offset(s->model, v) >= 0) {
    htf_matrix w = weights(s, v, theta), moved = htf_matrix_view(s->work, w.rows, w.cols);
    htf_dense_multiply(HTF_PLAIN, w, HTF_PLAIN, view(in), 0, moved);
    htf_dense_multiply(HTF_PLAIN, moved, HTF_TRANSPOSED, w, 0, view(&s->product));
  }
  s->product.exponent = in->exponent;
  rescale(&s->product);
}

static void descend(sweep *s, int v) {
  for (int i = 0; i < htf_tree_children(s->tree, v); i++) {
    int child = htf_tree_child(s->tree, v, i);
    gram *out = &s->down[child];
    fill(s->product.rows, 1, out);
    multiply(&s->product, out);
    multiply_children(s, v, child, out);
    rescale(out);
  }
}

// ---- life -----------------------------------------------------------------------------

static htf_status get_memory(sweep *s, bool down) {
  htf_status status = HTF_OK;
  int nodes = htf_tree_nodes(s->tree);
  int64_t widest = 1, most = 1;
  HTF_NEW(s->up, nodes);
  if (down) {
    HTF_NEW(s->down, nodes);
  }
  for (int v = 0; v < nodes; v++) {
    int64_t rows = htf_model_rows(s->model, v), cols = htf_model_cols(s->model, v);
    most = rows * cols > most ? rows * cols : most;
    widest = htf_tree_children(s->tree, v) > 0 && rows > widest ? rows : widest;
    s->up[v].rows = cols;
    HTF_NEW(s->up[v].data, cols * cols);
    if (down) {
      s->down[v].rows = cols;
      HTF_NEW(s->down[v].data, cols * cols);
    }
  }
  HTF_NEW(s->product.data, widest * widest);
  HTF_NEW(s->work, most);
done:
  return status;
}

static void drop(sweep *s) {
  for (int v = 0; v < htf_tree_nodes(s->tree); v++) {
    if (s->up != NULL) {
      HTF_FREE(s->up[v].data);
    }
    if (s->down != NULL) {
      HTF_FREE(s->down[v].data);
    }
  }
  HTF_FREE(s->up);
  HTF_FREE(s->down);
  HTF_FREE(s->product.data);
  HTF_FREE(s->work);
}

// sqrt(square 2^exponent).
static double root_of(double square, int exponent) {
  double kept = square < 0 ? 0 : square; // keeps NaN
  return ldexp(sqrt(ldexp(kept, exponent % 2)), exponent / 2);
}

// ---- norms ----------------------------------------------------------------------------

htf_status htf_model_norm(const htf_model *model, const double *theta, double *norm) {
  htf_status status = HTF_OK;
  sweep s = {.model = model, .tree = htf_model_tree(model)};
  int root = htf_tree_root(s.tree);
  HTF_TRY(get_memory(&s, false));
  for (int v = 0; v <= root; v++) {
    rise(&s, v, theta);
  }
  *norm = root_of(s.up[root].data[0], s.up[root].exponent);
done:
  drop(&s);
  return status;
}

// Of the components of v, from T_v in the product.
static void part_norms(const sweep *s, int v, double *norms) {
  int64_t rows = s->product.rows;
  for (int64_t r = 0; r < rows; r++) {
    double square = s->product.data[r * rows + r];
    int exponent = s->product.exponent;
    for (int i = 0; i < htf_tree_children(s->tree, v); i++) {
      const gram *g = &s->up[htf_tree_child(s->tree, v, i)];
      square *= g->data[r * rows + r];
      exponent += g->exponent;
    }
    norms[r] = root_of(square, exponent);
  }
}

htf_status htf_model_part_norms(const htf_model *model, const double *theta,
                                double *norms) {
  htf_status status = HTF_OK;
  sweep s = {.model = model, .tree = htf_model_tree(model)};
  int root = htf_tree_root(s.tree);
  int64_t at = 0;
  HTF_TRY(get_memory(&s, true));
  for (int v = 0; v <= root; v++) {
    rise(&s, v, theta);
    at += htf_tree_children(s.tree, v) > 0 ? htf_model_rows(model, v) : 0;
  }
  fill(1, 1, &s.down[root]);
  for (int v = root; v >= 0; v--) {
    if (htf_tree_children(s.tree, v) > 0) {
      carry(&s, v, theta);
      at -= htf_model_rows(model, v);
      part_norms(&s, v, norms + at);
      descend(&s, v);
    }
  }
done:
  drop(&s);
  return status;
}

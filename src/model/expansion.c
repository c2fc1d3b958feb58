// SPDX-License-Identifier: BSD-3-Clause
// The whole end tensor, which is an evaluation at all entries, and its norm from the
// factors.
#include <math.h>

#include "htflow/dense.h"
#include "htflow/evaluation.h"
#include "htflow/memory.h"

struct htf_expansion {
  htf_points *points;
  htf_evaluation *evaluation;
};

htf_status htf_expansion_create(const htf_model *model, htf_expansion **out) {
  htf_status status = HTF_OK;
  htf_expansion *x = NULL;
  HTF_NEW(x, 1);
  HTF_TRY(htf_points_create_all(htf_model_tree(model), htf_model_shape(model), &x->points));
  HTF_TRY(htf_evaluation_create(model, x->points, HTF_USE_VALUES, &x->evaluation));
  *out = x;
  x = NULL;
done:
  htf_expansion_destroy(&x);
  return status;
}

void htf_expansion_destroy(htf_expansion **out) {
  htf_expansion *x = *out;
  if (x != NULL) {
    htf_evaluation_destroy(&x->evaluation);
    htf_points_destroy(&x->points);
    HTF_FREE(*out);
  }
}

void htf_expansion_apply(htf_expansion *x, const double *theta, double *tensor) {
  htf_evaluation_forward(x->evaluation, theta, tensor);
}

// ---- the norm -------------------------------------------------------------------------

// W^T M W [cols, cols] into gram; M [rows, rows] symmetric, NULL for the identity.
static void squeeze(htf_matrix w, const double *m, double *work, double *gram) {
  htf_matrix mw = w;
  if (m != NULL) {
    mw = htf_matrix_view(work, w.rows, w.cols);
    htf_dense_multiply(HTF_PLAIN, htf_matrix_view(m, w.rows, w.rows), HTF_PLAIN, w, 0, mw);
  }
  htf_dense_multiply(HTF_TRANSPOSED, w, HTF_PLAIN, mw, 0,
                     htf_matrix_view(gram, w.cols, w.cols));
}

// The elementwise product of the children's Gram matrices into the first child's.
static double *multiply_grams(const htf_model *model, int node, double **grams) {
  const htf_tree *tree = htf_model_tree(model);
  int64_t width = htf_model_rows(model, node);
  double *product = grams[htf_tree_child(tree, node, 0)];
  for (int i = 1; i < htf_tree_children(tree, node); i++) {
    const double *gram = grams[htf_tree_child(tree, node, i)];
    for (int64_t s = 0; s < width * width; s++) {
      product[s] *= gram[s];
    }
  }
  return product;
}

static double sum(int64_t n, const double *x) {
  double total = 0;
  for (int64_t i = 0; i < n; i++) {
    total += x[i];
  }
  return total;
}

// Divides by a power of two, so that the largest entry is about one, and returns its
// exponent: squares of small tensors of high order would underflow.
static int rescale(int64_t n, double *gram) {
  double largest = 0;
  int exponent = 0;
  for (int64_t i = 0; i < n; i++) {
    largest = fmax(largest, fabs(gram[i]));
  }
  if (largest > 0 && isfinite(largest)) {
    frexp(largest, &exponent);
  }
  for (int64_t i = 0; i < n; i++) {
    gram[i] = ldexp(gram[i], -exponent);
  }
  return exponent;
}

htf_status htf_model_norm(const htf_model *model, const double *theta, double *norm) {
  htf_status status = HTF_OK;
  const htf_tree *tree = htf_model_tree(model);
  int nodes = htf_tree_nodes(tree), root = htf_tree_root(tree);
  int64_t most = 0;
  int exponent = 0;
  double **grams = NULL, *work = NULL;
  HTF_NEW(grams, nodes);
  for (int v = 0; v < nodes; v++) {
    int64_t rows = htf_model_rows(model, v), cols = htf_model_cols(model, v);
    most = rows * cols > most ? rows * cols : most;
    HTF_NEW(grams[v], cols * cols);
  }
  HTF_NEW(work, most);
  for (int v = 0; v < nodes; v++) {
    bool leaf = htf_tree_children(tree, v) == 0;
    const double *m = leaf ? NULL : multiply_grams(model, v, grams);
    int64_t rows = htf_model_rows(model, v), cols = htf_model_cols(model, v);
    if (htf_model_offset(model, v) < 0) { // all ones
      grams[v][0] = sum(rows * rows, m);
    } else {
      const double *w = theta + htf_model_offset(model, v);
      squeeze(htf_matrix_view(w, rows, cols), m, work, grams[v]);
    }
    exponent += rescale(cols * cols, grams[v]);
  }
  double square = grams[root][0] < 0 ? 0 : grams[root][0]; // keeps NaN
  *norm = ldexp(sqrt(ldexp(square, exponent % 2)), exponent / 2);
done:
  for (int v = 0; grams != NULL && v < nodes; v++) {
    HTF_FREE(grams[v]);
  }
  HTF_FREE(grams);
  HTF_FREE(work);
  return status;
}

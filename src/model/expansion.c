// SPDX-License-Identifier: BSD-3-Clause
// The whole end tensor, and its norm from the factors.
//
// Each node has V [n_v, R_parent] over all tuples of its modes, in tree order, row-major.
// At the root the children are split into two groups, whose tuples number n_1 and n_2 with
// row-wise Khatri-Rao products K_1 [n_1, R] and K_2 [n_2, R]: the tensor is
// K_1 diag(w) K_2^T [n_1, n_2]. An entry's place in the tensor is a sum of a part of the
// first group's tuple and one of the second's, so that any order of modes is undone by a
// pair of offset tables. K_1 and the P of the nodes below are made in panels of rows.
#include <math.h>

#include "htflow/dense.h"
#include "htflow/memory.h"
#include "htflow/model.h"

enum { PANEL = 128 };

struct htf_expansion {
  const htf_model *model;
  const htf_tree *tree;
  int split;                  // the root's children before it are the first group
  int64_t n1, n2;             // tuples of the groups
  int64_t *tuples;            // [nodes]: n_v
  double **values;            // [nodes]: V of interior nodes; of leaves set from theta
  double *panel;              // [PANEL, largest R]
  double *second;             // K_2 diag(w) [n_2, R]
  double *entries;            // [PANEL, n_2]
  int64_t *offset1, *offset2; // where a group's tuples lie in the tensor [n_1], [n_2]
};

static const double MOST_ENTRIES = 0x1p31;

// ---- making ---------------------------------------------------------------------------

// offset[i] for all tuples of the modes of children first .. last - 1 of the root.
static void fill_offsets(const htf_expansion *x, int first, int last, int64_t *offset) {
  const int64_t *shape = htf_model_shape(x->model);
  int root = htf_tree_root(x->tree);
  int64_t count = 1;
  offset[0] = 0;
  for (int i = last - 1; i >= first; i--) {
    const int *modes;
    int size = htf_tree_modes(x->tree, htf_tree_child(x->tree, root, i), &modes);
    for (int j = size - 1; j >= 0; j--) { // earlier modes vary more slowly
      int64_t stride = 1;
      for (int n = modes[j] + 1; n < htf_tree_order(x->tree); n++) {
        stride *= shape[n];
      }
      for (int64_t k = count; k < count * shape[modes[j]]; k++) {
        offset[k] = offset[k % count] + k / count * stride;
      }
      count *= shape[modes[j]];
    }
  }
}

static void count_tuples(htf_expansion *x) {
  for (int v = 0; v < htf_tree_nodes(x->tree); v++) {
    int children = htf_tree_children(x->tree, v);
    x->tuples[v] = children == 0 ? htf_model_rows(x->model, v) : 1;
    for (int i = 0; i < children; i++) {
      x->tuples[v] *= x->tuples[htf_tree_child(x->tree, v, i)];
    }
  }
}

// The shortest first group that is no smaller than the second.
static void split_root(htf_expansion *x) {
  int root = htf_tree_root(x->tree), children = htf_tree_children(x->tree, root);
  x->n1 = 1;
  x->n2 = x->tuples[root];
  while (x->split == 0 || (x->n1 < x->n2 && x->split < children - 1)) {
    int64_t size = x->tuples[htf_tree_child(x->tree, root, x->split++)];
    x->n1 *= size;
    x->n2 /= size;
  }
}

htf_status htf_expansion_create(const htf_model *model, htf_expansion **out) {
  htf_status status = HTF_OK;
  htf_expansion *x = NULL;
  const htf_tree *tree = htf_model_tree(model);
  int nodes = htf_tree_nodes(tree), root = htf_tree_root(tree);
  int64_t widest = 0;
  HTF_CHECK(htf_model_entries(model) <= MOST_ENTRIES, HTF_E_CONFIG,
            "the whole tensor would take %.3g bytes, the most is %.3g",
            8 * htf_model_entries(model), 8 * MOST_ENTRIES);
  HTF_NEW(x, 1);
  x->model = model;
  x->tree = tree;
  HTF_NEW(x->tuples, nodes);
  HTF_NEW(x->values, nodes);
  count_tuples(x);
  for (int v = 0; v < nodes; v++) {
    int64_t width = htf_tree_width(tree, v);
    widest = width > widest ? width : widest;
    if (width > 0 && v != root) {
      HTF_NEW(x->values[v], x->tuples[v] * htf_model_cols(model, v));
    }
  }
  split_root(x);
  HTF_NEW(x->panel, PANEL * widest);
  HTF_NEW(x->second, x->n2 * htf_model_rows(model, root));
  HTF_NEW(x->entries, PANEL * x->n2);
  HTF_NEW(x->offset1, x->n1);
  HTF_NEW(x->offset2, x->n2);
  fill_offsets(x, 0, x->split, x->offset1);
  fill_offsets(x, x->split, htf_tree_children(tree, root), x->offset2);
  *out = x;
  x = NULL;
done:
  htf_expansion_destroy(&x);
  return status;
}

void htf_expansion_destroy(htf_expansion **out) {
  htf_expansion *x = *out;
  if (x != NULL) {
    for (int v = 0; x->values != NULL && v < htf_tree_nodes(x->tree); v++) {
      if (htf_tree_children(x->tree, v) > 0) {
        HTF_FREE(x->values[v]);
      }
    }
    HTF_FREE(x->tuples);
    HTF_FREE(x->values);
    HTF_FREE(x->panel);
    HTF_FREE(x->second);
    HTF_FREE(x->entries);
    HTF_FREE(x->offset1);
    HTF_FREE(x->offset2);
    HTF_FREE(*out);
  }
}

// ---- the tensor -----------------------------------------------------------------------

// Rows start .. start + rows - 1 of the row-wise Khatri-Rao product of the V of children
// first .. last - 1 of a node: [rows, R].
static void multiply_rows(const htf_expansion *x, int node, int first, int last,
                          int64_t start, int64_t rows, double *product) {
  int64_t width = htf_model_rows(x->model, node);
  for (int64_t k = 0; k < rows; k++) {
    int64_t tuple = start + k;
    for (int i = last - 1; i >= first; i--) {
      int child = htf_tree_child(x->tree, node, i);
      const double *v = x->values[child] + tuple % x->tuples[child] * width;
      tuple /= x->tuples[child];
      for (int64_t s = 0; s < width; s++) {
        product[k * width + s] = i == last - 1 ? v[s] : product[k * width + s] * v[s];
      }
    }
  }
}

static int64_t panel_rows(int64_t total, int64_t start) {
  return total - start < PANEL ? total - start : PANEL;
}

static void expand_node(htf_expansion *x, int node, const double *theta) {
  int64_t width = htf_model_rows(x->model, node), cols = htf_model_cols(x->model, node);
  const double *w = theta + htf_model_offset(x->model, node);
  for (int64_t start = 0; start < x->tuples[node]; start += PANEL) {
    int64_t rows = panel_rows(x->tuples[node], start);
    multiply_rows(x, node, 0, htf_tree_children(x->tree, node), start, rows, x->panel);
    htf_dense_multiply(HTF_PLAIN, htf_matrix_view(x->panel, rows, width), HTF_PLAIN,
                       htf_matrix_view(w, width, cols), 0,
                       htf_matrix_view(x->values[node] + start * cols, rows, cols));
  }
}

static void expand_root(htf_expansion *x, const double *theta, double *tensor) {
  int root = htf_tree_root(x->tree), children = htf_tree_children(x->tree, root);
  int64_t width = htf_model_rows(x->model, root), offset = htf_model_offset(x->model, root);
  multiply_rows(x, root, x->split, children, 0, x->n2, x->second);
  for (int64_t k = 0; offset >= 0 && k < x->n2 * width; k++) {
    x->second[k] *= theta[offset + k % width];
  }
  for (int64_t start = 0; start < x->n1; start += PANEL) {
    int64_t rows = panel_rows(x->n1, start);
    multiply_rows(x, root, 0, x->split, start, rows, x->panel);
    htf_dense_multiply(HTF_PLAIN, htf_matrix_view(x->panel, rows, width), HTF_TRANSPOSED,
                       htf_matrix_view(x->second, x->n2, width), 0,
                       htf_matrix_view(x->entries, rows, x->n2));
    for (int64_t k = 0; k < rows; k++) {
      double *block = tensor + x->offset1[start + k];
      for (int64_t j = 0; j < x->n2; j++) {
        block[x->offset2[j]] = x->entries[k * x->n2 + j];
      }
    }
  }
}

void htf_expansion_apply(htf_expansion *x, const double *theta, double *tensor) {
  for (int v = 0; v < htf_tree_root(x->tree); v++) {
    if (htf_tree_children(x->tree, v) == 0) {
      x->values[v] = (double *)theta + htf_model_offset(x->model, v); // read from only
    } else {
      expand_node(x, v, theta);
    }
  }
  expand_root(x, theta, tensor);
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

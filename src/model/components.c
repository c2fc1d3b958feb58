// SPDX-License-Identifier: BSD-3-Clause
// Local components: their norms, their law's drive, and what the flow conserves. theory.md
// section 3.
#include <math.h>

#include "htflow/memory.h"
#include "htflow/model.h"

int htf_model_component_vectors(const htf_model *model, int node) {
  bool frozen = htf_model_offset(model, node) < 0;
  return htf_tree_children(htf_model_tree(model), node) + (frozen ? 0 : 1);
}

static double dot(int64_t n, const double *x, const double *y) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    sum += x[i] * y[i];
  }
  return sum;
}

// products[r, place] = <column r of W^(child) in x, the same in y>.
static void column_products(const htf_model *model, int child, const double *x,
                            const double *y, int place, int vectors, double *products) {
  int64_t rows = htf_model_rows(model, child), cols = htf_model_cols(model, child);
  int64_t offset = htf_model_offset(model, child);
  for (int64_t r = 0; r < cols; r++) {
    products[r * vectors + place] = 0;
  }
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t r = 0; r < cols; r++) {
      int64_t at = offset + i * cols + r;
      products[r * vectors + place] += x[at] * y[at];
    }
  }
}

// Inner products of the vectors of node v's components between x and y, both laid out as
// theta; products [R_v, K_v]: within a row the children's columns in order, then the row of
// W^(v) unless it is frozen.
static void node_products(const htf_model *model, int node, const double *x,
                          const double *y, double *products) {
  const htf_tree *tree = htf_model_tree(model);
  int children = htf_tree_children(tree, node);
  int vectors = htf_model_component_vectors(model, node);
  for (int i = 0; i < children; i++) {
    column_products(model, htf_tree_child(tree, node, i), x, y, i, vectors, products);
  }
  if (vectors > children) {
    int64_t cols = htf_model_cols(model, node), offset = htf_model_offset(model, node);
    for (int64_t r = 0; r < htf_model_rows(model, node); r++) {
      int64_t at = offset + r * cols;
      products[r * vectors + children] = dot(cols, x + at, y + at);
    }
  }
}

htf_status htf_model_component_norms(const htf_model *model, int node, const double *theta,
                                     double *sigma) {
  htf_status status = HTF_OK;
  int vectors = htf_model_component_vectors(model, node);
  int64_t width = htf_model_rows(model, node);
  double *norms2 = NULL;
  HTF_NEW(norms2, width * vectors);
  node_products(model, node, theta, theta, norms2);
  for (int64_t r = 0; r < width; r++) {
    sigma[r] = 1;
    for (int i = 0; i < vectors; i++) {
      sigma[r] *= sqrt(norms2[r * vectors + i]);
    }
  }
done:
  HTF_FREE(norms2);
  return status;
}

static bool is_interior(const htf_model *model, int node) {
  return htf_tree_children(htf_model_tree(model), node) > 0;
}

static int64_t node_vectors(const htf_model *model, int node) {
  return is_interior(model, node)
             ? htf_model_rows(model, node) * htf_model_component_vectors(model, node)
             : 0;
}

int64_t htf_model_vector_count(const htf_model *model) {
  int64_t count = 0;
  for (int v = 0; v < htf_tree_nodes(htf_model_tree(model)); v++) {
    count += node_vectors(model, v);
  }
  return count;
}

// Those inner products at all nodes.
static void vector_products(const htf_model *model, const double *x, const double *y,
                            double *products) {
  for (int v = 0; v < htf_tree_nodes(htf_model_tree(model)); v++) {
    if (is_interior(model, v)) {
      node_products(model, v, x, y, products);
      products += node_vectors(model, v);
    }
  }
}

void htf_model_vector_norms2(const htf_model *model, const double *theta, double *norms2) {
  vector_products(model, theta, theta, norms2);
}

void htf_model_vector_rates(const htf_model *model, const double *theta,
                            const double *gradient, double *rates) {
  vector_products(model, theta, gradient, rates);
  int64_t count = htf_model_vector_count(model);
  for (int64_t k = 0; k < count; k++) {
    rates[k] *= -2;
  }
}

// The largest difference within a component of a - b: of pairs, as
// (a_i - a_j) - (b_i - b_j) = (a_i - b_i) - (a_j - b_j). b may be NULL for zeros.
static double largest_spread(const htf_model *model, const double *a, const double *b) {
  double largest = 0;
  for (int v = 0; v < htf_tree_nodes(htf_model_tree(model)); v++) {
    int64_t count = node_vectors(model, v);
    int vectors = count > 0 ? htf_model_component_vectors(model, v) : 1;
    for (int64_t r = 0; r < count; r += vectors) {
      double low = INFINITY, high = -INFINITY;
      for (int64_t i = r; i < r + vectors; i++) {
        double x = a[i] - (b == NULL ? 0 : b[i]);
        low = x < low ? x : low;
        high = x > high ? x : high;
      }
      largest = high - low > largest ? high - low : largest;
    }
    a += count;
    b = b == NULL ? NULL : b + count;
  }
  return largest;
}

double htf_model_unbalancedness(const htf_model *model, const double *norms2) {
  return largest_spread(model, norms2, NULL);
}

double htf_model_unbalancedness_drift(const htf_model *model, const double *norms2,
                                      const double *norms2_start) {
  return largest_spread(model, norms2, norms2_start);
}

void htf_model_component_drive(const htf_model *model, int node, const double *theta,
                               const double *gradient, double *drive) {
  int64_t offset = htf_model_offset(model, node), cols = htf_model_cols(model, node);
  HTF_ASSERT(offset >= 0);
  for (int64_t r = 0; r < htf_model_rows(model, node); r++) {
    drive[r] = dot(cols, theta + offset + r * cols, gradient + offset + r * cols);
  }
}

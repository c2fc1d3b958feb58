// SPDX-License-Identifier: BSD-3-Clause
// Balancing theta by Osborne's iteration. theory.md section 3.
//
// The weights stay as they are until the end; what moves is a scale for each vector of
// each component, whose product over a component is kept at one. Entry (i, j) of W^(v) is
// on row i of component (v, i) and on a column of component (parent, j), and gets both
// scales. (To multiply the weights themselves, sweep after sweep, by factors ever nearer to
// one would round them towards zero more often than away from it.)
#include <float.h>
#include <math.h>
#include <string.h>

#include "htflow/memory.h"
#include "htflow/model.h"

enum { MOST_SWEEPS = 10000, SETTLE = 32 };
static const double STILL = 1e-15; // relative move of a norm that counts as none

typedef struct balance {
  const htf_model *model;
  const htf_tree *tree;
  const double *theta;
  double **scales; // [nodes]: of v's components [R_v, K_v], children first; NULL at leaves
  double *norms;   // squared norms of one node's vectors, as they are scaled now
  double *row;     // scales along a row
} balance;

// Scales of the rows (along_rows) or columns of W^(v): of its i-th, base[i * stride], or
// NULL for ones.
static const double *scales_of(const balance *b, int v, bool along_rows, int *stride) {
  int node = along_rows ? v : htf_tree_parent(b->tree, v), place = 0;
  *stride = 0;
  if (node < 0 || b->scales[node] == NULL) {
    return NULL;
  }
  int children = htf_tree_children(b->tree, node);
  while (place < children && htf_tree_child(b->tree, node, place) != v) {
    place++; // v itself is no child of v: its row comes last
  }
  *stride = htf_model_component_vectors(b->model, node);
  return place < *stride ? b->scales[node] + place : NULL; // frozen rows
}

// b->row[j] = scale of column j of W^(v).
static void copy_column_scales(const balance *b, int v) {
  int stride;
  const double *scales = scales_of(b, v, false, &stride);
  for (int64_t j = 0; j < htf_model_cols(b->model, v); j++) {
    b->row[j] = scales == NULL ? 1 : scales[j * stride];
  }
}

// Squared norms of all columns of W^(child) into norms[r * vectors].
static void measure_columns(const balance *b, int child, int vectors, double *norms) {
  int64_t rows = htf_model_rows(b->model, child), cols = htf_model_cols(b->model, child);
  const double *w = b->theta + htf_model_offset(b->model, child);
  int stride;
  const double *scales = scales_of(b, child, true, &stride);
  copy_column_scales(b, child);
  for (int64_t r = 0; r < cols; r++) {
    norms[r * vectors] = 0;
  }
  for (int64_t i = 0; i < rows; i++) {
    double scale = scales == NULL ? 1 : scales[i * stride];
    for (int64_t r = 0; r < cols; r++) {
      double x = scale * w[i * cols + r] * b->row[r];
      norms[r * vectors] += x * x;
    }
  }
}

// Squared norms of all rows of W^(v).
static void measure_rows(const balance *b, int v, int vectors, double *norms) {
  int64_t rows = htf_model_rows(b->model, v), cols = htf_model_cols(b->model, v);
  const double *w = b->theta + htf_model_offset(b->model, v);
  int stride;
  const double *scales = scales_of(b, v, true, &stride);
  copy_column_scales(b, v);
  for (int64_t r = 0; r < rows; r++) {
    double sum = 0;
    for (int64_t j = 0; j < cols; j++) {
      double x = scales[r * stride] * w[r * cols + j] * b->row[j];
      sum += x * x;
    }
    norms[r * vectors] = sum;
  }
}

// Moves the vectors of one component towards the geometric mean of their norms: all the
// way if reach is 1. All get scale zero if one is zero. Logarithms are of ratios, so that
// near the end they and their errors vanish; the first scale keeps the product at one.
// Returns the largest move in log norm that was due. norms2 is overwritten.
static double balance_component(int vectors, double reach, double *norms2, double *scales) {
  double sum = 0, moved = 0, first = norms2[0];
  for (int i = 0; i < vectors; i++) {
    if (norms2[i] == 0) {
      moved = scales[0] == 0 ? 0 : 1;
      memset(scales, 0, (size_t)vectors * sizeof *scales);
      return moved;
    }
    norms2[i] = log(norms2[i] / first);
    sum += norms2[i];
  }
  long double product = 1;
  for (int i = 0; i < vectors; i++) {
    double move = (sum / vectors - norms2[i]) / 2;
    moved = fabs(move) > moved || isnan(move) ? fabs(move) : moved;
    scales[i] *= exp(reach * move);
    product *= scales[i];
  }
  if (fabsl(product - 1) > vectors * DBL_EPSILON / 2) { // more than their roundings
    scales[0] = (double)(scales[0] / product);
  }
  return moved;
}

// All components of a node: they share no vector.
static double balance_node(balance *b, int v, double reach) {
  int children = htf_tree_children(b->tree, v);
  int vectors = htf_model_component_vectors(b->model, v);
  double moved = 0;
  for (int i = 0; i < children; i++) {
    measure_columns(b, htf_tree_child(b->tree, v, i), vectors, b->norms + i);
  }
  if (vectors > children) {
    measure_rows(b, v, vectors, b->norms + children);
  }
  for (int64_t r = 0; r < htf_model_rows(b->model, v); r++) {
    double move = balance_component(vectors, reach, b->norms + r * vectors,
                                    b->scales[v] + r * vectors);
    moved = move > moved || isnan(move) ? move : moved;
  }
  return moved;
}

// Deep trees converge slowly. Moves that go beyond the mean, by omega < 2, make it fast
// (successive over-relaxation; Young, Trans. AMS 76, 1954): from the factor lambda by which
// the moves now shrink in a sweep, mu^2 = (lambda + omega - 1)^2 / (lambda omega^2), and
// the best omega is 2 / (1 + sqrt(1 - mu^2)). Back to 1 where moves grow.
static double choose_reach(double omega, double lambda) {
  double mu = (lambda + omega - 1) / omega, mu2 = mu * mu / lambda;
  return lambda < 1 && mu2 < 1 ? 2 / (1 + sqrt(1 - mu2)) : 1;
}

static void apply(const balance *b, double *theta) {
  for (int v = 0; v < htf_tree_nodes(b->tree); v++) {
    int64_t offset = htf_model_offset(b->model, v), cols = htf_model_cols(b->model, v);
    int stride;
    const double *scales = scales_of(b, v, true, &stride);
    copy_column_scales(b, v);
    for (int64_t i = 0; offset >= 0 && i < htf_model_rows(b->model, v); i++) {
      double scale = scales == NULL ? 1 : scales[i * stride];
      for (int64_t j = 0; j < cols; j++) {
        theta[offset + i * cols + j] *= scale * b->row[j];
      }
    }
  }
}

static htf_status open_balance(balance *b) {
  htf_status status = HTF_OK;
  int nodes = htf_tree_nodes(b->tree);
  int64_t widest = 1;
  HTF_NEW(b->scales, nodes);
  for (int v = 0; v < nodes; v++) {
    int64_t width = htf_tree_width(b->tree, v); // 0 for a leaf
    int vectors = width > 0 ? htf_model_component_vectors(b->model, v) : 0;
    widest = width > widest ? width : widest;
    if (width > 0) {
      HTF_NEW(b->scales[v], width * vectors);
    }
    for (int64_t i = 0; i < width * vectors; i++) {
      b->scales[v][i] = 1;
    }
  }
  HTF_NEW(b->norms, htf_model_vector_count(b->model));
  HTF_NEW(b->row, widest);
done:
  return status;
}

htf_status htf_model_balance(const htf_model *model, double *theta) {
  htf_status status = HTF_OK;
  balance b = {.model = model, .tree = htf_model_tree(model), .theta = theta};
  double moved = 1, marked = 1, reach = 1;
  HTF_TRY(open_balance(&b));
  for (int sweep = 0; moved > STILL; sweep++) {
    HTF_CHECK(sweep < MOST_SWEEPS, HTF_E_NUMERIC,
              "not balanced after %d sweeps, norms still move by %g", sweep, moved);
    moved = 0;
    for (int v = 0; v < htf_tree_nodes(b.tree); v++) {
      double move = b.scales[v] == NULL ? 0 : balance_node(&b, v, reach);
      HTF_CHECK(isfinite(move), HTF_E_NUMERIC, "weights to balance are not finite");
      moved = move > moved ? move : moved;
    }
    if (sweep % SETTLE == 0) {
      reach = sweep == 0 ? 1 : choose_reach(reach, pow(moved / marked, 1.0 / SETTLE));
      marked = moved;
    }
  }
  apply(&b, theta);
done:
  for (int v = 0; b.scales != NULL && v < htf_tree_nodes(b.tree); v++) {
    HTF_FREE(b.scales[v]);
  }
  HTF_FREE(b.scales);
  HTF_FREE(b.norms);
  HTF_FREE(b.row);
  return status;
}

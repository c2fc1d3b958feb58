// SPDX-License-Identifier: BSD-3-Clause
// Balancing theta by Osborne's iteration. theory.md section 3.
#include <math.h>

#include "htflow/memory.h"
#include "model_impl.h"

enum { MOST_SWEEPS = 10000 };
static const double STILL = 1e-15; // relative move of a norm that counts as none

// Turns a component's squared norms into the factors that give each vector the geometric
// mean of the norms; zeros if one of them is zero. Logarithms are of ratios, so that near
// the end they and their errors vanish. Returns the largest |factor - 1|.
static double find_factors(int vectors, double *norms2) {
  double first = norms2[0], sum = 0, moved = 0;
  for (int i = 0; i < vectors; i++) {
    if (norms2[i] == 0) {
      for (int j = 0; j < vectors; j++) {
        moved = norms2[j] == 0 ? moved : 1;
        norms2[j] = 0;
      }
      return moved;
    }
    sum += log(norms2[i] / first);
  }
  double mean2 = first * exp(sum / vectors);
  for (int i = 0; i < vectors; i++) {
    norms2[i] = sqrt(mean2 / norms2[i]);
    double move = fabs(norms2[i] - 1);
    moved = move > moved || isnan(move) ? move : moved;
  }
  return moved;
}

// Multiplies the vectors of node v's components by factors [R_v, K_v].
static void scale(const htf_model *model, int node, const double *factors, double *theta) {
  const htf_tree *tree = htf_model_tree(model);
  int children = htf_tree_children(tree, node);
  int vectors = htf_model_component_vectors(model, node);
  int64_t width = htf_model_rows(model, node);
  for (int i = 0; i < children; i++) {
    int child = htf_tree_child(tree, node, i);
    double *w = theta + htf_model_offset(model, child);
    for (int64_t j = 0; j < htf_model_rows(model, child); j++) {
      for (int64_t r = 0; r < width; r++) {
        w[j * width + r] *= factors[r * vectors + i];
      }
    }
  }
  if (vectors > children) {
    int64_t cols = htf_model_cols(model, node);
    double *w = theta + htf_model_offset(model, node);
    for (int64_t r = 0; r < width; r++) {
      for (int64_t j = 0; j < cols; j++) {
        w[r * cols + j] *= factors[r * vectors + children];
      }
    }
  }
}

// All components of a node at once: they share no vector.
static double balance_node(const htf_model *model, int node, double *theta, double *work) {
  int vectors = htf_model_component_vectors(model, node);
  double moved = 0;
  htf_model__node_norms2(model, node, theta, work);
  for (int64_t r = 0; r < htf_model_rows(model, node); r++) {
    double move = find_factors(vectors, work + r * vectors);
    moved = move > moved || isnan(move) ? move : moved;
  }
  if (moved > STILL) {
    scale(model, node, work, theta);
  }
  return moved;
}

htf_status htf_model_balance(const htf_model *model, double *theta) {
  htf_status status = HTF_OK;
  const htf_tree *tree = htf_model_tree(model);
  double *work = NULL, moved = 1;
  HTF_NEW(work, htf_model_vector_count(model));
  for (int sweep = 0; moved > STILL; sweep++) {
    HTF_CHECK(sweep < MOST_SWEEPS, HTF_E_NUMERIC,
              "not balanced after %d sweeps, norms still move by %g", sweep, moved);
    moved = 0;
    for (int v = 0; v < htf_tree_nodes(tree); v++) {
      if (htf_tree_children(tree, v) > 0) {
        double move = balance_node(model, v, theta, work);
        HTF_CHECK(isfinite(move), HTF_E_NUMERIC, "weights to balance are not finite");
        moved = move > moved ? move : moved;
      }
    }
  }
done:
  HTF_FREE(work);
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
// How far the leading left singular subspaces of W_H have turned to the target's.
//
// With U* [rows, k] and U [rows, k] the first k left singular vectors at a node, the
// singular values of U*^T U are the cosines of the principal angles; the overlap is the
// mean of their squares, ||U*^T U||_F^2 / k.
#include <math.h>
#include <string.h>

#include "htflow/dense.h"
#include "htflow/memory.h"
#include "probe_impl.h"

// Of the target's values, what counts for its rank.
static const double TOLERANCE = 1e-6;

// The tensor's entries with the modes of a node as rows, row-major.
static int64_t matricize(const htf_model *model, int node, const double *tensor,
                         double *matrix) {
  const htf_tree *tree = htf_model_tree(model);
  const int64_t *shape = htf_model_shape(model);
  const int *modes;
  int order = htf_tree_order(tree), inner = htf_tree_modes(tree, node, &modes);
  bool row[HTF_TREE_MAX_ORDER] = {false};
  int64_t rows = 1, entries = (int64_t)htf_model_entries(model);
  int64_t step[HTF_TREE_MAX_ORDER], index[HTF_TREE_MAX_ORDER] = {0}, at = 0, row_step = 1,
                                    col_step = 1;
  for (int i = 0; i < inner; i++) {
    row[modes[i]] = true;
    rows *= shape[modes[i]];
  }
  row_step = entries / rows;
  for (int n = order - 1; n >= 0; n--) {
    int64_t *own = row[n] ? &row_step : &col_step;
    step[n] = *own;
    *own *= shape[n];
  }
  for (int64_t k = 0; k < entries; k++) {
    matrix[at] = tensor[k];
    for (int n = order - 1; n >= 0; n--) { // the next index, the last mode fastest
      at += step[n];
      if (++index[n] < shape[n]) {
        break;
      }
      at -= step[n] * shape[n];
      index[n] = 0;
    }
  }
  return rows;
}

// The first left singular vectors at a node, [rows, small], and the values.
static htf_status decompose(const htf_probe *probe, int node, const double *tensor,
                            htf_probe__overlap *o) {
  htf_status status = HTF_OK;
  int64_t entries = (int64_t)htf_model_entries(probe->model);
  o->rows = matricize(probe->model, node, tensor, o->matrix);
  o->small = o->rows < entries / o->rows ? o->rows : entries / o->rows;
  HTF_TRY(htf_dense_left_vectors(htf_matrix_view(o->matrix, o->rows, entries / o->rows),
                                 o->values, o->u));
done:
  return status;
}

static htf_status keep_target(htf_probe *probe, int node) {
  htf_status status = HTF_OK;
  htf_probe__overlap *o = &probe->overlap;
  HTF_TRY(decompose(probe, node, htf_problem_tensor(probe->problem), o));
  int64_t k = htf_spectra_numerical_rank(o->small, o->values, TOLERANCE);
  o->rank[node] = k;
  HTF_NEW(o->target[node], o->rows * k);
  for (int64_t i = 0; i < o->rows; i++) {
    memcpy(o->target[node] + i * k, o->u + i * o->small, (size_t)k * sizeof *o->u);
  }
done:
  return status;
}

htf_status htf_probe__overlap_prepare(htf_probe *probe) {
  htf_status status = HTF_OK;
  htf_probe__overlap *o = &probe->overlap;
  int64_t entries = (int64_t)htf_model_entries(probe->model);
  HTF_NEW(o->rank, probe->partitions);
  HTF_NEW(o->target, probe->partitions);
  HTF_NEW(o->matrix, entries);
  HTF_NEW(o->u, entries);
  HTF_NEW(o->values, (int64_t)ceil(sqrt((double)entries)));
  for (int node = 0; node < probe->partitions; node++) {
    HTF_TRY(keep_target(probe, node));
  }
done:
  return status;
}

void htf_probe__overlap_drop(htf_probe *probe) {
  htf_probe__overlap *o = &probe->overlap;
  for (int node = 0; o->target != NULL && node < probe->partitions; node++) {
    HTF_FREE(o->target[node]);
  }
  HTF_FREE(o->rank);
  HTF_FREE(o->target);
  HTF_FREE(o->matrix);
  HTF_FREE(o->u);
  HTF_FREE(o->values);
}

// ||U*^T U||^2 / k of a node that has been decomposed.
static double overlap_of(const htf_probe__overlap *o, int node) {
  int64_t k = o->rank[node];
  double total = 0;
  for (int64_t a = 0; a < k; a++) {
    for (int64_t b = 0; b < k; b++) {
      double dot = 0;
      for (int64_t i = 0; i < o->rows; i++) {
        dot += o->target[node][i * k + a] * o->u[i * o->small + b];
      }
      total += dot * dot;
    }
  }
  return k > 0 && o->values[0] > 0 ? total / (double)k : NAN;
}

static bool all_finite(int64_t n, const double *x) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    sum += x[i] * 0;
  }
  return sum == 0;
}

htf_status htf_probe__target_overlap(htf_probe *probe, const htf_probe_state *state,
                                     double *out) {
  htf_status status = HTF_OK;
  if (probe->overlap.target == NULL) {
    return HTF_OK;
  }
  HTF_TRY(htf_probe__know_tensor(probe, state));
  bool finite = all_finite((int64_t)htf_model_entries(probe->model), probe->tensor);
  for (int node = 0; finite && node < probe->partitions; node++) {
    HTF_TRY(decompose(probe, node, probe->tensor, &probe->overlap));
    out[node] = overlap_of(&probe->overlap, node);
  }
done:
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
// Where flows start: Gaussian, orthogonal, identity and unbalanced weights.
#include <math.h>
#include <string.h>

#include "htflow/dense.h"
#include "htflow/memory.h"
#include "htflow/model.h"

void htf_model_normal(const htf_model *model, htf_random *stream, htf_normal law,
                      double *theta) {
  htf_random_normal(stream, htf_model_parameters(model), theta);
  for (int v = 0; v < htf_tree_nodes(htf_model_tree(model)); v++) {
    int64_t rows = htf_model_rows(model, v), offset = htf_model_offset(model, v);
    double scale = law.std * pow((double)rows, -law.width_exponent / 2);
    for (int64_t i = 0; offset >= 0 && i < rows * htf_model_cols(model, v); i++) {
      theta[offset + i] = law.mean + scale * theta[offset + i];
    }
  }
}

void htf_model_gaussian(const htf_model *model, htf_random *stream, double std,
                        double *theta) {
  htf_model_normal(model, stream, (htf_normal){.std = std}, theta);
}

// ---- orthogonal -----------------------------------------------------------------------

// to [cols, rows] = a transposed, contiguous.
static htf_matrix transpose(htf_matrix a, double *to) {
  for (int64_t i = 0; i < a.rows; i++) {
    for (int64_t j = 0; j < a.cols; j++) {
      to[j * a.rows + i] = a.data[i * a.stride + j];
    }
  }
  return htf_matrix_view(to, a.cols, a.rows);
}

// The Gaussian A [m, n], m >= n, becomes Q of its QR, each column with the sign of R's
// diagonal: then Q does not depend on the signs Householder happens to choose, and is
// distributed evenly over all such matrices (Mezzadri, Notices AMS 54, 2007).
static htf_status orthonormalise(htf_matrix a, double *work) {
  htf_status status = HTF_OK;
  htf_matrix r = htf_matrix_view(work, a.cols, a.cols);
  HTF_TRY(htf_dense_qr(a, r));
  for (int64_t i = 0; i < a.rows; i++) {
    for (int64_t j = 0; j < a.cols; j++) {
      a.data[i * a.stride + j] *= r.data[j * r.stride + j] < 0 ? -1 : 1;
    }
  }
done:
  return status;
}

htf_status htf_model_orthogonal(const htf_model *model, htf_random *stream, double std,
                                double *theta) {
  htf_status status = HTF_OK;
  double *drawn = NULL, *flipped = NULL, *work = NULL;
  int64_t parameters = htf_model_parameters(model);
  HTF_NEW(drawn, parameters);
  HTF_NEW(flipped, parameters); // enough for any of its matrices, and for the smaller R
  HTF_NEW(work, parameters);
  htf_random_normal(stream, parameters, drawn);
  for (int v = 0; v < htf_tree_nodes(htf_model_tree(model)); v++) {
    int64_t rows = htf_model_rows(model, v), cols = htf_model_cols(model, v);
    if (htf_model_offset(model, v) < 0) {
      continue;
    }
    htf_matrix w = htf_matrix_view(drawn + htf_model_offset(model, v), rows, cols);
    if (rows >= cols) {
      HTF_TRY(orthonormalise(w, work));
    } else {
      htf_matrix other = transpose(w, flipped);
      HTF_TRY(orthonormalise(other, work));
      transpose(other, w.data);
    }
  }
  for (int64_t i = 0; i < parameters; i++) {
    theta[i] = std * drawn[i];
  }
done:
  HTF_FREE(drawn);
  HTF_FREE(flipped);
  HTF_FREE(work);
  return status;
}

// ---- identity -------------------------------------------------------------------------

void htf_model_identity(const htf_model *model, double std, double *theta) {
  memset(theta, 0, (size_t)htf_model_parameters(model) * sizeof *theta);
  for (int v = 0; v < htf_tree_nodes(htf_model_tree(model)); v++) {
    int64_t rows = htf_model_rows(model, v), cols = htf_model_cols(model, v);
    int64_t offset = htf_model_offset(model, v);
    for (int64_t i = 0; offset >= 0 && i < rows && i < cols; i++) {
      theta[offset + i * cols + i] = std;
    }
  }
}

// ---- unbalanced -----------------------------------------------------------------------

static void scale_weights(const htf_model *model, int node, double factor, double *theta) {
  int64_t size = htf_model_rows(model, node) * htf_model_cols(model, node);
  double *w = theta + htf_model_offset(model, node);
  for (int64_t i = 0; i < size; i++) {
    w[i] *= factor;
  }
}

static int depth_of(const htf_tree *tree, int node) {
  int depth = 0;
  for (int v = node; htf_tree_parent(tree, v) >= 0; v = htf_tree_parent(tree, v)) {
    depth++;
  }
  return depth;
}

// All components of a node alike: the rows of W^(v) are scaled by scaling W^(v), the
// columns of the first child's by scaling that. A weight in two components gets both
// factors; that they alternate with depth keeps them from cancelling along a chain.
htf_status htf_model_unbalance(const htf_model *model, double delta, double *theta) {
  htf_status status = HTF_OK;
  const htf_tree *tree = htf_model_tree(model);
  HTF_CHECK(delta >= 0 && isfinite(delta), HTF_E_CONFIG,
            "an unbalance of %g: must be 0 or more", delta);
  HTF_TRY(htf_model_balance(model, theta));
  for (int v = 0; v < htf_tree_nodes(tree); v++) {
    int children = htf_tree_children(tree, v);
    double factor = depth_of(tree, v) % 2 == 0 ? 1 + delta : 1 / (1 + delta);
    if (children > 0) {
      bool frozen = htf_model_offset(model, v) < 0;
      int row = frozen ? htf_tree_child(tree, v, children - 1) : v;
      scale_weights(model, row, factor, theta);
      scale_weights(model, htf_tree_child(tree, v, 0), 1 / factor, theta);
    }
  }
done:
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
// Values of a model and their pullback. theory.md section 6; the formulas are in the door.
#include "htflow/evaluation.h"

#include <string.h>

#include "evaluation_impl.h"
#include "htflow/memory.h"

htf_status htf_evaluation_create(const htf_model *model, const htf_points *points,
                                 htf_evaluation_use use, htf_evaluation **out) {
  htf_status status = HTF_OK;
  htf_evaluation *e = NULL;
  HTF_NEW(e, 1);
  e->model = model;
  e->points = points;
  e->tree = htf_model_tree(model);
  e->kernels = htf_kernels__best();
  e->use = use;
  e->root = htf_tree_root(e->tree);
  e->count = htf_points_count(points);
  e->whole = htf_points_are_all(points);
  HTF_TRY(htf_evaluation__lay_out(e));
  *out = e;
  e = NULL;
done:
  htf_evaluation_destroy(&e);
  return status;
}

void htf_evaluation_destroy(htf_evaluation **evaluation) {
  if (*evaluation != NULL) {
    HTF_FREE((*evaluation)->nodes);
    HTF_FREE((*evaluation)->factors);
    HTF_FREE((*evaluation)->shifted);
    HTF_FREE((*evaluation)->segments);
    HTF_FREE((*evaluation)->arena);
    HTF_FREE(*evaluation);
  }
}

int64_t htf_evaluation_bytes(const htf_evaluation *evaluation) {
  return evaluation->bytes;
}

double htf_evaluation_flops(const htf_evaluation *e) {
  double flops = 0, r = (double)e->nodes[e->root].rows;
  for (int i = 0; i < e->root; i++) {
    const htf_evaluation_node *v = &e->nodes[i];
    if (v->children > 0 && !v->bare) {
      flops += 6.0 * (double)v->n * (double)v->rows * (double)v->cols;
    } else if (v->inputs != NULL) {
      flops += 4.0 * (double)v->n * (double)v->rows * (double)v->cols;
    }
  }
  if (e->core.left != NULL) {
    flops += 6.0 * (double)e->core.rows * (double)e->core.between * (double)e->core.cols;
  }
  return e->whole ? flops + 6.0 * (double)e->count * r : flops;
}

// Of a node's loops: rows of the children gathered and P written; the products P W, P^T dV
// and dV W^T; for each child dP and the others' rows read, the child's sums written. Of the
// root's: the values, and the sums into each child.
double htf_evaluation_traffic(const htf_evaluation *e) {
  double doubles = 0;
  for (int i = 0; i <= e->root; i++) {
    const htf_evaluation_node *v = &e->nodes[i];
    double n = (double)v->n, r = (double)v->rows, q = (double)v->cols, c = v->children;
    if (v->children > 0 && i < e->root) {
      doubles += (c + 1) * n * r + c * c * n * r;
      doubles += v->bare ? 0 : 3 * (n * r + r * q + n * q);
    } else if (i == e->root && e->whole) { // products: entries, and rows of both sides
      doubles += 3 * ((double)e->count + (double)(e->side[0].n + e->side[1].n) * r);
    } else if (i == e->root) {
      doubles += c * n * (c * r + 1);
    }
    doubles += v->children == 0 && v->inputs != NULL ? 2 * (n * r + r * q + n * q) : 0;
    doubles += i < e->root ? (double)v->stored * q : 0; // sums of the parent
  }
  if (e->core.left != NULL) {
    double r = (double)e->core.rows, q = (double)e->core.between, c = (double)e->core.cols;
    doubles += 3 * (r * q + q * c + r * c);
  }
  return 8 * doubles;
}

// ---- what all sweeps share ------------------------------------------------------------

htf_matrix htf_evaluation__view(const double *data, int64_t n, int64_t cols,
                                int64_t stride) {
  htf_matrix view = htf_matrix_view(data, n, cols);
  view.stride = stride;
  return view;
}

htf_matrix htf_evaluation__weights(const htf_evaluation_node *v, htf_role role,
                                   const double *array) {
  const double *data = v->matrix != NULL ? v->matrix[role] : array + v->offset;
  return htf_matrix_view(data, v->rows, v->cols);
}

void htf_evaluation__multiply_back(htf_matrix a, htf_matrix w, const double *flipped,
                                   double beta, htf_matrix c) {
  if (flipped != NULL) {
    htf_dense_multiply(HTF_PLAIN, a, HTF_PLAIN, htf_matrix_view(flipped, w.cols, w.rows),
                       beta, c);
  } else {
    htf_dense_multiply(HTF_PLAIN, a, HTF_TRANSPOSED, w, beta, c);
  }
}

static void copy_rows(int64_t rows, int64_t cols, const double *from, int64_t from_stride,
                      double *to, int64_t to_stride) {
  for (int64_t i = 0; i < rows; i++) {
    memcpy(to + i * to_stride, from + i * from_stride, (size_t)cols * sizeof *to);
  }
}

void htf_evaluation__bind(htf_evaluation *e, const double *theta, bool tangent) {
  for (int i = 0; i < e->root; i++) {
    htf_evaluation_node *v = &e->nodes[i];
    if (v->direct) {
      *(tangent ? &v->value.tangent : &v->value.value) =
          (double *)theta + v->offset; // read from only
      v->as_factor->value = v->value.value;
      v->as_factor->tangent = v->value.tangent;
    }
  }
}

void htf_evaluation__load(htf_evaluation *e, const double *theta, bool tangent) {
  const htf_evaluation_node *root = &e->nodes[e->root];
  htf_evaluation__bind(e, theta, tangent);
  for (int i = 0; i < e->root; i++) {
    const htf_evaluation_node *v = &e->nodes[i];
    double *table = tangent ? v->value.tangent : v->value.value;
    if (v->inputs != NULL) {
      htf_dense_multiply(HTF_PLAIN, htf_matrix_view(v->inputs, v->n, v->rows), HTF_PLAIN,
                         htf_matrix_view(theta + v->offset, v->rows, v->cols), 0,
                         htf_evaluation__view(table, v->n, v->cols, v->value.stride));
    } else if (v->children == 0 && !v->direct) {
      copy_rows(v->rows, v->cols, theta + v->offset, v->cols, table, v->value.stride);
    }
  }
  if (root->offset >= 0) {
    memcpy(tangent ? e->weights.tangent : e->weights.value, theta + root->offset,
           (size_t)root->rows * sizeof *theta);
  }
}

static double **sums_of(htf_evaluation_node *v, bool tangent) {
  return tangent ? &v->adjoint.tangent : &v->adjoint.value;
}

void htf_evaluation__open_sums(htf_evaluation *e, int node, double *gradient,
                               bool tangent) {
  for (int i = 0; i < e->nodes[node].children; i++) {
    htf_evaluation_node *child = &e->nodes[htf_tree_child(e->tree, node, i)];
    double **sums = sums_of(child, tangent);
    if (child->direct) {
      *sums = gradient + child->offset;
    }
    for (int64_t k = 0; child->partial && k < child->stored; k++) {
      memset(*sums + k * child->adjoint.stride, 0, (size_t)child->outer * sizeof **sums);
    }
    child->as_factor->sum = *sums;
  }
}

void htf_evaluation__close_sums(htf_evaluation *e, int node, double *gradient,
                                bool tangent) {
  for (int i = 0; i < e->nodes[node].children; i++) {
    htf_evaluation_node *child = &e->nodes[htf_tree_child(e->tree, node, i)];
    const double *sums = *sums_of(child, tangent);
    if (child->inputs != NULL) {
      htf_dense_multiply(
          HTF_TRANSPOSED, htf_matrix_view(child->inputs, child->n, child->rows), HTF_PLAIN,
          htf_evaluation__view(sums, child->n, child->cols, child->adjoint.stride), 0,
          htf_matrix_view(gradient + child->offset, child->rows, child->cols));
    } else if (child->children == 0 && !child->direct) {
      copy_rows(child->rows, child->cols, sums, child->adjoint.stride,
                gradient + child->offset, child->cols);
    }
  }
}

// ---- first order ----------------------------------------------------------------------

void htf_evaluation_forward(htf_evaluation *e, const double *theta, double *y) {
  htf_evaluation__load(e, theta, false);
  if (e->core.left != NULL) {
    htf_evaluation__make_core(e, theta);
  }
  for (int i = 0; i < e->root; i++) {
    htf_evaluation_node *v = &e->nodes[i];
    if (v->children > 0) {
      e->kernels->multiply(v->factors, v->children, v->n, v->width, v->product.value,
                           v->product.stride);
    }
    if (v->children > 0 && !v->bare) {
      htf_dense_multiply(
          HTF_PLAIN,
          htf_evaluation__view(v->product.value, v->n, v->rows, v->product.stride),
          HTF_PLAIN, htf_evaluation__weights(v, HTF_OF_THETA, theta), 0,
          htf_evaluation__view(v->value.value, v->n, v->cols, v->value.stride));
    }
  }
  htf_evaluation__root_values(e, y, false);
}

// dP into the children's dV.
static void sum_slopes(htf_evaluation *e, int node) {
  htf_evaluation_node *v = &e->nodes[node];
  if (v->children != 2) {
    e->kernels->spread(v->factors, v->children, v->n, v->width, v->slope, e->work);
    return;
  }
  for (int i = 0; i < 2; i++) {
    const htf_evaluation_node *child = &e->nodes[htf_tree_child(e->tree, node, i)];
    const htf_evaluation_node *other = &e->nodes[htf_tree_child(e->tree, node, 1 - i)];
    e->kernels->collect(&v->segments[i], v->slope, other->value, v->width,
                        child->adjoint.value, child->adjoint.stride);
  }
}

// dV into dW and dP.
static void pull_back_product(htf_evaluation *e, htf_evaluation_node *v,
                              const double *theta, double *gradient) {
  htf_matrix w = htf_evaluation__weights(v, HTF_OF_THETA, theta);
  htf_matrix adjoint =
      htf_evaluation__view(v->adjoint.value, v->n, v->cols, v->adjoint.stride);
  htf_dense_multiply(
      HTF_TRANSPOSED,
      htf_evaluation__view(v->product.value, v->n, v->rows, v->product.stride), HTF_PLAIN,
      adjoint, 0, htf_evaluation__weights(v, HTF_OF_GRADIENT, gradient));
  if (v->flipped[0] != NULL) {
    e->kernels->transpose(w.data, v->rows, v->cols, v->flipped[0]);
  }
  htf_evaluation__multiply_back(
      adjoint, w, v->flipped[0], 0,
      htf_evaluation__view(v->slope.value, v->n, v->rows, v->slope.stride));
}

static void pull_back_node(htf_evaluation *e, int node, const double *theta,
                           double *gradient) {
  htf_evaluation_node *v = &e->nodes[node];
  if (!v->bare) {
    pull_back_product(e, v, theta, gradient);
  }
  htf_evaluation__open_sums(e, node, gradient, false);
  sum_slopes(e, node);
  htf_evaluation__close_sums(e, node, gradient, false);
}

void htf_evaluation_pullback(htf_evaluation *e, const double *theta, const double *slopes,
                             double *gradient) {
  HTF_ASSERT(e->use >= HTF_USE_GRADIENT);
  htf_evaluation__bind(e, theta, false);
  if (e->use == HTF_USE_HESSIAN) {
    memcpy(e->e, slopes, (size_t)e->count * sizeof *slopes);
  }
  htf_evaluation__root_sums(e, slopes, NULL, gradient);
  for (int i = e->root - 1; i >= 0; i--) {
    if (e->nodes[i].children > 0) {
      pull_back_node(e, i, theta, gradient);
    }
  }
  if (e->core.left != NULL) {
    htf_evaluation__pull_core(e, theta, gradient);
  }
}

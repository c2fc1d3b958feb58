// SPDX-License-Identifier: BSD-3-Clause
// The derivatives of both sweeps along a direction. With a prime for the derivative:
//     P'_v = product rule over the children;  V'_v = P'_v W + P_v W'
//     dW' = P'^T dV + P^T dV';  dP' = dV' W^T + dV W'^T;  dV'_c: product rule of the sums.
// Five matrix products, one of double height, to the three of a gradient: twice its cost.

#include "evaluation_impl.h"

void htf_evaluation_tangent(htf_evaluation *e, const double *theta, const double *direction,
                            double *dy) {
  HTF_ASSERT(e->use == HTF_USE_HESSIAN);
  htf_evaluation__bind(e, theta, false);
  htf_evaluation__load(e, direction, true);
  if (e->core.left != NULL) {
    htf_evaluation__make_core_tangent(e, theta, direction);
  }
  for (int i = 0; i < e->root; i++) {
    htf_evaluation_node *v = &e->nodes[i];
    if (v->children > 0) {
      e->kernels->multiply_tangent(v->factors, v->children, v->n, v->width,
                                   v->product.tangent, v->product.stride);
    }
    if (v->children > 0 && !v->bare) {
      htf_matrix out =
          htf_evaluation__view(v->value.tangent, v->n, v->cols, v->value.stride);
      htf_dense_multiply(
          HTF_PLAIN,
          htf_evaluation__view(v->product.tangent, v->n, v->rows, v->product.stride),
          HTF_PLAIN, htf_evaluation__weights(v, HTF_OF_THETA, theta), 0, out);
      htf_dense_multiply(
          HTF_PLAIN,
          htf_evaluation__view(v->product.value, v->n, v->rows, v->product.stride),
          HTF_PLAIN, htf_evaluation__weights(v, HTF_OF_DIRECTION, direction), 1, out);
    }
  }
  htf_evaluation__root_values(e, dy, true);
}

static void sum_slopes(htf_evaluation *e, int node) {
  htf_evaluation_node *v = &e->nodes[node];
  if (v->children != 2) {
    e->kernels->spread_tangent(v->factors, v->children, v->n, v->width, v->slope, e->work);
    return;
  }
  for (int i = 0; i < 2; i++) {
    const htf_evaluation_node *child = &e->nodes[htf_tree_child(e->tree, node, i)];
    const htf_evaluation_node *other = &e->nodes[htf_tree_child(e->tree, node, 1 - i)];
    e->kernels->collect_tangent(&v->segments[i], v->slope, other->value, v->width,
                                child->adjoint.tangent, child->adjoint.stride);
  }
}

// P above P' and dV' above dV, row by row: their product is P^T dV' + P'^T dV.
static void multiply_stacked(const htf_evaluation_node *v, double *product) {
  htf_dense_multiply(
      HTF_TRANSPOSED,
      htf_evaluation__view(v->product.value, 2 * v->n, v->rows, v->product.stride / 2),
      HTF_PLAIN,
      htf_evaluation__view(v->adjoint.tangent, 2 * v->n, v->cols, v->adjoint.stride / 2), 0,
      htf_evaluation__weights(v, HTF_OF_PRODUCT, product));
}

static void differentiate_product(htf_evaluation *e, htf_evaluation_node *v,
                                  const double *theta, const double *direction,
                                  double *product) {
  htf_matrix w = htf_evaluation__weights(v, HTF_OF_THETA, theta);
  htf_matrix w_tangent = htf_evaluation__weights(v, HTF_OF_DIRECTION, direction);
  multiply_stacked(v, product);
  if (v->flipped[1] != NULL) { // the other was made by the pullback
    e->kernels->transpose(w_tangent.data, v->rows, v->cols, v->flipped[1]);
  }
  htf_matrix out = htf_evaluation__view(v->slope.tangent, v->n, v->rows, v->slope.stride);
  htf_evaluation__multiply_back(
      htf_evaluation__view(v->adjoint.tangent, v->n, v->cols, v->adjoint.stride), w,
      v->flipped[0], 0, out);
  htf_evaluation__multiply_back(
      htf_evaluation__view(v->adjoint.value, v->n, v->cols, v->adjoint.stride), w_tangent,
      v->flipped[1], 1, out);
}

static void differentiate_node(htf_evaluation *e, int node, const double *theta,
                               const double *direction, double *product) {
  htf_evaluation_node *v = &e->nodes[node];
  if (!v->bare) {
    differentiate_product(e, v, theta, direction, product);
  }
  htf_evaluation__open_sums(e, node, product, true);
  sum_slopes(e, node);
  htf_evaluation__close_sums(e, node, product, true);
}

void htf_evaluation_second(htf_evaluation *e, const double *theta, const double *direction,
                           const double *de, double *product) {
  HTF_ASSERT(e->use == HTF_USE_HESSIAN);
  htf_evaluation__bind(e, theta, false);
  htf_evaluation__bind(e, direction, true);
  htf_evaluation__root_sums(e, e->e, de, product);
  for (int i = e->root - 1; i >= 0; i--) {
    if (e->nodes[i].children > 0) {
      differentiate_node(e, i, theta, direction, product);
    }
  }
  if (e->core.left != NULL) {
    htf_evaluation__pull_core_tangent(e, theta, direction, product);
  }
}

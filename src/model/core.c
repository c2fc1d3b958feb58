// SPDX-License-Identifier: BSD-3-Clause
// The core of a tree whose root has two interior children, 1 and 2. Of the root's values
//     y_k = sum_q w_q V_1[i, q] V_2[j, q] = P_1[i] W_1 diag(w) W_2^T P_2[j]^T
// the matrices between the two P are multiplied first where these are smaller than the
// tables are tall:
//     A = W_1 diag(w) [R_1, Q],  M = A W_2^T [R_1, R_2],  y_k = < (P_1 M)[i], P_2[j] >
// so that child 1 is a node with the matrix M, child 2 ends at its P, and the root's
// weights are ones: 3 products of n_1 R_1 R_2 and 3 of R_1 Q R_2 for 3 of n_1 R_1 Q and 3
// of n_2 R_2 Q. From dM = P_1^T dV_1, which the sweep down makes:
//     T = dM W_2,  dW_1 = T diag(w),  dw = columns' sums of W_1 * T,  dW_2 = dM^T A
// and the derivatives of all this along a direction.
#include "evaluation_impl.h"

// The matrices by the arrays laid out like theta that they come from and go to.
static htf_matrix first(const htf_evaluation *e, const double *array) {
  const htf_evaluation_core *c = &e->core;
  return htf_matrix_view(array + c->first, c->rows, c->between);
}

static htf_matrix second(const htf_evaluation *e, const double *array) {
  const htf_evaluation_core *c = &e->core;
  return htf_matrix_view(array + c->second, c->cols, c->between);
}

static htf_matrix scaled(const htf_evaluation *e, const double *data) {
  return htf_matrix_view(data, e->core.rows, e->core.between);
}

static htf_matrix of_role(const htf_evaluation *e, htf_role role) {
  return htf_matrix_view(e->core.matrix[role], e->core.rows, e->core.cols);
}

// C = A diag(w) + beta C, beta 0 or 1.
static void scale(htf_matrix a, const double *w, bool add, htf_matrix c) {
  for (int64_t i = 0; i < a.rows; i++) {
    const double *from = a.data + i * a.stride;
    double *to = c.data + i * c.stride;
    for (int64_t q = 0; q < a.cols; q++) {
      to[q] = add ? to[q] + from[q] * w[q] : from[q] * w[q];
    }
  }
}

// sum_q += sum_i A[i, q] B[i, q]
static void add_products(htf_matrix a, htf_matrix b, double *sum) {
  for (int64_t i = 0; i < a.rows; i++) {
    for (int64_t q = 0; q < a.cols; q++) {
      sum[q] += a.data[i * a.stride + q] * b.data[i * b.stride + q];
    }
  }
}

// C = A W_2^T + beta C, by way of W_2^T where that is small.
static void multiply_back(htf_evaluation *e, const double *a, const double *array, int i,
                          double beta, htf_matrix c) {
  double *flipped = e->core.flipped[i];
  htf_matrix w = second(e, array);
  if (flipped != NULL) {
    e->kernels->transpose(w.data, w.rows, w.cols, flipped);
  }
  htf_evaluation__multiply_back(scaled(e, a), w, flipped, beta, c);
}

void htf_evaluation__make_core(htf_evaluation *e, const double *theta) {
  htf_evaluation_core *c = &e->core;
  scale(first(e, theta), theta + c->weights, false, scaled(e, c->scaled[0]));
  multiply_back(e, c->scaled[0], theta, 0, 0, of_role(e, HTF_OF_THETA));
}

void htf_evaluation__make_core_tangent(htf_evaluation *e, const double *theta,
                                       const double *direction) {
  htf_evaluation_core *c = &e->core;
  htf_matrix a_tangent = scaled(e, c->scaled[1]), m_tangent = of_role(e, HTF_OF_DIRECTION);
  scale(first(e, direction), theta + c->weights, false, a_tangent);
  scale(first(e, theta), direction + c->weights, true, a_tangent);
  multiply_back(e, c->scaled[1], theta, 0, 0, m_tangent);
  multiply_back(e, c->scaled[0], direction, 1, 1, m_tangent);
}

static void clear(double *sum, int64_t n) {
  for (int64_t q = 0; q < n; q++) {
    sum[q] = 0;
  }
}

void htf_evaluation__pull_core(htf_evaluation *e, const double *theta, double *gradient) {
  htf_evaluation_core *c = &e->core;
  htf_matrix sums = of_role(e, HTF_OF_GRADIENT), t = scaled(e, c->pulled);
  htf_dense_multiply(HTF_PLAIN, sums, HTF_PLAIN, second(e, theta), 0, t);
  scale(t, theta + c->weights, false, first(e, gradient));
  clear(gradient + c->weights, c->between);
  add_products(first(e, theta), t, gradient + c->weights);
  htf_dense_multiply(HTF_TRANSPOSED, sums, HTF_PLAIN, scaled(e, c->scaled[0]), 0,
                     second(e, gradient));
}

void htf_evaluation__pull_core_tangent(htf_evaluation *e, const double *theta,
                                       const double *direction, double *product) {
  htf_evaluation_core *c = &e->core;
  htf_matrix sums = of_role(e, HTF_OF_GRADIENT), also = of_role(e, HTF_OF_PRODUCT);
  htf_matrix t = scaled(e, c->pulled), t_tangent = first(e, product);
  htf_dense_multiply(HTF_PLAIN, also, HTF_PLAIN, second(e, theta), 0, t_tangent);
  htf_dense_multiply(HTF_PLAIN, sums, HTF_PLAIN, second(e, direction), 1, t_tangent);
  clear(product + c->weights, c->between);
  add_products(first(e, direction), t, product + c->weights);
  add_products(first(e, theta), t_tangent, product + c->weights);
  scale(t_tangent, theta + c->weights, false, t_tangent); // T' stood in dW_1's place
  scale(t, direction + c->weights, true, t_tangent);
  htf_dense_multiply(HTF_TRANSPOSED, also, HTF_PLAIN, scaled(e, c->scaled[0]), 0,
                     second(e, product));
  htf_dense_multiply(HTF_TRANSPOSED, sums, HTF_PLAIN, scaled(e, c->scaled[1]), 1,
                     second(e, product));
}

// ---- whether there is one -------------------------------------------------------------

static bool is_cheaper(const htf_evaluation_node *left, const htf_evaluation_node *right,
                       double samples) {
  double r1 = (double)left->rows, r2 = (double)right->rows, q = (double)left->cols;
  double n1 = (double)left->n, n2 = (double)right->n;
  return n1 * r1 * r2 + r1 * q * r2 + samples * r2 <
         n1 * r1 * q + n2 * r2 * q + samples * q;
}

// The child with fewer rows keeps its product.
void htf_evaluation__find_core(htf_evaluation *e) {
  htf_evaluation_node *root = &e->nodes[e->root];
  if (root->children != 2 || e->whole || root->offset < 0) {
    return;
  }
  htf_evaluation_node *left = &e->nodes[htf_tree_child(e->tree, e->root, 0)];
  htf_evaluation_node *right = &e->nodes[htf_tree_child(e->tree, e->root, 1)];
  if (right->n < left->n) {
    htf_evaluation_node *other = left;
    left = right;
    right = other;
  }
  if (left->children == 0 || right->children == 0 ||
      !is_cheaper(left, right, (double)e->count)) {
    return;
  }
  e->core = (htf_evaluation_core){.left = left,
                                  .right = right,
                                  .rows = left->rows,
                                  .cols = right->rows,
                                  .between = root->rows,
                                  .first = left->offset,
                                  .second = right->offset,
                                  .weights = root->offset};
  left->matrix = e->core.matrix;
  left->cols = right->cols = root->rows = right->rows;
  left->outer = right->outer = root->width = right->width;
  right->bare = true;
  root->offset = -1;
}

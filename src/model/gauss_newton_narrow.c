// SPDX-License-Identifier: BSD-3-Clause
// The kernel of a node's V, T(t, t') [Q, Q] of its tuples t and t', Q = R_parent: of what
// all parameters of the node and below it make of V's rows. From the leaves up,
//     leaf:      T(t, t') = 1 where t = t', else 0
//     interior:  T(t, t') = P_t . P_t' + W^T [sum over children c of
//                           T_c(t_c, t'_c) o O_c,t O_c,t'^T] W
// where O_c,t is the product of the other children's V at t. Cost: T's size times Q.
#include "gauss_newton_impl.h"
#include "htflow/memory.h"

bool htf_gauss_newton__is_narrow(const htf_gauss_newton *gn, int node) {
  const htf_gauss_newton__node *v = &gn->nodes[node];
  const htf_evaluation *e = gn->evaluation;
  bool narrow =
      node != e->root && v->learnt && v->tuples * v->cols <= HTF_GAUSS_NEWTON_NARROW &&
      (v->one_hot ||
       (e->nodes[node].children > 0 && v->tuples * v->rows <= HTF_GAUSS_NEWTON_NARROW));
  for (int i = 0; narrow && i < e->nodes[node].children; i++) {
    narrow = htf_gauss_newton__is_narrow(gn, htf_tree_child(e->tree, node, i));
  }
  return narrow;
}

// O_c,t of child number i, of all the node's tuples [tuples, R].
static void multiply_others(const htf_gauss_newton *gn, int node, int i, double *o) {
  const htf_evaluation_node *from = &gn->evaluation->nodes[node];
  const htf_gauss_newton__node *v = &gn->nodes[node];
  for (int64_t k = 0; k < v->tuples * v->rows; k++) {
    o[k] = 1;
  }
  for (int j = 0; j < from->children; j++) {
    int child = htf_tree_child(gn->evaluation->tree, node, j);
    for (int64_t t = 0; j != i && t < v->tuples; t++) {
      const double *x = htf_gauss_newton__value(gn, child, from->factors[j].at[t]);
      for (int64_t r = 0; r < v->rows; r++) {
        o[t * v->rows + r] *= x[r];
      }
    }
  }
}

// B += T_c o O O^T, [tuples R, tuples R].
static void add_child(const htf_gauss_newton *gn, int node, int i, const double *t,
                      const double *o, double *b) {
  const htf_gauss_newton__node *v = &gn->nodes[node];
  const int32_t *at = gn->evaluation->nodes[node].factors[i].at;
  int64_t r = v->rows, n = v->tuples * r;
  int64_t child_n = gn->nodes[htf_tree_child(gn->evaluation->tree, node, i)].tuples * r;
  for (int64_t k = 0; k < n; k++) {
    const double *from = t + (at[k / r] * r + k % r) * child_n;
    for (int64_t l = 0; l < v->tuples; l++) {
      for (int64_t j = 0; j < r; j++) {
        b[k * n + l * r + j] += o[k] * from[at[l] * r + j] * o[l * r + j];
      }
    }
  }
}

// T from B: W^T B W and P . P'.
static htf_status finish(const htf_gauss_newton *gn, int node, const double *theta,
                         const double *b, double *t) {
  htf_status status = HTF_OK;
  const htf_gauss_newton__node *v = &gn->nodes[node];
  int64_t r = v->rows, q = v->cols, tuples = v->tuples;
  htf_matrix w = htf_gauss_newton__weights(gn, node, theta);
  htf_matrix table = htf_gauss_newton__table(gn, gn->evaluation, node);
  double *half = NULL, *inner = NULL;
  HTF_NEW(half, tuples * q * tuples * r);
  HTF_NEW(inner, tuples * tuples);
  for (int64_t k = 0; k < tuples; k++) {
    htf_dense_multiply(HTF_TRANSPOSED, w, HTF_PLAIN,
                       htf_matrix_view(b + k * r * tuples * r, r, tuples * r), 0,
                       htf_matrix_view(half + k * q * tuples * r, q, tuples * r));
  }
  htf_dense_multiply(HTF_PLAIN, htf_matrix_view(half, tuples * q * tuples, r), HTF_PLAIN, w,
                     0, htf_matrix_view(t, tuples * q * tuples, q));
  htf_dense_multiply(HTF_PLAIN, table, HTF_TRANSPOSED, table, 0,
                     htf_matrix_view(inner, tuples, tuples));
  for (int64_t k = 0; k < tuples * q; k++) {
    for (int64_t l = 0; l < tuples; l++) {
      t[k * tuples * q + l * q + k % q] += inner[k / q * tuples + l];
    }
  }
done:
  HTF_FREE(half);
  HTF_FREE(inner);
  return status;
}

htf_status htf_gauss_newton__make_t(const htf_gauss_newton *gn, int node,
                                    const double *theta, double **t) {
  htf_status status = HTF_OK;
  const htf_gauss_newton__node *v = &gn->nodes[node];
  int64_t n = v->tuples * v->cols, n_before = v->tuples * v->rows;
  double *b = NULL, *o = NULL, *below = NULL;
  HTF_NEW(*t, n * n);
  if (v->one_hot) {
    for (int64_t k = 0; k < n; k++) {
      (*t)[k * n + k] = 1;
    }
    goto done;
  }
  HTF_NEW(b, n_before * n_before);
  HTF_NEW(o, n_before);
  for (int i = 0; i < gn->evaluation->nodes[node].children; i++) {
    HTF_TRY(htf_gauss_newton__make_t(gn, htf_tree_child(gn->evaluation->tree, node, i),
                                     theta, &below));
    multiply_others(gn, node, i, o);
    add_child(gn, node, i, below, o, b);
    HTF_FREE(below);
  }
  HTF_TRY(finish(gn, node, theta, b, *t));
done:
  HTF_FREE(b);
  HTF_FREE(o);
  HTF_FREE(below);
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
// The tangent kernel of the points, K = sqrt(c) J J^T sqrt(c) [points, points]. By node,
//     K = sum over v of (P_v P_v^T) o (E_v E_v^T),
// with the rows that points have of P_v, and sqrt(c) in E_v. Of the nodes that are far
// below the root, where few tuples are distinct, the sum over a node v and all below it is
//     K_kl += E_v,k^T T_v(t_k, t_l) E_v,l,
// t_k the tuple of point k, with the kernel T_v(t, t') [Q, Q] of the node's V, Q =
// R_parent, made from the leaves up:
//     leaf:      T(t, t') = 1 where t = t', else 0
//     interior:  T(t, t') = P_t . P_t' + W^T [sum over children c of
//                           T_c(t_c, t'_c) o O_c,t O_c,t'^T] W
// where O_c,t is the product of the other children's V at t. A row of a dozen nodes is one
// product of [1, Q] x [Q, tuples Q] then, and one number of K one product of length Q.
// Cost: points^2 (R_v + Q) for each of the nodes left, points^2 Q for each T.
#include <string.h>

#include "gauss_newton_impl.h"
#include "htflow/memory.h"

// A T has so many rows at most: 2 MB.
enum { MOST_ROWS = 512 };

// What adds to K: a node, or it and all below it.
typedef struct part {
  int node;
  double *env;   // [points, Q] rows of sqrt(c) E; with T by tuple and point, else by point
  double *ahead; // [points, R] rows of P; NULL with T and at a one-hot leaf
  int32_t *at;   // [points] which row of P that is; not of the root
  double *t;     // [tuples Q, tuples Q], NULL: the node alone
  int64_t *order, *start, *reached; // of T: points by tuple; where each tuple's start
                                    // [tuples + 1]; which are below the block's end
} part;

struct htf_gauss_newton__kernel {
  int parts;
  part *part;
  int *part_of;        // [nodes], -1: none
  double *one, *other; // [block, points]
  double *row;         // [block, tuples Q] of E^T T
};

typedef struct htf_gauss_newton__kernel kernel;

// ---- T --------------------------------------------------------------------------------

static bool is_narrow(const htf_gauss_newton *gn, int node) {
  const htf_gauss_newton__node *v = &gn->nodes[node];
  const htf_evaluation *e = gn->evaluation;
  bool narrow =
      node != e->root && v->learnt && v->tuples * v->cols <= MOST_ROWS &&
      (v->one_hot || (e->nodes[node].children > 0 && v->tuples * v->rows <= MOST_ROWS));
  for (int i = 0; narrow && i < e->nodes[node].children; i++) {
    narrow = is_narrow(gn, htf_tree_child(e->tree, node, i));
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
  htf_matrix table = htf_gauss_newton__table(gn, node);
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

// *t: T of a narrow node, the caller's.
static htf_status make_t(const htf_gauss_newton *gn, int node, const double *theta,
                         double **t) {
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
    HTF_TRY(make_t(gn, htf_tree_child(gn->evaluation->tree, node, i), theta, &below));
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

// ---- the parts ------------------------------------------------------------------------

static void forget(kernel *k, const htf_gauss_newton *gn) {
  for (int i = 0; k->part != NULL && i <= gn->evaluation->root; i++) {
    part *p = &k->part[i];
    HTF_FREE(p->env);
    HTF_FREE(p->ahead);
    HTF_FREE(p->at);
    HTF_FREE(p->t);
    HTF_FREE(p->order);
    HTF_FREE(p->start);
    HTF_FREE(p->reached);
  }
  HTF_FREE(k->part);
  HTF_FREE(k->part_of);
  HTF_FREE(k->one);
  HTF_FREE(k->other);
  HTF_FREE(k->row);
}

static htf_status add_part(htf_gauss_newton *gn, int node, const double *theta) {
  htf_status status = HTF_OK;
  const htf_gauss_newton__node *v = &gn->nodes[node];
  kernel *k = gn->kernel;
  part *p = &k->part[k->parts];
  p->node = node;
  k->part_of[node] = k->parts++;
  HTF_NEW(p->env, gn->points * v->cols);
  if (node != gn->evaluation->root) {
    HTF_NEW(p->at, gn->points);
  }
  if (is_narrow(gn, node)) {
    HTF_TRY(make_t(gn, node, theta, &p->t));
    HTF_NEW(p->order, gn->points);
    HTF_NEW(p->start, v->tuples + 1);
    HTF_NEW(p->reached, v->tuples);
  } else if (!v->one_hot) {
    HTF_NEW(p->ahead, gn->points * v->rows);
  }
done:
  return status;
}

// The parts of a node and all below it.
static htf_status find_parts(htf_gauss_newton *gn, int node, const double *theta) {
  htf_status status = HTF_OK;
  bool narrow = is_narrow(gn, node);
  if (gn->nodes[node].learnt) {
    HTF_TRY(add_part(gn, node, theta));
  }
  for (int i = 0; !narrow && i < gn->evaluation->nodes[node].children; i++) {
    HTF_TRY(find_parts(gn, htf_tree_child(gn->evaluation->tree, node, i), theta));
  }
done:
  return status;
}

// A block's rows of E and P, by point.
static void keep_rows(htf_gauss_newton *gn, int node, const double *env, const int32_t *at,
                      int64_t rows) {
  const htf_gauss_newton__node *v = &gn->nodes[node];
  int number = gn->kernel->part_of[node];
  if (number < 0) {
    return;
  }
  part *p = &gn->kernel->part[number];
  memcpy(p->env + gn->block_start * v->cols, env, (size_t)(rows * v->cols) * sizeof *env);
  if (at != NULL) {
    memcpy(p->at + gn->block_start, at, (size_t)rows * sizeof *at);
  }
  for (int64_t k = 0; p->ahead != NULL && k < rows; k++) {
    const double *from = gn->product + k * v->rows;
    if (at != NULL) {
      htf_matrix table = htf_gauss_newton__table(gn, node);
      from = table.data + at[k] * table.stride;
    }
    memcpy(p->ahead + (gn->block_start + k) * v->rows, from,
           (size_t)v->rows * sizeof *from);
  }
}

// Points by tuple, and E in this order.
static htf_status sort_part(const htf_gauss_newton *gn, part *p) {
  htf_status status = HTF_OK;
  const htf_gauss_newton__node *v = &gn->nodes[p->node];
  double *sorted = NULL;
  HTF_NEW(sorted, gn->points * v->cols);
  for (int64_t k = 0; k < gn->points; k++) {
    p->start[p->at[k] + 1]++;
  }
  for (int64_t t = 0; t < v->tuples; t++) {
    p->start[t + 1] += p->start[t];
    p->reached[t] = p->start[t];
  }
  for (int64_t k = 0; k < gn->points; k++) {
    int64_t place = p->reached[p->at[k]]++;
    p->order[place] = k;
    memcpy(sorted + place * v->cols, p->env + k * v->cols,
           (size_t)v->cols * sizeof *sorted);
  }
  for (int64_t t = 0; t < v->tuples; t++) {
    p->reached[t] = p->start[t];
  }
  HTF_FREE(p->env);
  p->env = sorted;
  sorted = NULL;
done:
  HTF_FREE(sorted);
  return status;
}

static htf_status make_room(htf_gauss_newton *gn) {
  htf_status status = HTF_OK;
  kernel *k = gn->kernel;
  int64_t widest = 1;
  for (int i = 0; i < k->parts; i++) {
    const htf_gauss_newton__node *v = &gn->nodes[k->part[i].node];
    int64_t width = k->part[i].t != NULL ? v->tuples * v->cols : 1;
    widest = width > widest ? width : widest;
  }
  HTF_NEW(k->one, HTF_GAUSS_NEWTON_BLOCK * gn->points);
  HTF_NEW(k->other, HTF_GAUSS_NEWTON_BLOCK * gn->points);
  HTF_NEW(k->row, HTF_GAUSS_NEWTON_BLOCK * widest);
done:
  return status;
}

// ---- K --------------------------------------------------------------------------------

// Rows start .. start + rows - 1 of K, up to column `end`.
typedef struct block {
  int64_t start, rows, end;
  double *k; // the first of these rows
} block;

// C [rows, end] = A A^T of a block of rows of A [points, cols].
static void square(const htf_gauss_newton *gn, const block *b, const double *a,
                   int64_t cols, double *c) {
  htf_matrix out = htf_matrix_view(c, b->rows, b->end);
  out.stride = gn->points;
  htf_dense_multiply(HTF_PLAIN, htf_matrix_view(a + b->start * cols, b->rows, cols),
                     HTF_TRANSPOSED, htf_matrix_view(a, b->end, cols), 0, out);
}

static void add_node(const htf_gauss_newton *gn, const part *p, const block *b) {
  const htf_gauss_newton__node *v = &gn->nodes[p->node];
  double *behind = gn->kernel->one, *ahead = gn->kernel->other;
  square(gn, b, p->env, v->cols, behind);
  if (p->ahead != NULL) {
    square(gn, b, p->ahead, v->rows, ahead);
  }
  for (int64_t i = 0; i < b->rows; i++) {
    const double *x = behind + i * gn->points, *y = ahead + i * gn->points;
    double *to = b->k + i * gn->points;
    if (p->ahead != NULL) {
      for (int64_t j = 0; j < b->end; j++) {
        to[j] += x[j] * y[j];
      }
    } else {
      for (int64_t j = 0; j < b->end; j++) {
        to[j] += p->at[j] == p->at[b->start + i] ? x[j] : 0;
      }
    }
  }
}

// The points of tuple t that are below the block's end, against its rows of E^T T.
static void add_tuple(const htf_gauss_newton *gn, const part *p, const block *b,
                      int64_t t) {
  const htf_gauss_newton__node *v = &gn->nodes[p->node];
  double *one = gn->kernel->one;
  int64_t first = p->start[t], count = p->reached[t] - first, q = v->cols;
  htf_matrix left = htf_matrix_view(gn->kernel->row + t * q, b->rows, q);
  left.stride = v->tuples * q;
  htf_dense_multiply(HTF_PLAIN, left, HTF_TRANSPOSED,
                     htf_matrix_view(p->env + first * q, count, q), 0,
                     htf_matrix_view(one, b->rows, count));
  for (int64_t i = 0; i < b->rows; i++) {
    double *to = b->k + i * gn->points;
    for (int64_t j = 0; j < count; j++) {
      to[p->order[first + j]] += one[i * count + j];
    }
  }
}

static void add_below(const htf_gauss_newton *gn, part *p, const block *b) {
  const htf_gauss_newton__node *v = &gn->nodes[p->node];
  int64_t q = v->cols, n = v->tuples * q;
  for (int64_t i = 0; i < b->rows; i++) { // the block's points are next of their tuples
    int64_t t = p->at[b->start + i], place = p->reached[t]++;
    htf_dense_multiply(HTF_PLAIN, htf_matrix_view(p->env + place * q, 1, q), HTF_PLAIN,
                       htf_matrix_view(p->t + t * q * n, q, n), 0,
                       htf_matrix_view(gn->kernel->row + i * n, 1, n));
  }
  for (int64_t t = 0; t < v->tuples; t++) {
    if (p->reached[t] > p->start[t]) {
      add_tuple(gn, p, b, t);
    }
  }
}

htf_status htf_gauss_newton__make_kernel(htf_gauss_newton *gn, const double *theta,
                                         double *to) {
  htf_status status = HTF_OK;
  kernel k = {.parts = 0};
  gn->kernel = &k;
  HTF_NEW(k.part, gn->evaluation->root + 1);
  HTF_NEW(k.part_of, gn->evaluation->root + 1);
  for (int i = 0; i <= gn->evaluation->root; i++) {
    k.part_of[i] = -1;
  }
  HTF_TRY(find_parts(gn, gn->evaluation->root, theta));
  HTF_TRY(make_room(gn));
  for (int64_t start = 0; start < gn->points; start += HTF_GAUSS_NEWTON_BLOCK) {
    int64_t rows = htf_gauss_newton__block(start, gn->points);
    htf_gauss_newton__sweep(gn, theta, start, rows, keep_rows);
  }
  for (int i = 0; i < k.parts; i++) {
    if (k.part[i].t != NULL) {
      HTF_TRY(sort_part(gn, &k.part[i]));
    }
  }
  for (int64_t start = 0; start < gn->points; start += HTF_GAUSS_NEWTON_BLOCK) {
    int64_t rows = htf_gauss_newton__block(start, gn->points);
    block b = {start, rows, start + rows, to + start * gn->points};
    for (int i = 0; i < k.parts; i++) {
      if (k.part[i].t != NULL) {
        add_below(gn, &k.part[i], &b);
      } else {
        add_node(gn, &k.part[i], &b);
      }
    }
  }
done:
  forget(&k, gn);
  gn->kernel = NULL;
  return status;
}

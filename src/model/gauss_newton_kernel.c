// SPDX-License-Identifier: BSD-3-Clause
// The tangent kernel of the points, K = sqrt(c) J J^T sqrt(c) [points, points]. By node,
//     K = sum over v of (P_v P_v^T) o (E_v E_v^T),
// with the rows that points have of P_v, and sqrt(c) in E_v. Of the nodes that are far
// below the root, where few tuples are distinct, the sum over a node v and all below it is
//     K_kl += E_v,k^T T_v(t_k, t_l) E_v,l,
// t_k the tuple of point k, with the kernel T_v(t, t') [Q, Q] of the node's V, Q =
// R_parent (gauss_newton_narrow.c). A row of a dozen nodes is one product of [1, Q] x [Q,
// tuples Q] then, and one number of K one product of length Q.
// Cost: a row of K is points (R_v + Q) for each of the nodes left.
#include <string.h>

#include "gauss_newton_impl.h"
#include "htflow/memory.h"

// What adds to K: a node, or it and all below it.
typedef struct part {
  int node;
  int64_t cols, rows, tuples; // Q, R, tuples of the node
  bool joined;
  double *env;   // [points, Q] rows of sqrt(c) E; with T by tuple and point, else by point
  double *ahead; // [points, R] rows of P; NULL with T and at a one-hot leaf
  int32_t *at;   // [points] which row of P that is; not of the root
  double *t;     // [tuples Q, tuples Q], NULL: the node alone
  int64_t *order, *place, *start; // of T: points by tuple, where each is among them; where
                                  // each tuple's start [tuples + 1]
} part;

struct htf_gauss_newton__kernel {
  int64_t points;
  int parts;
  part *part;
  int *part_of;         // [nodes], -1: none
  double *one, *other;  // [points, block]
  double *left, *right; // [widest Q or R, block] columns of a part's env^T or ahead^T
  double *row, *turned; // [block, tuples Q] of E^T T; and turned
};

typedef struct htf_gauss_newton__kernel kernel;

// ---- the parts ------------------------------------------------------------------------

void htf_gauss_newton__destroy_kernel(htf_gauss_newton__kernel **out) {
  kernel *k = *out;
  for (int i = 0; k != NULL && i < k->parts; i++) {
    part *p = &k->part[i];
    HTF_FREE(p->env);
    HTF_FREE(p->ahead);
    HTF_FREE(p->at);
    HTF_FREE(p->t);
    HTF_FREE(p->order);
    HTF_FREE(p->place);
    HTF_FREE(p->start);
  }
  if (k != NULL) {
    HTF_FREE(k->part);
    HTF_FREE(k->part_of);
    HTF_FREE(k->one);
    HTF_FREE(k->other);
    HTF_FREE(k->left);
    HTF_FREE(k->right);
    HTF_FREE(k->row);
    HTF_FREE(k->turned);
    HTF_FREE(*out);
  }
}

static htf_status add_part(htf_gauss_newton *gn, int node, const double *theta) {
  htf_status status = HTF_OK;
  const htf_gauss_newton__node *v = &gn->nodes[node];
  kernel *k = gn->kernel;
  part *p = &k->part[k->parts];
  p->node = node;
  p->cols = v->cols;
  p->rows = v->rows;
  p->tuples = v->tuples;
  k->part_of[node] = k->parts++;
  HTF_NEW(p->env, gn->points * v->cols);
  if (node != gn->evaluation->root) {
    HTF_NEW(p->at, gn->points);
  }
  if (htf_gauss_newton__is_narrow(gn, node)) {
    HTF_TRY(htf_gauss_newton__make_t(gn, node, theta, &p->t));
    HTF_NEW(p->order, gn->points);
    HTF_NEW(p->place, gn->points);
    HTF_NEW(p->start, v->tuples + 1);
  } else if (!v->one_hot) {
    HTF_NEW(p->ahead, gn->points * v->rows);
  }
done:
  return status;
}

// The parts of a node and all below it.
static htf_status find_parts(htf_gauss_newton *gn, int node, const double *theta) {
  htf_status status = HTF_OK;
  bool narrow = htf_gauss_newton__is_narrow(gn, node);
  gn->nodes[node].last = narrow;
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

static double square_of(const double *x, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    sum += x[i] * x[i];
  }
  return sum;
}

// E_k^T T(t_k, t_k) E_k.
static double within(const part *p, int64_t k) {
  int64_t q = p->cols, n = p->tuples * q;
  const double *env = p->env + k * q, *t = p->t + p->at[k] * q * (n + 1);
  double image[HTF_GAUSS_NEWTON_NARROW], sum = 0;
  memset(image, 0, (size_t)q * sizeof *image);
  for (int64_t i = 0; i < q; i++) {
    for (int64_t j = 0; j < q; j++) {
      image[j] += env[i] * t[i * n + j];
    }
  }
  for (int64_t j = 0; j < q; j++) {
    sum += env[j] * image[j];
  }
  return sum;
}

// K_kk, to be added.
static void add_diagonal(const part *p, int64_t points, double *diagonal) {
  for (int64_t k = 0; k < points; k++) {
    if (p->t != NULL) {
      diagonal[k] += within(p, k);
    } else {
      double ahead = p->ahead == NULL ? 1 : square_of(p->ahead + k * p->rows, p->rows);
      diagonal[k] += ahead * square_of(p->env + k * p->cols, p->cols);
    }
  }
}

// The rows of an array [., cols] that stand at `order` [points], in this order.
static htf_status pick(const int64_t *order, int64_t points, int64_t cols, double **rows) {
  htf_status status = HTF_OK;
  double *picked = NULL;
  HTF_NEW(picked, points * cols);
  for (int64_t k = 0; k < points; k++) {
    memcpy(picked + k * cols, *rows + order[k] * cols, (size_t)cols * sizeof *picked);
  }
  HTF_FREE(*rows);
  *rows = picked;
done:
  return status;
}

// With Q = 1 the two factors are one: rows of sqrt(c) E P.
static void join(part *p, int64_t points) {
  for (int64_t k = 0; k < points * p->rows; k++) {
    p->ahead[k] *= p->env[k / p->rows];
  }
  HTF_FREE(p->env);
  p->env = p->ahead;
  p->ahead = NULL;
  p->cols = p->rows;
  p->joined = true;
}

static htf_status pick_part(const int64_t *order, int64_t points, part *p) {
  htf_status status = HTF_OK;
  int32_t *at = NULL;
  HTF_TRY(pick(order, points, p->cols, &p->env));
  if (p->ahead != NULL) {
    HTF_TRY(pick(order, points, p->rows, &p->ahead));
  }
  if (p->at != NULL) {
    HTF_NEW(at, points);
    for (int64_t k = 0; k < points; k++) {
      at[k] = p->at[order[k]];
    }
    HTF_FREE(p->at);
    p->at = at;
  }
done:
  return status;
}

// Points by tuple, and E in this order.
static htf_status sort_part(part *p, int64_t points) {
  htf_status status = HTF_OK;
  for (int64_t k = 0; k < points; k++) {
    p->start[p->at[k] + 1]++;
  }
  for (int64_t t = 0; t < p->tuples; t++) {
    p->start[t + 1] += p->start[t];
  }
  for (int64_t k = 0; k < points; k++) {
    p->place[k] = p->start[p->at[k]]++;
    p->order[p->place[k]] = k;
  }
  for (int64_t t = p->tuples; t > 0; t--) {
    p->start[t] = p->start[t - 1];
  }
  p->start[0] = 0;
  HTF_TRY(pick(p->order, points, p->cols, &p->env));
done:
  return status;
}

static int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}

static htf_status make_room(kernel *k) {
  htf_status status = HTF_OK;
  int64_t widest = 1, longest = 1;
  for (int i = 0; i < k->parts; i++) {
    const part *p = &k->part[i];
    longest = p->t != NULL ? larger(longest, p->tuples * p->cols) : longest;
    widest = larger(widest, larger(p->cols, p->rows));
  }
  HTF_NEW(k->one, HTF_GAUSS_NEWTON_BLOCK * k->points);
  HTF_NEW(k->other, HTF_GAUSS_NEWTON_BLOCK * k->points);
  HTF_NEW(k->left, HTF_GAUSS_NEWTON_BLOCK * widest);
  HTF_NEW(k->right, HTF_GAUSS_NEWTON_BLOCK * widest);
  HTF_NEW(k->row, HTF_GAUSS_NEWTON_BLOCK * longest);
  HTF_NEW(k->turned, HTF_GAUSS_NEWTON_BLOCK * longest);
done:
  return status;
}

htf_status htf_gauss_newton__make_kernel(htf_gauss_newton *gn, const double *theta,
                                         double *diagonal, htf_gauss_newton__kernel **out) {
  htf_status status = HTF_OK;
  kernel *k = NULL;
  HTF_NEW(k, 1);
  gn->kernel = k;
  k->points = gn->points;
  HTF_NEW(k->part, gn->evaluation->root + 1);
  HTF_NEW(k->part_of, gn->evaluation->root + 1);
  for (int i = 0; i <= gn->evaluation->root; i++) {
    k->part_of[i] = -1;
  }
  HTF_TRY(find_parts(gn, gn->evaluation->root, theta));
  for (int64_t start = 0; start < gn->points; start += HTF_GAUSS_NEWTON_BLOCK) {
    int64_t rows = htf_gauss_newton__block(start, gn->points);
    htf_gauss_newton__sweep(gn, theta, start, rows, keep_rows);
  }
  memset(diagonal, 0, (size_t)gn->points * sizeof *diagonal);
  for (int i = 0; i < k->parts; i++) {
    add_diagonal(&k->part[i], gn->points, diagonal);
  }
  *out = k;
  k = NULL;
done:
  for (int i = 0; i <= gn->evaluation->root; i++) {
    gn->nodes[i].last = false;
  }
  htf_gauss_newton__destroy_kernel(&k);
  gn->kernel = NULL;
  return status;
}

htf_status htf_gauss_newton__choose_rows(htf_gauss_newton__kernel *k, const int64_t *order,
                                         int64_t points) {
  htf_status status = HTF_OK;
  k->points = points;
  for (int i = 0; i < k->parts; i++) {
    HTF_TRY(pick_part(order, points, &k->part[i]));
    if (k->part[i].cols == 1 && k->part[i].ahead != NULL) {
      join(&k->part[i], points);
    }
    if (k->part[i].t != NULL) {
      HTF_TRY(sort_part(&k->part[i], points));
    }
  }
  HTF_TRY(make_room(k));
done:
  return status;
}

// ---- rows of K ------------------------------------------------------------------------
//
// A block of rows stands in columns, [points, block], so that each product has a small
// matrix to its right and the points may come in any order. Of a last block that is not
// full the other columns hold numbers that nobody reads.

// Column i of B: row which[i] of an array [., cols].
static void gather(const double *from, int64_t cols, const int32_t *which, int64_t rows,
                   double *b) {
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t j = 0; j < cols; j++) {
      b[j * HTF_GAUSS_NEWTON_BLOCK + i] = from[which[i] * cols + j];
    }
  }
}

// C = A B + beta C, of `count` rows of A from row `first` on.
static void multiply(const double *a, int64_t first, int64_t count, int64_t cols,
                     const double *b, double beta, double *c) {
  htf_dense_multiply(HTF_PLAIN, htf_matrix_view(a + first * cols, count, cols), HTF_PLAIN,
                     htf_matrix_view(b, cols, HTF_GAUSS_NEWTON_BLOCK), beta,
                     htf_matrix_view(c, count, HTF_GAUSS_NEWTON_BLOCK));
}

static void add_node(const kernel *k, const part *p, const int32_t *which, int64_t rows,
                     double *out) {
  gather(p->env, p->cols, which, rows, k->left);
  gather(p->ahead, p->rows, which, rows, k->right);
  for (int64_t start = 0; start < k->points; start += HTF_GAUSS_NEWTON_BLOCK) {
    int64_t count = htf_gauss_newton__block(start, k->points);
    double *to = out + start * HTF_GAUSS_NEWTON_BLOCK;
    multiply(p->env, start, count, p->cols, k->left, 0, k->one);
    multiply(p->ahead, start, count, p->rows, k->right, 0, k->other);
    for (int64_t i = 0; i < count * HTF_GAUSS_NEWTON_BLOCK; i++) {
      to[i] += k->one[i] * k->other[i];
    }
  }
}

static void add_joined(const kernel *k, const part *p, const int32_t *which, int64_t rows,
                       double *out) {
  gather(p->env, p->cols, which, rows, k->left);
  multiply(p->env, 0, k->points, p->cols, k->left, 1, out);
}

static void add_one_hot(const kernel *k, const part *p, const int32_t *which, int64_t rows,
                        double *out) {
  gather(p->env, p->cols, which, rows, k->left);
  multiply(p->env, 0, k->points, p->cols, k->left, 0, k->one);
  for (int64_t j = 0; j < k->points; j++) {
    for (int64_t i = 0; i < rows; i++) {
      int64_t place = j * HTF_GAUSS_NEWTON_BLOCK + i;
      out[place] += p->at[j] == p->at[which[i]] ? k->one[place] : 0;
    }
  }
}

// Rows of E^T T, in columns.
static void make_rows(const kernel *k, const part *p, const int32_t *which, int64_t rows) {
  int64_t q = p->cols, n = p->tuples * q;
  for (int64_t i = 0; i < rows; i++) {
    const double *env = p->env + p->place[which[i]] * q;
    const double *t = p->t + p->at[which[i]] * q * n;
    htf_dense_multiply(HTF_PLAIN, htf_matrix_view(env, 1, q), HTF_PLAIN,
                       htf_matrix_view(t, q, n), 0, htf_matrix_view(k->row + i * n, 1, n));
  }
  for (int64_t j = 0; j < n; j++) {
    for (int64_t i = 0; i < rows; i++) {
      k->turned[j * HTF_GAUSS_NEWTON_BLOCK + i] = k->row[i * n + j];
    }
  }
}

static void add_below(const kernel *k, const part *p, const int32_t *which, int64_t rows,
                      double *out) {
  make_rows(k, p, which, rows);
  for (int64_t t = 0; t < p->tuples; t++) {
    int64_t first = p->start[t], count = p->start[t + 1] - first;
    const double *turned = k->turned + t * p->cols * HTF_GAUSS_NEWTON_BLOCK;
    multiply(p->env, first, count, p->cols, turned, 0, k->one);
    for (int64_t j = 0; j < count; j++) {
      double *to = out + p->order[first + j] * HTF_GAUSS_NEWTON_BLOCK;
      const double *from = k->one + j * HTF_GAUSS_NEWTON_BLOCK;
      for (int64_t i = 0; i < HTF_GAUSS_NEWTON_BLOCK; i++) {
        to[i] += from[i];
      }
    }
  }
}

void htf_gauss_newton__kernel_rows(const htf_gauss_newton__kernel *k, const int32_t *which,
                                   int64_t rows, double *out) {
  memset(out, 0, (size_t)(HTF_GAUSS_NEWTON_BLOCK * k->points) * sizeof *out);
  for (int i = 0; i < k->parts; i++) {
    const part *p = &k->part[i];
    if (p->t != NULL) {
      add_below(k, p, which, rows, out);
    } else if (p->joined) {
      add_joined(k, p, which, rows, out);
    } else if (p->ahead == NULL) {
      add_one_hot(k, p, which, rows, out);
    } else {
      add_node(k, p, which, rows, out);
    }
  }
}

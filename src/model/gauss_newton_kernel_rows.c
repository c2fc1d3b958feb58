// SPDX-License-Identifier: BSD-3-Clause
// Rows of the tangent kernel K, from what gauss_newton_kernel.c keeps for them.
//
// A block of rows stands in columns, [points, block], so that each product has a small
// matrix to its right and the points may come in any order. Of a last block that is not
// full the other columns hold numbers that nobody reads.
#include <string.h>

#include "gauss_newton_kernel_impl.h"

typedef htf_gauss_newton__part part;
typedef htf_gauss_newton__kernel kernel;

// Column i of B [cols, block]: row i of an array that is `stride` wide.
static void turn(const double *from, int64_t stride, int64_t rows, int64_t cols,
                 double *b) {
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t j = 0; j < cols; j++) {
      b[j * HTF_GAUSS_NEWTON_BLOCK + i] = from[i * stride + j];
    }
  }
}

// C = A B, of a matrix A with as many columns as B [cols, block] has rows.
static void multiply(htf_matrix a, const double *b, double *c) {
  htf_dense_multiply(HTF_PLAIN, a, HTF_PLAIN,
                     htf_matrix_view(b, a.cols, HTF_GAUSS_NEWTON_BLOCK), 0,
                     htf_matrix_view(c, a.rows, HTF_GAUSS_NEWTON_BLOCK));
}

// E of the rows to make, with all of c and w.
static void turn_env(const kernel *k, const part *p, const int32_t *which, int64_t rows) {
  int64_t cols = p->cols;
  htf_gauss_newton__make_env(k, p, which, 0, rows);
  for (int64_t i = 0; i < rows; i++) {
    double slope = p->slope ? k->slope[which[i]] : 1;
    for (int64_t j = 0; j < cols; j++) {
      k->made[i * htf_gauss_newton__pad(cols) + j] *=
          slope * (p->weights ? k->weights[j] : 1);
    }
  }
  turn(k->made, htf_gauss_newton__pad(cols), rows, cols, k->left);
}

static void gather(const part *p, const int32_t *at, const int32_t *which, int64_t start,
                   int64_t rows, double *to) {
  for (int64_t i = 0; i < rows; i++) {
    int64_t row = at[which == NULL ? start + i : which[i]];
    memcpy(to + i * p->rows, p->table.data + row * p->table.stride,
           (size_t)p->rows * sizeof *to);
  }
}

// E_k . E_l or P_k . P_l, each in a row of a block's columns: by the table's rows where
// these are fewer than the points, else by point, a block at a time.
typedef struct products {
  const double *data; // NULL: there are none
  const int32_t *at;  // which row a point has; NULL: they are of the block
} products;

static const double *product_of(const products *p, int64_t start, int64_t point) {
  int64_t row = p->at != NULL ? p->at[point] : point - start;
  return p->data + row * HTF_GAUSS_NEWTON_BLOCK;
}

// (E_k . E_l) (P_k . P_l), for a block of points k from `start` on.
static void add_block(const kernel *k, const part *p, const int32_t *which, int64_t start,
                      const products *env, const products *ahead, int64_t rows,
                      double *out) {
  int64_t count = htf_gauss_newton__block(start, k->points);
  for (int64_t j = start; j < start + count; j++) {
    double *to = out + j * HTF_GAUSS_NEWTON_BLOCK;
    double slope = p->slope ? k->slope[j] : 1;
    const double *x = product_of(env, start, j);
    if (ahead->data != NULL) {
      const double *y = product_of(ahead, start, j);
      for (int64_t i = 0; i < HTF_GAUSS_NEWTON_BLOCK; i++) {
        to[i] += slope * x[i] * y[i];
      }
    } else if (p->node == k->frozen->root) {
      for (int64_t i = 0; i < HTF_GAUSS_NEWTON_BLOCK; i++) {
        to[i] += slope * x[i];
      }
    } else {
      const int32_t *at = k->at[p->node];
      for (int64_t i = 0; i < rows; i++) {
        to[i] += at[j] == at[which[i]] ? slope * x[i] : 0;
      }
    }
  }
}

static void add_node(const kernel *k, const part *p, const int32_t *which, int64_t rows,
                     double *out) {
  const int32_t *at = k->at[p->node];
  products env = {k->one, NULL}, ahead = {NULL, NULL};
  bool env_by_row = p->env_tuples > 0 && p->env_tuples <= k->points;
  bool ahead_by_row = p->table.data != NULL && p->table.rows <= k->points;
  turn_env(k, p, which, rows);
  if (env_by_row) {
    env.at = p->factor->at;
    multiply(
        htf_evaluation__view(p->factor->value, p->env_tuples, p->cols, p->factor->stride),
        k->left, k->one);
  }
  if (p->table.data != NULL) {
    gather(p, at, which, 0, rows, k->made);
    turn(k->made, p->rows, rows, p->rows, k->right);
    ahead.data = k->other;
  }
  if (ahead_by_row) {
    ahead.at = at;
    multiply(p->table, k->right, k->other);
  }
  for (int64_t start = 0; start < k->points; start += HTF_GAUSS_NEWTON_BLOCK) {
    int64_t count = htf_gauss_newton__block(start, k->points);
    if (!env_by_row) {
      htf_gauss_newton__make_env(k, p, NULL, start, count);
      multiply(
          htf_evaluation__view(k->made, count, p->cols, htf_gauss_newton__pad(p->cols)),
          k->left, k->one);
    }
    if (p->table.data != NULL && !ahead_by_row) {
      gather(p, at, NULL, start, count, k->made);
      multiply(htf_matrix_view(k->made, count, p->rows), k->right, k->other);
    }
    add_block(k, p, which, start, &env, &ahead, rows, out);
  }
}

// Rows of E^T T, in columns.
static void make_rows(const kernel *k, const part *p, const int32_t *which, int64_t rows) {
  int64_t q = p->cols, n = p->tuples * q;
  for (int64_t i = 0; i < rows; i++) {
    const double *env = p->env + p->place[which[i]] * q;
    const double *t = p->t + k->at[p->node][which[i]] * q * n;
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
    multiply(htf_matrix_view(p->env + first * p->cols, count, p->cols), turned, k->one);
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
    } else {
      add_node(k, p, which, rows, out);
    }
  }
}

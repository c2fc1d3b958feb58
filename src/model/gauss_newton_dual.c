// SPDX-License-Identifier: BSD-3-Clause
// M by the points: with the rows of A = sqrt(c) J, of which there are as many as points,
//     (I + gamma A^T A)^-1 = I - gamma A^T (I + gamma A A^T)^-1 A.
// A is multiplied by as the tangent and the pullback of an evaluation of its own, whose
// tables stay those at theta.
//
// In a valley K = A A^T [m, m] is nearly one of few rows: its eigenvalues fall
// exponentially, those of gamma K from 1e13 to 1 within some 300 of 2,048, and so do the
// numbers on its diagonal. So
// - points are left out whose K_kk come to no more than LEFT_OUT of the threshold in sum;
// - Cholesky's factor of S = I + gamma K ends early. With some of its rows as pivots,
//       S = U^T U + D,  D = 0 at the pivots, I + R at the others,
//   R is positive semidefinite, and its trace known. Where that is below LEFT_OUT, R is
//   taken for 0.
// Then M is symmetric, and positive definite: in the space of A's rows M^-1 is similar to
// the symmetric T^(-1/2) (T - gamma K) T^(-1/2) with T = S without R, and T - gamma K is 1
// at the pivots and I - R at the others.
//
// The next pivots are a block of those with the largest diagonal left, and only their rows
// of K are made (block pivoting; Chen, Epperly, Tropp, Webber 2022 draw them by chance).
// For another gamma they stay, as many as it takes, and more where it takes more.
//
// Problem 5 of tests/bench/evaluations.py (seed 0, rtol 1e-4) takes 500 pivots of 940
// points on average, and M 0.02 s where all of K and its factor took 0.17.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gauss_newton_impl.h"
#include "htflow/memory.h"
#include "htflow/symmetric.h"

// Of eigenvalues of M^-1 (I + gamma A^T A), which are 1 otherwise.
static const double LEFT_OUT = 0.5;
// And no more than so many times gamma times the threshold.
static const double TIMES = 5;
// Added to gamma K where gamma K is beyond 1 / rounding.
static const double ROUNDING = 1e-14;

// A block of pivots: rows of U, and of K as columns, from their diagonal on.
typedef struct block {
  int64_t room; // columns
  double *u;    // [block, columns + PAD]
  double *k;    // [columns, block]
} block;

// Position k: pivots come first, in the order in which they were chosen.
struct htf_gauss_newton__dual {
  htf_evaluation *frozen;
  double *theta; // [parameters] where its tables are
  double *y;     // [points] in the order of the points as given
  htf_gauss_newton__kernel *kernel;
  int64_t points; // that K is of
  double threshold;
  int64_t *order;   // [points] which chosen points these are; their K_kk, descending
  double *diagonal; // [points]
  double *weight;   // [points] their sqrt(c)
  int32_t *at;      // [points] at position k
  double *left;     // [points] at position k, the diagonal of R
  int64_t made;     // rows of K that are made
  int64_t rank;     // rows of U
  int64_t most;     // blocks
  block *blocks;    // [most]
  htf_matrix *u;    // [most] U by blocks
  double *rows;     // [points, block] of K, in the order of `order`
  double *x;        // [points]
};

typedef struct htf_gauss_newton__dual dual;

static htf_status make(const htf_gauss_newton *gn, dual **out) {
  htf_status status = HTF_OK;
  const htf_evaluation *e = gn->evaluation;
  dual *d = NULL;
  int64_t blocks = (gn->points + HTF_GAUSS_NEWTON_BLOCK - 1) / HTF_GAUSS_NEWTON_BLOCK;
  HTF_NEW(d, 1);
  HTF_TRY(htf_evaluation_create(e->model, e->points, HTF_USE_HESSIAN, &d->frozen));
  HTF_NEW(d->theta, htf_model_parameters(e->model));
  HTF_NEW(d->y, e->count);
  HTF_NEW(d->order, gn->points);
  HTF_NEW(d->diagonal, gn->points);
  HTF_NEW(d->weight, gn->points);
  HTF_NEW(d->at, gn->points);
  HTF_NEW(d->left, gn->points);
  HTF_NEW(d->x, gn->points);
  HTF_NEW(d->rows, gn->points * HTF_GAUSS_NEWTON_BLOCK);
  HTF_NEW(d->u, blocks);
  HTF_NEW(d->blocks, blocks);
  d->most = blocks;
  *out = d;
  d = NULL;
done:
  htf_gauss_newton__destroy_dual(&d);
  return status;
}

void htf_gauss_newton__destroy_dual(htf_gauss_newton__dual **out) {
  dual *d = *out;
  if (d != NULL) {
    for (int64_t i = 0; i < d->most; i++) {
      HTF_FREE(d->blocks[i].u);
      HTF_FREE(d->blocks[i].k);
    }
    htf_evaluation_destroy(&d->frozen);
    htf_gauss_newton__destroy_kernel(&d->kernel);
    HTF_FREE(d->theta);
    HTF_FREE(d->y);
    HTF_FREE(d->order);
    HTF_FREE(d->diagonal);
    HTF_FREE(d->weight);
    HTF_FREE(d->at);
    HTF_FREE(d->left);
    HTF_FREE(d->rows);
    HTF_FREE(d->u);
    HTF_FREE(d->blocks);
    HTF_FREE(d->x);
    HTF_FREE(*out);
  }
}

// ---- which points ---------------------------------------------------------------------

typedef struct entry {
  double value;
  int64_t point;
} entry;

static int descending(const void *left, const void *right) {
  const entry *a = left, *b = right;
  return a->value != b->value ? (a->value < b->value) - (a->value > b->value)
                              : (a->point > b->point) - (a->point < b->point);
}

static htf_status choose_points(const htf_gauss_newton *gn, dual *d) {
  htf_status status = HTF_OK;
  entry *all = NULL;
  double left = 0, most = LEFT_OUT * d->threshold;
  HTF_NEW(all, gn->points);
  for (int64_t k = 0; k < gn->points; k++) {
    all[k] = (entry){d->diagonal[k], k};
  }
  qsort(all, (size_t)gn->points, sizeof *all, descending);
  d->points = gn->points;
  while (d->points > 0 && left + all[d->points - 1].value <= most) {
    left += all[--d->points].value;
  }
  for (int64_t k = 0; k < d->points; k++) {
    d->diagonal[k] = all[k].value;
    d->order[k] = all[k].point;
    d->weight[k] = gn->root_slope[all[k].point];
    d->at[k] = (int32_t)k;
  }
done:
  HTF_FREE(all);
  return status;
}

htf_status htf_gauss_newton__build_dual(htf_gauss_newton *gn, const double *theta,
                                        double threshold) {
  htf_status status = HTF_OK;
  int64_t parameters = htf_model_parameters(gn->evaluation->model);
  if (gn->dual == NULL) {
    HTF_TRY(make(gn, &gn->dual));
  }
  dual *d = gn->dual;
  htf_gauss_newton__destroy_kernel(&d->kernel);
  memcpy(d->theta, theta, (size_t)parameters * sizeof *theta);
  htf_evaluation_forward(d->frozen, d->theta, d->y);
  HTF_TRY(htf_gauss_newton__make_kernel(gn, theta, d->frozen, d->diagonal, &d->kernel));
  d->threshold = threshold;
  d->made = d->rank = 0;
  HTF_TRY(choose_points(gn, d));
  HTF_TRY(htf_gauss_newton__choose_rows(d->kernel, d->order, d->points));
done:
  return status;
}

// ---- U --------------------------------------------------------------------------------

// U's rows start at different sets of a cache where their length is a power of two.
enum { PAD = 8 };

// Room for the block that comes next.
static htf_status open_block(dual *d, int64_t rows) {
  htf_status status = HTF_OK;
  int64_t number = d->rank / HTF_GAUSS_NEWTON_BLOCK, cols = d->points - d->rank;
  block *b = &d->blocks[number];
  if (cols > b->room) {
    b->room = 0;
    HTF_FREE(b->u);
    HTF_FREE(b->k);
    HTF_NEW(b->u, HTF_GAUSS_NEWTON_BLOCK * (cols + PAD));
    HTF_NEW(b->k, HTF_GAUSS_NEWTON_BLOCK * cols);
    b->room = cols;
  }
  d->u[number] = htf_matrix_view(b->u, rows, cols);
  d->u[number].stride = cols + PAD;
done:
  return status;
}

static double trace_left(const dual *d) {
  double sum = 0;
  for (int64_t k = d->rank; k < d->points; k++) {
    sum += fmax(0, d->left[k]);
  }
  return sum;
}

static void swap(double *a, double *b, int64_t n, int64_t stride) {
  for (int64_t i = 0; i < n * stride; i += stride) {
    double x = a[i];
    a[i] = b[i];
    b[i] = x;
  }
}

static void swap_positions(dual *d, int64_t a, int64_t b) {
  int32_t at = d->at[a];
  d->at[a] = d->at[b];
  d->at[b] = at;
  swap(d->left + a, d->left + b, 1, 1);
  for (int64_t first = 0; first < d->rank; first += HTF_GAUSS_NEWTON_BLOCK) {
    const htf_matrix *u = &d->u[first / HTF_GAUSS_NEWTON_BLOCK];
    double *k = d->blocks[first / HTF_GAUSS_NEWTON_BLOCK].k;
    swap(u->data + a - first, u->data + b - first, u->rows, u->stride);
    swap(k + (a - first) * HTF_GAUSS_NEWTON_BLOCK, k + (b - first) * HTF_GAUSS_NEWTON_BLOCK,
         HTF_GAUSS_NEWTON_BLOCK, 1);
  }
}

// The positions that follow become those with the most left.
static void choose_pivots(dual *d, int64_t rows) {
  for (int64_t i = d->rank; i < d->rank + rows; i++) {
    int64_t most = i;
    for (int64_t k = i + 1; k < d->points; k++) {
      most = d->left[k] > d->left[most] ? k : most;
    }
    if (most != i) {
      swap_positions(d, i, most);
    }
  }
}

static htf_status make_block(dual *d, int64_t rows) {
  htf_status status = HTF_OK;
  HTF_TRY(open_block(d, rows));
  choose_pivots(d, rows);
  htf_gauss_newton__kernel_rows(d->kernel, d->at + d->rank, rows, d->rows);
  double *to = d->blocks[d->rank / HTF_GAUSS_NEWTON_BLOCK].k;
  for (int64_t k = d->rank; k < d->points; k++) {
    memcpy(to + (k - d->rank) * HTF_GAUSS_NEWTON_BLOCK,
           d->rows + d->at[k] * HTF_GAUSS_NEWTON_BLOCK,
           HTF_GAUSS_NEWTON_BLOCK * sizeof *to);
  }
  d->made = d->rank + rows;
done:
  return status;
}

// Rows of S from the diagonal on, where U's stand then, a line of the cache at a time.
static void fill(const dual *d, double gamma, const double *from, htf_matrix u) {
  for (int64_t start = 0; start < u.cols; start += PAD) {
    int64_t end = start + PAD < u.cols ? start + PAD : u.cols;
    for (int64_t i = 0; i < u.rows; i++) {
      for (int64_t k = start; k < end; k++) {
        u.data[i * u.stride + k] = gamma * from[k * HTF_GAUSS_NEWTON_BLOCK + i];
      }
    }
  }
  for (int64_t i = 0; i < u.rows; i++) {
    u.data[i * u.stride + i] += 1 + gamma * ROUNDING * d->diagonal[0];
  }
}

static htf_status add_pivots(dual *d, double gamma) {
  htf_status status = HTF_OK;
  int64_t rows = htf_gauss_newton__block(d->rank, d->points);
  int64_t number = d->rank / HTF_GAUSS_NEWTON_BLOCK;
  if (d->rank + rows > d->made) {
    HTF_TRY(make_block(d, rows));
  }
  htf_matrix u = d->u[number];
  fill(d, gamma, d->blocks[number].k, u);
  HTF_TRY(htf_symmetric_extend(d->u, number + 1));
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t k = rows; k < u.cols; k++) {
      double x = u.data[i * u.stride + k];
      d->left[d->rank + k] -= x * x;
    }
  }
  d->rank += rows;
done:
  return status;
}

htf_status htf_gauss_newton__factor_dual(htf_gauss_newton *gn, double gamma) {
  htf_status status = HTF_OK;
  dual *d = gn->dual;
  double most = fmin(LEFT_OUT, TIMES * gamma * d->threshold);
  d->rank = 0;
  for (int64_t k = 0; k < d->points; k++) {
    d->left[k] = gamma * d->diagonal[d->at[k]];
  }
  while (d->rank < d->points && trace_left(d) > most) {
    HTF_TRY(add_pivots(d, gamma));
  }
done:
  return status;
}

static int64_t place_of(const htf_gauss_newton *gn, int64_t k) {
  return htf_gauss_newton__point_of(gn, gn->dual->order[gn->dual->at[k]]);
}

void htf_gauss_newton__solve_dual(htf_gauss_newton *gn, const double *r, double *z) {
  dual *d = gn->dual;
  int64_t parameters = htf_model_parameters(gn->evaluation->model);
  int64_t blocks = (d->rank + HTF_GAUSS_NEWTON_BLOCK - 1) / HTF_GAUSS_NEWTON_BLOCK;
  htf_evaluation_tangent(d->frozen, d->theta, r, d->y);
  for (int64_t k = 0; k < d->points; k++) {
    d->x[k] = d->weight[d->at[k]] * d->y[place_of(gn, k)];
  }
  htf_symmetric_solve_part(d->u, blocks, d->x);
  memset(d->y, 0, (size_t)gn->evaluation->count * sizeof *d->y);
  for (int64_t k = 0; k < d->points; k++) {
    d->y[place_of(gn, k)] = gn->gamma * d->weight[d->at[k]] * d->x[k];
  }
  htf_evaluation_pullback(d->frozen, d->theta, d->y, z);
  for (int64_t i = 0; i < parameters; i++) {
    z[i] = r[i] - z[i];
  }
}

int64_t htf_gauss_newton__rank(const htf_gauss_newton *gn) {
  return gn->dual->rank;
}

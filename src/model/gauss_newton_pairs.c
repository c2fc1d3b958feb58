// SPDX-License-Identifier: BSD-3-Clause
// Which pairs are stiff: eigenvectors of every node's two Gram matrices, what they leave of
// the rows of P_v and E_v, and the pairs' d. The formulas are in the door.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gauss_newton_impl.h"
#include "htflow/memory.h"
#include "htflow/symmetric.h"

// Eigenvectors of a node and side that may be kept, and the share of the threshold that the
// product of a pair's two eigenvalues, which estimates its d, must reach.
enum { MOST_KEPT = 256 };
static const double MARGIN = 0.03;

// ---- P_v and its Gram matrix ----------------------------------------------------------

// P^T P: every row of the table as often as it has points.
static void add_table(htf_gauss_newton *gn, int node) {
  const htf_gauss_newton__node *v = &gn->nodes[node];
  htf_matrix table = htf_gauss_newton__table(gn, gn->evaluation, node);
  for (int64_t start = 0; start < v->tuples; start += HTF_GAUSS_NEWTON_BLOCK) {
    int64_t rows = htf_gauss_newton__block(start, v->tuples);
    for (int64_t k = 0; k < rows; k++) {
      const double *from = table.data + (start + k) * table.stride;
      for (int64_t r = 0; r < v->rows; r++) {
        gn->scaled[k * v->rows + r] = v->counts[start + k] * from[r];
      }
    }
    htf_symmetric_add_gram(htf_matrix_view(gn->scaled, rows, v->rows),
                           htf_matrix_view(v->u, v->rows, v->rows));
  }
}

static htf_status make_room(htf_gauss_newton *gn) {
  htf_status status = HTF_OK;
  for (int i = 0; i <= gn->evaluation->root; i++) {
    htf_gauss_newton__node *v = &gn->nodes[i];
    if (v->learnt) {
      HTF_NEW(v->z, v->cols * v->cols);
    }
    if (v->learnt && !v->one_hot) {
      HTF_NEW(v->u, v->rows * v->rows);
    }
  }
done:
  return status;
}

static void add_block(htf_gauss_newton *gn, int node, const double *env, const int32_t *at,
                      int64_t rows) {
  (void)at;
  const htf_gauss_newton__node *v = &gn->nodes[node];
  if (v->learnt) {
    htf_symmetric_add_gram(htf_matrix_view(env, rows, v->cols),
                           htf_matrix_view(v->z, v->cols, v->cols));
  }
  if (v->learnt && node == gn->evaluation->root) {
    htf_symmetric_add_gram(htf_matrix_view(gn->product, rows, v->rows),
                           htf_matrix_view(v->u, v->rows, v->rows));
  }
}

// Both Gram matrices of every node, into u and z.
static htf_status make_grams(htf_gauss_newton *gn, const double *theta) {
  htf_status status = HTF_OK;
  HTF_TRY(make_room(gn));
  for (int i = 0; i < gn->evaluation->root; i++) {
    if (gn->nodes[i].learnt && !gn->nodes[i].one_hot) {
      add_table(gn, i);
    }
  }
  for (int64_t start = 0; start < gn->points; start += HTF_GAUSS_NEWTON_BLOCK) {
    int64_t rows = htf_gauss_newton__block(start, gn->points);
    htf_gauss_newton__sweep(gn, theta, start, rows, add_block);
  }
done:
  return status;
}

// ---- eigenvectors ---------------------------------------------------------------------

// How many of n ascending values are at least `least`, MOST_KEPT at most.
static int64_t count_above(const double *values, int64_t n, double least) {
  int64_t kept = 0;
  while (kept < n && kept < MOST_KEPT && values[n - 1 - kept] >= least) {
    kept++;
  }
  return kept;
}

static double most_counted(const htf_gauss_newton__node *v) {
  double most = 0;
  for (int64_t r = 0; r < v->rows; r++) {
    most = fmax(most, v->counts[r] * v->counts[r]);
  }
  return most;
}

// Keeps of n vectors the last `count`, which come first then.
static htf_status keep(double **vectors, int64_t n, int64_t count) {
  htf_status status = HTF_OK;
  memmove(*vectors, *vectors + (n - count) * n, (size_t)(count * n) * sizeof **vectors);
  HTF_RESIZE(*vectors, count * n);
done:
  return status;
}

// Which eigenvectors could be part of a pair above the least: d is about the product of the
// two eigenvalues over the number of points. a and b: room for the eigenvalues.
static htf_status decompose_node(htf_gauss_newton__node *v, double least, double *a,
                                 double *b) {
  htf_status status = HTF_OK;
  double most_a;
  HTF_TRY(htf_symmetric_eigen(htf_matrix_view(v->z, v->cols, v->cols), b));
  if (v->one_hot) {
    most_a = most_counted(v);
    v->kept_i = v->rows;
  } else {
    HTF_TRY(htf_symmetric_eigen(htf_matrix_view(v->u, v->rows, v->rows), a));
    most_a = a[v->rows - 1];
    v->kept_i = count_above(a, v->rows, least / b[v->cols - 1]);
  }
  v->kept_j = most_a > 0 ? count_above(b, v->cols, least / most_a) : 0;
  if (v->kept_i == 0 || v->kept_j == 0) {
    v->kept_i = v->kept_j = 0;
  }
  HTF_TRY(keep(&v->z, v->cols, v->kept_j));
  if (!v->one_hot) {
    HTF_TRY(keep(&v->u, v->rows, v->kept_i));
  }
done:
  return status;
}

static htf_status decompose(htf_gauss_newton *gn, double threshold) {
  htf_status status = HTF_OK;
  double *a = NULL, *b = NULL;
  for (int i = 0; i <= gn->evaluation->root; i++) {
    htf_gauss_newton__node *v = &gn->nodes[i];
    if (v->learnt) {
      HTF_NEW(a, v->rows);
      HTF_NEW(b, v->cols);
      HTF_TRY(decompose_node(v, MARGIN * threshold * (double)gn->points, a, b));
      HTF_FREE(a);
      HTF_FREE(b);
    }
  }
done:
  HTF_FREE(a);
  HTF_FREE(b);
  return status;
}

// ---- rows in the eigenvectors ---------------------------------------------------------

// Room for a block's rows, and P U from the tables.
static htf_status project_tables(htf_gauss_newton *gn) {
  htf_status status = HTF_OK;
  int64_t most = 0;
  for (int i = 0; i <= gn->evaluation->root; i++) {
    htf_gauss_newton__node *v = &gn->nodes[i];
    bool root = i == gn->evaluation->root;
    most = v->kept_j > most ? v->kept_j : most;
    if (!v->one_hot) {
      HTF_NEW(v->ahead, (root ? HTF_GAUSS_NEWTON_BLOCK : v->tuples) * v->kept_i);
    }
    if (v->kept_i > 0 && !v->one_hot && !root) {
      htf_dense_multiply(HTF_PLAIN, htf_gauss_newton__table(gn, gn->evaluation, i),
                         HTF_TRANSPOSED, htf_matrix_view(v->u, v->kept_i, v->rows), 0,
                         htf_matrix_view(v->ahead, v->tuples, v->kept_i));
    }
  }
  HTF_NEW(gn->behind, HTF_GAUSS_NEWTON_BLOCK * most);
done:
  return status;
}

void htf_gauss_newton__project(htf_gauss_newton *gn, int node, const double *env,
                               int64_t rows) {
  const htf_gauss_newton__node *v = &gn->nodes[node];
  htf_dense_multiply(HTF_PLAIN, htf_matrix_view(env, rows, v->cols), HTF_TRANSPOSED,
                     htf_matrix_view(v->z, v->kept_j, v->cols), 0,
                     htf_matrix_view(gn->behind, rows, v->kept_j));
  if (node == gn->evaluation->root) {
    htf_dense_multiply(HTF_PLAIN, htf_matrix_view(gn->product, rows, v->rows),
                       HTF_TRANSPOSED, htf_matrix_view(v->u, v->kept_i, v->rows), 0,
                       htf_matrix_view(v->ahead, rows, v->kept_i));
  }
}

// ---- pairs ----------------------------------------------------------------------------

static htf_status make_energies(htf_gauss_newton *gn) {
  htf_status status = HTF_OK;
  for (int i = 0; i <= gn->evaluation->root; i++) {
    htf_gauss_newton__node *v = &gn->nodes[i];
    HTF_NEW(v->energy, v->kept_i * v->kept_j);
    if (i < gn->evaluation->root && !v->one_hot) {
      HTF_NEW(v->sums, v->tuples * v->kept_j);
    }
  }
done:
  return status;
}

// d_ij += x_i^2 s_j, of one row.
static void add_energy(const htf_gauss_newton__node *v, const double *ahead,
                       const double *sums) {
  for (int64_t i = 0; i < v->kept_i; i++) {
    double *to = v->energy + i * v->kept_j, x = ahead[i] * ahead[i];
    for (int64_t j = 0; j < v->kept_j; j++) {
      to[j] += x * sums[j];
    }
  }
}

// Squares of a block's rows: into the sums of their tuples, which are d itself where P has
// a single 1; of the root, whose tuples are the points, into d.
static void weigh_block(htf_gauss_newton *gn, int node, const double *env,
                        const int32_t *at, int64_t rows) {
  const htf_gauss_newton__node *v = &gn->nodes[node];
  if (v->kept_j == 0) {
    return;
  }
  htf_gauss_newton__project(gn, node, env, rows);
  for (int64_t k = 0; k < rows; k++) {
    double *x = gn->behind + k * v->kept_j;
    double *sums = v->one_hot ? v->energy : v->sums;
    double *to = at == NULL ? NULL : sums + at[k] * v->kept_j;
    for (int64_t j = 0; j < v->kept_j; j++) {
      x[j] *= x[j];
    }
    for (int64_t j = 0; j < v->kept_j && to != NULL; j++) {
      to[j] += x[j];
    }
    if (to == NULL) {
      add_energy(v, v->ahead + k * v->kept_i, x);
    }
  }
}

// d_ij = sum_k (P U)_ki^2 (sqrt(c) E Z)_kj^2.
static htf_status weigh(htf_gauss_newton *gn, const double *theta) {
  htf_status status = HTF_OK;
  HTF_TRY(make_energies(gn));
  for (int64_t start = 0; start < gn->points; start += HTF_GAUSS_NEWTON_BLOCK) {
    int64_t rows = htf_gauss_newton__block(start, gn->points);
    htf_gauss_newton__sweep(gn, theta, start, rows, weigh_block);
  }
  for (int i = 0; i < gn->evaluation->root; i++) {
    htf_gauss_newton__node *v = &gn->nodes[i];
    for (int64_t r = 0; v->sums != NULL && r < v->tuples; r++) {
      add_energy(v, v->ahead + r * v->kept_i, v->sums + r * v->kept_j);
    }
    HTF_FREE(v->sums);
  }
done:
  return status;
}

static int descending(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a < b) - (a > b);
}

// Whether M by the points is cheaper, or much is left out without.
static bool points_are_fewer(const htf_gauss_newton *gn, int64_t stiff) {
  int64_t most = gn->most_pairs < gn->points ? gn->most_pairs : gn->points;
  return gn->point == NULL && gn->points <= gn->most_points && stiff > most;
}

// The threshold, or a higher one that only most_pairs pass; or M is by the points.
static htf_status limit(htf_gauss_newton *gn, double threshold, double *least) {
  htf_status status = HTF_OK;
  double *all = NULL;
  int64_t count = 0, room = 0;
  for (int i = 0; i <= gn->evaluation->root; i++) {
    room += gn->nodes[i].kept_i * gn->nodes[i].kept_j;
  }
  HTF_NEW(all, room);
  for (int i = 0; i <= gn->evaluation->root; i++) {
    const htf_gauss_newton__node *v = &gn->nodes[i];
    for (int64_t p = 0; p < v->kept_i * v->kept_j; p++) {
      if (v->energy[p] > threshold) {
        all[count++] = v->energy[p];
      }
    }
  }
  *least = threshold;
  gn->by_points = points_are_fewer(gn, count);
  if (!gn->by_points && count > gn->most_pairs) {
    qsort(all, (size_t)count, sizeof *all, descending);
    *least = all[gn->most_pairs];
  }
done:
  HTF_FREE(all);
  return status;
}

static htf_status pick(htf_gauss_newton *gn, htf_gauss_newton__node *v, double least) {
  htf_status status = HTF_OK;
  int64_t room = v->kept_i * v->kept_j, above = 0;
  for (int64_t p = 0; p < room; p++) {
    above += v->energy[p] > least;
  }
  HTF_NEW(v->pair_i, above);
  HTF_NEW(v->pair_j, above);
  for (int64_t p = 0; p < room; p++) {
    if (v->energy[p] > least) {
      v->pair_i[v->pairs] = (int32_t)(p / v->kept_j);
      v->pair_j[v->pairs++] = (int32_t)(p % v->kept_j);
    }
  }
  v->column = gn->pairs;
  gn->pairs += v->pairs;
  HTF_FREE(v->energy);
done:
  return status;
}

htf_status htf_gauss_newton__find_pairs(htf_gauss_newton *gn, const double *theta,
                                        double threshold) {
  htf_status status = HTF_OK;
  double least = threshold;
  HTF_TRY(htf_gauss_newton__count(gn));
  HTF_TRY(make_grams(gn, theta));
  HTF_TRY(decompose(gn, threshold));
  HTF_TRY(project_tables(gn));
  HTF_TRY(weigh(gn, theta));
  HTF_TRY(limit(gn, threshold, &least));
  for (int i = 0; i <= gn->evaluation->root && !gn->by_points; i++) {
    HTF_TRY(pick(gn, &gn->nodes[i], least));
  }
done:
  return status;
}

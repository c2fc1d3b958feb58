// SPDX-License-Identifier: BSD-3-Clause
// The stiff pairs, their Gram matrix, and I + gamma H inverted nearly. The formulas are in
// the door.
#include "htflow/gauss_newton.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gauss_newton_impl.h"
#include "htflow/memory.h"
#include "htflow/symmetric.h"

// ---- life -----------------------------------------------------------------------------

static void describe(htf_gauss_newton *gn, int node) {
  const htf_evaluation *e = gn->evaluation;
  const htf_evaluation_node *from = &e->nodes[node];
  htf_gauss_newton__node *v = &gn->nodes[node];
  v->learnt = htf_model_offset(e->model, node) >= 0;
  v->one_hot = from->children == 0 && from->inputs == NULL;
  v->rows = htf_model_rows(e->model, node); // those of from may be the core's
  v->cols = htf_model_cols(e->model, node);
  v->tuples = node == e->root ? gn->points : from->stored;
}

htf_status htf_gauss_newton_create(const htf_evaluation *evaluation, int64_t most_pairs,
                                   int64_t most_points, htf_gauss_newton **out) {
  htf_status status = HTF_OK;
  htf_gauss_newton *gn = NULL;
  HTF_ASSERT(evaluation->use >= HTF_USE_GRADIENT);
  HTF_NEW(gn, 1);
  gn->evaluation = evaluation;
  gn->most_pairs = most_pairs;
  gn->most_points = most_points;
  HTF_NEW(gn->nodes, evaluation->root + 1);
  HTF_TRY(htf_gauss_newton__choose(gn));
  for (int i = 0; i <= evaluation->root; i++) {
    describe(gn, i);
  }
  *out = gn;
  gn = NULL;
done:
  htf_gauss_newton_destroy(&gn);
  return status;
}

// What only building needs, of the pairs and of any M.
static void forget_eigenvectors(htf_gauss_newton *gn) {
  for (int i = 0; i <= gn->evaluation->root; i++) {
    htf_gauss_newton__node *v = &gn->nodes[i];
    HTF_FREE(v->counts);
    HTF_FREE(v->ahead);
    HTF_FREE(v->sums);
    HTF_FREE(v->energy);
  }
  HTF_FREE(gn->behind);
  HTF_FREE(gn->features);
}

static void forget_rows(htf_gauss_newton *gn) {
  forget_eigenvectors(gn);
  for (int i = 0; i <= gn->evaluation->root; i++) {
    HTF_FREE(gn->nodes[i].own);
  }
  htf_gauss_newton__close_levels(gn);
  HTF_FREE(gn->root_slope);
}

static void forget_pairs(htf_gauss_newton *gn) {
  for (int i = 0; i <= gn->evaluation->root; i++) {
    htf_gauss_newton__node *v = &gn->nodes[i];
    HTF_FREE(v->u);
    HTF_FREE(v->z);
    HTF_FREE(v->pair_i);
    HTF_FREE(v->pair_j);
    v->pairs = v->kept_i = v->kept_j = 0;
  }
}

static void forget_last(htf_gauss_newton *gn) {
  forget_rows(gn);
  forget_pairs(gn);
  HTF_FREE(gn->right);
  HTF_FREE(gn->half);
  HTF_FREE(gn->core);
  gn->pairs = 0;
}

void htf_gauss_newton_forget(htf_gauss_newton *gn) {
  forget_last(gn);
  gn->by_points = false;
}

static void forget_square(htf_gauss_newton *gn) {
  HTF_FREE(gn->gram);
  HTF_FREE(gn->diagonal);
  HTF_FREE(gn->inner);
  gn->room = 0;
}

void htf_gauss_newton_destroy(htf_gauss_newton **out) {
  htf_gauss_newton *gn = *out;
  if (gn != NULL && gn->nodes != NULL) {
    htf_gauss_newton_forget(gn);
    forget_square(gn);
    HTF_FREE(gn->nodes);
    HTF_FREE(gn->point);
    htf_gauss_newton__destroy_dual(&gn->dual);
  }
  HTF_FREE(*out);
}

int64_t htf_gauss_newton_pairs(const htf_gauss_newton *gn) {
  return gn->pairs;
}

bool htf_gauss_newton_by_points(const htf_gauss_newton *gn) {
  return gn->by_points;
}

// A number read from memory, as a number of operations: of those that solving reads.
static const double READ = 10;

// A product is two gradients; of the root's sums, which are no matrix products, counts that
// all its rows pass three times.
double htf_gauss_newton_cost(const htf_gauss_newton *gn) {
  const htf_evaluation *e = gn->evaluation;
  double m = (double)gn->points, q = (double)gn->pairs;
  double rank = gn->by_points ? (double)htf_gauss_newton__rank(gn) : 0;
  double flops = m * q * q + q * q * q / 3 + 2 * m * rank * rank;
  double root = e->whole ? 0 : 6.0 * (double)e->count * (double)gn->nodes[e->root].rows;
  for (int i = 0; i <= e->root; i++) {
    const htf_gauss_newton__node *v = &gn->nodes[i];
    double r = (double)v->rows, p = (double)v->cols;
    flops += m * (p * p + 4 * r * p) + 10 * p * p * p;
    flops += v->one_hot ? 0 : (double)v->tuples * r * r + 10 * r * r * r;
    flops += 2 * m * rank * (r + p);
  }
  return flops / (2 * (htf_evaluation_flops(e) + root) + READ * (q * q + m * rank));
}

int64_t htf_gauss_newton__pad(int64_t width) {
  return (width + 7) / 8 * 8;
}

int64_t htf_gauss_newton__block(int64_t start, int64_t end) {
  int64_t left = end - start;
  return left < HTF_GAUSS_NEWTON_BLOCK ? left : HTF_GAUSS_NEWTON_BLOCK;
}

// ---- G --------------------------------------------------------------------------------

// A node's columns of the features.
static void fill_features(htf_gauss_newton *gn, int node, const double *env,
                          const int32_t *at, int64_t rows) {
  const htf_gauss_newton__node *v = &gn->nodes[node];
  if (v->pairs == 0) {
    return;
  }
  htf_gauss_newton__project(gn, node, env, rows);
  for (int64_t k = 0; k < rows; k++) {
    int64_t tuple = at == NULL ? k : at[k];
    const double *behind = gn->behind + k * v->kept_j;
    const double *ahead = v->one_hot ? NULL : v->ahead + tuple * v->kept_i;
    double *to = gn->features + k * gn->pairs + v->column;
    for (int64_t p = 0; p < v->pairs; p++) {
      to[p] = behind[v->pair_j[p]] *
              (ahead == NULL ? v->pair_i[p] == tuple : ahead[v->pair_i[p]]);
    }
  }
}

// Rows of a matrix at a time where it is transposed: as many as a first-level cache holds
// lines that are a power of two apart.
enum { TILE = 8 };

// What is above the diagonal of A [n, n] becomes what is below it; or below it comes factor
// times what is above.
static void mirror(double *a, int64_t n, bool upwards, double factor) {
  for (int64_t from = 0; from < n; from += TILE) {
    int64_t to = from + TILE < n ? from + TILE : n;
    for (int64_t j = 0; j < to; j++) {
      for (int64_t i = j < from ? from : j + 1; i < to; i++) {
        double *above = a + j * n + i, *below = a + i * n + j;
        *(upwards ? above : below) = upwards ? *below : factor * *above;
      }
    }
  }
}

// G stands above the diagonal, and on it in an array of its own, so that the lower triangle
// is free for the factor.
static void put_aside(htf_gauss_newton *gn) {
  int64_t n = gn->pairs;
  mirror(gn->gram, n, true, 1);
  for (int64_t i = 0; i < n; i++) {
    gn->diagonal[i] = gn->gram[i * n + i];
  }
}

static htf_status make_gram(htf_gauss_newton *gn, const double *theta) {
  htf_status status = HTF_OK;
  HTF_NEW(gn->features, HTF_GAUSS_NEWTON_BLOCK * gn->pairs);
  for (int64_t start = 0; start < gn->points; start += HTF_GAUSS_NEWTON_BLOCK) {
    int64_t rows = htf_gauss_newton__block(start, gn->points);
    htf_gauss_newton__sweep(gn, theta, start, rows, fill_features);
    htf_symmetric_add_gram(htf_matrix_view(gn->features, rows, gn->pairs),
                           htf_matrix_view(gn->gram, gn->pairs, gn->pairs));
  }
done:
  return status;
}

// G, and what goes with it.
static htf_status make_square(htf_gauss_newton *gn, const double *theta) {
  htf_status status = HTF_OK;
  if (gn->pairs != gn->room) {
    forget_square(gn);
    HTF_NEW(gn->gram, gn->pairs * gn->pairs);
    HTF_NEW(gn->diagonal, gn->pairs);
    HTF_NEW(gn->inner, gn->pairs);
    gn->room = gn->pairs;
  } else if (gn->pairs > 0) {
    memset(gn->gram, 0, (size_t)(gn->pairs * gn->pairs) * sizeof *gn->gram);
  }
  HTF_TRY(make_gram(gn, theta));
  put_aside(gn);
done:
  return status;
}

// Work memory of solve by pairs.
static htf_status make_room(htf_gauss_newton *gn) {
  htf_status status = HTF_OK;
  int64_t half = 0, core = 0;
  for (int i = 0; i <= gn->evaluation->root; i++) {
    const htf_gauss_newton__node *v = &gn->nodes[i];
    half = v->rows * v->kept_j > half ? v->rows * v->kept_j : half;
    core = v->kept_i * v->kept_j > core ? v->kept_i * v->kept_j : core;
  }
  HTF_NEW(gn->half, half);
  HTF_NEW(gn->core, core);
  HTF_NEW(gn->right, gn->pairs);
done:
  return status;
}

int64_t htf_gauss_newton__point_of(const htf_gauss_newton *gn, int64_t k) {
  const htf_evaluation *e = gn->evaluation;
  int64_t row = gn->point == NULL ? k : gn->point[k];
  if (e->whole) {
    int64_t second = e->side[1].n;
    return htf_points_place(e->points, 0)[row / second] +
           htf_points_place(e->points, 1)[row % second];
  }
  return htf_points_order(e->points)[row];
}

// V of the nodes whose evaluation goes without.
static htf_status make_own(htf_gauss_newton *gn, const double *theta) {
  htf_status status = HTF_OK;
  const htf_evaluation *e = gn->evaluation;
  for (int i = 0; i < e->root && e->core.left != NULL; i++) {
    htf_gauss_newton__node *v = &gn->nodes[i];
    if (e->nodes[i].parent == e->root) {
      HTF_NEW(v->own, v->tuples * htf_gauss_newton__pad(v->cols));
      htf_dense_multiply(
          HTF_PLAIN, htf_gauss_newton__table(gn, gn->evaluation, i), HTF_PLAIN,
          htf_gauss_newton__weights(gn, i, theta), 0,
          htf_evaluation__view(v->own, v->tuples, v->cols, htf_gauss_newton__pad(v->cols)));
    }
  }
done:
  return status;
}

// M by the points stays so, without a look at the pairs, while it has so many pivots for
// each of most_pairs.
static const double STAYING = 0.25;

static bool stays_by_points(const htf_gauss_newton *gn) {
  return gn->by_points &&
         (double)htf_gauss_newton__rank(gn) > STAYING * (double)gn->most_pairs;
}

htf_status htf_gauss_newton_build(htf_gauss_newton *gn, const double *theta,
                                  const double *curvatures, double threshold) {
  htf_status status = HTF_OK;
  gn->by_points = stays_by_points(gn);
  forget_last(gn);
  HTF_NEW(gn->root_slope, gn->points);
  for (int64_t k = 0; k < gn->points; k++) {
    gn->root_slope[k] = sqrt(gn->share * curvatures[htf_gauss_newton__point_of(gn, k)]);
  }
  HTF_TRY(make_own(gn, theta));
  HTF_TRY(htf_gauss_newton__open_levels(gn));
  if (!gn->by_points) {
    htf_gauss_newton__destroy_dual(&gn->dual);
    HTF_TRY(htf_gauss_newton__find_pairs(gn, theta, threshold));
  }
  if (gn->by_points) {
    forget_eigenvectors(gn);
    forget_pairs(gn);
    forget_square(gn);
    HTF_TRY(htf_gauss_newton__build_dual(gn, theta, threshold));
  } else {
    HTF_TRY(make_square(gn, theta));
    HTF_TRY(make_room(gn));
  }
  forget_rows(gn);
done:
  if (status != HTF_OK) {
    htf_gauss_newton_forget(gn);
  }
  return status;
}

// ---- M --------------------------------------------------------------------------------

// What keeps I + gamma G positive definite where gamma times its largest entry is beyond
// 1 / rounding.
static const double ROUNDING = 1e-14;

htf_status htf_gauss_newton_factor(htf_gauss_newton *gn, double gamma) {
  int64_t n = gn->pairs;
  double most = 0;
  gn->gamma = gamma;
  if (gn->by_points) {
    return htf_gauss_newton__factor_dual(gn, gamma);
  }
  for (int64_t i = 0; i < n; i++) {
    most = fmax(most, gn->diagonal[i]);
  }
  mirror(gn->gram, n, false, gamma);
  for (int64_t i = 0; i < n; i++) {
    gn->gram[i * n + i] = 1 + gamma * (gn->diagonal[i] + ROUNDING * most);
  }
  return htf_symmetric_cholesky(htf_matrix_view(gn->gram, n, n));
}

// The node's part of Q^T r: Z and U to either side of the block of r.
static void gather(htf_gauss_newton *gn, int node, const double *r, double *out) {
  const htf_gauss_newton__node *v = &gn->nodes[node];
  htf_matrix block =
      htf_matrix_view(r + htf_model_offset(gn->evaluation->model, node), v->rows, v->cols);
  htf_matrix half = htf_matrix_view(gn->half, v->rows, v->kept_j), core = half;
  htf_dense_multiply(HTF_PLAIN, block, HTF_TRANSPOSED,
                     htf_matrix_view(v->z, v->kept_j, v->cols), 0, half);
  if (!v->one_hot) {
    core = htf_matrix_view(gn->core, v->kept_i, v->kept_j);
    htf_dense_multiply(HTF_PLAIN, htf_matrix_view(v->u, v->kept_i, v->rows), HTF_PLAIN,
                       half, 0, core);
  }
  for (int64_t p = 0; p < v->pairs; p++) {
    out[p] = core.data[v->pair_i[p] * core.cols + v->pair_j[p]];
  }
}

// The node's part of z += Q x.
static void spread(htf_gauss_newton *gn, int node, const double *x, double *z) {
  const htf_gauss_newton__node *v = &gn->nodes[node];
  htf_matrix block =
      htf_matrix_view(z + htf_model_offset(gn->evaluation->model, node), v->rows, v->cols);
  htf_matrix half = htf_matrix_view(gn->half, v->rows, v->kept_j), core = half;
  if (!v->one_hot) {
    core = htf_matrix_view(gn->core, v->kept_i, v->kept_j);
  }
  memset(core.data, 0, (size_t)(core.rows * core.cols) * sizeof *core.data);
  for (int64_t p = 0; p < v->pairs; p++) {
    core.data[v->pair_i[p] * core.cols + v->pair_j[p]] = x[p];
  }
  if (!v->one_hot) {
    htf_dense_multiply(HTF_TRANSPOSED, htf_matrix_view(v->u, v->kept_i, v->rows), HTF_PLAIN,
                       core, 0, half);
  }
  htf_dense_multiply(HTF_PLAIN, half, HTF_PLAIN, htf_matrix_view(v->z, v->kept_j, v->cols),
                     1, block);
}

// z = r + Q ((I + gamma G)^-1 - I) Q^T r.
static void solve_by_pairs(htf_gauss_newton *gn, const double *r, double *z) {
  memcpy(z, r, (size_t)htf_model_parameters(gn->evaluation->model) * sizeof *z);
  for (int i = 0; i <= gn->evaluation->root; i++) {
    if (gn->nodes[i].pairs > 0) {
      gather(gn, i, r, gn->inner + gn->nodes[i].column);
    }
  }
  if (gn->pairs > 0) {
    memcpy(gn->right, gn->inner, (size_t)gn->pairs * sizeof *gn->right);
    htf_symmetric_solve(htf_matrix_view(gn->gram, gn->pairs, gn->pairs), gn->inner);
  }
  for (int64_t p = 0; p < gn->pairs; p++) {
    gn->inner[p] -= gn->right[p];
  }
  for (int i = 0; i <= gn->evaluation->root; i++) {
    if (gn->nodes[i].pairs > 0) {
      spread(gn, i, gn->inner + gn->nodes[i].column, z);
    }
  }
}

void htf_gauss_newton_solve(htf_gauss_newton *gn, const double *r, double *z) {
  if (gn->by_points) {
    htf_gauss_newton__solve_dual(gn, r, z);
  } else {
    solve_by_pairs(gn, r, z);
  }
}

// SPDX-License-Identifier: BSD-3-Clause
// The largest eigenvalue of the Hessian, by Lanczos without reorthogonalisation.
//
//   beta_1 q_2 = H q_1 - alpha_1 q_1,   beta_j q_(j+1) = H q_j - alpha_j q_j
//   - beta_(j-1) q_(j-1)
//
// With lambda the largest eigenvalue of the tridiagonal T_j and s its unit vector, some
// eigenvalue of H lies within beta_j |s_j| of lambda. Lost orthogonality repeats
// eigenvalues that have converged and spoils none (Paige 1980), so three vectors do.
#include <math.h>

#include "htflow/dense.h"
#include "htflow/random.h"
#include "probe_impl.h"

enum { MOST = 500, EVERY = 4 };

static double dot(int64_t n, const double *x, const double *y) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    sum += x[i] * y[i];
  }
  return sum;
}

// x into a unit vector; its length before.
static double normalise(int64_t n, double *x) {
  double length = sqrt(dot(n, x, x));
  for (int64_t i = 0; length > 0 && i < n; i++) {
    x[i] /= length;
  }
  return length;
}

// The three-term recurrence.
typedef struct lanczos {
  int64_t n;
  double *last, *now, *next; // [n]: q_(j-1), q_j, and what becomes q_(j+1)
  int count;
  double alpha[MOST], beta[MOST];
} lanczos;

static void begin(lanczos *l, int64_t n, double *vectors) {
  htf_random stream = htf_random_open(0, HTF_RANDOM_PROBE, 0);
  l->n = n;
  l->count = 0;
  l->last = vectors;
  l->now = vectors + n;
  l->next = vectors + 2 * n;
  htf_random_normal(&stream, n, l->now);
  normalise(n, l->now);
}

static void step(lanczos *l, const htf_probe_state *state) {
  int j = l->count++;
  state->hessian(state->context, state->theta, l->now, l->next);
  l->alpha[j] = dot(l->n, l->now, l->next);
  for (int64_t i = 0; i < l->n; i++) {
    l->next[i] -= l->alpha[j] * l->now[i] + (j > 0 ? l->beta[j - 1] * l->last[i] : 0);
  }
  l->beta[j] = normalise(l->n, l->next);
  double *spare = l->last;
  l->last = l->now;
  l->now = l->next;
  l->next = spare;
}

// NAN if it has not settled, or is not finite. A space of no more than `count` dimensions
// has all of it.
static htf_status settle(const lanczos *l, double *value) {
  htf_status status = HTF_OK;
  double largest, last, beta = l->beta[l->count - 1], sum = 0;
  *value = NAN;
  for (int j = 0; j < l->count; j++) {
    sum += l->alpha[j] * 0 + l->beta[j] * 0;
  }
  if (sum == 0) {
    HTF_TRY(htf_dense_tridiagonal_largest(l->count, l->alpha, l->beta, &largest, &last));
    if (beta * fabs(last) <= HTF_OBSERVABLE_SHARPNESS * fabs(largest)) {
      *value = largest;
    }
  }
done:
  return status;
}

htf_status htf_probe__sharpness(htf_probe *probe, const htf_probe_state *state,
                                double *out) {
  htf_status status = HTF_OK;
  lanczos l;
  HTF_ASSERT(state->hessian != NULL);
  begin(&l, htf_model_parameters(probe->model), probe->lanczos);
  while (isnan(*out) && l.count < MOST) {
    step(&l, state);
    bool ends = l.count == MOST || l.count == l.n || l.beta[l.count - 1] == 0;
    if (ends || l.count % EVERY == 0) {
      HTF_TRY(settle(&l, out));
    }
    if (l.beta[l.count - 1] == 0 || isnan(l.beta[l.count - 1])) {
      break;
    }
  }
done:
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
// The linear systems of Newton's iteration by preconditioned conjugate gradients.
//
// With A = I - gamma J and M ~ A, from x = 0, r = b:
//     z = M^-1 r;  p = z + (r.z / r_before.z_before) p;  alpha = r.z / p.A p;
//     x += alpha p;  r -= alpha A p
// where r stands in b's place, and A p in that of z, until z is made.
//
// What counts is the error A^-1 r, and z is its estimate: the residual itself weighs stiff
// components, which it takes least to get right, by their eigenvalues. Adding a last z to
// x, which takes no product, leaves A^-1 r - z = (A^-1 - M^-1) r, about `miss` times z with
//     miss = |z_0 - M^-1 A z_0| / |z_0|,
// which the first iteration measures for nothing (M^-1 A z_0 = (z_0 - z_1) / alpha). So a
// solve ends where miss |z| meets the tolerance; where `miss` as last measured promises
// that at once, without any product, every second time at most: of what promises got wrong
// twice in a row, differences of high order make much. Six seeds of problem 5 of
// tests/bench/evaluations.py then drift by at most 7 rtol in their first 250 steps, and by
// 26 where promises are always trusted; problem 1 takes as many evaluations.
//
// Where M is larger than A, z tells nothing: M^-1 makes little of an error that A does not.
// The residual sees it, of which the first iteration then leaves most. So where it leaves
// more than STALE (of right ones, one in a hundred leaves so much), M is prepared anew at
// once; and nothing is taken on trust twice in a row, however small z, unless r is. As when
// a plateau ends and stiff directions are no longer: without this problem 5, seed 0, at
// rtol 1e-4, made errors of a hundred tolerances in its first burst.
//
// The last products improve M^-1, where they do (secants_impl.h), outside of valleys.
// Measured, f and J v together, problems 1 to 4 of tests/bench/evaluations.py, the first
// seeds, at rtol 1e-4 and 1e-6, and of the fourth CPU seconds:
//     never       963  493  640  743   1,785   909  1,289  1,550     1.5 and 2.1
//     always    1,830  485  614  676   2,131   860  1,203  1,355     0.8 and 1.0
//     where they do, by so many pairs:
//     2           980  486  623  699   1,745   878  1,207  1,416     0.9 and 1.1
//     4           970  479  621  686   1,737   854  1,224  1,368     0.9 and 1.1
//     8           942  481  615  680   1,778   852  1,222  1,302     0.8 and 1.1
//
// A may turn out not to be positive definite: bdf_newton.c says what then.
//
// The preconditioner. None at first: M = I. It is prepared anew before a solve if the last
// one took PATIENCE products or more, and within a solve that has taken so many, once the
// products that solves spent beyond their first since the last time come to LEAST_DEBT and
// to DEBT of what preparing costs; and scaled, without a look at J, whenever gamma changes.
// A restart of a segment forgets it, and the last products. A larger LEAST_DEBT takes more
// products and less time: of problem 1, seed 0, at rtol 1e-4, f and J v together and CPU
// seconds
//     LEAST_DEBT 2           970     2.1
//     6                    1,335     1.4
//     no preconditioner  181,134     6.1
// and DEBT is what the twelve runs of jobs/quickstart-photograph.yaml take least of: with
// 0.01, 41 s, with 0.02, 28, and with 0.04, 23, but then problem 1 takes 240 evaluations
// more.
//
// In a valley gamma times the largest eigenvalue is 1e7 and more, and M, which is of
// another y, is far from A: `miss` tells nothing, and small z nothing of the energy, so
// that a solve ends where r.z is small too. Nothing is promised there. Products beyond
// those that a fresh M took come to VALLEY_DEBT of the cost before it is prepared anew, and
// it serves while gamma is within the factor NEAR of its own. Problem 5, seed 0, at rtol
// 1e-4, to loss 1e-4, f and J v together and CPU seconds:
//     VALLEY_DEBT 0.02   10,397    38
//     0.01                5,402    28
//     0.003               4,812    29
// as steps are the longer the better their systems are solved.
#include "krylov_impl.h"

#include <math.h>
#include <string.h>

#include "htflow/memory.h"
#include "secants_impl.h"

enum { PATIENCE = 2 };
static const double DEBT = 0.02, VALLEY_DEBT = 0.01, LEAST_DEBT = 2;
// The share of the residual.
static const double STALE = 0.5;
// `miss` of an earlier system is taken this many times.
static const double CAUTION = 2;
// In a valley M serves for a gamma within this factor of its own.
static const double NEAR = 1.25;

typedef struct htf_flow_krylov_solver krylov;
struct htf_flow_krylov_solver {
  htf_flow *flow;
  const htf_flow_linear *system; // being solved
  double *p;                     // [size]
  double *r, *z;                 // [size], the caller's
  bool ready;                    // M stands, for this gamma:
  double gamma;
  htf_flow_secants secants;
  bool measured; // miss is known, of a system with miss_gamma
  double miss, miss_gamma;
  int last;    // products of the last solve
  int fresh;   // products since M was prepared, of the solve that it was prepared in
  bool unseen; // the last solve took no product
  bool stale;  // M is wrong where it is large
  double debt; // products beyond the first of each solve, since M was prepared
};

// ---- vectors --------------------------------------------------------------------------

static double dot(const double *x, const double *y, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    sum += x[i] * y[i];
  }
  return sum;
}

static double norm(const double *x, int64_t n) {
  return sqrt(dot(x, x, n));
}

static void add(double a, const double *x, double *y, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    y[i] += a * x[i];
  }
}

// p = z + beta p
static void turn(double beta, const double *z, double *p, int64_t n) {
  if (beta == 0) {
    memcpy(p, z, (size_t)n * sizeof *p); // whatever p was
    return;
  }
  for (int64_t i = 0; i < n; i++) {
    p[i] = z[i] + beta * p[i];
  }
}

// ---- the preconditioner ---------------------------------------------------------------

// z = M^-1 r
static htf_status precondition(krylov *s) {
  if (!s->ready) {
    memcpy(s->z, s->r, (size_t)s->flow->system.size * sizeof *s->z);
    return HTF_OK;
  }
  return htf_flow__secants_apply(&s->secants, s->system->gamma, s->r, s->z);
}

static htf_status scale(krylov *s, double gamma) {
  htf_status status = HTF_OK;
  bool measured = s->measured;
  s->ready = s->measured = false;
  HTF_TRY(s->flow->system.preconditioner->scale(s->flow->system.context, gamma));
  s->gamma = gamma;
  s->ready = true;
  s->measured = measured;
done:
  return status;
}

static htf_status prepare(krylov *s) {
  htf_status status = HTF_OK;
  double gamma = s->system->gamma;
  s->ready = s->measured = s->stale = false;
  s->debt = 0;
  s->flow->counts.prepared++;
  HTF_TRY(s->flow->system.preconditioner->prepare(s->flow->system.context, s->system->y,
                                                  gamma));
  HTF_TRY(scale(s, gamma));
done:
  return status;
}

static bool must_scale(const krylov *s) {
  double ratio = s->system->gamma / s->gamma;
  return s->system->valley ? ratio < 1 / NEAR || ratio > NEAR : ratio != 1;
}

// How many of the products of a solve M as prepared spares: those beyond the first, in a
// valley beyond as many as it took when it was fresh.
static int spared(const krylov *s, int products) {
  int least = s->system->valley && s->fresh > 1 ? s->fresh : 1;
  return products > least ? products - least : 0;
}

static bool worth_preparing(const krylov *s, int products) {
  const htf_flow_preconditioner *m = s->flow->system.preconditioner;
  if (m == NULL || s->stale) {
    return m != NULL;
  }
  double share = s->system->valley ? VALLEY_DEBT : DEBT;
  return products >= PATIENCE &&
         s->debt + spared(s, products) + 1 >=
             fmax(LEAST_DEBT, share * m->cost(s->flow->system.context));
}

// ---- one system -----------------------------------------------------------------------

// Whether products improve M^-1: not in a valley.
static bool learns(const krylov *s) {
  return s->ready && !s->system->valley;
}

// What stays of an error of size |z| when z is added to x; infinite where that is unknown.
static double missed(const krylov *s, bool here) {
  if (!s->measured || (s->system->valley && !here)) {
    return INFINITY;
  }
  double more = s->system->gamma / s->miss_gamma;
  return here ? s->miss : CAUTION * s->miss * fmax(1, more);
}

// Whether the tolerances are met once z is added to x and `share` <= 1 of it stays: of
// size = |z|, and of its energy, rz = r.z.
static bool is_enough(const krylov *s, double size, double rz, double share) {
  double rest = sqrt(fmax(0, rz));
  return share * size <= s->system->tolerance && share * rest <= s->system->energy;
}

// Before the first turn of p = z_0, after the step by alpha along it; |r| was `right`.
// M may be stale unless it is `fresh`.
static void measure(krylov *s, double alpha, double right, bool fresh) {
  double left = 0, all = 0;
  for (int64_t i = 0; i < s->flow->system.size; i++) {
    double d = s->p[i] - (s->p[i] - s->z[i]) / alpha;
    left += d * d;
    all += s->p[i] * s->p[i];
  }
  s->miss = sqrt(left / all);
  s->stale = s->ready && !fresh && !s->system->valley &&
             norm(s->r, s->flow->system.size) > STALE * right;
  s->miss_gamma = s->system->gamma;
  s->measured = true;
}

// The step along p, by way of A p, which z is then. *alpha: its length; 0 where A bends the
// other way, being not positive definite.
static htf_status advance(krylov *s, double rz, double *x, double *alpha) {
  htf_status status = HTF_OK;
  const htf_flow_linear *system = s->system;
  int64_t n = s->flow->system.size;
  double *q = s->z;
  HTF_TRY(htf_flow__product(s->flow, system->matrix, system->y, s->p, q));
  for (int64_t i = 0; i < n; i++) {
    q[i] = s->p[i] - system->gamma * q[i];
  }
  double bend = dot(s->p, q, n);
  *alpha = bend > 0 ? rz / bend : 0;
  add(*alpha, s->p, x, n);
  add(-*alpha, q, s->r, n);
done:
  return status;
}

htf_status htf_flow__krylov_solve(krylov *s, const htf_flow_linear *system, double *r,
                                  double *z, double *x, htf_flow_solved *solved,
                                  double *energy) {
  htf_status status = HTF_OK;
  int64_t n = s->flow->system.size;
  int products = 0, turns = 0;
  bool here = false, fresh = false; // miss is of this system; M was prepared at it
  double rz, before = 0, alpha = 1;
  s->system = system;
  s->r = r;
  s->z = z;
  *solved = HTF_FLOW_UNSOLVED;
  if (system->valley) {
    htf_flow__secants_forget(&s->secants);
  }
  if (s->ready && must_scale(s)) {
    HTF_TRY(scale(s, system->gamma));
  }
  if (s->last >= PATIENCE && worth_preparing(s, PATIENCE)) {
    HTF_TRY(prepare(s));
    fresh = true;
  }
  HTF_TRY(precondition(s));
  rz = dot(s->r, s->z, n);
  *energy = fmax(0, rz);
  while (alpha > 0) {
    double size = norm(s->z, n), right = norm(s->r, n);
    bool seen = products > 0 ? !s->stale : !s->unseen;
    if ((seen || right <= system->tolerance) &&
        is_enough(s, size, rz, fmin(1, missed(s, here)))) {
      add(1, s->z, x, n);
      *solved = HTF_FLOW_SOLVED;
    }
    if (*solved == HTF_FLOW_SOLVED || products >= s->flow->options.krylov_dimension) {
      break;
    }
    if (!fresh && worth_preparing(s, products)) {
      HTF_TRY(prepare(s));
      HTF_TRY(precondition(s));
      rz = dot(s->r, s->z, n);
      fresh = true;
      turns = 0;
    }
    turn(turns == 0 ? 0 : rz / before, s->z, s->p, n);
    before = rz;
    HTF_TRY(advance(s, rz, x, &alpha));
    if (turns == 0 && learns(s)) {
      HTF_TRY(htf_flow__secants_see(&s->secants, system->gamma, s->p, s->z));
    }
    HTF_TRY(precondition(s));
    rz = dot(s->r, s->z, n);
    products++;
    if (turns++ == 0 && alpha > 0) {
      measure(s, alpha, right, fresh);
      here = true;
    }
  }
  if (alpha == 0) {
    *solved = HTF_FLOW_INDEFINITE;
  }
  if (alpha <= 0) {
    htf_flow__secants_forget(&s->secants); // in case they are why
  } else if (products > 0 && learns(s)) {
    htf_flow__secants_keep(&s->secants, here ? s->miss : 0);
  }
  s->last = products;
  s->unseen = products == 0;
  s->fresh = fresh && *solved == HTF_FLOW_SOLVED ? turns : s->fresh;
  s->debt += spared(s, turns);
done:
  return status;
}

// ---- life -----------------------------------------------------------------------------

htf_status htf_flow__krylov_create(htf_flow *flow, htf_flow_krylov_solver **out) {
  htf_status status = HTF_OK;
  krylov *s = NULL;
  HTF_NEW(s, 1);
  s->flow = flow;
  HTF_NEW(s->p, flow->system.size);
  if (flow->system.preconditioner != NULL) {
    HTF_TRY(htf_flow__secants_create(&flow->system, &s->secants));
  }
  *out = s;
  s = NULL;
done:
  htf_flow__krylov_destroy(&s);
  return status;
}

void htf_flow__krylov_destroy(htf_flow_krylov_solver **out) {
  if (*out != NULL) {
    HTF_FREE((*out)->p);
    htf_flow__secants_destroy(&(*out)->secants);
    HTF_FREE(*out);
  }
}

void htf_flow__krylov_restart(htf_flow_krylov_solver *s) {
  const htf_flow_system *system = &s->flow->system;
  if (system->preconditioner != NULL && system->preconditioner->forget != NULL) {
    system->preconditioner->forget(system->context);
  }
  htf_flow__secants_forget(&s->secants);
  s->ready = s->measured = s->stale = false;
  s->unseen = false;
  s->last = s->fresh = 0;
  s->debt = 0;
}

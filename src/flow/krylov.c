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
// that at once, without any product, at most MOST_UNSEEN solves in a row.
//
// Newton's iteration starts at the prediction, which is off the valley of the solution by
// no more than the tolerance, and yet perhaps where A is another matrix. It may not be
// positive definite there; x is then what conjugate gradients came to, and the iteration
// goes on from it. It goes on, too, where too much is left out by taking J for constant
// over x: gamma |J' x x|, about |b| |x| / |y| where J changes by its own size over |y|.
// Nothing damps that where f is flat, and there conserved quantities drift by it. Of 18
// runs to the minimum of an order-4 loss at rtol 1e-4 to 1e-8 (UNFIT of
// tests/program/test_science.py), evaluations, and the largest drift over rtol:
//     neither                                       35,584       53
//     the first alone                               27,642    3,600
//     both, MOST_LEFT_OUT of the tolerance           21,990       18
//
// The preconditioner. None at first: M = I. It is prepared anew where a solve needs more
// than PATIENCE products, and those that solves spent beyond their first since the last
// time come to DEBT of what preparing costs; and scaled, without a look at J, whenever
// gamma changes. A restart of a segment forgets it.
//
// Measured, evaluations of f and J v together, and CPU seconds in one run of the scan
// (order 4, mode 8, width 16, 1,024 samples, std 0.1, rtol 1e-4, to loss 1e-4, seed 0):
//     no preconditioner                     55,922     2.3
//     DEBT 0                                 1,249     2.7
//     0.02                                   1,489     1.9
//     0.05                                   1,764     1.3
//     0.2                                    2,721     1.0
//     1                                      5,398     1.1
// and of wider models (width 64, 2,048 samples, std 0.03) 607 for any DEBT up to 0.05, of
// 2,971 without.
#include "krylov_impl.h"

#include <cvode/cvode.h>
#include <math.h>
#include <string.h>

#include "htflow/memory.h"
#include "sundials_impl.h"

enum { PATIENCE = 2, MOST_UNSEEN = 2 };
static const double DEBT = 0.02, MOST_LEFT_OUT = 5;
// `miss` of an earlier system is taken this many times.
static const double CAUTION = 2;

typedef struct krylov {
  htf_flow *flow;
  void *cvode;
  double *p;     // [size]
  double *r, *z; // [size], CVODE's: the right-hand side, and f(y), which has served there
  bool ready;    // M stands, for this gamma:
  double gamma;
  bool measured; // miss is known, of a system with miss_gamma
  double miss, miss_gamma;
  bool partial;    // the last x ends where A bends the other way
  double left_out; // |b| |x| / |y| of the last solve, in tolerances
  int unseen;      // solves without a product in a row
  double debt;     // products beyond the first of each solve, since M was prepared
} krylov;

// ---- vectors --------------------------------------------------------------------------

static double dot(const double *x, const double *y, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    sum += x[i] * y[i];
  }
  return sum;
}

static void add(double a, const double *x, double *y, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    y[i] += a * x[i];
  }
}

// p = z + beta p
static void turn(double beta, const double *z, double *p, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    p[i] = z[i] + beta * p[i];
  }
}

// ---- the preconditioner ---------------------------------------------------------------

// z = M^-1 r
static htf_status precondition(krylov *s) {
  const htf_flow_system *system = &s->flow->system;
  if (!s->ready) {
    memcpy(s->z, s->r, (size_t)system->size * sizeof *s->z);
    return HTF_OK;
  }
  return system->preconditioner->apply(system->context, s->r, s->z);
}

static htf_status scale(krylov *s, double gamma) {
  htf_status status = HTF_OK;
  s->ready = false;
  HTF_TRY(s->flow->system.preconditioner->scale(s->flow->system.context, gamma));
  s->gamma = gamma;
  s->ready = true;
done:
  return status;
}

static htf_status prepare(krylov *s, const double *y, double gamma) {
  htf_status status = HTF_OK;
  s->ready = s->measured = false;
  s->debt = 0;
  s->flow->counts.prepared++;
  HTF_TRY(s->flow->system.preconditioner->prepare(s->flow->system.context, y, gamma));
  HTF_TRY(scale(s, gamma));
done:
  return status;
}

static bool worth_preparing(const krylov *s, int products) {
  const htf_flow_system *system = &s->flow->system;
  const htf_flow_preconditioner *m = system->preconditioner;
  return m != NULL && products >= PATIENCE &&
         s->debt + products >= DEBT * m->cost(system->context);
}

// ---- one system -----------------------------------------------------------------------

// What stays of an error of size |z| when z is added to x; infinite where that is unknown.
static double missed(const krylov *s, double gamma, bool here) {
  if (!s->measured) {
    return INFINITY;
  }
  return here ? s->miss : CAUTION * s->miss * fmax(1, gamma / s->miss_gamma);
}

// Before the first turn of p = z_0, after the step by alpha along it.
static void measure(krylov *s, double alpha, double gamma) {
  double left = 0, all = 0;
  for (int64_t i = 0; i < s->flow->system.size; i++) {
    double d = s->p[i] - (s->p[i] - s->z[i]) / alpha;
    left += d * d;
    all += s->p[i] * s->p[i];
  }
  s->miss = sqrt(left / all);
  s->miss_gamma = gamma;
  s->measured = true;
}

// The step along p, by way of A p. *alpha: its length; 0 where A bends the other way, being
// not positive definite: a step of the flow too long for its accuracy.
static htf_status advance(krylov *s, const double *y, double gamma, double rz, double *x,
                          double *alpha) {
  htf_status status = HTF_OK;
  int64_t n = s->flow->system.size;
  double *q = s->z;
  HTF_TRY(htf_flow__product(s->flow, y, s->p, q));
  for (int64_t i = 0; i < n; i++) {
    q[i] = s->p[i] - gamma * q[i];
  }
  double bend = dot(s->p, q, n);
  *alpha = bend > 0 ? rz / bend : 0;
  add(*alpha, s->p, x, n);
  add(-*alpha, q, s->r, n);
done:
  return status;
}

// x [size] = A^-1 r, to an error of `tolerance` in the Euclidean norm; not *solved where
// that takes more products than allowed or, partial, A is not positive definite. r is
// spoilt.
static htf_status solve(krylov *s, const double *y, double gamma, double tolerance,
                        double *x, bool *solved) {
  htf_status status = HTF_OK;
  int64_t n = s->flow->system.size;
  int products = 0, turns = 0;
  bool here = false, fresh = false; // miss is of this system; M was prepared at it
  double rz = 0, alpha = 1;
  *solved = false;
  memset(x, 0, (size_t)n * sizeof *x);
  double right = dot(s->r, s->r, n);
  if (s->ready && s->gamma != gamma) {
    HTF_TRY(scale(s, gamma));
  }
  HTF_TRY(precondition(s));
  while (alpha > 0) {
    double size = sqrt(dot(s->z, s->z, n)), miss = missed(s, gamma, here);
    bool seen = products > 0 || s->unseen < MOST_UNSEEN;
    bool last = seen && miss < 1 && miss * size <= tolerance;
    if (last) {
      add(1, s->z, x, n);
    }
    *solved = last || size <= tolerance;
    if (*solved || products >= s->flow->options.krylov_dimension) {
      break;
    }
    if (!fresh && worth_preparing(s, products)) {
      HTF_TRY(prepare(s, y, gamma));
      HTF_TRY(precondition(s));
      fresh = true;
      turns = 0;
    }
    double before = rz;
    rz = dot(s->r, s->z, n);
    turn(turns == 0 ? 0 : rz / before, s->z, s->p, n);
    HTF_TRY(advance(s, y, gamma, rz, x, &alpha));
    HTF_TRY(precondition(s));
    products++;
    if (turns++ == 0 && alpha > 0) {
      measure(s, alpha, gamma);
      here = true;
    }
  }
  s->partial = alpha == 0;
  s->left_out = sqrt(right / dot(y, y, n) * dot(x, x, n)) / tolerance;
  s->unseen = products == 0 ? s->unseen + 1 : 0;
  s->debt += products > 1 ? products - 1 : 0;
done:
  return status;
}

// ---- what CVODE calls -----------------------------------------------------------------

// The tolerance is CVODE's, brought to the Euclidean norm by the one weight of all
// components.
static int solve_for_cvode(SUNLinearSolver solver, SUNMatrix none, N_Vector x, N_Vector b,
                           realtype tolerance) {
  (void)none;
  krylov *s = solver->content;
  N_Vector y, start, slope, history;
  double clock, gamma, factor;
  void *data;
  bool solved = false;
  if (CVodeGetNonlinearSystemData(s->cvode, &clock, &start, &y, &slope, &gamma, &factor,
                                  &history, &data) != 0) {
    return SUNLS_ATIMES_FAIL_UNREC;
  }
  const htf_flow_sundials *shared = s->flow->method;
  double *to = N_VGetArrayPointer(x);
  s->r = N_VGetArrayPointer(b);
  s->z = N_VGetArrayPointer(slope);
  if (shared->failure != HTF_OK) {
    return SUNLS_ATIMES_FAIL_UNREC;
  }
  int refused = htf_flow__judge(
      s->flow->method, solve(s, N_VGetArrayPointer(y), gamma, tolerance, to, &solved));
  if (refused != 0) {
    return refused > 0 ? SUNLS_ATIMES_FAIL_REC : SUNLS_ATIMES_FAIL_UNREC;
  }
  if (s->partial && dot(to, to, s->flow->system.size) > 0) {
    return SUNLS_RES_REDUCED; // which CVODE takes in the first iteration only
  }
  return solved ? SUNLS_SUCCESS : SUNLS_CONV_FAIL;
}

bool htf_flow__krylov_settles(SUNLinearSolver solver) {
  const krylov *s = solver->content;
  return !s->partial && s->left_out <= MOST_LEFT_OUT;
}

static SUNLinearSolver_Type type_of(SUNLinearSolver solver) {
  (void)solver;
  return SUNLINEARSOLVER_ITERATIVE;
}

// CVODE offers A v, which is made here from J v itself.
static int refuse_product(SUNLinearSolver solver, void *data, SUNATimesFn product) {
  (void)solver, (void)data, (void)product;
  return SUNLS_SUCCESS;
}

static int release(SUNLinearSolver solver) {
  krylov *s = solver->content;
  if (s != NULL) {
    HTF_FREE(s->p);
    HTF_FREE(s);
  }
  solver->content = NULL;
  SUNLinSolFreeEmpty(solver);
  return SUNLS_SUCCESS;
}

// ---- life -----------------------------------------------------------------------------

static htf_status make(htf_flow *flow, void *cvode, krylov **out) {
  htf_status status = HTF_OK;
  krylov *s = NULL;
  int64_t n = flow->system.size;
  HTF_NEW(s, 1);
  *out = s; // half made is the solver's to release
  s->flow = flow;
  s->cvode = cvode;
  HTF_NEW(s->p, n);
done:
  return status;
}

SUNLinearSolver htf_flow__krylov_create(htf_flow *flow, void *cvode) {
  const htf_flow_sundials *shared = flow->method;
  SUNLinearSolver solver = SUNLinSolNewEmpty(shared->context);
  krylov *s = NULL;
  if (solver == NULL) {
    return NULL;
  }
  solver->ops->gettype = type_of;
  solver->ops->setatimes = refuse_product;
  solver->ops->solve = solve_for_cvode;
  solver->ops->free = release;
  htf_status status = make(flow, cvode, &s);
  solver->content = s;
  if (status != HTF_OK) {
    release(solver);
    return NULL;
  }
  return solver;
}

void htf_flow__krylov_restart(SUNLinearSolver solver) {
  krylov *s = solver->content;
  s->ready = s->measured = false;
  s->unseen = 0;
  s->debt = 0;
}

// SPDX-License-Identifier: BSD-3-Clause
// Backward differentiation of order 1 to 5 in variable steps, matrix-free.
//
// With the polynomial through the last states at s_n+1, its value p and its slope p' there
// (history_impl.h), a step solves, in s,
//     y = p + e,   p' + g_q e = sigma f(y),   sigma = dt/ds,
// by Newton's iteration from p, with the exact Jacobian. Its error is quadratic in e, which
// is of the size of the tolerance, so that the first iterate nearly always stands:
//     (I - gamma sigma J(p)) e = gamma (sigma f(p) - p'),   gamma = 1 / g_q.
// It goes on where the matrix is not positive definite, from what conjugate gradients came
// to: p is off the valley of the solution by no more than the tolerance, and yet perhaps
// where the matrix is another one. And where J changes too much over e: nothing damps what
// that leaves out where f is flat, and conserved quantities drift by it.
// Time is one more component of the same step, which gets e_t = gamma (sigma - t').
//
// The independent variable. From small weights the flow waits, accelerates without bound
// and bursts: steps in t would have to shrink with the time that is left, by 30 % each for
// ten decades. So sigma follows the speed v = |f| / |y|, sigma = v_0 / v with v_0 that at
// the segment's beginning: s is the arc length of log y, in units of time (Sundman 1912).
// It never grows: where the flow slows down s is time, up to a factor, and what decays may
// be stepped over. sigma is taken at p and then fixed, so that the matrix stays symmetric:
// any smooth t(s) is a right one, and this one differs from the true by no more than p
// does from y. What counts as the error is how far the solution is off at a given time:
// that of y less that of t along the way.
//
// Measured, f and J v together, problems 1 to 4 of tests/bench/evaluations.py (the first
// seeds) at rtol 1e-4 and 1e-6, against CVODE's BDF with the same systems, solver and
// tolerance:
//     CVODE       1,625   669   897   1,014       2,513   1,366   1,915   2,020
//     this        1,077   548   687     816       1,900     951   1,419   1,680
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "gmres_impl.h"
#include "history_impl.h"
#include "htflow/memory.h"
#include "krylov_impl.h"
#include "sundials_impl.h"

// Steps in time. A solution that asks for a shorter one blows up; one that could make a
// longer one stands.
static const double SHORTEST = 1e-40, LONGEST = 1e50;
// The linear systems leave this share of the local error's tolerance. What they leave makes
// the differences of higher order: with 0.02 the steps at a minimum of the loss stay short
// for it, a thousand times over, and weights drift along their orbits.
static const double LINEAR = 0.01;
// Newton's iteration goes on while what it leaves out by taking J for constant over the
// correction x, about |b| |x| / |y| with right-hand side b, is above so many times that.
static const double MOST_LEFT_OUT = 8;
// And while the local error is above this share of its tolerance: then the first iterate,
// whose systems are solved by trust in the preconditioner, is looked at once more.
static const double FIRST = 0.5;
enum { MOST_ITERATIONS = 3 };
// Steps are chosen for a local error this many times below its tolerance, by the formula
// of the same order, a lower one and the next higher.
static const double SAME = 5.5, LOWER = 5.5, HIGHER = 8;
// The step is left alone where it would change by -10 to +20 %, and with it gamma and the
// preconditioner; it changes by no more than this at once, shrinks so after an error too
// large and after a system not solved.
static const double KEEP_ABOVE = 0.9, KEEP_BELOW = 1.2, MOST = 10, LEAST = 0.2, AFTER = 0.9,
                    UNSOLVED_CUT = 0.25;
// After a step not solved, the next ones grow to this share of it at first, and each to so
// many times more.
static const double SHORT_OF = 0.9, RELAX = 1.5;
// So often an error may be too large before the order is taken for too high.
enum { PATIENCE = 2 };
// A restart's first step as a share of the last one; from 0.001 to 0.05 makes no
// difference.
static const double RESTART = 0.01;

typedef struct bdf {
  htf_flow_sundials shared;
  htf_flow_krylov_solver *conjugate;
  htf_flow_gmres *gmres; // one of the two
  htf_flow_history history;
  double *e, *r, *z; // [size]; z: f(p), then work
  int order;         // of the next step,
  double step;       // and its length, in s
  int waited;        // steps since the order changed
  double speed;      // v_0
  double most;       // it grows no further
  double pace;       // the least sigma so far
} bdf;

typedef enum outcome { MADE, INACCURATE, UNSOLVED } outcome;

// A step being tried.
typedef struct trial {
  htf_flow_reach reach;
  double pace, length, e_time; // sigma, the step in time, and the correction of time
  double tolerance, error;     // of the local error, and that over its tolerance
  outcome outcome;
} trial;

// ---- one step -------------------------------------------------------------------------

// Of the formula of `order`: its local error over the correction.
static double constant(const htf_flow_reach *reach, int order) {
  return order > 0 ? 1 / (reach->g[order] * reach->psi[order + 1]) : 0;
}

// sigma at p = y with f(p) in z, and with it the step in time.
static void set_pace(const htf_flow *flow, const bdf *b, const double *y, trial *t) {
  double ahead, slope;
  int64_t size = flow->system.size;
  double pace = b->speed * htf_flow__rms(y, size) / htf_flow__rms(b->z, size);
  t->pace = pace > 0 && pace < b->pace ? pace : b->pace;
  htf_flow__history_predict_time(&b->history, &t->reach, b->order, &ahead, &slope);
  t->e_time = (t->pace - slope) / t->reach.g[b->order];
  t->length = ahead + t->e_time;
}

// One iteration: y = p + e, to which the correction is added. *settled: e may stand.
static htf_status correct(htf_flow *flow, bdf *b, double *y, trial *t, bool first,
                          htf_flow_solved *solved, bool *settled) {
  htf_status status = HTF_OK;
  int q = b->order;
  int64_t size = flow->system.size;
  double gamma = 1 / t->reach.g[q], root = sqrt((double)size);
  double tolerance = LINEAR * t->tolerance / constant(&t->reach, q); // of e
  HTF_TRY(htf_flow__derivative(flow, y, b->z));
  if (first) {
    set_pace(flow, b, y, t);
  }
  htf_flow__history_predict_slope(&b->history, &t->reach, q, b->r);
  for (int64_t i = 0; i < size; i++) {
    b->r[i] = gamma * (t->pace * b->z[i] - b->r[i]) - b->e[i];
  }
  double right = htf_flow__rms(b->r, size);
  HTF_TRY(b->gmres != NULL
              ? htf_flow__gmres_solve(b->gmres, y, gamma * t->pace, tolerance * root, b->r,
                                      b->z, b->e, solved)
              : htf_flow__krylov_solve(b->conjugate, y, gamma * t->pace, tolerance * root,
                                       b->r, b->z, b->e, solved));
  double change = first ? htf_flow__rms(b->e, size) : right;
  if (!first) { // y was p
    htf_flow__history_predict(&b->history, &t->reach, q, flow->state, y);
  }
  for (int64_t i = 0; i < size; i++) {
    y[i] += b->e[i];
  }
  *settled = *solved == HTF_FLOW_SOLVED &&
             right * change <= MOST_LEFT_OUT * tolerance * htf_flow__rms(y, size) &&
             LINEAR * change <= FIRST * tolerance;
done:
  return status;
}

static htf_status iterate(htf_flow *flow, bdf *b, double *y, trial *t, bool *settled) {
  htf_status status = HTF_OK;
  htf_flow_solved solved = HTF_FLOW_PARTLY;
  *settled = false;
  memset(b->e, 0, (size_t)flow->system.size * sizeof *b->e);
  htf_flow__history_predict(&b->history, &t->reach, b->order, flow->state, y);
  for (int i = 0; !*settled && solved != HTF_FLOW_UNSOLVED && i < MOST_ITERATIONS; i++) {
    HTF_TRY(correct(flow, b, y, t, i == 0, &solved, settled));
  }
done:
  return status;
}

// Tries b->order and b->step; y [size] is the new state where that is MADE. What the system
// refuses counts as not solved.
static htf_status try_step(htf_flow *flow, bdf *b, double *y, trial *t) {
  htf_status status = HTF_OK;
  bool settled;
  t->outcome = UNSOLVED;
  t->tolerance = htf_flow__tolerance(flow, flow->state);
  t->reach = htf_flow__history_reach(&b->history, b->step);
  status = iterate(flow, b, y, t, &settled);
  if (htf_flow__judge(&b->shared, status) > 0) {
    status = HTF_OK;
    goto done;
  }
  HTF_TRY(status);
  if (settled) {
    double off = htf_flow__history_rms_ahead(&b->history, flow->state, y, t->length, b->e,
                                             t->e_time);
    t->error = constant(&t->reach, b->order) * off / t->tolerance;
    bool made = t->error <= 1 && t->length > 0;
    t->outcome = made ? MADE : isfinite(t->error) ? INACCURATE : UNSOLVED;
  }
done:
  return status;
}

// ---- order and step -------------------------------------------------------------------

// By how much the step may change.
static double factor(double times, double error, int order) {
  return fmin(MOST, pow(times * error, -1.0 / (order + 1)));
}

// What to try after a step that was not made, its `failed`-th try.
static void retreat(bdf *b, const trial *t, int failed) {
  double change = UNSOLVED_CUT;
  if (t->outcome == UNSOLVED) {
    b->most = SHORT_OF * b->step;
  } else {
    change = fmax(LEAST, fmin(AFTER, factor(SAME, t->error, b->order)));
    b->waited = 0;
    b->order -= failed > PATIENCE && b->order > 1;
  }
  b->step *= change;
}

// By how much the step may change with the formula of `order`, after a step.
static double factor_of(const bdf *b, const trial *t, double times, int order) {
  double error = htf_flow__history_rms(&b->history, order + 1) / t->tolerance;
  return factor(times, constant(&t->reach, order) * error, order);
}

// The best order, once all its rows are of steps of this one: the next higher, or any
// lower. Where what the linear systems leave is all there is to see, only a much lower one
// is better: the higher the difference, the more of that it has.
static double find_order(const bdf *b, const trial *t, double change, int *order) {
  int q = b->order;
  for (int k = q < HTF_FLOW_ORDERS ? q + 1 : q - 1; k > 0; k--) {
    bool known = k != q && k < b->history.rows;
    double other = known ? factor_of(b, t, k > q ? HIGHER : LOWER, k) : 0;
    if (other > change) {
      change = other;
      *order = k;
    }
  }
  return change;
}

// After a step made; it may grow if it was made at the first try.
static void choose(bdf *b, const trial *t, bool may_grow) {
  int order = b->order;
  double change = factor(SAME, t->error, order);
  b->waited++;
  b->most *= RELAX;
  if (b->waited > order) {
    change = find_order(b, t, change, &order);
  }
  change = may_grow ? change : fmin(change, 1);
  if (change < KEEP_ABOVE || change > KEEP_BELOW) {
    b->waited = order == b->order ? b->waited : 0;
    b->order = order;
    double longest = fmin(LONGEST / t->pace, fmax(b->step, b->most));
    b->step = fmin(b->step * fmax(LEAST, change), longest);
  }
}

static htf_status check_step(htf_flow *flow, const bdf *b, const trial *t) {
  htf_status status = HTF_OK;
  htf_flow_sundials *s = flow->method;
  if (b->step * b->pace < SHORTEST) {
    flow->failure = s->refusal[0] != '\0'      ? HTF_FLOW_NOT_FINITE
                    : t->outcome == INACCURATE ? HTF_FLOW_STEP_SIZE
                                               : HTF_FLOW_CONVERGENCE;
    snprintf(s->complaint, sizeof s->complaint, "%s, in steps as short as %g",
             t->outcome == INACCURATE ? "the error is too large"
                                      : "the linear systems are not solved",
             SHORTEST);
    HTF_TRY(htf_flow__no_step(flow));
  }
  HTF_TRY(htf_flow__check_refusals(flow));
done:
  return status;
}

static htf_status step(htf_flow *flow, double *next, double *length) {
  htf_status status = HTF_OK;
  bdf *b = flow->method;
  trial t = {.outcome = INACCURATE};
  int tries = 0;
  htf_flow__begin_step(&b->shared);
  while (t.outcome != MADE) {
    HTF_TRY(check_step(flow, b, &t));
    HTF_TRY(try_step(flow, b, next, &t));
    tries++;
    if (t.outcome != MADE) {
      flow->counts.rejected++;
      retreat(b, &t, tries);
    }
  }
  htf_flow__history_advance(&b->history, &t.reach, b->order, b->e, t.e_time);
  b->pace = t.pace;
  choose(b, &t, tries == 1);
  *length = t.length;
done:
  return status;
}

// ---- inside a step --------------------------------------------------------------------

static htf_status interpolate(htf_flow *flow, double fraction, double *y) {
  const bdf *b = flow->method;
  htf_flow__history_interpolate(&b->history, fraction, flow->state, y);
  return HTF_OK;
}

static double elapsed(const htf_flow *flow, double fraction) {
  const bdf *b = flow->method;
  return htf_flow__history_elapsed(&b->history, fraction);
}

// ---- life -----------------------------------------------------------------------------

static htf_status restart(htf_flow *flow) {
  htf_status status = HTF_OK;
  bdf *b = flow->method;
  int64_t size = flow->system.size;
  b->shared.refusals = 0;
  HTF_TRY(htf_flow__derivative(flow, flow->state, b->z));
  b->step = RESTART * flow->last_step;
  if (flow->last_step == 0) {
    HTF_TRY(htf_flow__product(flow, flow->state, b->z, b->r));
    b->step = htf_flow__first_step(flow, b->z, b->r);
  }
  b->step = fmin(LONGEST, fmax(SHORTEST, b->step));
  b->speed = htf_flow__rms(b->z, size) / htf_flow__rms(flow->state, size);
  b->pace = 1;
  b->order = 1;
  b->waited = 0;
  b->most = INFINITY;
  htf_flow__history_begin(&b->history, b->step, b->z);
  if (b->conjugate != NULL) {
    htf_flow__krylov_restart(b->conjugate);
  }
done:
  return status;
}

static htf_status check_options(const htf_flow *flow) {
  htf_status status = HTF_OK;
  const htf_flow_options *o = &flow->options;
  HTF_TRY(htf_flow__check_multistep(flow, "bdf"));
  HTF_CHECK(o->krylov == HTF_FLOW_GMRES || o->krylov == HTF_FLOW_PCG, HTF_E_CONFIG,
            "there is no Krylov method %d", (int)o->krylov);
  HTF_CHECK(o->krylov_dimension > 0, HTF_E_CONFIG,
            "krylov_dimension is %d, must be positive", o->krylov_dimension);
  HTF_CHECK(flow->system.jacobian != NULL, HTF_E_CONFIG,
            "bdf needs the product of the Jacobian with a vector");
done:
  return status;
}

static htf_status create(htf_flow *flow) {
  htf_status status = HTF_OK;
  int64_t size = flow->system.size;
  HTF_TRY(check_options(flow));
  HTF_TRY(htf_flow__sundials_create(flow, sizeof(bdf)));
  bdf *b = flow->method;
  HTF_TRY(htf_flow__history_create(&b->history, size));
  HTF_NEW(b->e, size);
  HTF_NEW(b->r, size);
  HTF_NEW(b->z, size);
  if (flow->options.krylov == HTF_FLOW_PCG) {
    HTF_TRY(htf_flow__krylov_create(flow, &b->conjugate));
  } else {
    HTF_TRY(htf_flow__gmres_create(flow, &b->gmres));
  }
done:
  return status;
}

static void destroy(htf_flow *flow) {
  bdf *b = flow->method;
  if (b != NULL) {
    htf_flow__krylov_destroy(&b->conjugate);
    htf_flow__gmres_destroy(&b->gmres);
    htf_flow__history_destroy(&b->history);
    HTF_FREE(b->e);
    HTF_FREE(b->r);
    HTF_FREE(b->z);
    htf_flow__sundials_destroy(flow);
  }
}

const htf_flow_row htf_flow__bdf = {
    .segment_steps = 500,
    .create = create,
    .destroy = destroy,
    .restart = restart,
    .step = step,
    .interpolate = interpolate,
    .elapsed = elapsed,
};

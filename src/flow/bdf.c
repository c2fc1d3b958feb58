// SPDX-License-Identifier: BSD-3-Clause
// Backward differentiation of order 1 to 5 in variable steps, matrix-free.
//
// With the polynomial through the last states at s_n+1, its value p and its slope p' there
// (history_impl.h), a step solves, in s,
//     y = p + e,   p' + g_q e = sigma f(y),   sigma = dt/ds,
// by Newton's iteration from p (bdf_newton.c); gamma = 1 / g_q.
// Time is one more component of the same step, which gets e_t = gamma (sigma - t').
//
// The independent variable. From small weights the flow waits, accelerates without bound
// and bursts: steps in t would have to shrink with the time that is left, by 30 % each for
// ten decades. So sigma follows the speed v = |f| / |y|, sigma = v_0 / v with v_0 that at
// the beginning: s is the arc length of log y, in units of time (Sundman 1912).
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
//     this          970   479   621     686       1,737     854   1,224   1,368
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bdf_impl.h"
#include "htflow/memory.h"

// Steps in time. A solution that asks for a shorter one blows up; one that could make a
// longer one stands.
static const double SHORTEST = 1e-40, LONGEST = 1e50;
// Steps are chosen for a local error this many times below its tolerance, by the formula
// of the same order, a lower one and the next higher.
static const double SAME = 5.5, LOWER = 5.5, HIGHER = 8;
// An error of tau in every step makes one of tau^(5/6) in the end, at order 5. So that the
// one in the end falls as rtol does, what steps may err by falls by FALL powers of rtol
// more, between these two. Against erk at 1e-12 (tests/program/test_science.py, two trees),
// at rtol 1e-4, 1e-6 and 1e-9, in rtol:
//     without     2 and 4     8 and 8     25 and 32
//     with        2 and 4     8 and 8      7 and  9, for a fifth more evaluations
static const double FALL = 0.2, FALLS_FROM = 1e-6, FALLS_TO = 1e-9;
// The step is left alone where it would change by -10 to +20 %, and with it gamma and the
// preconditioner; it changes by no more than this at once, shrinks so after an error too
// large and after a system not solved.
static const double KEEP_ABOVE = 0.9, KEEP_BELOW = 1.2, MOST = 10, LEAST = 0.2, AFTER = 0.9,
                    UNSOLVED_CUT = 0.25;
// After a step not solved, the next ones grow to this share of it at first, and each to so
// many times more.
static const double SHORT_OF = 0.9, RELAX = 1.5, UNBOUNDED = 1e300;
// So often an error may be too large before the order is taken for too high.
enum { PATIENCE = 2 };
// The first step after a failure, as a share of the last one made.
static const double AGAIN = 0.01;

// What a step's local error is kept below.
static double step_tolerance(const htf_flow *flow) {
  double rtol = fmin(FALLS_FROM, fmax(FALLS_TO, flow->options.rtol));
  return pow(rtol / FALLS_FROM, FALL) * htf_flow__tolerance(flow, flow->state);
}

// ---- one step -------------------------------------------------------------------------

// Tries b->order and b->step; y [size] is the new state where that is HTF_FLOW_MADE. What
// the system refuses counts as not solved.
static htf_status try_step(htf_flow *flow, htf_flow_bdf *b, double *y, htf_flow_trial *t) {
  htf_status status = HTF_OK;
  bool settled;
  t->outcome = HTF_FLOW_NOT_SOLVED;
  t->tolerance = step_tolerance(flow);
  t->reach = htf_flow__history_reach(&b->history, b->step);
  status = htf_flow__bdf_solve(flow, b, y, t, &settled);
  if (htf_flow__judge(&b->shared, status) > 0) {
    status = HTF_OK;
    goto done;
  }
  HTF_TRY(status);
  if (settled) {
    double off = htf_flow__history_rms_ahead(&b->history, flow->state, y, t->length, b->e,
                                             t->e_time);
    t->error = htf_flow__bdf_constant(&t->reach, b->order) * off / t->tolerance;
    bool made = t->error <= 1 && t->length >= SHORTEST;
    t->outcome = made                 ? HTF_FLOW_MADE
                 : isfinite(t->error) ? HTF_FLOW_INACCURATE
                                      : HTF_FLOW_NOT_SOLVED;
  }
done:
  return status;
}

// ---- from segment to segment -----------------------------------------------------------

// What a segment leaves to the next one, besides the rows of the history.
enum { NUMBERS = HTF_FLOW_HISTORY_NUMBERS + 6 };

static void save(htf_flow *flow) {
  const htf_flow_bdf *b = flow->method;
  double *to = flow->carry + HTF_FLOW_ROWS * flow->system.size;
  htf_flow__history_save(&b->history, to);
  to += HTF_FLOW_HISTORY_NUMBERS;
  *to++ = b->order;
  *to++ = b->waited;
  *to++ = b->step;
  *to++ = b->speed;
  *to++ = b->most;
  *to = b->pace;
}

static void load(htf_flow *flow) {
  htf_flow_bdf *b = flow->method;
  const double *from = flow->carry + HTF_FLOW_ROWS * flow->system.size;
  htf_flow__history_load(&b->history, from);
  from += HTF_FLOW_HISTORY_NUMBERS;
  b->order = (int)*from++;
  b->waited = (int)*from++;
  b->step = *from++;
  b->speed = *from++;
  b->most = *from++;
  b->pace = *from;
}

// ---- order and step -------------------------------------------------------------------

// By how much the step may change.
static double factor(double times, double error, int order) {
  return fmin(MOST, pow(times * error, -1.0 / (order + 1)));
}

// What to try after a step that was not made, its `failed`-th try.
static void retreat(htf_flow_bdf *b, const htf_flow_trial *t, int failed) {
  double change = UNSOLVED_CUT;
  if (t->outcome == HTF_FLOW_NOT_SOLVED) {
    b->most = SHORT_OF * b->step;
    b->avoided = 0;
  } else {
    change = fmax(LEAST, fmin(AFTER, factor(SAME, t->error, b->order)));
    b->waited = 0;
    b->order -= failed > PATIENCE && b->order > 1;
  }
  b->step *= change;
}

// By how much the step may change with the formula of `order`, after a step.
static double factor_of(const htf_flow_bdf *b, const htf_flow_trial *t, double times,
                        int order) {
  double error = htf_flow__history_rms(&b->history, order + 1) / t->tolerance;
  return factor(times, htf_flow__bdf_constant(&t->reach, order) * error, order);
}

// The best order, once all its rows are of steps of this one: the next higher, or any
// lower. Where what the linear systems leave is all there is to see, only a much lower one
// is better: the higher the difference, the more of that it has.
static double find_order(const htf_flow_bdf *b, const htf_flow_trial *t, double change,
                         int *order) {
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
static void choose(htf_flow_bdf *b, const htf_flow_trial *t, bool may_grow) {
  int order = b->order;
  double change = factor(SAME, t->error, order);
  b->waited++;
  b->most = fmin(UNBOUNDED, b->most * RELAX);
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

static htf_status check_step(htf_flow *flow, const htf_flow_bdf *b,
                             const htf_flow_trial *t) {
  htf_status status = HTF_OK;
  htf_flow_sundials *s = flow->method;
  if (b->step * b->pace < SHORTEST) {
    flow->failure = s->refusal[0] != '\0'               ? HTF_FLOW_NOT_FINITE
                    : t->outcome == HTF_FLOW_INACCURATE ? HTF_FLOW_STEP_SIZE
                                                        : HTF_FLOW_CONVERGENCE;
    snprintf(s->complaint, sizeof s->complaint, "%s, in steps as short as %g",
             t->outcome == HTF_FLOW_INACCURATE ? "the error is too large"
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
  htf_flow_bdf *b = flow->method;
  htf_flow_trial t = {.outcome = HTF_FLOW_INACCURATE};
  int tries = 0;
  htf_flow__begin_step(&b->shared);
  while (t.outcome != HTF_FLOW_MADE) {
    HTF_TRY(check_step(flow, b, &t));
    HTF_TRY(try_step(flow, b, next, &t));
    tries++;
    if (t.outcome != HTF_FLOW_MADE) {
      flow->counts.rejected++;
      retreat(b, &t, tries);
    }
  }
  htf_flow__history_advance(&b->history, &t.reach, b->order, b->e, t.e_time);
  b->pace = t.pace;
  htf_flow__bdf_leave_behind(b);
  choose(b, &t, tries == 1);
  save(flow);
  *length = t.length;
done:
  return status;
}

// ---- inside a step --------------------------------------------------------------------

static htf_status interpolate(htf_flow *flow, double fraction, double *y) {
  const htf_flow_bdf *b = flow->method;
  htf_flow__history_interpolate(&b->history, fraction, flow->state, y);
  return HTF_OK;
}

static double elapsed(const htf_flow *flow, double fraction) {
  const htf_flow_bdf *b = flow->method;
  return htf_flow__history_elapsed(&b->history, fraction);
}

// ---- life -----------------------------------------------------------------------------

static htf_status begin(htf_flow *flow) {
  htf_status status = HTF_OK;
  htf_flow_bdf *b = flow->method;
  int64_t size = flow->system.size;
  HTF_TRY(htf_flow__derivative(flow, flow->state, b->z));
  b->step = AGAIN * flow->last_step;
  if (flow->last_step == 0) {
    HTF_TRY(htf_flow__product(flow, HTF_FLOW_JACOBIAN, flow->state, b->z, b->r));
    b->step = htf_flow__first_step(flow, b->z, b->r);
  }
  b->step = fmin(LONGEST, fmax(SHORTEST, b->step));
  b->speed = htf_flow__rms(b->z, size) / htf_flow__rms(flow->state, size);
  b->pace = 1;
  b->order = 1;
  b->waited = 0;
  b->most = UNBOUNDED;
  htf_flow__history_begin(&b->history, b->step, b->z);
done:
  return status;
}

static htf_status restart(htf_flow *flow) {
  htf_status status = HTF_OK;
  htf_flow_bdf *b = flow->method;
  b->shared.refusals = 0;
  b->avoided = b->span = b->since = 0;
  b->hopeless = INFINITY;
  load(flow);
  if (b->history.rows == 0) {
    HTF_TRY(begin(flow));
  }
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
  HTF_TRY(htf_flow__sundials_create(flow, sizeof(htf_flow_bdf)));
  htf_flow_bdf *b = flow->method;
  htf_flow__history_place(&b->history, size, flow->carry);
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
  htf_flow_bdf *b = flow->method;
  if (b != NULL) {
    htf_flow__krylov_destroy(&b->conjugate);
    htf_flow__gmres_destroy(&b->gmres);
    HTF_FREE(b->e);
    HTF_FREE(b->r);
    HTF_FREE(b->z);
    htf_flow__sundials_destroy(flow);
  }
}

const htf_flow_row htf_flow__bdf = {
    .segment_steps = 500,
    .carry_vectors = HTF_FLOW_ROWS,
    .carry_scalars = NUMBERS,
    .carry_in_place = true,
    .create = create,
    .destroy = destroy,
    .restart = restart,
    .step = step,
    .interpolate = interpolate,
    .elapsed = elapsed,
};

// SPDX-License-Identifier: BSD-3-Clause
// Backward differentiation of order 1 to 5 by CVODE, matrix-free.
//
// CVODE's own clock is not used: the equation is autonomous, so CVODE's step lengths are
// what counts, and flow.c sums them. That its clock + step may equal its clock touches
// nothing: history and interpolant are kept in units of the step.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cvode/cvode.h>
#include <nvector/nvector_serial.h>
#include <sundials/sundials_version.h>
#include <sunlinsol/sunlinsol_pcg.h>
#include <sunlinsol/sunlinsol_spgmr.h>

#include "flow_impl.h"
#include "htflow/memory.h"

// Settings, by evaluations of f and J v on small CP and deep matrix flows, rtol 1e-3 to
// 1e-8. Altogether 15 to 20 % fewer than with CVODE's own, at the same drift of the
// conserved quantities, and rejected steps become rare.
//
// With the exact Jacobian at the prediction Newton's error is quadratic in the correction,
// so the first iterate stands unless the local error is more than half the tolerance
// (NEWTON); the linear residual is kept at LINEAR times that, what matters for the error
// test. The step is left alone only where it would change by -10 to +20 %: smaller when the
// error asks for it, not after a rejection, and growing before the solver's own residual
// holds the estimate up.
static const double NEWTON = 0.5, LINEAR = 0.02, KEEP_ABOVE = 0.9, KEEP_BELOW = 1.2;

enum { MAX_ORDER = 5, TEXT_BYTES = 512 };

// At rtol 1e-12 a segment of 30 steps ends before the step is what it was when it began,
// so that the flow crawls; one of 50 goes on.
enum { LEAST_SEGMENT = 50 };

// Steps stay in this range, so that step^5 and its inverse are far from overflow. A
// solution that asks for a shorter one blows up; one that could make a longer one stands.
static const double SHORTEST = 1e-40, LONGEST = 1e50;
// Keeps the error weight of y = 0 finite.
static const double FLOOR = 1e-50;
// The first step of a segment as a share of the last one. A restart is of first order; from
// here it costs about 11, 31, 47 evaluations more than going on at rtol 1e-4, 1e-6, 1e-8,
// where a step costs 6, 5, 4. Ten times less or more costs the same, the whole step 50 %
// more.
static const double RESTART_SHARE = 0.001;

typedef struct bdf {
  SUNContext context;
  void *cvode;
  SUNLinearSolver solver;
  N_Vector vector;          // a shell around whatever [size] is handed to CVODE
  double *taylor;           // [MAX_ORDER + 1, size], of the step just made; see fill_taylor
  int order;                // of taylor; -1 where it is not filled
  double length;            // of the step just made
  int64_t undone;           // rejected steps before the present segment
  int64_t refusals;         // by callbacks, in the present segment
  htf_status failure;       // of a callback, to be forwarded
  char refusal[TEXT_BYTES]; // what a callback said last that let CVODE try again
  char complaint[TEXT_BYTES]; // what CVODE said last
} bdf;

// ---- what CVODE calls

static int judge(bdf *b, htf_status status) {
  if (status == HTF_E_NUMERIC) {
    snprintf(b->refusal, sizeof b->refusal, "%s", htf_error_message());
    htf_error_clear();
    b->refusals++;
    return 1;
  }
  if (status != HTF_OK) {
    b->failure = status;
  }
  return status == HTF_OK ? 0 : -1;
}

static int derive(realtype t, N_Vector y, N_Vector dy, void *data) {
  (void)t;
  htf_flow *flow = data;
  return judge(flow->method,
               htf_flow__derivative(flow, N_VGetArrayPointer(y), N_VGetArrayPointer(dy)));
}

static int multiply(N_Vector v, N_Vector product, realtype t, N_Vector y, N_Vector dy,
                    void *data, N_Vector scratch) {
  (void)t, (void)dy, (void)scratch;
  htf_flow *flow = data;
  return judge(flow->method,
               htf_flow__product(flow, N_VGetArrayPointer(y), N_VGetArrayPointer(v),
                                 N_VGetArrayPointer(product)));
}

static double weight_of(const htf_flow *flow, const double *y) {
  return 1 / (flow->options.rtol * htf_flow__rms(y, flow->system.size) + FLOOR);
}

// weight = 1 / (rtol rms(y)), the same for all components.
static int weigh(N_Vector y, N_Vector weight, void *data) {
  double w = weight_of(data, N_VGetArrayPointer(y));
  N_VConst(w, weight);
  return isfinite(w) && w > 0 ? 0 : -1;
}

static void hear(int code, const char *module, const char *function, char *text,
                 void *data) {
  (void)code, (void)module, (void)function;
  bdf *b = ((htf_flow *)data)->method;
  snprintf(b->complaint, sizeof b->complaint, "%s", text);
}

// ---- life

static htf_status check_options(const htf_flow *flow) {
  htf_status status = HTF_OK;
  const htf_flow_options *o = &flow->options;
  HTF_CHECK(o->rtol >= 1e-13 && o->rtol <= 0.1, HTF_E_CONFIG,
            "rtol is %g, must be in [1e-13, 0.1]", o->rtol);
  HTF_CHECK(o->krylov == HTF_FLOW_GMRES || o->krylov == HTF_FLOW_PCG, HTF_E_CONFIG,
            "there is no Krylov method %d", (int)o->krylov);
  HTF_CHECK(o->krylov_dimension > 0, HTF_E_CONFIG,
            "krylov_dimension is %d, must be positive", o->krylov_dimension);
  HTF_CHECK(o->segment_steps >= LEAST_SEGMENT, HTF_E_CONFIG,
            "segment_steps is %lld, must be at least %d for bdf",
            (long long)o->segment_steps, LEAST_SEGMENT);
  HTF_CHECK(flow->system.jacobian != NULL, HTF_E_CONFIG,
            "bdf needs the product of the Jacobian with a vector");
done:
  return status;
}

// CVODE takes the first iterate of a solve that merely came nearer, and its error estimate
// does not see what is missing: with too few Krylov vectors a flow then leaves its plateau
// at the wrong time and says nothing. A solve that has not converged has failed, and the
// step shrinks.
static int solve_fully(SUNLinearSolver solver, SUNMatrix none, N_Vector x, N_Vector right,
                       realtype tolerance) {
  int flag = SUNLinSolGetID(solver) == SUNLINEARSOLVER_PCG
                 ? SUNLinSolSolve_PCG(solver, none, x, right, tolerance)
                 : SUNLinSolSolve_SPGMR(solver, none, x, right, tolerance);
  return flag == SUNLS_RES_REDUCED ? SUNLS_CONV_FAIL : flag;
}

// GMRES keeps all its vectors, of which more than size serve nothing.
static SUNLinearSolver make_solver(const htf_flow *flow, bdf *b) {
  int most = flow->options.krylov_dimension;
  if (flow->options.krylov == HTF_FLOW_PCG) {
    return SUNLinSol_PCG(b->vector, SUN_PREC_NONE, most, b->context);
  }
  most = most < flow->system.size ? most : (int)flow->system.size;
  return SUNLinSol_SPGMR(b->vector, SUN_PREC_NONE, most, b->context);
}

static htf_status set_up(htf_flow *flow, bdf *b) {
  htf_status status = HTF_OK;
  HTF_CHECK(SUNContext_Create(NULL, &b->context) == 0, HTF_E_MEMORY,
            "no memory for a SUNDIALS context");
  b->vector = N_VMake_Serial(flow->system.size, flow->state, b->context);
  HTF_CHECK(b->vector != NULL, HTF_E_MEMORY, "no memory for a vector");
  b->cvode = CVodeCreate(CV_BDF, b->context);
  b->solver = make_solver(flow, b);
  HTF_CHECK(b->cvode != NULL && b->solver != NULL, HTF_E_MEMORY, "no memory for CVODE");
  b->solver->ops->solve = solve_fully;
  HTF_CHECK(CVodeSetErrHandlerFn(b->cvode, hear, flow) == 0 &&
                CVodeInit(b->cvode, derive, 0, b->vector) == 0 &&
                CVodeSetUserData(b->cvode, flow) == 0 &&
                CVodeWFtolerances(b->cvode, weigh) == 0 &&
                CVodeSetLinearSolver(b->cvode, b->solver, NULL) == 0 &&
                CVodeSetJacTimes(b->cvode, NULL, multiply) == 0 &&
                CVodeSetMaxOrd(b->cvode, MAX_ORDER) == 0 &&
                CVodeSetNonlinConvCoef(b->cvode, NEWTON) == 0 &&
                CVodeSetEpsLin(b->cvode, LINEAR) == 0 &&
                CVodeSetEtaFixedStepBounds(b->cvode, KEEP_ABOVE, KEEP_BELOW) == 0 &&
                CVodeSetMaxNumSteps(b->cvode, -1) == 0 &&
                CVodeSetMaxHnilWarns(b->cvode, -1) == 0 &&
                CVodeSetMinStep(b->cvode, SHORTEST) == 0 &&
                CVodeSetMaxStep(b->cvode, LONGEST) == 0,
            HTF_E_MEMORY, "CVODE cannot be set up: %s", b->complaint);
done:
  return status;
}

static htf_status create(htf_flow *flow) {
  htf_status status = HTF_OK;
  bdf *b = NULL;
  HTF_TRY(check_options(flow));
  HTF_NEW(b, 1);
  flow->method = b;
  HTF_NEW(b->taylor, (MAX_ORDER + 1) * flow->system.size);
  HTF_TRY(set_up(flow, b));
done:
  return status;
}

static void destroy(htf_flow *flow) {
  bdf *b = flow->method;
  if (b != NULL) {
    CVodeFree(&b->cvode);
    if (b->solver != NULL) {
      SUNLinSolFree(b->solver);
    }
    if (b->vector != NULL) {
      N_VDestroy(b->vector);
    }
    SUNContext_Free(&b->context);
    HTF_FREE(b->taylor);
    HTF_FREE(flow->method);
  }
}

// ---- steps

// The first step of all. The error of a first-order step is h^2 |y''| / 2 with y'' = J f;
// half the step at which it meets the tolerance, and no more than a tenth of |y|/|f|.
static htf_status guess_step(htf_flow *flow, bdf *b, double *step) {
  htf_status status = HTF_OK;
  int64_t size = flow->system.size;
  double *slope = b->taylor, *bend = b->taylor + size;
  HTF_TRY(htf_flow__derivative(flow, flow->state, slope));
  HTF_TRY(htf_flow__product(flow, flow->state, slope, bend));
  double accurate =
      0.5 * sqrt(2 / (weight_of(flow, flow->state) * htf_flow__rms(bend, size)));
  double near = 0.1 * htf_flow__rms(flow->state, size) / htf_flow__rms(slope, size);
  *step = fmin(accurate, near);
done:
  return status;
}

static int64_t count_undone(bdf *b) {
  long errors = 0, solves = 0;
  CVodeGetNumErrTestFails(b->cvode, &errors);
  CVodeGetNumStepSolveFails(b->cvode, &solves);
  return b->undone + errors + solves;
}

static htf_status restart(htf_flow *flow) {
  htf_status status = HTF_OK;
  bdf *b = flow->method;
  double step = RESTART_SHARE * flow->last_step;
  if (flow->last_step == 0) {
    HTF_TRY(guess_step(flow, b, &step));
  }
  step = fmin(LONGEST, fmax(SHORTEST, step));
  b->undone = count_undone(b);
  b->refusals = 0;
  N_VSetArrayPointer(flow->state, b->vector);
  HTF_CHECK(CVodeReInit(b->cvode, 0, b->vector) == 0 &&
                CVodeSetInitStep(b->cvode, step) == 0,
            HTF_E_INTERNAL, "CVODE cannot restart: %s", b->complaint);
done:
  return status;
}

// A flow that runs against the edge of where the system can be evaluated would creep up to
// it for ever, in steps that are refused, cut and accepted by turns.
static htf_status check_refusals(const htf_flow *flow, const bdf *b) {
  htf_status status = HTF_OK;
  int64_t most = 10 + flow->options.segment_steps / 10;
  HTF_CHECK(b->refusals <= most, HTF_E_NUMERIC,
            "stuck at time %.17g: %lld points refused within a segment; last refusal: %s",
            flow->time.high, (long long)b->refusals, b->refusal);
done:
  return status;
}

static htf_status step(htf_flow *flow, double *next, double *length) {
  htf_status status = HTF_OK;
  bdf *b = flow->method;
  double clock;
  b->order = -1;
  b->failure = HTF_OK;
  b->complaint[0] = '\0';
  b->refusal[0] = '\0';
  N_VSetArrayPointer(next, b->vector);
  int flag = CVode(b->cvode, LONGEST, b->vector, &clock, CV_ONE_STEP);
  flow->counts.rejected = count_undone(b);
  HTF_TRY(b->failure);
  HTF_CHECK(flag != CV_MEM_FAIL && flag != CV_LINIT_FAIL, HTF_E_MEMORY,
            "no memory for CVODE: %s", b->complaint);
  HTF_CHECK(flag >= 0, HTF_E_NUMERIC, "no step from time %.17g: %s%s%s", flow->time.high,
            b->complaint, b->refusal[0] ? "; last refusal: " : "", b->refusal);
  HTF_TRY(check_refusals(flow, b));
  CVodeGetLastStep(b->cvode, &b->length);
  *length = b->length;
done:
  return status;
}

// ---- inside a step

// CVODE's interpolant around the end of the step, in units of the step:
//   y(fraction) = sum_k taylor_k (fraction - 1)^k,  taylor_k = h^k y^(k) / k!   [size].
static htf_status fill_taylor(htf_flow *flow, bdf *b) {
  htf_status status = HTF_OK;
  int64_t size = flow->system.size;
  double end, factor = 1;
  int order;
  CVodeGetCurrentTime(b->cvode, &end);
  CVodeGetLastOrder(b->cvode, &order);
  for (int k = 0; k <= order; k++) {
    double *row = b->taylor + k * size;
    N_VSetArrayPointer(row, b->vector);
    HTF_CHECK(CVodeGetDky(b->cvode, end, k, b->vector) == 0, HTF_E_INTERNAL,
              "CVODE's interpolant: %s", b->complaint);
    factor *= k == 0 ? 1 : b->length / k;
    for (int64_t i = 0; i < size; i++) {
      row[i] *= factor;
    }
  }
  b->order = order;
done:
  return status;
}

static htf_status interpolate(htf_flow *flow, double fraction, double *y) {
  htf_status status = HTF_OK;
  bdf *b = flow->method;
  int64_t size = flow->system.size;
  if (b->order < 0) {
    HTF_TRY(fill_taylor(flow, b));
  }
  memcpy(y, b->taylor + b->order * size, (size_t)size * sizeof *y);
  for (int k = b->order - 1; k >= 0; k--) {
    const double *row = b->taylor + k * size;
    for (int64_t i = 0; i < size; i++) {
      y[i] = row[i] + (fraction - 1) * y[i];
    }
  }
done:
  return status;
}

const htf_flow_row htf_flow__bdf = {
    .segment_steps = 500, // restarts then cost 0.4 to 2.5 % of all evaluations
    .create = create,
    .destroy = destroy,
    .restart = restart,
    .step = step,
    .interpolate = interpolate,
};

const char *htf_flow_library(void) {
  static char text[32] = "SUNDIALS ";
  size_t used = strlen("SUNDIALS ");
  SUNDIALSGetVersion(text + used, (int)(sizeof text - used));
  return text;
}

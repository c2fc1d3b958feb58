// SPDX-License-Identifier: BSD-3-Clause
// CVODE, driven step by step.
#include "cvode_impl.h"

#include <math.h>

#include <cvode/cvode.h>

enum { MOST_ORDER = 12 };

// ---- life

htf_status htf_flow__cvode_create(htf_flow *flow, const htf_flow_cvode_kind *kind) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_flow__check_multistep(flow, kind->name));
  HTF_TRY(htf_flow__sundials_create(flow, sizeof(htf_flow_cvode)));
  htf_flow_cvode *c = flow->method;
  c->kind = kind;
  c->cvode = CVodeCreate(kind->formula, c->shared.context);
  HTF_CHECK(c->cvode != NULL, HTF_E_MEMORY, "no memory for CVODE");
  HTF_CHECK(CVodeSetErrHandlerFn(c->cvode, htf_flow__hear, flow) == 0 &&
                CVodeInit(c->cvode, htf_flow__derive, 0, c->shared.vector) == 0 &&
                CVodeSetUserData(c->cvode, flow) == 0 &&
                CVodeWFtolerances(c->cvode, htf_flow__weigh) == 0 &&
                CVodeSetMaxOrd(c->cvode, kind->most_order) == 0 &&
                CVodeSetMaxNumSteps(c->cvode, -1) == 0 &&
                CVodeSetMaxHnilWarns(c->cvode, -1) == 0 &&
                CVodeSetMinStep(c->cvode, kind->shortest) == 0 &&
                CVodeSetMaxStep(c->cvode, kind->longest) == 0,
            HTF_E_MEMORY, "CVODE cannot be set up: %s", c->shared.complaint);
  HTF_TRY(c->shared.failure);
done:
  return status;
}

void htf_flow__cvode_destroy(htf_flow *flow) {
  htf_flow_cvode *c = flow->method;
  if (c != NULL) {
    CVodeFree(&c->cvode);
    if (c->nonlinear != NULL) {
      SUNNonlinSolFree(c->nonlinear);
    }
    htf_flow__sundials_destroy(flow);
  }
}

// ---- steps

static int64_t count_undone(htf_flow_cvode *c) {
  long errors = 0, solves = 0;
  CVodeGetNumErrTestFails(c->cvode, &errors);
  CVodeGetNumStepSolveFails(c->cvode, &solves);
  return c->shared.undone + errors + solves;
}

htf_status htf_flow__cvode_restart(htf_flow *flow) {
  htf_status status = HTF_OK;
  htf_flow_cvode *c = flow->method;
  double step = c->kind->restart_share * flow->last_step;
  if (flow->last_step == 0) {
    HTF_TRY(c->kind->guess_step(flow, &step));
  }
  step = fmin(c->kind->longest, fmax(c->kind->shortest, step));
  c->shared.undone = count_undone(c);
  c->shared.refusals = 0;
  N_VSetArrayPointer(flow->state, c->shared.vector);
  HTF_CHECK(CVodeReInit(c->cvode, 0, c->shared.vector) == 0 &&
                CVodeSetInitStep(c->cvode, step) == 0,
            HTF_E_INTERNAL, "CVODE cannot restart: %s", c->shared.complaint);
  HTF_TRY(c->shared.failure);
done:
  return status;
}

htf_status htf_flow__cvode_step(htf_flow *flow, double *next, double *length) {
  htf_status status = HTF_OK;
  htf_flow_cvode *c = flow->method;
  double clock;
  htf_flow__begin_step(&c->shared);
  N_VSetArrayPointer(next, c->shared.vector);
  int flag = CVode(c->cvode, c->kind->longest, c->shared.vector, &clock, CV_ONE_STEP);
  flow->counts.rejected = count_undone(c);
  HTF_TRY(c->shared.failure); // functional iteration takes any failure for a refusal
  HTF_CHECK(flag != CV_MEM_FAIL && flag != CV_LINIT_FAIL && flag != CV_NLS_INIT_FAIL,
            HTF_E_MEMORY, "no memory for CVODE: %s", c->shared.complaint);
  if (flag < 0) {
    bool finite = c->shared.refusal[0] == '\0';
    flow->failure = !finite                   ? HTF_FLOW_NOT_FINITE
                    : flag == CV_CONV_FAILURE ? HTF_FLOW_CONVERGENCE
                                              : HTF_FLOW_STEP_SIZE;
    HTF_TRY(htf_flow__no_step(flow));
  }
  HTF_TRY(htf_flow__check_refusals(flow));
  CVodeGetLastStep(c->cvode, &c->shared.length);
  *length = c->shared.length;
done:
  return status;
}

// ---- inside a step

// y(fraction) = sum_k z_k (fraction - 1)^k, around the end of the step and in units of it:
// CVODE's history holds z_k = h^k y^(k) / k!, and combines it, the highest first, for the
// state at the end.
htf_status htf_flow__cvode_interpolate(htf_flow *flow, double fraction, double *y) {
  htf_status status = HTF_OK;
  htf_flow_cvode *c = flow->method;
  htf_flow_sundials *s = &c->shared;
  const double *z[MOST_ORDER + 1];
  double end;
  CVodeGetCurrentTime(c->cvode, &end);
  s->listens = true;
  int flag = CVodeGetDky(c->cvode, end, 0, s->vector);
  s->listens = false;
  HTF_CHECK(flag == 0 && s->terms <= MOST_ORDER + 1, HTF_E_INTERNAL,
            "CVODE's interpolant: %s", s->complaint);
  for (int k = 0; k < s->terms; k++) {
    z[k] = N_VGetArrayPointer(s->term[k]);
  }
  HTF_TRY(s->failure);
  for (int64_t i = 0; i < flow->system.size; i++) {
    double sum = z[0][i];
    for (int k = 1; k < s->terms; k++) {
      sum = z[k][i] + (fraction - 1) * sum;
    }
    y[i] = sum;
  }
done:
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
// What the methods made of SUNDIALS share.
#include "sundials_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <sundials/sundials_version.h>

#include "htflow/memory.h"

// Keeps the error weight of y = 0 finite.
static const double FLOOR = 1e-50;
// At rtol 1e-12 a segment of 30 steps of a multistep method ends before the step is what it
// was when it began, so that the flow crawls; one of 50 goes on.
enum { LEAST_SEGMENT = 50 };
// The share of rtol that a step's local error is kept below. Conserved quantities then
// drift by less than 20 rtol (with 1: by up to 28), for no more evaluations at rtol 1e-4
// and 7 % more at 1e-6.
static const double SHARE = 0.5;
// The longest way along f, in units of f, on which it is asked how it bends.
static const double FARTHEST = 1e50;

// ---- life

htf_status htf_flow__sundials_create(htf_flow *flow, size_t bytes) {
  htf_status status = HTF_OK;
  char *block;
  HTF_NEW(block, bytes);
  flow->method = block;
  htf_flow_sundials *s = flow->method;
  HTF_CHECK(SUNContext_Create(NULL, &s->context) == 0, HTF_E_MEMORY,
            "no memory for a SUNDIALS context");
  s->vector = htf_flow__vector(s, flow->system.size);
  HTF_CHECK(s->vector != NULL, HTF_E_MEMORY, "no memory for a vector");
  HTF_TRY(s->failure);
  N_VSetArrayPointer(flow->state, s->vector);
done:
  return status;
}

void htf_flow__sundials_destroy(htf_flow *flow) {
  htf_flow_sundials *s = flow->method;
  if (s != NULL) {
    if (s->vector != NULL) {
      N_VDestroy(s->vector);
    }
    SUNContext_Free(&s->context);
    HTF_FREE(flow->method);
  }
}

htf_status htf_flow__check_rtol(const htf_flow *flow) {
  htf_status status = HTF_OK;
  double rtol = flow->options.rtol;
  HTF_CHECK(rtol >= 1e-13 && rtol <= 0.1, HTF_E_CONFIG,
            "rtol is %g, must be in [1e-13, 0.1]", rtol);
done:
  return status;
}

htf_status htf_flow__check_multistep(const htf_flow *flow, const char *name) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_flow__check_rtol(flow));
  HTF_CHECK(flow->options.segment_steps >= LEAST_SEGMENT, HTF_E_CONFIG,
            "segment_steps is %lld, must be at least %d for %s",
            (long long)flow->options.segment_steps, LEAST_SEGMENT, name);
done:
  return status;
}

// ---- what SUNDIALS calls

int htf_flow__judge(htf_flow_sundials *s, htf_status status) {
  if (s->failure != HTF_OK) {
    return -1;
  }
  if (status == HTF_E_NUMERIC) {
    snprintf(s->refusal, sizeof s->refusal, "%s", htf_error_message());
    htf_error_clear();
    s->refusals++;
    return 1;
  }
  if (status != HTF_OK) {
    s->failure = status;
  }
  return status == HTF_OK ? 0 : -1;
}

int htf_flow__derive(realtype t, N_Vector y, N_Vector dy, void *data) {
  (void)t;
  htf_flow *flow = data;
  htf_flow_sundials *s = flow->method;
  const double *from = N_VGetArrayPointer(y);
  double *to = N_VGetArrayPointer(dy);
  return s->failure != HTF_OK ? -1
                              : htf_flow__judge(s, htf_flow__derivative(flow, from, to));
}

double htf_flow__tolerance(const htf_flow *flow, const double *y) {
  return SHARE * flow->options.rtol * htf_flow__rms(y, flow->system.size) + FLOOR;
}

int htf_flow__weigh(N_Vector y, N_Vector weight, void *data) {
  const double *from = N_VGetArrayPointer(y);
  double w = from == NULL ? 0 : 1 / htf_flow__tolerance(data, from);
  N_VConst(w, weight);
  return isfinite(w) && w > 0 ? 0 : -1;
}

void htf_flow__hear(int code, const char *module, const char *function, char *text,
                    void *data) {
  (void)code, (void)module, (void)function;
  htf_flow_sundials *s = ((htf_flow *)data)->method;
  snprintf(s->complaint, sizeof s->complaint, "%s", text);
}

// ---- steps

double htf_flow__first_step(const htf_flow *flow, const double *slope, const double *bend) {
  int64_t size = flow->system.size;
  double accurate =
      0.5 * sqrt(2 * htf_flow__tolerance(flow, flow->state) / htf_flow__rms(bend, size));
  double near = 0.1 * htf_flow__rms(flow->state, size) / htf_flow__rms(slope, size);
  return fmin(accurate, near);
}

// bend = (f(y + d f) - f) / d, d f being a hundredth of y. Where f cannot be evaluated
// there, a tenth of that way is step enough.
htf_status htf_flow__guess_step(htf_flow *flow, double *step) {
  htf_status status = HTF_OK;
  int64_t size = flow->system.size;
  double *slope = NULL;
  HTF_NEW(slope, 3 * size);
  double *bend = slope + size, *near = bend + size;
  HTF_TRY(htf_flow__derivative(flow, flow->state, slope));
  double speed = htf_flow__rms(slope, size);
  double way = 0.01 * htf_flow__rms(flow->state, size) + FLOOR;
  double d = fmin(way / speed, FARTHEST);
  for (int64_t i = 0; i < size; i++) {
    near[i] = flow->state[i] + d * slope[i];
  }
  status = htf_flow__derivative(flow, near, bend);
  if (status == HTF_E_NUMERIC) {
    htf_error_clear();
    status = HTF_OK;
    *step = 0.1 * d;
    goto done;
  }
  HTF_TRY(status);
  for (int64_t i = 0; i < size; i++) {
    bend[i] = (bend[i] - slope[i]) / d;
  }
  *step = htf_flow__first_step(flow, slope, bend);
done:
  HTF_FREE(slope);
  return status;
}

void htf_flow__begin_step(htf_flow_sundials *s) {
  s->failure = s->failure == HTF_E_MEMORY ? HTF_E_MEMORY : HTF_OK; // its vectors are lost
  s->complaint[0] = '\0';
  s->refusal[0] = '\0';
}

htf_status htf_flow__no_step(const htf_flow *flow) {
  htf_status status = HTF_OK;
  const htf_flow_sundials *s = flow->method;
  HTF_CHECK(false, HTF_E_NUMERIC, "no step from time %.17g: %s%s%s", flow->time.high,
            s->complaint, s->refusal[0] ? "; last refusal: " : "", s->refusal);
done:
  return status;
}

// A flow that runs against the edge of where the system can be evaluated would creep up to
// it for ever, in steps that are refused, cut and accepted by turns.
htf_status htf_flow__check_refusals(const htf_flow *flow) {
  htf_status status = HTF_OK;
  const htf_flow_sundials *s = flow->method;
  int64_t most = 10 + flow->options.segment_steps / 10;
  HTF_CHECK(s->refusals <= most, HTF_E_NUMERIC,
            "stuck at time %.17g: %lld points refused within a segment; last refusal: %s",
            flow->time.high, (long long)s->refusals, s->refusal);
done:
  return status;
}

const char *htf_flow_library(void) {
  static char text[32] = "SUNDIALS ";
  size_t used = strlen("SUNDIALS ");
  SUNDIALSGetVersion(text + used, (int)(sizeof text - used));
  return text;
}

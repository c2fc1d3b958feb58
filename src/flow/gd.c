// SPDX-License-Identifier: BSD-3-Clause
// Gradient descent, the explicit Euler step: y+ = y + lr f(y).
#include <math.h>

#include "flow_impl.h"

static htf_status create(htf_flow *flow) {
  htf_status status = HTF_OK;
  double lr = flow->options.lr;
  HTF_CHECK(isfinite(lr) && lr > 0, HTF_E_CONFIG, "lr is %g, must be positive", lr);
done:
  return status;
}

static void destroy(htf_flow *flow) {
  (void)flow;
}

static htf_status restart(htf_flow *flow) {
  (void)flow;
  return HTF_OK;
}

static htf_status step(htf_flow *flow, double *next, double *length) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_flow__derivative(flow, flow->state, next));
  for (int64_t i = 0; i < flow->system.size; i++) {
    next[i] = flow->state[i] + flow->options.lr * next[i];
  }
  *length = flow->options.lr;
done:
  return status;
}

// The chord.
static htf_status interpolate(htf_flow *flow, double fraction, double *y) {
  for (int64_t i = 0; i < flow->system.size; i++) {
    y[i] = flow->before[i] + fraction * (flow->state[i] - flow->before[i]);
  }
  return HTF_OK;
}

const htf_flow_row htf_flow__gd = {
    .segment_steps = 1000,
    .create = create,
    .destroy = destroy,
    .restart = restart,
    .step = step,
    .interpolate = interpolate,
};

// SPDX-License-Identifier: BSD-3-Clause
// Gradient descent, the explicit Euler step: y+ = y + lr f(y).
#include "descent_impl.h"

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

const htf_flow_row htf_flow__gd = {
    .segment_steps = 1000,
    .create = htf_flow__descent_create,
    .destroy = htf_flow__descent_destroy,
    .restart = htf_flow__descent_restart,
    .step = step,
    .interpolate = htf_flow__descent_interpolate,
};

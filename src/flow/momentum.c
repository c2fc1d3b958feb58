// SPDX-License-Identifier: BSD-3-Clause
// Descent with momentum, as PyTorch has it: v+ = beta v + f(y), y+ = y + lr v+.
//
// Where f changes slowly v is f / (1 - beta): each step goes lr / (1 - beta) along the
// flow.
#include "descent_impl.h"

static htf_status create(htf_flow *flow) {
  htf_status status = HTF_OK;
  double beta = flow->options.beta;
  HTF_CHECK(beta >= 0 && beta < 1, HTF_E_CONFIG, "beta is %g, must be in [0, 1)", beta);
  HTF_TRY(htf_flow__descent_create(flow));
done:
  return status;
}

static htf_status step(htf_flow *flow, double *next, double *length) {
  htf_status status = HTF_OK;
  const double *v = flow->carry, lr = flow->options.lr, beta = flow->options.beta;
  double *v_next = flow->next_carry;
  HTF_TRY(htf_flow__derivative(flow, flow->state, next));
  for (int64_t i = 0; i < flow->system.size; i++) {
    v_next[i] = beta * v[i] + next[i];
    next[i] = flow->state[i] + lr * v_next[i];
  }
  *length = lr / (1 - beta);
done:
  return status;
}

const htf_flow_row htf_flow__momentum = {
    .segment_steps = 1000,
    .carry_vectors = 1,
    .create = create,
    .destroy = htf_flow__descent_destroy,
    .restart = htf_flow__descent_restart,
    .step = step,
    .interpolate = htf_flow__descent_interpolate,
};

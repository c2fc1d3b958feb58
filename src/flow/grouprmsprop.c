// SPDX-License-Identifier: BSD-3-Clause
// Descent whose step is normalised by one running mean of |f|^2 (theory.md section 2; what
// the experiments of Razin et al. 2022 used):
//   s+ = a s + (1 - a) |f(y)|^2,  y+ = y + lr f(y) / (sqrt(s+ / (1 - a^k)) + epsilon).
#include <math.h>

#include "descent_impl.h"

static const double DECAY = 0.99, EPSILON = 1e-6;

static htf_status step(htf_flow *flow, double *next, double *length) {
  htf_status status = HTF_OK;
  double lr = flow->options.lr, square = 0, k = flow->carry[1] + 1;
  HTF_TRY(htf_flow__derivative(flow, flow->state, next));
  for (int64_t i = 0; i < flow->system.size; i++) {
    square += next[i] * next[i];
  }
  double s = DECAY * flow->carry[0] + (1 - DECAY) * square;
  double scale = sqrt(s / (1 - pow(DECAY, k))) + EPSILON;
  for (int64_t i = 0; i < flow->system.size; i++) {
    next[i] = flow->state[i] + lr * next[i] / scale;
  }
  flow->next_carry[0] = s;
  flow->next_carry[1] = k;
  *length = lr / scale;
done:
  return status;
}

const htf_flow_row htf_flow__grouprmsprop = {
    .segment_steps = 1000,
    .carry_scalars = 2, // s, k
    .create = htf_flow__descent_create,
    .destroy = htf_flow__descent_destroy,
    .restart = htf_flow__descent_restart,
    .step = step,
    .interpolate = htf_flow__descent_interpolate,
};

// SPDX-License-Identifier: BSD-3-Clause
// Adam (Kingma and Ba 2015), in PyTorch's order of operations and with its defaults:
//   m+ = b1 m + (1 - b1) f,  v+ = b2 v + (1 - b2) f^2,
//   y+ = y + (lr / (1 - b1^k)) m+ / (sqrt(v+) / sqrt(1 - b2^k) + epsilon).
#include <math.h>

#include "descent_impl.h"

static const double BETA1 = 0.9, BETA2 = 0.999, EPSILON = 1e-8;

static htf_status step(htf_flow *flow, double *next, double *length) {
  htf_status status = HTF_OK;
  int64_t size = flow->system.size;
  const double *m = flow->carry, *v = m + size;
  double *m_next = flow->next_carry, *v_next = m_next + size;
  double k = flow->carry[2 * size] + 1, lr = flow->options.lr;
  double rate = lr / (1 - pow(BETA1, k)), root = sqrt(1 - pow(BETA2, k));
  HTF_TRY(htf_flow__derivative(flow, flow->state, next));
  for (int64_t i = 0; i < size; i++) {
    m_next[i] = BETA1 * m[i] + (1 - BETA1) * next[i];
    v_next[i] = BETA2 * v[i] + (1 - BETA2) * next[i] * next[i];
    next[i] = flow->state[i] + rate * m_next[i] / (sqrt(v_next[i]) / root + EPSILON);
  }
  flow->next_carry[2 * size] = k;
  *length = lr;
done:
  return status;
}

const htf_flow_row htf_flow__adam = {
    .segment_steps = 1000,
    .carry_vectors = 2, // m, v
    .carry_scalars = 1, // k
    .create = htf_flow__descent_create,
    .destroy = htf_flow__descent_destroy,
    .restart = htf_flow__descent_restart,
    .step = step,
    .interpolate = htf_flow__descent_interpolate,
};

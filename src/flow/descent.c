// SPDX-License-Identifier: BSD-3-Clause
// What the descents share.
#include "descent_impl.h"

#include <math.h>

htf_status htf_flow__descent_create(htf_flow *flow) {
  htf_status status = HTF_OK;
  double lr = flow->options.lr;
  HTF_CHECK(isfinite(lr) && lr > 0, HTF_E_CONFIG, "lr is %g, must be positive", lr);
done:
  return status;
}

void htf_flow__descent_destroy(htf_flow *flow) {
  (void)flow;
}

htf_status htf_flow__descent_restart(htf_flow *flow) {
  (void)flow;
  return HTF_OK;
}

htf_status htf_flow__descent_interpolate(htf_flow *flow, double fraction, double *y) {
  for (int64_t i = 0; i < flow->system.size; i++) {
    y[i] = flow->before[i] + fraction * (flow->state[i] - flow->before[i]);
  }
  return HTF_OK;
}

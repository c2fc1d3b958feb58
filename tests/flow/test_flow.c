// SPDX-License-Identifier: BSD-3-Clause
#include <math.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "htflow/flow.h"

static htf_status decay(void *context, const double *y, double *dy) {
  *dy = -*(double *)context * *y;
  return HTF_OK;
}

static htf_status decay_product(void *context, const double *y, const double *v,
                                double *product) {
  (void)y;
  *product = -*(double *)context * *v;
  return HTF_OK;
}

Test(flow, bdf_follows_linear_decay) {
  double rate = 1, y = 1;
  htf_flow_system system = {1, &rate, decay, decay_product};
  htf_flow_options options = {.method = HTF_FLOW_BDF, .rtol = 1e-8, .krylov_dimension = 5};
  htf_flow *flow = NULL;
  cr_assert(eq(int, htf_flow_create(&system, &options, &y, &flow), HTF_OK));
  while (htf_flow_now(flow).high < 3) {
    cr_assert(eq(int, htf_flow_step(flow), HTF_OK));
  }
  double exact = exp(-htf_flow_now(flow).high);
  cr_assert(epsilon_eq(dbl, htf_flow_state(flow)[0] / exact, 1, 1e-6));
  htf_flow_destroy(&flow);
}

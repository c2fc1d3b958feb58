// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "systems.h"

static htf_flow_options gd_options(double lr) {
  return (htf_flow_options){.method = HTF_FLOW_GD, .lr = lr};
}

Test(gd, is_the_explicit_euler_step) {
  system_context context = {.rate = 2, .size = 3};
  htf_flow_system system = {3, &context, decay, NULL, NULL, NULL};
  htf_flow_options options = gd_options(0.125);
  double y[] = {1, -2, 4};
  htf_flow *flow = start_flow(&system, &options, y);
  double share = 1;
  for (int n = 1; n <= 20; n++) {
    step_flow(flow);
    share *= 0.75; // 1 - lr rate, exactly
    for (int i = 0; i < 3; i++) {
      cr_assert(epsilon_eq(dbl, htf_flow_state(flow)[i], share * y[i], 1e-15));
    }
    cr_assert(eq(dbl, htf_flow_last_step(flow), 0.125));
    cr_assert(eq(dbl, htf_flow_now(flow).high, 0.125 * n));
  }
  htf_flow_counts counts = htf_flow_get_counts(flow);
  cr_assert(eq(i64, counts.steps, 20));
  cr_assert(eq(i64, counts.derivatives, 20));
  cr_assert(eq(i64, counts.derivatives, context.calls));
  cr_assert(eq(i64, counts.products, 0));
  cr_assert(eq(i64, counts.rejected, 0));
  htf_flow_destroy(&flow);
}

Test(gd, error_is_linear_in_the_step) {
  double errors[3];
  for (int k = 0; k < 3; k++) {
    system_context context = {.size = 1};
    htf_flow_system system = {1, &context, logistic, NULL, NULL, NULL};
    htf_flow_options options = gd_options(0.01 / (1 << k));
    double y = 0.1;
    htf_flow *flow = start_flow(&system, &options, &y);
    follow(flow, 2, &y);
    errors[k] = fabs(y - 1 / (1 + 9 * exp(-2)));
    htf_flow_destroy(&flow);
  }
  // Halving the step halves the error, up to the next order: 1 % of it.
  cr_assert(epsilon_eq(dbl, errors[0] / errors[1], 2, 0.02));
  cr_assert(epsilon_eq(dbl, errors[1] / errors[2], 2, 0.02));
}

Test(gd, interpolates_along_the_chord) {
  system_context context = {0};
  htf_flow_system system = {2, &context, turn, NULL, NULL, NULL};
  htf_flow_options options = gd_options(0.5);
  double y[] = {0, 1}, middle[2], arc, fraction;
  htf_flow_time time;
  htf_flow *flow = start_flow(&system, &options, y);
  step_flow(flow);
  cr_assert(eq(int, htf_flow_interpolate(flow, 0.25, middle, &time, &arc), HTF_OK));
  cr_assert(eq(dbl, middle[0], 0.125));
  cr_assert(eq(dbl, middle[1], 1));
  cr_assert(eq(dbl, time.high, 0.125));
  cr_assert(eq(dbl, arc, 0.125));
  cr_assert(eq(int, htf_flow_find_arc(flow, 0.125, y, &fraction), HTF_OK));
  cr_assert(epsilon_eq(dbl, fraction, 0.25, 1e-12)); // what the search promises
  htf_flow_destroy(&flow);
}

Test(gd, overflow_is_numeric_and_keeps_the_last_good_state) {
  system_context context = {0};
  htf_flow_system system = {1, &context, explode, NULL, NULL, NULL};
  htf_flow_options options = gd_options(1);
  double y = 2, last = y;
  htf_flow *flow = start_flow(&system, &options, &y);
  htf_status status = HTF_OK;
  int64_t steps = 0;
  while (status == HTF_OK) {
    last = htf_flow_state(flow)[0];
    steps = htf_flow_get_counts(flow).steps;
    cr_assert(lt(i64, steps, 20)); // y doubles its digits in each
    status = htf_flow_step(flow);
  }
  cr_assert(eq(int, status, HTF_E_NUMERIC));
  cr_assert(isfinite(last));
  cr_assert(eq(dbl, htf_flow_state(flow)[0], last));
  cr_assert(eq(i64, htf_flow_get_counts(flow).steps, steps));
  cr_assert(eq(dbl, htf_flow_now(flow).high, (double)steps));
  htf_flow_destroy(&flow);
}

Test(gd, forwards_a_failing_derivative_as_it_was) {
  htf_status kinds[] = {HTF_E_NUMERIC, HTF_E_IO, HTF_E_MEMORY};
  for (int k = 0; k < 3; k++) {
    system_context context = {.rate = 1, .size = 1, .fault_call = 3, .fault = kinds[k]};
    htf_flow_system system = {1, &context, decay, NULL, NULL, NULL};
    htf_flow_options options = gd_options(0.5);
    double y = 1;
    htf_flow *flow = start_flow(&system, &options, &y);
    step_flow(flow);
    step_flow(flow);
    cr_assert(eq(int, htf_flow_step(flow), kinds[k]));
    cr_assert(strstr(htf_error_message(), "planted at call 3") != NULL);
    cr_assert(eq(dbl, htf_flow_state(flow)[0], 0.25));
    step_flow(flow); // and goes on from there
    cr_assert(eq(dbl, htf_flow_state(flow)[0], 0.125));
    htf_flow_destroy(&flow);
  }
}

Test(gd, refuses_a_step_size_that_is_none) {
  double sizes[] = {0, -1, NAN, INFINITY};
  for (int k = 0; k < 4; k++) {
    system_context context = {.rate = 1, .size = 1};
    htf_flow_system system = {1, &context, decay, NULL, NULL, NULL};
    htf_flow_options options = gd_options(sizes[k]);
    double y = 1;
    htf_flow *flow = NULL;
    cr_assert(eq(int, htf_flow_create(&system, &options, &y, &flow), HTF_E_CONFIG));
    cr_assert(flow == NULL);
  }
}

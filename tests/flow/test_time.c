// SPDX-License-Identifier: BSD-3-Clause
#include "systems.h"

// 113 bits, more than a sum of two doubles needs here.
typedef __float128 quad;

static double relative_error(htf_flow_time time, quad exact) {
  return fabs((double)(((quad)time.high + (quad)time.low - exact) / exact));
}

static double random_number(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (double)(*state >> 11) * 0x1p-53;
}

Test(time, sum_of_many_lengths_is_exact_to_double_double) {
  htf_flow_time time = {0, 0};
  quad exact = 0;
  uint64_t state = 1;
  for (int i = 0; i < 100000; i++) {
    double seconds = exp(60 * (random_number(&state) - 0.5));
    time = htf_flow_time_add(time, seconds);
    exact += (quad)seconds;
  }
  // Each of 1e5 additions rounds at 2^-104 at most.
  cr_assert(lt(dbl, relative_error(time, exact), 1e5 * 0x1p-104));
}

Test(time, short_lengths_count_on_a_long_clock) {
  htf_flow_time time = {1e18, 0};
  for (int i = 0; i < 1000; i++) {
    time = htf_flow_time_add(time, 1e-3);
  }
  cr_assert(eq(dbl, time.high, 1e18));
  cr_assert(epsilon_eq(dbl, time.low, 1, 1e-9));
}

Test(time, low_part_stays_below_half_an_ulp) {
  htf_flow_time time = {0, 0};
  uint64_t state = 2;
  for (int i = 0; i < 10000; i++) {
    time = htf_flow_time_add(time, exp(20 * random_number(&state)));
    cr_assert(eq(dbl, time.high + time.low, time.high));
  }
}

Test(time, comparison_sees_the_low_part) {
  htf_flow_time a = {1, 0}, b = {1, 1e-20}, c = {2, -1e-20};
  cr_assert(eq(int, htf_flow_time_compare(a, b), -1));
  cr_assert(eq(int, htf_flow_time_compare(b, a), 1));
  cr_assert(eq(int, htf_flow_time_compare(b, c), -1));
  cr_assert(eq(int, htf_flow_time_compare(c, a), 1));
  cr_assert(eq(int, htf_flow_time_compare(b, b), 0));
}

Test(time, of_a_flow_is_the_sum_of_its_steps) {
  system_context context = {.rate = 1, .size = 1};
  htf_flow_system system = {1, &context, burst, burst_product, NULL, NULL};
  htf_flow_options options = bdf_options(1e-6);
  double y = 1e-12;
  htf_flow *flow = start_flow(&system, &options, &y);
  quad exact = 0;
  while (htf_flow_state(flow)[0] < 0.99) {
    step_flow(flow);
    exact += (quad)htf_flow_last_step(flow);
  }
  cr_assert(lt(dbl, relative_error(htf_flow_now(flow), exact), 1000 * 0x1p-104));
  htf_flow_destroy(&flow);
}

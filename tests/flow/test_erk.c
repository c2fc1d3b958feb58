// SPDX-License-Identifier: BSD-3-Clause
// Each table offered against its own formula and its order; test_control.c and
// test_failure.c have what the pairs share with other methods.
#include <string.h>

#include "systems.h"

enum { STAGES = 7 };

// Coefficients as published: Dormand and Prince 1980, Cash and Karp 1990, Bogacki and
// Shampine 1989, Fehlberg 1969, Zonneveld 1963. a [stages, stages] strictly lower, b
// [stages].
typedef struct pair {
  const char *name;
  htf_flow_table table;
  int stages, order;
  int degree; // of the interpolant
  double a[STAGES][STAGES], b[STAGES];
} pair;

static const pair pairs[] = {
    {"dormand_prince",
     HTF_FLOW_DORMAND_PRINCE,
     7,
     5,
     4,
     {{0},
      {1. / 5},
      {3. / 40, 9. / 40},
      {44. / 45, -56. / 15, 32. / 9},
      {19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
      {9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
      {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84}},
     {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84}},
    {"cash_karp",
     HTF_FLOW_CASH_KARP,
     6,
     5,
     4,
     {{0},
      {1. / 5},
      {3. / 40, 9. / 40},
      {3. / 10, -9. / 10, 6. / 5},
      {-11. / 54, 5. / 2, -70. / 27, 35. / 27},
      {1631. / 55296, 175. / 512, 575. / 13824, 44275. / 110592, 253. / 4096}},
     {37. / 378, 0, 250. / 621, 125. / 594, 0, 512. / 1771}},
    {"bogacki_shampine",
     HTF_FLOW_BOGACKI_SHAMPINE,
     3,
     3,
     2,
     {{0}, {1. / 2}, {0, 3. / 4}},
     {2. / 9, 1. / 3, 4. / 9}},
    {"fehlberg",
     HTF_FLOW_FEHLBERG,
     6,
     5,
     4,
     {{0},
      {1. / 4},
      {3. / 32, 9. / 32},
      {1932. / 2197, -7200. / 2197, 7296. / 2197},
      {439. / 216, -8, 3680. / 513, -845. / 4104},
      {-8. / 27, 2, -3544. / 2565, 1859. / 4104, -11. / 40}},
     {16. / 135, 0, 6656. / 12825, 28561. / 56430, -9. / 50, 2. / 55}},
    {"zonneveld",
     HTF_FLOW_ZONNEVELD,
     4,
     4,
     3,
     {{0}, {1. / 2}, {0, 1. / 2}, {0, 0, 1}},
     {1. / 6, 1. / 3, 1. / 3, 1. / 6}},
};
enum { PAIRS = sizeof pairs / sizeof *pairs };

static htf_flow_options options_of(const pair *p, double rtol, double fixed_step) {
  return (htf_flow_options){
      .method = HTF_FLOW_ERK, .table = p->table, .rtol = rtol, .fixed_step = fixed_step};
}

// next = y + h sum_s b_s k_s,  k_s = f(y + h sum_r a_sr k_r).
static void step_by_hand(const pair *p, const double *y, double h, double *next) {
  double k[STAGES][FACTORS];
  system_context context = {0};
  memcpy(next, y, sizeof(double[FACTORS]));
  for (int s = 0; s < p->stages; s++) {
    double at[FACTORS];
    for (int i = 0; i < FACTORS; i++) {
      at[i] = y[i];
      for (int r = 0; r < s; r++) {
        at[i] += h * p->a[s][r] * k[r][i];
      }
    }
    cr_assert(eq(int, factors(&context, at, k[s]), HTF_OK));
    for (int i = 0; i < FACTORS; i++) {
      next[i] += h * p->b[s] * k[s][i];
    }
  }
}

// Follows the system and holds every step against the formula: across restarts, after
// steps that the error test undid and after points that were refused.
static htf_flow_counts compare_steps(const pair *p, const htf_flow_options *options) {
  const double first[FACTORS] = {0.3, 0.6, 0.45, -0.3, 0.6, -0.9};
  system_context context = {.fault_call = 230, .fault = HTF_E_NUMERIC};
  context.fault_call = options->fixed_step > 0 ? 0 : 230;
  htf_flow_system system = {FACTORS, &context, factors, NULL, NULL, NULL};
  htf_flow *flow = start_flow(&system, options, first);
  for (int n = 0; n < 200; n++) {
    double before[FACTORS], hand[FACTORS];
    memcpy(before, htf_flow_state(flow), sizeof before);
    step_flow(flow);
    step_by_hand(p, before, htf_flow_last_step(flow), hand);
    for (int i = 0; i < FACTORS; i++) {
      // Some ten roundings of numbers of about 1, in another order.
      cr_assert(epsilon_eq(dbl, htf_flow_state(flow)[i], hand[i], 4e-15),
                "%s, step %d: off by %g", p->name, n, htf_flow_state(flow)[i] - hand[i]);
    }
  }
  htf_flow_counts counts = htf_flow_get_counts(flow);
  htf_flow_destroy(&flow);
  return counts;
}

Test(erk, every_step_is_that_of_its_table) {
  for (int m = 0; m < PAIRS; m++) {
    htf_flow_options options = options_of(&pairs[m], 1e-5, 0);
    options.segment_steps = 60;
    htf_flow_counts counts = compare_steps(&pairs[m], &options);
    cr_assert(lt(i64, 3, counts.rejected)); // the test met what it is about
    cr_assert(eq(i64, counts.segments, 4));
    options = options_of(&pairs[m], 0, 0.25);
    counts = compare_steps(&pairs[m], &options);
    cr_assert(eq(i64, counts.rejected, 0));
  }
}

// ---- order

// A limit cycle with a closed solution, nonlinear in both components: r' = r (1 - r^2),
// angle' = 1.
static htf_status cycle(void *context, const double *y, double *dy) {
  double pull = 1 - y[0] * y[0] - y[1] * y[1];
  dy[0] = pull * y[0] - y[1];
  dy[1] = pull * y[1] + y[0];
  return count_call(context);
}

// From y = (1/2, 0).
static double cycle_error(double t, const double *y) {
  double r = 1 / sqrt(1 + 3 * exp(-2 * t));
  return hypot(y[0] - r * cos(t), y[1] - r * sin(t));
}

Test(erk, converges_at_the_order_of_its_table) {
  for (int m = 0; m < PAIRS; m++) {
    double errors[4];
    for (int k = 0; k < 4; k++) {
      system_context context = {0};
      htf_flow_system system = {2, &context, cycle, NULL, NULL, NULL};
      htf_flow_options options = options_of(&pairs[m], 0, 0x1p-4 / (1 << k));
      double y[] = {0.5, 0};
      htf_flow *flow = start_flow(&system, &options, y);
      for (int n = 0; n < 16 << k; n++) {
        step_flow(flow);
        cr_assert(eq(dbl, htf_flow_last_step(flow), options.fixed_step));
      }
      cr_assert(eq(dbl, htf_flow_now(flow).high, 1));
      errors[k] = cycle_error(1, htf_flow_state(flow));
      htf_flow_destroy(&flow);
    }
    // log2 of the ratio is the order and what the next term of the error, some h of this
    // one, adds: that of dormand_prince has a small term of order 5 and is at 5.6, 5.35 and
    // 5.16. The last errors, down to 5e-15, are twenty roundings and more.
    for (int k = 0; k < 3; k++) {
      double order = log2(errors[k] / errors[k + 1]);
      cr_assert(lt(dbl, pairs[m].order - 0.3, order), "%s: %g", pairs[m].name, order);
      cr_assert(lt(dbl, order, pairs[m].order + 0.6 / (1 << k) + 0.05), "%s: %g",
                pairs[m].name, order);
    }
  }
}

Test(erk, interpolates_within_a_step_to_the_order_of_the_estimate) {
  for (int m = 0; m < PAIRS; m++) {
    double worst[2] = {0, 0};
    for (int k = 0; k < 2; k++) {
      system_context context = {0};
      htf_flow_system system = {2, &context, cycle, NULL, NULL, NULL};
      htf_flow_options options = options_of(&pairs[m], 0, k == 0 ? 0.1 : 0.05);
      double y[] = {0.5, 0}, arc;
      htf_flow_time time;
      htf_flow *flow = start_flow(&system, &options, y);
      step_flow(flow);
      for (double fraction = 0.1; fraction < 1; fraction += 0.1) {
        cr_assert(eq(int, htf_flow_interpolate(flow, fraction, y, &time, &arc), HTF_OK));
        worst[k] = fmax(worst[k], cycle_error(fraction * options.fixed_step, y));
      }
      htf_flow_destroy(&flow);
    }
    // A polynomial of degree d is off by h^(d+1) within a step of length h.
    double order = log2(worst[0] / worst[1]);
    cr_assert(epsilon_eq(dbl, order, pairs[m].degree + 1, 0.4), "%s: %g", pairs[m].name,
              order);
  }
}

// ---- options

Test(erk, needs_no_jacobian_and_calls_none) {
  system_context context = {.rate = 1, .size = 1};
  htf_flow_system system = {1, &context, decay, decay_product, NULL, NULL};
  htf_flow_options options = options_of(&pairs[0], 1e-6, 0);
  double y = 1;
  htf_flow *flow = start_flow(&system, &options, &y);
  follow(flow, 3, &y);
  cr_assert(eq(i64, context.products, 0));
  cr_assert(epsilon_eq(dbl, y * exp(3), 1, 1e-5));
  htf_flow_destroy(&flow);
}

Test(erk, a_fixed_step_is_kept_or_the_flow_fails) {
  system_context context = {0};
  htf_flow_system system = {1, &context, explode, NULL, NULL, NULL};
  htf_flow_options options = options_of(&pairs[0], 0, 0.5);
  double y = 1;
  htf_flow *flow = start_flow(&system, &options, &y);
  htf_status status = HTF_OK;
  while (status == HTF_OK) {
    cr_assert(lt(i64, htf_flow_get_counts(flow).steps, 100));
    status = htf_flow_step(flow);
  }
  cr_assert(eq(int, status, HTF_E_NUMERIC));
  cr_assert(isfinite(htf_flow_state(flow)[0]));
  cr_assert(eq(dbl, htf_flow_last_step(flow), 0.5));
  htf_flow_destroy(&flow);
}

Test(erk, refuses_tables_and_steps_that_are_none) {
  system_context context = {.rate = 1, .size = 1};
  htf_flow_system system = {1, &context, decay, NULL, NULL, NULL};
  double y = 1, steps[] = {-1, NAN, INFINITY, 1e-41, 1e51};
  htf_flow *flow = NULL;
  for (int k = 0; k < 5; k++) {
    htf_flow_options options = options_of(&pairs[0], 1e-6, steps[k]);
    cr_assert(eq(int, htf_flow_create(&system, &options, &y, &flow), HTF_E_CONFIG));
    cr_assert(strstr(htf_error_message(), "fixed_step is") != NULL);
  }
  int tables[] = {-1, PAIRS, 99};
  for (int k = 0; k < 3; k++) {
    htf_flow_options options = options_of(&pairs[0], 1e-6, 0);
    options.table = (htf_flow_table)tables[k];
    cr_assert(eq(int, htf_flow_create(&system, &options, &y, &flow), HTF_E_CONFIG));
    cr_assert(strstr(htf_error_message(), "Runge-Kutta table") != NULL);
  }
}

// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include <criterion/redirect.h>

#include "systems.h"

// ---- accuracy

static double logistic_error(double rtol) {
  system_context context = {0};
  htf_flow_system system = {1, &context, logistic, logistic_product};
  htf_flow_options options = bdf_options(rtol);
  double y = 1e-3, worst = 0;
  htf_flow *flow = start_flow(&system, &options, &y);
  for (double t = 1; t < 12; t += 1) {
    follow(flow, t, &y);
    worst = fmax(worst, fabs(y * (1 + 999 * exp(-t)) - 1));
  }
  htf_flow_destroy(&flow);
  return worst;
}

Test(bdf, error_falls_with_the_tolerance) {
  // Least squares of log error over log rtol, 1e-4 to 1e-9.
  double sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (int k = 4; k <= 9; k++) {
    double error = logistic_error(pow(10, -k)), x = -k, y = log10(error);
    cr_assert(lt(dbl, error, 300 * pow(10, -k)), "%g at 1e-%d", error, k);
    sx += x;
    sy += y;
    sxx += x * x;
    sxy += x * y;
  }
  double slope = (6 * sxy - sx * sy) / (6 * sxx - sx * sx);
  // The global error of a method of order q goes like rtol^(q/(q+1)), q being 2 to 5 here.
  cr_assert(gt(dbl, slope, 0.67));
  cr_assert(lt(dbl, slope, 1.1));
}

enum { SIZE = 20 };

// exp(-A t) y0 with A = H diag(rates) H.
static void solve_stiff(const double *rates, double t, const double *y0, double *y) {
  reflect(y0, y, SIZE);
  for (int i = 0; i < SIZE; i++) {
    y[i] *= exp(-rates[i] * t);
  }
  reflect(y, y, SIZE);
}

static double rms_of_difference(const double *a, const double *b) {
  double sum = 0;
  for (int i = 0; i < SIZE; i++) {
    sum += (a[i] - b[i]) * (a[i] - b[i]);
  }
  return sqrt(sum / SIZE);
}

// Follows the system to t = 1 and returns the steps taken.
static int64_t follow_stiff(htf_flow_krylov krylov, int dimension, double end,
                            double *found) {
  double rates[SIZE], first[SIZE], exact[SIZE];
  for (int i = 0; i < SIZE; i++) {
    rates[i] = pow(10, 6.0 * i / (SIZE - 1)); // 1 to 1e6
    first[i] = 1 + 0.1 * i;
  }
  system_context context = {.size = SIZE, .rates = rates};
  htf_flow_system system = {SIZE, &context, stiff, stiff_product};
  htf_flow_options options = bdf_options(1e-6);
  options.krylov = krylov;
  options.krylov_dimension = dimension;
  htf_flow *flow = start_flow(&system, &options, first);
  for (double t = 1e-6; t < 3 * end; t *= 10) {
    follow(flow, t, found);
    solve_stiff(rates, t, first, exact);
    double zero[SIZE] = {0}, size = rms_of_difference(exact, zero);
    double error = rms_of_difference(found, exact) / size;
    // Some hundred steps of 1e-6 each, most of whose errors decay.
    cr_assert(lt(dbl, error, 1e-4), "krylov %d, t %g: %g", (int)krylov, t, error);
  }
  int64_t steps = htf_flow_get_counts(flow).steps;
  htf_flow_destroy(&flow);
  return steps;
}

Test(bdf, follows_a_stiff_gradient_system_with_either_krylov_method) {
  double found[2][SIZE];
  for (int krylov = 0; krylov < 2; krylov++) {
    int64_t steps = follow_stiff((htf_flow_krylov)krylov, 60, 1, found[krylov]);
    cr_assert(lt(i64, steps, 1000)); // explicit methods need 1e6 / 2 steps to t = 1
  }
  cr_assert(lt(dbl, rms_of_difference(found[0], found[1]), 1e-5));
}

// A solve that ends before it has converged may cost steps, not accuracy.
Test(bdf, keeps_the_tolerance_where_the_krylov_space_is_too_small) {
  double found[SIZE];
  for (int krylov = 0; krylov < 2; krylov++) {
    follow_stiff((htf_flow_krylov)krylov, 2, 1e-4, found);
  }
}

Test(bdf, interpolates_to_the_order_of_the_method) {
  system_context context = {0};
  htf_flow_system system = {2, &context, turn, turn_product};
  htf_flow_options options = bdf_options(1e-9);
  double y[] = {0, 1}, arc;
  htf_flow *flow = start_flow(&system, &options, y);
  while (htf_flow_now(flow).high < 3) {
    htf_flow_time begin = htf_flow_now(flow), time;
    step_flow(flow);
    for (double fraction = 0.125; fraction < 1; fraction += 0.125) {
      cr_assert(eq(int, htf_flow_interpolate(flow, fraction, y, &time, &arc), HTF_OK));
      double t = begin.high + fraction * htf_flow_last_step(flow);
      cr_assert(epsilon_eq(dbl, time.high, t, 1e-15 * (1 + t)));
      // As good as the states themselves: some hundred errors of 1e-9.
      cr_assert(lt(dbl, hypot(y[0] - sin(t), y[1] - cos(t)), 3e-7), "t %g", t);
    }
  }
  htf_flow_destroy(&flow);
}

// ---- arc length

Test(bdf, arc_on_a_straight_line_is_the_way_made) {
  system_context context = {.rate = 3, .size = 4};
  htf_flow_system system = {4, &context, decay, decay_product};
  htf_flow_options options = bdf_options(1e-7);
  double y[] = {1, -1, 1, 1}, fraction, arc; // |y| = 2
  htf_flow_time time;
  htf_flow *flow = start_flow(&system, &options, y);
  for (double want = 0.1; want < 1.95; want += 0.1) {
    while (htf_flow_arc(flow) < want) {
      step_flow(flow);
    }
    cr_assert(eq(int, htf_flow_find_arc(flow, want, &fraction), HTF_OK));
    cr_assert(eq(int, htf_flow_interpolate(flow, fraction, y, &time, &arc), HTF_OK));
    // What is left of |y| = 2; a line adds up without error but rounding and the search's.
    cr_assert(epsilon_eq(dbl, 2 * fabs(y[1]), 2 - want, 1e-11));
    cr_assert(epsilon_eq(dbl, time.high, -log(1 - want / 2) / 3, 2e-5));
  }
  htf_flow_destroy(&flow);
}

Test(bdf, arc_on_a_circle_is_the_sum_of_chords) {
  system_context context = {0};
  htf_flow_system system = {2, &context, turn, turn_product};
  htf_flow_options options = bdf_options(1e-9);
  double y[] = {0, 1}, chords = 0;
  htf_flow *flow = start_flow(&system, &options, y);
  while (htf_flow_now(flow).high < 6) {
    step_flow(flow);
    chords += 2 * sin(htf_flow_last_step(flow) / 2);
  }
  cr_assert(epsilon_eq(dbl, htf_flow_arc(flow), chords, 1e-5));
  // And near the arc itself: h^2/24 of it is missing, h being below 0.1.
  cr_assert(epsilon_eq(dbl, htf_flow_arc(flow), htf_flow_now(flow).high, 3e-3));
  htf_flow_destroy(&flow);
}

// ---- a burst at the end of a long clock

// The time at which y passes `level`, inside the step just made.
static htf_flow_time pass(htf_flow *flow, double level) {
  double low = 0, high = 1, y, arc;
  htf_flow_time time;
  for (int i = 0; i < 60; i++) {
    double middle = (low + high) / 2;
    cr_assert(eq(int, htf_flow_interpolate(flow, middle, &y, &time, &arc), HTF_OK));
    *(y < level ? &low : &high) = middle;
  }
  return time;
}

Test(bdf, resolves_a_burst_at_time_1e18) {
  system_context context = {0};
  htf_flow_system system = {1, &context, burst, burst_product};
  htf_flow_options options = bdf_options(1e-8);
  const double first = 0x1p-60; // 1/y0 is 1.15e18, and an ulp of it 256
  double y = first, level[] = {0.1, 0.5, 0.9};
  htf_flow_time passed[3];
  htf_flow *flow = start_flow(&system, &options, &y);
  int64_t steps[3];
  for (int k = 0; k < 3; k++) {
    while (htf_flow_state(flow)[0] < level[k]) {
      step_flow(flow);
    }
    passed[k] = pass(flow, level[k]);
    steps[k] = htf_flow_get_counts(flow).steps;
  }
  // A relative error of y while it waits is one of the time it waits: 1000 steps of 1e-8.
  cr_assert(epsilon_eq(dbl, passed[1].high / 0x1p60, 1, 1e-5));
  // 6 ln 3 + 80/9 from 0.1 to 0.9 by the closed solution, within one ulp of the clock. The
  // differences are between times of 1e18, so only the low parts can tell.
  for (int k = 0; k < 2; k++) {
    double took =
        (passed[k + 1].high - passed[k].high) + (passed[k + 1].low - passed[k].low);
    double closed = 1 / level[k] - 1 / level[k + 1] +
                    log(level[k + 1] / (1 - level[k + 1])) - log(level[k] / (1 - level[k]));
    cr_assert(epsilon_eq(dbl, took / closed, 1, 1e-5), "%g for %g", took, closed);
    cr_assert(gt(i64, steps[k + 1] - steps[k], 5));
  }
  htf_flow_destroy(&flow);
}

Test(bdf, stays_at_an_equilibrium) {
  system_context context = {.rate = 1, .size = 2};
  htf_flow_system system = {2, &context, decay, decay_product};
  htf_flow_options options = bdf_options(1e-6);
  double zero[] = {0, 0};
  htf_flow *flow = start_flow(&system, &options, zero);
  for (int i = 0; i < 1000; i++) {
    step_flow(flow);
  }
  cr_assert(eq(dbl, htf_flow_arc(flow), 0));
  cr_assert(isfinite(htf_flow_now(flow).high));
  htf_flow_destroy(&flow);
}

// ---- failures

Test(bdf, a_solution_that_blows_up_ends_in_a_numeric_failure, .init = cr_redirect_stderr) {
  system_context context = {0};
  htf_flow_system system = {1, &context, explode, explode_product};
  htf_flow_options options = bdf_options(1e-6);
  double y = 1, last = y;
  htf_flow *flow = start_flow(&system, &options, &y);
  htf_status status = HTF_OK;
  while (status == HTF_OK) {
    last = htf_flow_state(flow)[0];
    cr_assert(lt(i64, htf_flow_get_counts(flow).steps, 20000));
    status = htf_flow_step(flow);
  }
  cr_assert(eq(int, status, HTF_E_NUMERIC));
  cr_assert(strstr(htf_error_message(), "no step from time") != NULL);
  cr_assert(eq(dbl, htf_flow_state(flow)[0], last));
  cr_assert(gt(dbl, last, 1e30));
  cr_assert(ge(dbl, htf_flow_last_step(flow), 1e-40));
  cr_assert(epsilon_eq(dbl, htf_flow_now(flow).high, 1, 1e-3));
  htf_flow_destroy(&flow);
  cr_assert_stderr_eq_str("", "SUNDIALS is quiet");
}

Test(bdf, a_refused_point_costs_a_smaller_step_only) {
  system_context context = {
      .rate = 1, .size = 1, .fault_call = 20, .fault_product = 25, .fault = HTF_E_NUMERIC};
  htf_flow_system system = {1, &context, decay, decay_product};
  htf_flow_options options = bdf_options(1e-6);
  double y = 1;
  htf_flow *flow = start_flow(&system, &options, &y);
  htf_error_clear();
  follow(flow, 3, &y);
  cr_assert(gt(i64, context.calls, 20));
  cr_assert(gt(i64, context.products, 25));
  cr_assert(ge(i64, htf_flow_get_counts(flow).rejected, 2));
  cr_assert(epsilon_eq(dbl, y * exp(3), 1, 1e-4));
  cr_assert(eq(int, (int)strlen(htf_error_message()), 0));
  htf_flow_destroy(&flow);
}

Test(bdf, a_point_refused_for_good_is_a_numeric_failure, .init = cr_redirect_stderr) {
  for (int kind = 0; kind < 2; kind++) {
    system_context context = {
        .rate = 1, .size = 1, .fault_stays = true, .fault = HTF_E_NUMERIC};
    *(kind == 0 ? &context.fault_call : &context.fault_product) = 15;
    htf_flow_system system = {1, &context, decay, decay_product};
    htf_flow_options options = bdf_options(1e-6);
    double y = 1, last = y;
    htf_flow *flow = start_flow(&system, &options, &y);
    htf_status status = HTF_OK;
    while (status == HTF_OK) {
      last = htf_flow_state(flow)[0];
      status = htf_flow_step(flow);
    }
    cr_assert(eq(int, status, HTF_E_NUMERIC));
    cr_assert(strstr(htf_error_message(), "planted at call 15") != NULL);
    cr_assert(eq(dbl, htf_flow_state(flow)[0], last));
    cr_assert(lt(dbl, last, 1));
    htf_flow_time time;
    double arc;
    cr_assert(eq(int, htf_flow_interpolate(flow, 0.5, &y, &time, &arc), HTF_E_INTERNAL));
    cr_assert(htf_flow_at_boundary(flow));
    context.fault_call = context.fault_product = 0; // mended: goes on where it was
    double end = htf_flow_now(flow).high + 1;
    while (htf_flow_now(flow).high < end) {
      step_flow(flow);
    }
    double exact = exp(-htf_flow_now(flow).high);
    cr_assert(epsilon_eq(dbl, htf_flow_state(flow)[0] / exact, 1, 1e-4));
    cr_assert(eq(i64, htf_flow_get_counts(flow).segments, 2));
    htf_flow_destroy(&flow);
  }
  cr_assert_stderr_eq_str("", "SUNDIALS is quiet");
}

Test(bdf, other_failures_of_callbacks_are_forwarded_as_they_were) {
  htf_status kinds[] = {HTF_E_IO, HTF_E_MEMORY, HTF_E_STOPPED};
  for (int k = 0; k < 6; k++) {
    system_context context = {.rate = 1, .size = 1, .fault = kinds[k % 3]};
    *(k < 3 ? &context.fault_call : &context.fault_product) = 12;
    htf_flow_system system = {1, &context, decay, decay_product};
    htf_flow_options options = bdf_options(1e-6);
    double y = 1, last = y;
    htf_flow *flow = start_flow(&system, &options, &y);
    htf_status status = HTF_OK;
    while (status == HTF_OK) {
      last = htf_flow_state(flow)[0];
      status = htf_flow_step(flow);
    }
    cr_assert(eq(int, status, kinds[k % 3]));
    cr_assert(strstr(htf_error_message(), "planted at call 12") != NULL);
    cr_assert(eq(dbl, htf_flow_state(flow)[0], last));
    htf_flow_destroy(&flow);
  }
}

static htf_status silent_nan(void *context, const double *y, double *dy) {
  dy[0] = y[0] > 1.5 ? NAN : y[0];
  return count_call(context);
}

static htf_status growth_product(void *context, const double *y, const double *v,
                                 double *product) {
  product[0] = y[0] > 1.5 ? NAN : v[0];
  return count_product(context);
}

Test(bdf, a_value_not_finite_counts_as_refused_whatever_the_callback_says) {
  system_context context = {0};
  htf_flow_system system = {1, &context, silent_nan, growth_product};
  htf_flow_options options = bdf_options(1e-6);
  double y = 1;
  htf_flow *flow = start_flow(&system, &options, &y);
  htf_status status = HTF_OK;
  while (status == HTF_OK) {
    cr_assert(lt(i64, htf_flow_get_counts(flow).steps, 10000));
    status = htf_flow_step(flow);
  }
  cr_assert(eq(int, status, HTF_E_NUMERIC));
  cr_assert(le(dbl, htf_flow_state(flow)[0], 1.5));
  cr_assert(gt(dbl, htf_flow_state(flow)[0], 1.4));
  htf_flow_destroy(&flow);
}

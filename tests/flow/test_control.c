// SPDX-License-Identifier: BSD-3-Clause
// What holds for every method with error control: bdf, adams and the pairs of erk.
#include <string.h>

#include "systems.h"

typedef struct controlled {
  const char *name;
  htf_flow_method method;
  htf_flow_table table;
} controlled;

static const controlled methods[] = {
    {"bdf", HTF_FLOW_BDF, 0},
    {"adams", HTF_FLOW_ADAMS, 0},
    {"dormand_prince", HTF_FLOW_ERK, HTF_FLOW_DORMAND_PRINCE},
    {"cash_karp", HTF_FLOW_ERK, HTF_FLOW_CASH_KARP},
    {"bogacki_shampine", HTF_FLOW_ERK, HTF_FLOW_BOGACKI_SHAMPINE},
    {"fehlberg", HTF_FLOW_ERK, HTF_FLOW_FEHLBERG},
    {"zonneveld", HTF_FLOW_ERK, HTF_FLOW_ZONNEVELD},
};
enum { METHODS = sizeof methods / sizeof *methods };

static htf_flow_options options_of(int m, double rtol) {
  htf_flow_options options = bdf_options(rtol);
  options.method = methods[m].method;
  options.table = methods[m].table;
  return options;
}

// ---- accuracy

static double logistic_error(int m, double rtol) {
  system_context context = {0};
  htf_flow_system system = {1, &context, logistic, logistic_product, NULL, NULL};
  htf_flow_options options = options_of(m, rtol);
  double y = 1e-3, worst = 0;
  htf_flow *flow = start_flow(&system, &options, &y);
  for (double t = 1; t < 12; t += 1) {
    follow(flow, t, &y);
    worst = fmax(worst, fabs(y * (1 + 999 * exp(-t)) - 1));
  }
  htf_flow_destroy(&flow);
  return worst;
}

Test(control, error_falls_with_the_tolerance) {
  for (int m = 0; m < METHODS; m++) {
    // Least squares of log error over log rtol, 1e-4 to 1e-9.
    double sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (int k = 4; k <= 9; k++) {
      double error = logistic_error(m, pow(10, -k)), x = -k, y = log10(error);
      cr_assert(lt(dbl, error, 300 * pow(10, -k)), "%s: %g at 1e-%d", methods[m].name,
                error, k);
      sx += x;
      sy += y;
      sxx += x * x;
      sxy += x * y;
    }
    double slope = (6 * sxy - sx * sy) / (6 * sxx - sx * sx);
    // The global error of a method of order q goes like rtol^(q/(q+1)) where its local
    // error is the estimate's, q being 2 or more here; like rtol where the estimate is of
    // one order less, as in the pairs.
    cr_assert(lt(dbl, 0.67, slope), "%s", methods[m].name);
    cr_assert(lt(dbl, slope, 1.15), "%s", methods[m].name);
  }
}

// A plateau, a burst and what follows: three factors each of two products, coupled.
Test(control, methods_agree_on_a_nonlinear_gradient_system) {
  const double first[FACTORS] = {0.03, 0.06, 0.045, -0.03, 0.06, -0.09};
  const double ends[] = {10, 30, 60, 120};
  double found[METHODS][4][FACTORS];
  for (int m = 0; m < METHODS; m++) {
    system_context context = {0};
    htf_flow_system system = {FACTORS, &context, factors, factors_product, NULL, NULL};
    htf_flow_options options = options_of(m, 1e-9);
    htf_flow *flow = start_flow(&system, &options, first);
    for (int k = 0; k < 4; k++) {
      follow(flow, ends[k], found[m][k]);
      double apart = 0, size = 0;
      for (int i = 0; i < FACTORS; i++) {
        apart += pow(found[m][k][i] - found[0][k][i], 2);
        size += pow(found[0][k][i], 2);
      }
      // Some hundred steps of 1e-9, and a delay on the plateau is magnified by the burst.
      cr_assert(lt(dbl, sqrt(apart / size), 1e-6), "%s, t %g: %g", methods[m].name, ends[k],
                sqrt(apart / size));
    }
    htf_flow_destroy(&flow);
  }
  cr_assert(lt(dbl, fabs(found[0][0][0]), 0.1)); // still waiting
  cr_assert(lt(dbl, 0.3, fabs(found[0][3][0]))); // learnt
}

Test(control, first_step_is_half_of_what_the_first_order_error_allows) {
  const double rates[] = {1, 3, 1e6, 1e-6};
  for (int m = 0; m < METHODS; m++) {
    for (int k = 0; k < 4; k++) {
      system_context context = {.rate = rates[k], .size = 2};
      htf_flow_system system = {2, &context, decay, decay_product, NULL, NULL};
      htf_flow_options options = options_of(m, 1e-6);
      double y[] = {1, -2};
      htf_flow *flow = start_flow(&system, &options, y);
      step_flow(flow);
      // h^2 |y''| / 2 = rtol / 2 |y|, y'' = rate^2 y; differences of f are exact but for
      // rounding of 1e-16 in 1e-2.
      double want = 0.5 * sqrt(1e-6) / rates[k];
      cr_assert(epsilon_eq(dbl, htf_flow_last_step(flow) / want, 1, 1e-12), "%s: %g for %g",
                methods[m].name, htf_flow_last_step(flow), want);
      htf_flow_destroy(&flow);
    }
  }
}

// ---- arc length

Test(control, arc_on_a_straight_line_is_the_way_made) {
  for (int m = 0; m < METHODS; m++) {
    system_context context = {.rate = 3, .size = 4};
    htf_flow_system system = {4, &context, decay, decay_product, NULL, NULL};
    htf_flow_options options = options_of(m, 1e-7);
    double y[] = {1, -1, 1, 1}, fraction, arc; // |y| = 2
    htf_flow_time time;
    htf_flow *flow = start_flow(&system, &options, y);
    for (double want = 0.1; want < 1.95; want += 0.1) {
      while (htf_flow_arc(flow) < want) {
        step_flow(flow);
      }
      cr_assert(eq(int, htf_flow_find_arc(flow, want, y, &fraction), HTF_OK));
      cr_assert(eq(int, htf_flow_interpolate(flow, fraction, y, &time, &arc), HTF_OK));
      // What is left of |y| = 2; a line adds up without error but rounding and the
      // search's.
      cr_assert(epsilon_eq(dbl, 2 * fabs(y[1]), 2 - want, 1e-11));
      cr_assert(epsilon_eq(dbl, time.high, -log(1 - want / 2) / 3, 2e-5));
    }
    htf_flow_destroy(&flow);
  }
}

Test(control, arc_on_a_circle_is_the_sum_of_chords) {
  for (int m = 0; m < METHODS; m++) {
    system_context context = {0};
    htf_flow_system system = {2, &context, turn, turn_product, NULL, NULL};
    htf_flow_options options = options_of(m, 1e-9);
    double y[] = {0, 1}, chords = 0, longest = 0;
    htf_flow *flow = start_flow(&system, &options, y);
    while (htf_flow_now(flow).high < 6) {
      step_flow(flow);
      chords += 2 * sin(htf_flow_last_step(flow) / 2);
      longest = fmax(longest, htf_flow_last_step(flow));
    }
    cr_assert(epsilon_eq(dbl, htf_flow_arc(flow), chords, 1e-5));
    // And near the arc itself, of which h^2/24 is missing.
    double missing = htf_flow_now(flow).high * longest * longest / 24;
    cr_assert(epsilon_eq(dbl, htf_flow_arc(flow), htf_flow_now(flow).high, missing + 1e-5));
    htf_flow_destroy(&flow);
  }
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

Test(control, resolves_a_burst_at_time_1e18) {
  for (int m = 0; m < METHODS; m++) {
    system_context context = {0};
    htf_flow_system system = {1, &context, burst, burst_product, NULL, NULL};
    htf_flow_options options = options_of(m, 1e-8);
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
    cr_assert(epsilon_eq(dbl, passed[1].high / 0x1p60, 1, 1e-5), "%s", methods[m].name);
    // 6 ln 3 + 80/9 from 0.1 to 0.9 by the closed solution, within one ulp of the clock.
    // The differences are between times of 1e18, so only the low parts can tell.
    for (int k = 0; k < 2; k++) {
      double took =
          (passed[k + 1].high - passed[k].high) + (passed[k + 1].low - passed[k].low);
      double closed = 1 / level[k] - 1 / level[k + 1] +
                      log(level[k + 1] / (1 - level[k + 1])) -
                      log(level[k] / (1 - level[k]));
      cr_assert(epsilon_eq(dbl, took / closed, 1, 1e-5), "%s: %g for %g", methods[m].name,
                took, closed);
      cr_assert(lt(i64, 5, steps[k + 1] - steps[k]));
    }
    htf_flow_destroy(&flow);
  }
}

Test(control, stays_at_an_equilibrium) {
  for (int m = 0; m < METHODS; m++) {
    system_context context = {.rate = 1, .size = 2};
    htf_flow_system system = {2, &context, decay, decay_product, NULL, NULL};
    htf_flow_options options = options_of(m, 1e-6);
    double zero[] = {0, 0};
    htf_flow *flow = start_flow(&system, &options, zero);
    for (int i = 0; i < 1000; i++) {
      step_flow(flow);
    }
    cr_assert(eq(dbl, htf_flow_arc(flow), 0));
    cr_assert(isfinite(htf_flow_now(flow).high));
    htf_flow_destroy(&flow);
  }
}

Test(control, refuses_options_out_of_range) {
  for (int m = 0; m < METHODS; m++) {
    system_context context = {.rate = 1, .size = 1};
    htf_flow_system system = {1, &context, decay, decay_product, NULL, NULL};
    double y = 1, wrong[] = {0, -1, 1e-14, 0.2, NAN, INFINITY};
    htf_flow *flow = NULL;
    for (int k = 0; k < 6; k++) {
      htf_flow_options options = options_of(m, wrong[k]);
      cr_assert(eq(int, htf_flow_create(&system, &options, &y, &flow), HTF_E_CONFIG));
      cr_assert(strstr(htf_error_message(), "rtol is") != NULL);
    }
    htf_flow_options options = options_of(m, 1e-6);
    options.segment_steps = 49;
    htf_status want = options.method == HTF_FLOW_ERK ? HTF_OK : HTF_E_CONFIG;
    cr_assert(eq(int, htf_flow_create(&system, &options, &y, &flow), want));
    htf_flow_destroy(&flow);
  }
}

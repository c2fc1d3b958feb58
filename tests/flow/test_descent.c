// SPDX-License-Identifier: BSD-3-Clause
// The descents that carry something on, each against its formula; test_gd.c has gd.
#include <string.h>

#include "systems.h"

static const double first[FACTORS] = {0.3, 0.6, 0.45, -0.3, 0.6, -0.9};

static htf_flow_options options_of(htf_flow_method method, double lr) {
  return (htf_flow_options){.method = method, .lr = lr, .beta = 0.9};
}

// The gradient, as an optimizer sees it: -f.
static void gradient(const double *theta, double *g) {
  system_context context = {0};
  cr_assert(eq(int, factors(&context, theta, g), HTF_OK));
  for (int i = 0; i < FACTORS; i++) {
    g[i] = -g[i];
  }
}

// One step of an optimizer written by hand: theta [FACTORS] moves, memory is what it keeps,
// k counts from 1. Returns the length of the step.
typedef double (*hand)(double *theta, double *memory, int k, double lr);

static double momentum_by_hand(double *theta, double *v, int k, double lr) {
  (void)k;
  double g[FACTORS];
  gradient(theta, g);
  for (int i = 0; i < FACTORS; i++) {
    v[i] = 0.9 * v[i] + g[i];
    theta[i] -= lr * v[i];
  }
  return lr / (1 - 0.9);
}

static double grouprmsprop_by_hand(double *theta, double *s, int k, double lr) {
  double g[FACTORS], square = 0;
  gradient(theta, g);
  for (int i = 0; i < FACTORS; i++) {
    square += g[i] * g[i];
  }
  *s = 0.99 * *s + 0.01 * square;
  double factor = lr / (sqrt(*s / (1 - pow(0.99, k))) + 1e-6);
  for (int i = 0; i < FACTORS; i++) {
    theta[i] -= factor * g[i];
  }
  return factor;
}

static double adam_by_hand(double *theta, double *memory, int k, double lr) {
  double g[FACTORS], *m = memory, *v = memory + FACTORS;
  gradient(theta, g);
  for (int i = 0; i < FACTORS; i++) {
    m[i] = 0.9 * m[i] + 0.1 * g[i];
    v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
    double mean = m[i] / (1 - pow(0.9, k)), square = v[i] / (1 - pow(0.999, k));
    theta[i] -= lr * mean / (sqrt(square) + 1e-8);
  }
  return lr;
}

static const struct {
  const char *name;
  htf_flow_method method;
  double lr;
  hand step;
  int64_t carried; // of FACTORS parameters
} descents[] = {
    {"momentum", HTF_FLOW_MOMENTUM, 0.02, momentum_by_hand, FACTORS},
    {"grouprmsprop", HTF_FLOW_GROUPRMSPROP, 0.01, grouprmsprop_by_hand, 2},
    {"adam", HTF_FLOW_ADAM, 0.01, adam_by_hand, 2 * FACTORS + 1},
};
enum { DESCENTS = sizeof descents / sizeof *descents };

static htf_flow *start_factors(int d, system_context *context) {
  htf_flow_system system = {FACTORS, context, factors, NULL, NULL, NULL};
  htf_flow_options options = options_of(descents[d].method, descents[d].lr);
  return start_flow(&system, &options, first);
}

Test(descent, is_the_optimizer_written_by_hand) {
  for (int d = 0; d < DESCENTS; d++) {
    system_context context = {0};
    htf_flow *flow = start_factors(d, &context);
    double theta[FACTORS], memory[2 * FACTORS] = {0}, time = 0, arc = 0;
    memcpy(theta, first, sizeof theta);
    for (int k = 1; k <= 100; k++) {
      double before[FACTORS], square = 0;
      memcpy(before, theta, sizeof theta);
      double length = descents[d].step(theta, memory, k, descents[d].lr);
      step_flow(flow);
      for (int i = 0; i < FACTORS; i++) {
        // A rounding or two a step, of numbers near 1, in a system that contracts.
        cr_assert(epsilon_eq(dbl, htf_flow_state(flow)[i], theta[i], 1e-14), "%s, step %d",
                  descents[d].name, k);
        square += (theta[i] - before[i]) * (theta[i] - before[i]);
      }
      time += length;
      arc += sqrt(square);
      cr_assert(epsilon_eq(dbl, htf_flow_last_step(flow), length, 1e-14 * length));
      cr_assert(epsilon_eq(dbl, htf_flow_now(flow).high, time, 1e-13 * time));
      cr_assert(epsilon_eq(dbl, htf_flow_arc(flow), arc, 1e-13 * arc));
    }
    htf_flow_counts counts = htf_flow_get_counts(flow);
    cr_assert(eq(i64, counts.derivatives, 100));
    cr_assert(eq(i64, context.calls, 100));
    cr_assert(eq(i64, counts.products + counts.rejected, 0));
    htf_flow_destroy(&flow);
  }
}

// ---- first steps in closed form

// f = (3, -4): |f| = 5.
static htf_status constant(void *context, const double *y, double *dy) {
  (void)y;
  dy[0] = 3;
  dy[1] = -4;
  return count_call(context);
}

static htf_flow *start_constant(system_context *context, htf_flow_options options) {
  htf_flow_system system = {2, context, constant, NULL, NULL, NULL};
  const double zero[] = {0, 0};
  return start_flow(&system, &options, zero);
}

Test(descent, momentum_gathers_speed_as_a_geometric_sum) {
  system_context context = {0};
  htf_flow *flow = start_constant(
      &context, (htf_flow_options){.method = HTF_FLOW_MOMENTUM, .lr = 1, .beta = 0.5});
  double speed = 0, way = 0;
  for (int k = 0; k < 40; k++) {
    speed += pow(0.5, k); // exact in binary, as long as it fits
    way += speed;
    step_flow(flow);
    cr_assert(eq(dbl, htf_flow_carry(flow)[0], 3 * speed));
    cr_assert(eq(dbl, htf_flow_state(flow)[0], 3 * way));
    cr_assert(eq(dbl, htf_flow_state(flow)[1], -4 * way));
    cr_assert(eq(dbl, htf_flow_last_step(flow), 2)); // lr / (1 - beta)
  }
  // At full speed a step's length times f is the way it makes.
  cr_assert(epsilon_eq(dbl, 3 * speed, 3 * htf_flow_last_step(flow), 1e-10));
  htf_flow_destroy(&flow);
}

Test(descent, momentum_without_any_is_gd_to_the_bit) {
  system_context ours = {0}, theirs = {0};
  htf_flow_system one = {FACTORS, &ours, factors, NULL, NULL, NULL};
  htf_flow_system two = {FACTORS, &theirs, factors, NULL, NULL, NULL};
  htf_flow_options gd = options_of(HTF_FLOW_GD, 0.1);
  htf_flow_options momentum = options_of(HTF_FLOW_MOMENTUM, 0.1);
  momentum.beta = 0;
  htf_flow *a = start_flow(&one, &gd, first), *b = start_flow(&two, &momentum, first);
  for (int k = 0; k < 200; k++) {
    step_flow(a);
    step_flow(b);
    cr_assert(eq(int, memcmp(htf_flow_state(a), htf_flow_state(b), sizeof first), 0));
    cr_assert(eq(dbl, htf_flow_last_step(a), htf_flow_last_step(b)));
  }
  htf_flow_destroy(&a);
  htf_flow_destroy(&b);
}

Test(descent, grouprmsprop_goes_lr_each_step_while_the_slope_stays) {
  system_context context = {0};
  htf_flow *flow = start_constant(&context, options_of(HTF_FLOW_GROUPRMSPROP, 0.5));
  for (int k = 1; k <= 50; k++) {
    step_flow(flow);
    // The corrected mean of 25 is 25 from the first step on.
    double length = 0.5 / (5 + 1e-6);
    cr_assert(epsilon_eq(dbl, htf_flow_last_step(flow), length, 1e-14));
    cr_assert(epsilon_eq(dbl, htf_flow_state(flow)[0], 3 * k * length, 1e-13 * k));
    cr_assert(epsilon_eq(dbl, htf_flow_state(flow)[1], -4 * k * length, 1e-13 * k));
    // Time times f is the way made, and the arc its length.
    cr_assert(epsilon_eq(dbl, htf_flow_arc(flow), 5 * htf_flow_now(flow).high, 1e-12));
    cr_assert(epsilon_eq(dbl, htf_flow_carry(flow)[0], 25 * (1 - pow(0.99, k)), 1e-12));
    cr_assert(eq(dbl, htf_flow_carry(flow)[1], k));
  }
  htf_flow_destroy(&flow);
}

Test(descent, adam_goes_lr_in_each_component_while_the_slope_stays) {
  system_context context = {0};
  htf_flow *flow = start_constant(&context, options_of(HTF_FLOW_ADAM, 0.25));
  for (int k = 1; k <= 50; k++) {
    step_flow(flow);
    const double *y = htf_flow_state(flow), *carry = htf_flow_carry(flow);
    // The powers 1 - 0.999^k lose three digits.
    cr_assert(epsilon_eq(dbl, y[0], k * 0.25 * 3 / (3 + 1e-8), 1e-12 * k));
    cr_assert(epsilon_eq(dbl, y[1], -k * 0.25 * 4 / (4 + 1e-8), 1e-12 * k));
    cr_assert(epsilon_eq(dbl, carry[0], 3 * (1 - pow(0.9, k)), 1e-13));
    cr_assert(epsilon_eq(dbl, carry[3], 16 * (1 - pow(0.999, k)), 1e-13));
    cr_assert(eq(dbl, carry[4], k));
    cr_assert(eq(dbl, htf_flow_now(flow).high, 0.25 * k));
  }
  htf_flow_destroy(&flow);
}

// ---- inside a step, what is carried, failures

Test(descent, interpolates_along_the_chord) {
  for (int d = 0; d < DESCENTS; d++) {
    system_context context = {0};
    htf_flow *flow = start_factors(d, &context);
    for (int k = 0; k < 5; k++) {
      double before[FACTORS], y[FACTORS], arc, fraction, from = htf_flow_arc(flow);
      double begin = htf_flow_now(flow).high;
      htf_flow_time time;
      memcpy(before, htf_flow_state(flow), sizeof before);
      step_flow(flow);
      cr_assert(eq(int, htf_flow_interpolate(flow, 0.25, y, &time, &arc), HTF_OK));
      for (int i = 0; i < FACTORS; i++) {
        double want = 0.75 * before[i] + 0.25 * htf_flow_state(flow)[i];
        cr_assert(epsilon_eq(dbl, y[i], want, 1e-15));
      }
      cr_assert(epsilon_eq(dbl, time.high, begin + 0.25 * htf_flow_last_step(flow), 1e-15));
      cr_assert(epsilon_eq(dbl, arc - from, 0.25 * (htf_flow_arc(flow) - from), 1e-15));
      cr_assert(eq(int, htf_flow_find_arc(flow, arc, y, &fraction), HTF_OK));
      cr_assert(epsilon_eq(dbl, fraction, 0.25, 1e-12)); // what the search promises
    }
    htf_flow_destroy(&flow);
  }
}

Test(descent, says_how_much_it_carries) {
  for (int d = 0; d < DESCENTS; d++) {
    cr_assert(
        eq(i64, htf_flow_carry_size(descents[d].method, FACTORS), descents[d].carried));
  }
  cr_assert(eq(i64, htf_flow_carry_size(HTF_FLOW_GD, FACTORS), 0));
  int64_t twice = htf_flow_carry_size(HTF_FLOW_BDF, 2 * FACTORS); // six vectors and numbers
  cr_assert(eq(i64, twice - htf_flow_carry_size(HTF_FLOW_BDF, FACTORS), 6 * FACTORS));
  cr_assert(eq(i64, htf_flow_carry_size(HTF_FLOW_ADAMS, FACTORS), 0));
  cr_assert(eq(i64, htf_flow_carry_size(HTF_FLOW_ERK, FACTORS), 0));
}

// The start says it all: a flow that is given the state but not the carry goes elsewhere.
Test(descent, without_its_carry_a_flow_begins_anew) {
  for (int d = 0; d < DESCENTS; d++) {
    system_context context = {0};
    htf_flow *a = start_factors(d, &context);
    for (int k = 0; k < 10; k++) {
      step_flow(a);
    }
    double carry[2 * FACTORS + 1];
    memcpy(carry, htf_flow_carry(a), (size_t)descents[d].carried * sizeof *carry);
    htf_flow_system system = {FACTORS, &context, factors, NULL, NULL, NULL};
    htf_flow_options options = options_of(descents[d].method, descents[d].lr);
    htf_flow *b = start_flow(&system, &options, htf_flow_state(a));
    options.start.carry = carry;
    htf_flow *c = start_flow(&system, &options, htf_flow_state(a));
    memset(carry, 0xff, sizeof carry); // it was copied
    step_flow(a);
    step_flow(b);
    step_flow(c);
    cr_assert(ne(int, memcmp(htf_flow_state(a), htf_flow_state(b), sizeof first), 0));
    cr_assert(eq(int, memcmp(htf_flow_state(a), htf_flow_state(c), sizeof first), 0));
    htf_flow *none = NULL; // all NAN by now
    cr_assert(eq(int, htf_flow_create(&system, &options, first, &none), HTF_E_NUMERIC));
    cr_assert(strstr(htf_error_message(), "of the carry is") != NULL);
    htf_flow_destroy(&a);
    htf_flow_destroy(&b);
    htf_flow_destroy(&c);
  }
}

// f = 1, until y reaches 3: from there `rate`, so that something overflows.
static htf_status cliff(void *context, const double *y, double *dy) {
  dy[0] = y[0] < 3 ? 1 : ((system_context *)context)->rate;
  return count_call(context);
}

// The squares of 1e200 overflow in what is carried, where the state would merely stand.
Test(descent, overflow_is_numeric_and_keeps_state_and_carry) {
  for (int d = 0; d < DESCENTS; d++) {
    bool squares = descents[d].method != HTF_FLOW_MOMENTUM;
    system_context context = {.rate = squares ? 1e200 : 1e308};
    htf_flow_system system = {1, &context, cliff, NULL, NULL, NULL};
    htf_flow_options options = options_of(descents[d].method, 10);
    double y = 0, last = y, carry[3] = {0};
    size_t carried = (size_t)htf_flow_carry_size(descents[d].method, 1) * sizeof(double);
    htf_flow *flow = start_flow(&system, &options, &y);
    htf_status status = HTF_OK;
    while (status == HTF_OK) {
      last = htf_flow_state(flow)[0];
      memcpy(carry, htf_flow_carry(flow), carried);
      cr_assert(lt(i64, htf_flow_get_counts(flow).steps, 100));
      status = htf_flow_step(flow);
    }
    cr_assert(eq(int, status, HTF_E_NUMERIC), "%s", descents[d].name);
    cr_assert(eq(int, strstr(htf_error_message(), "carries becomes inf") != NULL, squares));
    cr_assert(eq(dbl, htf_flow_state(flow)[0], last));
    cr_assert(eq(int, memcmp(htf_flow_carry(flow), carry, carried), 0));
    htf_flow_destroy(&flow);
  }
}

Test(descent, a_failed_derivative_is_forwarded_and_forgotten) {
  htf_status kinds[] = {HTF_E_NUMERIC, HTF_E_IO, HTF_E_MEMORY};
  for (int d = 0; d < DESCENTS; d++) {
    for (int k = 0; k < 3; k++) {
      system_context ours = {.fault_call = 8, .fault = kinds[k]}, theirs = {0};
      htf_flow *a = start_factors(d, &ours), *b = start_factors(d, &theirs);
      for (int n = 0; n < 20; n++) {
        if (n == 7) {
          cr_assert(eq(int, htf_flow_step(a), kinds[k]));
          cr_assert(strstr(htf_error_message(), "planted at call 8") != NULL);
        }
        step_flow(a);
        step_flow(b);
        cr_assert(eq(int, memcmp(htf_flow_state(a), htf_flow_state(b), sizeof first), 0));
      }
      htf_flow_destroy(&a);
      htf_flow_destroy(&b);
    }
  }
}

Test(descent, refuses_rates_that_are_none) {
  system_context context = {0};
  htf_flow_system system = {FACTORS, &context, factors, NULL, NULL, NULL};
  htf_flow *flow = NULL;
  double rates[] = {0, -1, NAN, INFINITY}, betas[] = {-0.1, 1, 2, NAN};
  for (int d = 0; d < DESCENTS; d++) {
    for (int k = 0; k < 4; k++) {
      htf_flow_options options = options_of(descents[d].method, rates[k]);
      cr_assert(eq(int, htf_flow_create(&system, &options, first, &flow), HTF_E_CONFIG));
      cr_assert(strstr(htf_error_message(), "lr is") != NULL);
      options = options_of(descents[d].method, 0.1);
      options.beta = betas[k]; // momentum's only
      bool good = descents[d].method != HTF_FLOW_MOMENTUM;
      htf_status want = good ? HTF_OK : HTF_E_CONFIG;
      cr_assert(eq(int, htf_flow_create(&system, &options, first, &flow), want));
      htf_flow_destroy(&flow);
    }
  }
}

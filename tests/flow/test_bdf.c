// SPDX-License-Identifier: BSD-3-Clause
// What is bdf's own; test_control.c has what it shares with other methods.
#include "systems.h"

enum { SIZE = 20, SEGMENT = 50 };

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
  htf_flow_system system = {SIZE, &context, stiff, stiff_product, NULL, NULL};
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

// A solve that ends before it has converged may cost steps, not accuracy: taken for solved,
// it leaves an error of 4e-3 here.
Test(bdf, keeps_the_tolerance_where_the_krylov_space_is_too_small) {
  double found[SIZE];
  for (int krylov = 0; krylov < 2; krylov++) {
    follow_stiff((htf_flow_krylov)krylov, 4, 1, found);
  }
}

// ---- a preconditioner: M of the stiff system for other rates, with a record of its use

typedef struct preconditioned {
  system_context system; // first: what the system's own callbacks see
  double off;            // rates are taken this many times
  double gamma;
  int prepared, applied, forgotten;
} preconditioned;

static htf_status look(void *context, const double *y, double gamma) {
  preconditioned *p = context;
  p->prepared += isfinite(y[0]) && gamma > 0;
  return HTF_OK;
}

static htf_status set_gamma(void *context, double gamma) {
  preconditioned *p = context;
  p->gamma = gamma;
  return HTF_OK;
}

static htf_status apply(void *context, const double *r, double *z) {
  preconditioned *p = context;
  p->applied++;
  reflect(r, z, SIZE);
  for (int i = 0; i < SIZE; i++) {
    z[i] /= 1 + p->gamma * p->off * p->system.rates[i];
  }
  reflect(z, z, SIZE);
  return HTF_OK;
}

static double cheap(void *context) {
  (void)context;
  return 1;
}

static double dear(void *context) {
  (void)context;
  return 1e12;
}

static void forget(void *context) {
  preconditioned *p = context;
  p->forgotten++;
}

// To t = 1; the error at its end, relative.
static double follow_with(const htf_flow_preconditioner *m, double off,
                          preconditioned *used, htf_flow_counts *counts) {
  double rates[SIZE], first[SIZE], exact[SIZE], found[SIZE], zero[SIZE] = {0};
  for (int i = 0; i < SIZE; i++) {
    rates[i] = pow(10, 6.0 * i / (SIZE - 1));
    first[i] = 1 + 0.1 * i;
  }
  *used = (preconditioned){.system = {.size = SIZE, .rates = rates}, .off = off};
  htf_flow_system system = {SIZE, used, stiff, stiff_product, m, NULL};
  htf_flow_options options = bdf_options(1e-6);
  options.krylov = HTF_FLOW_PCG;
  options.krylov_dimension = 60;
  options.segment_steps = SEGMENT;
  htf_flow *flow = start_flow(&system, &options, first);
  follow(flow, 1, found);
  solve_stiff(rates, 1, first, exact);
  *counts = htf_flow_get_counts(flow);
  htf_flow_destroy(&flow);
  return rms_of_difference(found, exact) / rms_of_difference(exact, zero);
}

// One product a solve shows that M is right; the next solve is taken on trust.
Test(bdf, solves_at_a_glance_with_the_right_preconditioner) {
  htf_flow_preconditioner m = {look, set_gamma, apply, cheap, NULL};
  preconditioned used;
  htf_flow_counts with, without;
  cr_assert(lt(dbl, follow_with(&m, 1, &used, &with), 1e-4));
  cr_assert(lt(dbl, follow_with(NULL, 1, &used, &without), 1e-4));
  cr_assert(lt(i64, with.products, with.derivatives));
  cr_assert(lt(i64, 3 * without.derivatives, without.products));
  cr_assert(lt(i64, 0, with.prepared));
  cr_assert(eq(i64, without.prepared, 0));
}

// Rates off by a factor of 100 either way make M bad, not the solution wrong.
Test(bdf, keeps_the_tolerance_with_a_bad_preconditioner) {
  htf_flow_preconditioner m = {look, set_gamma, apply, cheap, NULL};
  preconditioned used;
  htf_flow_counts counts;
  cr_assert(lt(dbl, follow_with(&m, 100, &used, &counts), 1e-4));
  cr_assert(lt(dbl, follow_with(&m, 0.01, &used, &counts), 1e-4));
}

// What a segment does must not depend on what was prepared in one before.
Test(bdf, forgets_its_preconditioner_at_a_boundary) {
  htf_flow_preconditioner m = {look, set_gamma, apply, cheap, forget};
  preconditioned used;
  htf_flow_counts counts;
  cr_assert(lt(dbl, follow_with(&m, 1, &used, &counts), 1e-4));
  cr_assert(lt(i64, 2, counts.segments));
  cr_assert(ge(i64, used.forgotten, counts.segments - 1));
}

Test(bdf, does_without_a_preconditioner_that_costs_more_than_it_saves) {
  htf_flow_preconditioner m = {look, set_gamma, apply, dear, NULL};
  preconditioned used;
  htf_flow_counts counts;
  cr_assert(lt(dbl, follow_with(&m, 1, &used, &counts), 1e-4));
  cr_assert(eq(i64, counts.prepared, 0));
  cr_assert(eq(int, used.applied, 0));
}

// ---- stiffness that is gone when M is still of it: the floor y_i = 1 / c(x) w_i of
//     phi = sum_i c(x) w_i y_i^2 / 2 - y_i  -  x,  c(x) = 1e4 exp(-9 x),
// in more directions than the last products tell of

enum { WANING = 8 };

static double curvature(double x) {
  return 1e4 * exp(-9 * x);
}

static double weight(int i) {
  return 4 + 1.3 * i;
}

static htf_status wane(void *context, const double *y, double *dy) {
  (void)context;
  double c = curvature(y[0]);
  dy[0] = 1;
  for (int i = 1; i <= WANING; i++) {
    dy[0] += 4.5 * c * weight(i) * y[i] * y[i];
    dy[i] = 1 - c * weight(i) * y[i];
  }
  return HTF_OK;
}

static htf_status wane_product(void *context, const double *y, const double *v,
                               double *product) {
  (void)context;
  double c = curvature(y[0]);
  product[0] = 0;
  for (int i = 1; i <= WANING; i++) {
    double slope = c * weight(i) * y[i];
    product[0] += -40.5 * slope * y[i] * v[0] + 9 * slope * v[i];
    product[i] = 9 * slope * v[0] - c * weight(i) * v[i];
  }
  return HTF_OK;
}

// M = I - gamma diag(J) as it was at the last look.
typedef struct waning {
  double c, gamma;
} waning;

static htf_status look_at_curvature(void *context, const double *y, double gamma) {
  ((waning *)context)->c = curvature(y[0]);
  ((waning *)context)->gamma = gamma;
  return HTF_OK;
}

static htf_status set_waning_gamma(void *context, double gamma) {
  ((waning *)context)->gamma = gamma;
  return HTF_OK;
}

static htf_status apply_waning(void *context, const double *r, double *z) {
  const waning *w = context;
  z[0] = r[0];
  for (int i = 1; i <= WANING; i++) {
    z[i] = r[i] / (1 + w->gamma * w->c * weight(i));
  }
  return HTF_OK;
}

// Dear, but for the first time.
static double waning_cost(void *context) {
  return ((waning *)context)->c > 0 ? 1e12 : 1;
}

// To t = 1. Returns how often M was prepared.
static int64_t follow_waning(htf_flow_method method, double rtol,
                             double found[WANING + 1]) {
  double first[WANING + 1] = {0};
  waning context = {0};
  const htf_flow_preconditioner m = {look_at_curvature, set_waning_gamma, apply_waning,
                                     waning_cost, NULL};
  for (int i = 1; i <= WANING; i++) {
    first[i] = 1 / curvature(0) / weight(i);
  }
  htf_flow_system system = {WANING + 1, &context, wane, wane_product, &m, NULL};
  htf_flow_options options = bdf_options(rtol);
  options.method = method;
  options.krylov = HTF_FLOW_PCG;
  options.segment_steps = 100000;
  htf_flow *flow = start_flow(&system, &options, first);
  follow(flow, 1, found);
  int64_t prepared = htf_flow_get_counts(flow).prepared;
  htf_flow_destroy(&flow);
  return prepared;
}

// Where M is too large M^-1 b is small, whatever the error: with trust in it, 4e-5 here.
Test(bdf, sees_that_its_preconditioner_is_of_stiffness_that_is_gone) {
  double found[WANING + 1], exact[WANING + 1];
  follow_waning(HTF_FLOW_ERK, 1e-10, exact);
  cr_assert(lt(i64, 1, follow_waning(HTF_FLOW_BDF, 1e-6, found)));
  for (int i = 0; i <= WANING; i++) {
    cr_expect(epsilon_eq(dbl, found[i], exact[i], 3e-6));
  }
}

Test(bdf, interpolates_to_the_order_of_the_method) {
  system_context context = {0};
  htf_flow_system system = {2, &context, turn, turn_product, NULL, NULL};
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

// ---- waiting, and the burst

// y' = y^6: y^-5 = y_0^-5 - 5 t.
static htf_status sixth(void *context, const double *y, double *dy) {
  dy[0] = pow(y[0], 6);
  return count_call(context);
}

static htf_status sixth_product(void *context, const double *y, const double *v,
                                double *product) {
  product[0] = 6 * pow(y[0], 5) * v[0];
  return count_product(context);
}

static double time_between(double y, double later) {
  return (pow(y, -5) - pow(later, -5)) / 5;
}

// From 0.01 it waits for 2e9 and then bursts within 1. In steps of time this takes 338.
Test(bdf, follows_a_burst_in_steps_of_the_path) {
  system_context context = {0};
  htf_flow_system system = {1, &context, sixth, sixth_product, NULL, NULL};
  htf_flow_options options = bdf_options(1e-6);
  double y = 0.01, arc, fraction;
  htf_flow *flow = start_flow(&system, &options, &y);
  while (htf_flow_state(flow)[0] < 1) {
    double before = htf_flow_state(flow)[0];
    step_flow(flow);
    double step = htf_flow_last_step(flow),
           exact = time_between(before, *htf_flow_state(flow));
    cr_assert(epsilon_eq(dbl, step / exact, 1, 1e-3), "y %g", before);
    for (double share = 0.25; share < 1; share += 0.25) {
      htf_flow_time time;
      cr_assert(eq(int, htf_flow_interpolate(flow, share, &y, &time, &arc), HTF_OK));
      cr_assert(eq(int, htf_flow_find_time(flow, time, &fraction), HTF_OK));
      cr_assert(epsilon_eq(dbl, fraction, share, 1e-6), "y %g", before);
    }
  }
  double end = htf_flow_now(flow).high;
  cr_assert(epsilon_eq(dbl, end / time_between(0.01, 1), 1, 5e-5));
  cr_assert(lt(i64, htf_flow_get_counts(flow).steps, 250));
  htf_flow_destroy(&flow);
}

// A boundary makes it forget no more than its preconditioner, and here it has none.
Test(bdf, boundaries_change_no_step) {
  system_context ours = {0}, theirs = {0};
  htf_flow_system one = {1, &ours, sixth, sixth_product, NULL, NULL};
  htf_flow_system two = {1, &theirs, sixth, sixth_product, NULL, NULL};
  htf_flow_options options = bdf_options(1e-6);
  double y = 0.01;
  options.segment_steps = 50;
  htf_flow *many = start_flow(&one, &options, &y);
  options.segment_steps = 1000;
  htf_flow *single = start_flow(&two, &options, &y);
  for (int i = 0; i < 200; i++) {
    step_flow(many);
    step_flow(single);
    cr_assert(eq(dbl, htf_flow_state(many)[0], htf_flow_state(single)[0]), "step %d", i);
  }
  cr_assert(eq(i64, htf_flow_get_counts(many).segments, 4));
  cr_assert(eq(i64, ours.calls, theirs.calls));
  htf_flow_destroy(&many);
  htf_flow_destroy(&single);
}

// SPDX-License-Identifier: BSD-3-Clause
// bdf on the floor of a narrow, curved valley.
#include "systems.h"

// L = a^2/2 + b^2/2, a = (y0^2 - y1^2 - 1) rate / 2, b = y1: along the unit hyperbola,
// y = (cosh x, sinh x), to (1, 0). There x' = - sinh x cosh x / cosh 2x up to 1 / rate^2.
static htf_status valley(void *context, const double *y, double *dy) {
  system_context *c = context;
  double a = (y[0] * y[0] - y[1] * y[1] - 1) * c->rate / 2;
  dy[0] = -a * c->rate * y[0];
  dy[1] = a * c->rate * y[1] - y[1];
  return count_call(c);
}

// The part without second derivatives of a and b.
static htf_status first_part(void *context, const double *y, const double *v,
                             double *product) {
  const system_context *c = context;
  double da = c->rate * (y[0] * v[0] - y[1] * v[1]);
  product[0] = -c->rate * y[0] * da;
  product[1] = c->rate * y[1] * da - v[1];
  return HTF_OK;
}

static htf_status valley_product(void *context, const double *y, const double *v,
                                 double *product) {
  system_context *c = context;
  double a = (y[0] * y[0] - y[1] * y[1] - 1) * c->rate / 2;
  HTF_ASSERT(first_part(context, y, v, product) == HTF_OK);
  product[0] -= a * c->rate * v[0];
  product[1] += a * c->rate * v[1];
  return count_product(c);
}

static const double X0 = 5;

static double slope_of_angle(double x) {
  return -sinh(x) * cosh(x) / cosh(2 * x);
}

static double angle_after(double x, double time) {
  int steps = 10000;
  double h = time / steps;
  for (int i = 0; i < steps; i++) {
    double k1 = slope_of_angle(x), k2 = slope_of_angle(x + h / 2 * k1),
           k3 = slope_of_angle(x + h / 2 * k2), k4 = slope_of_angle(x + h * k3);
    x += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
  }
  return x;
}

// Steps to time 10, and where that is.
static int64_t descend(double rate,
                       htf_status (*part)(void *, const double *, const double *, double *),
                       double *angle) {
  system_context context = {.rate = rate};
  htf_flow_system system = {2, &context, valley, valley_product, NULL, part};
  htf_flow_options options = bdf_options(1e-4);
  options.krylov = HTF_FLOW_PCG;
  double y[2] = {cosh(X0), sinh(X0)};
  htf_flow *flow = start_flow(&system, &options, y);
  follow(flow, 10, y);
  *angle = asinh(y[1]);
  cr_assert(epsilon_eq(dbl, y[0] * y[0] - y[1] * y[1], 1, 1e-5));
  int64_t steps = htf_flow_get_counts(flow).steps;
  htf_flow_destroy(&flow);
  return steps;
}

// The way is 100 long, and its radius is 1 at the end.
Test(valley, steps_are_as_long_as_the_flow_is_smooth) {
  double exact = angle_after(X0, 10), with, without;
  int64_t few = descend(1e5, first_part, &with), many = descend(1e5, NULL, &without);
  cr_assert(epsilon_eq(dbl, with, exact, 1e-3));
  cr_assert(epsilon_eq(dbl, without, exact, 1e-3));
  cr_assert(lt(i64, few, 120));
  cr_assert(lt(i64, 3 * few, many));
}

// The curvature across it is 1e13 at first, where rounding moves f by 40.
Test(valley, may_be_as_narrow_as_rounding_allows) {
  double exact = angle_after(X0, 10), with, without;
  int64_t few = descend(1e6, first_part, &with), many = descend(1e6, NULL, &without);
  cr_assert(epsilon_eq(dbl, with, exact, 1e-3));
  cr_assert(lt(i64, few, 300));
  cr_assert(lt(i64, 3 * few, many));
}

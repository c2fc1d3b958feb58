// SPDX-License-Identifier: BSD-3-Clause
// Roots in brackets.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

#include "htflow/flow.h"

typedef struct problem {
  double (*function)(double);
  double root;
  int most; // evaluations
} problem;

typedef struct counted {
  double (*function)(double);
  int calls;
} counted;

static double line(double x) {
  return 3 * x - 1;
}
static double falling(double x) {
  return 0.25 - x * x;
}
static double steep(double x) {
  return log(1e-9 + x) - log(0.3);
}
static double flat(double x) {
  return pow(x - 0.7, 9);
}
static double jump(double x) {
  return x < 0.123456789 ? -1 : 1e6;
}
static double burst(double x) {
  return tanh(1e4 * (x - 0.999));
}
static double pole(double x) {
  return x == 0 ? -INFINITY : log(x) + 5;
}

static htf_status call(void *context, double x, double *value) {
  counted *c = context;
  c->calls++;
  *value = c->function(x);
  return HTF_OK;
}

static const problem problems[] = {{line, 1.0 / 3, 8},
                                   {falling, 0.5, 10},
                                   {steep, 0.3 - 1e-9, 16},
                                   {flat, 0.7, 60},
                                   {jump, 0.123456789, 60},
                                   {burst, 0.999, 60},
                                   {pole, 0.00673794699908547, 60}};

// To 1e-13; bisection would take 49 evaluations, of any.
Test(root, is_found_and_quickly_where_the_function_is_smooth) {
  for (size_t i = 0; i < sizeof problems / sizeof *problems; i++) {
    const problem *p = &problems[i];
    counted c = {p->function, 0};
    double root = -1;
    htf_flow_bracket b = {0, 1, p->function(0), p->function(1)};
    cr_assert(eq(int, htf_flow_find_root(b, 0, call, &c, &root), HTF_OK));
    double tolerance = p->function == flat ? 1e-2 : 1e-13; // 1e-2^9 is below rounding
    cr_assert(epsilon_eq(dbl, root, p->root, tolerance), "%zu: %.17g", i, root);
    cr_assert(le(int, c.calls, p->most), "%zu: %d calls", i, c.calls);
  }
}

Test(root, a_tolerance_ends_the_search_early) {
  counted c = {falling, 0};
  double root;
  htf_flow_bracket b = {0, 1, 0.25, -0.75};
  cr_assert(eq(int, htf_flow_find_root(b, 1e-3, call, &c, &root), HTF_OK));
  cr_assert(le(dbl, fabs(falling(root)), 1e-3));
  cr_assert(le(int, c.calls, 6));
  b = (htf_flow_bracket){0.5, 1, 0, -0.75}; // at an end: nothing to look for
  c.calls = 0;
  cr_assert(eq(int, htf_flow_find_root(b, 0, call, &c, &root), HTF_OK));
  cr_assert(eq(dbl, root, 0.5));
  cr_assert(eq(int, c.calls, 0));
}

static htf_status fail(void *context, double x, double *value) {
  htf_status status = HTF_OK;
  (void)context, (void)x, (void)value;
  HTF_CHECK(false, HTF_E_IO, "planted");
done:
  return status;
}

static double nothing(double x) {
  return x * NAN;
}

Test(root, refuses_what_is_no_bracket_and_forwards_what_fails) {
  counted c = {falling, 0};
  double root;
  htf_flow_bracket same = {0, 0.4, 0.25, 0.09}, good = {0, 1, 0.25, -0.75};
  cr_assert(eq(int, htf_flow_find_root(same, 0, call, &c, &root), HTF_E_INTERNAL));
  cr_assert(eq(int, htf_flow_find_root(good, 0, fail, NULL, &root), HTF_E_IO));
  c.function = nothing;
  cr_assert(eq(int, htf_flow_find_root(good, 0, call, &c, &root), HTF_E_NUMERIC));
}

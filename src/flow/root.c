// SPDX-License-Identifier: BSD-3-Clause
// Roots in a bracket: inverse quadratic interpolation through the last three points where
// it is sure to be monotone there, else bisection (Chandrupatla, Advances in Engineering
// Software 28, 1997).
#include <math.h>

#include "htflow/flow.h"

static const double NARROW = 1e-15;

typedef struct point {
  double x, y;
} point;

// The root lies between a, looked at last, and b; c is the one left before. The place as a
// share of the way from a to b.
static double choose(point a, point b, point c) {
  double xi = (a.x - b.x) / (c.x - b.x), phi = (a.y - b.y) / (c.y - b.y);
  if (phi * phi < xi && (1 - phi) * (1 - phi) < 1 - xi) {
    return a.y / (b.y - a.y) * (c.y / (b.y - c.y)) +
           (c.x - a.x) / (b.x - a.x) * (a.y / (c.y - a.y)) * (b.y / (c.y - b.y));
  }
  return 0.5;
}

htf_status htf_flow_find_root(htf_flow_bracket bracket, double tolerance,
                              htf_flow_scalar *scalar, void *context, double *root) {
  htf_status status = HTF_OK;
  point a = {bracket.low, bracket.at_low}, b = {bracket.high, bracket.at_high}, c, next;
  bool found = fabs(a.y) <= tolerance || fabs(b.y) <= tolerance;
  HTF_CHECK(a.x <= b.x && (found || (a.y <= 0) != (b.y <= 0)), HTF_E_INTERNAL,
            "no bracket of a root: %g at %g, %g at %g", a.y, a.x, b.y, b.x);
  double share = isfinite(a.y) && isfinite(b.y) ? a.y / (a.y - b.y) : 0.5;
  while (!found && fabs(b.x - a.x) > 2 * NARROW) {
    double least = NARROW / fabs(b.x - a.x);
    share = fmin(1 - least, fmax(least, share));
    next.x = a.x + share * (b.x - a.x);
    HTF_TRY(scalar(context, next.x, &next.y));
    HTF_CHECK(!isnan(next.y), HTF_E_NUMERIC, "a function whose root is looked for is NAN");
    found = fabs(next.y) <= tolerance;
    if ((next.y <= 0) == (a.y <= 0)) {
      c = a;
    } else {
      c = b;
      b = a;
    }
    a = next;
    share = choose(a, b, c);
  }
  *root = fabs(a.y) <= fabs(b.y) ? a.x : b.x;
done:
  return status;
}

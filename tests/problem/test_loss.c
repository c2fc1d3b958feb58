// SPDX-License-Identifier: BSD-3-Clause
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

#include "htflow/loss.h"
#include "htflow/random.h"

// Lengths on both sides of what a loop takes at once.
enum { LOSSES = 4, LONGEST = 37 };
static const double deltas[LOSSES] = {0, 0, 0.7, 3};

static htf_loss loss_of(int i) {
  return i == 0 ? htf_loss_l2() : i == 1 ? htf_loss_l1() : htf_loss_huber(deltas[i]);
}

// theory.md section 2, branch by branch.
static double naive(int i, double e) {
  double delta = deltas[i];
  if (i == 0) {
    return e * e;
  }
  if (i == 1) {
    return fabs(e);
  }
  return fabs(e) < delta ? e * e / (2 * delta) : fabs(e) - delta / 2;
}

typedef struct data {
  double y[LONGEST], data[LONGEST], dy[LONGEST];
} data;

// Errors of about the deltas' size, none nearer to a kink than `gap`.
static data draw(double gap) {
  htf_random stream = htf_random_open(5, HTF_RANDOM_TEST, 0);
  data d;
  htf_random_normal(&stream, LONGEST, d.data);
  htf_random_normal(&stream, LONGEST, d.dy);
  for (int k = 0; k < LONGEST; k++) {
    double e, near;
    do {
      htf_random_normal(&stream, 1, &e);
      e *= 2;
      near = fabs(e);
      for (int i = 2; i < LOSSES; i++) {
        near = fmin(near, fabs(fabs(e) - deltas[i]));
      }
    } while (near < gap);
    d.y[k] = d.data[k] + e;
  }
  return d;
}

Test(loss, of_one_error_is_exactly_what_the_theory_says) {
  static const double errors[] = {0, 1, -1, 2, -2, 5, -5, 0.25};
  static const double values[][8] = {
      {0, 1, 1, 4, 4, 25, 25, 0.0625},      // l2
      {0, 1, 1, 2, 2, 5, 5, 0.25},          // l1
      {0, 0.25, 0.25, 1, 1, 4, 4, 1. / 64}, // huber, delta 2
  };
  static const double slopes[][8] = {
      {0, 2, -2, 4, -4, 10, -10, 0.5},
      {0, 1, -1, 1, -1, 1, -1, 1},
      {0, 0.5, -0.5, 1, -1, 1, -1, 0.125},
  };
  static const double curvatures[][8] = {
      {2, 2, 2, 2, 2, 2, 2, 2},
      {0},
      {0.5, 0.5, 0.5, 0, 0, 0, 0, 0.5},
  };
  htf_loss losses[] = {htf_loss_l2(), htf_loss_l1(), htf_loss_huber(2)};
  for (int i = 0; i < 3; i++) {
    for (int k = 0; k < 8; k++) {
      double slope, change, zero = 0, one = 1;
      double value = htf_loss_slope(losses[i], 1, &errors[k], &zero, &slope);
      htf_loss_curvature(losses[i], 1, &errors[k], &zero, &one, &change);
      cr_assert(eq(dbl, value, values[i][k]), "loss %d of %g", i, errors[k]);
      cr_assert(eq(dbl, slope, slopes[i][k]), "loss %d of %g", i, errors[k]);
      cr_assert(eq(dbl, change, curvatures[i][k]), "loss %d of %g", i, errors[k]);
    }
  }
}

// LONGEST roundings of the sum.
Test(loss, is_a_mean_whatever_the_number_of_samples) {
  data d = draw(0);
  for (int i = 0; i < LOSSES; i++) {
    double sum = 0;
    for (int m = 1; m <= LONGEST; m++) {
      sum += naive(i, d.y[m - 1] - d.data[m - 1]);
      double value = htf_loss_value(loss_of(i), m, d.y, d.data);
      cr_assert(epsilon_eq(dbl, value, sum / m, 1e-14 * sum), "loss %d of %d", i, m);
    }
  }
}

Test(loss, of_no_samples_is_nan) {
  data d = draw(0);
  for (int i = 0; i < LOSSES; i++) {
    cr_assert(isnan(htf_loss_value(loss_of(i), 0, d.y, d.data)));
  }
}

// Away from kinks every loss is piecewise quadratic, so that central differences are exact
// up to rounding, 1e-15 of the value over the step.
Test(loss, slope_is_the_derivative_of_the_value) {
  double h = 1e-3, slope[LONGEST];
  data d = draw(2 * h);
  for (int i = 0; i < LOSSES; i++) {
    double value = htf_loss_slope(loss_of(i), LONGEST, d.y, d.data, slope);
    cr_assert(eq(dbl, value, htf_loss_value(loss_of(i), LONGEST, d.y, d.data)));
    for (int k = 0; k < LONGEST; k++) {
      double y = d.y[k];
      d.y[k] = y + h;
      double up = htf_loss_value(loss_of(i), LONGEST, d.y, d.data);
      d.y[k] = y - h;
      double down = htf_loss_value(loss_of(i), LONGEST, d.y, d.data);
      d.y[k] = y;
      cr_assert(epsilon_eq(dbl, slope[k], (up - down) / (2 * h), 1e-11), "loss %d", i);
    }
  }
}

Test(loss, curvature_is_the_derivative_of_the_slope) {
  double h = 1e-3, slope[LONGEST], moved[LONGEST], change[LONGEST];
  data d = draw(4 * h); // dy may be as large as 4
  for (int i = 0; i < LOSSES; i++) {
    htf_loss_curvature(loss_of(i), LONGEST, d.y, d.data, d.dy, change);
    htf_loss_slope(loss_of(i), LONGEST, d.y, d.data, slope);
    for (int k = 0; k < LONGEST; k++) {
      moved[k] = d.y[k] + h * d.dy[k];
    }
    htf_loss_slope(loss_of(i), LONGEST, moved, d.data, moved);
    for (int k = 0; k < LONGEST; k++) {
      cr_assert(epsilon_eq(dbl, change[k], (moved[k] - slope[k]) / h, 1e-12), "loss %d", i);
    }
  }
}

Test(loss, huber_joins_its_branches_without_a_step) {
  double delta = 0.7, zero = 0, slope[2], inside = nextafter(delta, 0), beyond = delta;
  htf_loss loss = htf_loss_huber(delta);
  double values[] = {htf_loss_slope(loss, 1, &inside, &zero, &slope[0]),
                     htf_loss_slope(loss, 1, &beyond, &zero, &slope[1])};
  cr_assert(epsilon_eq(dbl, values[0], values[1], 4e-16)); // some units in the last place
  cr_assert(epsilon_eq(dbl, slope[0], slope[1], 4e-16));
}

// A bad value must not look like a good one, wherever in the loops it stands.
Test(loss, of_what_is_not_a_number_is_nan_and_so_is_its_slope) {
  double zeros[9] = {0}, y[9] = {0}, slope[9];
  for (int i = 0; i < LOSSES; i++) {
    for (int k = 0; k < 9; k++) {
      y[k] = NAN;
      cr_assert(isnan(htf_loss_slope(loss_of(i), 9, y, zeros, slope)), "loss %d", i);
      cr_assert(isnan(slope[k]), "loss %d", i);
      y[k] = -INFINITY;
      cr_assert(isinf(htf_loss_value(loss_of(i), 9, y, zeros)), "loss %d", i);
      y[k] = 0;
    }
  }
}

// SPDX-License-Identifier: BSD-3-Clause
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

#include "htflow/loss.h"

enum { M = 3 };
static const double y[M] = {1, -2, 0.5}, data[M] = {0, 1, 0.5};

Test(loss, l2_is_the_mean_square_without_a_half) {
  cr_assert(epsilon_eq(dbl, htf_loss_value(HTF_L2, M, y, data), 10.0 / 3, 1e-15));
}

Test(loss, of_no_samples_is_nan) {
  cr_assert(isnan(htf_loss_value(HTF_L2, 0, y, data)));
}

// Central differences of a quadratic are exact up to rounding, 1e-16 / step.
Test(loss, slope_is_the_derivative_of_the_value) {
  double slope[M];
  double value = htf_loss_slope(HTF_L2, M, y, data, slope), h = 1e-3;
  cr_assert(eq(dbl, value, htf_loss_value(HTF_L2, M, y, data)));
  for (int k = 0; k < M; k++) {
    double up[M] = {y[0], y[1], y[2]}, down[M] = {y[0], y[1], y[2]};
    up[k] += h;
    down[k] -= h;
    double difference =
        (htf_loss_value(HTF_L2, M, up, data) - htf_loss_value(HTF_L2, M, down, data)) /
        (2 * h);
    cr_assert(epsilon_eq(dbl, slope[k], difference, 1e-12));
  }
}

Test(loss, curvature_is_the_change_of_the_slope) {
  double dy[M] = {0.3, -1, 2}, moved[M], slope[M], slope_moved[M], change[M];
  for (int k = 0; k < M; k++) {
    moved[k] = y[k] + dy[k];
  }
  htf_loss_slope(HTF_L2, M, y, data, slope);
  htf_loss_slope(HTF_L2, M, moved, data, slope_moved);
  htf_loss_curvature(HTF_L2, M, y, data, dy, change);
  for (int k = 0; k < M; k++) {
    cr_assert(epsilon_eq(dbl, change[k], slope_moved[k] - slope[k], 1e-14));
  }
}

// SPDX-License-Identifier: BSD-3-Clause
// Divided differences against the polynomials that they must reproduce.
#include <math.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "history_impl.h"

enum { SIZE = 3, STEPS = 14 };

// Component i of y at s, of degree `degree`; and its derivative.
static double value(int degree, int i, double s) {
  double sum = 0;
  for (int k = degree; k >= 0; k--) {
    sum = sum * s + 1 + 0.3 * k * (i + 1) - 0.2 * i * k * k;
  }
  return sum;
}

static double slope(int degree, int i, double s) {
  double sum = 0;
  for (int k = degree; k > 0; k--) {
    sum = sum * s + k * (1 + 0.3 * k * (i + 1) - 0.2 * i * k * k);
  }
  return sum;
}

// Time is one more of them.
static double time_at(int degree, double s) {
  return value(degree, SIZE, s);
}

static double length_of(int step) {
  return 0.1 * (1 + 0.5 * sin(3.0 * step)); // ratios from 0.4 to 2.6
}

// Advances to s + h along the polynomial; what the history did not expect of it, relative.
static double go(htf_flow_history *history, int degree, int order, double s, double h,
                 double *state) {
  htf_flow_reach reach = htf_flow__history_reach(history, h);
  double y[SIZE], e[SIZE], dy[SIZE], ahead, pace, worst = 0;
  htf_flow__history_predict(history, &reach, order, state, y);
  htf_flow__history_predict_slope(history, &reach, order, dy);
  htf_flow__history_predict_time(history, &reach, order, &ahead, &pace);
  for (int i = 0; i < SIZE; i++) {
    e[i] = value(degree, i, s + h) - y[i];
    state[i] = value(degree, i, s + h);
    worst = fmax(worst, fabs(e[i]) + fabs(slope(degree, i, s + h) - dy[i]));
  }
  double passed = time_at(degree, s + h) - time_at(degree, s);
  worst = fmax(worst, fabs(passed - ahead) + fabs(slope(degree, SIZE, s + h) - pace));
  htf_flow__history_advance(history, &reach, order, e, passed - ahead);
  return worst;
}

static double follow(htf_flow_history *history, int degree, int most_order, double *s,
                     double *state) {
  double first[SIZE], surprise = 0;
  for (int i = 0; i < SIZE; i++) {
    state[i] = value(degree, i, 0);
    first[i] = slope(degree, i, 0);
  }
  htf_flow__history_begin(history, 0.1, first);
  *s = 0;
  for (int step = 0; step < STEPS; step++) {
    int order = step + 1 < most_order ? step + 1 : most_order;
    surprise = go(history, degree, order, *s, length_of(step), state);
    *s += length_of(step);
  }
  return surprise;
}

Test(history, a_polynomial_of_its_order_holds_no_surprise) {
  for (int degree = 1; degree <= HTF_FLOW_ORDERS; degree++) {
    htf_flow_history history = {0};
    double state[SIZE], s;
    double rows[HTF_FLOW_ROWS * SIZE] = {0};
    htf_flow__history_place(&history, SIZE, rows);
    cr_assert(lt(dbl, follow(&history, degree, degree, &s, state), 1e-10), "%d", degree);
    if (degree > 1) {
      cr_assert(lt(dbl, 1e-4, follow(&history, degree, degree - 1, &s, state)));
    }
  }
}

Test(history, states_and_times_within_a_step_lie_on_the_polynomial) {
  htf_flow_history history = {0};
  double state[SIZE], y[SIZE], s;
  double rows[HTF_FLOW_ROWS * SIZE] = {0};
  htf_flow__history_place(&history, SIZE, rows);
  follow(&history, HTF_FLOW_ORDERS, HTF_FLOW_ORDERS, &s, state);
  double h = length_of(STEPS - 1), begin = s - h;
  for (double fraction = 0; fraction <= 1; fraction += 0.125) {
    htf_flow__history_interpolate(&history, fraction, state, y);
    for (int i = 0; i < SIZE; i++) {
      double exact = value(HTF_FLOW_ORDERS, i, begin + fraction * h);
      cr_assert(epsilon_eq(dbl, y[i], exact, 1e-11 * fabs(exact)));
    }
    double passed =
        time_at(HTF_FLOW_ORDERS, begin + fraction * h) - time_at(HTF_FLOW_ORDERS, begin);
    cr_assert(
        epsilon_eq(dbl, htf_flow__history_elapsed(&history, fraction), passed, 1e-11));
  }
}

// The same curve at other times: rows that differ by displacements along it alone.
Test(history, what_lies_along_the_way_is_no_error) {
  htf_flow_history history = {0};
  double state[SIZE] = {1, 2, 3}, way[SIZE] = {3, -1, 2}, y[SIZE], e[SIZE];
  double rows[HTF_FLOW_ROWS * SIZE] = {0};
  htf_flow__history_place(&history, SIZE, rows);
  for (int i = 0; i < SIZE; i++) {
    y[i] = state[i] + 0.5 * way[i];
    e[i] = 0.01 * way[i];
  }
  double off = htf_flow__history_rms_ahead(&history, state, y, 0.25, e, 0.005);
  cr_assert(lt(dbl, off, 1e-15));
  off = htf_flow__history_rms_ahead(&history, state, y, 0.25, e, 0);
  cr_assert(epsilon_eq(dbl, off, 0.01 * sqrt(14.0 / 3), 1e-15));
}

// SPDX-License-Identifier: BSD-3-Clause
// history_impl.h: past states as divided differences, for a multistep method of variable
// order and step.
//
// Steps go from s_n to s_n+1 = s_n + h in an independent variable s, of which time is a
// function t(s). With psi_i(n) = s_n - s_n-i, row k is
//     phi_k(n) = psi_1 psi_2 .. psi_k y[s_n, s_n-1, .., s_n-k],
// the k-th backward difference where steps are equal (Krogh 1974). The polynomial through
// s_n .. s_n-q has at s_n+1 the value and the slope
//     sum_k=0..q beta_k phi_k(n),    sum_k=1..q g_k beta_k phi_k(n),
//     beta_k = prod_i=1..k psi_i(n+1) / psi_i(n),    g_k = sum_i=1..k 1 / psi_i(n+1),
// and where y_n+1 is that value plus e, the next rows are
//     phi_q+1(n+1) = e,    phi_k(n+1) = phi_k+1(n+1) + beta_k phi_k(n).
// Row 0, the state, is the flow's. Time has rows of its own, numbers; the first one is the
// last step in time, which so never is a difference of two large times.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "htflow/status.h"

enum { HTF_FLOW_ORDERS = 5, HTF_FLOW_ROWS = HTF_FLOW_ORDERS + 1 };
// Numbers that a history is besides its rows of states.
enum { HTF_FLOW_HISTORY_NUMBERS = 2 * HTF_FLOW_ROWS + 3 };

typedef struct htf_flow_history {
  int64_t size;
  double *row[HTF_FLOW_ROWS + 1]; // [size] phi_k of y, from k = 1 on
  double time[HTF_FLOW_ROWS + 1]; // phi_k of t
  double psi[HTF_FLOW_ROWS + 2];  // from i = 1 on
  int rows;                       // phi_k holds something for k <= rows
  int order;                      // of the step just made
} htf_flow_history;

// What s_n + h is to a history.
typedef struct htf_flow_reach {
  double psi[HTF_FLOW_ROWS + 2], beta[HTF_FLOW_ROWS + 1], g[HTF_FLOW_ROWS + 1];
} htf_flow_reach;

// With rows in storage [HTF_FLOW_ROWS * size], which outlives it; and what else it is, as
// numbers [HTF_FLOW_HISTORY_NUMBERS]: all zero, it holds nothing yet.
void htf_flow__history_place(htf_flow_history *history, int64_t size, double *storage);
void htf_flow__history_save(const htf_flow_history *history, double *numbers);
void htf_flow__history_load(htf_flow_history *history, const double *numbers);

// Forgets all but a slope dy/ds [size], with t = s.
void htf_flow__history_begin(htf_flow_history *history, double h, const double *slope);

htf_flow_reach htf_flow__history_reach(const htf_flow_history *history, double h);
// The polynomial of `order` at s_n + h: y [size], from the state y_n; its slope dy/ds
// [size]; and likewise t - t_n and dt/ds.
void htf_flow__history_predict(const htf_flow_history *history, const htf_flow_reach *reach,
                               int order, const double *state, double *y);
void htf_flow__history_predict_slope(const htf_flow_history *history,
                                     const htf_flow_reach *reach, int order, double *slope);
void htf_flow__history_predict_time(const htf_flow_history *history,
                                    const htf_flow_reach *reach, int order, double *ahead,
                                    double *slope);
// The root mean square of row k, less time's part of it along the last step: points are
// displaced by that along the solution and not off it. And of e [size] with e_time, which
// will be a row after a step from `state` to y in `time`.
double htf_flow__history_rms(const htf_flow_history *history, int k);
double htf_flow__history_rms_ahead(const htf_flow_history *history, const double *state,
                                   const double *y, double time, const double *e,
                                   double e_time);
void htf_flow__history_advance(htf_flow_history *history, const htf_flow_reach *reach,
                               int order, const double *e, double e_time);

// In the step just made, a fraction of it in s after its beginning: y [size], from the
// state at its end; and the time since its beginning.
void htf_flow__history_interpolate(const htf_flow_history *history, double fraction,
                                   const double *state, double *y);
double htf_flow__history_elapsed(const htf_flow_history *history, double fraction);

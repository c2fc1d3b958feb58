// SPDX-License-Identifier: BSD-3-Clause
// sundials_impl.h: what the methods made of SUNDIALS share: the callbacks' answers, error
// weights, the first step, the interpolant.
//
// SUNDIALS' own clocks are not used: the equation is autonomous, so the step lengths are
// what counts, and flow.c sums them. That clock + step may equal the clock touches nothing:
// history and interpolant are kept in units of the step.
#pragma once

#include <nvector/nvector_serial.h>

#include "flow_impl.h"

enum { HTF_FLOW_TEXT_BYTES = 512 };

// The first member of what flow->method points to.
typedef struct htf_flow_sundials {
  SUNContext context;
  N_Vector vector; // a shell around whatever [size] is handed over
  double *taylor;  // [most_order + 1, size], of the step just made; see interpolate
  int most_order;
  int order;                           // of taylor; -1 where it is not filled
  double length;                       // of the step just made
  int64_t undone;                      // rejected steps before the present segment
  int64_t refusals;                    // by callbacks, in the present segment
  htf_status failure;                  // of a callback, to be forwarded
  char refusal[HTF_FLOW_TEXT_BYTES];   // what a callback said last that let it try again
  char complaint[HTF_FLOW_TEXT_BYTES]; // what SUNDIALS said last
} htf_flow_sundials;

// flow->method = a new zeroed block of `bytes` that begins with an htf_flow_sundials.
htf_status htf_flow__sundials_create(htf_flow *flow, size_t bytes, int most_order);
void htf_flow__sundials_destroy(htf_flow *flow);
// Raises HTF_E_CONFIG.
htf_status htf_flow__check_rtol(const htf_flow *flow);

// ---- what SUNDIALS calls; data is the flow

// A callback's status as SUNDIALS wants it: 0, 1 (try a smaller step), -1 (leave).
int htf_flow__judge(htf_flow_sundials *s, htf_status status);
int htf_flow__derive(realtype t, N_Vector y, N_Vector dy, void *data);
// weight = 1 / (rtol rms(y)), the same for all components.
int htf_flow__weigh(N_Vector y, N_Vector weight, void *data);
void htf_flow__hear(int code, const char *module, const char *function, char *text,
                    void *data);

// ---- steps

// The first step of all from slope = f(y) and bend = J f, both [size]. The error of a
// first-order step is h^2 |J f| / 2; half the step at which it meets the tolerance, and no
// more than a tenth of |y| / |f|.
double htf_flow__first_step(const htf_flow *flow, const double *slope, const double *bend);
// The same where J is not at hand, with a difference of f along f for J f.
htf_status htf_flow__guess_step(htf_flow *flow, double *step);

// Before a step; and after one that could not be made, to raise HTF_E_NUMERIC with what
// SUNDIALS and the callbacks had to say.
void htf_flow__begin_step(htf_flow_sundials *s);
htf_status htf_flow__no_step(const htf_flow *flow);
// Raises HTF_E_NUMERIC where callbacks have refused too many points in this segment.
htf_status htf_flow__check_refusals(const htf_flow *flow);

// y(fraction) = sum_k taylor_k (fraction - 1)^k, around the end of the step and in units of
// it: taylor_k = h^k y^(k) / k!. htf_flow__scale_taylor puts in h^k / k! where the rows
// hold y^(k), and sets the order.
void htf_flow__scale_taylor(htf_flow *flow, int order);
void htf_flow__sum_taylor(const htf_flow *flow, double fraction, double *y);

// SPDX-License-Identifier: BSD-3-Clause
// sundials_impl.h: what the methods made of SUNDIALS share: the callbacks' answers, error
// weights, vectors, the first step.
//
// SUNDIALS' own clocks are not used: the equation is autonomous, so the step lengths are
// what counts, and flow.c sums them. That clock + step may equal the clock touches nothing:
// history and interpolant are kept in units of the step.
#pragma once

#include <sundials/sundials_nvector.h>

#include "flow_impl.h"

enum { HTF_FLOW_TEXT_BYTES = 512 };

// What a vector of SUNDIALS' holds (vector.c).
typedef struct htf_flow_vector {
  struct htf_flow_sundials *shared;
  int64_t size;
  double *data;  // [size]; NULL: not yet
  bool constant; // every component is `value`, whatever data holds
  double value;
  bool lent; // data is a caller's
} htf_flow_vector;

// The first member of what flow->method points to.
typedef struct htf_flow_sundials {
  SUNContext context;
  N_Vector vector;      // a shell around whatever [size] is handed over
  htf_flow_vector lost; // of vectors for which there was no memory
  bool listens;         // a combination of vectors is noted in these two, and not made
  int terms;            // of the one noted last
  N_Vector *term;       // SUNDIALS' own, until it is called again
  double length;        // of the step just made
  int64_t undone;       // rejected steps before the present segment
  int64_t refusals;     // by callbacks, in the present segment
  htf_status failure;   // of a callback or a vector, to be forwarded
  char refusal[HTF_FLOW_TEXT_BYTES];   // what a callback said last that let it try again
  char complaint[HTF_FLOW_TEXT_BYTES]; // what SUNDIALS said last
} htf_flow_sundials;

// flow->method = a new zeroed block of `bytes` that begins with an htf_flow_sundials.
htf_status htf_flow__sundials_create(htf_flow *flow, size_t bytes);
void htf_flow__sundials_destroy(htf_flow *flow);
// Raise HTF_E_CONFIG: rtol; of a multistep method that restarts from order 1 also how long
// a segment is.
htf_status htf_flow__check_rtol(const htf_flow *flow);
htf_status htf_flow__check_multistep(const htf_flow *flow, const char *name);
// What the root mean square of a local error is kept below, at y [size].
double htf_flow__tolerance(const htf_flow *flow, const double *y);
// A vector [size], zero, to be handed arrays and to be cloned (vector.c). Where there is no
// memory, `failure` says so. NULL: not even for itself.
N_Vector htf_flow__vector(htf_flow_sundials *shared, int64_t size);

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

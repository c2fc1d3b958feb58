// SPDX-License-Identifier: BSD-3-Clause
// flow_impl.h: a flow from the inside, and what a method must do.
//
// A method is one file and one row of the table in flow.c. flow.c keeps what all methods
// share: states, time, arc length, segments, counts, and the search inside a step.
#pragma once

#include "htflow/flow.h"

// A row of the table. `flow->method` is the method's own, made by create.
typedef struct htf_flow_row {
  int64_t segment_steps; // the default
  // What the method carries on: flow->carry is [carry_vectors * size + carry_scalars], zero
  // at first and after a failure. A step reads it and writes all of flow->next_carry; or,
  // in place, there is no such thing, and it changes flow->carry once it is sure of itself.
  int64_t carry_vectors, carry_scalars;
  bool carry_in_place;
  // Checks the options that are the method's and makes flow->method.
  htf_status (*create)(htf_flow *flow);
  // Takes flow->method, half made or NULL.
  void (*destroy)(htf_flow *flow);
  // Begins a segment at flow->state; what follows may depend on it, flow->carry and
  // flow->last_step.
  htf_status (*restart)(htf_flow *flow);
  // From flow->state, one accepted step: next [size] and the step's length.
  htf_status (*step)(htf_flow *flow, double *next, double *length);
  // The state at a fraction in (0, 1) of the step just made. y [size].
  htf_status (*interpolate)(htf_flow *flow, double fraction, double *y);
  // Time from the beginning of the step to there. NULL: fraction times the step.
  double (*elapsed)(const htf_flow *flow, double fraction);
} htf_flow_row;

struct htf_flow {
  htf_flow_system system;
  htf_flow_options options;
  const htf_flow_row *row;
  void *method;
  double *state;              // [size], the end of the step just made
  double *before;             // [size], its beginning, where `made`
  double *carry, *next_carry; // [carry_size]
  int64_t carry_size;
  htf_flow_time time, time_before;
  double arc, arc_before;
  double last_step;
  int64_t left; // steps until the segment ends
  bool made;    // a step can be looked into
  htf_flow_failure failure;
  htf_flow_counts counts;
};

extern const htf_flow_row htf_flow__bdf;
extern const htf_flow_row htf_flow__gd;
extern const htf_flow_row htf_flow__adams;
extern const htf_flow_row htf_flow__erk;
extern const htf_flow_row htf_flow__momentum;
extern const htf_flow_row htf_flow__grouprmsprop;
extern const htf_flow_row htf_flow__adam;

// The system's callbacks, counted; HTF_E_NUMERIC for a value that is not finite.
htf_status htf_flow__derivative(htf_flow *flow, const double *y, double *dy);
typedef enum htf_flow_matrix { HTF_FLOW_JACOBIAN, HTF_FLOW_GAUSS_NEWTON } htf_flow_matrix;
htf_status htf_flow__product(htf_flow *flow, htf_flow_matrix matrix, const double *y,
                             const double *v, double *product);
// sqrt(sum_i x_i^2 / size), of x [size].
double htf_flow__rms(const double *x, int64_t size);

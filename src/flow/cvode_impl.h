// SPDX-License-Identifier: BSD-3-Clause
// cvode_impl.h: CVODE, driven step by step.
#pragma once

#include <sundials/sundials_nonlinearsolver.h>

#include "sundials_impl.h"

// A method of CVODE's.
typedef struct htf_flow_cvode_kind {
  const char *name;
  int formula; // CV_BDF, CV_ADAMS
  int most_order;
  double shortest, longest; // steps; step^most_order and its inverse must not overflow
  // The first step of a segment as a share of the last one: a restart is of first order.
  double restart_share;
  htf_status (*guess_step)(htf_flow *flow, double *step); // the first of all
} htf_flow_cvode_kind;

typedef struct htf_flow_cvode {
  htf_flow_sundials shared;
  const htf_flow_cvode_kind *kind;
  void *cvode;
  SUNNonlinearSolver nonlinear;
} htf_flow_cvode;

// Checks rtol and segment_steps, and makes flow->method but for its solvers.
htf_status htf_flow__cvode_create(htf_flow *flow, const htf_flow_cvode_kind *kind);

// Of a row of the table.
void htf_flow__cvode_destroy(htf_flow *flow);
htf_status htf_flow__cvode_restart(htf_flow *flow);
htf_status htf_flow__cvode_step(htf_flow *flow, double *next, double *length);
htf_status htf_flow__cvode_interpolate(htf_flow *flow, double fraction, double *y);

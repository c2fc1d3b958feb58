// SPDX-License-Identifier: BSD-3-Clause
// bdf_impl.h: what bdf.c (steps, their order and length) and bdf_newton.c (the equation of
// one) share.
#pragma once

#include "gmres_impl.h"
#include "history_impl.h"
#include "krylov_impl.h"
#include "sundials_impl.h"

typedef struct htf_flow_bdf {
  htf_flow_sundials shared;
  htf_flow_krylov_solver *conjugate;
  htf_flow_gmres *gmres; // one of the two
  htf_flow_history history;
  double *e, *r, *z;  // [size]; z: f(p), then work
  int order;          // of the next step,
  double step;        // and its length, in s
  int waited;         // steps since the order changed
  int avoided;        // steps of a valley left, in which J does not come first
  int span, since;    // of the last valley: its steps, and those since it ended
  double contraction; // of a Gauss-Newton iteration, over gamma; 0: not known
  double hopeless;    // gamma beyond which a valley's iterations do not converge
  double speed;       // v_0
  double most;        // it grows no further
  double pace;        // the least sigma so far
} htf_flow_bdf;

typedef enum htf_flow_outcome {
  HTF_FLOW_MADE,
  HTF_FLOW_INACCURATE,
  HTF_FLOW_NOT_SOLVED
} htf_flow_outcome;

// A step being tried.
typedef struct htf_flow_trial {
  htf_flow_reach reach;
  double pace, length, e_time; // sigma, the step in time, and the correction of time
  double tolerance, error;     // of the local error, and that over its tolerance
  htf_flow_matrix matrix;      // of Newton's iteration
  double way;                  // from y_n to p, root mean square
  htf_flow_outcome outcome;
} htf_flow_trial;

// Of the formula of `order`: its local error over the correction.
double htf_flow__bdf_constant(const htf_flow_reach *reach, int order);

// From the prediction to y [size] = p + e with b->e, and t's times, of the step b->step of
// b->order that t->reach leads to; *settled: e may stand. Raises what the system does.
htf_status htf_flow__bdf_solve(htf_flow *flow, htf_flow_bdf *b, double *y,
                               htf_flow_trial *t, bool *settled);
// A step was made.
void htf_flow__bdf_leave_behind(htf_flow_bdf *b);

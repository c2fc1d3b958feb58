// SPDX-License-Identifier: BSD-3-Clause
// predict_impl.h: what a sweep will take (room: cli).
//
// Sizes and counts come from cost.h. Seconds come from this machine: for the sizes that
// weigh most, three short runs of some steps are made, and their computing time is laid to
// setting up, to operations and to rows; other sizes take the rates of the nearest. Runs
// that a directory's journals hold correct it: the logarithms of their real over their
// predicted seconds are spread over the values of the axes, in the least-squares sense,
// shrunk where there are few.
#pragma once

#include "htflow/plan.h"

typedef struct htf_cli_prediction {
  int64_t left;     // runs that are not finished
  double *seconds;  // [left] of computing, longest first
  int64_t finished; // runs in the journals
  int64_t parameters_least, parameters_most;
  double bytes_usual, bytes_most;             // of working memory of a run, at most
  double gradient_most;                       // floating-point operations of a gradient
  double gradients, products, total, longest; // of the runs left; seconds
  double output;                              // bytes of all records, at most
  int sizes, measured;                        // different sizes, and those measured here
  double nanoseconds;                         // a floating-point operation, on average
  double correction; // geometric mean of real over predicted seconds; 1 without journals
} htf_cli_prediction;

// directory: a sweep's, or NULL. Raises what reading it raises, HTF_E_MEMORY,
// HTF_E_CONFIG.
htf_status htf_cli__predict(const htf_plan *plan, const char *directory,
                            htf_cli_prediction *prediction);
void htf_cli__prediction_clear(htf_cli_prediction *prediction);

// ---- its parts -------------------------------------------------------------------------

// How long things take at one size.
typedef struct htf_cli_rates {
  double setup, flop, row; // seconds: a run's beginning, an operation, a row
  double row_doubles;      // numbers in a row
  bool measured;
} htf_cli_rates;

// Makes three short runs of the spec, whose gradient has so many operations. *rates is not
// `measured` where that would take long or comes to nothing.
htf_status htf_cli__calibrate(const htf_spec *spec, double gradient, htf_cli_rates *rates);
// Corrects the runs' seconds by those that are finished, which are marked in `done`.
htf_status htf_cli__correct(const htf_plan *plan, const char *directory, bool *done,
                            double *seconds, htf_cli_prediction *prediction);

// SPDX-License-Identifier: BSD-3-Clause
// probe.h: the table of observables, and one row of them at a state (room: probe).
//
// Each observable is one entry of a table: how it describes itself in files (htf_variable),
// its shape for a given model, and the function that measures it. A row is all of them, one
// after another, as doubles; entries a run does not have are NAN.
#pragma once

#include <stdint.h>

#include "htflow/door.h"
#include "htflow/loss.h"
#include "htflow/model.h"
#include "htflow/problem.h"
#include "htflow/status.h"
#include "htflow/variable.h"

HTF_BEGIN_DOOR

// The descriptors of all observables; static.
const htf_variable *htf_probe_variables(int *count);

// Where and when to measure. The gradient is that of the training loss at theta.
typedef struct htf_probe_state {
  double time, time_low; // their exact sum is the flow time
  double arc_length;
  int64_t step;
  double train_loss;
  const double *theta, *gradient;
} htf_probe_state;

typedef struct htf_probe htf_probe;

// Measures `model` on `problem`, both borrowed; `components` is how many of the largest
// local component norms of a node are kept. Raises HTF_E_MEMORY.
htf_status htf_probe_create(const htf_model *model, const htf_problem *problem,
                            htf_loss loss, int components, htf_probe **probe);
void htf_probe_destroy(htf_probe **probe);

// The row: its length, and where observable i (as in the table) stands in it: offset and
// dimensions beyond the sample's, rank of them.
int64_t htf_probe_row_size(const htf_probe *probe);
int64_t htf_probe_offset(const htf_probe *probe, int i);
int htf_probe_shape(const htf_probe *probe, int i, int64_t dims[HTF_VARIABLE_DIMS]);

// Measures. The first call of a probe is the run's start, from which drifts are counted.
// Raises HTF_E_MEMORY.
htf_status htf_probe_measure(htf_probe *probe, const htf_probe_state *state,
                             double *row /* [row_size] */);

HTF_END_DOOR

// SPDX-License-Identifier: BSD-3-Clause
// probe.h: the table of observables, and one row of them at a state (room: probe).
//
// Each observable is one entry of a table: how it describes itself in files (htf_variable),
// its shape for a given model, and the function that measures it. A row is all of them, one
// after another, as doubles; entries a run does not have are NAN. A dimension `node` runs
// over the interior nodes in node order, `partition` over all nodes but the root.
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

// How much of what comes largest first is kept; what a node has less of is padded with NAN.
typedef struct htf_probe_options {
  int components;      // local component norms of a node
  int singular_values; // of a matricization; 0: no spectra, and ranks are NAN
} htf_probe_options;

// Measures `model` on `problem`, both borrowed. Raises HTF_E_MEMORY.
htf_status htf_probe_create(const htf_model *model, const htf_problem *problem,
                            htf_loss loss, const htf_probe_options *options,
                            htf_probe **probe);
void htf_probe_destroy(htf_probe **probe);

// The row: its length, and where observable i (as in the table) stands in it: offset and
// dimensions beyond the sample's, rank of them.
int64_t htf_probe_row_size(const htf_probe *probe);
int64_t htf_probe_offset(const htf_probe *probe, int i);
int htf_probe_shape(const htf_probe *probe, int i, int64_t dims[HTF_VARIABLE_DIMS]);

// Measures. The first call of a probe is the run's start, from which drifts are counted.
// Raises HTF_E_MEMORY, HTF_E_NUMERIC (spectra.h).
htf_status htf_probe_measure(htf_probe *probe, const htf_probe_state *state,
                             double *row /* [row_size] */);

// What a probe remembers from one measurement to the next, as [memory_size] doubles:
// another probe of the same model, problem and options that recalls them goes on to the
// same bits.
int64_t htf_probe_memory_size(const htf_probe *probe);
void htf_probe_remember(const htf_probe *probe, double *memory);
void htf_probe_recall(htf_probe *probe, const double *memory);

HTF_END_DOOR

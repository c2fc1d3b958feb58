// SPDX-License-Identifier: BSD-3-Clause
// probe.h: one row of the observables at a state (room: probe).
//
// What can be measured is in the table of observable.h; a probe measures those asked for.
// A row is all of them, one after another in the table's order, as doubles; entries a run
// does not have are NAN. A dimension `node` runs over the interior nodes in node order,
// `partition` over all nodes but the root.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "htflow/door.h"
#include "htflow/loss.h"
#include "htflow/model.h"
#include "htflow/observable.h"
#include "htflow/problem.h"
#include "htflow/status.h"
#include "htflow/variable.h"

HTF_BEGIN_DOOR

// Where and when to measure. The gradient is that of the training loss at theta.
typedef struct htf_probe_state {
  double time, time_low; // their exact sum is the flow time
  double arc_length;
  int64_t step;
  double train_loss;
  const double *theta, *gradient;
  const double *slope; // dL/dy [training samples], where cosines are recorded
  // product = (Hessian of L at theta) direction, [parameters] each. Needed where sharpness
  // is recorded, else it may be NULL.
  void (*hessian)(void *context, const double *theta, const double *direction,
                  double *product);
  void *context;
} htf_probe_state;

typedef struct htf_probe htf_probe;

// What is measured. Of components and singular values the largest are kept; where a node
// has less of them, NAN. More than any node has are as many as the one that has most.
typedef struct htf_probe_options {
  int components;       // local components of a node
  int singular_values;  // of a matricization; 0: no spectra, and ranks are NAN
  uint64_t observables; // a set (observable.h); 0: the standard ones
  int entries, partitions;
  const int64_t *entry;      // [entries, order] whose predictions are recorded
  const uint64_t *partition; // [partitions] sets of modes (bit n: mode n), as spectra.h
} htf_probe_options;

// Measures `model` on `problem`, both borrowed; options are copied. Raises HTF_E_MEMORY,
// HTF_E_CONFIG
// for an entry outside the tensor and a partition that spectra.h refuses.
htf_status htf_probe_create(const htf_model *model, const htf_problem *problem,
                            htf_loss loss, const htf_probe_options *options,
                            htf_probe **probe);
void htf_probe_destroy(htf_probe **probe);

// The row: its length; whether observable i (as in the table) is recorded, and where it
// stands: offset and dimensions beyond the sample's, rank of them.
int64_t htf_probe_row_size(const htf_probe *probe);
bool htf_probe_has(const htf_probe *probe, int i);
int64_t htf_probe_offset(const htf_probe *probe, int i);
int htf_probe_shape(const htf_probe *probe, int i, int64_t dims[HTF_VARIABLE_DIMS]);

// Measures. The first call of a probe is the run's start, from which drifts are counted.
// Raises HTF_E_MEMORY, HTF_E_NUMERIC (spectra.h).
htf_status htf_probe_measure(htf_probe *probe, const htf_probe_state *state,
                             double *row /* [row_size] */);

// The unbalancedness_drift that a row at theta would have, over the rows so far, and no
// row: the probe remembers nothing of it. 0 before the first row.
double htf_probe_drift(htf_probe *probe, const double *theta);

// What a probe remembers from one measurement to the next, as [memory_size] doubles:
// another probe of the same model, problem and options that recalls them goes on to the
// same bits.
int64_t htf_probe_memory_size(const htf_probe *probe);
void htf_probe_remember(const htf_probe *probe, double *memory);
void htf_probe_recall(htf_probe *probe, const double *memory);

// ---- what a row costs -----------------------------------------------------------------

// What the costs depend on beside model and options.
typedef struct htf_probe_work {
  double gradient;    // floating-point operations of one gradient of L
  double train, test; // samples
  bool tensor;        // the target's entries are held (problem.h)
  bool sensing;       // samples are vectors, not entries
} htf_probe_work;

// Floating-point operations of one row, in all and by what they are spent on, HTF_COST_*.
// An estimate: leading terms, Lanczos taken to need 40 products. Raises HTF_E_MEMORY.
htf_status htf_probe_cost(const htf_model *model, const htf_probe_options *options,
                          const htf_probe_work *work, double flops[HTF_COSTS],
                          double *total);

HTF_END_DOOR

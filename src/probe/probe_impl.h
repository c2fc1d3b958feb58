// SPDX-License-Identifier: BSD-3-Clause
// What a probe holds, between its lifecycle (probe.c), its table (table.c) and what
// measures: scalars.c, components.c, ranks.c, sharpness.c.
#pragma once

#include <stdbool.h>

#include "htflow/evaluation.h"
#include "htflow/observable.h"
#include "htflow/points.h"
#include "htflow/probe.h"
#include "htflow/spectra.h"

// Measures one observable; `out` is all NAN before.
typedef htf_status htf_probe__measure(htf_probe *probe, const htf_probe_state *state,
                                      double *out);

// htf_probe__time, .. : one for each row of the table.
#define HTF_DECLARE(name, when, shape, cost, long_name, formula)                           \
  htf_probe__measure htf_probe__##name;
HTF_OBSERVABLE_TABLE(HTF_DECLARE)
#undef HTF_DECLARE

// What is measured of a local component.
enum { COMPONENT_NORM, COMPONENT_RATE, COMPONENT_DRIVE, COMPONENT_VALUES };

typedef struct htf_probe__component {
  double value[COMPONENT_VALUES];
  double law; // d sigma/dt as the exact law has it
  int64_t index;
} htf_probe__component;

// What several observables share and the first of them works out.
typedef enum htf_probe__shared {
  SHARED_TEST,       // probe->test.y
  SHARED_TENSOR,     // probe->tensor
  SHARED_NORMS2,     // probe->norms2
  SHARED_COMPONENTS, // probe->components
  SHARED_SPECTRA,    // probe->spectra
  SHARED_COUNT
} htf_probe__shared;

// Values of the model at some points. Their evaluation is made for each state, since none
// is wanted while the flow goes on to the next.
typedef struct htf_probe__values {
  htf_points *points;
  double *y;
} htf_probe__values;

// Left singular vectors of the target and of the model.
typedef struct htf_probe__overlap {
  int64_t *rank;       // [partitions]: k
  double **target;     // [partitions]: U* [rows, k]; NULL where it is not held
  double *matrix, *u;  // [entries]: a matricization; U [rows, small]
  double *values;      // [small]
  int64_t rows, small; // of the node decomposed last
} htf_probe__overlap;

struct htf_probe {
  const htf_model *model;
  const htf_problem *problem;
  htf_loss loss;
  htf_probe_options options;
  int64_t *entry;               // [options.entries, order]
  int64_t interior, partitions; // interior nodes; nodes but the root
  bool known[SHARED_COUNT];     // at the state being measured
  htf_probe__values test, entries;
  // the whole tensor, where the target is known
  double *tensor; // [entries], at the state being measured
  double target_norm;
  // conserved quantities
  int64_t vectors;
  double *norms2, *norms2_start; // [vectors]
  double drift, largest;         // over the run so far
  bool started;
  // local components
  double *sigma; // [widest node]
  double *rates; // [vectors] d||w||^2/dt
  int64_t component_count;
  htf_probe__component *components; // [component_count] node by node, the largest first
  htf_spectra *spectra;             // NULL where nothing recorded needs them
  htf_probe__overlap overlap;
  double *parts;   // [component_count]; NULL unless cosines are recorded
  double *lanczos; // [3, parameters]; NULL unless sharpness is recorded
};

// Whether an observable is recorded; `cost`: whether any of that cost is.
bool htf_probe__records(const htf_probe *probe, htf_observable observable);
bool htf_probe__pays(const htf_probe *probe, htf_observable_cost cost);

// Values at theta. Raises HTF_E_MEMORY.
htf_status htf_probe__evaluate(const htf_model *model, const htf_points *points,
                               const double *theta, double *y);
// Each works out what is shared, once a state.
htf_status htf_probe__know_test(htf_probe *probe, const htf_probe_state *state);
htf_status htf_probe__know_tensor(htf_probe *probe, const htf_probe_state *state);
void htf_probe__know_norms2(htf_probe *probe, const htf_probe_state *state);
htf_status htf_probe__know_components(htf_probe *probe, const htf_probe_state *state);
htf_status htf_probe__know_spectra(htf_probe *probe, const htf_probe_state *state);

// For probes that record overlaps of a target that is held. Raises HTF_E_MEMORY,
// HTF_E_NUMERIC.
htf_status htf_probe__overlap_prepare(htf_probe *probe);
void htf_probe__overlap_drop(htf_probe *probe);

// How many tolerances numerical ranks are told at.
int64_t htf_probe__tolerances(void);

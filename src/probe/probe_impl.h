// SPDX-License-Identifier: BSD-3-Clause
// What a probe holds between its lifecycle (probe.c), its table (table.c) and the local
// components (components.c).
#pragma once

#include <stdbool.h>

#include "htflow/evaluation.h"
#include "htflow/points.h"
#include "htflow/probe.h"
#include "htflow/spectra.h"

// What is measured of a local component.
enum { COMPONENT_NORM, COMPONENT_RATE, COMPONENT_DRIVE, COMPONENT_VALUES };
typedef struct htf_probe__component {
  double value[COMPONENT_VALUES];
  double law; // d sigma/dt as the exact law has it
  int64_t index;
} htf_probe__component;

struct htf_probe {
  const htf_model *model;
  const htf_problem *problem;
  htf_loss loss;
  htf_probe_options options;
  int64_t interior, partitions; // interior nodes; nodes but the root
  // held-out values
  htf_points *points;
  htf_evaluation *evaluation;
  double *y; // [test samples]
  // the whole tensor, where the target is known
  htf_expansion *expansion;
  double *tensor; // [entries]
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
  htf_spectra *spectra;             // NULL where no singular values are asked for
};

// Measures all local components, from probe->norms2 as it stands. Raises HTF_E_MEMORY.
htf_status htf_probe__components(htf_probe *probe, const htf_probe_state *state);
// One value of the largest components of every node as last measured, out [node,
// component].
void htf_probe__keep(const htf_probe *probe, int value, double *out);
// The residual of the exact law in them.
double htf_probe__law_residual(const htf_probe *probe);

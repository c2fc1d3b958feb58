// SPDX-License-Identifier: BSD-3-Clause
// What a probe holds between its lifecycle (probe.c) and its table (table.c).
#pragma once

#include <stdbool.h>

#include "htflow/evaluation.h"
#include "htflow/points.h"
#include "htflow/probe.h"
#include "htflow/spectra.h"

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
  double *sigma;        // [widest node]
  htf_spectra *spectra; // NULL where no singular values are asked for
};

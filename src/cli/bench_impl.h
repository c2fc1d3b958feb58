// SPDX-License-Identifier: BSD-3-Clause
// bench_impl.h: how fast the parts of a run are, in the terms of the machine (room: cli).
#pragma once

#include <stdint.h>

#include "htflow/status.h"

// Completion of a planted target by a model on a binary mode tree: `order` modes of size
// `mode`, every node of the model `width` wide.
typedef struct htf_cli_workload {
  int order, mode, width;
  int64_t samples;
} htf_cli_workload;

// Seconds of CPU time are the shortest measured, rates the highest.
typedef struct htf_cli_speeds {
  int64_t parameters;
  double tables, evaluation;     // bytes: P and V of all nodes; all an evaluation works in
  double gradient, product, row; // seconds: loss and gradient, Hessian-vector product, row
  double flops, traffic;         // of a gradient: in its matrix products; bytes
  double dgemm, bandwidth;       // of this machine: GFLOP/s at size 512, GB/s
} htf_cli_speeds;

// Measures in `rounds` rounds of 0.6 s or more, all parts in each. Raises
// HTF_E_CONFIG for samples that the tensor does not have, HTF_E_MEMORY, HTF_E_NUMERIC.
htf_status htf_cli__measure(const htf_cli_workload *workload, int rounds,
                            htf_cli_speeds *speeds);

// Records of `bytes` bytes that a journal in this directory makes safe a second, one
// transaction each. What it writes it removes. Raises HTF_E_IO, HTF_E_MEMORY.
htf_status htf_cli__measure_journal(const char *directory, int64_t bytes, double *puts);

// SPDX-License-Identifier: BSD-3-Clause
// check_law_impl.h: a run's samples as a file has them, and the laws in them.
#pragma once

#include "check_impl.h"

// Columns that are missing are NULL.
typedef struct htf_check__samples {
  int64_t run, count; // samples
  int nodes;          // interior ones
  int64_t components;
  const int *vectors;                // [nodes]: K_v
  const double *norm, *rate, *drive; // [count, nodes, components]
  const double *time, *arc_length, *residual, *gradient_norm, *unbalancedness; // [count]
  double drift;
} htf_check__samples;

// Where a law is broken.
typedef struct htf_check__law_rules {
  htf_check__tally residual, exponent;
} htf_check__law_rules;

// Raises HTF_E_MEMORY; `law` is to be dropped in any case.
htf_status htf_check__laws(const htf_check__samples *samples, htf_check__law_rules *rules,
                           htf_check_law *law);
void htf_check__drop_law(htf_check_law *law);

// SPDX-License-Identifier: BSD-3-Clause
// rowcost_impl.h: what a row of observables costs (room: cli).
#pragma once

#include "htflow/plan.h"
#include "htflow/probe.h"

// Floating-point operations of a row, by what they are spent on and in all; and of a
// gradient of the same run.
typedef struct htf_cli_row_cost {
  double part[HTF_COSTS], all, gradient;
} htf_cli_row_cost;

// The dearest row among the first runs of each size. Raises HTF_E_MEMORY.
htf_status htf_cli__row_costs(const htf_plan *plan, htf_cli_row_cost *most);

// SPDX-License-Identifier: BSD-3-Clause
// tables_impl.h: the variables of /runs beyond the swept keys, and those of /timings. The
// writer makes them, and the checker wants them.
#pragma once

#include "htflow/record.h"
#include "layout_impl.h"

// After the axes, in this order.
enum htf_tables__run {
  HTF_RUNS_STATUS,
  HTF_RUNS_STOP_REASON,
  HTF_RUNS_MESSAGE,
#define ENUM(type, name, units, long_name, comment) HTF_RUNS_##name,
  HTF_RECORD_SCALAR_TABLE(ENUM)
#undef ENUM
      HTF_RUNS_TRAJECTORY,
  HTF_RUNS_ROW,
  HTF_RUNS_IDENTITY,
  HTF_RUNS_VARIABLES
};

enum htf_tables__timing {
  HTF_TIMINGS_STARTED,
  HTF_TIMINGS_WALL,
  HTF_TIMINGS_CPU,
  HTF_TIMINGS_HOST,
  HTF_TIMINGS_RANK,
  HTF_TIMINGS_ATTEMPTS,
  HTF_TIMINGS_VARIABLES
};

extern const htf_results__about htf_tables__runs[HTF_RUNS_VARIABLES];
extern const htf_results__about htf_tables__timings[HTF_TIMINGS_VARIABLES];

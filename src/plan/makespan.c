// SPDX-License-Identifier: BSD-3-Clause
// How long many workers take over many runs.
#include "htflow/cost.h"
#include "htflow/memory.h"

// Lets the first worker of the heap be free later: the earliest one comes to the front.
static void sink(double *free_at, int64_t workers, double later) {
  int64_t at = 0;
  for (;;) {
    int64_t child = 2 * at + 1;
    if (child >= workers) {
      break;
    }
    child += child + 1 < workers && free_at[child + 1] < free_at[child];
    if (later <= free_at[child]) {
      break;
    }
    free_at[at] = free_at[child];
    at = child;
  }
  free_at[at] = later;
}

htf_status htf_cost_makespan(const double *seconds, int64_t runs, int64_t workers,
                             double *makespan) {
  htf_status status = HTF_OK;
  double *free_at = NULL; // a heap: no worker is free before the first
  HTF_ASSERT(workers > 0);
  HTF_NEW(free_at, workers);
  *makespan = 0;
  for (int64_t i = 0; i < runs; i++) {
    double end = free_at[0] + seconds[i];
    *makespan = end > *makespan ? end : *makespan;
    sink(free_at, workers, end);
  }
done:
  HTF_FREE(free_at);
  return status;
}

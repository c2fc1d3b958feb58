// SPDX-License-Identifier: BSD-3-Clause
// What a probe remembers between measurements: the start from which drifts are counted.
//
// As doubles: started (0, 1), drift, largest, norms2_start [vectors].
#include <string.h>

#include "probe_impl.h"

enum { SCALARS = 3 };

int64_t htf_probe_memory_size(const htf_probe *probe) {
  return SCALARS + probe->vectors;
}

void htf_probe_remember(const htf_probe *probe, double *memory) {
  memory[0] = probe->started;
  memory[1] = probe->drift;
  memory[2] = probe->largest;
  memcpy(memory + SCALARS, probe->norms2_start, (size_t)probe->vectors * sizeof *memory);
}

void htf_probe_recall(htf_probe *probe, const double *memory) {
  probe->started = memory[0] != 0;
  probe->drift = memory[1];
  probe->largest = memory[2];
  memcpy(probe->norms2_start, memory + SCALARS, (size_t)probe->vectors * sizeof *memory);
}

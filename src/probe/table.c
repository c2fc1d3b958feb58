// SPDX-License-Identifier: BSD-3-Clause
// The table of observables put to work: what is recorded, where it stands in a row, and
// the row.
#include <math.h>
#include <string.h>

#include "htflow/memory.h"
#include "probe_impl.h"

static htf_probe__measure *const measures[] = {
#define FUNCTION(name, when, shape, cost, long_name, formula) htf_probe__##name,
    HTF_OBSERVABLE_TABLE(FUNCTION)
#undef FUNCTION
};

bool htf_probe__records(const htf_probe *probe, htf_observable observable) {
  return probe->options.observables >> observable & 1;
}

bool htf_probe__pays(const htf_probe *probe, htf_observable_cost cost) {
  for (int i = 0; i < HTF_OBSERVABLES; i++) {
    if (htf_probe__records(probe, (htf_observable)i) &&
        htf_observable_get_cost(i) == cost) {
      return true;
    }
  }
  return false;
}

static int64_t length_of(const htf_probe *probe, const char *dim) {
  const struct {
    const char *name;
    int64_t length;
  } lengths[] = {{"node", probe->interior},
                 {"component", probe->options.components},
                 {"partition", probe->partitions},
                 {"value", probe->options.singular_values},
                 {"tolerance", htf_probe__tolerances()},
                 {"vector", probe->vectors},
                 {"entry", probe->options.entries},
                 {"cut", probe->options.partitions}};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    if (strcmp(lengths[i].name, dim) == 0) {
      return lengths[i].length;
    }
  }
  HTF_ASSERT(false);
}

int htf_probe_shape(const htf_probe *probe, int i, int64_t dims[HTF_VARIABLE_DIMS]) {
  int rank = htf_observable_variables()[i].rank - 1;
  for (int d = 0; d < rank; d++) {
    dims[d] = length_of(probe, htf_observable_variables()[i].dims[d + 1]);
  }
  return rank;
}

static int64_t size_of(const htf_probe *probe, int i) {
  int64_t dims[HTF_VARIABLE_DIMS], size = htf_probe__records(probe, (htf_observable)i);
  int rank = htf_probe_shape(probe, i, dims);
  for (int d = 0; d < rank; d++) {
    size *= dims[d];
  }
  return size;
}

bool htf_probe_has(const htf_probe *probe, int i) {
  return size_of(probe, i) > 0;
}

int64_t htf_probe_offset(const htf_probe *probe, int i) {
  int64_t offset = 0;
  for (int j = 0; j < i; j++) {
    offset += size_of(probe, j);
  }
  return offset;
}

int64_t htf_probe_row_size(const htf_probe *probe) {
  return htf_probe_offset(probe, HTF_OBSERVABLES);
}

htf_status htf_probe_measure(htf_probe *probe, const htf_probe_state *state, double *row) {
  htf_status status = HTF_OK;
  memset(probe->known, 0, sizeof probe->known);
  for (int i = 0; i < HTF_OBSERVABLES; i++) {
    int64_t size = size_of(probe, i);
    for (int64_t j = 0; j < size; j++) {
      row[j] = NAN;
    }
    if (size > 0) {
      HTF_TRY(measures[i](probe, state, row));
    }
    row += size;
  }
done:
  HTF_FREE(probe->tensor);
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
#include "measured_impl.h"

#include "htflow/memory.h"

bool htf_measured__needs_hessian(const htf_spec *spec) {
  return htf_observable_read(spec->record.observables) >> HTF_OBSERVABLE_sharpness & 1;
}

htf_status htf_measured__probe(const htf_spec *spec, const htf_scene *scene,
                               htf_probe **probe) {
  htf_status status = HTF_OK;
  int64_t *entry = NULL;
  uint64_t *partition = NULL;
  htf_probe_options options = {
      .components = (int)spec->record.components,
      .singular_values = (int)spec->record.singular_values,
      .observables = htf_observable_read(spec->record.observables),
      .entries = htf_observable_count(spec->record.entries),
      .partitions = htf_observable_count(spec->record.partitions),
  };
  int order = spec->problem.shape.order;
  HTF_NEW(entry, (int64_t)options.entries * order);
  HTF_NEW(partition, options.partitions);
  for (int i = 0; i < options.entries; i++) {
    HTF_TRY(htf_observable_entry(spec, i, entry + (int64_t)i * order));
  }
  for (int i = 0; i < options.partitions; i++) {
    HTF_TRY(htf_observable_partition(spec, i, &partition[i]));
  }
  options.entry = entry;
  options.partition = partition;
  HTF_TRY(htf_probe_create(scene->model, scene->problem, scene->loss, &options, probe));
done:
  HTF_FREE(entry);
  HTF_FREE(partition);
  return status;
}

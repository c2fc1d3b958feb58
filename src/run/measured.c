// SPDX-License-Identifier: BSD-3-Clause
#include "measured_impl.h"

#include <stdlib.h>
#include <string.h>

#include "htflow/memory.h"

bool htf_measured__needs_hessian(const htf_spec *spec) {
  return htf_observable_read(spec->record.observables) >> HTF_OBSERVABLE_sharpness & 1;
}

static int count_names(const char *names) {
  char name[HTF_MAX_LABEL];
  int count = 0;
  while (htf_spec_name_at(names, count, name)) {
    count++;
  }
  return count;
}

// The numbers of "0_12_3": how many there are, of which the first HTF_MAX_ORDER are
// written; 0 if they are no numbers.
static int read_indices(const char *word, int64_t index[HTF_MAX_ORDER]) {
  int count = 0;
  for (; *word != '\0'; count++) {
    size_t digits = strspn(word, "0123456789");
    if (digits == 0 || digits > 18 || (word[digits] != '_' && word[digits] != '\0')) {
      return 0;
    }
    if (count < HTF_MAX_ORDER) {
      index[count] = strtoll(word, NULL, 10);
    }
    word += digits + (word[digits] == '_');
  }
  return count;
}

static htf_status read_entry(const htf_spec *spec, const char *word, int64_t *entry) {
  htf_status status = HTF_OK;
  int order = spec->problem.shape.order;
  int64_t index[HTF_MAX_ORDER];
  HTF_CHECK(read_indices(word, index) == order, HTF_E_CONFIG,
            "record.entries wants %d indices joined by _, got \"%s\"", order, word);
  for (int n = 0; n < order; n++) {
    HTF_CHECK(index[n] < spec->problem.shape.size[n], HTF_E_CONFIG,
              "record.entries: index %lld of \"%s\" is outside mode %d of size %lld",
              (long long)index[n], word, n, (long long)spec->problem.shape.size[n]);
    entry[n] = index[n];
  }
done:
  return status;
}

static htf_status read_partition(const htf_spec *spec, const char *word, uint64_t *modes) {
  htf_status status = HTF_OK;
  int order = spec->problem.shape.order;
  int64_t mode[HTF_MAX_ORDER];
  int count = read_indices(word, mode);
  HTF_CHECK(0 < count && count < order, HTF_E_CONFIG,
            "record.partitions wants 1 to %d modes joined by _, got \"%s\"", order - 1,
            word);
  for (int k = 0; k < count; k++) {
    HTF_CHECK(mode[k] < order, HTF_E_CONFIG,
              "record.partitions: \"%s\" has mode %lld of a tensor of order %d", word,
              (long long)mode[k], order);
    HTF_CHECK((*modes >> mode[k] & 1) == 0, HTF_E_CONFIG,
              "record.partitions: \"%s\" has mode %lld twice", word, (long long)mode[k]);
    *modes |= UINT64_C(1) << mode[k];
  }
done:
  return status;
}

htf_status htf_measured__probe(const htf_spec *spec, const htf_scene *scene,
                               htf_probe **probe) {
  htf_status status = HTF_OK;
  char word[HTF_MAX_LABEL];
  int64_t *entry = NULL;
  uint64_t *partition = NULL;
  htf_probe_options options = {
      .components = (int)spec->record.components,
      .singular_values = (int)spec->record.singular_values,
      .observables = htf_observable_read(spec->record.observables),
      .entries = count_names(spec->record.entries),
      .partitions = count_names(spec->record.partitions),
  };
  int order = spec->problem.shape.order;
  HTF_NEW(entry, (int64_t)options.entries * order);
  HTF_NEW(partition, options.partitions);
  for (int i = 0; htf_spec_name_at(spec->record.entries, i, word); i++) {
    HTF_TRY(read_entry(spec, word, entry + (int64_t)i * order));
  }
  for (int i = 0; htf_spec_name_at(spec->record.partitions, i, word); i++) {
    HTF_TRY(read_partition(spec, word, &partition[i]));
  }
  options.entry = entry;
  options.partition = partition;
  HTF_TRY(htf_probe_create(scene->model, scene->problem, scene->loss, &options, probe));
done:
  HTF_FREE(entry);
  HTF_FREE(partition);
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
#include "htflow/observable.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(HTF_OBSERVABLES <= 63, "a set of observables has 64 bits");

const htf_variable *htf_observable_variables(void) {
  static const htf_variable variables[] = {
#define ROW(name, when, shape, cost, long_name, formula)                                   \
  {#name, long_name, "1", formula, HTF_SHAPE_##shape, NULL},
      HTF_OBSERVABLE_TABLE(ROW)
#undef ROW
  };
  return variables;
}

htf_observable_when htf_observable_get_when(int i) {
  static const htf_observable_when whens[] = {
#define ROW(name, when, shape, cost, long_name, formula) HTF_WHEN_##when,
      HTF_OBSERVABLE_TABLE(ROW)
#undef ROW
  };
  HTF_ASSERT(0 <= i && i < HTF_OBSERVABLES);
  return whens[i];
}

htf_observable_cost htf_observable_get_cost(int i) {
  static const htf_observable_cost costs[] = {
#define ROW(name, when, shape, cost, long_name, formula) HTF_COST_##cost,
      HTF_OBSERVABLE_TABLE(ROW)
#undef ROW
  };
  HTF_ASSERT(0 <= i && i < HTF_OBSERVABLES);
  return costs[i];
}

const char *htf_observable_cost_text(int cost) {
  static const char *const texts[] = {
#define ROW(name, text) text,
      HTF_OBSERVABLE_COST_TABLE(ROW)
#undef ROW
  };
  HTF_ASSERT(0 <= cost && cost < HTF_COSTS);
  return texts[cost];
}

uint64_t htf_observable_set(htf_observable_when when) {
  uint64_t set = 0;
  for (int i = 0; i < HTF_OBSERVABLES; i++) {
    set |= htf_observable_get_when(i) <= when ? UINT64_C(1) << i : 0;
  }
  return set;
}

uint64_t htf_observable_read(const char *names) {
  uint64_t set = htf_observable_set(HTF_WHEN_ALWAYS);
  if (htf_spec_names_hold(names, "standard")) {
    set |= htf_observable_set(HTF_WHEN_STANDARD);
  }
  if (htf_spec_names_hold(names, "all")) {
    set |= htf_observable_set(HTF_WHEN_ASKED);
  }
  for (int i = 0; i < HTF_OBSERVABLES; i++) {
    if (htf_spec_names_hold(names, htf_observable_variables()[i].name)) {
      set |= UINT64_C(1) << i;
    }
  }
  return set;
}

// ---- entries and partitions -----------------------------------------------------------

int htf_observable_count(const char *names) {
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

htf_status htf_observable_entry(const htf_spec *spec, int i, int64_t *entry) {
  htf_status status = HTF_OK;
  char word[HTF_MAX_LABEL];
  int order = spec->problem.shape.order;
  int64_t index[HTF_MAX_ORDER];
  HTF_ASSERT(htf_spec_name_at(spec->record.entries, i, word));
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

htf_status htf_observable_partition(const htf_spec *spec, int i, uint64_t *modes) {
  htf_status status = HTF_OK;
  char word[HTF_MAX_LABEL];
  int order = spec->problem.shape.order;
  int64_t mode[HTF_MAX_ORDER];
  HTF_ASSERT(htf_spec_name_at(spec->record.partitions, i, word));
  int count = read_indices(word, mode);
  *modes = 0;
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

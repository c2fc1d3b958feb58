// SPDX-License-Identifier: BSD-3-Clause
#include "htflow/observable.h"

#include "htflow/spec.h"
#include "htflow/status.h"

_Static_assert(HTF_OBSERVABLES <= 63, "a set of observables has 64 bits");

const htf_variable *htf_observable_variables(void) {
  static const htf_variable variables[] = {
#define ROW(name, when, shape, cost, long_name, formula)                                   \
  {#name, long_name, "1", formula, HTF_SHAPE_##shape},
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

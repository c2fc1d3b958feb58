// SPDX-License-Identifier: BSD-3-Clause
// All that a record may have columns of.
#include <string.h>

#include "htflow/event.h"
#include "htflow/observable.h"
#include "htflow/run.h"

enum { MOST = 128 };

const htf_variable *htf_run_variables(int *count) {
  static htf_variable all[MOST];
  int observables = HTF_OBSERVABLES, events;
  const htf_variable *first = htf_observable_variables();
  const htf_variable *second = htf_event_variables(&events);
  HTF_ASSERT(observables + events <= MOST);
  memcpy(all, first, (size_t)observables * sizeof *all);
  memcpy(all + observables, second, (size_t)events * sizeof *all);
  *count = observables + events;
  return all;
}

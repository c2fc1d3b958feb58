// SPDX-License-Identifier: BSD-3-Clause
// Preloaded by test_faults.py: the allocation of the program that $HTF_FAIL_AT counts
// fails.
#include <stdlib.h>

#include "htflow/memory.h"

__attribute__((constructor)) static void fail_at(void) {
  const char *nth = getenv("HTF_FAIL_AT");
  htf_memory_fail_at(nth != NULL ? strtoll(nth, NULL, 10) : 0);
}

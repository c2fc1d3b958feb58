// SPDX-License-Identifier: BSD-3-Clause
// Preloaded by test_faults.py: a flow that bdf leads through a narrow valley waits there to
// be killed. It waits within a valley, some steps after a boundary that lay in one too, and
// says so in the file $HTF_IN_VALLEY: steps at the boundary, steps now.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bdf_impl.h"

enum { BEYOND = 3 };

static bool in_valley(const htf_flow *flow) {
  const htf_flow_bdf *b = flow->method;
  return flow->options.method == HTF_FLOW_BDF && b->avoided > 0;
}

// The whole file at once, so that who finds it finds both numbers.
static void wait_to_be_killed(long long boundary, long long steps) {
  const char *path = getenv("HTF_IN_VALLEY");
  char made[4096];
  snprintf(made, sizeof made, "%s.made", path);
  FILE *file = fopen(made, "w");
  if (file == NULL || fprintf(file, "%lld %lld\n", boundary, steps) < 0 ||
      fclose(file) != 0 || rename(made, path) != 0) {
    abort();
  }
  for (;;) {
    pause();
  }
}

htf_status htf_flow_step(htf_flow *flow) {
  static htf_status (*step)(htf_flow *);
  static long long boundary = -1; // the last one, if it lay in a valley
  long long steps = htf_flow_get_counts(flow).steps;
  if (step == NULL) {
    *(void **)&step = dlsym(RTLD_NEXT, "htf_flow_step");
  }
  if (htf_flow_at_boundary(flow)) {
    boundary = in_valley(flow) ? steps : -1;
  } else if (boundary >= 0 && steps >= boundary + BEYOND && in_valley(flow)) {
    wait_to_be_killed(boundary, steps);
  }
  return step(flow);
}

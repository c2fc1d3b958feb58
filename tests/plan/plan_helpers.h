// SPDX-License-Identifier: BSD-3-Clause
// What the tests of the plan share: data files that are only described, and a plan of a
// text.
#pragma once

#include <string.h>

#include "htflow/memory.h"
#include "htflow/plan.h"

// "split.h5" has a test list, "list.tns" has none, "small.tns" has three modes; another
// path is no file. The context counts the calls.
static inline htf_status describe_file(void *context, const char *path,
                                       htf_plan_file *file) {
  htf_status status = HTF_OK;
  int *calls = context;
  *calls += 1;
  memset(file, 0, sizeof *file);
  HTF_CHECK(strchr("sl", path[0]) != NULL, HTF_E_DATA, "%s: no such file", path);
  file->shape = (htf_shape){4, {8, 8, 8, 8}};
  file->train = 500;
  file->test = strcmp(path, "split.h5") == 0 ? 100 : 0;
  if (strcmp(path, "small.tns") == 0) {
    file->shape = (htf_shape){3, {4, 5, 6}};
    file->train = 60;
  }
  memset(file->digest, path[1] % 6 + 'a', HTF_DIGEST_TEXT - 1);
done:
  return status;
}

static int described;

static inline htf_status make_plan(const char *text, int overrides,
                                   const char *const *override, htf_plan **plan) {
  htf_plan_source source = {.name = "sweep.yaml",
                            .text = text,
                            .overrides = overrides,
                            .override = override,
                            .describe = describe_file,
                            .context = &described};
  *plan = NULL;
  return htf_plan_create(&source, plan);
}

// SPDX-License-Identifier: BSD-3-Clause
// Sweep files. What is accepted must mean the same again when written out, and each of its
// runs must have a spec and an identity; what is refused must say so.
#include <stdlib.h>
#include <string.h>

#include "htflow/memory.h"
#include "htflow/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Any name is a small file of completion; its first letter says whether it has a test list.
static htf_status describe(void *context, const char *path, htf_plan_file *file) {
  (void)context;
  file->shape = (htf_shape){3, {4, 5, 6}};
  file->train = 60;
  file->test = path[0] == 't' ? 10 : 0;
  memset(file->digest, 'a', HTF_DIGEST_TEXT - 1);
  return HTF_OK;
}

static htf_status describe_weights(void *context, const char *path, int64_t run,
                                   htf_plan_weights *weights) {
  (void)context;
  (void)path;
  weights->kind = run > 0 ? HTF_FACTORIZATION_CP : HTF_FACTORIZATION_HTF;
  strcpy(weights->newick, run > 0 ? "(0,1,2,3)16;" : "((0,1)16,(2,3)16)16;");
  weights->shape = (htf_shape){4, {8, 8, 8, 8}};
  memset(weights->digest, 'b', HTF_DIGEST_TEXT - 1);
  return HTF_OK;
}

static htf_status plan_of(const char *text, htf_plan **plan) {
  htf_plan_source source = {.name = "s",
                            .text = text,
                            .describe = describe,
                            .describe_weights = describe_weights,
                            .most_points = 1000};
  *plan = NULL;
  return htf_plan_create(&source, plan);
}

static void demand(bool good) {
  if (!good) {
    abort();
  }
}

static void check(const htf_plan *plan) {
  htf_plan *again;
  htf_spec spec;
  htf_digest identity;
  char text[99];
  demand(plan_of(htf_plan_resolved(plan), &again) == HTF_OK);
  demand(htf_plan_runs(again) == htf_plan_runs(plan));
  demand(strcmp(htf_plan_resolved(plan), htf_plan_resolved(again)) == 0);
  int64_t last = htf_plan_runs(plan) - 1;
  for (int64_t run = 0; run <= last; run += last > 9 ? last / 9 : 1) {
    demand(htf_plan_spec(plan, run, &spec) == HTF_OK);
    demand(htf_spec_identity(&spec, &identity) == HTF_OK);
    for (int axis = 0; axis < htf_plan_axes(plan); axis++) {
      htf_plan_axis_text(plan, axis, htf_plan_axis_at(plan, axis, run), text, sizeof text);
    }
  }
  htf_plan_destroy(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  htf_plan *plan;
  char *text = malloc(size + 1);
  memcpy(text, data, size);
  text[size] = '\0';
  int64_t blocks = htf_memory_blocks();
  htf_status status = plan_of(text, &plan);
  demand(status == HTF_OK || (plan == NULL && htf_error_message()[0] != '\0'));
  demand(status == HTF_OK || status == HTF_E_CONFIG);
  if (status == HTF_OK) {
    check(plan);
  }
  htf_plan_destroy(&plan);
  htf_error_clear();
  demand(htf_memory_blocks() == blocks);
  free(text);
  return 0;
}

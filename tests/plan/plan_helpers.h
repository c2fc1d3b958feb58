// SPDX-License-Identifier: BSD-3-Clause
// What the tests of the plan share: files that are only described, the plan of a text and
// its specs, and texts that are no plan.
#pragma once

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "htflow/memory.h"
#include "htflow/plan.h"

// "split.h5" has a test list, "list.tns" has none, "small.tns" has three modes, "dense.h5"
// is a tensor, "dense+.h5" has lists of entries too, "dense-.h5" is for completion without
// any, "measured.h5" holds measurements; another path is no file. The context counts the
// calls.
static inline htf_status describe_file(void *context, const char *path,
                                       htf_plan_file *file) {
  htf_status status = HTF_OK;
  int *calls = context;
  *calls += 1;
  memset(file, 0, sizeof *file);
  HTF_CHECK(strchr("sldm", path[0]) != NULL, HTF_E_DATA, "%s: no such file", path);
  file->shape = (htf_shape){4, {8, 8, 8, 8}};
  file->train = 500;
  file->test = strcmp(path, "split.h5") == 0 ? 100 : 0;
  if (strcmp(path, "small.tns") == 0) {
    file->shape = (htf_shape){3, {4, 5, 6}};
    file->train = 60;
  }
  if (path[0] == 'd') {
    file->task = strpbrk(path, "+-") != NULL ? HTF_TASK_COMPLETION : HTF_TASK_FULL;
    file->train = strchr(path, '+') != NULL ? 500 : 0;
    file->test = file->train / 5;
    file->tensor = true;
  } else if (path[0] == 'm') {
    file->task = HTF_TASK_SENSING;
  }
  memset(file->digest, path[1] % 6 + 'a', HTF_DIGEST_TEXT - 1);
done:
  return status;
}

// "weights.h5" holds weights, "runs.h5" those of runs 0 and 1, of a cp the latter. The
// context counts the calls.
static inline htf_status describe_weights(void *context, const char *path, int64_t run,
                                          htf_plan_weights *weights) {
  htf_status status = HTF_OK;
  int *calls = context;
  *calls += 1;
  bool runs = strcmp(path, "runs.h5") == 0;
  HTF_CHECK(runs || strcmp(path, "weights.h5") == 0, HTF_E_DATA, "%s: no such file", path);
  HTF_CHECK(runs == (run >= 0), HTF_E_DATA, runs ? "%s: holds runs" : "%s: holds no runs",
            path);
  HTF_CHECK(run < 2, HTF_E_DATA, "%s: holds 2 runs", path);
  weights->kind = run == 1 ? HTF_FACTORIZATION_CP : HTF_FACTORIZATION_HTF;
  strcpy(weights->newick, run == 1 ? "(0,1,2,3)16;" : "((0,1)16,(2,3)16)16;");
  weights->shape = (htf_shape){4, {8, 8, 8, 8}};
  memset(weights->digest, runs ? 'a' : 'b', HTF_DIGEST_TEXT - 1);
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
                            .describe_weights = describe_weights,
                            .context = &described};
  *plan = NULL;
  return htf_plan_create(&source, plan);
}

static inline htf_plan *plan_of(const char *text) {
  htf_plan *plan;
  cr_assert(eq(int, make_plan(text, 0, NULL, &plan), HTF_OK), "%s", htf_error_message());
  return plan;
}

static inline htf_spec spec_of(const htf_plan *plan, int64_t index) {
  htf_spec spec;
  cr_assert(eq(int, htf_plan_spec(plan, index, &spec), HTF_OK), "%s", htf_error_message());
  return spec;
}

// Run `index` of a text.
static inline htf_spec run_of(const char *text, int64_t index) {
  htf_plan *plan = plan_of(text);
  htf_spec spec = spec_of(plan, index);
  htf_plan_destroy(&plan);
  return spec;
}

// Whether the first runs of two texts are the same.
static inline bool same_run(const char *one, const char *other) {
  htf_digest a, b;
  htf_spec one_spec = run_of(one, 0), other_spec = run_of(other, 0);
  cr_assert(eq(int, htf_spec_identity(&one_spec, &a), HTF_OK));
  cr_assert(eq(int, htf_spec_identity(&other_spec, &b), HTF_OK));
  return memcmp(&a, &b, sizeof a) == 0;
}

static inline void expect_round_trip(const char *text) {
  htf_plan *plan = plan_of(text), *again = plan_of(htf_plan_resolved(plan));
  cr_expect(eq(str, (char *)htf_plan_resolved(plan), (char *)htf_plan_resolved(again)));
  cr_expect(
      eq(int, memcmp(htf_plan_hash(plan), htf_plan_hash(again), sizeof(htf_digest)), 0));
  cr_assert(eq(i64, htf_plan_runs(plan), htf_plan_runs(again)));
  for (int64_t i = 0; i < htf_plan_runs(plan); i++) {
    htf_spec a = spec_of(plan, i), b = spec_of(again, i);
    htf_digest one, other;
    cr_assert(eq(int, htf_spec_identity(&a, &one), HTF_OK));
    cr_assert(eq(int, htf_spec_identity(&b, &other), HTF_OK));
    cr_expect(eq(int, memcmp(&one, &other, sizeof one), 0), "run %d", (int)i);
  }
  htf_plan_destroy(&plan);
  htf_plan_destroy(&again);
}

// The message without the lines that it shows of the file.
static inline const char *told(void) {
  static char text[32768];
  char *to = text;
  for (const char *at = htf_error_message(); *at != '\0';) {
    size_t length = strcspn(at, "\n");
    length += at[length] == '\n';
    if (at[0] != ' ') {
      memcpy(to, at, length);
      to += length;
    }
    at += length;
  }
  *to = '\0';
  if (to > text && to[-1] == '\n') {
    to[-1] = '\0';
  }
  return text;
}

static inline void expect_refusal(htf_status code, const char *text, int overrides,
                                  const char *const *override, const char *message) {
  int64_t blocks = htf_memory_blocks();
  htf_plan *plan;
  cr_expect(eq(int, make_plan(text, overrides, override, &plan), code), "%s", text);
  cr_expect(eq(str, (char *)told(), (char *)message));
  cr_expect(eq(ptr, plan, NULL));
  cr_expect(eq(i64, htf_memory_blocks(), blocks));
}

static inline void refuse(const char *text, const char *message) {
  expect_refusal(HTF_E_CONFIG, text, 0, NULL, message);
}

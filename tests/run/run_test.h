// SPDX-License-Identifier: BSD-3-Clause
// A small run for tests: completion of a planted tensor of order 3, done in milliseconds.
#pragma once

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>

#include "htflow/memory.h"
#include "htflow/run.h"

static inline void set(htf_spec *spec, const char *key, const char *text) {
  const htf_field *field = htf_spec_field(key);
  cr_assert(field != NULL, "no key %s", key);
  cr_assert(htf_spec_set(spec, field, text) == HTF_OK, "%s", htf_error_message());
}

static inline htf_spec small_spec(void) {
  htf_spec spec;
  htf_spec_defaults(&spec);
  set(&spec, "problem.shape", "[4, 5, 3]");
  set(&spec, "problem.samples", "40");
  set(&spec, "problem.test", "10");
  set(&spec, "stop.loss", "1e-4");
  strcpy(spec.problem.target_tree.newick, "((0,2)2,1)2;");
  strcpy(spec.model.tree.newick, "((0,2)6,1)6;");
  return spec;
}

// By an explicit pair of low order, from weights of size 1: past rtol 1e-3 it is not exact
// enough to conserve what the flow does.
static inline htf_spec drifting_spec(const char *rtol) {
  htf_spec spec = small_spec();
  set(&spec, "problem.noise", "0.3");
  set(&spec, "init.std", "1");
  set(&spec, "flow.method", "erk");
  set(&spec, "flow.table", "bogacki_shampine");
  set(&spec, "flow.rtol", rtol);
  set(&spec, "stop.loss", "0");
  set(&spec, "stop.time", "1e90");
  set(&spec, "stop.steps", "20000");
  strcpy(spec.model.tree.newick, "(0,1,2)6;");
  return spec;
}

static inline htf_record run_spec(const htf_spec *spec) {
  htf_run_hooks hooks = {.context = NULL};
  htf_record record;
  htf_record_init(&record);
  cr_assert(htf_run_execute(spec, &hooks, &record) == HTF_OK, "%s", htf_error_message());
  return record;
}

static inline const double *column(const htf_record *record, const char *name) {
  const htf_column *found = htf_record_find(record, name);
  cr_assert(found != NULL, "no column %s", name);
  return found->data;
}

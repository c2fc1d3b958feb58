// SPDX-License-Identifier: BSD-3-Clause
// How much memory runs hold, against what plan says of them.
#include "htflow/cost.h"
#include "run_test.h"

static htf_cost predict(const htf_spec *spec) {
  htf_cost_table *table = NULL;
  htf_cost cost;
  cr_assert(eq(int, htf_cost_table_create(&table), HTF_OK));
  cr_assert(eq(int, htf_cost_predict(table, spec, &cost), HTF_OK));
  htf_cost_table_destroy(&table);
  return cost;
}

static double held_by(const htf_spec *spec, const htf_run_hooks *hooks) {
  htf_record record;
  htf_record_init(&record);
  int64_t before = htf_memory_bytes();
  htf_status status = htf_run_execute(spec, hooks, &record);
  double bytes = (double)(htf_memory_peak() - before);
  cr_assert(status == HTF_OK, "%s", htf_error_message());
  htf_record_clear(&record);
  return bytes;
}

static void be_within(double bytes, double predicted, double factor) {
  cr_expect(predicted >= bytes && predicted <= factor * bytes, "%g bytes of %g predicted",
            bytes, predicted);
}

// Sizes are worked out; of chance are the rows that are distinct and the pairs of the
// preconditioner.
static void expect_memory(const htf_spec *spec) {
  const htf_run_hooks hooks = {.context = NULL};
  htf_cost cost = predict(spec);
  be_within(held_by(spec, &hooks), cost.usual, 2);
  cr_expect(ge(dbl, cost.bytes, cost.usual));
}

static htf_spec large_spec(const char *shape, const char *tree, const char *target) {
  htf_spec spec = small_spec();
  set(&spec, "problem.shape", shape);
  set(&spec, "problem.samples", "1024");
  set(&spec, "problem.test", "1024");
  set(&spec, "init.std", "0.1");
  set(&spec, "flow.rtol", "1e-4");
  set(&spec, "stop.steps", "200");
  strcpy(spec.model.tree.newick, tree);
  strcpy(spec.problem.target_tree.newick, target);
  return spec;
}

// One Test a process: the peak is the process'.
Test(memory, is_that_of_the_plan_at_order_4) {
  htf_spec spec = large_spec("[8, 8, 8, 8]", "((0,1)16,(2,3)16)16;", "((0,1)2,(2,3)2)2;");
  expect_memory(&spec);
}

Test(memory, is_that_of_the_plan_where_the_core_is_wide) {
  htf_spec spec = large_spec("[8, 8, 8, 8]", "((0,1)64,(2,3)64)64;", "((0,1)2,(2,3)2)2;");
  expect_memory(&spec);
}

Test(memory, is_that_of_the_plan_of_a_flat_tree) {
  htf_spec spec = large_spec("[6, 5, 7, 4]", "(0,1,2,3)12;", "(0,1,2,3)2;");
  set(&spec, "problem.samples", "400");
  set(&spec, "problem.test", "300");
  expect_memory(&spec);
}

Test(memory, is_that_of_the_plan_of_a_descent) {
  htf_spec spec = large_spec("[8, 8, 8, 8]", "((0,1)64,(2,3)64)64;", "((0,1)2,(2,3)2)2;");
  set(&spec, "flow.method", "adam");
  expect_memory(&spec);
}

Test(memory, is_that_of_the_plan_of_explicit_flow) {
  htf_spec spec = large_spec("[8, 8, 8, 8]", "((0,1)64,(2,3)64)64;", "((0,1)2,(2,3)2)2;");
  set(&spec, "flow.method", "adams");
  expect_memory(&spec);
}

// Which takes more than is usual.
Test(memory, is_at_most_that_of_the_plan_in_a_narrow_valley) {
  const htf_run_hooks hooks = {.context = NULL};
  htf_spec spec = large_spec("[8, 8, 8, 8]", "((0,1)64,(2,3)64)64;", "((0,1)2,(2,3)2)2;");
  set(&spec, "problem.samples", "512");
  set(&spec, "init.std", "0.3");
  htf_cost cost = predict(&spec);
  double bytes = held_by(&spec, &hooks);
  cr_expect(lt(dbl, cost.usual, bytes));
  be_within(bytes, cost.bytes, 2);
}

static htf_run_choice save_always(void *context) {
  (void)context;
  return HTF_RUN_SAVE;
}

static htf_status drop(void *context, const uint8_t *bytes, size_t count) {
  (void)bytes;
  *(size_t *)context = count;
  return HTF_OK;
}

// Each of which stands but once, and for a moment.
Test(memory, is_at_most_that_of_the_plan_with_checkpoints) {
  size_t count = 0;
  htf_run_hooks hooks = {.context = &count};
  htf_spec spec = large_spec("[8, 8, 8, 8]", "((0,1)64,(2,3)64)64;", "((0,1)2,(2,3)2)2;");
  set(&spec, "problem.samples", "32");
  set(&spec, "problem.test", "32");
  set(&spec, "flow.method", "adam");
  set(&spec, "flow.lr", "1e-4");
  set(&spec, "stop.steps", "1100"); // the first boundary is that of 1,000
  set(&spec, "record.singular_values", "0");
  double without = held_by(&spec, &hooks);
  hooks.boundary = save_always;
  hooks.save = drop;
  double bytes = held_by(&spec, &hooks);
  cr_assert(lt(sz, 0, count));
  cr_expect(lt(dbl, without, bytes));
  cr_expect(le(dbl, bytes, without + (double)count));
  be_within(bytes, predict(&spec).bytes, 2);
}

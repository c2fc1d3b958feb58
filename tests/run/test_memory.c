// SPDX-License-Identifier: BSD-3-Clause
// How much memory runs hold, against what plan says of them.
#include "htflow/cost.h"
#include "run_test.h"

// Sizes are worked out; of chance are the rows that are distinct and the pairs of the
// preconditioner.
static void expect_memory(const htf_spec *spec) {
  htf_cost_table *table = NULL;
  htf_cost cost;
  cr_assert(eq(int, htf_cost_table_create(&table), HTF_OK));
  cr_assert(eq(int, htf_cost_predict(table, spec, &cost), HTF_OK));
  htf_cost_table_destroy(&table);
  int64_t before = htf_memory_bytes();
  htf_record record = run_spec(spec);
  double bytes = (double)(htf_memory_peak() - before);
  cr_expect(cost.bytes >= bytes && cost.bytes <= 2 * bytes, "%s: %g bytes of %g predicted",
            spec->model.tree.newick, bytes, cost.bytes);
  htf_record_clear(&record);
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

// SPDX-License-Identifier: BSD-3-Clause
#include "htflow/cost.h"

#include <math.h>
#include <stdio.h>

#include "htflow/evaluation.h"
#include "htflow/random.h"
#include "plan_helpers.h"

static htf_cost cost_of(const char *text) {
  htf_cost_table *table;
  htf_cost cost;
  htf_spec spec = run_of(text, 0);
  cr_assert(eq(int, htf_cost_table_create(&table), HTF_OK));
  cr_assert(eq(int, htf_cost_predict(table, &spec, &cost), HTF_OK), "%s",
            htf_error_message());
  htf_cost_table_destroy(&table);
  return cost;
}

// The evaluation that a run of this text makes, at entries drawn at random.
static htf_evaluation *evaluate(const char *text, htf_model **model, htf_points **points) {
  htf_spec spec = run_of(text, 0);
  htf_random stream = htf_random_open(1, HTF_RANDOM_TEST, 1);
  htf_tree *tree;
  htf_evaluation *evaluation;
  int64_t m = (int64_t)spec.problem.samples, *indices;
  int order = spec.problem.shape.order;
  cr_assert(eq(int, htf_tree_read(spec.model.tree.newick, &tree), HTF_OK));
  cr_assert(
      eq(int, htf_model_create(HTF_MODEL_HTF, tree, spec.problem.shape.size, model), 0));
  indices = calloc((size_t)(m * order), sizeof *indices);
  for (int64_t i = 0; i < m * order; i++) {
    indices[i] = htf_random_index(&stream, spec.problem.shape.size[i % order]);
  }
  if (spec.problem.task == HTF_TASK_FULL) {
    cr_assert(eq(int, htf_points_create_all(tree, spec.problem.shape.size, points), 0));
  } else {
    cr_assert(eq(int, htf_points_create(tree, spec.problem.shape.size, m, indices, points),
                 HTF_OK));
  }
  free(indices);
  htf_tree_destroy(&tree);
  cr_assert(
      eq(int, htf_evaluation_create(*model, *points, HTF_USE_HESSIAN, &evaluation), 0));
  return evaluation;
}

// The evaluation counts its matrix products alone, the prediction what stands between them
// and at the root too, up to three times as much; rows are distinct by chance.
Test(cost, sizes_are_those_of_the_evaluation) {
  const char *cases[] = {
      "",
      "problem: {shape: [8, 8, 8, 8, 8, 8], samples: 4000}\nmodel: {width: 24}\n",
      "problem: {shape: [16, 16, 16, 16], samples: 2048}\nmodel: {width: 64}\n",
      "problem: {shape: [2, 2, 2, 2, 2, 2, 2, 2], samples: 50, test: 0}\n",
      "problem: {task: full, shape: [6, 7, 8, 9]}\n",
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    htf_model *model;
    htf_points *points;
    htf_evaluation *evaluation = evaluate(cases[i], &model, &points);
    htf_cost cost = cost_of(cases[i]);
    double flops = cost.gradient / htf_evaluation_flops(evaluation);
    cr_expect(eq(i64, cost.parameters, htf_model_parameters(model)));
    cr_expect(flops > 0.8 && flops < 4, "%s: %g of the operations", cases[i], flops);
    htf_evaluation_destroy(&evaluation);
    htf_points_destroy(&points);
    htf_model_destroy(&model);
  }
}

Test(cost, each_size_is_worked_out_once) {
  htf_plan *plan = plan_of("axes:\n"
                           "  - {key: init.std, linear: [0.01, 0.1, 30]}\n"
                           "  - {key: model.width, range: [1, 40, 1]}\n");
  htf_cost_table *table;
  cr_assert(eq(int, htf_cost_table_create(&table), HTF_OK));
  for (int64_t run = 0; run < htf_plan_runs(plan); run++) {
    htf_spec spec = spec_of(plan, run);
    htf_cost cost;
    cr_assert(eq(int, htf_cost_predict(table, &spec, &cost), HTF_OK));
    cr_expect(eq(int, cost.size, (int)(run % 40)));
    cr_expect(cost.parameters == 32 * spec.model.width +
                                     2 * spec.model.width * spec.model.width +
                                     spec.model.width);
  }
  cr_expect(eq(int, htf_cost_table_sizes(table), 40));
  htf_cost_table_destroy(&table);
  htf_plan_destroy(&plan);
}

Test(cost, counts_follow_method_tolerance_start_and_bounds) {
  htf_cost plain = cost_of(""), smaller = cost_of("init: {std: 0.001}\n"),
           looser = cost_of("flow: {rtol: 1e-3}\n"),
           short_one = cost_of("stop: {steps: 10}\n"),
           descent = cost_of("flow: {method: gd}\nstop: {steps: 50}\n"),
           explicit_one = cost_of("flow: {method: erk}\n");
  cr_expect(plain.gradients > 100 && plain.gradients < 10000);
  cr_expect(plain.products > 0);
  cr_expect(smaller.gradients > plain.gradients);
  cr_expect(looser.gradients < plain.gradients);
  cr_expect(short_one.gradients <= 25 && short_one.steps <= 10);
  cr_expect(epsilon_eq(dbl, descent.gradients, 50, 0));
  cr_expect(epsilon_eq(dbl, descent.products, 0, 0));
  cr_expect(explicit_one.gradients > plain.gradients);
  cr_expect(htf_cost_flops(&plain) > htf_cost_flops(&looser));
}

// One worker after another is looked at: the plain way.
static double slow_makespan(const double *seconds, int runs, int workers) {
  double free_at[64] = {0}, last = 0;
  for (int i = 0; i < runs; i++) {
    int first = 0;
    for (int w = 1; w < workers; w++) {
      first = free_at[w] < free_at[first] ? w : first;
    }
    free_at[first] += seconds[i];
    last = fmax(last, free_at[first]);
  }
  return last;
}

Test(cost, makespan_is_that_of_workers_taking_runs_in_turn) {
  htf_random stream = htf_random_open(1, HTF_RANDOM_TEST, 2);
  double seconds[500], makespan, sum = 0;
  for (int i = 0; i < 500; i++) {
    seconds[i] = htf_random_uniform(&stream);
    sum += seconds[i];
  }
  const int workers[] = {1, 2, 3, 7, 64};
  for (int i = 0; i < 5; i++) {
    cr_assert(eq(int, htf_cost_makespan(seconds, 500, workers[i], &makespan), HTF_OK));
    double slow = slow_makespan(seconds, 500, workers[i]);
    cr_expect(epsilon_eq(dbl, makespan, slow, 1e-9));
    cr_expect(ge(dbl, makespan, sum / workers[i] - 1e-9));
  }
  cr_assert(eq(int, htf_cost_makespan(seconds, 500, 1000, &makespan), HTF_OK));
  double longest = 0;
  for (int i = 0; i < 500; i++) {
    longest = fmax(longest, seconds[i]);
  }
  cr_expect(epsilon_eq(dbl, makespan, longest, 0), "more workers than runs");
  cr_assert(eq(int, htf_cost_makespan(seconds, 0, 4, &makespan), HTF_OK));
  cr_expect(epsilon_eq(dbl, makespan, 0, 0));
}

Test(cost, rows_grow_slowly_beyond_the_points_kept) {
  htf_spec spec = run_of("record: {points: 100}\n", 0);
  htf_cost cost = {.steps = 50};
  cr_expect(epsilon_eq(dbl, htf_cost_rows(&spec, &cost), 51, 0));
  cost.steps = 399;
  cr_expect(epsilon_eq(dbl, htf_cost_rows(&spec, &cost), 200, 0), "two doublings");
  spec.record.every = 10;
  cr_expect(epsilon_eq(dbl, htf_cost_rows(&spec, &cost), 41.9, 1e-9));
}

Test(cost, nothing_is_left_on_the_heap) {
  int64_t blocks = htf_memory_blocks();
  cost_of("");
  cr_expect(eq(i64, htf_memory_blocks(), blocks));
}

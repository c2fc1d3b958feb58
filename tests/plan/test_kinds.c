// SPDX-License-Identifier: BSD-3-Clause
// What each task, model, start, loss and method becomes in a spec.
#include <stdio.h>

#include "plan_helpers.h"

static const char square[] = "problem: {shape: [4, 4], samples: 8, test: 0}\n";

static htf_spec square_of(const char *rest) {
  char text[400];
  snprintf(text, sizeof text, "%s%s", square, rest);
  return run_of(text, 0);
}

Test(kinds, sensing_takes_any_number_of_measurements) {
  htf_spec spec = run_of("problem: {task: sensing, shape: [2, 3], samples: 5000}", 0);
  cr_expect(eq(int, spec.problem.task, HTF_TASK_SENSING));
  cr_expect(epsilon_eq(dbl, spec.problem.samples, 5000, 0));
  cr_expect(epsilon_eq(dbl, spec.problem.test, 1024, 0));
  spec = run_of("problem: {task: sensing, shape: [2147483647, 2147483647, 2147483647],\n"
                "          samples: 7, test: 0, input_std: 1}",
                0);
  cr_expect(epsilon_eq(dbl, spec.problem.samples, 7, 0), "whatever the size");
  cr_expect(epsilon_eq(dbl, spec.problem.test, 0, 0));
  cr_expect(epsilon_eq(dbl, spec.problem.input_std, 1, 0));
}

Test(kinds, full_trains_on_all_entries_and_holds_out_none) {
  htf_spec spec = run_of("problem: {task: full, shape: [3, 5, 7], test: 10}", 0);
  cr_expect(eq(int, spec.problem.task, HTF_TASK_FULL));
  cr_expect(epsilon_eq(dbl, spec.problem.samples, 105, 0));
  cr_expect(epsilon_eq(dbl, spec.problem.test, 0, 0));
}

Test(kinds, completion_is_the_task_that_is_not_named) {
  cr_expect(eq(int, run_of("", 0).problem.task, HTF_TASK_COMPLETION));
  cr_expect(same_run("", "problem: {task: completion}"));
  htf_plan *plan =
      plan_of("axes: [{key: problem.task, values: [completion, sensing, full]}]");
  cr_expect(epsilon_eq(dbl, spec_of(plan, 0).problem.samples, 1024, 0));
  cr_expect(epsilon_eq(dbl, spec_of(plan, 1).problem.samples, 1024, 0));
  cr_expect(epsilon_eq(dbl, spec_of(plan, 2).problem.samples, 4096, 0));
  htf_plan_destroy(&plan);
}

Test(kinds, cp_is_flat_of_its_width) {
  htf_spec spec = run_of("model: {kind: cp, width: 7}", 0);
  cr_expect(eq(int, spec.model.kind, HTF_FACTORIZATION_CP));
  cr_expect(eq(str, spec.model.tree.newick, "(0,1,2,3)7;"));
  cr_expect(eq(str, spec.model.tree.label, "flat"));
  cr_expect(same_run("model: cp", "model: {kind: cp, tree: flat}"));
  cr_expect(same_run("model: cp", "model: {kind: cp, tree: {arity: 4}}"));
  cr_expect(same_run("model: cp", "model: {kind: cp, tree: '(0,1,2,3)16;'}"));
  cr_expect(not(same_run("model: cp", "model: {tree: flat}")),
            "its output weights are ones");
}

Test(kinds, mf_is_a_chain_of_its_depth) {
  const char *chain[] = {"(0,1)5;", "((0)5,1)5;", "(((0)5)5,1)5;"};
  for (int depth = 2; depth <= 4; depth++) {
    char text[100];
    snprintf(text, sizeof text, "model: {kind: mf, width: 5, depth: %d}", depth);
    htf_spec spec = square_of(text);
    cr_expect(eq(int, spec.model.kind, HTF_FACTORIZATION_MF));
    cr_expect(eq(str, spec.model.tree.newick, (char *)chain[depth - 2]));
  }
  cr_expect(eq(str, square_of("model: {kind: mf, width: 5}").model.tree.newick,
               (char *)chain[1]));
  cr_expect(
      eq(int,
         (int)strlen(
             square_of("model: {kind: mf, width: 1000000, depth: 64}").model.tree.newick),
         63 * 9 + 4),
      "the longest chain fits");
}

Test(kinds, the_kind_of_a_model_is_part_of_its_identity) {
  htf_spec mf = square_of("model: {kind: mf, depth: 2}"), cp = square_of("model: cp"),
           htf = square_of("model: {tree: flat}");
  cr_expect(eq(str, mf.model.tree.newick, cp.model.tree.newick));
  htf_digest a, b, c;
  cr_assert(eq(int, htf_spec_identity(&mf, &a), HTF_OK));
  cr_assert(eq(int, htf_spec_identity(&cp, &b), HTF_OK));
  cr_assert(eq(int, htf_spec_identity(&htf, &c), HTF_OK));
  cr_expect(ne(int, memcmp(&a, &b, sizeof a), 0));
  cr_expect(ne(int, memcmp(&b, &c, sizeof a), 0));
}

Test(kinds, models_of_different_kinds_share_a_sweep) {
  htf_plan *plan =
      plan_of("problem: {shape: [4, 4], samples: 8, test: 0}\n"
              "axes: [{key: model, values: [{tree: binary}, cp, {kind: mf, depth: 4}]},\n"
              "       {key: model.width, values: [2, 3]}]");
  cr_expect(eq(str, spec_of(plan, 1).model.tree.newick, "(0,1)3;"));
  cr_expect(eq(str, spec_of(plan, 3).model.tree.newick, "(0,1)3;"));
  cr_expect(eq(int, spec_of(plan, 3).model.kind, HTF_FACTORIZATION_CP));
  cr_expect(eq(str, spec_of(plan, 4).model.tree.newick, "(((0)2)2,1)2;"));
  htf_plan_destroy(&plan);
}

Test(kinds, starts_losses_and_methods_are_as_given) {
  htf_spec spec = run_of("init: {kind: unbalanced, std: 0.5, mean: -0.25, unbalance: 2,\n"
                         "       width_exponent: 1}\n"
                         "loss: {kind: huber, delta: 0.5}\n"
                         "flow: {method: erk, table: bogacki_shampine}\n"
                         "record: {singular_values: 3, weights: first}\n",
                         0);
  cr_expect(eq(int, spec.init.kind, HTF_INIT_UNBALANCED));
  cr_expect(epsilon_eq(dbl, spec.init.mean, -0.25, 0));
  cr_expect(epsilon_eq(dbl, spec.init.unbalance, 2, 0));
  cr_expect(epsilon_eq(dbl, spec.init.width_exponent, 1, 0));
  cr_expect(eq(int, spec.loss.kind, HTF_LOSS_HUBER));
  cr_expect(epsilon_eq(dbl, spec.loss.delta, 0.5, 0));
  cr_expect(eq(int, spec.flow.method, HTF_METHOD_ERK));
  cr_expect(eq(int, spec.flow.table, HTF_TABLE_BOGACKI_SHAMPINE));
  cr_expect(eq(i64, spec.record.singular_values, 3));
  cr_expect(eq(int, spec.record.weights, HTF_KEEP_FIRST));
  spec = run_of("flow: {method: momentum, lr: 0.1, beta: 0.5}\nloss: l1", 0);
  cr_expect(eq(int, spec.flow.method, HTF_METHOD_MOMENTUM));
  cr_expect(epsilon_eq(dbl, spec.flow.beta, 0.5, 0));
}

Test(kinds, samples_every_so_many_steps_have_two_spellings) {
  const char *one = "flow: {method: gd}\nrecord: {every: 100}";
  cr_expect(eq(i64, run_of(one, 0).record.every, 100));
  cr_expect(same_run(one, "flow: {method: gd}\nrecord: {descent: {every: 100}}"));
  cr_expect(same_run(one, "flow: {method: gd}\nrecord.descent: {every: 100}"));
  cr_expect(same_run(one, "flow: {method: gd}\nrecord.descent.every: 100"));
  cr_expect(same_run(one, "flow: {method: gd}\n"
                          "axes: [{key: record.descent.every, values: [100]}]"));
  cr_expect(same_run(one, "axes: [{key: flow.method, values: [adam]}]\n"
                          "record: {descent: {every: 100}}") == false);
}

Test(kinds, defaults_written_out_are_no_other_run) {
  cr_expect(same_run("", "problem: {input_std: 0}\n"
                         "model: {kind: htf, depth: 3, tree: binary}\n"
                         "init: {mean: 0, width_exponent: 0, unbalance: 0, file: '', run: "
                         "-1}\n"
                         "loss: {kind: l2, delta: 1}\n"
                         "flow: {beta: 0.9, table: dormand_prince}\n"
                         "record: {every: 0, singular_values: 10}\n"));
}

Test(kinds, the_resolved_text_gives_the_same_plan) {
  expect_round_trip("problem: {task: full}");
  expect_round_trip("problem: {task: full, test: 3}");
  expect_round_trip("problem: {task: sensing, samples: 10}");
  expect_round_trip("axes: [{key: problem.task, values: [completion, sensing, full]}]");
  expect_round_trip("model: cp");
  expect_round_trip("problem: {shape: [4, 4], samples: 4, test: 0}\nmodel: {kind: mf}");
  expect_round_trip("axes: [{key: model, values: [{tree: binary, width: 3}, cp]}]");
  expect_round_trip("axes: [{key: model.kind, values: [htf, cp]}, {seeds: 2}]");
  expect_round_trip(
      "flow: {method: gd}\naxes: [{key: record.descent.every, values: [1, 2]}]");
  expect_round_trip("flow: {method: gd}\n"
                    "axes: [{key: record, values: [{descent: {every: 3}, points: 5}]}]");
  expect_round_trip("init: {kind: file, file: weights.h5}");
  expect_round_trip("axes: [{key: init, values: [balanced, {kind: file, file: runs.h5, "
                    "run: 0}]}]");
  expect_round_trip("problem: {file: dense.h5}");
  expect_round_trip("problem: {file: dense+.h5, task: sensing}");
  expect_round_trip("problem: {file: dense.h5, task: completion, samples: 0.5}");
  expect_round_trip("axes: [{key: problem, values: [{file: dense.h5}, {task: full}, {}]}]");
}

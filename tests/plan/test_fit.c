// SPDX-License-Identifier: BSD-3-Clause
// Keys that do not fit together, on whatever axes they are.
#include <stdio.h>

#include "plan_helpers.h"

// ---- trees, shapes and samples ---------------------------------------------------------

Test(fit, every_combination_of_tree_and_shape_is_checked) {
  refuse(
      "problem: {samples: 9, test: 1}\n"
      "axes:\n"
      "- {key: problem.shape, values: [[4, 4, 4], [4, 4]]}\n"
      "- {seeds: 1000000}\n"
      "- {key: model.tree, values: [binary, \"((0,1),2);\"]}\n",
      "sweep.yaml:5:38: model.tree \"((0,1),2);\" over 2 modes: the tree has 3 modes, the "
      "shape 2");
  refuse(
      "model: {tree: {arity: 3, pattern: half}}",
      "sweep.yaml:1:15: model.tree \"arity 3 half\" over 4 modes: arity 3 in pattern half "
      "does not fit 4 modes; arities that fit: 2, 4");
  refuse(
      "problem: {target: {tree: {depth: 3}}}",
      "sweep.yaml:1:26: problem.target.tree \"depth 3\" over 4 modes: no tree of depth 3 "
      "in pattern adjacent over 4 modes; depths that fit: 2, 1");
}

Test(fit, samples_must_be_there) {
  refuse("problem:\n  shape: [4, 4]\n  samples: 10\n  test: 0.5\n",
         "sweep.yaml:3:12: 10 training and 8 held-out samples, but [4, 4] has 16");
  refuse(
      "problem: {shape: [4, 4, 4, 4]}",
      "sweep.yaml:1:18: 1024 training and 1024 held-out samples, but [4, 4, 4, 4] has 256");
  refuse("problem: {shape: [4, 4], samples: 0.01, test: 1}",
         "sweep.yaml:1:35: no training samples: [4, 4] has 16, 1 held out");
  refuse("axes: [{key: problem.samples, values: [10, 4000]}]",
         "sweep.yaml:1:44: 4000 training and 1024 held-out samples, but [8, 8, 8, 8] has "
         "4096");
  refuse("problem: {shape: [2147483647, 2147483647, 2147483647]}",
         "sweep.yaml:1:18: a tensor of 9.90352e+27 entries cannot be sampled");
}

Test(fit, combinations_to_check_have_a_limit) {
  refuse("axes: [{key: problem.samples, range: [1, 2000, 1]},\n"
         "       {key: problem.test, range: [1, 2000, 1]}]",
         "sweep.yaml:1:38: the axes that touch problem.samples have more than 1048576 "
         "combinations to check");
}

Test(fit, what_is_measured_is_counted_not_shared) {
  const char *of_what =
      "a fraction of what? sensing draws any number of measurements: give "
      "a count";
  char message[400];
  snprintf(message, sizeof message,
           "sweep.yaml:1:35: problem.samples is 0.5, %s\n"
           "sweep.yaml:1:46: problem.test is 0.25, %s",
           of_what, of_what);
  refuse("problem: {task: sensing, samples: 0.5, test: 0.25}", message);
  snprintf(message, sizeof message, "sweep.yaml:2:35: problem.samples is 0.5, %s", of_what);
  refuse("axes: [{key: problem.task, values: [completion, sensing]},\n"
         "  {key: problem.samples, values: [0.5, 100]}]",
         message);
  refuse("problem: {task: sensing, samples: 0}", "sweep.yaml:1:35: no training samples");
}

Test(fit, all_entries_are_not_sampled) {
  const char *message =
      "problem.samples has no meaning with problem.task full, which trains "
      "on every entry once";
  char text[400];
  snprintf(text, sizeof text, "sweep.yaml:1:32: %s", message);
  refuse("problem: {task: full, samples: 10}", text);
  snprintf(text, sizeof text, "sweep.yaml:1:20: %s", message);
  refuse("problem: {samples: 10}\naxes: [{key: problem.task, values: [completion, full]}]",
         text);
  snprintf(text, sizeof text, "sweep.yaml:2:38: %s", message);
  refuse("problem.task: full\naxes: [{key: problem.samples, range: [1, 3, 1]}]", text);
  refuse("problem: {task: full, shape: [2147483647, 2147483647, 2147483647]}",
         "sweep.yaml:1:30: a tensor of 9.90352e+27 entries cannot be gone through");
}

// ---- models ----------------------------------------------------------------------------

Test(fit, cp_has_a_flat_tree) {
  refuse(
      "model: {kind: cp, tree: binary}",
      "sweep.yaml:1:25: model.tree \"binary\" over 4 modes: model.kind cp has a flat tree");
  refuse("model: {tree: \"((0,1),2,3)2;\"}\naxes: [{key: model.kind, values: [htf, cp]}]",
         "sweep.yaml:1:15: model.tree \"((0,1),2,3)2;\" over 4 modes: model.kind cp has a "
         "flat tree");
  refuse("model: {kind: cp}\naxes: [{key: model.tree, values: [flat, {depth: 2}]}]",
         "sweep.yaml:2:41: model.tree \"depth 2\" over 4 modes: model.kind cp has a flat "
         "tree");
}

Test(fit, mf_has_two_modes_and_no_tree) {
  refuse("model: {kind: mf}",
         "sweep.yaml:1:15: model.kind mf is a product of matrices: of 2 modes");
  refuse("problem: {shape: [4, 4], samples: 8, test: 0}\n"
         "model: {kind: mf, tree: flat}",
         "sweep.yaml:2:25: model.kind mf has no tree, but model.depth");
  refuse("problem: {samples: 4, test: 0}\nmodel: mf\n"
         "axes: [{key: problem.shape, values: [[4, 4], [4, 4, 4]]}]",
         "sweep.yaml:2:8: model.kind mf is a product of matrices: of 2 modes");
}

// ---- starts ----------------------------------------------------------------------------

Test(fit, weights_from_a_file_want_kind_and_file) {
  const char *together = "init.file has no meaning without init.kind file; on an axis both "
                         "go together: {key: init, values: [{kind: file, file: ..}, ..]}";
  const char *missing = "init.kind file wants init.file, the weights to start from";
  char text[400];
  snprintf(text, sizeof text, "sweep.yaml:1:14: %s", together);
  refuse("init: {file: weights.h5}", text);
  snprintf(text, sizeof text, "sweep.yaml:2:38: %s", together);
  refuse("init: {kind: balanced}\naxes: [{key: init.file, values: ['', \"weights.h5\"]}]",
         text);
  snprintf(text, sizeof text, "sweep.yaml:1:14: %s", missing);
  refuse("init: {kind: file}", text);
  snprintf(text, sizeof text, "sweep.yaml:1:44: %s", missing);
  refuse("axes: [{key: init.kind, values: [balanced, file]}]", text);
}

// ---- losses, methods and records -------------------------------------------------------

Test(fit, a_method_of_many_steps_cannot_follow_l1) {
  const char *why =
      "its gradient jumps where an error is zero, and an implicit or multistep "
      "method cannot follow it; take huber, or erk or a descent";
  char text[800];
  snprintf(text, sizeof text,
           "sweep.yaml:1:7: loss.kind l1 does not go with flow.method bdf: %s", why);
  refuse("loss: l1", text);
  snprintf(text, sizeof text,
           "sweep.yaml:1:14: loss.kind l1 does not go with flow.method adams: %s", why);
  refuse("loss: {kind: l1}\nflow: {method: adams}", text);
  snprintf(text, sizeof text,
           "sweep.yaml:2:38: loss.kind l1 does not go with flow.method bdf: %s\n"
           "sweep.yaml:2:38: loss.kind l1 does not go with flow.method adams: %s",
           why, why);
  refuse("axes: [{key: flow.method, values: [gd, bdf, erk, adams]},\n"
         "       {key: loss.kind, values: [l2, l1, huber]}]",
         text);
}

static void refuse_every(const char *text, const char *place, const char *method) {
  char message[400];
  snprintf(message, sizeof message,
           "sweep.yaml:%s: record.every counts the steps of a descent, which all have one "
           "length; those of flow.method %s do not: take record.points and record.spacing",
           place, method);
  refuse(text, message);
}

Test(fit, descents_alone_are_recorded_by_steps) {
  refuse_every("record: {every: 5}\nflow: {method: bdf}", "1:17", "bdf");
  refuse_every("record: {every: 5}\nflow: {method: adams}", "1:17", "adams");
  refuse_every("record: {every: 5}\nflow: {method: erk}", "1:17", "erk");
  refuse_every("axes: [{key: record.every, values: [0, 100]},\n"
               "       {key: flow, values: [{lr: 1}, {method: gd}]}]",
               "1:40", "bdf");
  refuse_every("record: {descent: {every: 100}}", "1:27", "bdf");
}

// ---- what stays allowed ----------------------------------------------------------------

Test(fit, keys_that_a_kind_ignores_may_stand_beside_it) {
  htf_plan *plan = plan_of("problem: {input_std: 1}\n"
                           "model: {depth: 5}\n"
                           "init: {unbalance: 1, run: 3, mean: 0.5}\n"
                           "loss: {delta: 3}\n"
                           "flow: {beta: 0.5, table: cash_karp, lr: 3}\n"
                           "record: {every: 0}\n");
  cr_expect(eq(i64, htf_plan_runs(plan), 1));
  htf_plan_destroy(&plan);
}

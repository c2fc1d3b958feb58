// SPDX-License-Identifier: BSD-3-Clause
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>

#include "plan_helpers.h"

static void expect_counts(const char *text, double samples, double test) {
  htf_spec spec = run_of(text, 0);
  cr_expect(epsilon_eq(dbl, spec.problem.samples, samples, 0), "%s", text);
  cr_expect(epsilon_eq(dbl, spec.problem.test, test, 0), "%s", text);
}

Test(files, a_file_gives_shape_counts_and_digest) {
  htf_spec spec = run_of("problem: {file: split.h5}", 0);
  cr_expect(eq(int, spec.problem.shape.order, 4));
  cr_expect(eq(str, spec.problem.target_tree.newick, ""), "no target is planted");
  cr_expect(eq(int, (int)strlen(spec.problem.file_digest), HTF_DIGEST_TEXT - 1));
  expect_counts("problem: {file: split.h5}", 500, 100);
}

Test(files, a_file_of_one_list_is_split_as_asked) {
  expect_counts("problem: {file: list.tns}", 500, 0);
  expect_counts("problem: {file: list.tns, test: 50}", 450, 50);
  expect_counts("problem: {file: list.tns, test: 0.2}", 400, 100);
  expect_counts("problem: {file: list.tns, test: 0.2, samples: 0.5}", 250, 100);
  expect_counts("problem: {file: list.tns, samples: 7}", 7, 0);
}

Test(files, what_the_file_says_must_not_be_said_again) {
  refuse("problem: {file: list.tns, shape: [8, 8, 8, 8]}",
         "sweep.yaml:1:34: problem.shape has no meaning with problem.file");
  refuse("problem: {file: list.tns, target: {width: 3}}",
         "sweep.yaml:1:43: problem.target.width has no meaning with problem.file");
  refuse("problem: {file: split.h5, samples: 5, test: 0.5}",
         "sweep.yaml:1:36: problem.samples has no meaning with problem.file, which has a "
         "test list\n"
         "sweep.yaml:1:45: problem.test has no meaning with problem.file, which has a test "
         "list");
  refuse("problem: {file: list.tns}\naxes: [{key: problem.target, values: [cp]}]",
         "sweep.yaml:2:39: problem.target.kind has no meaning with problem.file");
}

Test(files, an_axis_of_files_gives_each_run_its_own) {
  const char *text =
      "axes: [{key: problem.file, values: [small.tns, split.h5]}, {seeds: 2}]";
  htf_spec spec = run_of(text, 1);
  cr_expect(eq(int, spec.problem.shape.order, 3));
  cr_expect(eq(str, spec.model.tree.newick, "((0,1)16,2)16;"));
  spec = run_of(text, 2);
  cr_expect(eq(int, spec.problem.shape.order, 4));
  cr_expect(eq(str, spec.model.tree.newick, "((0,1)16,(2,3)16)16;"));
}

Test(files, planted_and_loaded_problems_can_share_a_sweep) {
  const char *text = "axes: [{key: problem, values: [{file: small.tns},\n"
                     "  {shape: [4, 4], samples: 9, test: 2, target: cp}]}]";
  cr_expect(eq(str, run_of(text, 0).problem.target_tree.newick, ""));
  htf_spec spec = run_of(text, 1);
  cr_expect(eq(str, spec.problem.target_tree.newick, "(0,1)2;"));
  cr_expect(eq(str, spec.problem.file_digest, ""));
}

Test(files, each_file_is_asked_for_once) {
  described = 0;
  htf_plan *plan =
      plan_of("axes: [{seeds: 9}, {key: problem.file, values: [list.tns, small.tns]},\n"
              "       {key: problem.test, values: [1, 2, 3]}]");
  cr_expect(eq(int, described, 2));
  htf_plan_destroy(&plan);
}

Test(files, identity_is_of_the_content_not_of_the_path) {
  htf_digest a, b, c;
  htf_spec one = run_of("problem: {file: list.tns}", 0);
  htf_spec same = run_of("problem: {file: lives.elsewhere.tns}", 0);
  htf_spec other = run_of("problem: {file: large.tns}", 0);
  cr_assert(eq(int, htf_spec_identity(&one, &a), HTF_OK));
  cr_assert(eq(int, htf_spec_identity(&same, &b), HTF_OK));
  cr_assert(eq(int, htf_spec_identity(&other, &c), HTF_OK));
  cr_expect(eq(int, memcmp(&a, &b, sizeof a), 0));
  cr_expect(ne(int, memcmp(&a, &c, sizeof a), 0));
}

static char digest_letter;

static htf_status describe_changing(void *context, const char *path, htf_plan_file *file) {
  htf_status status = describe_file(context, path, file);
  memset(file->digest, digest_letter, HTF_DIGEST_TEXT - 1);
  return status;
}

Test(files, the_plan_hash_knows_the_content) {
  htf_digest hash[2];
  for (int i = 0; i < 2; i++) {
    htf_plan *plan;
    htf_plan_source source = {.name = "s",
                              .text = "problem: {file: list.tns}",
                              .describe = describe_changing,
                              .context = &described};
    digest_letter = (char)('a' + i);
    cr_assert(eq(int, htf_plan_create(&source, &plan), HTF_OK));
    hash[i] = *htf_plan_hash(plan);
    htf_plan_destroy(&plan);
  }
  cr_expect(ne(int, memcmp(&hash[0], &hash[1], sizeof hash[0]), 0));
}

Test(files, a_file_that_cannot_be_read_is_told_with_its_place) {
  expect_refusal(HTF_E_DATA, "seed: 1\nproblem:\n  file: nowhere.h5\n", 0, NULL,
                 "sweep.yaml:3:9: nowhere.h5: no such file");
  htf_plan *plan;
  htf_plan_source source = {.name = "sweep.yaml", .text = "problem: {file: list.tns}"};
  cr_expect(eq(int, htf_plan_create(&source, &plan), HTF_E_CONFIG));
  cr_expect(eq(str, (char *)told(),
               "sweep.yaml:1:17: problem.file: data files cannot be read here"));
}

Test(files, a_split_that_leaves_nothing_is_refused) {
  refuse("problem: {file: small.tns, test: 60}",
         "sweep.yaml:1:34: no training samples: small.tns has 60, 60 held out");
  refuse("problem: {file: small.tns, test: 20, samples: 41}",
         "sweep.yaml:1:47: 41 training and 20 held-out samples, but small.tns has 60");
}

// ---- what a file holds -----------------------------------------------------------------

Test(files, a_file_gives_the_task) {
  htf_spec spec = run_of("problem: {file: measured.h5, test: 0.1}", 0);
  cr_expect(eq(int, spec.problem.task, HTF_TASK_SENSING));
  cr_expect(epsilon_eq(dbl, spec.problem.samples, 450, 0), "a fraction of its list");
  spec = run_of("problem: {file: dense.h5}", 0);
  cr_expect(eq(int, spec.problem.task, HTF_TASK_FULL));
  cr_expect(epsilon_eq(dbl, spec.problem.samples, 4096, 0));
  cr_expect(epsilon_eq(dbl, spec.problem.test, 0, 0));
  cr_expect(same_run("problem: {file: dense.h5}", "problem: {file: dense.h5, task: full}"));
}

Test(files, a_dense_tensor_serves_every_task) {
  htf_spec spec = run_of("problem: {file: dense.h5, task: completion, samples: 0.25}", 0);
  cr_expect(eq(int, spec.problem.task, HTF_TASK_COMPLETION));
  cr_expect(epsilon_eq(dbl, spec.problem.samples, 1024, 0));
  cr_expect(epsilon_eq(dbl, spec.problem.test, 0, 0));
  spec = run_of("problem: {file: dense.h5, task: sensing, samples: 9999}", 0);
  cr_expect(eq(int, spec.problem.task, HTF_TASK_SENSING));
  cr_expect(epsilon_eq(dbl, spec.problem.samples, 9999, 0));
  cr_expect(epsilon_eq(dbl, spec.problem.test, 1024, 0), "the default");
}

Test(files, a_tensor_beside_lists_is_for_other_tasks) {
  expect_counts("problem: {file: dense+.h5}", 500, 100);
  expect_counts("problem: {file: dense+.h5, task: full}", 4096, 0);
  expect_counts("problem: {file: dense+.h5, task: sensing, samples: 7, test: 3}", 7, 3);
  expect_counts("problem: {file: dense-.h5, samples: 7, test: 0.5}", 7, 2048);
  refuse("problem: {file: dense+.h5, samples: 7}",
         "sweep.yaml:1:37: problem.samples has no meaning with problem.file, which has a "
         "test list");
}

Test(files, samples_serve_the_task_they_were_taken_for) {
  refuse("problem: {task: sensing, file: list.tns}",
         "sweep.yaml:1:17: problem.task is sensing, but list.tns holds samples of "
         "completion, and no tensor to take others from");
  refuse("problem: {file: measured.h5}\n"
         "axes: [{key: problem.task, values: [sensing, completion, full]}]",
         "sweep.yaml:2:46: problem.task is completion, but measured.h5 holds samples of "
         "sensing, and no tensor to take others from\n"
         "sweep.yaml:2:58: problem.task is full, but measured.h5 holds samples of sensing, "
         "and no tensor to take others from");
  refuse("problem: {file: dense.h5, samples: 100}",
         "sweep.yaml:1:36: problem.samples has no meaning with problem.task full, which "
         "trains on every entry once");
}

// ---- weights files ---------------------------------------------------------------------

Test(files, a_run_can_start_from_weights_of_its_own_tree) {
  htf_spec spec = run_of("init: {kind: file, file: weights.h5}", 0);
  cr_expect(eq(int, spec.init.kind, HTF_INIT_FILE));
  cr_expect(eq(i64, spec.init.run, -1));
  cr_expect(eq(int, spec.init.file_digest[0], 'b'));
  const char *text = "init: {kind: file, file: runs.h5}\n"
                     "axes: [{key: model, values: [{tree: binary}]}, {seeds: 3},\n"
                     "       {key: init.run, values: [0]}]";
  spec = run_of(text, 0); // seeds draw nothing
  cr_expect(eq(i64, spec.init.run, 0));
  cr_expect(eq(int, spec.init.file_digest[0], 'a'));
  expect_round_trip(text);
}

Test(files, weights_of_another_tree_shape_or_root_are_refused) {
  const char *are = "init.file weights.h5 holds weights of htf \"((0,1)16,(2,3)16)16;\" "
                    "over [8, 8, 8, 8], the model is";
  char text[500];
  snprintf(text, sizeof text,
           "sweep.yaml:2:26: %s htf \"((0,1)4,(2,3)4)4;\" over [8, 8, 8, 8]", are);
  refuse("model: {width: 4}\ninit: {kind: file, file: weights.h5}", text);
  snprintf(text, sizeof text,
           "sweep.yaml:2:26: %s htf \"((0,1)16,(2,3)16)16;\" over [8, 8, 8, 9]", are);
  refuse("problem: {shape: [8, 8, 8, 9]}\ninit: {kind: file, file: weights.h5}", text);
  snprintf(text, sizeof text, "sweep.yaml:1:58: %s htf \"(0,1,2,3)16;\" over [8, 8, 8, 8]",
           are);
  refuse("axes: [{key: init, values: [gaussian, {kind: file, file: weights.h5}]},\n"
         "       {key: model.tree, values: [binary, flat]}]",
         text);
  refuse("axes: [{key: init.run, values: [0, 1]}]\ninit: {kind: file, file: runs.h5}",
         "sweep.yaml:2:26: init.file runs.h5 holds weights of cp \"(0,1,2,3)16;\" over "
         "[8, 8, 8, 8], the model is htf \"((0,1)16,(2,3)16)16;\" over [8, 8, 8, 8]");
  refuse("model: {tree: flat}\ninit: {kind: file, file: runs.h5, run: 1}",
         "sweep.yaml:2:26: init.file runs.h5 holds weights of cp \"(0,1,2,3)16;\" over "
         "[8, 8, 8, 8], the model is htf \"(0,1,2,3)16;\" over [8, 8, 8, 8]");
}

Test(files, each_runs_weights_are_asked_for_once) {
  described = 0;
  htf_plan *plan = plan_of("init: {kind: file, file: runs.h5}\n"
                           "axes: [{key: model.kind, values: [cp]}, {seeds: 7},\n"
                           "       {key: init.run, values: [1]}, {key: init.std, values: "
                           "[1, 2]}]");
  cr_expect(eq(int, described, 1));
  htf_plan_destroy(&plan);
}

Test(files, weights_that_cannot_be_read_are_told_with_their_place) {
  expect_refusal(HTF_E_DATA, "init: {kind: file, file: runs.h5, run: 2}", 0, NULL,
                 "sweep.yaml:1:26: runs.h5: holds 2 runs");
  expect_refusal(HTF_E_DATA, "init: {kind: file, file: runs.h5}", 0, NULL,
                 "sweep.yaml:1:26: runs.h5: holds runs");
  htf_plan *plan;
  htf_plan_source source = {.name = "sweep.yaml",
                            .text = "init: {kind: file, file: weights.h5}"};
  cr_expect(eq(int, htf_plan_create(&source, &plan), HTF_E_CONFIG));
  cr_expect(eq(str, (char *)told(),
               "sweep.yaml:1:26: init.file: weights files cannot be read here"));
}

Test(files, identity_knows_the_weights_and_the_run_not_the_path) {
  htf_spec spec = run_of("init: {kind: file, file: weights.h5}", 0), other = spec;
  htf_digest a, b;
  strcpy(other.init.file, "elsewhere.h5");
  cr_assert(eq(int, htf_spec_identity(&spec, &a), HTF_OK));
  cr_assert(eq(int, htf_spec_identity(&other, &b), HTF_OK));
  cr_expect(eq(int, memcmp(&a, &b, sizeof a), 0));
  cr_expect(not(same_run("init: {kind: file, file: weights.h5}", "init: gaussian")));
  cr_expect(not(same_run("init: {kind: file, file: weights.h5}",
                         "init: {kind: file, file: runs.h5, run: 0}")));
}

static htf_status describe_changing_weights(void *context, const char *path, int64_t run,
                                            htf_plan_weights *weights) {
  htf_status status = describe_weights(context, path, run, weights);
  memset(weights->digest, digest_letter, HTF_DIGEST_TEXT - 1);
  return status;
}

Test(files, the_plan_hash_knows_the_weights) {
  htf_digest hash[2];
  for (int i = 0; i < 2; i++) {
    htf_plan *plan;
    htf_plan_source source = {.name = "s",
                              .text = "init: {kind: file, file: weights.h5}",
                              .describe_weights = describe_changing_weights,
                              .context = &described};
    digest_letter = (char)('a' + i);
    cr_assert(eq(int, htf_plan_create(&source, &plan), HTF_OK));
    hash[i] = *htf_plan_hash(plan);
    htf_plan_destroy(&plan);
  }
  cr_expect(ne(int, memcmp(&hash[0], &hash[1], sizeof hash[0]), 0));
}

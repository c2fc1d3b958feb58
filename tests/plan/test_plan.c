// SPDX-License-Identifier: BSD-3-Clause
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "plan_helpers.h"

static const char sample[] =
    "name: scale-and-tree\n"
    "seed: 7\n"
    "problem:\n"
    "  task: completion              # single entries\n"
    "  shape: [8, 8, 8, 8]\n"
    "  samples: 1024\n"
    "  test: 0.25\n"
    "  noise: 0\n"
    "  target: {kind: htf, tree: binary, width: 2, norm: 64}\n"
    "model: {kind: htf, tree: binary, width: 16}\n"
    "init:  {kind: gaussian, std: 0.1}\n"
    "loss:  {kind: l2}\n"
    "flow:  {method: bdf, rtol: 1e-6}\n"
    "stop:  {loss: 5e-5, time: 1e12, steps: 1000000, wall: 3600}\n"
    "record: {points: 200, spacing: arc, components: 10, weights: final}\n"
    "axes:\n"
    "  - {key: init.std, log: [1e-3, 1e-1, 3]}\n"
    "  - {key: model.tree, values: [binary, {arity: 3}, flat, \"((0,2)5,(1,3))8;\"]}\n"
    "  - {seeds: 16}\n";

static htf_spec only(const char *text) {
  return run_of(text, 0);
}

Test(plan, the_sample_sweep_is_what_it_says) {
  htf_plan *plan = plan_of(sample);
  cr_expect(eq(str, (char *)htf_plan_name(plan), "scale-and-tree"));
  cr_expect(eq(i64, htf_plan_seed(plan), 7));
  cr_expect(eq(i64, htf_plan_runs(plan), 3 * 4 * 16));
  cr_expect(eq(int, htf_plan_axes(plan), 3));
  cr_expect(eq(str, (char *)htf_plan_axis_label(plan, 0), "init_std"));
  cr_expect(eq(str, (char *)htf_plan_axis_label(plan, 1), "model_tree"));
  cr_expect(eq(str, (char *)htf_plan_axis_label(plan, 2), "seed"));
  cr_expect(eq(str, (char *)htf_plan_axis_field(plan, 2)->key, "init.seed"));
  cr_expect(eq(str, (char *)htf_plan_text(plan), (char *)sample));
  htf_plan_destroy(&plan);
  cr_expect(eq(ptr, plan, NULL));
  htf_plan_destroy(&plan);
}

Test(plan, axes_multiply_in_the_order_written_the_last_fastest) {
  htf_plan *plan = plan_of(sample);
  const double std[] = {0.001, 0.01, 0.1};
  const char *tree[] = {"((0,1)16,(2,3)16)16;", "((0,1,2)16,3)16;", "(0,1,2,3)16;",
                        "((0,2)5,(1,3)16)8;"};
  int64_t index = 0;
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 4; j++) {
      for (int k = 0; k < 16; k++, index++) {
        htf_spec spec = spec_of(plan, index);
        cr_expect(epsilon_eq(dbl, spec.init.std, std[i], 0));
        cr_expect(eq(str, spec.model.tree.newick, (char *)tree[j]));
        cr_expect(eq(i64, spec.init.seed, k));
        cr_expect(eq(i64, htf_plan_axis_at(plan, 1, index), j));
        cr_expect(eq(i64, spec.sweep_seed, 7));
      }
    }
  }
  htf_plan_destroy(&plan);
}

Test(plan, a_spec_is_resolved) {
  htf_plan *plan = plan_of(sample);
  htf_spec spec = spec_of(plan, 100);
  cr_expect(epsilon_eq(dbl, spec.problem.samples, 1024, 0));
  cr_expect(epsilon_eq(dbl, spec.problem.test, 1024, 0), "a quarter of 8^4");
  cr_expect(eq(str, spec.problem.target_tree.newick, "((0,1)2,(2,3)2)2;"));
  htf_plan_destroy(&plan);
  spec = only("");
  cr_expect(epsilon_eq(dbl, spec.problem.target_norm, 64, 0), "the root of 8^4");
  cr_expect(eq(str, spec.model.tree.newick, "((0,1)16,(2,3)16)16;"));
}

Test(plan, fractions_are_rounded_down_but_for_rounding_errors) {
  htf_spec spec = only("problem: {shape: [10, 10], samples: 0.29, test: 0.199}");
  cr_expect(epsilon_eq(dbl, spec.problem.samples, 29, 0)); // 0.29 * 100 is 28.999..96
  cr_expect(epsilon_eq(dbl, spec.problem.test, 19, 0));
  spec = only("problem: {shape: [3, 3], samples: 0.5, test: 0.5}");
  cr_expect(epsilon_eq(dbl, spec.problem.samples + spec.problem.test, 8, 0));
}

Test(plan, a_file_without_axes_is_one_run) {
  htf_plan *plan = plan_of("init: {std: 0.5}\naxes:\n");
  cr_expect(eq(i64, htf_plan_runs(plan), 1));
  cr_expect(epsilon_eq(dbl, spec_of(plan, 0).init.std, 0.5, 0));
  htf_plan_destroy(&plan);
}

Test(plan, json_is_a_sweep_file) {
  htf_spec spec = only("{\"init\": {\"kind\": \"balanced\", \"std\": 1e-2},\n"
                       " \"model\": {\"tree\": \"flat\", \"width\": 3}}");
  cr_expect(eq(int, spec.init.kind, HTF_INIT_BALANCED));
  cr_expect(eq(str, spec.model.tree.newick, "(0,1,2,3)3;"));
}

Test(plan, short_forms_mean_the_long_ones) {
  cr_expect(same_run("init: balanced\nloss: l2", "init: {kind: balanced}"));
  cr_expect(same_run("init.std: 0.3\n", "init: {std: 3e-1}"));
  cr_expect(same_run("problem: {target: cp}", "problem: {target: {kind: cp}}"));
  cr_expect(same_run("problem: {shape: &s [4, 4]   , samples: 4, test: 4}\n",
                     "problem:\n  shape:\n  - 4\n  - 4\n  samples: 4\n  test: 4\n"));
}

Test(plan, aliases_stand_for_their_anchors) {
  htf_plan *plan = plan_of("model: {tree: &t {arity: 4}}\n"
                           "problem: {target: {tree: *t}}\n"
                           "axes: [{key: init.std, values: &v [0.1, 0.2]},\n"
                           "       {key: problem.noise, values: *v}]\n");
  htf_spec spec = spec_of(plan, 1);
  cr_expect(eq(str, spec.problem.target_tree.newick, "(0,1,2,3)2;"));
  cr_expect(epsilon_eq(dbl, spec.problem.noise, 0.2, 0));
  htf_plan_destroy(&plan);
}

// ---- axes ------------------------------------------------------------------------------

static void expect_numbers(const char *axis, int count, const double *wanted) {
  char text[200];
  snprintf(text, sizeof text, "axes: [{key: stop.loss, %s}]", axis);
  htf_plan *plan = plan_of(text);
  cr_assert(eq(i64, htf_plan_axis_count(plan, 0), count), "%s", axis);
  for (int i = 0; i < count; i++) {
    cr_expect(epsilon_eq(dbl, spec_of(plan, i).stop.loss, wanted[i], 0), "%s: %d", axis, i);
  }
  htf_plan_destroy(&plan);
}

Test(plan, log_has_exact_ends_and_round_decades) {
  double decades[13];
  for (int i = 0; i < 13; i++) {
    char text[10];
    snprintf(text, sizeof text, "1e%d", i - 12);
    decades[i] = strtod(text, NULL);
  }
  expect_numbers("log: [1e-12, 1, 13]", 13, decades);
  expect_numbers("log: [1e-3, 1e-1, 3]", 3, (double[]){1e-3, 1e-2, 1e-1});
  expect_numbers("log: [0.3, 0.0003, 4]", 4, (double[]){0.3, 0.03, 0.003, 0.0003});
  expect_numbers("log: [64, 1024, 5]", 5, (double[]){64, 128, 256, 512, 1024});
  expect_numbers("log: [0.1234567890123456789, 2, 2]", 2,
                 (double[]){0.1234567890123456789, 2});
}

Test(plan, linear_and_range_have_no_rounding_dust) {
  expect_numbers("linear: [0.1, 0.5, 5]", 5, (double[]){0.1, 0.2, 0.3, 0.4, 0.5});
  expect_numbers("linear: [0.5, 0.5, 1]", 1, (double[]){0.5});
  expect_numbers("range: [0, 0.35, 0.1]", 4, (double[]){0, 0.1, 0.2, 0.3});
  expect_numbers("range: [0.1, 0.7, 0.1]", 7,
                 (double[]){0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7});
  expect_numbers("range: [5, 1, -2]", 3, (double[]){5, 3, 1});
}

Test(plan, whole_keys_take_whole_numbers_from_axes) {
  htf_plan *plan = plan_of("axes: [{key: model.width, log: [1, 64, 4]},\n"
                           "       {key: problem.samples, range: [100, 300, 100]}]");
  htf_spec spec = spec_of(plan, 11);
  cr_expect(eq(i64, spec.model.width, 64));
  cr_expect(epsilon_eq(dbl, spec.problem.samples, 300, 0));
  cr_expect(eq(str, spec.model.tree.newick, "((0,1)64,(2,3)64)64;"));
  htf_plan_destroy(&plan);
}

Test(plan, an_axis_may_move_a_whole_section) {
  htf_plan *plan = plan_of("problem: {target: {tree: flat}}\n"
                           "axes:\n"
                           "  - key: problem.target\n"
                           "    values: [{width: 3}, {kind: cp, norm: 2}, cp]\n");
  char text[64];
  cr_expect(eq(ptr, (void *)htf_plan_axis_field(plan, 0), NULL));
  cr_expect(eq(str, (char *)htf_plan_axis_label(plan, 0), "problem_target"));
  cr_expect(eq(str, spec_of(plan, 0).problem.target_tree.newick, "(0,1,2,3)3;"));
  cr_expect(eq(int, spec_of(plan, 1).problem.target, HTF_TARGET_CP));
  cr_expect(epsilon_eq(dbl, spec_of(plan, 1).problem.target_norm, 2, 0));
  cr_expect(epsilon_eq(dbl, spec_of(plan, 2).problem.target_norm, 64, 0), "as in the base");
  htf_plan_axis_text(plan, 0, 1, text, sizeof text);
  cr_expect(eq(str, text, "{kind: cp, norm: 2}"));
  htf_plan_axis_text(plan, 0, 1, text, 8);
  cr_expect(eq(str, text, "{kind: "));
  htf_plan_destroy(&plan);
}

Test(plan, values_of_axes_are_told_as_text) {
  htf_plan *plan = plan_of(sample);
  char text[64];
  htf_plan_axis_text(plan, 0, 1, text, sizeof text);
  cr_expect(eq(str, text, "0.01"));
  htf_plan_axis_text(plan, 1, 1, text, sizeof text);
  cr_expect(eq(str, text, "arity 3"));
  htf_plan_axis_text(plan, 1, 3, text, sizeof text);
  cr_expect(eq(str, text, "((0,2)5,(1,3))8;"));
  htf_plan_axis_text(plan, 2, 15, text, sizeof text);
  cr_expect(eq(str, text, "15"));
  htf_plan_destroy(&plan);
}

Test(plan, a_cp_target_is_flat_whatever_the_tree) {
  htf_spec spec = only("problem: {target: {kind: cp, width: 3}}");
  cr_expect(eq(str, spec.problem.target_tree.newick, "(0,1,2,3)3;"));
}

Test(plan, trees_follow_the_shape_of_their_run) {
  htf_plan *plan = plan_of("problem: {samples: 10, test: 5}\n"
                           "axes:\n"
                           "  - {key: problem.shape, values: [[4, 4], [3, 3, 3]]}\n"
                           "  - {seeds: 2}\n"
                           "  - {key: model.width, values: [2, 3]}\n");
  cr_expect(eq(str, spec_of(plan, 3).model.tree.newick, "(0,1)3;"));
  cr_expect(eq(str, spec_of(plan, 4).model.tree.newick, "((0,1)2,2)2;"));
  cr_expect(eq(str, spec_of(plan, 7).model.tree.newick, "((0,1)3,2)3;"));
  cr_expect(eq(str, spec_of(plan, 7).problem.target_tree.newick, "((0,1)2,2)2;"));
  htf_plan_destroy(&plan);
}

// ---- overrides, resolved text, identity -------------------------------------------------

Test(plan, overrides_come_after_the_base_and_in_their_order) {
  const char *overrides[] = {"init.std=0.5",          "flow.rtol=1e-4",
                             "init={std: 0.25}",      "name=other",
                             "model.tree={depth: 1}", "problem.shape=[4, 4, 4, 4]",
                             "problem.samples=100",   "problem.test=0"};
  htf_plan *plan;
  cr_assert(eq(int, make_plan("init: {std: 1}", 8, overrides, &plan), HTF_OK), "%s",
            htf_error_message());
  htf_spec spec = spec_of(plan, 0);
  cr_expect(epsilon_eq(dbl, spec.init.std, 0.25, 0));
  cr_expect(epsilon_eq(dbl, spec.flow.rtol, 1e-4, 0));
  cr_expect(eq(str, spec.model.tree.newick, "(0,1,2,3)16;"));
  cr_expect(eq(i64, spec.problem.shape.size[3], 4));
  cr_expect(eq(str, (char *)htf_plan_name(plan), "other"));
  htf_plan_destroy(&plan);
}

Test(plan, the_resolved_text_gives_the_same_plan) {
  expect_round_trip("");
  expect_round_trip(sample);
  expect_round_trip("name: \"a \\\"b\\\" \\\\ # c\"\nmodel: {tree: \"((0,1),(2,3))\"}\n");
  expect_round_trip("axes: [{key: problem, values: [{target: {kind: cp}, noise: 0.1},\n"
                    "  {target: {tree: '((0,1),(2,3));'}}, {}]},\n"
                    "  {key: seed, values: [1, 2]}, {key: flow.rtol, log: [1e-7, 1e-3, 5]},"
                    "  {key: problem.shape, values: [[8,8,8,8], [9,8,8,8]]}]");
  expect_round_trip("problem: {file: split.h5}");
  expect_round_trip("problem: {file: list.tns, test: 0.1}");
  expect_round_trip("axes: [{key: problem.file, values: [split.h5, list.tns, '']}]");
}

Test(plan, the_resolved_text_has_every_key) {
  htf_plan *plan = plan_of("");
  int count;
  const htf_field *field = htf_spec_fields(&count);
  for (int i = 0; i < count; i++) {
    char line[HTF_MAX_TEXT];
    const char *dot = strrchr(field[i].key, '.');
    snprintf(line, sizeof line, "%s: ", dot == NULL ? field[i].key : dot + 1);
    cr_expect(field[i].type == HTF_FIELD_DIGEST ||
                  strstr(htf_plan_resolved(plan), line) != NULL,
              "%s", line);
  }
  htf_plan_destroy(&plan);
}

Test(plan, the_hash_is_that_of_the_meaning) {
  htf_plan *one = plan_of("init: {std: 0.10}  # a remark\nseed: 1"), *other = plan_of("");
  cr_expect(
      eq(int, memcmp(htf_plan_hash(one), htf_plan_hash(other), sizeof(htf_digest)), 0));
  htf_plan_destroy(&other);
  other = plan_of("init: {std: 0.11}");
  cr_expect(
      ne(int, memcmp(htf_plan_hash(one), htf_plan_hash(other), sizeof(htf_digest)), 0));
  htf_plan_destroy(&one);
  htf_plan_destroy(&other);
}

Test(plan, identity_is_that_of_the_run_not_of_its_spelling) {
  const char *base = "model: {tree: binary, width: 16}";
  cr_expect(same_run(base, "model: {tree: {arity: 2}}"));
  cr_expect(same_run(base, "model: {tree: {arity: 2, pattern: adjacent}}"));
  cr_expect(same_run(base, "model: {tree: '((0,1)16,(2,3)16)16;', width: 4}"));
  cr_expect(same_run(base, "model: {tree: ' ( (0,1), (2,3) )16 '}"));
  cr_expect(same_run(base, "problem: {target: {norm: 64}}"));
  cr_expect(same_run(base, "problem: {samples: 0.25, shape: [8, 8, 8, 8]}"));
  cr_expect(same_run(base, "name: other"));
  cr_expect(not(same_run(base, "model: {tree: {arity: 2, pattern: half}}")));
  cr_expect(not(same_run(base, "model: {tree: '((0,1)16,(2,3)16)15;'}")));
  cr_expect(not(same_run(base, "model: {width: 15}")));
  cr_expect(not(same_run(base, "problem: {target: {width: 3}}")));
  cr_expect(not(same_run(base, "problem: {target: cp}")));
  cr_expect(not(same_run(base, "seed: 2")));
}

Test(plan, identity_does_not_depend_on_what_else_is_in_the_sweep) {
  htf_plan *plan = plan_of(sample), *alone;
  htf_spec spec = spec_of(plan, 1 * 64 + 3 * 16 + 9), same;
  htf_digest a, b;
  alone = plan_of("seed: 7\nproblem: {target: {norm: 64}}\ninit: {std: 0.01, seed: 9}\n"
                  "record: {spacing: arc}\n"
                  "model: {tree: \"((0,2)5,(1,3))8;\"}\n");
  same = spec_of(alone, 0);
  cr_assert(eq(int, htf_spec_identity(&spec, &a), HTF_OK));
  cr_assert(eq(int, htf_spec_identity(&same, &b), HTF_OK));
  cr_expect(eq(int, memcmp(&a, &b, sizeof a), 0));
  htf_plan_destroy(&plan);
  htf_plan_destroy(&alone);
}

// ---- size and memory -------------------------------------------------------------------

Test(plan, a_million_runs_take_no_more_memory_than_ten) {
  int64_t before = htf_memory_bytes();
  htf_plan *small = plan_of("axes: [{seeds: 10}, {key: init.std, log: [1e-3, 1, 100]}]");
  int64_t few = htf_memory_bytes() - before;
  htf_plan *large = plan_of("axes: [{seeds: 10000}, {key: init.std, log: [1e-3, 1, 100]}]");
  int64_t many = htf_memory_bytes() - before - few;
  cr_expect(eq(i64, htf_plan_runs(large), 1000000));
  cr_expect(le(i64, many, few + 100), "but for a longer text");
  cr_expect(eq(i64, spec_of(large, 999999).init.seed, 9999));
  htf_plan_destroy(&small);
  htf_plan_destroy(&large);
}

Test(plan, every_failed_allocation_is_told_and_leaves_nothing) {
  const char *overrides[] = {"flow.rtol=1e-4", "problem.target.norm=3"};
  const char *texts[] = {sample,
                         "problem: {test: 5}\naxes: [{key: problem.file, values: "
                         "&a [list.tns, small.tns]}, {key: model, values: "
                         "[{width: 3}, {tree: {depth: 1}}]}]",
                         "init: {kind: file}\nmodel: {kind: cp}\n"
                         "axes: [{key: init, values: [{file: runs.h5, run: 1}]}]",
                         "where: [init.std < 2 and model.tree != flat]\n"
                         "flow: {lr: 3}\n"
                         "axes: [{key: init.std, uniform: [1, 3, 3]}]\n"
                         "blocks: [[zip: [{key: model.tree, values: [flat, binary]},\n"
                         "  {key: problem.samples, values: [5000, 5]}]], [{seeds: 2}]]"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    int64_t blocks = htf_memory_blocks();
    htf_status status = HTF_E_MEMORY;
    int64_t n = 0;
    while (status == HTF_E_MEMORY) {
      htf_plan *plan;
      htf_memory_fail_at(++n);
      status = make_plan(texts[i], i == 0 ? 2 : 0, overrides, &plan);
      htf_memory_fail_at(0);
      htf_plan_destroy(&plan);
      cr_assert(eq(i64, htf_memory_blocks(), blocks), "allocation %d", (int)n);
    }
    cr_expect(eq(int, status, HTF_OK), "%s", htf_error_message());
    cr_expect(lt(i64, 50, n));
  }
}

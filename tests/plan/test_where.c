// SPDX-License-Identifier: BSD-3-Clause
// Conditions that drop points.
#include <stdio.h>

#include "plan_helpers.h"

static const char axes[] = "axes:\n"
                           "  - {key: init.std, values: [0.01, 0.1, 1]}\n"
                           "  - {key: model.width, values: [2, 4, 8]}\n"
                           "  - {key: flow.method, values: [bdf, gd]}\n"
                           "  - {key: model.tree, values: [binary, flat]}\n"
                           "stop: {steps: 10}\n";

// How many of the 36 points meet a condition.
static int64_t kept(const char *condition) {
  char text[2000];
  snprintf(text, sizeof text, "where: %s\n%s", condition, axes);
  htf_plan *plan = plan_of(text);
  int64_t runs = htf_plan_runs(plan);
  cr_expect(eq(i64, htf_plan_points(plan), 36));
  cr_expect(eq(i64, htf_plan_excluded(plan), 36 - runs));
  htf_plan_destroy(&plan);
  expect_round_trip(text);
  return runs;
}

static void wrong(const char *condition, const char *message) {
  char text[2000];
  snprintf(text, sizeof text, "where: %s", condition);
  refuse(text, message);
}

Test(where, comparisons) {
  cr_expect(eq(i64, kept("init.std < 0.1"), 12));
  cr_expect(eq(i64, kept("init.std <= 0.1"), 24));
  cr_expect(eq(i64, kept("init.std > 0.1"), 12));
  cr_expect(eq(i64, kept("init.std >= 0.1"), 24));
  cr_expect(eq(i64, kept("init.std == 0.1"), 12));
  cr_expect(eq(i64, kept("init.std != 0.1"), 24));
  cr_expect(eq(i64, kept("0.01 < init.std < 1"), 12));
  cr_expect(eq(i64, kept("2 <= model.width < 8 > 3"), 24));
}

Test(where, texts_are_choices_trees_and_files) {
  cr_expect(eq(i64, kept("flow.method == gd"), 18));
  cr_expect(eq(i64, kept("flow.method == \"gd\""), 18));
  cr_expect(eq(i64, kept("'''gd'' == flow.method'"), 18));
  cr_expect(eq(i64, kept("model.tree != flat"), 18));
  cr_expect(eq(i64, kept("problem.file == \"\""), 36));
  cr_expect(eq(i64, kept("problem.shape == \"[8, 8, 8, 8]\""), 36));
}

Test(where, lists) {
  cr_expect(eq(i64, kept("model.width in [2, 8, 99]"), 24));
  cr_expect(eq(i64, kept("model.width not in [2, 2 + 6]"), 12));
  cr_expect(eq(i64, kept("flow.method in [gd, adam]"), 18));
  cr_expect(eq(i64, kept("model.tree in [flat, \"arity 2\"]"), 18));
  cr_expect(eq(i64, kept("'\"gd\" in [\"bdf\", flow.method]'"), 18));
  cr_expect(eq(i64, kept("'\"gd\" not in [\"bdf\", flow.method]'"), 18));
  cr_expect(eq(i64, kept("flow.method in [flow.table, bdf]"), 18), "by their names");
}

Test(where, logic_and_arithmetic_bind_as_usual) {
  cr_expect(eq(i64, kept("init.std < 0.1 or init.std > 0.1 and model.width == 2"), 16));
  cr_expect(eq(i64, kept("(init.std < 0.1 or init.std > 0.1) and model.width == 2"), 8));
  cr_expect(eq(i64, kept("not flow.method == gd and not (model.width > 2)"), 6));
  cr_expect(eq(i64, kept("1 + 2 * model.width ** 2 == 9"), 12));
  cr_expect(eq(i64, kept("-model.width ** 2 == -4"), 12), "the power is stronger");
  cr_expect(eq(i64, kept("10 - 4 - 2 == model.width"), 12), "from the left");
  cr_expect(eq(i64, kept("2 ** 3 ** 0 == model.width"), 12), "from the right");
  cr_expect(eq(i64, kept("model.width % 4 == 0"), 24));
  cr_expect(eq(i64, kept("model.width / 4 == 0.5"), 12));
  cr_expect(eq(i64, kept("log10(init.std) > -1.5"), 24));
  cr_expect(eq(i64, kept("abs(3 - model.width) == 1 and sqrt(4) == floor(2.9)"), 24));
}

Test(where, a_list_of_conditions_must_be_met_as_a_whole) {
  cr_expect(eq(i64, kept("[init.std < 0.1, model.width > 2]"), 8));
}

Test(where, counts_and_labels_are_those_of_the_resolved_run) {
  htf_plan *plan = plan_of("where: problem.samples > 1000 and model.tree == binary\n"
                           "axes: [{key: problem.samples, values: [0.1, 0.5]}]");
  cr_expect(eq(i64, htf_plan_runs(plan), 1));
  cr_expect(epsilon_eq(dbl, spec_of(plan, 0).problem.samples, 2048, 0));
  htf_plan_destroy(&plan);
}

// [2, 2, 2] has 8 entries, and no binary tree of 4 modes.
Test(where, points_that_do_not_fit_may_be_dropped) {
  const char *sweep = "problem: {samples: 20, test: 0, target: {tree: flat}}\n"
                      "axes: [{key: problem.shape, values: [[2, 2, 2], [4, 4, 4, 4]]},\n"
                      "       {key: model.tree, values: [flat, \"((0,1),(2,3));\"]},\n"
                      "       {seeds: 2}]\n";
  char text[1000];
  htf_plan *plan;
  snprintf(text, sizeof text, "%swhere: problem.shape != \"[2, 2, 2]\"\n", sweep);
  plan = plan_of(text);
  cr_expect(eq(i64, htf_plan_runs(plan), 4));
  htf_plan_destroy(&plan);
  cr_expect(eq(int, make_plan(sweep, 0, NULL, &plan), HTF_E_CONFIG));
  snprintf(text, sizeof text, "%swhere: model.tree == flat\n", sweep);
  cr_expect(eq(int, make_plan(text, 0, NULL, &plan), HTF_E_CONFIG), "20 of 8 entries");
}

// Nobody knows then which points it would have dropped.
Test(where, a_condition_that_cannot_be_read_hides_what_it_may_drop) {
  static const char *const conditions[] = {"\"(\"", "\"-\"", "\"abc\"", "''", "[3, \"(\"]"};
  for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
    char text[200];
    htf_plan *plan;
    snprintf(text, sizeof text, "problem: {samples: 100000}\nwhere: %s\n", conditions[i]);
    cr_expect(eq(int, make_plan(text, 0, NULL, &plan), HTF_E_CONFIG));
    cr_expect(strstr(htf_error_message(), "sweep.yaml:2:") != NULL, "%s: %s", conditions[i],
              htf_error_message());
    cr_expect(strstr(htf_error_message(), "sweep.yaml:1:") == NULL, "%s: %s", conditions[i],
              htf_error_message());
  }
}

Test(where, an_override_adds_a_condition) {
  const char *override[] = {"where=init.std < 0.1"};
  htf_plan *plan;
  char text[1000];
  snprintf(text, sizeof text, "where: model.width > 2\n%s", axes);
  cr_assert(eq(int, make_plan(text, 1, override, &plan), HTF_OK));
  cr_expect(eq(i64, htf_plan_runs(plan), 8));
  htf_plan_destroy(&plan);
}

Test(where, runs_are_numbered_without_gaps) {
  htf_plan *plan = plan_of("where: init.seed % 7 == 3 or init.seed > 99990\n"
                           "axes: [{seeds: 100000}]");
  cr_assert(eq(i64, htf_plan_runs(plan), 14293));
  for (int64_t run = 0; run < 14280; run += 37) {
    cr_expect(eq(i64, spec_of(plan, run).init.seed, 7 * run + 3));
  }
  cr_expect(eq(i64, spec_of(plan, 14292).init.seed, 99999));
  htf_plan_destroy(&plan);
}

Test(where, mistakes_are_told_with_their_places) {
  wrong("init.sdt < 1", "sweep.yaml:1:8: unknown key \"init.sdt\"; did you mean init.std?");
  wrong("init.std < 1 and model.wdth > 2",
        "sweep.yaml:1:25: unknown key \"model.wdth\"; did you mean model.width?");
  wrong("flow.method == bfd",
        "sweep.yaml:1:23: flow.method wants one of: bdf, gd, adams, erk, momentum, "
        "grouprmsprop, adam; got \"bfd\"; did you mean bdf?");
  wrong("init.std", "sweep.yaml:1:8: where: wants a condition here, this is a number");
  wrong("init.std < flat", "sweep.yaml:1:19: unknown key \"flat\"; did you mean flow?");
  wrong("init.std < \"a\"", "sweep.yaml:1:19: where: wants a number here, this is a text");
  wrong("'init.std == \"a\"'",
        "sweep.yaml:1:21: where: wants a number here, this is a text");
  wrong("(init.std < 1) + 2 > 1",
        "sweep.yaml:1:9: where: wants a number here, this is a condition");
  wrong("(init.std < 1) == (init.std > 2)",
        "sweep.yaml:1:9: where: wants a number here, this is a condition");
  wrong("init.std <", "sweep.yaml:1:18: where: wants a key or a value at its end");
  wrong("init.std < 1)", "sweep.yaml:1:20: where: wants and, or, or the end, got \")\"");
  wrong("(init.std < 1", "sweep.yaml:1:21: where: wants ) at its end");
  wrong("init.std in 3", "sweep.yaml:1:20: where: wants [, got \"3\"");
  wrong("init.std in [1 2]", "sweep.yaml:1:23: where: wants ], got \"2]\"");
  wrong("init.std < 1e", "sweep.yaml:1:19: where: wants a number, got \"1e\"");
  wrong("init.std < and", "sweep.yaml:1:19: where: wants a key or a value, got \"and\"");
  wrong("not not", "sweep.yaml:1:15: where: wants a key or a value at its end");
  wrong("flow.method == \"bdf", "sweep.yaml:1:23: where: this text does not end");
  wrong("[]\naxes: 3", "sweep.yaml:2:7: axes wants a list of axes, got \"3\"");
  wrong("{a: b}",
        "sweep.yaml:1:8: where wants a condition, like init.std < 0.1, got a mapping");
  wrong("", "sweep.yaml:1:1: where wants a condition, like init.std < 0.1, got nothing");
  wrong("init.std > 1\naxes: [{seeds: 3}]",
        "sweep.yaml:1:8: where drops all of the sweep's 3 points");
}

Test(where, what_is_nested_too_deep_or_too_long_is_told) {
  char text[50000], *at = text;
  at += sprintf(at, "where: ");
  for (int i = 0; i < 100; i++) {
    at += sprintf(at, "(");
  }
  refuse(text, "sweep.yaml:1:40: where: nested too deep");
  at = text + sprintf(text, "where: 0 < 1");
  for (int i = 0; i < 4100; i++) {
    at += sprintf(at, " + 1");
  }
  htf_plan *plan;
  cr_expect(eq(int, make_plan(text, 0, NULL, &plan), HTF_E_CONFIG));
  cr_expect(strstr(htf_error_message(), "where: too long") != NULL);
}

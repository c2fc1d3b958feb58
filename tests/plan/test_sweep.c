// SPDX-License-Identifier: BSD-3-Clause
// Zips, blocks, drawn axes, duplicates and warnings.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "plan_helpers.h"

static double std_of(const htf_plan *plan, int64_t run) {
  return spec_of(plan, run).init.std;
}

// ---- zip -------------------------------------------------------------------------------

Test(sweep, a_zip_moves_its_axes_together) {
  const char *text = "axes:\n"
                     "  - {key: init.std, values: [0.1, 0.2]}\n"
                     "  - zip: [{key: problem.samples, values: [512, 1024, 99]},\n"
                     "          {key: problem.noise, linear: [0, 0.2, 3]}, {seeds: 3}]\n"
                     "  - {key: flow.rtol, values: [1e-4, 1e-5]}\n";
  htf_plan *plan = plan_of(text);
  const double samples[] = {512, 1024, 99}, noise[] = {0, 0.1, 0.2};
  cr_assert(eq(i64, htf_plan_runs(plan), 12));
  cr_expect(eq(int, htf_plan_axes(plan), 5));
  for (int64_t run = 0; run < 12; run++) {
    htf_spec spec = spec_of(plan, run);
    int64_t at = run / 2 % 3;
    cr_expect(epsilon_eq(dbl, spec.init.std, run < 6 ? 0.1 : 0.2, 0));
    cr_expect(epsilon_eq(dbl, spec.problem.samples, samples[at], 0));
    cr_expect(epsilon_eq(dbl, spec.problem.noise, noise[at], 0));
    cr_expect(eq(i64, spec.init.seed, at));
    cr_expect(epsilon_eq(dbl, spec.flow.rtol, run % 2 == 0 ? 1e-4 : 1e-5, 0));
    cr_expect(eq(i64, htf_plan_axis_at(plan, 2, run), at));
  }
  htf_plan_destroy(&plan);
  expect_round_trip(text);
}

// A tree of 8 modes goes with the shape of 8 modes only.
Test(sweep, axes_of_a_zip_are_checked_together) {
  expect_round_trip(
      "problem: {samples: 10, test: 1}\n"
      "axes: [zip: [{key: model.tree, values: [\"((0,1),(2,3));\", "
      "\"((0,1),2);\"]},\n"
      "             {key: problem.shape, values: [[3, 3, 3, 3], [4, 4, 4]]},\n"
      "             {key: problem.target.tree, values: [binary, flat]}]]\n");
}

Test(sweep, a_bad_zip_is_refused) {
  refuse("axes: [zip: []]",
         "sweep.yaml:1:13: zip wants a list of axes that move together, got an empty one");
  refuse("axes: [zip: 3]",
         "sweep.yaml:1:13: zip wants a list of axes that move together, got \"3\"");
  refuse("axes: [{zip: [{seeds: 3}], key: x}]",
         "sweep.yaml:1:8: zip stands alone: - zip: [{..}, {..}]");
  refuse("axes: [zip: [{key: init.std, values: [1, 2]}, {seeds: 3}]]",
         "sweep.yaml:1:55: axes of a zip move together: init.seed has 3 values, init.std "
         "has 2");
  refuse("axes: [zip: [{key: init.std, values: [1, 2]}, {key: init.std, values: [1, 2]}]]",
         "sweep.yaml:1:71: init.std is on two axes, the other at 1:38");
}

// ---- blocks ----------------------------------------------------------------------------

Test(sweep, blocks_follow_each_other_and_share_the_axes) {
  const char *text = "axes: [{key: init.std, values: [0.1, 0.2]}]\n"
                     "blocks:\n"
                     "  - [{key: model.tree, values: [binary, flat]}, {seeds: 3}]\n"
                     "  - [{key: model.width, values: [3, 4, 5]}]\n"
                     "  - []\n";
  htf_plan *plan = plan_of(text);
  cr_expect(eq(int, htf_plan_blocks(plan), 3));
  cr_assert(eq(i64, htf_plan_points(plan), 12 + 6 + 2));
  cr_expect(eq(i64, htf_plan_duplicates(plan), 2), "the base twice");
  cr_assert(eq(i64, htf_plan_runs(plan), 18));
  cr_expect(eq(int, htf_plan_axes(plan), 4));
  char text_of[99];
  for (int64_t run = 0; run < 18; run++) {
    int64_t local = run < 12 ? run : run - 12;
    htf_spec spec = spec_of(plan, run);
    bool first = run < 12;
    cr_expect(epsilon_eq(dbl, spec.init.std, local < (first ? 6 : 3) ? 0.1 : 0.2, 0));
    cr_expect(eq(i64, spec.init.seed, first ? local % 3 : 0));
    cr_expect(eq(i64, spec.model.width, first ? 16 : 3 + local % 3));
    cr_expect(eq(i64, htf_plan_axis_at(plan, 0, run), local < (first ? 6 : 3) ? 0 : 1));
    cr_expect(eq(i64, htf_plan_axis_at(plan, 1, run), first ? local / 3 % 2 : -1));
    cr_expect(eq(i64, htf_plan_axis_at(plan, 3, run), first ? -1 : local % 3));
    htf_plan_axis_text(plan, 1, htf_plan_axis_at(plan, 1, run), text_of, sizeof text_of);
    cr_expect(eq(str, text_of, (char *)spec.model.tree.label));
  }
  htf_plan_destroy(&plan);
  expect_round_trip(text);
}

Test(sweep, values_of_one_key_in_several_blocks_are_one_axis) {
  htf_plan *plan = plan_of("blocks: [[{key: init.std, values: [0.1, 0.2]}],\n"
                           "         [{key: init.std, values: [0.2, 0.3]}]]\n");
  char text[99];
  cr_expect(eq(int, htf_plan_axes(plan), 1));
  cr_expect(eq(i64, htf_plan_axis_count(plan, 0), 4));
  cr_assert(eq(i64, htf_plan_runs(plan), 3));
  cr_expect(eq(i64, htf_plan_axis_at(plan, 0, 2), 3));
  htf_plan_axis_text(plan, 0, 3, text, sizeof text);
  cr_expect(eq(str, text, "0.3"));
  cr_expect(epsilon_eq(dbl, std_of(plan, 2), 0.3, 0));
  htf_plan_destroy(&plan);
}

Test(sweep, bad_blocks_are_refused) {
  refuse("blocks: []",
         "sweep.yaml:1:9: blocks wants a list of lists of axes, got an empty one");
  refuse("blocks: 3", "sweep.yaml:1:9: blocks wants a list of lists of axes, got \"3\"");
  refuse("blocks: [3]", "sweep.yaml:1:10: a block wants a list of axes, got \"3\"");
  refuse("axes: [{seeds: 2}]\nblocks: [[{seeds: 3}]]",
         "sweep.yaml:2:19: init.seed is on two axes, the other at 1:16");
  refuse("blocks: [[{key: init.sdt, values: [1]}], [{key: inti.std, values: [2]}]]",
         "sweep.yaml:1:17: unknown key \"init.sdt\"; did you mean init.std?\n"
         "sweep.yaml:1:49: unknown key \"inti.std\"; did you mean init.std?");
}

// ---- drawn -----------------------------------------------------------------------------

Test(sweep, drawn_numbers_lie_between_and_are_spread) {
  htf_plan *flat = plan_of("axes: [{key: init.std, uniform: [0.1, 0.5, 2000]}]");
  htf_plan *logarithmic = plan_of("axes: [{key: init.std, loguniform: [1e-4, 1, 2000]}]");
  double sum = 0, sum_of_logs = 0;
  for (int64_t i = 0; i < 2000; i++) {
    double x = std_of(flat, i), y = std_of(logarithmic, i);
    cr_assert(x >= 0.1 && x <= 0.5 && y >= 1e-4 && y <= 1);
    sum += x / 2000;
    sum_of_logs += log10(y) / 2000;
  }
  // Standard deviations of the means: 0.4 / sqrt(12 * 2000) and 4 / sqrt(12 * 2000).
  cr_expect(epsilon_eq(dbl, sum, 0.3, 5 * 0.4 / sqrt(24000)));
  cr_expect(epsilon_eq(dbl, sum_of_logs, -2, 5 * 4 / sqrt(24000)));
  htf_plan_destroy(&flat);
  htf_plan_destroy(&logarithmic);
}

Test(sweep, whole_numbers_are_drawn_for_keys_that_want_them) {
  htf_plan *plan = plan_of("axes: [{key: model.width, uniform: [3, 6, 400]}]");
  cr_expect(eq(i64, htf_plan_runs(plan), 4), "3, 4, 5 and 6, once each");
  cr_expect(eq(i64, htf_plan_duplicates(plan), 396));
  htf_plan_destroy(&plan);
  plan = plan_of("axes: [{key: problem.samples, loguniform: [10, 1000, 50]}]");
  htf_plan_destroy(&plan);
}

Test(sweep, more_draws_keep_the_earlier_ones_whatever_else_there_is) {
  htf_plan *few = plan_of("axes: [{key: init.std, uniform: [0.1, 1, 5]}]");
  htf_plan *many = plan_of("axes: [{key: flow.rtol, loguniform: [1e-6, 1e-3, 2]},\n"
                           "       {seeds: 2}, {key: init.std, uniform: [0.1, 1, 9]}]");
  htf_plan *other = plan_of("seed: 2\naxes: [{key: init.std, uniform: [0.1, 1, 5]}]");
  for (int64_t i = 0; i < 5; i++) {
    cr_expect(epsilon_eq(dbl, std_of(few, i), std_of(many, i), 0));
    cr_expect(not(std_of(few, i) == std_of(other, i)));
  }
  htf_plan_destroy(&few);
  htf_plan_destroy(&many);
  htf_plan_destroy(&other);
  expect_round_trip("axes: [{key: init.std, loguniform: [1e-3, 1, 7]}]");
}

Test(sweep, senseless_draws_are_refused) {
  refuse("axes: [{key: init.std, uniform: [2, 1, 3]}]",
         "sweep.yaml:1:33: uniform wants [a, b, n] with a <= b and n from 1 to 1000000");
  refuse("axes: [{key: init.std, loguniform: [0, 1, 3]}]",
         "sweep.yaml:1:36: loguniform wants [a, b, n] with 0 < a <= b and n from 1 to "
         "1000000");
  refuse("axes: [{key: init.std, uniform: [1, 1e200, 3]}]",
         "sweep.yaml:1:33: init.std is 1e200, outside [1e-100, 1e100]");
  refuse("axes: [{key: model.tree, uniform: [1, 2, 3]}]",
         "sweep.yaml:1:35: uniform wants a key that is a number; model.tree takes values: "
         "[..]");
}

// ---- duplicates ------------------------------------------------------------------------

Test(sweep, equal_points_are_one_run_and_told) {
  htf_plan *plan = plan_of("axes: [{key: model.tree, values: [binary, {arity: 4}, flat]},\n"
                           "       {key: init.std, values: [0.1, 0.1, 0.2]}, {seeds: 2}]");
  cr_expect(eq(i64, htf_plan_points(plan), 18));
  cr_assert(eq(i64, htf_plan_runs(plan), 8));
  cr_expect(eq(i64, htf_plan_duplicates(plan), 10));
  cr_assert(eq(int, htf_plan_warnings(plan), 1));
  cr_expect(eq(str, (char *)htf_plan_warning(plan, 0),
               "10 of 18 points are the same run as an earlier one, and are run once"));
  const double std[] = {0.1, 0.1, 0.2, 0.2};
  for (int64_t run = 0; run < 8; run++) {
    htf_spec spec = spec_of(plan, run);
    cr_expect(epsilon_eq(dbl, spec.init.std, std[run % 4], 0));
    cr_expect(eq(i64, spec.init.seed, run % 2));
    cr_expect(
        eq(str, spec.model.tree.newick, run < 4 ? "((0,1)16,(2,3)16)16;" : "(0,1,2,3)16;"));
    cr_expect(eq(i64, htf_plan_axis_at(plan, 1, run), run % 4 < 2 ? 0 : 2));
  }
  htf_plan_destroy(&plan);
}

Test(sweep, points_that_differ_in_ignored_keys_are_equal) {
  htf_plan *plan = plan_of("axes: [{key: flow.method, values: [bdf, gd]},\n"
                           "       {key: flow.lr, values: [0.1, 0.2, 0.3]}]");
  cr_expect(eq(i64, htf_plan_runs(plan), 4), "bdf once, gd three times");
  cr_expect(eq(int, htf_plan_warnings(plan), 1));
  htf_plan_destroy(&plan);
}

// Which runs are there, by identity.
static htf_digest *identities(const char *text, int64_t *count) {
  htf_plan *plan = plan_of(text);
  htf_digest *all = calloc((size_t)htf_plan_runs(plan), sizeof *all);
  *count = htf_plan_runs(plan);
  for (int64_t i = 0; i < *count; i++) {
    htf_spec spec = spec_of(plan, i);
    cr_assert(eq(int, htf_spec_identity(&spec, &all[i]), HTF_OK));
  }
  htf_plan_destroy(&plan);
  return all;
}

static int64_t shared(const char *one, const char *other) {
  int64_t m, n, found = 0;
  htf_digest *a = identities(one, &m), *b = identities(other, &n);
  for (int64_t i = 0; i < m; i++) {
    for (int64_t j = 0; j < n; j++) {
      found += memcmp(&a[i], &b[j], sizeof *a) == 0;
    }
  }
  free(a);
  free(b);
  return found;
}

Test(sweep, growing_a_sweep_keeps_its_runs_and_sweeps_merge) {
  const char *small = "axes: [{key: init.std, loguniform: [1e-3, 1, 3]}, {seeds: 4}]";
  cr_expect(eq(i64,
               shared(small, "axes: [{seeds: 6}, {key: init.std, loguniform: [1e-3, 1, 5]},"
                             "{key: model.tree, values: [binary, flat]}]"),
               12));
  cr_expect(eq(i64, shared("axes: [{seeds: 4}]", "axes: [{seeds: 9}]\nflow: {lr: 3}"), 4));
  cr_expect(eq(i64, shared("axes: [{seeds: 4}]", "seed: 2\naxes: [{seeds: 4}]"), 0));
  cr_expect(eq(i64,
               shared("axes: [{key: init.std, values: [1, 2]}]",
                      "blocks: [[{key: init.std, values: [2]}], [{seeds: 3}]]"),
               1));
}

// ---- warnings --------------------------------------------------------------------------

static void expect_warning(const char *text, const char *warning) {
  htf_plan *plan = plan_of(text);
  cr_assert(eq(int, htf_plan_warnings(plan), warning[0] != '\0'), "%s", text);
  if (warning[0] != '\0') {
    cr_expect(eq(str, (char *)htf_plan_warning(plan, 0), (char *)warning));
  }
  htf_plan_destroy(&plan);
}

Test(sweep, keys_that_change_no_run_are_told) {
  expect_warning("flow: {lr: 0.1}", "flow.lr changes nothing: it takes flow.method gd, "
                                    "momentum, grouprmsprop or adam");
  expect_warning("flow: {lr: 0.1, method: adam}", "");
  expect_warning("flow: {lr: 0.1}\naxes: [{key: flow.method, values: [bdf, gd]}]", "");
  expect_warning("flow: {lr: 1}\naxes: [{key: flow, values: [{rtol: 1e-4}, {method: gd}]}]",
                 "");
  expect_warning(
      "flow: {lr: 1, method: gd}\naxes: [{key: flow.method, values: [erk, bdf]}]",
      "flow.lr changes nothing: it takes flow.method gd, momentum, grouprmsprop "
      "or adam");
  expect_warning("loss: {kind: l2, delta: 3}",
                 "loss.delta changes nothing: it takes loss.kind huber");
  expect_warning("flow: {method: gd}\nrecord: {every: 5, points: 3}",
                 "record.points changes nothing: it takes record.every 0");
}

// ---- what is shown of the file ---------------------------------------------------------

static void expect_shown(const char *text, const char *message) {
  htf_plan *plan;
  cr_expect(eq(int, make_plan(text, 0, NULL, &plan), HTF_E_CONFIG));
  cr_expect(eq(str, (char *)htf_error_message(), (char *)message));
}

Test(sweep, an_error_shows_its_line_and_a_caret) {
  expect_shown("name: x\n"
               "init: {std: big}  # oh\n",
               "sweep.yaml:2:13: init.std wants a number, got \"big\"\n"
               "    2 | init: {std: big}  # oh\n"
               "      |             ^");
  expect_shown("name: \"\xc3\xa4\xc3\xb6\"\n"
               "{\xc3\xa4: 1, sed: 2}\n",
               "sweep.yaml:2:1: YAML: did not find expected key\n"
               "    2 | {\xc3\xa4: 1, sed: 2}\n"
               "      | ^");
  expect_shown("{init: {std: 1}, name: \xc3\xa4, sed: 2}\n",
               "sweep.yaml:1:27: unknown key \"sed\"; did you mean seed?\n"
               "    1 | {init: {std: 1}, name: \xc3\xa4, sed: 2}\n"
               "      |                           ^");
}

Test(sweep, a_long_line_is_cut_around_its_error) {
  char text[400], message[600], spaces[200];
  memset(spaces, ' ', sizeof spaces);
  spaces[150] = '\0';
  snprintf(text, sizeof text, "init: {%sstd: big}\n", spaces);
  snprintf(message, sizeof message,
           "sweep.yaml:1:163: init.std wants a number, got \"big\"\n"
           "    1 | ...%.55sstd: big}\n"
           "      |    %.60s^",
           spaces, spaces);
  expect_shown(text, message);
}

// ---- one after another ----------------------------------------------------------------

static htf_status compare(void *context, int64_t run, const htf_spec *spec) {
  const htf_plan *plan = context;
  htf_spec alone = spec_of(plan, run);
  htf_fingerprint a = htf_spec_fingerprint(spec), b = htf_spec_fingerprint(&alone);
  cr_expect(eq(int, memcmp(&a, &b, sizeof a), 0), "run %d", (int)run);
  cr_expect(eq(i64, spec->model.width, alone.model.width));
  cr_expect(eq(str, (char *)spec->model.tree.label, (char *)alone.model.tree.label));
  return HTF_OK;
}

// Values of the section set different keys: what one sets must not stay for the next.
Test(sweep, runs_in_turn_are_those_asked_for_alone) {
  htf_plan *plan =
      plan_of("axes: [{key: problem, values: [{noise: 0.5}, {samples: 0.2}, {test: 9}]},\n"
              "       {key: model, values: [{width: 3}, {kind: cp}, {tree: flat}]},\n"
              "       {key: problem.seed, range: [0, 2, 1]}]\n"
              "blocks: [[], [{key: init, values: [{std: 2}, identity]}, {seeds: 2}]]\n");
  cr_expect(htf_plan_runs(plan) > 80);
  cr_expect(eq(int, htf_plan_each(plan, compare, plan), HTF_OK));
  htf_plan_destroy(&plan);
}

// SPDX-License-Identifier: BSD-3-Clause
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <stdlib.h>

#include "htflow/random.h"
#include "plan_helpers.h"

static void refuse_override(const char *override, const char *message) {
  expect_refusal(HTF_E_CONFIG, "axes: [{key: init.std, values: [1]}]", 1, &override,
                 message);
}

// ---- YAML ------------------------------------------------------------------------------

Test(errors, syntax_errors_have_their_place) {
  refuse("init: [1, 2\nseed: 3\n",
         "sweep.yaml:3:1: YAML: flow sequence without a closing bracket");
  refuse("init: [1, 2\nseed: 3",
         "sweep.yaml:2:8: YAML: flow sequence without a closing bracket");
  refuse("seed: 1\n  init: 2\n", "sweep.yaml:1:7: YAML: invalid multiline plain key");
  refuse("seed: @x\n", "sweep.yaml:1:7: YAML: plain scalar cannot start with '@'");
}

Test(errors, syntax_errors_are_printed_nowhere, .init = cr_redirect_stderr) {
  htf_plan *plan;
  cr_expect(eq(int, make_plan("seed: [", 0, NULL, &plan), HTF_E_CONFIG));
  cr_expect(eq(int, make_plan("\tseed: \"x", 0, NULL, &plan), HTF_E_CONFIG));
  fflush(stderr);
  cr_assert_stderr_eq_str("");
}

Test(errors, what_yaml_allows_but_a_sweep_does_not) {
  refuse("seed: 1\n---\nseed: 2\n",
         "sweep.yaml:2:1: a second document; a sweep file has one");
  refuse("seed: !!int 1\n", "sweep.yaml:1:13: tags have no meaning here");
  refuse("init: &a {std: *a}\n", "sweep.yaml:1:16: no anchor &a before this alias");
  refuse("seed: 1\nname: \"a\xff\"\n", "sweep.yaml:2:9: not a character of UTF-8 text");
  refuse("name: a\x01\n", "sweep.yaml:1:8: not a character of UTF-8 text");
  refuse("name: \"a\\x00b\"\n", "sweep.yaml:1:7: a text must not hold the character 0");
  refuse("? [1]\n: 2\n", "sweep.yaml:1:3: a key must be a word");
  refuse("[1, 2]", "sweep.yaml:1:1: a sweep file is a mapping of keys, got a list");
  refuse("text", "sweep.yaml:1:1: a sweep file is a mapping of keys, got \"text\"");
}

Test(errors, nesting_has_a_limit) {
  char text[200] = "seed: ";
  memset(text + 6, '[', 100);
  memset(text + 106, ']', 60);
  refuse(text, "sweep.yaml:1:39: nested too deep");
}

// ---- keys ------------------------------------------------------------------------------

Test(errors, an_unknown_key_gets_the_nearest_name) {
  refuse("sede: 1", "sweep.yaml:1:1: unknown key \"sede\"; did you mean seed?");
  refuse("seed: 1\nproblem:\n  sahpe: [2, 2]\n",
         "sweep.yaml:3:3: unknown key \"sahpe\" in problem; did you mean shape?");
  refuse("problem: {target: {widht: 2}}",
         "sweep.yaml:1:20: unknown key \"widht\" in problem.target; did you mean width?");
  refuse("std: 1", "sweep.yaml:1:1: unknown key \"std\"; did you mean init.std?");
  refuse("init.stdd: 1",
         "sweep.yaml:1:1: unknown key \"init.stdd\"; did you mean init.std?");
  refuse("zzzzzzz: 1",
         "sweep.yaml:1:1: unknown key \"zzzzzzz\"; there are: name, where, axes, blocks, "
         "seed, problem, model, init, loss, flow, stop, record, events");
  refuse("loss: {zzzzzzz: 1}",
         "sweep.yaml:1:8: unknown key \"zzzzzzz\" in loss; there are: kind, delta");
  refuse("problem: {file_digest: aa}",
         "sweep.yaml:1:11: unknown key \"file_digest\" in problem; there are: task, shape, "
         "samples, test, noise, input_std, seed, target, file");
}

// A run of continuation bytes counts as one character: a line that no message has room for.
Test(errors, a_line_that_is_not_text_is_cut) {
  const char *override[] = {"seed=x"};
  char *text = malloc(100000);
  htf_plan *plan;
  memset(text, 0x80, 99999);
  text[99999] = '\0';
  cr_expect(eq(int, make_plan(text, 1, override, &plan), HTF_E_CONFIG));
  cr_expect(strstr(htf_error_message(), "--set seed=x") != NULL);
  free(text);
}

Test(errors, a_key_stands_once) {
  refuse("seed: 1\nseed: 1\n", "sweep.yaml:2:1: seed is given twice, first at 1:1");
  refuse("init: {std: 1, std: 1}", "sweep.yaml:1:16: std is given twice, first at 1:8");
  refuse("init: {std: 1}\ninit.std: 2\n",
         "sweep.yaml:2:11: init.std is given twice, first at 1:13");
  refuse("init: {std: 1}\ninit: {std: x}\n",
         "sweep.yaml:2:1: init is given twice, first at 1:1");
}

// ---- values ----------------------------------------------------------------------------

Test(errors, a_wrong_type_says_what_is_wanted_and_shows_what_is_there) {
  refuse("init: {std: big}", "sweep.yaml:1:13: init.std wants a number, got \"big\"");
  refuse("init: {std: \"1\"}",
         "sweep.yaml:1:13: init.std wants a number, got the text \"1\"");
  refuse("init: {std: '1'}",
         "sweep.yaml:1:13: init.std wants a number, got the text \"1\"");
  refuse("init:\n  std:\n", "sweep.yaml:2:3: init.std wants a number, got nothing");
  refuse("init: {std: [1]}", "sweep.yaml:1:13: init.std wants a number, got a list");
  refuse("init: {seed: {}}",
         "sweep.yaml:1:14: init.seed wants a whole number, got a mapping");
  refuse("init: {seed: 1.5}",
         "sweep.yaml:1:14: init.seed wants a whole number, got \"1.5\"");
  refuse("problem: {samples: many}",
         "sweep.yaml:1:20: problem.samples wants a number, got \"many\"");
  refuse("problem: {shape: 8}", "sweep.yaml:1:18: problem.shape wants a list of mode sizes "
                                "like [8, 8, 8, 8], got \"8\"");
  refuse("problem:\n  shape:\n  - 8\n  - eight\n",
         "sweep.yaml:4:5: problem.shape wants a whole number, got \"eight\"");
  refuse("problem: {shape: [8, [8]]}",
         "sweep.yaml:1:22: problem.shape wants a list of mode "
         "sizes like [8, 8, 8, 8], got a list");
  refuse("flow: 3", "sweep.yaml:1:7: flow wants a mapping, got \"3\"");
  refuse("init: [1]", "sweep.yaml:1:7: init wants a mapping, got a list");
  refuse("name: [1]", "sweep.yaml:1:7: name wants a text of one line, got a list");
  refuse("name:\n", "sweep.yaml:1:1: name wants a text of one line, got nothing");
  refuse("stop: {time: .inf}", "sweep.yaml:1:14: stop.time wants a number, got \".inf\"");
}

Test(errors, a_value_out_of_range_shows_the_range) {
  refuse("flow: {rtol: 1}", "sweep.yaml:1:14: flow.rtol is 1, outside [1e-13, 0.1]");
  refuse("problem: {shape: [8, 0]}",
         "sweep.yaml:1:22: problem.shape is 0, outside [1, 2147483647]");
  refuse("problem: {test: 1.5}",
         "sweep.yaml:1:17: problem.test is 1.5, neither a count nor a fraction below 1");
}

Test(errors, an_unknown_choice_gets_the_nearest_name) {
  refuse("init: balnaced",
         "sweep.yaml:1:7: init.kind wants one of: gaussian, balanced, unbalanced, "
         "orthogonal, identity, file; got \"balnaced\"; did you mean balanced?");
  refuse("problem: {task: regression}",
         "sweep.yaml:1:17: problem.task wants one of: completion, sensing, full; got "
         "\"regression\"");
}

Test(errors, new_keys_have_their_ranges) {
  refuse("loss: {kind: huber, delta: 0}",
         "sweep.yaml:1:28: loss.delta is 0, outside [1e-100, 1e100]");
  refuse("flow: {method: momentum, beta: 1}",
         "sweep.yaml:1:32: flow.beta is 1, outside [0, 0.9999999999999999]");
  refuse("model: {kind: mf, depth: 1}",
         "sweep.yaml:1:26: model.depth is 1, outside [2, 64]");
  refuse("init: {run: -2}",
         "sweep.yaml:1:13: init.run is -2, outside [-1, 9007199254740992]");
  refuse("init: {unbalance: -0.5, width_exponent: x, mean: .nan}",
         "sweep.yaml:1:19: init.unbalance is -0.5, outside [0, 1e100]\n"
         "sweep.yaml:1:41: init.width_exponent wants a number, got \"x\"\n"
         "sweep.yaml:1:50: init.mean wants a number, got \".nan\"");
  refuse("problem: {input_std: -1}",
         "sweep.yaml:1:22: problem.input_std is -1, outside [0, 1e100]");
  refuse("record: {singular_values: -1, every: 0.5}",
         "sweep.yaml:1:27: record.singular_values is -1, outside [0, 1000000]\n"
         "sweep.yaml:1:38: record.every wants a whole number, got \"0.5\"");
  refuse("flow: {table: rk4}",
         "sweep.yaml:1:15: flow.table wants one of: dormand_prince, cash_karp, "
         "bogacki_shampine, fehlberg, zonneveld; got \"rk4\"");
  refuse("init: {file_digest: aa}",
         "sweep.yaml:1:8: unknown key \"file_digest\" in init; there are: kind, std, mean, "
         "width_exponent, unbalance, seed, file, run");
}

Test(errors, another_spelling_of_a_key_is_that_key) {
  refuse("record: {every: 0, descent: {every: 0}}",
         "sweep.yaml:1:37: record.every is given twice, first at 1:17");
  refuse("record: {descent: {evry: 3}}",
         "sweep.yaml:1:20: unknown key \"evry\" in record.descent; did you mean every?");
  refuse("record: {descent: 3}", "sweep.yaml:1:19: record.descent wants a mapping, got "
                                 "\"3\"");
  refuse("axes: [{key: record.descent, values: [{every: 3}]}]",
         "sweep.yaml:1:14: unknown key \"record.descent\"; did you mean record.every?");
  refuse("record: {descent: {every: -3}}",
         "sweep.yaml:1:27: record.every is -3, outside [0, 9007199254740992]");
}

Test(errors, trees_are_read_with_care) {
  const char *trees = "binary, flat, {arity: 4, pattern: half}, {depth: 2} or Newick";
  char message[300];
  snprintf(message, sizeof message,
           "sweep.yaml:1:15: model.tree wants a tree: %s; got \"binray\"; did you mean "
           "binary?",
           trees);
  refuse("model: {tree: binray}", message);
  snprintf(message, sizeof message,
           "sweep.yaml:1:15: model.tree wants a tree: %s, got a "
           "list",
           trees);
  refuse("model: {tree: [1]}", message);
  refuse("model: {tree: {arity: 2, patern: half}}",
         "sweep.yaml:1:26: unknown key \"patern\"; did you mean pattern?");
  refuse("model: {tree: {arity: 2, pattern: haf}}",
         "sweep.yaml:1:35: pattern wants one of: adjacent, half, square; got \"haf\"; did "
         "you mean half?");
  const char *wants =
      "model.tree wants as a mapping {arity: A} or {depth: L}, perhaps with "
      "pattern: adjacent, half or square";
  snprintf(message, sizeof message, "sweep.yaml:1:23: %s", wants);
  refuse("model: {tree: {arity: two}}", message);
  refuse("model: {tree: {arity: 2, depth: 2}}", message);
  snprintf(message, sizeof message, "sweep.yaml:1:15: %s", wants);
  refuse("model: {tree: {pattern: half}}", message);
}

// ---- axes ------------------------------------------------------------------------------

Test(errors, axes_are_read_with_care) {
  refuse("axes: 3", "sweep.yaml:1:7: axes wants a list of axes, got \"3\"");
  refuse("axes: [seeds]", "sweep.yaml:1:8: an axis wants a mapping, like {key: init.std, "
                          "values: [0.1, 0.2]}, got \"seeds\"");
  refuse("axes: [{key: init.std}]",
         "sweep.yaml:1:8: an axis wants one of: values, linear, log, range, uniform, "
         "loguniform, seeds");
  refuse("axes: [{key: init.std, values: [1], log: [1, 2, 3]}]",
         "sweep.yaml:1:8: an axis wants one of: values, linear, log, range, uniform, "
         "loguniform, seeds");
  refuse("axes: [{values: [1]}]",
         "sweep.yaml:1:8: an axis wants a key, like {key: init.std, values: [..]}");
  refuse("axes: [{key: init.sdt, values: [1]}]",
         "sweep.yaml:1:14: unknown key \"init.sdt\"; did you mean init.std?");
  refuse("axes: [{key: init.std, valeus: [1]}]",
         "sweep.yaml:1:24: unknown key \"valeus\"; did you mean values?");
  refuse("axes: [{key: init.std, values: []}]",
         "sweep.yaml:1:32: values wants a list of at least one value");
  refuse("axes: [{key: init.std, values: [1, x]}]",
         "sweep.yaml:1:36: init.std wants a number, got \"x\"");
  refuse("axes: [{key: init.std, log: [1, 2]}]",
         "sweep.yaml:1:29: log wants three numbers, [a, b, n]");
  refuse("axes: [{key: init.std, log: [1, -2, 3]}]",
         "sweep.yaml:1:29: log wants [a, b, n] with a > 0, b > 0 and n from 2 to 1000000");
  refuse("axes: [{key: init.std, linear: [1, 2, 1]}]",
         "sweep.yaml:1:32: linear wants [a, b, n] with n from 2 to 1000000");
  refuse("axes: [{key: init.std, range: [1, 2, -1]}]",
         "sweep.yaml:1:31: range wants [a, b, step] with at least one and at most 1000000 "
         "numbers");
  refuse("axes: [{key: init.std, linear: [0, 1, 3]}]",
         "sweep.yaml:1:32: init.std is 0, outside [1e-100, 1e100]");
  refuse("axes: [{key: model.width, linear: [1, 4, 3]}]",
         "sweep.yaml:1:35: model.width wants a whole number, got \"2.5\"");
  refuse("axes: [{key: model.tree, linear: [1, 4, 3]}]",
         "sweep.yaml:1:34: linear wants a key that is a number; model.tree takes values: "
         "[..]");
  refuse("axes: [{seeds: 0}]",
         "sweep.yaml:1:16: seeds wants a whole number from 1 to 1e12, got \"0\"");
  refuse("axes: [{seeds: 2, key: init.seed}]",
         "sweep.yaml:1:24: seeds has no key: it is an axis of init.seed");
}

Test(errors, a_key_is_on_one_axis) {
  refuse("axes:\n- {key: init.std, values: [1]}\n- {key: init.std, values: [2]}\n",
         "sweep.yaml:3:27: init.std is on two axes, the other at 2:27");
  refuse("axes: [{seeds: 2}, {key: init.seed, values: [2]}]",
         "sweep.yaml:1:45: init.seed is on two axes, the other at 1:16");
  refuse("axes: [{key: init, values: [balanced, {std: 2}]}, {key: init.std, values: [2]}]",
         "sweep.yaml:1:75: init.std is on two axes, the other at 1:28");
}

Test(errors, there_is_an_end_to_runs) {
  refuse("axes: [{seeds: 1e12}, {key: init.std, values: [1, 2]}]",
         "sweep.yaml:1:7: the axes multiply to more than 100000000 points");
}

// ---- overrides, and all at once --------------------------------------------------------

Test(errors, overrides_name_themselves) {
  refuse_override("flow.rtol", "--set flow.rtol: wants key=value");
  refuse_override("flow.rtol=2", "--set flow.rtol=2: flow.rtol is 2, outside [1e-13, 0.1]");
  refuse_override("flow.rtl=2",
                  "--set flow.rtl=2: unknown key \"flow.rtl\"; did you mean flow.rtol?");
  refuse_override("problem.shape=[4",
                  "--set problem.shape=[4: YAML: flow sequence without a closing bracket");
  refuse_override("seed=", "--set seed=: seed wants a whole number, got nothing");
  refuse_override("axes=[]",
                  "--set axes=[]: unknown key \"axes\"; there are: name, where, seed, "
                  "problem, model, init, loss, flow, stop, record, events");
  refuse_override("init.std=2", "--set init.std=2: init.std is on the axis at 1:32");
}

Test(errors, all_come_at_once_in_the_order_of_the_file) {
  const char *overrides[] = {"seed=x", "stop.lss=3"};
  expect_refusal(
      HTF_E_CONFIG,
      "axes:\n- {key: init.std, values: [x]}\n- {seeds: y}\n"
      "init: {kind: other}\nmodel: {width: 0, tree: flat}\n",
      2, overrides,
      "sweep.yaml:2:28: init.std wants a number, got \"x\"\n"
      "sweep.yaml:3:11: seeds wants a whole number from 1 to 1e12, got \"y\"\n"
      "sweep.yaml:4:14: init.kind wants one of: gaussian, balanced, unbalanced, orthogonal, "
      "identity, file; got \"other\"\n"
      "sweep.yaml:5:16: model.width is 0, outside [1, 1000000]\n"
      "--set seed=x: seed wants a whole number, got \"x\"\n"
      "--set stop.lss=3: unknown key \"stop.lss\"; did you mean stop.loss?");
}

Test(errors, more_than_can_be_read_are_counted) {
  char *text = malloc(100000), *at = text;
  at += sprintf(at, "axes:\n- key: init.std\n  values:\n");
  for (int i = 0; i < 150; i++) {
    at += sprintf(at, "  - x%d\n", i);
  }
  htf_plan *plan;
  cr_expect(eq(int, make_plan(text, 0, NULL, &plan), HTF_E_CONFIG));
  const char *message = htf_error_message();
  cr_expect(strstr(message, "sweep.yaml:103:5: ") != NULL);
  cr_expect(eq(str, (char *)strrchr(message, '\n'), "\nsweep.yaml: and 50 more"));
  free(text);
}

// ---- mutations -------------------------------------------------------------------------

static const char seedling[] =
    "name: x\n"
    "seed: 1\n"
    "problem: {shape: [8, 8, 8, 8], samples: 1024, target: {kind: htf, tree: binary}}\n"
    "model:\n"
    "  tree: &t {arity: 2, pattern: half}\n"
    "  width: 16\n"
    "init: gaussian\n"
    "loss: {kind: huber, delta: 2}\n"
    "record: {descent: {every: 0}}\n"
    "stop: {loss: 5e-5, time: 1e12}\n"
    "axes:\n"
    "  - {key: init.std, log: [1e-3, 1e-1, 5]}\n"
    "  - {key: model.tree, values: [*t, flat, \"((0,2)5,(1,3))8;\"]}\n"
    "  - {key: problem.target, values: [{width: 2}, cp]}\n"
    "  - {key: flow, values: [{method: gd, lr: 0.1}, {method: erk, table: cash_karp}]}\n"
    "  - {seeds: 16}\n";

// Changes a few bytes: another, one less, one more, or a piece of elsewhere.
static void mutate(htf_random *stream, char *text, size_t room) {
  static const char bytes[] = "[]{}:,-#&*!|>'\"%@` \n\t0159.eExX~?\\abz\x80\xff";
  int64_t changes = 1 + htf_random_index(stream, 3);
  for (int64_t i = 0; i < changes; i++) {
    size_t length = strlen(text), at = (size_t)htf_random_index(stream, (int64_t)length);
    char byte = bytes[htf_random_index(stream, (int64_t)sizeof bytes - 1)];
    size_t from = (size_t)htf_random_index(stream, (int64_t)length);
    size_t span = (size_t)htf_random_index(stream, 20);
    switch (htf_random_index(stream, 4)) {
    case 0:
      text[at] = byte;
      break;
    case 1:
      memmove(text + at, text + at + 1, length - at);
      break;
    case 2:
      if (length + 2 < room) {
        memmove(text + at + 1, text + at, length - at + 1);
        text[at] = byte;
      }
      break;
    default:
      span = span < length - from ? span : length - from;
      span = span < length - at ? span : length - at;
      memmove(text + at, text + from, span);
    }
    if (text[0] == '\0') {
      strcpy(text, "x");
    }
  }
}

Test(errors, a_damaged_file_is_a_plan_or_an_error_never_a_crash,
     .init = cr_redirect_stderr) {
  htf_random stream = htf_random_open(1, HTF_RANDOM_TEST, 0);
  int64_t blocks = htf_memory_blocks();
  int good = 0, bad = 0;
  for (int i = 0; i < 4000; i++) {
    char text[2 * sizeof seedling];
    htf_plan *plan;
    strcpy(text, seedling);
    mutate(&stream, text, sizeof text);
    htf_status status = make_plan(text, 0, NULL, &plan);
    if (status == HTF_OK) {
      htf_spec spec;
      good++;
      cr_expect(eq(int, htf_plan_spec(plan, htf_plan_runs(plan) - 1, &spec), HTF_OK));
      htf_plan *again;
      cr_assert(eq(int, make_plan(htf_plan_resolved(plan), 0, NULL, &again), HTF_OK), "%s",
                text);
      cr_expect(
          eq(int, memcmp(htf_plan_hash(plan), htf_plan_hash(again), sizeof(htf_digest)), 0),
          "%s", text);
      htf_plan_destroy(&again);
      htf_plan_destroy(&plan);
    } else {
      bad++;
      cr_expect(eq(int, status, HTF_E_CONFIG), "%s\n%s", text, htf_error_message());
      cr_expect(eq(int, strncmp(htf_error_message(), "sweep.yaml:", 11), 0));
    }
    cr_assert(eq(i64, htf_memory_blocks(), blocks), "%s", text);
  }
  cr_expect(lt(int, 50, good));
  cr_expect(lt(int, 100, bad));
  fflush(stderr);
  cr_assert_stderr_eq_str("");
}

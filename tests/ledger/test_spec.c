// SPDX-License-Identifier: BSD-3-Clause
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "htflow/spec.h"
#include "spec_helpers.h"

enum { TEXT = HTF_MAX_NEWICK };

static void refuse(const char *key, const char *text, const char *message) {
  htf_spec spec = resolved(), before = spec;
  cr_expect(eq(int, set(&spec, key, text), HTF_E_CONFIG), "%s: %s", key, text);
  cr_expect(eq(str, (char *)htf_error_message(), (char *)message));
  cr_expect(eq(int, memcmp(&spec, &before, sizeof spec), 0), "%s was changed", key);
}

Test(spec, defaults_are_written_in_canonical_text) {
  int count;
  const htf_field *field = htf_spec_fields(&count);
  htf_spec spec;
  htf_spec_defaults(&spec);
  for (int i = 0; i < count; i++) {
    char text[TEXT];
    htf_spec_print(&spec, &field[i], text, sizeof text);
    cr_expect(eq(str, text, (char *)field[i].initial));
  }
}

Test(spec, every_field_has_one_key_and_a_sentence_of_help) {
  int count;
  const htf_field *field = htf_spec_fields(&count);
  for (int i = 0; i < count; i++) {
    cr_expect(eq(ptr, (void *)htf_spec_field(field[i].key), (void *)&field[i]));
    size_t length = strlen(field[i].help);
    cr_expect(length > 10 && field[i].help[length - 1] == '.', "%s", field[i].key);
    cr_expect(field[i].type == HTF_FIELD_NAMES ||
              (field[i].choices != NULL) == (field[i].type == HTF_FIELD_CHOICE));
  }
  cr_expect(eq(ptr, (void *)htf_spec_field("init"), NULL));
}

Test(spec, what_is_printed_reads_back_the_same) {
  int count;
  const htf_field *field = htf_spec_fields(&count);
  for (int i = 0; i < count; i++) {
    htf_spec spec, copy;
    char text[TEXT], again[TEXT];
    htf_spec_defaults(&spec);
    htf_spec_defaults(&copy);
    cr_expect(eq(int, htf_spec_set(&spec, &field[i], other_value(&field[i])), HTF_OK), "%s",
              htf_error_message());
    htf_spec_print(&spec, &field[i], text, sizeof text);
    cr_expect(eq(int, htf_spec_set(&copy, &field[i], text), HTF_OK));
    htf_spec_print(&copy, &field[i], again, sizeof again);
    cr_expect(eq(str, text, again));
    cr_expect(eq(int, memcmp(&spec, &copy, sizeof spec), 0), "%s", field[i].key);
  }
}

Test(spec, numbers_print_with_the_fewest_digits_and_read_back) {
  const struct {
    double value;
    const char *text;
  } cases[] = {{0.1, "0.1"},
               {1e-6, "1e-6"},
               {1e20, "1e20"},
               {-2.5, "-2.5"},
               {0.1 + 0.2, "0.30000000000000004"},
               {1024, "1024"},
               {1e-300, "1e-300"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[HTF_NUMBER_TEXT];
    double back;
    htf_spec_write_number(cases[i].value, text);
    cr_expect(eq(str, text, (char *)cases[i].text));
    cr_expect(htf_spec_read_number(text, &back) && back == cases[i].value);
  }
}

Test(spec, only_decimal_numbers_are_numbers) {
  const char *good[] = {"1", "-1.", "+.5", "1e3", "1.5E-3", "007"};
  const char *bad[] = {"",      " 1",    "1 ",    "0x10", "inf", ".inf", "nan", "1e",
                       "1e999", "1.2.3", "1_000", "--1",  ".",   "e3",   "1,5"};
  double value;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    cr_expect(htf_spec_read_number(good[i], &value), "%s", good[i]);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    cr_expect(not(htf_spec_read_number(bad[i], &value)), "%s", bad[i]);
  }
}

Test(spec, a_bad_value_is_named_with_what_would_be_right) {
  refuse("init.std", "big", "init.std wants a number, got \"big\"");
  refuse("init.std", "1e200", "init.std is 1e200, outside [1e-100, 1e100]");
  refuse("flow.rtol", "1", "flow.rtol is 1, outside [1e-13, 0.1]");
  refuse("model.width", "2.5", "model.width wants a whole number, got \"2.5\"");
  refuse("model.width", "0", "model.width is 0, outside [1, 1000000]");
  refuse("problem.samples", "1.5",
         "problem.samples is 1.5, neither a count nor a fraction below 1");
  refuse("problem.samples", "-1", "problem.samples is -1, outside [0, 9007199254740992]");
  refuse("flow.krylov", "pgc",
         "flow.krylov wants one of: gmres, pcg; got \"pgc\"; did you mean pcg?");
  refuse("flow.krylov", "jacobi", "flow.krylov wants one of: gmres, pcg; got \"jacobi\"");
  refuse("flow.method", "grouprmspop",
         "flow.method wants one of: bdf, gd, adams, erk, momentum, grouprmsprop, adam; got "
         "\"grouprmspop\"; did you mean grouprmsprop?");
  refuse("flow.beta", "1", "flow.beta is 1, outside [0, 0.9999999999999999]");
  refuse("loss.delta", "0", "loss.delta is 0, outside [1e-100, 1e100]");
  refuse("model.depth", "1", "model.depth is 1, outside [2, 64]");
  refuse("init.run", "-2", "init.run is -2, outside [-1, 9007199254740992]");
  refuse("init.unbalance", "-1", "init.unbalance is -1, outside [0, 1e100]");
  refuse("problem.shape", "8",
         "problem.shape wants a list of mode sizes like [8, 8, 8, 8], got \"8\"");
  refuse("problem.shape", "[8, x]", "problem.shape wants a whole number, got \"x\"");
  refuse("problem.shape", "[8, 0]", "problem.shape is 0, outside [1, 2147483647]");
  refuse("problem.shape", "[8]", "problem.shape has one mode, wants at least two");
  refuse("model.tree", "", "model.tree is empty, wants a tree");
  refuse("problem.file", "a\nb", "problem.file has a control character at place 2");
  refuse("problem.file_digest", "abc",
         "problem.file_digest wants 64 hexadecimal digits, got \"abc\"");
}

Test(spec, each_choice_is_its_enumerator) {
  const struct {
    const char *key, *name;
    int number;
  } cases[] = {
      {"problem.task", "completion", HTF_TASK_COMPLETION},
      {"problem.task", "sensing", HTF_TASK_SENSING},
      {"problem.task", "full", HTF_TASK_FULL},
      {"problem.target.kind", "htf", HTF_TARGET_HTF},
      {"problem.target.kind", "cp", HTF_TARGET_CP},
      {"model.kind", "htf", HTF_FACTORIZATION_HTF},
      {"model.kind", "cp", HTF_FACTORIZATION_CP},
      {"model.kind", "mf", HTF_FACTORIZATION_MF},
      {"init.kind", "gaussian", HTF_INIT_GAUSSIAN},
      {"init.kind", "balanced", HTF_INIT_BALANCED},
      {"init.kind", "unbalanced", HTF_INIT_UNBALANCED},
      {"init.kind", "orthogonal", HTF_INIT_ORTHOGONAL},
      {"init.kind", "identity", HTF_INIT_IDENTITY},
      {"init.kind", "file", HTF_INIT_FILE},
      {"loss.kind", "l2", HTF_LOSS_L2},
      {"loss.kind", "l1", HTF_LOSS_L1},
      {"loss.kind", "huber", HTF_LOSS_HUBER},
      {"flow.method", "bdf", HTF_METHOD_BDF},
      {"flow.method", "gd", HTF_METHOD_GD},
      {"flow.method", "adams", HTF_METHOD_ADAMS},
      {"flow.method", "erk", HTF_METHOD_ERK},
      {"flow.method", "momentum", HTF_METHOD_MOMENTUM},
      {"flow.method", "grouprmsprop", HTF_METHOD_GROUPRMSPROP},
      {"flow.method", "adam", HTF_METHOD_ADAM},
      {"flow.krylov", "gmres", HTF_KRYLOV_GMRES},
      {"flow.krylov", "pcg", HTF_KRYLOV_PCG},
      {"flow.preconditioner", "gauss_newton", HTF_PRECONDITIONER_GAUSS_NEWTON},
      {"flow.preconditioner", "none", HTF_PRECONDITIONER_NONE},
      {"flow.table", "dormand_prince", HTF_TABLE_DORMAND_PRINCE},
      {"flow.table", "cash_karp", HTF_TABLE_CASH_KARP},
      {"flow.table", "bogacki_shampine", HTF_TABLE_BOGACKI_SHAMPINE},
      {"flow.table", "fehlberg", HTF_TABLE_FEHLBERG},
      {"flow.table", "zonneveld", HTF_TABLE_ZONNEVELD},
      {"record.spacing", "arc", HTF_SPACING_ARC},
      {"record.spacing", "log", HTF_SPACING_LOG},
      {"record.spacing", "step", HTF_SPACING_STEP},
      {"record.spacing", "loss", HTF_SPACING_LOSS},
      {"record.spacing", "growth", HTF_SPACING_GROWTH},
      {"events.component_scale", "tensor", HTF_EVENT_SCALE_TENSOR},
      {"events.component_scale", "absolute", HTF_EVENT_SCALE_ABSOLUTE},
      {"record.weights", "none", HTF_KEEP_NONE},
      {"record.weights", "final", HTF_KEEP_FINAL},
      {"record.weights", "best", HTF_KEEP_BEST},
      {"record.weights", "first", HTF_KEEP_FIRST},
  };
  int named = 0, count;
  const htf_field *field = htf_spec_fields(&count);
  for (int i = 0; i < count; i++) {
    bool choice = field[i].type == HTF_FIELD_CHOICE;
    for (const char *at = choice ? field[i].choices : NULL; at != NULL;
         at = strchr(at + 1, '|')) {
      named++;
    }
  }
  cr_expect(eq(int, named, (int)(sizeof cases / sizeof *cases)), "all choices are here");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    htf_spec spec = resolved();
    cr_assert(eq(int, set(&spec, cases[i].key, cases[i].name), HTF_OK));
    int number = *(int *)htf_spec_member(&spec, htf_spec_field(cases[i].key));
    cr_expect(eq(int, number, cases[i].number), "%s: %s", cases[i].key, cases[i].name);
  }
}

Test(spec, texts_that_do_not_fit_are_refused) {
  char text[2 * TEXT], message[200];
  memset(text, 'a', sizeof text);
  text[HTF_MAX_TEXT] = '\0';
  snprintf(message, sizeof message, "problem.file has %d characters, at most %d fit",
           HTF_MAX_TEXT, HTF_MAX_TEXT - 1);
  refuse("problem.file", text, message);
  text[HTF_MAX_TEXT] = 'a';
  text[HTF_MAX_NEWICK] = '\0';
  snprintf(message, sizeof message, "model.tree has %d characters, at most %d fit",
           HTF_MAX_NEWICK, HTF_MAX_NEWICK - 1);
  refuse("model.tree", text, message);
  char *at = text + sprintf(text, "[2");
  for (int i = 0; i < HTF_MAX_ORDER; i++) {
    at += sprintf(at, ",2");
  }
  strcpy(at, "]");
  refuse("problem.shape", text, "problem.shape has more than 64 modes");
}

Test(spec, numbers_of_fields_are_their_values_and_nan_for_texts) {
  htf_spec spec;
  htf_spec_defaults(&spec);
  cr_expect(epsilon_eq(dbl, htf_spec_number(&spec, htf_spec_field("init.std")), 0.1, 0));
  cr_expect(epsilon_eq(dbl, htf_spec_number(&spec, htf_spec_field("model.width")), 16, 0));
  cr_expect(epsilon_eq(dbl, htf_spec_number(&spec, htf_spec_field("flow.krylov")), 1, 0));
  cr_expect(isnan(htf_spec_number(&spec, htf_spec_field("model.tree"))));
  cr_expect(isnan(htf_spec_number(&spec, htf_spec_field("problem.shape"))));
  cr_expect(isnan(htf_spec_number(&spec, htf_spec_field("problem.file"))));
}

Test(spec, distance_counts_letters_put_in_left_out_changed_or_swapped) {
  cr_expect(eq(int, htf_spec_distance("", "abc"), 3));
  cr_expect(eq(int, htf_spec_distance("abc", "abc"), 0));
  cr_expect(eq(int, htf_spec_distance("acb", "abc"), 1));
  cr_expect(eq(int, htf_spec_distance("kitten", "sitting"), 3));
  cr_expect(eq(int, htf_spec_distance("inti.std", "init.std"), 1));
  cr_expect(htf_spec_resembles("sahpe", "shape"));
  cr_expect(not(htf_spec_resembles("seed", "shape")));
}

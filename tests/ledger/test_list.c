// SPDX-License-Identifier: BSD-3-Clause
// Fields that are lists, by rows of their own that lie over members of the same size.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "htflow/spec.h"

_Static_assert(sizeof(htf_list) <= sizeof(htf_shape), "a list lies over a shape");

static const htf_field times = {
    "times", HTF_FIELD_LIST, offsetof(htf_spec, problem.shape), 0, 10, NULL, "[]", "1", "",
    true};
static const htf_field observed = {"observed",
                                   HTF_FIELD_NAMES,
                                   offsetof(htf_spec, problem.file),
                                   0,
                                   0,
                                   "loss|norm|rank",
                                   "[loss]",
                                   "",
                                   "",
                                   true};
static const htf_field parts = {
    "parts", HTF_FIELD_NAMES, offsetof(htf_spec, problem.file), 0, 0, NULL, "[]", "", "",
    true};

static htf_spec set(const htf_field *field, const char *text) {
  htf_spec spec;
  memset(&spec, 0, sizeof spec);
  cr_assert(eq(int, htf_spec_set(&spec, field, text), HTF_OK), "%s", htf_error_message());
  return spec;
}

static void expect_print(const htf_field *field, const char *text, const char *wanted) {
  char printed[HTF_MAX_TEXT], again[HTF_MAX_TEXT];
  htf_spec spec = set(field, text);
  htf_spec_print(&spec, field, printed, sizeof printed);
  cr_expect(eq(str, printed, (char *)wanted));
  spec = set(field, printed);
  htf_spec_print(&spec, field, again, sizeof again);
  cr_expect(eq(str, again, printed));
}

static void refuse(const htf_field *field, const char *text, const char *message) {
  htf_spec spec = set(field, "[]"), before = spec;
  cr_expect(eq(int, htf_spec_set(&spec, field, text), HTF_E_CONFIG), "%s", text);
  cr_expect(eq(str, (char *)htf_error_message(), (char *)message));
  cr_expect(eq(int, memcmp(&spec, &before, sizeof spec), 0), "%s was changed", text);
}

Test(list, numbers_keep_their_order_and_a_number_is_a_list_of_one) {
  expect_print(&times, "[]", "[]");
  expect_print(&times, "[ ]", "[]");
  expect_print(&times, "2", "[2]");
  expect_print(&times, "[1, 0.5,2e0 ]", "[1, 0.5, 2]");
  htf_spec spec = set(&times, "[1, 0.5]");
  const htf_list *list = htf_spec_member_const(&spec, &times);
  cr_expect(eq(int, list->count, 2));
  cr_expect(epsilon_eq(dbl, list->value[1], 0.5, 0));
  cr_expect(isnan(htf_spec_number(&spec, &times)));
}

Test(list, names_stand_in_the_order_of_the_choices) {
  expect_print(&observed, "[rank, loss]", "[loss, rank]");
  expect_print(&observed, "norm", "[norm]");
  expect_print(&observed, "[]", "[]");
  htf_spec spec = set(&observed, "[rank, loss]");
  const char *names = htf_spec_member_const(&spec, &observed);
  char name[HTF_MAX_LABEL];
  cr_expect(eq(str, (char *)names, "loss,rank"));
  cr_expect(htf_spec_name_at(names, 1, name) && strcmp(name, "rank") == 0);
  cr_expect(not(htf_spec_name_at(names, 2, name)));
  cr_expect(not(htf_spec_name_at("", 0, name)));
  cr_expect(htf_spec_names_hold(names, "loss"));
  cr_expect(not(htf_spec_names_hold(names, "los")));
  cr_expect(not(htf_spec_names_hold(names, "norm")));
}

Test(list, names_without_choices_keep_their_order) {
  expect_print(&parts, "[0_2, odd, 0+]", "[0_2, odd, 0+]");
}

Test(list, a_bad_item_is_named) {
  refuse(&times, "[1, 11]", "times is 11, outside [0, 10]");
  refuse(&times, "[1,,2]", "times wants a number, got \"\"");
  refuse(&times, "[1", "times wants a number, got \"[1\"");
  refuse(&observed, "[loss, nrm]",
         "observed wants one of: loss, norm, rank; got \"nrm\"; did you mean norm?");
  refuse(&observed, "[loss, loss]", "observed names loss twice");
  refuse(&parts, "[a b]",
         "parts wants names, words of letters, digits and _ + . -; got \"a b\"");
  refuse(&parts, "", "parts wants names, words of letters, digits and _ + . -; got \"\"");
}

Test(list, more_than_fits_is_refused) {
  char text[2 * HTF_MAX_TEXT], *at = text;
  at += sprintf(at, "[0");
  for (int i = 0; i < HTF_MAX_LIST; i++) {
    at += sprintf(at, ",1");
  }
  sprintf(at, "]");
  refuse(&times, text, "times has more than 64 numbers");
  at = text + sprintf(text, "[a");
  for (int i = 0; i < 300; i++) {
    at += sprintf(at, ",b%03d", i);
  }
  sprintf(at, "]");
  refuse(&parts, text, "parts has more than 1023 characters");
}

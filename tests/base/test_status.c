// SPDX-License-Identifier: BSD-3-Clause
#include "htflow/status.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static htf_status positive(int n) {
  htf_status status = HTF_OK;
  HTF_CHECK(n > 0, HTF_E_CONFIG, "n is %d, must be positive", n);
done:
  return status;
}

static bool reached_end;

static htf_status both_positive(int a, int b) {
  htf_status status = HTF_OK;
  reached_end = false;
  HTF_TRY(positive(a));
  HTF_TRY(positive(b));
  reached_end = true;
done:
  return status;
}

Test(status, success_is_zero_and_leaves_no_message) {
  cr_assert(eq(int, HTF_OK, 0));
  cr_assert(eq(int, both_positive(1, 2), HTF_OK));
  cr_assert(reached_end);
  cr_assert(eq(str, (char *)htf_error_message(), ""));
  cr_assert(eq(str, (char *)htf_error_trace(), ""));
}

Test(status, a_failed_check_carries_code_and_numbers_to_the_caller) {
  cr_assert(eq(int, both_positive(1, -2), HTF_E_CONFIG));
  cr_assert(not(reached_end));
  cr_assert(eq(str, (char *)htf_error_message(), "n is -2, must be positive"));
}

Test(status, the_trace_names_each_place_once_from_the_inside_out) {
  both_positive(0, 1);
  const char *inner = strstr(htf_error_trace(), " positive\n");
  cr_assert(inner != NULL, "%s", htf_error_trace());
  const char *outer = strstr(inner, " both_positive\n");
  cr_assert(outer != NULL, "%s", htf_error_trace());
  cr_assert(eq(str, (char *)outer, " both_positive\n"));
  cr_assert(strstr(htf_error_trace(), "test_status.c:") != NULL);
}

Test(status, a_new_error_replaces_the_old_one) {
  both_positive(0, 1);
  positive(-7);
  cr_assert(eq(str, (char *)htf_error_message(), "n is -7, must be positive"));
  cr_assert(strstr(htf_error_trace(), "both_positive") == NULL);
}

Test(status, words_are_put_before_the_message) {
  positive(0);
  htf_error_prefix("%s:%d: ", "sweep.yaml", 12);
  cr_assert(
      eq(str, (char *)htf_error_message(), "sweep.yaml:12: n is 0, must be positive"));
  htf_error_prefix("run %d: ", 3);
  cr_assert(eq(str, (char *)htf_error_message(),
               "run 3: sweep.yaml:12: n is 0, must be positive"));
}

Test(status, a_message_may_quote_the_one_before_it) {
  positive(0);
  htf_error_raise(HTF_E_IO, "f.c", 1, "f", "<%s>", htf_error_message());
  cr_assert(eq(str, (char *)htf_error_message(), "<n is 0, must be positive>"));
  htf_error_prefix("%s; ", htf_error_message());
  cr_assert(eq(str, (char *)htf_error_message(),
               "<n is 0, must be positive>; <n is 0, must be positive>"));
}

Test(status, clearing_empties_message_and_trace) {
  positive(0);
  htf_error_clear();
  cr_assert(eq(str, (char *)htf_error_message(), ""));
  cr_assert(eq(str, (char *)htf_error_trace(), ""));
}

Test(status, endless_texts_and_traces_are_cut_not_overrun) {
  static char text[1 << 17];
  memset(text, 'x', sizeof text - 1);
  htf_error_raise(HTF_E_IO, "f.c", 1, "f", "%s", text);
  htf_error_prefix("%s", text);
  htf_error_prefix("start ");
  size_t length = strlen(htf_error_message());
  cr_assert(length > 1000 && length < sizeof text, "%zu bytes", length);
  cr_assert(strncmp(htf_error_message(), "start x", 7) == 0);
  for (int i = 0; i < 10000; i++) {
    htf_error_forward(HTF_E_IO, "f.c", i, "f");
  }
  cr_assert(strlen(htf_error_trace()) < sizeof text);
}

static void *raise_elsewhere(void *unused) {
  positive(-99);
  return unused;
}

Test(status, each_thread_has_its_own_slot) {
  pthread_t thread;
  positive(-1);
  pthread_create(&thread, NULL, raise_elsewhere, NULL);
  pthread_join(thread, NULL);
  cr_assert(eq(str, (char *)htf_error_message(), "n is -1, must be positive"));
}

// The exit codes are a promise to job scripts: design.md section 3.
Test(status, exit_codes_are_those_documented) {
  cr_expect(eq(int, htf_status_exit_code(HTF_OK), 0));
  cr_expect(eq(int, htf_status_exit_code(HTF_E_INTERNAL), 1));
  cr_expect(eq(int, htf_status_exit_code(HTF_E_USAGE), 2));
  cr_expect(eq(int, htf_status_exit_code(HTF_E_CONFIG), 3));
  cr_expect(eq(int, HTF_EXIT_SOME_FAILED, 4));
  cr_expect(eq(int, htf_status_exit_code(HTF_E_STOPPED), 5));
  cr_expect(eq(int, htf_status_exit_code(HTF_E_MEMORY), 6));
  cr_expect(eq(int, htf_status_exit_code(HTF_E_IO), 6));
  cr_expect(eq(int, htf_status_exit_code(HTF_E_MPI), 6));
  cr_expect(eq(int, htf_status_exit_code(HTF_E_ENVIRONMENT), 6));
  cr_expect(eq(int, htf_status_exit_code(HTF_E_DATA), 7));
}

Test(status, every_status_has_a_text_and_an_unknown_one_is_internal) {
#define HAS_TEXT(name, exit_code, text)                                                    \
  cr_expect(eq(str, (char *)htf_status_text(HTF_##name), text));
  HTF_STATUS_TABLE(HAS_TEXT)
#undef HAS_TEXT
  cr_assert(eq(int, htf_status_exit_code((htf_status)1000), 1));
  cr_assert(eq(int, htf_status_exit_code((htf_status)-1), 1));
  cr_assert(eq(str, (char *)htf_status_text((htf_status)1000), "unknown status"));
}

Test(status, an_assertion_that_holds_does_nothing) {
  HTF_ASSERT(1 + 1 == 2);
}

Test(status, a_broken_assertion_aborts, .signal = SIGABRT) {
  HTF_ASSERT(1 + 1 == 3);
}

// SPDX-License-Identifier: BSD-3-Clause
// Work that crashes, done in a process of its own.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "htflow/guard.h"

enum { MANY = 1 << 20 };

typedef struct job {
  int64_t made, got;
  int how;
  char *bytes; // [MANY] of a large answer
} job;

static htf_status work(void *context) {
  htf_status status = HTF_OK;
  job *j = context;
  j->made = 42;
  HTF_CHECK(j->how != 1, HTF_E_NUMERIC, "seven is %d", 7);
  if (j->how == 2) {
    raise(SIGSEGV);
  } else if (j->how == 3) {
    for (volatile int64_t i = 0;; i++) {
    }
  } else if (j->how == 4) {
    _exit(3);
  } else if (j->how == 6) {
    for (size_t megabytes = 16; megabytes < 4096; megabytes *= 2) {
      char *block = malloc(megabytes << 20);
      HTF_CHECK(block != NULL, HTF_E_MEMORY, "%zu MB", megabytes);
      memset(block, 7, 4096);
      free(block);
    }
  }
done:
  return status;
}

static htf_status send(void *context, FILE *out) {
  htf_status status = HTF_OK;
  job *j = context;
  HTF_TRY(htf_guard_put(out, &j->made, sizeof j->made));
  if (j->how == 5) {
    fflush(out);
    raise(SIGFPE);
  }
  if (j->bytes != NULL) {
    memset(j->bytes, 7, MANY);
    HTF_TRY(htf_guard_put(out, j->bytes, MANY));
  }
done:
  return status;
}

static htf_status receive(void *context, FILE *in) {
  htf_status status = HTF_OK;
  job *j = context;
  HTF_TRY(htf_guard_get(in, &j->got, sizeof j->got));
  if (j->bytes != NULL) {
    HTF_TRY(htf_guard_get(in, j->bytes, MANY));
  }
done:
  return status;
}

static htf_status run(job *j) {
  htf_guard guard = {work, send, receive, j, 1, 100e6};
  return htf_guard_run(&guard);
}

Test(guard, what_the_child_sends_is_received_and_nothing_else_is_seen) {
  job j = {.how = 0};
  cr_assert(eq(int, run(&j), HTF_OK));
  cr_assert(eq(i64, j.got, 42));
  cr_assert(eq(i64, j.made, 0));
}

Test(guard, more_than_a_pipe_holds_can_be_sent) {
  job j = {.bytes = calloc(MANY, 1)};
  cr_assert(eq(int, run(&j), HTF_OK));
  cr_assert(eq(int, j.bytes[0] + j.bytes[MANY - 1], 14));
  free(j.bytes);
}

Test(guard, an_error_comes_with_its_message) {
  job j = {.how = 1};
  cr_assert(eq(int, run(&j), HTF_E_NUMERIC));
  cr_assert(eq(str, (char *)htf_error_message(), "seven is 7"));
}

Test(guard, a_crash_is_an_error) {
  job j = {.how = 2};
  cr_assert(eq(int, run(&j), HTF_E_DATA));
  cr_assert(strstr(htf_error_message(), "crash") != NULL, "%s", htf_error_message());
}

Test(guard, a_crash_amid_sending_is_an_error) {
  job j = {.how = 5};
  cr_assert(eq(int, run(&j), HTF_E_DATA));
}

Test(guard, work_without_end_is_an_error) {
  job j = {.how = 3};
  cr_assert(eq(int, run(&j), HTF_E_DATA));
  cr_assert(strstr(htf_error_message(), "to an end") != NULL, "%s", htf_error_message());
}

Test(guard, more_memory_than_allowed_is_not_there) {
  job j = {.how = 6};
  cr_assert(eq(int, run(&j), HTF_E_MEMORY));
  // Of 100 MB sanitizers take their part.
  cr_assert(strcmp(htf_error_message(), "128 MB") == 0 ||
                strcmp(htf_error_message(), "64 MB") == 0,
            "%s", htf_error_message());
}

Test(guard, a_child_that_leaves_without_a_word_is_an_error) {
  job j = {.how = 4};
  cr_assert(ne(int, run(&j), HTF_OK));
}

Test(guard, no_descriptor_and_no_child_is_left) {
  int before = dup(0), after;
  close(before);
  for (int how = 0; how < 6; how++) {
    job j = {.how = how == 3 ? 0 : how};
    run(&j);
  }
  after = dup(0);
  close(after);
  cr_assert(eq(int, after, before));
}

Test(guard, turned_off_it_works_here) {
  job j = {.how = 0};
  htf_guard_turn(false);
  cr_assert(eq(int, run(&j), HTF_OK));
  cr_assert(eq(i64, j.made, 42));
  htf_guard_turn(true);
}

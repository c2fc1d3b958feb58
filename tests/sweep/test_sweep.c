// SPDX-License-Identifier: BSD-3-Clause
// The dispatch, with made runs: each is a few milliseconds of waiting, and notes that it
// was.
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "htflow/clock.h"
#include "htflow/memory.h"
#include "htflow/sweep.h"
#include "mpi_test.h"

enum { RUNS = 40 };

// What one rank saw.
typedef struct seen {
  int executed[RUNS], put[RUNS];
  double seconds;                          // of one run
  int64_t fail_put_at, signal_at, bad_run; // run index, or -1
  int64_t last_done, last_failed;
} seen;

static seen blank(void) {
  seen s;
  memset(&s, 0, sizeof s);
  s.fail_put_at = s.signal_at = s.bad_run = -1;
  return s;
}

static htf_status execute(void *context, int64_t index, bool (*interrupt)(void *),
                          void *token, htf_record *record) {
  htf_status status = HTF_OK;
  seen *s = context;
  double end = htf_clock_now() + s->seconds;
  if (index == s->signal_at) {
    raise(SIGUSR1);
  }
  do {
    HTF_CHECK(!interrupt(token), HTF_E_STOPPED, "told to stop");
    htf_clock_sleep(1e-4);
  } while (htf_clock_now() < end);
  s->executed[index]++;
  record->state = index == s->bad_run ? HTF_RUN_FAILED : HTF_RUN_DONE;
  record->steps = index;
done:
  return status;
}

static htf_status put(void *context, const htf_record *record) {
  htf_status status = HTF_OK;
  seen *s = context;
  HTF_CHECK(record->steps != s->fail_put_at, HTF_E_IO, "the disk of run %d is full",
            (int)record->steps);
  s->put[record->steps]++;
done:
  return status;
}

static void progress(void *context, int64_t done, int64_t failed, int64_t todo) {
  seen *s = context;
  mpi_check(done >= s->last_done && failed >= s->last_failed && done + failed <= todo,
            "%d done, %d failed of %d", (int)done, (int)failed, (int)todo);
  s->last_done = done;
  s->last_failed = failed;
}

static htf_status sweep(seen *s, double deadline, int serve_only,
                        htf_sweep_outcome *outcome) {
  int64_t order[RUNS];
  for (int i = 0; i < RUNS; i++) {
    order[i] = RUNS - 1 - i;
  }
  htf_sweep_job job = {.runs = RUNS,
                       .todo = RUNS,
                       .order = order,
                       .deadline = deadline,
                       .serve_only = serve_only,
                       .execute = execute,
                       .put = put,
                       .progress = progress,
                       .context = s};
  return htf_sweep_run(&job, outcome);
}

static void sum_up(MPI_Comm world, seen *s) {
  MPI_Allreduce(MPI_IN_PLACE, s->executed, 2 * RUNS, MPI_INT, MPI_SUM, world);
}

static void check_each_once(const seen *s) {
  for (int i = 0; i < RUNS; i++) {
    mpi_check(s->executed[i] == 1 && s->put[i] == 1, "run %d: executed %d, put %d times", i,
              s->executed[i], s->put[i]);
  }
}

MPI_TEST(sweep, does_every_run_once) {
  seen s = blank();
  htf_sweep_outcome outcome;
  s.seconds = 2e-3;
  s.bad_run = 7;
  int64_t before = htf_memory_blocks();
  mpi_check(htf_sweep_open(NULL, NULL) == HTF_OK, "%s", htf_error_message());
  mpi_check(sweep(&s, 0, 0, &outcome) == HTF_OK, "%s", htf_error_message());
  sum_up(world, &s);
  check_each_once(&s);
  mpi_check(outcome.done == RUNS - 1 && outcome.failed == 1 && !outcome.stopped, "%d, %d",
            (int)outcome.done, (int)outcome.failed);
  mpi_check(htf_sweep_rank() != 0 || (s.last_done == RUNS - 1 && s.last_failed == 1),
            "progress ended at %d", (int)s.last_done);
  mpi_check(htf_memory_blocks() == before, "%d blocks", (int)htf_memory_blocks());
  htf_sweep_close();
}

MPI_TEST(sweep, a_manager_that_only_serves_does_no_run) {
  seen s = blank();
  htf_sweep_outcome outcome;
  s.seconds = 1e-3;
  mpi_check(htf_sweep_open(NULL, NULL) == HTF_OK, "%s", htf_error_message());
  mpi_check(sweep(&s, 0, 2, &outcome) == HTF_OK, "%s", htf_error_message());
  if (htf_sweep_rank() == 0 && htf_sweep_ranks() > 1) {
    for (int i = 0; i < RUNS; i++) {
      mpi_check(s.executed[i] == 0, "rank 0 did run %d", i);
    }
  }
  sum_up(world, &s);
  check_each_once(&s);
  htf_sweep_close();
}

MPI_TEST(sweep, a_deadline_stops_all_and_keeps_what_is_done) {
  seen s = blank();
  htf_sweep_outcome outcome;
  s.seconds = 0.05;
  double begin = htf_clock_now();
  mpi_check(htf_sweep_open(NULL, NULL) == HTF_OK, "%s", htf_error_message());
  mpi_check(sweep(&s, 0.18, 0, &outcome) == HTF_OK, "%s", htf_error_message());
  mpi_check(htf_clock_now() - begin < 2, "took %.2f s", htf_clock_now() - begin);
  sum_up(world, &s);
  int puts = 0;
  for (int i = 0; i < RUNS; i++) {
    mpi_check(s.executed[i] == s.put[i] && s.put[i] <= 1, "run %d", i);
    puts += s.put[i];
  }
  mpi_check(outcome.stopped && outcome.done == puts && puts > 0 && puts < RUNS, "%d of %d",
            (int)outcome.done, puts);
  htf_sweep_close();
}

// The signal reaches the one rank that does run 30; all ranks stop.
MPI_TEST(sweep, a_signal_on_one_rank_stops_all) {
  seen s = blank();
  htf_sweep_outcome outcome;
  s.seconds = 0.02;
  s.signal_at = 30;
  mpi_check(htf_sweep_open(NULL, NULL) == HTF_OK, "%s", htf_error_message());
  htf_sweep_catch_signals();
  mpi_check(sweep(&s, 0, 0, &outcome) == HTF_OK, "%s", htf_error_message());
  sum_up(world, &s);
  mpi_check(outcome.stopped && s.put[30] == 0 && outcome.done < RUNS, "%d done",
            (int)outcome.done);
  htf_sweep_close();
}

MPI_TEST(sweep, a_full_disk_on_one_rank_is_an_error_on_all) {
  seen s = blank();
  htf_sweep_outcome outcome;
  s.seconds = 2e-3;
  s.fail_put_at = 20;
  mpi_check(htf_sweep_open(NULL, NULL) == HTF_OK, "%s", htf_error_message());
  htf_status status = sweep(&s, 0, 0, &outcome);
  mpi_check(status == HTF_E_IO, "status %d", (int)status);
  mpi_check(strstr(htf_error_message(), "the disk of run 20 is full") != NULL, "%s",
            htf_error_message());
  htf_sweep_close();
}

MPI_TEST(sweep, nothing_to_do_is_done_at_once) {
  seen s = blank();
  htf_sweep_outcome outcome;
  htf_sweep_job job = {.execute = execute, .put = put, .context = &s};
  mpi_check(htf_sweep_open(NULL, NULL) == HTF_OK, "%s", htf_error_message());
  mpi_check(htf_sweep_run(&job, &outcome) == HTF_OK, "%s", htf_error_message());
  mpi_check(outcome.done == 0 && !outcome.stopped, "%d done", (int)outcome.done);
  htf_sweep_close();
}

MPI_TEST(sweep, bytes_and_errors_are_shared) {
  void *bytes = NULL;
  int64_t count = 0;
  mpi_check(htf_sweep_open(NULL, NULL) == HTF_OK, "%s", htf_error_message());
  if (htf_sweep_rank() == 0) {
    bytes = "hello";
    count = 6;
  }
  mpi_check(htf_sweep_share(&bytes, &count) == HTF_OK, "%s", htf_error_message());
  mpi_check(count == 6 && strcmp(bytes, "hello") == 0, "%d bytes", (int)count);
  if (htf_sweep_rank() != 0) {
    htf_memory_release(bytes);
  }
  mpi_check(htf_sweep_agree(HTF_OK) == HTF_OK, "agreed on an error there was not");
  htf_status own = HTF_OK;
  if (htf_sweep_rank() == htf_sweep_ranks() - 1) {
    own = htf_error_raise(HTF_E_DATA, "here", 1, "f", "bad data");
  }
  mpi_check(htf_sweep_agree(own) == HTF_E_DATA, "not all ranks heard");
  mpi_check(strstr(htf_error_message(), "bad data") != NULL, "%s", htf_error_message());
  htf_sweep_close();
}

MPI_TEST_MAIN

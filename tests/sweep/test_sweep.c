// SPDX-License-Identifier: BSD-3-Clause
// The dispatch, with made runs: each is a few milliseconds of waiting, and notes that it
// was.
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "htflow/clock.h"
#include "htflow/memory.h"
#include "htflow/sweep.h"
#include "mpi_test.h"

enum { RUNS = 40 };

// What one rank saw.
typedef struct seen {
  int executed[RUNS], put[RUNS], ended[RUNS];
  int added[RUNS], waiting;                // runs added and not committed
  double seconds;                          // of one run
  double commit_seconds;                   //
  double late;                             // until when rank 0 has nothing to hand out
  int64_t fail_put_at, signal_at, bad_run; // run index, or -1
  bool deaf;                               // runs that leave only when told to at once
  int64_t next, most_failed, commits;
  int64_t last_done, last_failed;
  double last_busy;
} seen;

static seen blank(void) {
  seen s;
  memset(&s, 0, sizeof s);
  s.fail_put_at = s.signal_at = s.bad_run = -1;
  return s;
}

static htf_status next(void *context, double left, htf_sweep_grant *grant,
                       htf_sweep_supply *supply) {
  seen *s = context;
  bool late = htf_clock_now() < s->late;
  mpi_check(htf_sweep_rank() == 0 && left > 0, "%g s left", left);
  *supply = late ? HTF_SWEEP_LATER : s->next < RUNS ? HTF_SWEEP_GRANTED : HTF_SWEEP_NONE;
  if (*supply == HTF_SWEEP_GRANTED) {
    grant->run = RUNS - 1 - s->next++;
    snprintf(grant->note, sizeof grant->note, "run %d", (int)grant->run);
  }
  return HTF_OK;
}

static void ended(void *context, int64_t run, htf_sweep_end how) {
  seen *s = context;
  s->ended[run] += how != HTF_SWEEP_UNDONE;
}

static htf_status execute(void *context, const htf_sweep_grant *grant,
                          htf_sweep_wish (*ask)(void *), void *token, htf_record *record) {
  htf_status status = HTF_OK;
  seen *s = context;
  char note[HTF_SWEEP_NOTE];
  double end = htf_clock_now() + s->seconds;
  snprintf(note, sizeof note, "run %d", (int)grant->run);
  mpi_check(strcmp(note, grant->note) == 0, "note '%s'", grant->note);
  if (grant->run == s->signal_at) {
    raise(SIGUSR1);
  }
  do {
    htf_sweep_wish wish = ask(token);
    HTF_CHECK(wish == HTF_SWEEP_GO_ON || (s->deaf && wish == HTF_SWEEP_LEAVE_SOON),
              HTF_E_STOPPED, "told to stop");
    htf_clock_sleep(1e-4);
  } while (htf_clock_now() < end);
  s->executed[grant->run]++;
  record->state = grant->run == s->bad_run ? HTF_RUN_FAILED : HTF_RUN_DONE;
  record->steps = grant->run;
done:
  return status;
}

static htf_status add(void *context, const htf_record *record, size_t *waiting) {
  seen *s = context;
  s->added[s->waiting++] = (int)record->steps;
  *waiting = (size_t)s->waiting * 1000;
  return HTF_OK;
}

static htf_status commit(void *context) {
  htf_status status = HTF_OK;
  seen *s = context;
  htf_clock_sleep(s->commit_seconds);
  s->commits++;
  for (int i = 0; i < s->waiting; i++) {
    HTF_CHECK(s->added[i] != s->fail_put_at, HTF_E_IO, "the disk of run %d is full",
              s->added[i]);
  }
  for (int i = 0; i < s->waiting; i++) {
    s->put[s->added[i]]++;
  }
  s->waiting = 0;
done:
  return status;
}

static void progress(void *context, const htf_sweep_progress *p) {
  seen *s = context;
  mpi_check(p->done >= s->last_done && p->failed >= s->last_failed &&
                p->done + p->failed <= p->todo,
            "%d done, %d failed of %d", (int)p->done, (int)p->failed, (int)p->todo);
  mpi_check(0 <= p->busy && p->busy <= p->elapsed * htf_sweep_ranks(),
            "%g s of work in %g s on %d ranks", p->busy, p->elapsed, htf_sweep_ranks());
  s->last_done = p->done;
  s->last_failed = p->failed;
  s->last_busy = p->busy;
}

static htf_status sweep(seen *s, double deadline, int serve_only,
                        htf_sweep_outcome *outcome) {
  htf_sweep_job job = {.todo = RUNS,
                       .most_failed = s->most_failed,
                       .deadline = deadline,
                       .grace = 0.3,
                       .serve_only = serve_only,
                       .next = next,
                       .ended = ended,
                       .execute = execute,
                       .add = add,
                       .commit = commit,
                       .progress = progress,
                       .context = s};
  return htf_sweep_run(&job, outcome);
}

static void sum_up(MPI_Comm world, seen *s) {
  MPI_Allreduce(MPI_IN_PLACE, s->executed, 3 * RUNS, MPI_INT, MPI_SUM, world);
}

static void check_each_once(const seen *s) {
  for (int i = 0; i < RUNS; i++) {
    mpi_check(s->executed[i] == 1 && s->put[i] == 1 && s->ended[i] == 1,
              "run %d: executed %d, put %d, ended %d times", i, s->executed[i], s->put[i],
              s->ended[i]);
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
  mpi_check(htf_sweep_rank() != 0 || // each rank's share comes in microseconds
                fabs(s.last_busy - outcome.busy) <= 1e-6 * htf_sweep_ranks(),
            "progress ended at %g s of work, all was %g", s.last_busy, outcome.busy);
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
  s.next = RUNS;
  mpi_check(htf_sweep_open(NULL, NULL) == HTF_OK, "%s", htf_error_message());
  mpi_check(sweep(&s, 0, 0, &outcome) == HTF_OK, "%s", htf_error_message());
  mpi_check(outcome.done == 0 && !outcome.stopped, "%d done", (int)outcome.done);
  htf_sweep_close();
}

// A commit takes longer than ten runs: they must share commits, and all be safe at the end.
MPI_TEST(sweep, slow_commits_are_shared_by_runs) {
  seen s = blank();
  htf_sweep_outcome outcome;
  s.seconds = 1e-3;
  s.commit_seconds = 0.02;
  mpi_check(htf_sweep_open(NULL, NULL) == HTF_OK, "%s", htf_error_message());
  mpi_check(sweep(&s, 0, 0, &outcome) == HTF_OK, "%s", htf_error_message());
  mpi_check(s.commits <= 4, "%d commits", (int)s.commits);
  sum_up(world, &s);
  check_each_once(&s);
  htf_sweep_close();
}

MPI_TEST(sweep, waits_for_runs_that_come_later) {
  seen s = blank();
  htf_sweep_outcome outcome;
  s.seconds = 1e-3;
  mpi_check(htf_sweep_open(NULL, NULL) == HTF_OK, "%s", htf_error_message());
  s.late = htf_clock_now() + 0.3;
  mpi_check(sweep(&s, 0, 0, &outcome) == HTF_OK, "%s", htf_error_message());
  mpi_check(!outcome.stopped && outcome.done == RUNS, "%d done", (int)outcome.done);
  sum_up(world, &s);
  check_each_once(&s);
  htf_sweep_close();
}

MPI_TEST(sweep, stops_when_too_many_failed) {
  seen s = blank();
  htf_sweep_outcome outcome;
  s.seconds = 0.01;
  s.bad_run = 30;
  s.most_failed = 1;
  mpi_check(htf_sweep_open(NULL, NULL) == HTF_OK, "%s", htf_error_message());
  mpi_check(sweep(&s, 0, 0, &outcome) == HTF_OK, "%s", htf_error_message());
  mpi_check(outcome.gave_up && outcome.stopped && outcome.failed == 1 &&
                outcome.done < RUNS - 1,
            "%d done, %d failed", (int)outcome.done, (int)outcome.failed);
  htf_sweep_close();
}

// Runs that never come to where they could be taken up again.
MPI_TEST(sweep, leaves_at_once_when_the_grace_is_over) {
  seen s = blank();
  htf_sweep_outcome outcome;
  s.seconds = 20;
  s.deaf = true;
  mpi_check(htf_sweep_open(NULL, NULL) == HTF_OK, "%s", htf_error_message());
  double begin = htf_clock_now();
  mpi_check(sweep(&s, 0.1, 0, &outcome) == HTF_OK, "%s", htf_error_message());
  double took = htf_clock_now() - begin;
  mpi_check(0.4 <= took && took < 5, "took %.2f s", took);
  mpi_check(outcome.stopped && outcome.done == 0, "%d done", (int)outcome.done);
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

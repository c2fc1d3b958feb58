// SPDX-License-Identifier: BSD-3-Clause
// Who does which run.
//
// Between rank 0, the manager, and each other rank, a worker, go these messages, each one
// int64 or two:
//   worker -> manager  REQUEST            a run, please
//                      REPORT index how   that run ended: done, failed, or given back
//                      undone
//   manager -> worker  GRANT index        do this run; -1: there are none left for you
//                      STOP               give back what you are doing
//                      BYE stops          I have all your reports; I sent you so many STOPs
// A worker asks for its next run before it begins one, holds at most one run granted ahead,
// and leaves after BYE. After a STOP every GRANT is -1. So each message sent is received,
// whatever the order of events.
#include <stdio.h>

#include "sweep_impl.h"

#include "htflow/clock.h"
#include "htflow/log.h"
#include "htflow/memory.h"

enum { TAG_UP = 1, TAG_GRANT, TAG_STOP, TAG_BYE };
enum { REQUEST, REPORT };
enum { NONE_LEFT = -1, SERVE_ONLY = 16 };
enum { ENDED_DONE, ENDED_FAILED, ENDED_UNDONE };

typedef struct upward {
  int64_t kind, index, how;
} upward;

// What the manager knows of a worker.
typedef struct worker {
  int64_t leases; // runs granted and not reported
  bool finished;  // was granted NONE_LEFT
  bool gone;      // BYE sent
  int64_t stops;  // STOPs sent
} worker;

typedef struct dispatch {
  const htf_sweep_job *job;
  double start, busy;
  bool stopping;      // on this rank, for whatever reason
  htf_status failure; // of the machine, on this rank, and what it said
  char failure_text[1024];
  int64_t done, failed; // on this rank
  // manager
  int64_t next; // place in job->order
  int64_t all_done, all_failed;
  worker *workers; // [ranks], [0] unused
  int present;     // workers not gone
  double last_progress;
} dispatch;

// ---- on any rank ----------------------------------------------------------------------

static bool past_deadline(const dispatch *d) {
  return d->job->deadline > 0 && htf_clock_now() - d->start >= d->job->deadline;
}

static bool told_to_stop(dispatch *d) {
  d->stopping = d->stopping || htf_sweep_signal() != 0 || past_deadline(d);
  return d->stopping;
}

// Keeps the message too: what is done until the ranks agree may raise and clear others.
static void note_failure(dispatch *d, htf_status status) {
  if (d->failure == HTF_OK) {
    d->failure = status;
    snprintf(d->failure_text, sizeof d->failure_text, "%s", htf_error_message());
  }
}

static htf_status raise_failure(const dispatch *d) {
  htf_status status = HTF_OK;
  HTF_CHECK(d->failure == HTF_OK, d->failure, "%s", d->failure_text);
done:
  return status;
}

// Does one run and says how it ended.
static int work(dispatch *d, int64_t index, bool (*interrupt)(void *)) {
  htf_record record;
  htf_record_init(&record);
  double begin = htf_clock_now();
  int how = ENDED_UNDONE;
  htf_status status = d->job->execute(d->job->context, index, interrupt, d, &record);
  if (status == HTF_OK) {
    record.timing.rank = htf_sweep_rank();
    how = record.state == HTF_RUN_FAILED ? ENDED_FAILED : ENDED_DONE;
    status = d->job->put(d->job->context, &record);
  }
  if (status != HTF_OK) {
    how = ENDED_UNDONE;
    d->stopping = true;
    if (status != HTF_E_STOPPED) {
      note_failure(d, status);
    }
  }
  d->busy += htf_clock_now() - begin;
  d->done += how == ENDED_DONE;
  d->failed += how == ENDED_FAILED;
  htf_record_clear(&record);
  return how;
}

static htf_status send(const void *what, int count, int to, int tag) {
  htf_status status = HTF_OK;
  HTF_MPI(MPI_Send(what, count, MPI_INT64_T, to, tag, htf_sweep__world()));
done:
  return status;
}

static htf_status receive(void *what, int count, int from, int tag) {
  htf_status status = HTF_OK;
  HTF_MPI(
      MPI_Recv(what, count, MPI_INT64_T, from, tag, htf_sweep__world(), MPI_STATUS_IGNORE));
done:
  return status;
}

// Is there a message? From whom?
static htf_status look(int from, int tag, bool *there, int *source) {
  htf_status status = HTF_OK;
  int flag = 0;
  MPI_Status envelope;
  HTF_MPI(MPI_Iprobe(from, tag, htf_sweep__world(), &flag, &envelope));
  *there = flag != 0;
  *source = flag ? envelope.MPI_SOURCE : -1;
done:
  return status;
}

// ---- a worker -------------------------------------------------------------------------

// MPI is asked at every step; a failure of it ends the run, and the worker finds it again.
static bool worker_interrupt(void *token) {
  dispatch *d = token;
  bool there = false;
  int source;
  if (!told_to_stop(d) && look(0, TAG_STOP, &there, &source) == HTF_OK && there) {
    d->stopping = true;
  }
  return d->stopping;
}

static htf_status await(int tag, int64_t *value) {
  htf_status status = HTF_OK;
  bool there = false;
  int source, idle = 0;
  HTF_TRY(look(0, tag, &there, &source));
  while (!there) {
    htf_sweep__doze(&idle);
    HTF_TRY(look(0, tag, &there, &source));
  }
  HTF_TRY(receive(value, 1, 0, tag));
done:
  return status;
}

static htf_status worker_loop(dispatch *d) {
  htf_status status = HTF_OK;
  upward request = {REQUEST, NONE_LEFT, 0};
  int64_t index, stops, none;
  HTF_TRY(send(&request, 3, 0, TAG_UP));
  HTF_TRY(await(TAG_GRANT, &index));
  while (index != NONE_LEFT) {
    HTF_TRY(send(&request, 3, 0, TAG_UP));
    int how = worker_interrupt(d) ? ENDED_UNDONE : work(d, index, worker_interrupt);
    upward report = {REPORT, index, how};
    HTF_TRY(send(&report, 3, 0, TAG_UP));
    HTF_TRY(await(TAG_GRANT, &index));
  }
  HTF_TRY(await(TAG_BYE, &stops));
  while (stops-- > 0) {
    HTF_TRY(receive(&none, 1, 0, TAG_STOP));
  }
done:
  return status;
}

// ---- the manager ----------------------------------------------------------------------

static void tell_progress(dispatch *d, bool always) {
  double now = htf_clock_now();
  if (d->job->progress != NULL && (always || now - d->last_progress >= 1)) {
    d->last_progress = now;
    d->job->progress(d->job->context, d->all_done, d->all_failed, d->job->todo);
  }
}

// The next run to do, NONE_LEFT if there is none or the sweep stops.
static int64_t take(dispatch *d) {
  bool any = !d->stopping && d->next < d->job->todo;
  return any ? d->job->order[d->next++] : NONE_LEFT;
}

static void count_end(dispatch *d, int64_t how) {
  d->all_done += how == ENDED_DONE;
  d->all_failed += how == ENDED_FAILED;
  d->stopping = d->stopping || how == ENDED_UNDONE;
}

static htf_status dismiss(dispatch *d, int rank) {
  htf_status status = HTF_OK;
  worker *w = &d->workers[rank];
  if (w->finished && w->leases == 0 && !w->gone) {
    HTF_TRY(send(&w->stops, 1, rank, TAG_BYE));
    w->gone = true;
    d->present--;
  }
done:
  return status;
}

static htf_status answer(dispatch *d, int rank) {
  htf_status status = HTF_OK;
  worker *w = &d->workers[rank];
  upward message;
  HTF_TRY(receive(&message, 3, rank, TAG_UP));
  if (message.kind == REQUEST) {
    int64_t index = take(d);
    w->finished = index == NONE_LEFT;
    w->leases += index != NONE_LEFT;
    HTF_TRY(send(&index, 1, rank, TAG_GRANT));
  } else {
    w->leases--;
    count_end(d, message.how);
  }
  HTF_TRY(dismiss(d, rank));
done:
  return status;
}

static htf_status stop_workers(dispatch *d) {
  htf_status status = HTF_OK;
  int64_t nothing = 0;
  for (int rank = 1; rank < htf_sweep_ranks(); rank++) {
    worker *w = &d->workers[rank];
    if (!w->gone && w->stops == 0) {
      HTF_TRY(send(&nothing, 1, rank, TAG_STOP));
      w->stops++;
    }
  }
done:
  return status;
}

// Deals with every message that is there. *some: whether there was one.
static htf_status serve(dispatch *d, bool *some) {
  htf_status status = HTF_OK;
  bool there = d->present > 0;
  int source;
  *some = false;
  while (there) {
    HTF_TRY(look(MPI_ANY_SOURCE, TAG_UP, &there, &source));
    if (there) {
      HTF_TRY(answer(d, source));
      *some = true;
    }
  }
  if (told_to_stop(d)) {
    HTF_TRY(stop_workers(d));
  }
  tell_progress(d, false);
done:
  return status;
}

static bool manager_interrupt(void *token) {
  dispatch *d = token;
  bool some;
  htf_status status = serve(d, &some);
  if (status != HTF_OK) {
    note_failure(d, status);
    d->stopping = true;
  }
  return d->stopping;
}

static htf_status manager_loop(dispatch *d) {
  htf_status status = HTF_OK;
  int most = d->job->serve_only > 0 ? d->job->serve_only : SERVE_ONLY, idle = 0;
  bool computes = htf_sweep_ranks() < most || htf_sweep_ranks() == 1, some;
  HTF_NEW(d->workers, htf_sweep_ranks());
  d->present = htf_sweep_ranks() - 1;
  HTF_TRY(serve(d, &some));
  while (d->present > 0 || (computes && !d->stopping && d->next < d->job->todo)) {
    int64_t index = computes ? take(d) : NONE_LEFT;
    if (index != NONE_LEFT) {
      count_end(d, work(d, index, manager_interrupt));
      some = true;
    }
    bool message;
    HTF_TRY(serve(d, &message));
    if (some || message) {
      idle = 0;
    } else {
      htf_sweep__doze(&idle);
    }
    some = false;
  }
  tell_progress(d, true);
done:
  HTF_FREE(d->workers);
  return status;
}

// ---- together -------------------------------------------------------------------------

static htf_status add_up(const dispatch *d, htf_sweep_outcome *outcome) {
  htf_status status = HTF_OK;
  int64_t own[3] = {d->done, d->failed, htf_sweep_rank() == 0 ? d->job->todo : 0}, sum[3];
  double busy = d->busy;
  MPI_Request request;
  HTF_MPI(MPI_Iallreduce(own, sum, 3, MPI_INT64_T, MPI_SUM, htf_sweep__world(), &request));
  HTF_TRY(htf_sweep__wait(&request));
  HTF_MPI(MPI_Iallreduce(&d->busy, &busy, 1, MPI_DOUBLE, MPI_SUM, htf_sweep__world(),
                         &request));
  HTF_TRY(htf_sweep__wait(&request));
  outcome->done = sum[0];
  outcome->failed = sum[1];
  outcome->stopped = sum[0] + sum[1] < sum[2];
  outcome->busy = busy;
  outcome->elapsed = htf_clock_now() - d->start;
done:
  return status;
}

// The messages themselves failed: the others cannot be told, and would wait for ever.
static void abandon(htf_status status) {
  htf_log(HTF_LOG_ERROR, "sweep", "%s", htf_error_message());
  MPI_Abort(htf_sweep__world(), htf_status_exit_code(status));
}

htf_status htf_sweep_run(const htf_sweep_job *job, htf_sweep_outcome *outcome) {
  dispatch d = {.job = job, .start = htf_clock_now()};
  htf_status status = htf_sweep_rank() == 0 ? manager_loop(&d) : worker_loop(&d);
  if (status != HTF_OK) {
    abandon(status);
  }
  status = htf_sweep_agree(raise_failure(&d));
  if (status == HTF_OK) {
    status = add_up(&d, outcome);
  }
  return status;
}

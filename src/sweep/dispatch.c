// SPDX-License-Identifier: BSD-3-Clause
// Runs shared out over ranks: what manager and workers have in common, and the frame around
// them.
#include <stdio.h>
#include <string.h>

#include "dispatch_impl.h"
#include "htflow/log.h"

typedef htf_sweep__dispatch dispatch;

// ---- stopping -------------------------------------------------------------------------

void htf_sweep__stop(dispatch *d) {
  if (!d->stopping) {
    d->stopping = true;
    d->stopped_at = htf_clock_now();
  }
}

static bool past_deadline(const dispatch *d) {
  return d->job->deadline > 0 && htf_clock_now() - d->start >= d->job->deadline;
}

bool htf_sweep__told_to_stop(dispatch *d) {
  if (!d->stopping && (htf_sweep_signal() != 0 || past_deadline(d))) {
    htf_sweep__stop(d);
  }
  return d->stopping;
}

htf_sweep_wish htf_sweep__wish(dispatch *d) {
  if (!d->stopping) {
    return HTF_SWEEP_GO_ON;
  }
  bool late = htf_clock_now() - d->stopped_at >= d->job->grace;
  return late || d->failure != HTF_OK ? HTF_SWEEP_LEAVE_NOW : HTF_SWEEP_LEAVE_SOON;
}

void htf_sweep__note_failure(dispatch *d, htf_status status) {
  if (d->failure == HTF_OK) {
    d->failure = status;
    snprintf(d->failure_text, sizeof d->failure_text, "%s", htf_error_message());
  }
  htf_sweep__stop(d);
}

static htf_status raise_failure(const dispatch *d) {
  htf_status status = HTF_OK;
  HTF_CHECK(d->failure == HTF_OK, d->failure, "%s", d->failure_text);
done:
  return status;
}

// ---- messages -------------------------------------------------------------------------

htf_status htf_sweep__send(const void *what, size_t bytes, int to, int tag) {
  htf_status status = HTF_OK;
  HTF_MPI(MPI_Send(what, (int)bytes, MPI_BYTE, to, tag, htf_sweep__world()));
done:
  return status;
}

htf_status htf_sweep__receive(void *what, size_t most, int from, int tag) {
  htf_status status = HTF_OK;
  HTF_MPI(MPI_Recv(what, (int)most, MPI_BYTE, from, tag, htf_sweep__world(),
                   MPI_STATUS_IGNORE));
done:
  return status;
}

htf_status htf_sweep__look(int from, int tag, bool *there, int *source) {
  htf_status status = HTF_OK;
  int flag = 0;
  MPI_Status envelope;
  HTF_MPI(MPI_Iprobe(from, tag, htf_sweep__world(), &flag, &envelope));
  *there = flag != 0;
  *source = flag ? envelope.MPI_SOURCE : -1;
done:
  return status;
}

// ---- a run, and the group -------------------------------------------------------------

void htf_sweep__work(dispatch *d, const htf_sweep_grant *grant,
                     htf_sweep_wish (*ask)(void *)) {
  htf_record record;
  htf_sweep_end how = HTF_SWEEP_UNDONE;
  htf_record_init(&record);
  d->since = htf_clock_now();
  htf_status status = d->job->execute(d->job->context, grant, ask, d, &record);
  d->busy += htf_clock_now() - d->since;
  d->since = 0;
  if (status == HTF_OK) {
    record.timing.rank = htf_sweep_rank();
    status = d->job->add(d->job->context, &record, &d->waiting);
  }
  if (status == HTF_OK) {
    how = record.state == HTF_RUN_FAILED ? HTF_SWEEP_FAILED : HTF_SWEEP_DONE;
  } else if (status == HTF_E_STOPPED) {
    htf_sweep__stop(d);
  } else {
    htf_sweep__note_failure(d, status);
  }
  htf_record_clear(&record);
  d->urgent = d->urgent || (how == HTF_SWEEP_FAILED && d->job->most_failed > 0);
  d->end[d->group++] = (htf_sweep__end){grant->run, how};
}

// A commit costs a few fsyncs, however many records it makes safe. So they are gathered
// until the disk is kept busy a hundredth of the time, five seconds at most, and not beyond
// what memory may hold.
bool htf_sweep__due(const dispatch *d) {
  static const double longest = 5.0;                     // seconds
  enum { PATIENCE = 100, MOST_BYTES = 8 * 1024 * 1024 }; // commit times; bytes
  double interval = PATIENCE * d->commit_took;
  interval = interval < longest ? interval : longest;
  return d->group > 0 &&
         (d->stopping || d->urgent || d->group == HTF_SWEEP__GROUP ||
          d->waiting >= MOST_BYTES || htf_clock_now() - d->committed >= interval);
}

void htf_sweep__commit(dispatch *d) {
  double begin = htf_clock_now();
  htf_status status = d->job->commit(d->job->context);
  d->committed = htf_clock_now();
  d->commit_took = d->committed - begin;
  d->waiting = 0;
  d->urgent = false;
  if (status != HTF_OK) {
    htf_sweep__note_failure(d, status);
  }
  for (int64_t i = 0; i < d->group; i++) {
    htf_sweep__end *end = &d->end[i];
    end->how = status == HTF_OK ? end->how : HTF_SWEEP_UNDONE;
    d->done += end->how == HTF_SWEEP_DONE;
    d->failed += end->how == HTF_SWEEP_FAILED;
  }
}

// ---- together -------------------------------------------------------------------------

static htf_status add_up(const dispatch *d, htf_sweep_outcome *outcome) {
  htf_status status = HTF_OK;
  bool complete =
      d->undone == 0 && (d->exhausted || d->all_done + d->all_failed >= d->job->todo);
  bool manager = htf_sweep_rank() == 0;
  int64_t own[4] = {d->done, d->failed, manager && !complete, d->gave_up}, sum[4];
  double busy = d->busy;
  MPI_Request request;
  HTF_MPI(MPI_Iallreduce(own, sum, 4, MPI_INT64_T, MPI_SUM, htf_sweep__world(), &request));
  HTF_TRY(htf_sweep__wait(&request));
  HTF_MPI(MPI_Iallreduce(&d->busy, &busy, 1, MPI_DOUBLE, MPI_SUM, htf_sweep__world(),
                         &request));
  HTF_TRY(htf_sweep__wait(&request));
  outcome->done = sum[0];
  outcome->failed = sum[1];
  outcome->stopped = sum[2] > 0;
  outcome->gave_up = sum[3] > 0;
  outcome->busy = busy;
  outcome->elapsed = htf_clock_now() - d->start;
done:
  return status;
}

htf_status htf_sweep_run(const htf_sweep_job *job, htf_sweep_outcome *outcome) {
  dispatch d = {.job = job, .start = htf_clock_now()};
  d.committed = d.start;
  htf_status status =
      htf_sweep_rank() == 0 ? htf_sweep__manager_loop(&d) : htf_sweep__worker_loop(&d);
  if (status != HTF_OK) {
    htf_sweep__abandon(status);
  }
  status = htf_sweep_agree(raise_failure(&d));
  if (status == HTF_OK) {
    status = add_up(&d, outcome);
  }
  return status;
}

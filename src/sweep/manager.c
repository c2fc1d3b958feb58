// SPDX-License-Identifier: BSD-3-Clause
// The manager: hands out, listens, and computes where ranks are few.
#include <math.h>

#include "dispatch_impl.h"
#include "htflow/memory.h"

typedef htf_sweep__dispatch dispatch;
typedef htf_sweep__worker worker;

// ---- what is known --------------------------------------------------------------------

static double busy_until(const dispatch *d, double now) {
  double busy = d->busy + (d->since > 0 ? now - d->since : 0);
  for (int rank = 1; rank < htf_sweep_ranks(); rank++) {
    const worker *w = &d->workers[rank];
    busy += w->busy + (w->leases > 0 ? now - w->since : 0);
  }
  return busy;
}

static void tell_progress(dispatch *d, bool always) {
  double now = htf_clock_now();
  if (d->job->progress != NULL && (always || now - d->last_progress >= 1)) {
    htf_sweep_progress progress = {.done = d->all_done,
                                   .failed = d->all_failed,
                                   .todo = d->job->todo,
                                   .busy = busy_until(d, now),
                                   .elapsed = now - d->start};
    d->last_progress = now;
    d->job->progress(d->job->context, &progress);
  }
}

static void count_end(dispatch *d, const htf_sweep__end *end) {
  d->all_done += end->how == HTF_SWEEP_DONE;
  d->all_failed += end->how == HTF_SWEEP_FAILED;
  d->undone += end->how == HTF_SWEEP_UNDONE;
  if (end->how == HTF_SWEEP_UNDONE) {
    htf_sweep__stop(d);
  }
  if (d->job->most_failed > 0 && d->all_failed >= d->job->most_failed) {
    d->gave_up = true;
    htf_sweep__stop(d);
  }
  d->job->ended(d->job->context, end->run, (htf_sweep_end)end->how);
}

// ---- handing out ----------------------------------------------------------------------

// *there: whether there is a run to hand out now.
static htf_status take(dispatch *d, htf_sweep_grant *grant, bool *there) {
  htf_status status = HTF_OK;
  htf_sweep_supply supply = HTF_SWEEP_NONE;
  *there = false;
  if (!d->stopping && !d->exhausted) {
    double left =
        d->job->deadline > 0 ? d->job->deadline - (htf_clock_now() - d->start) : INFINITY;
    HTF_TRY(d->job->next(d->job->context, left, grant, &supply));
    d->exhausted = supply == HTF_SWEEP_NONE;
    *there = supply == HTF_SWEEP_GRANTED;
  }
done:
  return status;
}

static htf_status dismiss(dispatch *d, int rank) {
  htf_status status = HTF_OK;
  worker *w = &d->workers[rank];
  if (w->finished && w->leases == 0 && !w->gone) {
    HTF_TRY(htf_sweep__send(&w->stops, sizeof w->stops, rank, HTF_SWEEP__BYE));
    w->gone = true;
    d->present--;
  }
done:
  return status;
}

static htf_status grant_to(dispatch *d, int rank, const htf_sweep_grant *grant) {
  htf_status status = HTF_OK;
  worker *w = &d->workers[rank];
  w->since = w->leases == 0 ? htf_clock_now() : w->since;
  w->finished = grant->run == HTF_SWEEP__NONE_LEFT;
  w->leases += !w->finished;
  w->asking = false;
  d->asking--;
  HTF_TRY(htf_sweep__send(grant, sizeof *grant, rank, HTF_SWEEP__GRANT));
  HTF_TRY(dismiss(d, rank));
done:
  return status;
}

// Answers those who asked, as far as there are runs.
static htf_status feed(dispatch *d) {
  htf_status status = HTF_OK;
  htf_sweep_grant grant;
  bool there = true;
  for (int rank = 1; rank < htf_sweep_ranks() && d->asking > 0 && there; rank++) {
    if (!d->workers[rank].asking) {
      continue;
    }
    HTF_TRY(take(d, &grant, &there));
    if (!there && (d->stopping || d->exhausted)) {
      grant = (htf_sweep_grant){.run = HTF_SWEEP__NONE_LEFT};
      there = true;
    }
    if (there) {
      HTF_TRY(grant_to(d, rank, &grant));
    }
  }
done:
  return status;
}

// ---- listening ------------------------------------------------------------------------

static htf_status answer(dispatch *d, int rank) {
  htf_status status = HTF_OK;
  worker *w = &d->workers[rank];
  htf_sweep__upward message;
  HTF_TRY(htf_sweep__receive(&message, sizeof message, rank, HTF_SWEEP__UP));
  w->busy = 1e-6 * (double)message.busy;
  if (message.kind == HTF_SWEEP__REQUEST) {
    w->asking = true;
    d->asking++;
  } else if (message.kind == HTF_SWEEP__STOPPING) {
    htf_sweep__stop(d);
  } else {
    w->since = htf_clock_now();
    w->leases -= message.count;
    for (int64_t i = 0; i < message.count; i++) {
      count_end(d, &message.end[i]);
    }
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
      HTF_TRY(htf_sweep__send(&nothing, sizeof nothing, rank, HTF_SWEEP__STOP));
      w->stops++;
    }
  }
done:
  return status;
}

// Commits what rank 0 did itself.
static void settle(dispatch *d) {
  htf_sweep__commit(d);
  for (int64_t i = 0; i < d->group; i++) {
    count_end(d, &d->end[i]);
  }
  d->group = 0;
}

// Deals with every message that is there, and with what falls due. *some: whether there
// was one.
static htf_status serve(dispatch *d, bool *some) {
  htf_status status = HTF_OK;
  bool there = d->present > 0;
  int source;
  *some = false;
  while (there) {
    HTF_TRY(htf_sweep__look(MPI_ANY_SOURCE, HTF_SWEEP__UP, &there, &source));
    if (there) {
      HTF_TRY(answer(d, source));
      *some = true;
    }
  }
  if (htf_sweep__told_to_stop(d)) {
    HTF_TRY(stop_workers(d));
  }
  if (htf_sweep__due(d)) {
    settle(d);
  }
  HTF_TRY(feed(d));
  tell_progress(d, false);
done:
  return status;
}

static htf_sweep_wish ask(void *token) {
  dispatch *d = token;
  bool some;
  htf_status status = serve(d, &some);
  if (status != HTF_OK) {
    htf_sweep__note_failure(d, status);
  }
  return htf_sweep__wish(d);
}

// ---- the loop -------------------------------------------------------------------------

// Rank 0's own run, if it computes and there is one.
static htf_status compute(dispatch *d, bool *some) {
  htf_status status = HTF_OK;
  htf_sweep_grant grant;
  HTF_TRY(take(d, &grant, some));
  if (*some) {
    htf_sweep__work(d, &grant, ask);
  }
done:
  return status;
}

// What the conductor raises is a failure of the machine, which stops all ranks in order;
// what MPI raises leaves no order.
static htf_status survive(dispatch *d, htf_status status) {
  if (status == HTF_OK || status == HTF_E_MPI) {
    return status;
  }
  htf_sweep__note_failure(d, status);
  return HTF_OK;
}

htf_status htf_sweep__manager_loop(dispatch *d) {
  htf_status status = HTF_OK;
  int most = d->job->serve_only > 0 ? d->job->serve_only : HTF_SWEEP_SERVE_ONLY, idle = 0;
  bool computes = htf_sweep_ranks() < most || htf_sweep_ranks() == 1;
  HTF_NEW(d->workers, htf_sweep_ranks());
  d->present = htf_sweep_ranks() - 1;
  while (d->present > 0 || (computes && !d->stopping && !d->exhausted)) {
    bool message = false, worked = false;
    HTF_TRY(survive(d, serve(d, &message)));
    if (computes) {
      HTF_TRY(survive(d, compute(d, &worked)));
    }
    if (message || worked) {
      idle = 0;
    } else {
      htf_sweep__doze(&idle);
    }
  }
  if (d->group > 0) {
    settle(d);
  }
  tell_progress(d, true);
done:
  HTF_FREE(d->workers);
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
// A worker: asks, works, reports.
#include <string.h>

#include "dispatch_impl.h"

typedef htf_sweep__dispatch dispatch;

static htf_status tell(const dispatch *d, int64_t kind) {
  htf_sweep__upward message;
  message.kind = kind;
  message.busy = (int64_t)(1e6 * d->busy);
  message.count = 0;
  return htf_sweep__send(&message, HTF_SWEEP__UPWARD * sizeof(int64_t), 0, HTF_SWEEP__UP);
}

static htf_status report(dispatch *d) {
  htf_status status = HTF_OK;
  htf_sweep__upward message = {.kind = HTF_SWEEP__REPORT, .busy = (int64_t)(1e6 * d->busy)};
  htf_sweep__commit(d);
  for (int64_t i = 0; i < d->group; i += message.count) {
    message.count = d->group - i < HTF_SWEEP__LIST ? d->group - i : HTF_SWEEP__LIST;
    size_t list = (size_t)message.count * sizeof *message.end;
    memcpy(message.end, &d->end[i], list);
    HTF_TRY(htf_sweep__send(&message, HTF_SWEEP__UPWARD * sizeof(int64_t) + list, 0,
                            HTF_SWEEP__UP));
  }
  d->group = 0;
done:
  return status;
}

// What may come or fall due at any time: the manager's STOP, a signal, a commit. A failure
// of MPI stops the run in hand, and the worker finds it again.
static htf_status attend(dispatch *d) {
  htf_status status = HTF_OK;
  bool there = false, before = d->stopping;
  int source;
  if (!htf_sweep__told_to_stop(d)) {
    HTF_TRY(htf_sweep__look(0, HTF_SWEEP__STOP, &there, &source));
    if (there) {
      htf_sweep__stop(d);
    }
  }
  if (d->stopping && !before) {
    HTF_TRY(tell(d, HTF_SWEEP__STOPPING));
  }
  if (htf_sweep__due(d)) {
    HTF_TRY(report(d));
  }
done:
  return status;
}

static htf_sweep_wish ask(void *token) {
  dispatch *d = token;
  htf_status status = attend(d);
  if (status != HTF_OK) {
    htf_sweep__note_failure(d, status);
  }
  return htf_sweep__wish(d);
}

// A worker that waits for its BYE has nothing left to attend to, or to say.
static htf_status await(dispatch *d, int tag, void *value, size_t bytes) {
  htf_status status = HTF_OK;
  bool there = false;
  int source, idle = 0;
  HTF_TRY(htf_sweep__look(0, tag, &there, &source));
  while (!there) {
    if (tag != HTF_SWEEP__BYE) {
      HTF_TRY(attend(d));
    }
    htf_sweep__doze(&idle);
    HTF_TRY(htf_sweep__look(0, tag, &there, &source));
  }
  HTF_TRY(htf_sweep__receive(value, bytes, 0, tag));
done:
  return status;
}

htf_status htf_sweep__worker_loop(dispatch *d) {
  htf_status status = HTF_OK;
  htf_sweep_grant grant;
  int64_t stops, none;
  HTF_TRY(tell(d, HTF_SWEEP__REQUEST));
  HTF_TRY(await(d, HTF_SWEEP__GRANT, &grant, sizeof grant));
  while (grant.run != HTF_SWEEP__NONE_LEFT) {
    HTF_TRY(tell(d, HTF_SWEEP__REQUEST));
    HTF_TRY(attend(d));
    if (d->stopping) {
      d->end[d->group++] = (htf_sweep__end){grant.run, HTF_SWEEP_UNDONE};
    } else {
      htf_sweep__work(d, &grant, ask);
    }
    if (htf_sweep__due(d)) {
      HTF_TRY(report(d));
    }
    HTF_TRY(await(d, HTF_SWEEP__GRANT, &grant, sizeof grant));
  }
  if (d->group > 0) {
    HTF_TRY(report(d));
  }
  HTF_TRY(await(d, HTF_SWEEP__BYE, &stops, sizeof stops));
  while (stops-- > 0) {
    HTF_TRY(htf_sweep__receive(&none, sizeof none, 0, HTF_SWEEP__STOP));
  }
done:
  return status;
}

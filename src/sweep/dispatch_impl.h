// SPDX-License-Identifier: BSD-3-Clause
// dispatch_impl.h: what a worker and the manager share: messages, the run in hand, and the
// group of ended runs that wait for a commit.
//
// Between rank 0, the manager, and each other rank, a worker, go these messages:
//   worker -> manager  REQUEST            a run, please
//                      REPORT             runs that ended, each as (run, how), and are
//                                         safe; microseconds of work so far
//                      STOPPING           I was told to stop
//   manager -> worker  GRANT              do this run; NONE_LEFT: there are none for you
//                      STOP               give back what you are doing
//                      BYE stops          I have all your reports; I sent you so many STOPs
// A worker asks for its next run before it begins one, holds at most one run granted ahead,
// and leaves after BYE. After a STOP every GRANT is NONE_LEFT. So each message sent is
// received, whatever the order of events.
#pragma once

#include "htflow/clock.h"
#include "htflow/record.h"
#include "sweep_impl.h"

enum { HTF_SWEEP__UP = 1, HTF_SWEEP__GRANT, HTF_SWEEP__STOP, HTF_SWEEP__BYE };
enum { HTF_SWEEP__REQUEST, HTF_SWEEP__REPORT, HTF_SWEEP__STOPPING };
// Runs of a group; and of a message about it, so that it is one of those that MPI sends
// off though nobody listens.
enum { HTF_SWEEP__NONE_LEFT = -1, HTF_SWEEP__GROUP = 4096, HTF_SWEEP__LIST = 200 };

// A run that ended; and a message upward, whose list is as long as its count says.
typedef struct htf_sweep__end {
  int64_t run, how; // htf_sweep_end
} htf_sweep__end;

typedef struct htf_sweep__upward {
  int64_t kind, busy, count;
  htf_sweep__end end[HTF_SWEEP__LIST];
} htf_sweep__upward;

enum { HTF_SWEEP__UPWARD = 3 }; // int64 of one without a list

// What the manager knows of a worker.
typedef struct htf_sweep__worker {
  int64_t leases; // runs granted and not reported
  bool asking;    // has asked, and got no answer yet
  bool finished;  // was granted NONE_LEFT
  bool gone;      // BYE sent
  int64_t stops;  // STOPs sent
  double busy;    // seconds of work it has reported
  double since;   // when it began what it does now
} htf_sweep__worker;

typedef struct htf_sweep__dispatch {
  const htf_sweep_job *job;
  double start, busy;
  double since;            // when the run in hand was begun; 0 if there is none
  bool stopping;           // on this rank, for whatever reason
  double stopped_at;       // when that became known
  htf_status failure;      // of the machine, on this rank, and what it said
  char failure_text[1024]; //
  int64_t done, failed;    // on this rank, and safe
  int64_t group;           // runs ended, and waiting for a commit or their report
  htf_sweep__end end[HTF_SWEEP__GROUP]; // [group]
  bool urgent;                          // a failure is in it that may end the sweep
  size_t waiting;                       // bytes that wait for it
  double committed, commit_took;        // when the last commit ended; seconds
  // manager
  bool exhausted; // there are no runs left to hand out
  bool gave_up;   // too many failed
  int64_t all_done, all_failed, undone;
  htf_sweep__worker *workers; // [ranks], [0] unused
  int present, asking;        // workers not gone; waiting for a grant
  double last_progress;
} htf_sweep__dispatch;

// Whether to stop; the first time it says so it notes when.
bool htf_sweep__told_to_stop(htf_sweep__dispatch *d);
void htf_sweep__stop(htf_sweep__dispatch *d);
// What the run in hand is to do about it.
htf_sweep_wish htf_sweep__wish(htf_sweep__dispatch *d);
// Keeps the message too: what is done until the ranks agree may raise and clear others.
void htf_sweep__note_failure(htf_sweep__dispatch *d, htf_status status);

// Does one run and adds how it ended to the group.
void htf_sweep__work(htf_sweep__dispatch *d, const htf_sweep_grant *grant,
                     htf_sweep_wish (*ask)(void *));
// Whether the group should be committed now.
bool htf_sweep__due(const htf_sweep__dispatch *d);
// Commits the group. Where that fails its runs count as undone. Then they are to be
// reported, and the group emptied by setting `group` to 0.
void htf_sweep__commit(htf_sweep__dispatch *d);

htf_status htf_sweep__send(const void *what, size_t bytes, int to, int tag);
htf_status htf_sweep__receive(void *what, size_t most, int from, int tag);
// Is there a message? From whom?
htf_status htf_sweep__look(int from, int tag, bool *there, int *source);

// A rank's part, until there is nothing left for it.
htf_status htf_sweep__worker_loop(htf_sweep__dispatch *d);
htf_status htf_sweep__manager_loop(htf_sweep__dispatch *d);

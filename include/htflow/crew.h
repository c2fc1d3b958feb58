// SPDX-License-Identifier: BSD-3-Clause
// crew.h: pieces of one rank's work that the other ranks do (room: sweep; library: MPI).
//
// Rank 0 leads; the others serve: they turn tasks, which are bytes, into replies, which are
// bytes too, until the lead is done. A worker has a few tasks at once, so that it need not
// wait for rank 0 between them. A rank that waits sleeps.
//
// Ranks and not threads: what a launcher gives a rank of processors is one, as a rule, and
// the ranks that a sweep has used are there when it ends.
//
// htf_crew_run is collective; the others are rank 0's, in its lead.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "htflow/door.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

typedef struct htf_crew htf_crew;

// A reply is at most so many bytes longer than its task.
enum { HTF_CREW_MORE = 256 };

typedef struct htf_crew_job {
  htf_status (*lead)(void *context, htf_crew *crew); // on rank 0
  // On the others: a task made its reply.
  htf_status (*work)(void *context, const void *task, size_t count, void *reply,
                     size_t *made);
  void *context;
} htf_crew_job;

// Raises HTF_E_MPI, and on every rank what the lead or a worker raised.
htf_status htf_crew_run(const htf_crew_job *job);

// Hands out a task, or leaves *taken false where every worker has enough to do. `task`
// [count] and `reply` [count + HTF_CREW_MORE] are MPI's until the reply is fetched. `slot`,
// from 0 and small, is the caller's name for it. Raises HTF_E_MPI, HTF_E_MEMORY.
htf_status htf_crew_offer(htf_crew *crew, int slot, const void *task, size_t count,
                          void *reply, bool *taken);
// The slot of a task whose reply has come, and its bytes; -1 if there is none. With `wait`
// not before there is one. Raises HTF_E_MPI, with `wait` HTF_E_INTERNAL if nothing is
// out; and what the worker raised, *slot being set then too.
htf_status htf_crew_fetch(htf_crew *crew, bool wait, int *slot, size_t *made);

HTF_END_DOOR

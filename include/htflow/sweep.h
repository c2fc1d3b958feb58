// SPDX-License-Identifier: BSD-3-Clause
// sweep.h: runs shared out over the ranks of MPI (room: sweep).
//
// Rank 0 hands out runs as its conductor supplies them; a rank that has none asks for one,
// and asks for its next while it works on the present one, so that it never waits for an
// answer. Messages are two-sided and small; a record goes from the rank that made it
// straight into that rank's journal. With few ranks rank 0 computes too, and serves the
// others between its own steps; with many it only serves. A rank that waits sleeps.
//
// Records are made safe in groups: a commit costs the same for one as for a thousand. It is
// due when the last one is a hundred times as long ago as it took, or five seconds; at once
// for a rank that stops. A run counts as ended, on rank 0 too, only once it is safe.
//
// A stop (a signal, the deadline, too many failures) is passed on to every rank. A rank
// first commits what it has, then asks its run to leave at the next place where it can be
// taken up again; if `grace` seconds go by before it comes to one, to leave at once, with
// what was last saved of it: better to lose a segment than to be killed. Nothing of that
// needs another rank: under mpirun a scheduler's TERM may reach the ranks of one node only,
// and kill the others' while they work. One rank's failure of the machine (its disk is
// full, say) stops the sweep on all ranks.
//
// All functions but htf_sweep_open are collective.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "htflow/door.h"
#include "htflow/record.h"
#include "htflow/spec.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

// Starts MPI (as a lone process, or as one of mpirun's or srun's), and ends it; or joins
// the MPI of a caller who has started it, and leaves it running. Raises HTF_E_MPI.
htf_status htf_sweep_open(int *argc, char ***argv);
void htf_sweep_close(void);
// This process among those of the sweep, and how many they are: 0 and 1 without MPI.
int htf_sweep_rank(void);
int htf_sweep_ranks(void);
// The rank that the launcher gave this process (mpirun, srun), known without MPI; 0 if it
// was started alone.
int htf_sweep_launched(void);
// The MPI library's name and version.
const char *htf_sweep_library(void);

// From here SIGTERM, SIGINT, SIGUSR1 and SIGUSR2 ask for a stop. One that comes two seconds
// after the first or later ends the process at once; sooner, it is taken for the same wish
// delivered twice.
void htf_sweep_catch_signals(void);
// The last signal caught; 0 if none.
int htf_sweep_signal(void);

// A run handed out, with a word from rank 0's conductor to the one who does it.
enum { HTF_SWEEP_NOTE = 248 };
typedef struct htf_sweep_grant {
  int64_t run;
  char note[HTF_SWEEP_NOTE];
} htf_sweep_grant;

// Whether there is a run to hand out: yes; not now, but ask again; never any more.
typedef enum htf_sweep_supply {
  HTF_SWEEP_GRANTED,
  HTF_SWEEP_LATER,
  HTF_SWEEP_NONE
} htf_sweep_supply;

// What a run is to do: go on; leave where it can be taken up again; leave at once.
typedef enum htf_sweep_wish {
  HTF_SWEEP_GO_ON,
  HTF_SWEEP_LEAVE_SOON,
  HTF_SWEEP_LEAVE_NOW
} htf_sweep_wish;

// How a run ended: its record is safe and has that state, or there is none.
typedef enum htf_sweep_end {
  HTF_SWEEP_DONE,
  HTF_SWEEP_FAILED,
  HTF_SWEEP_UNDONE
} htf_sweep_end;

// How far a sweep is: runs of this call, on all ranks, and the seconds of work spent on
// runs, those in flight included.
typedef struct htf_sweep_progress {
  int64_t done, failed, todo;
  double busy, elapsed;
} htf_sweep_progress;

// From this many ranks on rank 0 only serves, if a job says nothing else.
enum { HTF_SWEEP_SERVE_ONLY = 16 };

typedef struct htf_sweep_job {
  int64_t todo;        // on rank 0: how many runs there are to do
  int64_t most_failed; // stop when so many have failed; 0: never
  double deadline;     // seconds from now at which to stop; 0: none
  double grace;        // seconds a run may take to come to where it can be taken up again
  int serve_only;      // from this many ranks on rank 0 only serves; 0: the default
  // On rank 0: the next run to do. `left`: seconds to the deadline, INFINITY if there is
  // none. What it raises stops the sweep.
  htf_status (*next)(void *context, double left, htf_sweep_grant *grant,
                     htf_sweep_supply *supply);
  // On rank 0: a run that it supplied has ended.
  void (*ended)(void *context, int64_t run, htf_sweep_end how);
  // Makes the record of a run, asking `ask(token)` after every step; returns HTF_E_STOPPED
  // where it left.
  htf_status (*execute)(void *context, const htf_sweep_grant *grant,
                        htf_sweep_wish (*ask)(void *token), void *token,
                        htf_record *record);
  // Takes a record, to be made safe by the next commit; *waiting: bytes that wait for it.
  // On the rank that made it.
  htf_status (*add)(void *context, const htf_record *record, size_t *waiting);
  htf_status (*commit)(void *context);
  // On rank 0, about once a second and at the end. May be NULL.
  void (*progress)(void *context, const htf_sweep_progress *progress);
  void *context;
} htf_sweep_job;

typedef struct htf_sweep_outcome {
  int64_t done, failed; // of this call, on all ranks; failed: records with state FAILED
  bool stopped;         // some runs were left undone
  bool gave_up;         // because `most_failed` had failed
  double busy, elapsed; // seconds of work summed over ranks, and of the whole call
} htf_sweep_outcome;

// Raises HTF_E_MPI, and on every rank what any rank's callbacks raised. A stop is no error.
htf_status htf_sweep_run(const htf_sweep_job *job, htf_sweep_outcome *outcome);

// From rank 0 to all: a block of bytes (allocated on the others, theirs to HTF_FREE), and a
// status with its message, so that all ranks go the same way after what one of them did.
htf_status htf_sweep_share(void **bytes, int64_t *count);
htf_status htf_sweep_agree(htf_status status);

HTF_END_DOOR

// SPDX-License-Identifier: BSD-3-Clause
// sweep.h: runs shared out over the ranks of MPI (room: sweep).
//
// Rank 0 hands out runs, by index; a rank that has none asks for one, and asks for its next
// while it works on the present one, so that it never waits for an answer. Messages are
// two-sided and small; a record goes from the rank that made it straight into that rank's
// sink. With few ranks rank 0 computes too, and serves the others between its own steps;
// with many it only serves. A rank that waits sleeps.
//
// A stop (a signal, the deadline) ends every rank's run at its next step; what was not
// finished is not recorded, and the sweep says so. One rank's failure of the machine (its
// disk is full, say) stops the sweep on all ranks.
//
// All functions but htf_sweep_open are collective.
#pragma once

#include <stdbool.h>
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
int htf_sweep_rank(void);
int htf_sweep_ranks(void);
// The MPI library's name and version.
const char *htf_sweep_library(void);

// From here SIGTERM, SIGINT, SIGUSR1 and SIGUSR2 ask for a stop. One that comes two seconds
// after the first or later ends the process at once; sooner, it is taken for the same wish
// delivered twice.
void htf_sweep_catch_signals(void);
// The last signal caught; 0 if none.
int htf_sweep_signal(void);

typedef struct htf_sweep_job {
  int64_t runs;
  // On rank 0: the runs to do, in the order they are to be handed out; borrowed.
  int64_t todo;
  const int64_t *order; // [todo]
  double deadline;      // seconds from now at which to stop; 0 for none
  int serve_only;       // from this many ranks on rank 0 only serves; 0: the default, 16
  // Makes the record of run `index`, asking `interrupt(token)` after every step; returns
  // HTF_E_STOPPED when that was true.
  htf_status (*execute)(void *context, int64_t index, bool (*interrupt)(void *token),
                        void *token, htf_record *record);
  // Puts a record where it is safe. Called on the rank that made it.
  htf_status (*put)(void *context, const htf_record *record);
  // On rank 0, whenever a run is known to be safe, and about once a second. May be NULL.
  void (*progress)(void *context, int64_t done, int64_t failed, int64_t todo);
  void *context;
} htf_sweep_job;

typedef struct htf_sweep_outcome {
  int64_t done, failed; // of this call, on all ranks; failed: records with state FAILED
  bool stopped;         // some runs of `todo` were left undone
  double busy, elapsed; // seconds of work summed over ranks, and of the whole call
} htf_sweep_outcome;

// Raises HTF_E_MPI, and on every rank what any rank's callbacks raised. A stop is no error.
htf_status htf_sweep_run(const htf_sweep_job *job, htf_sweep_outcome *outcome);

// From rank 0 to all: a block of bytes (allocated on the others, theirs to HTF_FREE), and a
// status with its message, so that all ranks go the same way after what one of them did.
htf_status htf_sweep_share(void **bytes, int64_t *count);
htf_status htf_sweep_agree(htf_status status);

HTF_END_DOOR

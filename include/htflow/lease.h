// SPDX-License-Identifier: BSD-3-Clause
// lease.h: which job does which part of a sweep (room: store).
//
// Several jobs may drain one sweep directory at once. The runs are divided into numbered
// blocks, and a job holds a lease of a block while it works on it. Leases only save work:
// should two jobs do a run twice, because one of them seemed dead, its records are the same
// and count once. So they need no locks, and work over NFS:
//
// - A job has one file, `leases/<host>-<pid>-<time>.job`, that says who it is and holds a
//   beat that grows while it lives.
// - A lease of a block is a hard link to that file, `leases/<plan>-<block>.lease`: making a
//   link is atomic on every file system, fails if another job's is there, and one beat
//   shows in all the job's leases. Files: one a job, and one for each block in work.
// - A job whose beat has not changed for `patience` seconds, by the watcher's own clock, is
//   taken for dead, and its lease is renamed away by whoever wants the block. It is known
//   to be dead at once if it is an earlier start of the same SLURM job, or ran on this host
//   and its file is no longer locked.
// - A job that ended leaves its file, marked so, until one that is alone removes it: a job
//   that finds another's file, of whatever state, has to look into the journals for what
//   the other has done.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "htflow/digest.h"
#include "htflow/door.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

typedef struct htf_leases htf_leases;

// Joins the jobs of a sweep directory, which must exist. Leases of two plans do not meet.
// Raises HTF_E_IO, HTF_E_MEMORY.
htf_status htf_leases_open(const char *directory, const htf_digest *plan, double patience,
                           htf_leases **leases);
// Gives back what is held, and leaves.
void htf_leases_close(htf_leases **leases);

// Shows that this job lives; to be called often, does something a few times in `patience`.
void htf_leases_beat(htf_leases *leases);
// Takes a block if no living job holds it. Raises HTF_E_IO, HTF_E_MEMORY.
htf_status htf_leases_take(htf_leases *leases, int64_t block, bool *taken);
// Gives it back.
void htf_leases_release(htf_leases *leases, int64_t block);
// Whether another job is, or was since this one came, at work here. Raises HTF_E_IO.
htf_status htf_leases_company(htf_leases *leases, bool *company);

HTF_END_DOOR

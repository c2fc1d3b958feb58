// SPDX-License-Identifier: BSD-3-Clause
// supply_impl.h: which run is next, on rank 0 (room: cli).
//
// All runs of the plan are put in one order, the longest predicted first, and that order is
// cut into blocks of neighbours. A job takes a lease of a block (lease.h), hands out what
// is not done in it, and gives it back when all has ended; so several jobs share a
// directory, each going down the same order. Where there is company, the journals are
// looked through again when a block is taken. In memory are 9 bytes and 2 bits a run,
// beside the archive.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "htflow/plan.h"
#include "htflow/status.h"
#include "htflow/sweep.h"

typedef struct htf_cli_supply_options {
  const htf_plan *plan;
  const char *directory;
  bool retry_failed;     // failed runs are to do again
  int64_t shard, shards; // only runs with index % shards == shard - 1; 0 shards: all
  double patience;       // seconds without a sign after which another job is dead
} htf_cli_supply_options;

typedef struct htf_cli_supply htf_cli_supply;

// Reads the journals and joins the jobs at work. Raises HTF_E_IO, HTF_E_MEMORY,
// HTF_E_CONFIG.
htf_status htf_cli__supply_create(const htf_cli_supply_options *options,
                                  htf_cli_supply **supply);
void htf_cli__supply_destroy(htf_cli_supply **supply);

typedef struct htf_cli_supply_counts {
  int64_t todo, done, failed; // of this job's shard, when it was created or refilled
  double flops;               // predicted work of what is still to do
} htf_cli_supply_counts;
htf_cli_supply_counts htf_cli__supply_count(const htf_cli_supply *supply);

// The callbacks of a sweep (sweep.h); the note names the journal that holds the run's last
// checkpoint, if there is one.
htf_status htf_cli__supply_next(htf_cli_supply *supply, double left, htf_sweep_grant *grant,
                                htf_sweep_supply *how);
void htf_cli__supply_ended(htf_cli_supply *supply, int64_t run, htf_sweep_end how);

// Looks through all journals after a sweep. *lost: runs whose records were found damaged,
// and which are to do again; *elsewhere: runs of other shards that nobody has done. Records
// made by this call are not read again, those it found at its beginning are.
htf_status htf_cli__supply_settle(htf_cli_supply *supply, int64_t *lost, int64_t *elsewhere,
                                  int64_t *failed);

// SPDX-License-Identifier: BSD-3-Clause
// run_impl.h: the parts of `htflow run` (room: cli).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cli_impl.h"
#include "htflow/journal.h"
#include "htflow/plan.h"
#include "htflow/sweep.h"
#include "progress_impl.h"

// ---- the directory --------------------------------------------------------------------

// Makes the directory this plan's: an empty one gets it, one that holds another is refused
// naming what differs. With `grow` the other is replaced: its finished runs stay in the
// journals, and count where this plan has them too. Raises HTF_E_CONFIG, HTF_E_IO.
htf_status htf_cli__claim(const htf_plan *plan, const char *directory, bool grow);

// Copies the done records of this plan's runs from another sweep directory into a journal,
// but for those that `directory` has. *copied: how many. Raises HTF_E_IO, HTF_E_MEMORY.
htf_status htf_cli__reuse(const htf_plan *plan, const char *directory, const char *other,
                          htf_journal *journal, int64_t *copied);

// ---- one rank's work ------------------------------------------------------------------

typedef struct htf_cli_worker {
  const htf_plan *plan;
  const char *directory;
  htf_journal *journal;
  htf_cli_log *log;
  htf_cli_data data;
  double checkpoint; // seconds between two checkpoints of a run
} htf_cli_worker;

// The callbacks of a sweep: a run, gone on with from its last checkpoint where the grant's
// note names a journal that holds one; and its record into the journal.
htf_status htf_cli__execute(htf_cli_worker *worker, const htf_sweep_grant *grant,
                            htf_sweep_wish (*ask)(void *token), void *token,
                            htf_record *record);
htf_status htf_cli__add(htf_cli_worker *worker, const htf_record *record, size_t *waiting);

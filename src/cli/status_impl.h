// SPDX-License-Identifier: BSD-3-Clause
// status_impl.h: what the event log of a writer says it does (room: cli).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "htflow/status.h"

typedef struct htf_cli_activity {
  double last;   // date of the last event; 0: no log
  double opened; // when the process began, or the first event that was read
  double busy;   // seconds of work since `opened`, the run in hand left out
  int64_t run;   // in hand; -1: none
  double since;  // when that was begun
  bool closed;   // the process ended in order
} htf_cli_activity;

// From the last 256 KB of DIR/log/<writer>.jsonl. A log that is not there, or lines that
// are torn, are no error.
htf_status htf_cli__activity(const char *directory, const char *writer,
                             htf_cli_activity *activity);

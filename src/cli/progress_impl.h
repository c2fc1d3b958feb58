// SPDX-License-Identifier: BSD-3-Clause
// progress_impl.h: how far a sweep is, told to people and to programs (room: cli).
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "htflow/record.h"
#include "htflow/status.h"
#include "htflow/sweep.h"

// ---- pace -----------------------------------------------------------------------------

enum { HTF_CLI_MARKS = 32 };

// How fast work is done: marks (seconds, work), about evenly spaced in time. When they are
// all used every second one goes. Starts zeroed, with the mark (0, 0).
typedef struct htf_cli_pace {
  int marks;
  double spacing;
  double seconds[HTF_CLI_MARKS], work[HTF_CLI_MARKS];
} htf_cli_pace;

void htf_cli__pace_note(htf_cli_pace *pace, double seconds, double work);
// Seconds that `left` more work takes at the pace from the first mark to the last, T = left
// / r, and its standard error, T cv sqrt(1/n + w/T): cv is the coefficient of variation of
// the rate among the n intervals of length w between the marks, so that the first term is
// the error of r and the second what the rest may differ by itself. False where no work was
// done yet; *spread is NAN where n < 5.
bool htf_cli__pace_left(const htf_cli_pace *pace, double left, double *seconds,
                        double *spread);

// "3 d 04 h", "2 h 03 min", "4 min 10 s", "12.3 s" into 32 bytes.
char *htf_cli__duration(double seconds, char *text);
// ", 15 s left (12 s to 18 s)" into 128 bytes, from T / (1 + spread / T) to T + spread;
// ", about 15 s left" where no spread is known, "" where nothing is.
char *htf_cli__time_left(const htf_cli_pace *pace, double left, char *text);

// ---- for people: on stderr, from rank 0 -------------------------------------------------

// On a terminal one line that is written over, each second; else one plain line a minute.
typedef struct htf_cli_progress {
  int64_t runs, done_before, failed_before; // of the whole sweep
  double deadline;                          // seconds this call may take; 0 for any
  double work, work_left; // predicted, of all to do and of what is left; 0: all alike
  double told;            // clock of the last line
  int64_t lines;
  htf_cli_pace pace;
} htf_cli_progress;

void htf_cli__progress(htf_cli_progress *progress, const htf_sweep_progress *now);

// ---- for programs: DIR/log/<writer>.jsonl -----------------------------------------------

// One JSON object a line, first members `time` (seconds since 1970) and `event`:
//   open        writer host pid rank ranks version     a process began to write here
//   start       run                                    its index in the plan
//   end         run state reason wall [message]        its record goes into the journal
//   checkpoint  run bytes                              likewise
//   leave       run                                    given back undone, to be gone on
//   with close                                              the process ended in order
// A file that has grown to 4 MiB becomes <writer>.1.jsonl, in place of an older one. What
// cannot be written (a full disk) is lost: one warning, and the sweep goes on.
typedef struct htf_cli_log htf_cli_log;

htf_status htf_cli__log_open(const char *directory, const char *writer, htf_cli_log **log);
// With the event `close` where it was opened.
void htf_cli__log_close(htf_cli_log **log);
// The event `end` of a run.
void htf_cli__log_end(htf_cli_log *log, int64_t run, const htf_record *record);
// Takes `members` (NULL where there are none) from the caller.
void htf_cli__log_event(htf_cli_log *log, const char *event, json_t *members);

// SPDX-License-Identifier: BSD-3-Clause
// log.h: what the program tells a person while it works, on stderr (room: base).
//
// A line reads `[rank seconds room] text`. Errors and warnings come from every rank; info
// and debug only from the root rank, so that a large sweep stays readable, unless
// HTF_LOG_ALL is asked for. Numerical rooms never log.
#pragma once

#include "htflow/door.h"

HTF_BEGIN_DOOR

typedef enum htf_log_level {
  HTF_LOG_ERROR,
  HTF_LOG_WARN,
  HTF_LOG_INFO,
  HTF_LOG_DEBUG,
} htf_log_level;

// The most talkative level that is written; HTF_LOG_INFO at the start.
void htf_log_set_level(htf_log_level level);
htf_log_level htf_log_get_level(void);
// The level of a name ("error" "warn" "info" "debug"); -1 if there is none such.
int htf_log_parse_level(const char *name);
// Which rank this process is (rank 0, the root, at the start); seconds count from this
// call.
void htf_log_set_rank(int rank);

// Writes a line, in one write(2), if the level and the rank let it.
void htf_log(htf_log_level level, const char *room, const char *format, ...)
    HTF_PRINTF(3, 4);
// The same from every rank, at any level.
void htf_log_all(htf_log_level level, const char *room, const char *format, ...)
    HTF_PRINTF(3, 4);

HTF_END_DOOR

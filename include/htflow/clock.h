// SPDX-License-Identifier: BSD-3-Clause
// clock.h: wall time, CPU time, dates and sleep (room: base).
#pragma once

#include <stddef.h>

#include "htflow/door.h"

HTF_BEGIN_DOOR

// Seconds of a clock that never goes back; its zero is arbitrary.
double htf_clock_now(void);
// CPU seconds this process has used.
double htf_clock_cpu(void);
// Seconds since 1970-01-01 00:00 UTC.
double htf_clock_date(void);
// Writes that date as "2026-11-23T18:30:00Z"; `text` holds at least 21 bytes.
void htf_clock_format(double date, char *text, size_t size);
// Sleeps; a signal may end it early.
void htf_clock_sleep(double seconds);

HTF_END_DOOR

// SPDX-License-Identifier: BSD-3-Clause
#include "htflow/clock.h"

#include <time.h>

static double seconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double htf_clock_now(void) {
  return seconds(CLOCK_MONOTONIC);
}

double htf_clock_cpu(void) {
  return seconds(CLOCK_PROCESS_CPUTIME_ID);
}

double htf_clock_date(void) {
  return seconds(CLOCK_REALTIME);
}

void htf_clock_format(double date, char *text, size_t size) {
  time_t whole = (time_t)date;
  struct tm parts;
  gmtime_r(&whole, &parts);
  strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

void htf_clock_sleep(double duration) {
  struct timespec t;
  t.tv_sec = (time_t)duration;
  t.tv_nsec = (long)((duration - (double)t.tv_sec) * 1e9);
  nanosleep(&t, NULL);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "htflow/clock.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

Test(clock, never_goes_back) {
  double before = htf_clock_now();
  for (int i = 0; i < 100000; i++) {
    double now = htf_clock_now();
    cr_assert(now >= before);
    before = now;
  }
}

Test(clock, sleeping_takes_wall_time_and_no_cpu_time) {
  double wall = htf_clock_now(), cpu = htf_clock_cpu();
  htf_clock_sleep(0.2);
  wall = htf_clock_now() - wall;
  cpu = htf_clock_cpu() - cpu;
  cr_assert(wall >= 0.2, "slept %g s", wall);
  cr_assert(cpu < 0.1, "used %g s", cpu); // nanosleep wakes up once: microseconds
}

Test(clock, working_takes_cpu_time_but_no_more_than_wall_time) {
  double wall = htf_clock_now(), cpu = htf_clock_cpu();
  while (htf_clock_cpu() - cpu < 0.05) {
  }
  double used = htf_clock_cpu() - cpu;
  wall = htf_clock_now() - wall;
  // One thread; the two clocks are read at different instants and tick apart.
  cr_assert(used <= wall + 0.01, "%g s of %g s", used, wall);
}

Test(clock, the_date_is_that_of_the_c_library) {
  // time() is the second that began last, by a coarse clock that may lag one tick.
  double before = (double)time(NULL), date = htf_clock_date();
  cr_assert(date >= before && date < before + 10, "%.3f, not %.0f", date, before);
}

static void is_written(double date, const char *expected) {
  char text[21];
  htf_clock_format(date, text, sizeof text);
  cr_assert(eq(str, text, (char *)expected));
}

// Well-known instants of the Unix clock, and a leap day.
Test(clock, dates_are_written_in_utc) {
  setenv("TZ", "EST5", 1); // wherever the machine is
  tzset();
  is_written(0, "1970-01-01T00:00:00Z");
  is_written(1e9, "2001-09-09T01:46:40Z");
  is_written(1234567890.9, "2009-02-13T23:31:30Z");
  is_written(951782400, "2000-02-29T00:00:00Z");
  is_written(2147483648.0, "2038-01-19T03:14:08Z");
}

// SPDX-License-Identifier: BSD-3-Clause
// The pace of a sweep: time left, and how sure that is.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

#include "progress_impl.h"

Test(pace, nothing_is_known_before_any_work_is_done) {
  htf_cli_pace pace = {0};
  double seconds, spread;
  char text[128];
  cr_assert(not(htf_cli__pace_left(&pace, 1, &seconds, &spread)));
  htf_cli__pace_note(&pace, 5, 0);
  cr_assert(not(htf_cli__pace_left(&pace, 1, &seconds, &spread)));
  cr_assert(eq(str, htf_cli__time_left(&pace, 1, text), ""));
}

Test(pace, few_intervals_give_a_time_and_no_spread) {
  htf_cli_pace pace = {0};
  double seconds, spread;
  char text[128];
  for (int i = 1; i < 5; i++) { // all but even: a spread of them is no news
    htf_cli__pace_note(&pace, 5.0 * i, 10.0 * i + i % 2);
    cr_assert(htf_cli__pace_left(&pace, 30, &seconds, &spread));
    cr_assert(isnan(spread));
  }
  cr_assert(ieee_ulp_eq(dbl, seconds, 15, 2));
  cr_assert(eq(str, htf_cli__time_left(&pace, 30, text), ", about 15 s left"));
}

// Rates 1, 3, 1, 3, 1, 3: variance 6/5 x 1/4 of the square of the mean; left 8 at rate 2 is
// 4 s; spread 4 sqrt(3/10) sqrt(1/6 + 1/4).
static htf_cli_pace one_and_three(void) {
  htf_cli_pace pace = {0};
  const double work[] = {1, 4, 5, 8, 9, 12};
  for (int i = 0; i < 6; i++) {
    htf_cli__pace_note(&pace, i + 1, work[i]);
  }
  return pace;
}

Test(pace, spread_is_that_of_its_formula) {
  htf_cli_pace pace = one_and_three();
  double seconds, spread;
  cr_assert(htf_cli__pace_left(&pace, 8, &seconds, &spread));
  cr_assert(ieee_ulp_eq(dbl, seconds, 4, 2));
  cr_assert(epsilon_eq(dbl, spread, sqrt(2.0), 1e-14));
}

Test(pace, the_range_of_the_time_left_is_a_factor_either_way) {
  htf_cli_pace pace = one_and_three();
  char text[128];
  cr_assert(eq(str, htf_cli__time_left(&pace, 8, text), ", 4.0 s left (3.0 s to 5.4 s)"));
}

Test(pace, the_range_begins_after_nothing_however_uneven_the_pace) {
  htf_cli_pace pace = {0};
  double seconds, spread;
  char text[128];
  for (int i = 1; i <= 6; i++) { // all the work in the last of six intervals
    htf_cli__pace_note(&pace, 10.0 * i, i < 6 ? 0 : 6);
  }
  cr_assert(htf_cli__pace_left(&pace, 6, &seconds, &spread));
  cr_assert(lt(dbl, seconds, spread));
  cr_assert(eq(str, htf_cli__time_left(&pace, 6, text),
               ", 1 min 00 s left (25 s to 2 min 25 s)"));
}

Test(pace, a_long_sweep_keeps_few_even_marks_and_its_pace) {
  htf_cli_pace pace = {0};
  double seconds, spread;
  htf_cli__pace_note(&pace, 1e-4, 0);
  for (int i = 1; i <= 100000; i++) {
    htf_cli__pace_note(&pace, i, 3.0 * i);
  }
  cr_assert(le(int, pace.marks, HTF_CLI_MARKS));
  cr_assert(lt(int, HTF_CLI_MARKS / 3, pace.marks));
  for (int i = 2; i < pace.marks - 1; i++) { // the first came in soon, the last grows
    double length = pace.seconds[i + 1] - pace.seconds[i];
    cr_assert(lt(dbl, 0.25 * pace.spacing, length));
    cr_assert(lt(dbl, length, 2.5 * pace.spacing));
  }
  cr_assert(htf_cli__pace_left(&pace, 3000, &seconds, &spread));
  cr_assert(epsilon_eq(dbl, seconds, 1000, 1e-6));
  cr_assert(lt(dbl, spread, 1));
}

Test(pace, a_sweep_that_stands_still_is_seen_to_slow_down) {
  htf_cli_pace pace = {0};
  double before, after, spread_before, spread_after;
  for (int i = 1; i <= 20; i++) {
    htf_cli__pace_note(&pace, i, i);
  }
  htf_cli__pace_left(&pace, 10, &before, &spread_before);
  for (int i = 21; i <= 40; i++) {
    htf_cli__pace_note(&pace, i, 20);
  }
  htf_cli__pace_left(&pace, 10, &after, &spread_after);
  cr_assert(lt(dbl, 1.5 * before, after));
  cr_assert(lt(dbl, spread_before, spread_after));
}

Test(pace, durations_are_said_in_two_units) {
  char text[32];
  cr_assert(eq(str, htf_cli__duration(0.04, text), "0.0 s"));
  cr_assert(eq(str, htf_cli__duration(9.96, text), "10 s"));
  cr_assert(eq(str, htf_cli__duration(59.7, text), "1 min 00 s"));
  cr_assert(eq(str, htf_cli__duration(119.6, text), "2 min 00 s"));
  cr_assert(eq(str, htf_cli__duration(3725, text), "1 h 02 min"));
  cr_assert(eq(str, htf_cli__duration(86400 * 3.25, text), "3 d 06 h"));
}

// SPDX-License-Identifier: BSD-3-Clause
#include <math.h>
#include <stdio.h>

#include "progress_impl.h"

// Intervals below which no spread is told: that of two says next to nothing of others (the
// relative error of a deviation estimated from n is about (2 (n - 1))^(-1/2)).
enum { FEWEST = 5 };

static void thin_out(htf_cli_pace *pace) {
  pace->marks = HTF_CLI_MARKS / 2;
  for (int i = 0; i < pace->marks; i++) {
    pace->seconds[i] = pace->seconds[2 * i];
    pace->work[i] = pace->work[2 * i];
  }
  pace->spacing = pace->seconds[pace->marks - 1] / (pace->marks - 1);
}

// The last interval grows until it is as long as the others.
void htf_cli__pace_note(htf_cli_pace *pace, double seconds, double work) {
  pace->marks = pace->marks > 0 ? pace->marks : 1; // the zeroed one
  int last = pace->marks - 1;
  bool grows = last > 0 && pace->seconds[last] - pace->seconds[last - 1] < pace->spacing;
  if (!grows && seconds > pace->seconds[last]) {
    if (pace->marks == HTF_CLI_MARKS) {
      thin_out(pace);
    }
    last = pace->marks++;
  }
  if (last > 0) {
    pace->seconds[last] = seconds;
    pace->work[last] = work;
  }
}

bool htf_cli__pace_left(const htf_cli_pace *pace, double left, double *seconds,
                        double *spread) {
  int n = pace->marks - 1;
  double time = n > 0 ? pace->seconds[n] - pace->seconds[0] : 0;
  double rate = time > 0 ? (pace->work[n] - pace->work[0]) / time : 0, sum = 0;
  if (rate <= 0) {
    return false;
  }
  for (int i = 0; i < n; i++) { // longer intervals weigh more
    double length = pace->seconds[i + 1] - pace->seconds[i];
    double own = (pace->work[i + 1] - pace->work[i]) / length;
    sum += (own / rate - 1) * (own / rate - 1) * length / time;
  }
  *seconds = left / rate;
  *spread = NAN;
  if (n >= FEWEST) {
    double variance = sum * n / (n - 1);
    *spread = sqrt(variance * *seconds * (*seconds / n + time / n));
  }
  return true;
}

char *htf_cli__duration(double seconds, char *text) {
  enum { SIZE = 32 };
  static const struct {
    double unit, part;
    const char *name, *part_name;
  } forms[] = {{86400, 3600, "d", "h"}, {3600, 60, "h", "min"}, {60, 1, "min", "s"}};
  for (int i = 0; i < 3; i++) {
    double rounded = forms[i].part * round(seconds / forms[i].part);
    if (rounded >= forms[i].unit) {
      double whole = floor(rounded / forms[i].unit);
      snprintf(text, SIZE, "%.0f %s %02.0f %s", whole, forms[i].name,
               (rounded - whole * forms[i].unit) / forms[i].part, forms[i].part_name);
      return text;
    }
  }
  snprintf(text, SIZE, "%.*f s", seconds < 9.95 ? 1 : 0, seconds);
  return text;
}

// The pace is uncertain by a factor, 1 + spread / seconds: the range is as many times
// shorter as it is longer, and never begins at nothing.
char *htf_cli__time_left(const htf_cli_pace *pace, double left, char *text) {
  enum { SIZE = 128 };
  double seconds, spread;
  char middle[32], low[32], high[32];
  text[0] = '\0';
  if (left > 0 && htf_cli__pace_left(pace, left, &seconds, &spread)) {
    htf_cli__duration(seconds, middle);
    if (isnan(spread)) {
      snprintf(text, SIZE, ", about %s left", middle);
    } else {
      snprintf(text, SIZE, ", %s left (%s to %s)", middle,
               htf_cli__duration(seconds * seconds / (seconds + spread), low),
               htf_cli__duration(seconds + spread, high));
    }
  }
  return text;
}

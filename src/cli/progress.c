// SPDX-License-Identifier: BSD-3-Clause
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "htflow/clock.h"
#include "htflow/log.h"
#include "progress_impl.h"

static bool time_to_tell(htf_cli_progress *p, bool terminal, bool last) {
  double now = htf_clock_now();
  if (p->told == 0) { // the first call: nothing to tell yet
    p->told = now;
  }
  double pause = terminal ? 1 : p->lines == 0 ? 10 : 60; // a first sign of life comes soon
  if (!last && now - p->told < pause) {
    return false;
  }
  p->told = now;
  p->lines++;
  return true;
}

// "37 of 60 runs done, 2 failed, 3.1 a second, 12 s, utilisation 98 %, 8 s left (7 s to 9
// s), must end in 40 min"
static void describe(const htf_cli_progress *p, const htf_sweep_progress *now, char *text,
                     size_t size) {
  int64_t ended = now->done + now->failed, failed = p->failed_before + now->failed;
  double left = p->work > 0 ? p->work_left : (double)(now->todo - ended);
  double capacity = now->elapsed * htf_sweep_ranks();
  char so_far[32], to_go[128], deadline[64] = "", end[32];
  if (p->deadline > 0 && ended < now->todo) {
    snprintf(deadline, sizeof deadline, ", must end in %s",
             htf_cli__duration(fmax(0, p->deadline - now->elapsed), end));
  }
  snprintf(
      text, size,
      "%lld of %lld runs done, %lld failed, %.3g a second, %s, utilisation %.0f %%%s%s",
      (long long)(p->done_before + now->done), (long long)p->runs, (long long)failed,
      now->elapsed > 0 ? (double)ended / now->elapsed : 0,
      htf_cli__duration(now->elapsed, so_far),
      capacity > 0 ? 100 * now->busy / capacity : 0,
      htf_cli__time_left(&p->pace, left, to_go), deadline);
}

// Cut to the terminal's width: a line that wraps cannot be written over.
static void write_over(char *text, bool last) {
  struct winsize window;
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 1 &&
      strlen(text) >= window.ws_col) {
    text[window.ws_col - 1] = '\0';
  }
  fprintf(stderr, "\r%s\033[K%s", text, last ? "\n" : "");
}

void htf_cli__progress(htf_cli_progress *p, const htf_sweep_progress *now) {
  int64_t ended = now->done + now->failed;
  bool terminal = isatty(STDERR_FILENO), last = ended == now->todo;
  char text[512];
  double done = p->work > 0 ? p->work - p->work_left : (double)ended;
  htf_cli__pace_note(&p->pace, now->elapsed, done);
  if (!time_to_tell(p, terminal, last) || htf_log_get_level() < HTF_LOG_INFO) {
    return;
  }
  describe(p, now, text, sizeof text);
  if (terminal) {
    write_over(text, last);
  } else {
    htf_log(HTF_LOG_INFO, "run", "%s", text);
  }
}

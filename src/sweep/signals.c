// SPDX-License-Identifier: BSD-3-Clause
// Signals that ask for a stop. The handler only notes which one came, and when.
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "htflow/sweep.h"

static volatile sig_atomic_t caught;
static struct timespec caught_at;

// A scheduler may deliver the same wish twice at once, to the step and through a job
// script's trap, so only one that comes two seconds later is taken as impatience.
static void note(int signal_number) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (caught == 0) {
    caught_at = now;
    caught = signal_number;
  } else if (now.tv_sec - caught_at.tv_sec >= 2) {
    _exit(128 + signal_number);
  }
}

void htf_sweep_catch_signals(void) {
  struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
  static const int numbers[] = {SIGTERM, SIGINT, SIGUSR1, SIGUSR2};
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < 4; i++) {
    sigaddset(&action.sa_mask, numbers[i]); // none interrupts the handler of another
  }
  for (int i = 0; i < 4; i++) {
    sigaction(numbers[i], &action, NULL);
  }
}

int htf_sweep_signal(void) {
  return caught;
}

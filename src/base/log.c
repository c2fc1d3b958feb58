// SPDX-License-Identifier: BSD-3-Clause
#include "htflow/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "htflow/clock.h"

static const char *const names[] = {"error", "warn", "info", "debug"};
static htf_log_level threshold = HTF_LOG_INFO;
static int own_rank;
static double start;

void htf_log_set_level(htf_log_level level) {
  threshold = level;
}

htf_log_level htf_log_get_level(void) {
  return threshold;
}

int htf_log_parse_level(const char *name) {
  for (int i = 0; i < (int)(sizeof names / sizeof *names); i++) {
    if (strcmp(name, names[i]) == 0) {
      return i;
    }
  }
  return -1;
}

void htf_log_set_rank(int rank) {
  own_rank = rank;
  start = htf_clock_now();
}

static void write_line(htf_log_level level, const char *room, const char *format,
                       va_list arguments) {
  char line[4096];
  if (start == 0) {
    start = htf_clock_now();
  }
  int used = snprintf(line, sizeof line, "[%d %.1f %s] %s", own_rank,
                      htf_clock_now() - start, room,
                      level == HTF_LOG_ERROR  ? "error: "
                      : level == HTF_LOG_WARN ? "warning: "
                                              : "");
  vsnprintf(line + used, sizeof line - (size_t)used - 1, format, arguments);
  size_t length = strlen(line);
  line[length++] = '\n';
  // A log line that cannot be written has nobody left to tell.
  ssize_t written = write(STDERR_FILENO, line, length);
  (void)written;
}

void htf_log(htf_log_level level, const char *room, const char *format, ...) {
  bool wanted = level <= threshold && (own_rank == 0 || level <= HTF_LOG_WARN);
  if (wanted) {
    va_list arguments;
    va_start(arguments, format);
    write_line(level, room, format, arguments);
    va_end(arguments);
  }
}

void htf_log_all(htf_log_level level, const char *room, const char *format, ...) {
  if (level <= threshold) {
    va_list arguments;
    va_start(arguments, format);
    write_line(level, room, format, arguments);
    va_end(arguments);
  }
}

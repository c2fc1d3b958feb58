// SPDX-License-Identifier: BSD-3-Clause
// The error slot of a thread: code, message, trace.
#include "htflow/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_BYTES = 32768, TRACE_BYTES = 4096 };

static _Thread_local char message[MESSAGE_BYTES];
static _Thread_local char trace[TRACE_BYTES];

static const struct {
  int exit_code;
  const char *text;
} table[] = {
#define ROW(name, exit_code, text) {exit_code, text},
    HTF_STATUS_TABLE(ROW)
#undef ROW
};

static int known(htf_status status) {
  return (int)status >= 0 && (size_t)status < sizeof table / sizeof *table;
}

int htf_status_exit_code(htf_status status) {
  return known(status) ? table[status].exit_code : 1;
}

const char *htf_status_text(htf_status status) {
  return known(status) ? table[status].text : "unknown status";
}

static void add_place(const char *file, int line, const char *function) {
  size_t used = strlen(trace);
  snprintf(trace + used, TRACE_BYTES - used, "  %s:%d %s\n", file, line, function);
}

htf_status htf_error_raise(htf_status code, const char *file, int line,
                           const char *function, const char *format, ...) {
  // The arguments may point into the slot, so format beside it first.
  static _Thread_local char fresh[MESSAGE_BYTES];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(fresh, sizeof fresh, format, arguments);
  va_end(arguments);
  memcpy(message, fresh, strlen(fresh) + 1);
  trace[0] = '\0';
  add_place(file, line, function);
  return code;
}

htf_status htf_error_forward(htf_status code, const char *file, int line,
                             const char *function) {
  add_place(file, line, function);
  return code;
}

void htf_error_prefix(const char *format, ...) {
  static _Thread_local char fresh[MESSAGE_BYTES];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(fresh, sizeof fresh, format, arguments);
  va_end(arguments);
  size_t used = strlen(fresh);
  snprintf(fresh + used, sizeof fresh - used, "%s", message);
  memcpy(message, fresh, strlen(fresh) + 1);
}

const char *htf_error_message(void) {
  return message;
}

const char *htf_error_trace(void) {
  return trace;
}

void htf_error_clear(void) {
  message[0] = '\0';
  trace[0] = '\0';
}

void htf_error_abort(const char *condition, const char *file, int line,
                     const char *function) {
  fprintf(stderr, "htflow: broken: %s does not hold at %s:%d in %s\n", condition, file,
          line, function);
  if (message[0] != '\0') {
    fprintf(stderr, "last error: %s\n%s", message, trace);
  }
  abort();
}

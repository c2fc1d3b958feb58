// SPDX-License-Identifier: BSD-3-Clause
// status.h: how every fallible function of htflow reports (room: base).
//
// A function that can fail returns an htf_status. HTF_OK is zero. Where the fact is known,
// HTF_CHECK raises: it keeps the code, the place and a text with the numbers in the
// thread's error slot. HTF_TRY forwards, adding its own place to the trace. Both leave
// through the function's one label `done:`, where whatever was not handed over is
// destroyed:
//
//     htf_status htf_x_create(int n, htf_x **out) {
//       htf_status status = HTF_OK;
//       htf_x *x = NULL;
//       HTF_CHECK(n > 0, HTF_E_INTERNAL, "n is %d, must be positive", n);
//       HTF_NEW(x, 1);
//       HTF_TRY(htf_y_create(n, &x->y));
//       *out = x;
//       x = NULL;
//     done:
//       htf_x_destroy(&x);
//       return status;
//     }
//
// There are three kinds of trouble. A bad run is data: it ends in the run's record, never
// in a status. A bad request (the user's file, flag, machine) is a status that reaches main
// and becomes one message and an exit code. A broken program (a precondition that only a
// programmer can violate) aborts: HTF_ASSERT. There is no fourth kind.
//
// The error slot is one per thread and belongs to base; texts returned from it are borrowed
// until the next raise on that thread.
#pragma once

#include "htflow/door.h"

HTF_BEGIN_DOOR

// name, exit code of the program when a status reaches main, what it says.
#define HTF_STATUS_TABLE(X)                                                                \
  X(OK, 0, "success")                                                                      \
  X(E_INTERNAL, 1, "internal error")                                                       \
  X(E_USAGE, 2, "wrong usage")                                                             \
  X(E_CONFIG, 3, "invalid sweep file")                                                     \
  X(E_MEMORY, 6, "out of memory")                                                          \
  X(E_IO, 6, "file system error")                                                          \
  X(E_LOCKED, 6, "held by another process")                                                \
  X(E_MPI, 6, "MPI error")                                                                 \
  X(E_ENVIRONMENT, 6, "unfit environment")                                                 \
  X(E_DATA, 7, "invalid input data")                                                       \
  X(E_NUMERIC, 1, "numerical failure")                                                     \
  X(E_STOPPED, 5, "stopped before the end")

typedef enum htf_status {
#define HTF_STATUS_ENUM(name, exit_code, text) HTF_##name,
  HTF_STATUS_TABLE(HTF_STATUS_ENUM)
#undef HTF_STATUS_ENUM
} htf_status;

// Exit codes of the program that are no status: everything was done, but some runs failed.
enum { HTF_EXIT_SOME_FAILED = 4 };

// The exit code and the text of a status; for main and for messages.
int htf_status_exit_code(htf_status status);
const char *htf_status_text(htf_status status);

// Puts an error into the thread's slot, replacing what was there, and returns `code`.
htf_status htf_error_raise(htf_status code, const char *file, int line,
                           const char *function, const char *format, ...) HTF_PRINTF(5, 6);
// Adds a place to the trace of the current error. Returns `code`.
htf_status htf_error_forward(htf_status code, const char *file, int line,
                             const char *function);
// Puts words before the current message: which file, which run.
void htf_error_prefix(const char *format, ...) HTF_PRINTF(1, 2);
// The message of the last error ("" if none), and the places it went through, one a line.
const char *htf_error_message(void);
const char *htf_error_trace(void);
// Empties the slot, where an error has been dealt with.
void htf_error_clear(void);

// Prints the condition and the place, then aborts. For broken programs only.
HTF_NORETURN void htf_error_abort(const char *condition, const char *file, int line,
                                  const char *function);

#define HTF_CHECK(condition, code, ...)                                                    \
  do {                                                                                     \
    if (!(condition)) {                                                                    \
      status = htf_error_raise((code), __FILE__, __LINE__, __func__, __VA_ARGS__);         \
      goto done;                                                                           \
    }                                                                                      \
  } while (0)

#define HTF_TRY(call)                                                                      \
  do {                                                                                     \
    status = (call);                                                                       \
    if (status != HTF_OK) {                                                                \
      htf_error_forward(status, __FILE__, __LINE__, __func__);                             \
      goto done;                                                                           \
    }                                                                                      \
  } while (0)

#define HTF_ASSERT(condition)                                                              \
  ((condition) ? (void)0 : htf_error_abort(#condition, __FILE__, __LINE__, __func__))

HTF_END_DOOR

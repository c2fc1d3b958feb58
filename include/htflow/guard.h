// SPDX-License-Identifier: BSD-3-Clause
// guard.h: work that may crash, done in a process of its own (room: base).
//
// HDF5 1.10 is not proof against files whose bytes were changed: it reads beyond its
// blocks, divides by zero, asks for gigabytes, and does not come to an end. So whoever
// reads a file that is not trusted reads it in a child process, which sends back what it
// read. A child that dies, or that takes more processor time than it may, is then an error
// like any other (HTF_E_DATA), and this process is whole.
//
// The child is a fork: it sees all that this process has, and nothing it does is seen here
// but what it sends. It writes no core file and nothing to stderr.
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "htflow/door.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

typedef struct htf_guard {
  // In the child: does the work, and keeps what came of it in the context.
  htf_status (*work)(void *context);
  // In the child, after work that was HTF_OK: writes that out. In this process: reads it in
  // the same order. Both may be NULL.
  htf_status (*send)(void *context, FILE *out);
  htf_status (*receive)(void *context, FILE *in);
  void *context;
  double seconds; // of processor time that the child may take
  double memory;  // bytes it may take beyond what this process has; 0: what there is
} htf_guard;

// Raises what `work` raised, with its message; HTF_E_DATA where the child died; HTF_E_IO,
// HTF_E_MEMORY where there can be no child.
htf_status htf_guard_run(const htf_guard *guard);

// Bytes out, and in: raise HTF_E_IO where not all of them go or come.
htf_status htf_guard_put(FILE *out, const void *bytes, size_t count);
htf_status htf_guard_get(FILE *in, void *bytes, size_t count);

// For tests that want to see what happens inside: `work` is done in this process, and
// nothing is sent. On at the start.
void htf_guard_turn(bool on);

HTF_END_DOOR

// SPDX-License-Identifier: BSD-3-Clause
// manual_impl.h: what man pages say beyond the options, and how they are written.
//
// A page is named by its topic: "htflow" is htflow(1), a command's name is
// htflow-<command>(1), "sweep" and "results" are htflow-sweep(5) and htflow-results(5).
#pragma once

#include <stdio.h>

#include "cli_impl.h"

#define HTF_MANUAL_WHATIS                                                                  \
  "gradient flow of hierarchical tensor factorizations, in sweeps over MPI"

// ---- tables -----------------------------------------------------------------------------

// One thing and what is said of it: an exit code, a file.
typedef struct htf_manual_row {
  const char *name, *text;
} htf_manual_row;

// A variable of the environment.
typedef struct htf_manual_variable {
  const char *name;
  const char *of; // the commands that it is for, "a,b"; NULL: any
  const char *text;
} htf_manual_variable;

const htf_manual_row *htf_manual__exits(int *count);
const htf_manual_variable *htf_manual__variables(int *count);
// What is in a sweep directory.
const htf_manual_row *htf_manual__files(int *count);

// A command line to copy, of the command of that name.
typedef struct htf_manual_example {
  const char *command, *line, *text;
} htf_manual_example;

const htf_manual_example *htf_manual__examples(int *count);

// The htflow-<name>(5) pages: a sweep file, a results file.
typedef struct htf_manual_format {
  const char *name, *help;
  htf_status (*write)(FILE *out);
} htf_manual_format;

const htf_manual_format *htf_manual__formats(int *count);

// ---- pages ------------------------------------------------------------------------------

// Writes a page. Raises HTF_E_USAGE where there is none of that topic.
htf_status htf_manual__write(const char *topic, FILE *out);
// The two of section 5, which htf_manual__formats lists.
htf_status htf_manual__write_sweep(FILE *out);
htf_status htf_manual__write_results(FILE *out);

// Writes the completion for bash, zsh or fish. Raises HTF_E_USAGE for another shell.
htf_status htf_completion__write(const char *shell, FILE *out);
// The files that go below a prefix's share/: all pages, all completions. Makes folders.
htf_status htf_manual__install(const char *share);

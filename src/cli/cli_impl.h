// SPDX-License-Identifier: BSD-3-Clause
// cli_impl.h: what the subcommands share (room: cli).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "htflow/crew.h"
#include "htflow/files.h"
#include "htflow/plan.h"
#include "htflow/problem.h"
#include "htflow/status.h"

// ---- subcommands ----------------------------------------------------------------------

// A subcommand: argv[0] is its name. *exit_code is the program's unless a status is raised.
typedef htf_status htf_cli_command(int argc, char **argv, int *exit_code);

// A row of the table of commands (main.c).
typedef struct htf_cli_entry {
  const char *name;
  htf_cli_command *command;
  const char *help; // in a few words
} htf_cli_entry;

const htf_cli_entry *htf_cli__commands(int *count);
// The entry of a name, or NULL.
const htf_cli_entry *htf_cli__find(const char *name);

htf_cli_command htf_cli__help, htf_cli__init, htf_cli__plan, htf_cli__run, htf_cli__status,
    htf_cli__gather_command, htf_cli__explain, htf_cli__check, htf_cli__bench,
    htf_cli__doctor, htf_cli__rank, htf_cli__report, htf_cli__tensor, htf_cli__version;

// ---- options --------------------------------------------------------------------------

enum { HTF_CLI_LIST = 256 };

typedef struct htf_cli_list {
  int count;
  const char *item[HTF_CLI_LIST];
} htf_cli_list;

// One option; one of flag, value, list says where it goes. A value option needs `argument`,
// the name of what follows it. Help, man pages and completion read names alike, those of
// the operands in a synopsis too: DIR is a directory, FILE a file, FILE.h5 and SWEEP.yaml
// are files of that ending, KEY=VALUE is a key of the sweep file and its value, COMMAND is
// one of ours, words in small letters stand for themselves, all other names for anything;
// `|` stands between alternatives.
typedef struct htf_cli_option {
  const char *name, *argument, *help;
  bool *flag;
  const char **value;
  htf_cli_list *list;
  char letter; // as in -o; 0 if it has none
} htf_cli_option;

typedef struct htf_cli_usage {
  const char *synopsis; // "plan SWEEP.yaml [options]"
  const char *summary;  // what it does, a paragraph
  const htf_cli_option *options;
  int count;
  int operands; // how many arguments it wants that are no options; -n: at most n
} htf_cli_usage;

// Reads the command line; operands go to `operands`, borrowed from argv. *help: the help
// was asked for and printed. Raises HTF_E_USAGE.
htf_status htf_cli__parse(const htf_cli_usage *usage, int argc, char **argv,
                          const char **operands, bool *help);
// A command's usage, told to `show` as --help would print it; nothing of the command runs.
typedef void htf_cli_show(void *context, const htf_cli_usage *usage);
htf_status htf_cli__describe(const htf_cli_entry *entry, htf_cli_show *show, void *context);
// htf_sweep_open, for a command that opens MPI before it reads its options, so that one
// rank speaks for all; without MPI where the usage is only to be told.
htf_status htf_cli__open(int *argc, char ***argv);

// The names of the operands in a synopsis, in order; returns how many.
enum { HTF_CLI_OPERANDS = 4 };
int htf_cli__operands(const htf_cli_usage *usage,
                      char name[HTF_CLI_OPERANDS][HTF_MAX_LABEL]);

// Prints words, from `column` on and on later lines from `indent` on.
void htf_cli__print_words(int column, int indent, const char *text);

// A number of an option. Raises HTF_E_USAGE with the option's name.
htf_status htf_cli__number(const char *option, const char *text, double low, double high,
                           double *number);

// ---- sweep files ----------------------------------------------------------------------

// A sweep file or its text made a plan; data files are described by the store.
htf_status htf_cli__open_plan(const char *path, const htf_cli_list *overrides,
                              htf_plan **plan);
htf_status htf_cli__text_plan(const char *name, const char *text, htf_plan **plan);

// Visits the spec and the identity of all runs in order, both borrowed for the call.
typedef htf_status htf_cli_identity_visit(void *context, int64_t run, const htf_spec *spec,
                                          const htf_digest *identity);
htf_status htf_cli__identities(const htf_plan *plan, htf_cli_identity_visit *show,
                               void *context);

// The plan of a sweep directory, and the text of the sweep file that it was made of, the
// caller's to HTF_FREE.
htf_status htf_cli__directory_plan(const char *directory, htf_plan **plan);
htf_status htf_cli__given_text(const char *directory, char **text);

// Data files read once and kept, for the runs of one rank.
typedef struct htf_cli_data {
  char path[HTF_MAX_TEXT];
  htf_file_data data;
} htf_cli_data;

// A run's problem from its file (htf_run_hooks.load): context is an htf_cli_data.
htf_status htf_cli__load(void *context, const htf_spec *spec, htf_problem **problem);
void htf_cli__forget(htf_cli_data *data);
// A run's first weights from their file (htf_run_hooks.weights): context is not used.
htf_status htf_cli__weights(void *context, const htf_spec *spec, const htf_model *model,
                            double *theta);

// ---- results --------------------------------------------------------------------------

// Collective: `lead` on rank 0, the others being a crew for htf_cli__gather in it.
htf_status htf_cli__gathering(htf_status (*lead)(void *context, htf_crew *crew),
                              void *context);
// Journals of a sweep directory to its results file; prints where it is.
htf_status htf_cli__gather(const htf_plan *plan, const char *directory, const char *path,
                           htf_crew *crew);

// Prints how to cite (cite.c).
void htf_cli__print_citation(void);

// ---- libraries ------------------------------------------------------------------------

typedef struct htf_cli_library {
  const char *name;
  const char *(*version)(void);
} htf_cli_library;
const htf_cli_library *htf_cli__libraries(int *count);

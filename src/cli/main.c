// SPDX-License-Identifier: BSD-3-Clause
// htflow: finds the subcommand, and turns a status into a message and an exit code.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_impl.h"
#include "htflow/blas.h"
#include "htflow/log.h"
#include "htflow/sweep.h"
#include "manual_impl.h"

static const htf_cli_entry commands[] = {
    {"init", htf_cli__init, "write a sweep file to start from, or its schema"},
    {"plan", htf_cli__plan, "check a sweep file and say what it would run"},
    {"run", htf_cli__run, "run a sweep, or resume it; under mpirun, srun or alone"},
    {"status", htf_cli__status, "how far is a sweep? beside it, from anywhere"},
    {"gather", htf_cli__gather_command, "journals to one results file"},
    {"explain", htf_cli__explain, "one run: what, where, why it ended, how to rerun it"},
    {"check", htf_cli__check, "is a results, problem or weights file what it says?"},
    {"report", htf_cli__report, "a static HTML page from a results file"},
    {"rank", htf_cli__rank, "singular values and ranks of a tensor, dense or factored"},
    {"tensor", htf_cli__tensor, "write a planted or an end tensor with all its entries"},
    {"bench", htf_cli__bench, "how fast is this machine at what runs are made of?"},
    {"doctor", htf_cli__doctor, "check this machine before core-hours are spent"},
    {"help", htf_cli__help, "commands, observables, man pages, shell completion"},
    {"version", htf_cli__version, "version, git commit, libraries"},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

const htf_cli_entry *htf_cli__commands(int *count) {
  *count = COMMANDS;
  return commands;
}

const htf_cli_entry *htf_cli__find(const char *name) {
  for (int i = 0; i < COMMANDS; i++) {
    if (strcmp(name, commands[i].name) == 0) {
      return &commands[i];
    }
  }
  return NULL;
}

static void print_help(void) {
  int exits;
  const htf_manual_row *row = htf_manual__exits(&exits);
  if (htf_sweep_launched() != 0) {
    return;
  }
  printf("htflow: %s\n\nusage: htflow COMMAND [options]\n\ncommands:\n", HTF_MANUAL_WHATIS);
  for (int i = 0; i < COMMANDS; i++) {
    printf("  %-10s %s\n", commands[i].name, commands[i].help);
  }
  printf("\nhtflow COMMAND --help tells more. HTFLOW_LOG=error|warn|info|debug sets the "
         "log.\n\nexit codes:\n");
  for (int i = 0; i < exits; i++) {
    printf("  %-10s %s\n", row[i].name, row[i].text);
  }
}

static htf_status dispatch(int argc, char **argv, int *exit_code) {
  htf_status status = HTF_OK;
  const htf_cli_entry *entry = htf_cli__find(argv[1]);
  HTF_CHECK(entry != NULL, HTF_E_USAGE, "unknown command '%s'; htflow --help lists them",
            argv[1]);
  HTF_TRY(entry->command(argc - 1, argv + 1, exit_code));
done:
  return status;
}

static htf_status set_log(void) {
  htf_status status = HTF_OK;
  const char *wish = getenv("HTFLOW_LOG");
  if (wish != NULL) {
    int level = htf_log_parse_level(wish);
    HTF_CHECK(level >= 0, HTF_E_USAGE, "HTFLOW_LOG=%s: wants error, warn, info or debug",
              wish);
    htf_log_set_level((htf_log_level)level);
  }
done:
  return status;
}

// Ranks agree on a status before they return it, so that the root's word is enough.
static int report(htf_status status) {
  if (htf_sweep_rank() != 0) {
    return htf_status_exit_code(status);
  }
  fprintf(stderr, "htflow: %s\n", htf_error_message());
  if (status == HTF_E_INTERNAL || htf_log_get_level() >= HTF_LOG_DEBUG) {
    fprintf(stderr, "%s, raised at\n%s", htf_status_text(status), htf_error_trace());
  }
  return htf_status_exit_code(status);
}

// What was printed is on its way, or it is an error: a full disk, a closed pipe.
static htf_status finish_output(void) {
  htf_status status = HTF_OK;
  HTF_CHECK(fflush(stdout) == 0 && !ferror(stdout), HTF_E_IO, "cannot write the output: %s",
            strerror(errno));
done:
  return status;
}

int main(int argc, char **argv) {
  int exit_code = 0;
  htf_blas_start(1);
  if (argc < 2) {
    print_help();
    // The root's code is enough: mpirun ends everybody when the first rank leaves with one.
    return htf_sweep_launched() == 0 ? htf_status_exit_code(HTF_E_USAGE) : 0;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
      (strcmp(argv[1], "help") == 0 && argc == 2)) {
    print_help();
    return 0;
  }
  if (strcmp(argv[1], "--version") == 0) {
    argv[1] = "version";
  }
  htf_status status = set_log();
  if (status == HTF_OK) {
    status = dispatch(argc, argv, &exit_code);
  }
  if (status == HTF_OK) {
    status = finish_output();
  }
  exit_code = status == HTF_OK ? exit_code : report(status);
  // Last of all: mpirun ends everybody when a rank leaves with a code, and no rank leaves
  // before the root comes here.
  htf_sweep_close();
  return exit_code;
}

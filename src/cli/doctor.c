// SPDX-License-Identifier: BSD-3-Clause
// htflow doctor: findings about this machine, each with its cure.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor_impl.h"
#include "htflow/blas.h"
#include "htflow/filesystem.h"
#include "htflow/sweep.h"

static const char *const verdict_texts[] = {"ok", "note", "WRONG"};

void htf_cli__finding(htf_cli_doctor *d, const char *what, htf_cli_verdict v,
                      const char *cure, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  d->wrong += v == HTF_CLI_WRONG;
  cure = v == HTF_CLI_FINE ? "" : cure;
  if (d->findings != NULL) {
    json_array_append_new(d->findings,
                          json_pack("{ss ss ss ss}", "what", what, "verdict",
                                    verdict_texts[v], "finding", text, "cure", cure));
    return;
  }
  printf("%-5s %-14s %s\n", verdict_texts[v], what, text);
  if (cure[0] != '\0') {
    printf("%-5s %-14s cure: %s\n", "", "", cure);
  }
}

static htf_status examine_blas(htf_cli_doctor *d) {
  htf_status status = HTF_OK;
  double rate;
  const char *advice = htf_blas_advice();
  bool chosen = getenv("OPENBLAS_CORETYPE") != NULL; // by the user, who may have reasons
  htf_cli__finding(d, "blas",
                   advice[0] == '\0' ? HTF_CLI_FINE
                   : chosen          ? HTF_CLI_WORTH_KNOWING
                                     : HTF_CLI_WRONG,
                   "unset OPENBLAS_CORETYPE, or set it to the name advised",
                   "%s; kernels %s%s%s", htf_blas_library(), htf_blas_core(),
                   advice[0] != '\0' ? ", advised: " : "", advice);
  HTF_TRY(htf_blas_rate(512, &rate));
  double peak = htf_blas_peak(), share = rate / peak;
  htf_cli__finding(
      d, "dgemm", share > 0.4 ? HTF_CLI_FINE : HTF_CLI_WRONG,
      "other jobs on this core, or kernels of narrow vectors (see blas above)",
      "%.1f GFLOP/s at size 512, %.0f %% of the %.0f that two FMA units of %d doubles allow "
      "at the measured clock",
      rate, 100 * share, peak, htf_blas_vector_width());
  htf_cli__finding(d, "blas threads",
                   htf_blas_threads() == 1 ? HTF_CLI_FINE : HTF_CLI_WORTH_KNOWING,
                   "one thread a rank is best; htflow sets it unless told otherwise",
                   "%d a rank", htf_blas_threads());
done:
  return status;
}

static void examine_mpirun(htf_cli_doctor *d) {
  bool root = geteuid() == 0;
  bool allowed = getenv("OMPI_ALLOW_RUN_AS_ROOT") != NULL &&
                 getenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM") != NULL;
  if (root && htf_sweep_ranks() == 1) {
    htf_cli__finding(d, "mpirun", allowed ? HTF_CLI_FINE : HTF_CLI_WORTH_KNOWING,
                     "mpirun --allow-run-as-root, or set OMPI_ALLOW_RUN_AS_ROOT=1 and "
                     "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1",
                     allowed ? "may run as root"
                             : "refuses to run as root, and you are root");
  }
}

static void examine_libraries(htf_cli_doctor *d) {
  int count;
  const htf_cli_library *library = htf_cli__libraries(&count);
  for (int i = 0; i < count; i++) {
    if (strncmp(library[i].name, "blas", 4) != 0 && strcmp(library[i].name, "mpi") != 0) {
      htf_cli__finding(d, library[i].name, HTF_CLI_FINE, "", "%s", library[i].version());
    }
  }
}

static htf_status examine_files(htf_cli_doctor *d, const char *directory) {
  htf_status status = HTF_OK;
  htf_filesystem facts;
  HTF_TRY(htf_filesystem_examine(directory, &facts));
  htf_cli__finding(d, "directory", facts.renames ? HTF_CLI_FINE : HTF_CLI_WRONG,
                   "use a POSIX file system for sweep directories",
                   "%s on %s: rename over a file %s", directory, facts.type,
                   facts.renames ? "works" : "does not work");
  htf_cli__finding(
      d, "locks", facts.locks ? HTF_CLI_FINE : HTF_CLI_WORTH_KNOWING,
      "set HDF5_USE_FILE_LOCKING=BEST_EFFORT, and never run two jobs on one directory",
      "record locks %s", facts.locks ? "work" : "are refused here");
  htf_cli__finding(d, "links", facts.links ? HTF_CLI_FINE : HTF_CLI_WORTH_KNOWING,
                   "work on one sweep with one job at a time, or with --shard",
                   "a file %s have two names, by which jobs share a sweep",
                   facts.links ? "can" : "cannot");
  htf_cli__finding(d, "fsync",
                   facts.fsync_seconds < 0.05 ? HTF_CLI_FINE : HTF_CLI_WORTH_KNOWING,
                   "put the sweep directory on a faster disk if runs are shorter than this",
                   "%.2f ms a call", 1e3 * facts.fsync_seconds);
  bool files = facts.free_files == 0 || facts.free_files > 1000; // 0: they have no limit
  htf_cli__finding(
      d, "space", facts.free_bytes > 1e9 && files ? HTF_CLI_FINE : HTF_CLI_WORTH_KNOWING,
      "free some, or choose another directory; htflow plan tells what a sweep needs",
      "%.1f GB and %.3g files free", 1e-9 * facts.free_bytes, facts.free_files);
  if (strcmp(facts.type, "tmpfs") == 0) {
    htf_cli__finding(d, "memory", HTF_CLI_WORTH_KNOWING, "choose a sweep directory on disk",
                     "%s lies in memory, and is gone with the machine", directory);
  }
done:
  return status;
}

// What one process can see by itself.
static htf_status examine_alone(htf_cli_doctor *d, const char *directory) {
  htf_status status = HTF_OK;
  HTF_TRY(examine_blas(d));
  examine_mpirun(d);
  examine_libraries(d);
  htf_cli__examine_slurm(d);
  HTF_TRY(examine_files(d, directory));
done:
  return status;
}

htf_status htf_cli__doctor(int argc, char **argv, int *exit_code) {
  htf_status status = HTF_OK;
  bool json = false, help;
  const char *directory = ".";
  htf_cli_doctor d = {NULL, 0};
  htf_cli_option options[] = {
      {"out", "DIR", "the sweep directory to examine (default: here)", .value = &directory},
      {"json", NULL, "print JSON", .flag = &json},
  };
  htf_cli_usage usage = {
      "doctor [options]",
      "Checks BLAS kernels and their speed, libraries, what SLURM does to jobs, the file\n"
      "system of DIR; and, started by srun or mpirun, each rank's cores and threads, what MPI\n"
      "sends by and how fast. Each finding that is not ok comes with its cure. Exit code 6 if\n"
      "something is wrong.",
      options, 2, 0};
  HTF_TRY(htf_cli__parse(&usage, argc, argv, NULL, &help));
  if (help) {
    goto done;
  }
  HTF_TRY(htf_sweep_open(&argc, &argv));
  d.findings = json ? json_array() : NULL;
  HTF_TRY(htf_sweep_agree(htf_sweep_rank() == 0 ? examine_alone(&d, directory) : HTF_OK));
  HTF_TRY(htf_cli__examine_ranks(&d, directory));
  if (htf_sweep_rank() == 0) {
    if (json) {
      json_dumpf(d.findings, stdout, JSON_INDENT(2));
      printf("\n");
    }
    *exit_code = d.wrong > 0 ? htf_status_exit_code(HTF_E_ENVIRONMENT) : 0;
  }
done:
  json_decref(d.findings);
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
// htflow doctor: findings about this machine, each with its cure.
#include <jansson.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_impl.h"
#include "htflow/blas.h"
#include "htflow/filesystem.h"
#include "htflow/sweep.h"

typedef enum verdict { FINE, WORTH_KNOWING, WRONG } verdict;

static const char *const verdict_texts[] = {"ok", "note", "WRONG"};

// One finding; printed as it is made, or kept for JSON.
typedef struct doctor {
  json_t *findings; // NULL: print
  int wrong;
} doctor;

static void find(doctor *d, const char *what, verdict v, const char *cure,
                 const char *format, ...) HTF_PRINTF(5, 6);

static void find(doctor *d, const char *what, verdict v, const char *cure,
                 const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  d->wrong += v == WRONG;
  if (d->findings != NULL) {
    json_array_append_new(d->findings, json_pack("{ss ss ss ss}", "what", what, "verdict",
                                                 verdict_texts[v], "finding", text, "cure",
                                                 v == FINE ? "" : cure));
    return;
  }
  printf("%-5s %-12s %s\n", verdict_texts[v], what, text);
  if (v != FINE) {
    printf("%-5s %-12s cure: %s\n", "", "", cure);
  }
}

static htf_status examine_blas(doctor *d) {
  htf_status status = HTF_OK;
  double rate;
  const char *advice = htf_blas_advice();
  bool chosen = getenv("OPENBLAS_CORETYPE") != NULL; // by the user, who may have reasons
  find(d, "blas",
       advice[0] == '\0' ? FINE
       : chosen          ? WORTH_KNOWING
                         : WRONG,
       "unset OPENBLAS_CORETYPE, or set it to the name advised", "%s; kernels %s%s%s",
       htf_blas_library(), htf_blas_core(), advice[0] != '\0' ? ", advised: " : "", advice);
  HTF_TRY(htf_blas_rate(512, &rate));
  double peak = htf_blas_peak(), share = rate / peak;
  find(
      d, "dgemm", share > 0.4 ? FINE : WRONG,
      "other jobs on this core, or kernels of narrow vectors (see blas above)",
      "%.1f GFLOP/s at size 512, %.0f %% of the %.0f that two FMA units of %d doubles allow "
      "at the measured clock",
      rate, 100 * share, peak, htf_blas_vector_width());
  find(d, "blas threads", htf_blas_threads() == 1 ? FINE : WORTH_KNOWING,
       "one thread a rank is best; htflow sets it unless told otherwise", "%d a rank",
       htf_blas_threads());
done:
  return status;
}

static void examine_cores(doctor *d) {
  cpu_set_t mask;
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  int allowed = sched_getaffinity(0, sizeof mask, &mask) == 0 ? CPU_COUNT(&mask) : 0;
  find(d, "cores", allowed >= 1 ? FINE : WRONG, "ask for cores: --cpus-per-task",
       "%d of %ld may be used by this process", allowed, online);
}

static void examine_mpi(doctor *d) {
  find(d, "mpi", FINE, "", "%s, %d rank%s here", htf_sweep_library(), htf_sweep_ranks(),
       htf_sweep_ranks() == 1 ? "" : "s");
  bool root = geteuid() == 0;
  bool allowed = getenv("OMPI_ALLOW_RUN_AS_ROOT") != NULL &&
                 getenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM") != NULL;
  if (root && htf_sweep_ranks() == 1) {
    find(d, "mpirun", allowed ? FINE : WORTH_KNOWING,
         "mpirun --allow-run-as-root, or set OMPI_ALLOW_RUN_AS_ROOT=1 and "
         "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1",
         allowed ? "may run as root" : "refuses to run as root, and you are root");
  }
}

static void examine_libraries(doctor *d) {
  int count;
  const htf_cli_library *library = htf_cli__libraries(&count);
  for (int i = 0; i < count; i++) {
    if (strncmp(library[i].name, "blas", 4) != 0 && strcmp(library[i].name, "mpi") != 0) {
      find(d, library[i].name, FINE, "", "%s", library[i].version());
    }
  }
}

static htf_status examine_files(doctor *d, const char *directory) {
  htf_status status = HTF_OK;
  htf_filesystem facts;
  HTF_TRY(htf_filesystem_examine(directory, &facts));
  find(d, "directory", facts.renames ? FINE : WRONG,
       "use a POSIX file system for sweep directories", "%s on %s: rename over a file %s",
       directory, facts.type, facts.renames ? "works" : "does not work");
  find(d, "locks", facts.locks ? FINE : WORTH_KNOWING,
       "set HDF5_USE_FILE_LOCKING=BEST_EFFORT, and never run two jobs on one directory",
       "record locks %s", facts.locks ? "work" : "are refused here");
  find(d, "fsync", facts.fsync_seconds < 0.05 ? FINE : WORTH_KNOWING,
       "put the sweep directory on a faster disk if runs are shorter than this",
       "%.2f ms a call", 1e3 * facts.fsync_seconds);
  find(d, "space", facts.free_bytes > 1e9 ? FINE : WORTH_KNOWING,
       "free some, or choose another directory; htflow plan tells what a sweep needs",
       "%.1f GB and %.3g files free", 1e-9 * facts.free_bytes, facts.free_files);
done:
  return status;
}

htf_status htf_cli__doctor(int argc, char **argv, int *exit_code) {
  htf_status status = HTF_OK;
  bool json = false, help;
  const char *directory = ".";
  doctor d = {NULL, 0};
  htf_cli_option options[] = {
      {"out", "DIR", "the sweep directory to examine (default: here)", .value = &directory},
      {"json", NULL, "print JSON", .flag = &json},
  };
  htf_cli_usage usage = {
      "doctor [options]",
      "Checks BLAS kernels and their speed, threads, cores, MPI, libraries "
      "and the file\nsystem; each finding that is not ok comes with its "
      "cure. Exit code 6 if something is\nwrong.",
      options, 2, 0};
  HTF_TRY(htf_cli__parse(&usage, argc, argv, NULL, &help));
  if (help) {
    goto done;
  }
  HTF_TRY(htf_sweep_open(&argc, &argv));
  if (htf_sweep_rank() == 0) {
    d.findings = json ? json_array() : NULL;
    HTF_TRY(examine_blas(&d));
    examine_cores(&d);
    examine_mpi(&d);
    examine_libraries(&d);
    HTF_TRY(examine_files(&d, directory));
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

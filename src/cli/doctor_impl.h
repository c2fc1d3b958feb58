// SPDX-License-Identifier: BSD-3-Clause
// doctor_impl.h: findings, and who makes them (room: cli).
#pragma once

#include <jansson.h>

#include "cli_impl.h"
#include "htflow/status.h"

typedef enum htf_cli_verdict {
  HTF_CLI_FINE,
  HTF_CLI_WORTH_KNOWING,
  HTF_CLI_WRONG
} htf_cli_verdict;

// Where findings go: printed as they are made, or kept for JSON.
typedef struct htf_cli_doctor {
  json_t *findings; // NULL: print
  int wrong;        // of them
} htf_cli_doctor;

// One finding, with its cure where it is not fine.
void htf_cli__finding(htf_cli_doctor *d, const char *what, htf_cli_verdict verdict,
                      const char *cure, const char *format, ...) HTF_PRINTF(5, 6);

// The ranks: hosts, cores against BLAS threads, MPI's components and messages, and whether
// all see the directory. Collective; findings are made on rank 0.
htf_status htf_cli__examine_ranks(htf_cli_doctor *d, const char *directory);
// What SLURM says of itself, if there is one.
void htf_cli__examine_slurm(htf_cli_doctor *d);

// SPDX-License-Identifier: BSD-3-Clause
// sbatch_impl.h: the SLURM job of a sweep: what it asks for, and its script (room: cli).
#pragma once

#include <stdint.h>

#include "cli_impl.h"

// What a job is to ask for. Its time need not suffice: it goes on in another start.
typedef struct htf_cli_request {
  int64_t ranks, minutes;
  double megabytes; // of memory, a rank
} htf_cli_request;

// From predictions: seconds of makespan on so many ranks, and bytes a rank takes beside the
// program's own. Half as long again and five minutes more, in whole ten minutes; memory in
// whole 100 MB, with 200 MB for the program.
htf_cli_request htf_cli__request(int64_t ranks, double makespan, double bytes);
// As options of sbatch.
void htf_cli__request_text(const htf_cli_request *request, char *text, size_t size);

typedef struct htf_cli_job {
  const char *path; // of the script to write; "-": standard output
  htf_cli_request request;
  const char *sweep, *directory; // as given; the script names them from the root on
  const htf_cli_list *set;       // overrides of the sweep file
  const char *site;              // a site.conf to paste in, or NULL
} htf_cli_job;

// Writes jobs/sweep.sbatch with all of that filled in. Raises HTF_E_USAGE if the file is
// there, HTF_E_IO, HTF_E_MEMORY.
htf_status htf_cli__write_job(const htf_cli_job *job);

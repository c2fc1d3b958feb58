// SPDX-License-Identifier: BSD-3-Clause
// make_results FILE RUNS SAMPLES: the results file of the made-up sweep, for readers.
#include <stdio.h>
#include <stdlib.h>

#include "htflow/clock.h"
#include "made_source.h"

int main(int argc, char **argv) {
  made_source made;
  htf_digest checksum;
  char text[HTF_DIGEST_TEXT];
  if (argc != 4) {
    fprintf(stderr, "usage: make_results FILE RUNS SAMPLES\n");
    return 2;
  }
  make_source(atoll(argv[2]), atoll(argv[3]), &made);
  double start = htf_clock_now();
  htf_status status = htf_results_write(argv[1], &made.source, &checksum);
  if (status != HTF_OK) {
    fprintf(stderr, "%s\n%s", htf_error_message(), htf_error_trace());
    return htf_status_exit_code(status);
  }
  htf_digest_text(&checksum, text);
  printf("%s\n", text);
  fprintf(stderr, "%.3f s, at most %.1f MB of memory\n", htf_clock_now() - start,
          1e-6 * (double)htf_memory_peak());
  return 0;
}

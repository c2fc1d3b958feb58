// SPDX-License-Identifier: BSD-3-Clause
// make_flow FILE: a sound results file, whose runs do as a flow does. Of five runs three
// are done and keep weights, one failed and one is pending.
#include <stdio.h>

#include "flow_source.h"

int main(int argc, char **argv) {
  htf_results_source source;
  htf_digest checksum;
  if (argc != 2) {
    fprintf(stderr, "usage: make_flow FILE\n");
    return 2;
  }
  flow_source(&source);
  htf_status status = htf_results_write(argv[1], &source, &checksum);
  if (status != HTF_OK) {
    fprintf(stderr, "%s\n%s", htf_error_message(), htf_error_trace());
    return htf_status_exit_code(status);
  }
  return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
// list_findings FILE: what the checker finds, a line each, for test_check.py.
#include <stdio.h>

#include "htflow/check.h"

static void print(void *context, htf_check_severity severity, const char *what,
                  const char *text) {
  (void)context;
  printf("%s|%s|%s\n", htf_check_severity_text(severity), what, text);
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: list_findings FILE\n");
    return 2;
  }
  htf_status status = htf_check_file(argv[1], print, NULL, NULL);
  if (status != HTF_OK) {
    fprintf(stderr, "%s\n", htf_error_message());
  }
  return htf_status_exit_code(status);
}

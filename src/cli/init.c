// SPDX-License-Identifier: BSD-3-Clause
// htflow init: a commented sweep file to start from, or the schema of one.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli_impl.h"
#include "htflow/memory.h"

htf_status htf_cli__init(int argc, char **argv, int *exit_code) {
  htf_status status = HTF_OK;
  bool schema = false, help;
  char *text = NULL;
  const char *path = NULL;
  htf_cli_option options[] = {
      {"schema", NULL, "the JSON Schema of sweep files instead, for editors",
       .flag = &schema},
  };
  htf_cli_usage usage = {
      .synopsis = "init [FILE.yaml] [options]",
      .summary =
          "Writes a sweep file to start from, every key explained: to FILE.yaml, which must\n"
          "not be there yet, or to standard output.",
      .options = options,
      .count = 1,
      .operands = -1};
  (void)exit_code;
  HTF_TRY(htf_cli__parse(&usage, argc, argv, &path, &help));
  if (help) {
    goto done;
  }
  HTF_TRY(schema ? htf_plan_schema(&text) : htf_plan_sample(&text));
  if (path == NULL) {
    printf("%s", text);
    goto done;
  }
  HTF_CHECK(access(path, F_OK) != 0, HTF_E_USAGE, "%s is there already", path);
  HTF_TRY(htf_file_write_text(path, text));
done:
  HTF_FREE(text);
  return status;
}

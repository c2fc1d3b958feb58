// SPDX-License-Identifier: BSD-3-Clause
// htflow check: is a file what it says?
#include "htflow/check.h"

#include <jansson.h>
#include <stdio.h>

#include "cli_impl.h"

typedef struct tally {
  json_t *findings; // NULL: print
  int bad;          // errors, and laws broken
} tally;

static void report(void *context, htf_check_severity severity, const char *what,
                   const char *text) {
  tally *t = context;
  t->bad += severity != HTF_CHECK_WARNING;
  if (t->findings != NULL) {
    json_array_append_new(t->findings, json_pack("{ss ss ss}", "severity",
                                                 htf_check_severity_text(severity), "what",
                                                 what, "finding", text));
  } else {
    printf("%-8s %s: %s\n", htf_check_severity_text(severity), what, text);
  }
}

htf_status htf_cli__check(int argc, char **argv, int *exit_code) {
  htf_status status = HTF_OK;
  bool json = false, help;
  const char *path;
  tally t = {NULL, 0};
  htf_cli_option options[] = {{"json", NULL, "print JSON", .flag = &json}};
  htf_cli_usage usage = {
      "check FILE [--json]",
      "Validates a results, problem or weights file against its layout, and the physics in\n"
      "a results file: conserved quantities, losses that fall under exact flow. Prints every\n"
      "finding; exit code 7 if there is any but warnings.",
      options, 1, 1};
  HTF_TRY(htf_cli__parse(&usage, argc, argv, &path, &help));
  if (help) {
    goto done;
  }
  t.findings = json ? json_array() : NULL;
  HTF_TRY(htf_check_file(path, report, &t));
  if (json) {
    json_dumpf(t.findings, stdout, JSON_INDENT(2));
    printf("\n");
  } else if (t.bad == 0) {
    printf("%s is sound\n", path);
  }
  *exit_code = t.bad > 0 ? htf_status_exit_code(HTF_E_DATA) : 0;
done:
  json_decref(t.findings);
  return status;
}

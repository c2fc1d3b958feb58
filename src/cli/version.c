// SPDX-License-Identifier: BSD-3-Clause
// htflow version, and the table of libraries behind it and behind the results' attributes.
#include "htflow/version.h"

#include <jansson.h>
#include <stdio.h>

#include "cli_impl.h"
#include "htflow/blas.h"
#include "htflow/flow.h"
#include "htflow/journal.h"
#include "htflow/plan.h"
#include "htflow/results.h"
#include "htflow/sweep.h"

static const htf_cli_library libraries[] = {
    {"mpi", htf_sweep_library},          {"hdf5", htf_results_library},
    {"deflate", htf_results_compressor}, {"sqlite", htf_journal_library},
    {"sundials", htf_flow_library},      {"blas", htf_blas_library},
    {"blas_core", htf_blas_core},        {"small_products", htf_blas_small},
    {"libfyaml", htf_plan_library},
};

const htf_cli_library *htf_cli__libraries(int *count) {
  *count = sizeof libraries / sizeof *libraries;
  return libraries;
}

static void print_json(void) {
  int count;
  const htf_cli_library *library = htf_cli__libraries(&count);
  json_t *versions = json_object();
  for (int i = 0; i < count; i++) {
    json_object_set_new(versions, library[i].name, json_string(library[i].version()));
  }
  json_t *all = json_pack("{ss ss ss ss so}", "version", htf_version(), "commit",
                          htf_version_commit(), "compiler", htf_version_compiler(), "flags",
                          htf_version_flags(), "libraries", versions);
  json_dumpf(all, stdout, JSON_INDENT(2));
  printf("\n");
  json_decref(all);
}

static void print_text(void) {
  int count;
  const htf_cli_library *library = htf_cli__libraries(&count);
  printf("htflow %s (commit %s)\ncompiler   %s, %s\n", htf_version(), htf_version_commit(),
         htf_version_compiler(), htf_version_flags());
  for (int i = 0; i < count; i++) {
    printf("%-10s %s\n", library[i].name, library[i].version());
  }
}

htf_status htf_cli__version(int argc, char **argv, int *exit_code) {
  htf_status status = HTF_OK;
  bool json = false, cite = false, help;
  htf_cli_option options[] = {{"cite", NULL,
                               "how to cite htflow and the paper behind it, with BibTeX",
                               .flag = &cite},
                              {"json", NULL, "print JSON", .flag = &json}};
  htf_cli_usage usage = {"version [--cite] [--json]", "Version, git commit and libraries.",
                         options, 2, 0};
  (void)exit_code;
  HTF_TRY(htf_cli__parse(&usage, argc, argv, NULL, &help));
  if (help) {
    goto done;
  }
  if (cite) {
    htf_cli__print_citation();
  } else {
    json ? print_json() : print_text();
  }
done:
  return status;
}

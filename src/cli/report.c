// SPDX-License-Identifier: BSD-3-Clause
// htflow report: a page to look at from a results file. The analysis package makes it; this
// finds an interpreter and the package, which lies beside the program in a build folder as
// where it is installed, and becomes them.
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_impl.h"

// Debian's; another is named in HTFLOW_PYTHON.
static const char PYTHON[] = "/usr/bin/python3";
// Of the package, from the folder of the program; its own words about missing modules come
// from launch.py.
static const char LAUNCH[] = HTF_PYTHON_FROM_BIN "/htflow/launch.py";

static htf_status find_self(char path[PATH_MAX]) {
  htf_status status = HTF_OK;
  ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
  HTF_CHECK(length > 0, HTF_E_ENVIRONMENT, "/proc/self/exe: %s", strerror(errno));
  path[length] = '\0';
done:
  return status;
}

static htf_status find_launch(const char *self, char path[PATH_MAX]) {
  htf_status status = HTF_OK;
  char tried[2 * PATH_MAX];
  snprintf(tried, sizeof tried, "%.*s/%s", (int)(strrchr(self, '/') - self), self, LAUNCH);
  HTF_CHECK(realpath(tried, path) != NULL, HTF_E_ENVIRONMENT,
            "the analysis package is not where it belongs, %s: %s", tried, strerror(errno));
done:
  return status;
}

static htf_status become_python(char **arguments) {
  htf_status status = HTF_OK;
  char self[PATH_MAX], launch[PATH_MAX];
  const char *wish = getenv("HTFLOW_PYTHON");
  const char *python = wish != NULL ? wish : PYTHON;
  HTF_TRY(find_self(self));
  HTF_TRY(find_launch(self, launch));
  HTF_CHECK(setenv("HTFLOW_PROGRAM", self, 1) == 0, HTF_E_MEMORY, "%s", strerror(errno));
  arguments[0] = (char *)python; // execvp writes to none of them
  arguments[1] = launch;
  execvp(python, arguments);
  HTF_CHECK(false, HTF_E_ENVIRONMENT,
            "cannot run Python as %s: %s; HTFLOW_PYTHON names another interpreter", python,
            strerror(errno));
done:
  return status;
}

htf_status htf_cli__report(int argc, char **argv, int *exit_code) {
  htf_status status = HTF_OK;
  bool help;
  const char *path, *output = NULL, *limit = NULL;
  double megabytes;
  (void)exit_code; // the package's is the program's
  htf_cli_option options[] = {
      {"output", "FILE.html", "the page; default: report.html beside FILE.h5",
       .value = &output, .letter = 'o'},
      {"limit", "MB", "what trajectories may take of the page; default 20",
       .value = &limit}};
  htf_cli_usage usage = {
      "report FILE.h5 [-o FILE.html] [--limit MB]",
      "Makes one static HTML page of a results file, to be looked at in a browser or mailed:\n"
      "the question, a table of runs, failures, figures, trajectories to zoom into, the\n"
      "physics as htflow check finds it, cost, provenance. It asks the network for nothing.\n"
      "Python's part of htflow makes it; HTFLOW_PYTHON names an interpreter other than\n"
      "/usr/bin/python3.",
      options, 2, 1};
  HTF_TRY(htf_cli__parse(&usage, argc, argv, &path, &help));
  if (help) {
    goto done;
  }
  if (limit != NULL) {
    HTF_TRY(htf_cli__number("limit", limit, 0, 1e6, &megabytes));
  }
  char *arguments[10] = {NULL, NULL, "report"};
  int count = 3;
  if (output != NULL) {
    arguments[count++] = "--output";
    arguments[count++] = (char *)output;
  }
  if (limit != NULL) {
    arguments[count++] = "--limit";
    arguments[count++] = (char *)limit;
  }
  arguments[count++] = "--";
  arguments[count++] = (char *)path;
  HTF_TRY(become_python(arguments));
done:
  return status;
}

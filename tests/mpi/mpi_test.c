// SPDX-License-Identifier: BSD-3-Clause
#include "mpi_test.h"

#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NO_SUCH_CASE = 64, NOT_STARTED = 127 };

static mpi_case *cases;
static int failures;

void mpi_case_add(mpi_case *added) {
  added->next = cases;
  cases = added;
}

void mpi_check_failed(const char *file, int line, const char *condition, const char *format,
                      ...) {
  int rank;
  char text[1024];
  va_list arguments;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  fprintf(stderr, "%s:%d: rank %d: %s does not hold: %s\n", file, line, rank, condition,
          text);
  failures++;
}

// A rank's side: every rank returns 1 if any rank saw a failure.
static int run_body(const char *name) {
  const mpi_case *found = cases;
  while (found != NULL && strcmp(found->name, name) != 0) {
    found = found->next;
  }
  if (found == NULL) {
    fprintf(stderr, "no MPI case is called %s\n", name);
    return NO_SUCH_CASE;
  }
  MPI_Init(NULL, NULL);
  found->body(MPI_COMM_WORLD);
  MPI_Allreduce(MPI_IN_PLACE, &failures, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  MPI_Finalize();
  return failures > 0;
}

int mpi_case_run(const char *name, int ranks) {
  char self[4096], count[16], seconds[16];
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  if (length < 0) {
    return NOT_STARTED;
  }
  self[length] = '\0';
  snprintf(count, sizeof count, "%d", ranks);
  snprintf(seconds, sizeof seconds, "%d", MPI_TEST_SECONDS);
  setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
  setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
  unsetenv("BXFI_MAP"); // Criterion's sign to a child; the ranks are none of its children
  char *arguments[] = {"mpirun", "--oversubscribe", "--timeout",  seconds, "-n", count,
                       self,     "--mpi-case",      (char *)name, NULL};
  pid_t child;
  int state;
  if (posix_spawnp(&child, arguments[0], NULL, NULL, arguments, environ) != 0 ||
      waitpid(child, &state, 0) != child) {
    return NOT_STARTED;
  }
  return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

int mpi_test_main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "--mpi-case") == 0) {
    return run_body(argv[2]);
  }
  struct criterion_test_set *tests = criterion_initialize();
  int code = 0;
  if (criterion_handle_args(argc, argv, true)) {
    code = !criterion_run_all_tests(tests);
  }
  criterion_finalize(tests);
  return code;
}

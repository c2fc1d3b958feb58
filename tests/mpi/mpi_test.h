// SPDX-License-Identifier: BSD-3-Clause
// mpi_test.h: Criterion tests whose bodies run on several ranks.
//
//     MPI_TEST(sweep, every_record_arrives_once) {
//       int total = ...;                 // all ranks of `world` come here
//       mpi_check(total == 40, "%d records of 40", total);
//     }
//     MPI_TEST_MAIN
//
// stands for three Criterion tests, on 1, 2 and 4 ranks. Each starts its own binary again
// under mpirun (a Criterion test is a new process, and a process can initialise MPI only
// once), where the body runs between MPI_Init and MPI_Finalize. The test passes if no rank
// saw a check fail and mpirun returned 0. A failed check does not leave the body, so that
// ranks stay together in what is collective.
#pragma once

#include <criterion/criterion.h>
#include <mpi.h>

typedef struct mpi_case {
  const char *name;
  void (*body)(MPI_Comm world);
  struct mpi_case *next;
} mpi_case;

// Joins a case to those that `--mpi-case NAME` finds.
void mpi_case_add(mpi_case *added);
// Runs a case of this binary on `ranks` ranks: mpirun's exit code; 0 only if all went well.
int mpi_case_run(const char *name, int ranks);
// The test's main: the ranks' side with --mpi-case, Criterion's otherwise.
int mpi_test_main(int argc, char **argv);
// Notes a failed check of this rank and prints it.
void mpi_check_failed(const char *file, int line, const char *condition, const char *format,
                      ...) __attribute__((format(printf, 4, 5)));

#define mpi_check(condition, ...)                                                          \
  ((condition) ? (void)0 : mpi_check_failed(__FILE__, __LINE__, #condition, __VA_ARGS__))

// A body to be run by mpi_case_run, with no test of its own.
#define MPI_CASE(title)                                                                    \
  static void title(MPI_Comm world);                                                       \
  __attribute__((constructor)) static void title##_joins(void) {                           \
    static mpi_case joined = {.name = #title, .body = title};                              \
    mpi_case_add(&joined);                                                                 \
  }                                                                                        \
  static void title(__attribute__((unused)) MPI_Comm world)

// How long ranks may take is mpirun's to say (MPI_TEST_SECONDS); Criterion only guards
// mpirun.
enum { MPI_TEST_SECONDS = 60 };
#define MPI_TEST_ON(suite, title, ranks, on)                                               \
  Test(suite, title##on, .timeout = MPI_TEST_SECONDS + 15) {                               \
    int code = mpi_case_run(#title, ranks);                                                \
    cr_assert(code == 0, "%s on %d ranks: exit code %d", #title, ranks, code);             \
  }
#define MPI_TEST(suite, title)                                                             \
  static void title(MPI_Comm world);                                                       \
  MPI_TEST_ON(suite, title, 1, _on_1_rank)                                                 \
  MPI_TEST_ON(suite, title, 2, _on_2_ranks)                                                \
  MPI_TEST_ON(suite, title, 4, _on_4_ranks)                                                \
  MPI_CASE(title)

// Criterion looks main up by name to take it over in a test's process: it must be visible.
#define MPI_TEST_MAIN                                                                      \
  __attribute__((visibility("default"))) int main(int argc, char **argv) {                 \
    return mpi_test_main(argc, argv);                                                      \
  }

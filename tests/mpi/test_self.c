// SPDX-License-Identifier: BSD-3-Clause
// The MPI tests' own test: ranks really are ranks, and what goes wrong on one is seen.
#include <signal.h>

#include "mpi_test.h"

static int rank_of(MPI_Comm world) {
  int rank;
  MPI_Comm_rank(world, &rank);
  return rank;
}

// Sum of 1 .. n over n ranks is n (n + 1) / 2: each rank took part, once.
MPI_TEST(mpi, an_allreduce_sums_over_every_rank) {
  int ranks, sum = rank_of(world) + 1;
  MPI_Comm_size(world, &ranks);
  MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_INT, MPI_SUM, world);
  mpi_check(sum == ranks * (ranks + 1) / 2, "sum %d on %d ranks", sum, ranks);
}

MPI_CASE(says_how_many_ranks) {
  int ranks;
  MPI_Comm_size(world, &ranks);
  mpi_check(ranks == 1, "%d ranks", ranks);
}

MPI_CASE(fails_on_the_last_rank) {
  int ranks;
  MPI_Comm_size(world, &ranks);
  mpi_check(rank_of(world) != ranks - 1, "made to fail on rank %d", ranks - 1);
}

MPI_CASE(is_killed_on_the_last_rank) {
  int ranks;
  MPI_Comm_size(world, &ranks);
  if (rank_of(world) == ranks - 1) {
    raise(SIGKILL);
  }
  MPI_Barrier(world);
}

Test(mpi, the_number_of_ranks_is_the_one_asked_for) {
  cr_assert_eq(mpi_case_run("says_how_many_ranks", 1), 0);
  cr_assert_eq(mpi_case_run("says_how_many_ranks", 2), 1);
}

Test(mpi, a_check_that_fails_on_one_rank_fails_the_test) {
  for (int ranks = 1; ranks <= 4; ranks *= 2) {
    cr_assert_eq(mpi_case_run("fails_on_the_last_rank", ranks), 1, "%d ranks", ranks);
  }
}

Test(mpi, a_killed_rank_fails_the_test) {
  cr_assert_eq(mpi_case_run("is_killed_on_the_last_rank", 2), 128 + SIGKILL);
}

Test(mpi, a_case_that_does_not_exist_fails_the_test) {
  cr_assert_neq(mpi_case_run("no_such_case", 2), 0);
}

MPI_TEST_MAIN

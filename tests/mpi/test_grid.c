// SPDX-License-Identifier: BSD-3-Clause
// Dense spectra over ranks against LAPACK on the whole matrix, which each rank makes for
// itself, element by element.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "htflow/dense.h"
#include "htflow/grid.h"
#include "htflow/memory.h"
#include "htflow/random.h"
#include "htflow/sweep.h"
#include "mpi_test.h"

// Each value within 1e-12 of the largest: dgesdd and pdgesvd are within some 1e-14.
static const double tolerance = 1e-12;

// A tensor kept whole, with a place that is not finite if `bad` is one.
typedef struct whole {
  htf_grid_tensor tensor;
  int64_t shape[HTF_GRID_MAX_ORDER], entries, bad;
  double *values;
  int failing_rank; // whose reads fail; -1 for nobody's
  int rank;
} whole;

static htf_status read_whole(void *context, int64_t first, int64_t count, double *out) {
  htf_status status = HTF_OK;
  const whole *w = context;
  HTF_CHECK(w->failing_rank != w->rank, HTF_E_IO, "the disk is gone");
  memcpy(out, w->values + first, (size_t)count * sizeof *out);
  if (first <= w->bad && w->bad < first + count) {
    out[w->bad - first] = NAN;
  }
done:
  return status;
}

static whole make_whole(int order, const int64_t *shape, uint64_t draw) {
  whole w = {.entries = 1, .bad = -1, .failing_rank = -1};
  htf_random stream = htf_random_open(7, HTF_RANDOM_TEST, draw);
  for (int i = 0; i < order; i++) {
    w.shape[i] = shape[i];
    w.entries *= shape[i];
  }
  w.values = malloc((size_t)w.entries * sizeof *w.values);
  htf_random_normal(&stream, w.entries, w.values);
  MPI_Comm_rank(MPI_COMM_WORLD, &w.rank);
  return w;
}

// The context points into itself: made where it stays.
static htf_grid_job job_of(whole *w, int order, int partitions,
                           const htf_grid_partition *partition) {
  w->tensor = (htf_grid_tensor){order, w->shape, read_whole, w};
  return (htf_grid_job){
      .tensor = w->tensor, .partitions = partitions, .partition = partition};
}

// Values of the matricization, by a loop over all entries.
static int64_t reference(const whole *w, int order, htf_grid_partition partition,
                         double *values) {
  int64_t rows = 1, cols;
  for (int i = 0; i < partition.count; i++) {
    rows *= w->shape[partition.modes[i]];
  }
  cols = w->entries / rows;
  double *matrix = malloc((size_t)w->entries * sizeof *matrix);
  for (int64_t entry = 0; entry < w->entries; entry++) {
    int64_t rest = entry, row = 0, col = 0, row_stride = 1, col_stride = 1;
    for (int mode = order - 1; mode >= 0; mode--) {
      int64_t index = rest % w->shape[mode];
      bool inside = false;
      for (int i = 0; i < partition.count; i++) {
        inside = inside || partition.modes[i] == mode;
      }
      *(inside ? &row : &col) += index * (inside ? row_stride : col_stride);
      *(inside ? &row_stride : &col_stride) *= w->shape[mode];
      rest /= w->shape[mode];
    }
    matrix[row * cols + col] = w->values[entry];
  }
  mpi_check(htf_dense_singular_values(htf_matrix_view(matrix, rows, cols), values) ==
                HTF_OK,
            "%s", htf_error_message());
  free(matrix);
  return rows < cols ? rows : cols;
}

static void compare(const whole *w, int order, htf_grid_partition partition,
                    const htf_grid_spectrum *got) {
  double *expected = calloc((size_t)w->entries, sizeof *expected), worst = 0;
  int64_t count = reference(w, order, partition, expected);
  mpi_check(got->rows == count, "%lld values of %lld", (long long)got->rows,
            (long long)count);
  for (int64_t i = 0; i < count; i++) {
    worst = fmax(worst, fabs(got->values[i] - expected[i]));
  }
  mpi_check(worst <= tolerance * expected[0], "%s: off by %g of the largest",
            htf_grid_way_text(got->way), worst / expected[0]);
  free(expected);
}

static void run(htf_grid *grid, whole *w, htf_grid_job *job, htf_grid_way expected) {
  htf_grid_spectrum spectra[8];
  htf_status status = htf_grid_spectra(grid, job, spectra);
  mpi_check(status == HTF_OK, "%s", htf_error_message());
  for (int i = 0; status == HTF_OK && i < job->partitions; i++) {
    mpi_check(expected == HTF_GRID_CHOOSE || spectra[i].way == expected, "taken: %s",
              htf_grid_way_text(spectra[i].way));
    compare(w, job->tensor.order, job->partition[i], &spectra[i]);
    htf_grid_spectrum_clear(&spectra[i]);
  }
}

static htf_grid *start(void) {
  htf_grid *grid = NULL;
  mpi_check(htf_sweep_open(NULL, NULL) == HTF_OK, "%s", htf_error_message());
  mpi_check(htf_grid_open(htf_sweep_agree, &grid) == HTF_OK, "%s", htf_error_message());
  return grid;
}

static void finish(htf_grid *grid) {
  htf_grid_close(&grid);
  htf_sweep_close();
  mpi_check(htf_memory_blocks() == 0, "%lld blocks are left",
            (long long)htf_memory_blocks());
}

static const int first[] = {0}, last[] = {3}, front[] = {0, 1}, ends[] = {3, 0},
                 middle[] = {2, 1}, three[] = {0, 2, 3};
static const htf_grid_partition parts[] = {{1, first}, {1, last},   {2, front},
                                           {2, ends},  {2, middle}, {3, three}};
enum { PARTS = sizeof parts / sizeof *parts };

MPI_TEST(grid, every_way_gives_lapacks_values) {
  htf_grid *grid = start();
  const int64_t shape[] = {5, 3, 7, 4};
  whole w = make_whole(4, shape, 0);
  htf_grid_job job = job_of(&w, 4, PARTS, parts);
  run(grid, &w, &job, HTF_GRID_CHOOSE);
  job.way = HTF_GRID_LAPACK;
  run(grid, &w, &job, HTF_GRID_LAPACK);
  job.way = HTF_GRID_BLOCK_CYCLIC;
  run(grid, &w, &job, HTF_GRID_BLOCK_CYCLIC);
  free(w.values);
  finish(grid);
}

// Tall ones; on four ranks some have fewer columns than rows, or none.
MPI_TEST(grid, tsqr_gives_lapacks_values_of_tall_shapes) {
  htf_grid *grid = start();
  const int64_t shapes[][4] = {{3, 4, 50, 2}, {6, 2, 2, 3}, {2, 1, 2, 1}, {40, 1, 4, 30}};
  for (int i = 0; i < 4; i++) {
    whole w = make_whole(4, shapes[i], (uint64_t)i);
    htf_grid_job job = job_of(&w, 4, i == 2 ? 1 : 2, parts);
    job.way = HTF_GRID_TSQR;
    if (i == 2) { // of 1 x 4
      static const int one[] = {1};
      static const htf_grid_partition single = {1, one};
      job.partition = &single;
    }
    run(grid, &w, &job, HTF_GRID_TSQR);
    free(w.values);
  }
  finish(grid);
}

// Blocks of 64: several of them on each rank, and an uneven rest.
MPI_TEST(grid, pdgesvd_gives_lapacks_values_over_many_blocks) {
  htf_grid *grid = start();
  const int64_t shape[] = {13, 11, 14, 12};
  whole w = make_whole(4, shape, 3);
  htf_grid_job job = job_of(&w, 4, 1, &parts[3]);
  job.way = HTF_GRID_BLOCK_CYCLIC;
  run(grid, &w, &job, HTF_GRID_BLOCK_CYCLIC);
  free(w.values);
  finish(grid);
}

// Random shapes of orders 2 to 7 and random parts of their modes.
MPI_TEST(grid, random_partitions_match_lapack) {
  htf_grid *grid = start();
  htf_random stream = htf_random_open(11, HTF_RANDOM_TEST, 0);
  for (int trial = 0; trial < 12; trial++) {
    int64_t shape[8];
    int order = 2 + (int)(6 * htf_random_uniform(&stream)), modes[8], count = 0;
    for (int i = 0; i < order; i++) {
      shape[i] = 1 + (int64_t)((order < 5 ? 8 : 4) * htf_random_uniform(&stream));
      if (htf_random_uniform(&stream) < 0.5) {
        modes[count++] = i;
      }
    }
    modes[0] = count == 0 ? order - 1 : modes[0];
    count = count == 0 ? 1 : count == order ? order - 1 : count;
    htf_grid_partition partition = {count, modes};
    whole w = make_whole(order, shape, (uint64_t)trial);
    htf_grid_job job = job_of(&w, order, 1, &partition);
    job.way = trial % 2 == 0 ? HTF_GRID_BLOCK_CYCLIC : HTF_GRID_CHOOSE;
    run(grid, &w, &job, HTF_GRID_CHOOSE);
    free(w.values);
  }
  finish(grid);
}

// A diagonal with values 1 .. 1e-11, seen through modes: three digits of the smallest.
MPI_TEST(grid, values_of_a_known_spectrum_keep_three_digits_at_1e_12_of_the_largest) {
  htf_grid *grid = start();
  const int64_t shape[] = {12, 2, 12, 2};
  static const int rows[] = {0, 1};
  static const htf_grid_partition partition = {2, rows};
  whole w = make_whole(4, shape, 0);
  memset(w.values, 0, (size_t)w.entries * sizeof *w.values);
  for (int i = 0; i < 24; i++) {
    w.values[i * 24 + (i * 7 + 3) % 24] = pow(10, -12. * i / 23);
  }
  for (htf_grid_way way = HTF_GRID_CHOOSE; way <= HTF_GRID_BLOCK_CYCLIC; way++) {
    htf_grid_spectrum s = {.values = NULL};
    htf_grid_job job = job_of(&w, 4, 1, &partition);
    job.way = way;
    if (way != HTF_GRID_TSQR) {
      mpi_check(htf_grid_spectra(grid, &job, &s) == HTF_OK, "%s", htf_error_message());
      for (int i = 0; s.values != NULL && i < 24; i++) {
        double exact = pow(10, -12. * i / 23);
        mpi_check(fabs(s.values[i] - exact) <= 1e-3 * exact, "value %d is %g of %g", i,
                  s.values[i], exact);
      }
      htf_grid_spectrum_clear(&s);
    }
  }
  free(w.values);
  finish(grid);
}

// ---- memory -----------------------------------------------------------------------------

// What the allocator counts, at most three shares on each rank, whichever way is taken.
MPI_TEST(grid, no_rank_holds_more_than_three_shares) {
  htf_grid *grid = start();
  const int64_t shape[] = {32, 16, 16, 48};
  int ranks;
  MPI_Comm_size(world, &ranks);
  whole w = make_whole(4, shape, 5);
  htf_grid_job job = job_of(&w, 4, 4, parts);
  int64_t share = (w.entries + ranks - 1) / ranks * 8, peak;
  htf_grid_spectrum spectra[4];
  job.memory = 3 * share;
  mpi_check(htf_grid_spectra(grid, &job, spectra) == HTF_OK, "%s", htf_error_message());
  peak = htf_memory_peak(); // before the references, which are larger
  mpi_check(share < peak && peak <= 3 * share, "a peak of %lld bytes, a share is %lld",
            (long long)peak, (long long)share);
  for (int i = 0; i < 4; i++) {
    compare(&w, 4, parts[i], &spectra[i]);
    htf_grid_spectrum_clear(&spectra[i]);
  }
  free(w.values);
  finish(grid);
}

MPI_TEST(grid, too_little_memory_is_told_with_the_bytes) {
  htf_grid *grid = start();
  const int64_t shape[] = {8, 8, 8, 8};
  whole w = make_whole(4, shape, 0);
  htf_grid_spectrum spectra[PARTS];
  htf_grid_job job = job_of(&w, 4, PARTS, parts);
  job.memory = 1000;
  mpi_check(htf_grid_spectra(grid, &job, spectra) == HTF_E_MEMORY, "%s",
            htf_error_message());
  mpi_check(strstr(htf_error_message(), "1000 are allowed") != NULL, "%s",
            htf_error_message());
  free(w.values);
  finish(grid);
}

// The nth allocation of one rank fails: all ranks raise, none hangs, nothing is left.
static void fail_everywhere(htf_grid *grid, htf_grid_job *job, int ranks, int rank) {
  htf_grid_spectrum spectra[PARTS];
  for (int victim = 0; victim<ranks; victim += ranks> 2 ? 3 : 1) {
    htf_status status = HTF_E_MEMORY;
    int nth = 0;
    for (; status == HTF_E_MEMORY && nth < 200; nth++) {
      int64_t blocks = htf_memory_blocks();
      htf_memory_fail_at(rank == victim ? nth + 1 : 0);
      status = htf_grid_spectra(grid, job, spectra);
      htf_memory_fail_at(0);
      mpi_check(status == HTF_OK || htf_memory_blocks() == blocks, "%lld blocks are left",
                (long long)(htf_memory_blocks() - blocks));
    }
    mpi_check(status == HTF_OK && nth > 5, "after %d: %s", nth, htf_error_message());
    for (int i = 0; status == HTF_OK && i < job->partitions; i++) {
      htf_grid_spectrum_clear(&spectra[i]);
    }
  }
}

MPI_TEST(grid, an_allocation_that_fails_on_one_rank_ends_it_on_all) {
  htf_grid *grid = start();
  const int64_t shape[] = {2, 3, 40, 2};
  int ranks, rank;
  MPI_Comm_size(world, &ranks);
  MPI_Comm_rank(world, &rank);
  whole w = make_whole(4, shape, 0);
  htf_grid_job job = job_of(&w, 4, 1, &parts[0]);
  for (htf_grid_way way = HTF_GRID_LAPACK; way <= HTF_GRID_BLOCK_CYCLIC; way++) {
    job.way = way;
    fail_everywhere(grid, &job, ranks, rank);
  }
  free(w.values);
  finish(grid);
}

// ---- bad input --------------------------------------------------------------------------

static void expect(htf_grid *grid, const htf_grid_job *job, htf_status expected,
                   const char *words) {
  htf_grid_spectrum spectra[PARTS];
  htf_status status = htf_grid_spectra(grid, job, spectra);
  mpi_check(status == expected, "status %d, not %d: %s", status, expected,
            htf_error_message());
  mpi_check(strstr(htf_error_message(), words) != NULL, "\"%s\" says nothing of \"%s\"",
            htf_error_message(), words);
  mpi_check(spectra[0].values == NULL, "%s", "values in spite of it");
}

MPI_TEST(grid, an_entry_that_is_not_finite_is_told_with_its_place) {
  htf_grid *grid = start();
  const int64_t shape[] = {3, 4, 5, 40};
  whole w = make_whole(4, shape, 0);
  w.bad = ((2 * 4 + 1) * 5 + 3) * 40 + 17;
  for (htf_grid_way way = HTF_GRID_CHOOSE; way <= HTF_GRID_BLOCK_CYCLIC; way++) {
    htf_grid_job job = job_of(&w, 4, 1, &parts[0]);
    job.way = way;
    expect(grid, &job, HTF_E_DATA, "tensor[2, 1, 3, 17] is nan");
  }
  free(w.values);
  finish(grid);
}

MPI_TEST(grid, a_disk_that_one_rank_cannot_read_ends_it_on_all) {
  htf_grid *grid = start();
  const int64_t shape[] = {3, 4, 5, 40};
  int ranks;
  MPI_Comm_size(world, &ranks);
  whole w = make_whole(4, shape, 0);
  w.failing_rank = ranks - 1;
  htf_grid_job job = job_of(&w, 4, 1, parts);
  job.way = HTF_GRID_TSQR;
  expect(grid, &job, HTF_E_IO, "the disk is gone");
  free(w.values);
  finish(grid);
}

MPI_TEST(grid, a_process_grid_must_fit_the_ranks_and_the_matrix) {
  htf_grid *grid = start();
  const int64_t shape[] = {2, 3, 5, 7};
  int ranks;
  MPI_Comm_size(world, &ranks);
  whole w = make_whole(4, shape, 0);
  htf_grid_job job = job_of(&w, 4, 1, parts);
  job.way = HTF_GRID_BLOCK_CYCLIC;
  job.grid_rows = ranks + 1;
  job.grid_cols = 1;
  expect(grid, &job, HTF_E_USAGE, "ranks, there are");
  job.grid_rows = ranks;
  if (ranks > 2) { // rows of the matricization at {0}
    expect(grid, &job, HTF_E_USAGE, "larger than the matricization, 2 x 105");
  } else {
    run(grid, &w, &job, HTF_GRID_BLOCK_CYCLIC);
  }
  free(w.values);
  finish(grid);
}

MPI_TEST(grid, partitions_that_are_none_are_refused) {
  htf_grid *grid = start();
  const int64_t shape[] = {2, 3, 2, 2};
  static const int bad[][4] = {{4}, {1, 1}, {0, 1, 2, 3}, {-1}};
  static const htf_grid_partition none[] = {
      {1, bad[0]}, {2, bad[1]}, {4, bad[2]}, {1, bad[3]}, {0, bad[0]}};
  whole w = make_whole(4, shape, 0);
  for (int i = 0; i < 5; i++) {
    htf_grid_job job = job_of(&w, 4, 1, &none[i]);
    expect(grid, &job, HTF_E_DATA, "partition");
  }
  free(w.values);
  finish(grid);
}

MPI_TEST_MAIN

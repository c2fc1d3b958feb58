// SPDX-License-Identifier: BSD-3-Clause
// mpirun -n P bench_rank TENSOR.h5 [ROUNDS [grid]]: the singular values at all nodes of the
// binary tree of a tensor of order 4, over the ranks, against LAPACK's dgesdd (values only)
// of the middle matricization alone on one core; in turn, ROUNDS times, the least of each.
// With `grid`, pdgesvd for all nodes as well. The file as htflow tensor writes it.
//
// Times are wall-clock and, where other work shares the cores, more to the point: of
// processor time, the most that any rank took. (pdgesvd's includes what it waits.)
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "htflow/blas.h"
#include "htflow/dense.h"
#include "htflow/grid.h"
#include "htflow/memory.h"
#include "htflow/sweep.h"
#include "htflow/tensor.h"

enum { PARTS = 6, MIDDLE = 4 };
static const int modes[] = {0, 1, 2, 3};
static const htf_grid_partition parts[PARTS] = {
    {1, modes}, {1, modes + 1}, {1, modes + 2}, {1, modes + 3}, {2, modes}, {2, modes + 2}};

typedef struct taken {
  double wall, cpu;
} taken;

static void check(htf_status status) {
  if (status != HTF_OK) {
    fprintf(stderr, "%s\n", htf_error_message());
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
}

static taken now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (taken){MPI_Wtime(), (double)t.tv_sec + 1e-9 * (double)t.tv_nsec};
}

// Of the slowest rank, and the least of all rounds.
static void note(taken start, taken *least) {
  taken end = now(), most = {end.wall - start.wall, end.cpu - start.cpu};
  MPI_Allreduce(MPI_IN_PLACE, &most, 2, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  least->wall = fmin(least->wall, most.wall);
  least->cpu = fmin(least->cpu, most.cpu);
}

// The middle matricization is the tensor as it lies; rank 0 alone.
static void lapack(htf_tensor *tensor, int64_t rows, int64_t cols, double *values) {
  double *matrix = malloc((size_t)(rows * cols) * sizeof *matrix);
  htf_dense_work *work = NULL;
  check(htf_tensor_read(tensor, 0, rows * cols, matrix));
  check(htf_dense_work_create(rows, cols, &work));
  check(htf_dense_singular_values_in_place(work, htf_matrix_view(matrix, rows, cols),
                                           values));
  htf_dense_work_destroy(&work);
  free(matrix);
}

static double distance(int64_t n, const double *a, const double *b) {
  double worst = 0;
  for (int64_t i = 0; i < n; i++) {
    worst = fmax(worst, fabs(a[i] - b[i]));
  }
  return worst / b[0];
}

static void run(htf_grid *grid, htf_tensor *tensor, htf_grid_way way, const double *values,
                const char *what, taken *least, const taken *alone) {
  const htf_shape *shape = htf_tensor_shape(tensor);
  htf_grid_job job = {.tensor = {shape->order, shape->size, htf_tensor_read, tensor},
                      .partitions = PARTS,
                      .partition = parts,
                      .way = way};
  htf_grid_spectrum spectra[PARTS];
  MPI_Barrier(MPI_COMM_WORLD);
  taken start = now();
  check(htf_grid_spectra(grid, &job, spectra));
  note(start, least);
  if (htf_sweep_rank() == 0) {
    printf("%s: %.2f s, %.2f s of a core: %.3f and %.3f of dgesdd's; middle by %s, off by "
           "%.1e of the largest; held %lld bytes\n",
           what, least->wall, least->cpu, least->wall / alone->wall,
           least->cpu / alone->cpu, htf_grid_way_text(spectra[MIDDLE].way),
           distance(spectra[MIDDLE].rows, spectra[MIDDLE].values, values),
           (long long)htf_memory_peak());
    fflush(stdout);
  }
  for (int i = 0; i < PARTS; i++) {
    htf_grid_spectrum_clear(&spectra[i]);
  }
}

int main(int argc, char **argv) {
  htf_tensor *tensor = NULL;
  htf_grid *grid = NULL;
  taken alone = {INFINITY, INFINITY}, all = alone, forced = alone;
  htf_blas_start(1);
  check(htf_sweep_open(&argc, &argv));
  if (argc < 2) {
    fprintf(stderr, "usage: bench_rank TENSOR.h5 [ROUNDS [grid]]\n");
    return 2;
  }
  check(htf_grid_open(htf_sweep_agree, &grid));
  check(htf_tensor_open(argv[1], &tensor));
  const int64_t *size = htf_tensor_shape(tensor)->size;
  int64_t rows = size[0] * size[1], cols = size[2] * size[3];
  double *values = calloc((size_t)(rows < cols ? rows : cols), sizeof *values);
  for (int round = 0; round < (argc > 2 ? atoi(argv[2]) : 3); round++) {
    MPI_Barrier(MPI_COMM_WORLD);
    taken start = now();
    if (htf_sweep_rank() == 0) {
      lapack(tensor, rows, cols, values);
    }
    check(htf_sweep_agree(HTF_OK)); // the others sleep
    note(start, &alone);
    if (htf_sweep_rank() == 0) {
      printf("dgesdd of %lld x %lld: %.2f s, %.2f s of a core\n", (long long)rows,
             (long long)cols, alone.wall, alone.cpu);
    }
    run(grid, tensor, HTF_GRID_CHOOSE, values, "all nodes", &all, &alone);
    if (argc > 3 && strcmp(argv[3], "grid") == 0) {
      run(grid, tensor, HTF_GRID_BLOCK_CYCLIC, values, "on the grid", &forced, &alone);
    }
  }
  free(values);
  htf_tensor_close(&tensor);
  htf_grid_close(&grid);
  htf_sweep_close();
  return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
// grid_impl.h: what the files of the grid share. A [n, m], n <= m, is the matricization.
#pragma once

#include <mpi.h>

#include "htflow/grid.h"

struct htf_grid {
  MPI_Comm comm;
  int rank, ranks;
  int here; // ranks on this machine
  htf_grid_agreement agree;
};

// HTF_OK, or HTF_E_MPI with MPI's own text.
htf_status htf_grid__check(int code, const char *what);
#define GRID_MPI(call) HTF_TRY(htf_grid__check((call), #call))
// Forwards what any rank raises; what stands in it must not communicate.
#define GRID_AGREE(call) HTF_TRY(grid->agree(call))

// ---- entries and their places (grid_matrix.c) -----------------------------------------

// How the entries of the tensor, in row-major order, lie in A. Neighbouring modes of one
// part are merged, so that the last is as long as can be; its stride on its side is 1.
typedef struct htf_grid__matrix {
  const htf_grid_tensor *tensor;
  uint64_t part; // the modes of the rows, a bit each
  int modes;     // merged ones
  int64_t size[HTF_GRID_MAX_ORDER];
  int64_t row_stride[HTF_GRID_MAX_ORDER], col_stride[HTF_GRID_MAX_ORDER]; // one of them 0
  int64_t rows, cols;
} htf_grid__matrix;

// Raises HTF_E_DATA for modes that are no part of the tensor's.
htf_status htf_grid__matricize(const htf_grid_tensor *tensor, htf_grid_partition partition,
                               htf_grid__matrix *matrix);

// Where entry `first` lies, and those after it: entries up to the end of the last mode lie
// in a row (col_step 1) or in a column (row_step 1).
typedef struct htf_grid__walk {
  const htf_grid__matrix *matrix;
  int64_t index[HTF_GRID_MAX_ORDER];
  int64_t row, col;
  int row_step, col_step;
} htf_grid__walk;
void htf_grid__walk_from(const htf_grid__matrix *matrix, int64_t first,
                         htf_grid__walk *walk);
// How many of `left` entries lie in a line from here; and the walk past that many of them.
int64_t htf_grid__walk_line(const htf_grid__walk *walk, int64_t left);
void htf_grid__walk_on(htf_grid__walk *walk, int64_t line);

// Entries of the tensor read, and found finite.
htf_status htf_grid__read(const htf_grid_tensor *tensor, int64_t first, int64_t count,
                          double *entries);
// All of A by this rank alone, into [rows, cols]; through pieces of `piece` entries.
htf_status htf_grid__read_matrix(const htf_grid__matrix *matrix, int64_t piece,
                                 double *entries);

// ---- redistribution (grid_move.c) -----------------------------------------------------

// A in blocks dealt out over grid_rows x grid_cols ranks, rank (i, j) being j * grid_rows +
// i; each has its part [local rows, local cols], row-major.
typedef struct htf_grid__layout {
  int64_t row_block, col_block;
  int grid_rows, grid_cols;
} htf_grid__layout;
// What a rank has of A; 0 x 0 beyond the grid.
void htf_grid__local(const htf_grid__matrix *matrix, const htf_grid__layout *layout,
                     int rank, int64_t *rows, int64_t *cols);

// Entries of a slab that one round moves, and the bytes of all buffers for it.
int64_t htf_grid__piece(int64_t entries, int ranks);
double htf_grid__move_bytes(int64_t entries, int ranks);
// A's part of this rank made of the slabs of all. Collective.
htf_status htf_grid__move(htf_grid *grid, const htf_grid__matrix *matrix,
                          const double *slab, const htf_grid__layout *layout,
                          double *local);

// ---- factors and values (grid_factor.c, grid_cyclic.c) --------------------------------

int64_t htf_grid__entries(const htf_grid__matrix *matrix);
// Singular values of A [rows, cols], which is overwritten. This rank alone.
htf_status htf_grid__values(double *a, int64_t rows, int64_t cols, double *values);
// L [n, n] of A = L Q, into `core` on rank `owner` (NULL elsewhere). Collective.
htf_status htf_grid__tsqr(htf_grid *grid, const htf_grid__matrix *matrix,
                          const double *slab, int owner, double *core);
// The grid as the job wants it, checked against A.
htf_status htf_grid__lay_out(int ranks, const htf_grid_job *job,
                             const htf_grid__matrix *matrix, htf_grid__layout *layout);
// By pdgesvd; values on all ranks of the layout. Collective.
htf_status htf_grid__cyclic(htf_grid *grid, const htf_grid__matrix *matrix,
                            const double *slab, const htf_grid__layout *layout,
                            double *values);

// ---- what is done how, and where (grid_choose.c) --------------------------------------

// One matricization to be done; partitions that share it point here.
typedef struct htf_grid__task {
  htf_grid__matrix matrix;
  int partition; // the first that wants it
  htf_grid_way way;
  int owner;    // the rank that has its values first
  double *core; // L [n, n], while it waits for its values
} htf_grid__task;

// Bytes that a rank needs for a task (of TSQR and BLOCK_CYCLIC the slab included); infinite
// where the way cannot go.
double htf_grid__bytes(const htf_grid_job *job, int ranks, const htf_grid__matrix *matrix,
                       htf_grid_way way);
// Ways and owners of all tasks. Raises HTF_E_MEMORY.
htf_status htf_grid__choose(const htf_grid_job *job, int ranks, double memory, int tasks,
                            htf_grid__task *task);

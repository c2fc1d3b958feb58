// SPDX-License-Identifier: BSD-3-Clause
// grid.h: singular values of a dense tensor's matricizations, over the ranks of MPI (room:
// dense; theory.md section 4).
//
// A partition splits the modes of a tensor [D_1, .., D_N] in two; the matricization has the
// one part as rows and the other as columns, each in ascending order of modes. It and its
// transpose have the same values: here it always lies flat, A [n, m] with n <= m, and
// partitions that are each other's complement are one piece of work. Householder and
// LAPACK throughout, no Gram matrix: each value is within a few roundings (1e-14) of the
// largest.
//
// Three ways lead to the values of A:
//
//   LAPACK       one rank reads the tensor for itself, piece by piece, straight into A;
//                dgesdd, after an LQ where m >= 2 n. Different partitions on different
//                ranks at once.
//   TSQR         m >= 2 n: every rank takes some of the columns, factors them, [n, m / P] =
//                L Q, and the L are stacked and factored in a binary tree of ranks until
//                one has the L of the whole, whose values (dgesdd, [n, n]) are A's.
//   BLOCK_CYCLIC A in square blocks dealt out over a grid of ranks; ScaLAPACK's pdgesvd.
//
// For the last two the tensor is read once, each rank an equal part of its entries in row-
// major order, and each A is made of that by redistribution: in rounds, every rank sends
// the entries of a piece of its part to the ranks that want them, with their places. Modes
// that are not neighbours cost no more than others.
//
// Memory. With s the share of a rank, the tensor's bytes over P, a rank holds at most
// (counted by memory.h; MPI's own buffers come on top)
//   LAPACK P s; TSQR 2 s + 24 n^2; BLOCK_CYCLIC 2 s; and some percent of s of buffers.
// A way that needs more than a job's `memory` is not taken. That is 3 s by default, so that
// LAPACK serves on one and two ranks; for tensors that are small anyway (64 MiB) it is
// more, and it is never more than the machine can give to all its ranks.
//
// Of the ways that fit that one is taken by which all the work is predicted to end first;
// pdgesvd where nothing else fits, or where it is asked for. The rates behind the
// prediction, of one core's time (EPYC, Zen 5; only their ratios matter):
//
//   dgeqrt, tall: 3.0 GFLOP/s for n = 16, 9.1 for 64, 20 for 512: about 20 n / (n + 70)
//   dgesdd, values only, n = m: 7.5 GFLOP/s for 256, 8.1 for 1024, 5.7 for 4096
//   pdgesvd, values only: 2.7 GFLOP/s a rank (n = m = 2000 on two ranks, another machine)
//   an entry read from the page cache and put in its place: 2.6 to 7 ns
//   an entry of the share redistributed, two ranks: 50 ns
//
// All functions are collective unless they say otherwise. What goes wrong on one rank ends
// the work on all.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "htflow/door.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

// ---- the ranks ------------------------------------------------------------------------

// Makes all ranks go the same way after what one of them did: HTF_OK if every rank gave it
// that, else it raises on all (htf_sweep_agree).
typedef htf_status (*htf_grid_agreement)(htf_status own);

// A communicator of its own over all ranks. MPI must be running (htf_sweep_open). Raises
// HTF_E_MPI, HTF_E_MEMORY.
typedef struct htf_grid htf_grid;
htf_status htf_grid_open(htf_grid_agreement agree, htf_grid **grid);
void htf_grid_close(htf_grid **grid);

// ---- the work -------------------------------------------------------------------------

enum { HTF_GRID_MAX_ORDER = 64 };

// A tensor that can be read in pieces, by any rank at any time: entries first .. first +
// count - 1 in row-major order, not finite ones too. Raises what it likes.
typedef struct htf_grid_tensor {
  int order;            // 1 .. HTF_GRID_MAX_ORDER
  const int64_t *shape; // [order], each at least 1; fewer than 2^60 entries in all
  htf_status (*read)(void *context, int64_t first, int64_t count, double *entries);
  void *context;
} htf_grid_tensor;

// The modes of one part, in any order: some, not all.
typedef struct htf_grid_partition {
  int count;
  const int *modes; // [count]
} htf_grid_partition;

typedef enum htf_grid_way {
  HTF_GRID_CHOOSE,
  HTF_GRID_LAPACK,
  HTF_GRID_TSQR,
  HTF_GRID_BLOCK_CYCLIC,
} htf_grid_way;
// "LAPACK", "TSQR", "pdgesvd".
const char *htf_grid_way_text(htf_grid_way way);

typedef struct htf_grid_job {
  htf_grid_tensor tensor;
  int partitions;
  const htf_grid_partition *partition; // [partitions]
  htf_grid_way way;
  // Of BLOCK_CYCLIC: ranks along the shorter and along the longer side of A; their product
  // is at most the number of ranks. 0: as square as can be, no larger than A.
  int grid_rows, grid_cols;
  int64_t memory; // bytes that a rank may hold; 0: the default
  // Called on a rank that begins (seconds < 0) or ends a piece of work; may be NULL.
  void (*progress)(void *context, int partition, htf_grid_way way, double seconds);
  void *context;
} htf_grid_job;

// Values of a partition, descending; release with htf_grid_spectrum_clear.
typedef struct htf_grid_spectrum {
  int64_t rows, cols; // n and m
  htf_grid_way way;   // that was taken
  double *values;     // [n], the same on all ranks
} htf_grid_spectrum;

// The values of all partitions into spectrum [partitions]. Raises on all ranks HTF_E_DATA
// for an entry that is not finite, with its place; HTF_E_USAGE for a grid of more ranks
// than there are, or larger than a matrix; HTF_E_MEMORY, with the bytes, where no way fits;
// HTF_E_NUMERIC, HTF_E_MPI, and what `read` raises. The spectra are then empty.
htf_status htf_grid_spectra(htf_grid *grid, const htf_grid_job *job,
                            htf_grid_spectrum *spectrum);
// Releases what it owns and empties it.
void htf_grid_spectrum_clear(htf_grid_spectrum *spectrum);

// The part of a tensor that is a rank's: entries first .. first + count - 1. Not
// collective.
void htf_grid_share(int64_t entries, int rank, int ranks, int64_t *first, int64_t *count);
// Bytes that a rank of `ranks` may hold by default for a tensor of so many entries.
int64_t htf_grid_memory(int64_t entries, int ranks);

HTF_END_DOOR

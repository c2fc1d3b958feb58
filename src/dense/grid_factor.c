// SPDX-License-Identifier: BSD-3-Clause
// Values of a matricization on one rank, and its L by TSQR on all.
#include <limits.h>
#include <string.h>

#include "grid_impl.h"
#include "htflow/dense.h"
#include "htflow/memory.h"

static htf_status check_sizes(int64_t rows, int64_t cols) {
  htf_status status = HTF_OK;
  HTF_CHECK(cols <= INT_MAX, HTF_E_MEMORY,
            "%lld x %lld on one rank is beyond LAPACK's 32-bit sizes", (long long)rows,
            (long long)cols);
done:
  return status;
}

// The first n columns [n, n] of rows of `cols` numbers, packed to the front.
static void pack_square(double *a, int64_t n, int64_t cols) {
  for (int64_t i = 1; i < n; i++) {
    memmove(a + i * n, a + i * cols, (size_t)n * sizeof *a);
  }
}

htf_status htf_grid__values(double *a, int64_t rows, int64_t cols, double *values) {
  htf_status status = HTF_OK;
  htf_dense_work *work = NULL;
  HTF_TRY(check_sizes(rows, cols));
  if (cols >= 2 * rows) {
    HTF_TRY(htf_dense_work_create(rows, cols, &work));
    htf_dense_lq(work, htf_matrix_view(a, rows, cols));
    htf_dense_work_destroy(&work);
    pack_square(a, rows, cols);
    cols = rows;
  }
  HTF_TRY(htf_dense_work_create(rows, cols, &work));
  HTF_TRY(htf_dense_singular_values_in_place(work, htf_matrix_view(a, rows, cols), values));
done:
  htf_dense_work_destroy(&work);
  return status;
}

// ---- TSQR -------------------------------------------------------------------------------

typedef struct tall {
  int64_t n, cols;              // of this rank's columns
  double *local;                // [n, cols]
  double *pair;                 // [n, 2 n]: an L and the one below it in the tree
  htf_dense_work *first, *rest; // for `local` and for `pair`
  MPI_Datatype half;            // n x n numbers in rows of 2 n
} tall;

static htf_status make_tall(const htf_grid *grid, const htf_grid__matrix *a,
                            const htf_grid__layout *layout, tall *t) {
  htf_status status = HTF_OK;
  *t = (tall){.half = MPI_DATATYPE_NULL};
  htf_grid__local(a, layout, grid->rank, &t->n, &t->cols);
  t->n = a->rows;
  HTF_TRY(check_sizes(t->n, t->cols));
  HTF_NEW(t->local, t->n * t->cols);
  HTF_NEW(t->pair, 2 * t->n * t->n);
  HTF_TRY(htf_dense_work_create(t->n, t->cols > 0 ? t->cols : 1, &t->first));
  HTF_TRY(htf_dense_work_create(t->n, 2 * t->n, &t->rest));
  GRID_MPI(MPI_Type_vector((int)t->n, (int)t->n, 2 * (int)t->n, MPI_DOUBLE, &t->half));
  GRID_MPI(MPI_Type_commit(&t->half));
done:
  return status;
}

static void drop_tall(tall *t) {
  HTF_FREE(t->local);
  HTF_FREE(t->pair);
  htf_dense_work_destroy(&t->first);
  htf_dense_work_destroy(&t->rest);
  if (t->half != MPI_DATATYPE_NULL) {
    MPI_Type_free(&t->half);
  }
}

// L of the own columns [n, cols] into the left half of the pair; of fewer columns than rows
// L is a trapezoid, with zeros beside it.
static void factor_own(tall *t) {
  int64_t kept = t->cols < t->n ? t->cols : t->n;
  if (kept > 0) {
    htf_dense_lq(t->first, htf_matrix_view(t->local, t->n, t->cols));
  }
  for (int64_t i = 0; i < t->n; i++) {
    memcpy(t->pair + 2 * i * t->n, t->local + i * t->cols, (size_t)kept * sizeof *t->local);
  }
  HTF_FREE(t->local);
}

// Ranks count from the owner on; at each step those that remain pair up.
static htf_status climb(htf_grid *grid, int owner, tall *t) {
  htf_status status = HTF_OK;
  int ranks = grid->ranks, own = (grid->rank - owner + ranks) % ranks;
  for (int step = 1; step < ranks; step *= 2) {
    if (own % (2 * step) == step) {
      int to = (own - step + owner) % ranks;
      GRID_MPI(MPI_Send(t->pair, 1, t->half, to, step, grid->comm));
      break;
    }
    if (own + step < ranks) {
      int from = (own + step + owner) % ranks;
      GRID_MPI(
          MPI_Recv(t->pair + t->n, 1, t->half, from, step, grid->comm, MPI_STATUS_IGNORE));
      htf_dense_lq(t->rest, htf_matrix_view(t->pair, t->n, 2 * t->n));
    }
  }
done:
  return status;
}

htf_status htf_grid__tsqr(htf_grid *grid, const htf_grid__matrix *a, const double *slab,
                          int owner, double *core) {
  htf_status status = HTF_OK;
  tall t;
  htf_grid__layout layout = {.row_block = a->rows,
                             .col_block = (a->cols + grid->ranks - 1) / grid->ranks,
                             .grid_rows = 1,
                             .grid_cols = grid->ranks};
  GRID_AGREE(make_tall(grid, a, &layout, &t));
  HTF_TRY(htf_grid__move(grid, a, slab, &layout, t.local));
  factor_own(&t);
  HTF_TRY(climb(grid, owner, &t));
  for (int64_t i = 0; core != NULL && i < t.n; i++) {
    memcpy(core + i * t.n, t.pair + 2 * i * t.n, (size_t)t.n * sizeof *core);
  }
done:
  drop_tall(&t);
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
// Values by ScaLAPACK's pdgesvd. What lies row-major as [local rows, local cols] of A is
// the column-major part of its transpose, tall, with the process rows along A's columns.
#include <limits.h>
#include <math.h>

#include "grid_impl.h"
#include "htflow/memory.h"

// Debian has no header of these.
int Csys2blacs_handle(MPI_Comm comm);
void Cfree_blacs_system_handle(int handle);
void Cblacs_gridinit(int *context, const char *order, int rows, int cols);
void Cblacs_gridexit(int context);
void descinit_(int descriptor[9], const int *m, const int *n, const int *mb, const int *nb,
               const int *source_row, const int *source_col, const int *context,
               const int *leading, int *info);
void pdgesvd_(const char *job_u, const char *job_vt, const int *m, const int *n, double *a,
              const int *ia, const int *ja, const int *desc_a, double *s, double *u,
              const int *iu, const int *ju, const int *desc_u, double *vt, const int *ivt,
              const int *jvt, const int *desc_vt, double *work, const int *lwork,
              int *info);

static int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}

// Ranks along the rows of A and along its columns: all of them if A lets them, as square as
// can be.
static void choose_shape(int ranks, const htf_grid__matrix *a, htf_grid__layout *layout) {
  for (int rows = 1; rows <= ranks && rows <= a->rows; rows++) {
    int cols = (int)smaller(ranks / rows, a->cols);
    int best = layout->grid_rows * layout->grid_cols;
    if (rows * cols > best || (rows * cols == best && rows <= cols)) {
      layout->grid_rows = rows;
      layout->grid_cols = cols;
    }
  }
}

htf_status htf_grid__lay_out(int ranks, const htf_grid_job *job, const htf_grid__matrix *a,
                             htf_grid__layout *layout) {
  enum { BLOCK = 64 };
  htf_status status = HTF_OK;
  *layout = (htf_grid__layout){.grid_rows = job->grid_rows, .grid_cols = job->grid_cols};
  if (job->grid_rows == 0 || job->grid_cols == 0) {
    *layout = (htf_grid__layout){.grid_rows = 0};
    choose_shape(ranks, a, layout);
  }
  HTF_CHECK(layout->grid_rows > 0 && layout->grid_cols > 0 &&
                (int64_t)layout->grid_rows * layout->grid_cols <= ranks,
            HTF_E_USAGE, "a process grid of %d x %d needs %lld ranks, there are %d",
            layout->grid_rows, layout->grid_cols,
            (long long)layout->grid_rows * layout->grid_cols, ranks);
  HTF_CHECK(layout->grid_rows <= a->rows && layout->grid_cols <= a->cols, HTF_E_USAGE,
            "a process grid of %d x %d is larger than the matricization, %lld x %lld",
            layout->grid_rows, layout->grid_cols, (long long)a->rows, (long long)a->cols);
  int64_t block = smaller(a->rows / layout->grid_rows, a->cols / layout->grid_cols);
  layout->row_block = layout->col_block = smaller(block, BLOCK);
done:
  return status;
}

typedef struct cyclic {
  int handle, context; // -1: none
  int m, n;            // of the transpose of A
  int descriptor[9];
  double *local, *work;
  int lwork;
  double *values; // [n]
} cyclic;

static int call(cyclic *c, double *work, int lwork) {
  const int one = 1;
  double nothing = 0;
  int info = 0;
  pdgesvd_("N", "N", &c->m, &c->n, c->local, &one, &one, c->descriptor, c->values, &nothing,
           &one, &one, c->descriptor, &nothing, &one, &one, c->descriptor, work, &lwork,
           &info);
  return info;
}

static htf_status make_local(const htf_grid *grid, const htf_grid__matrix *a,
                             const htf_grid__layout *layout, cyclic *c) {
  htf_status status = HTF_OK;
  int64_t rows, cols;
  htf_grid__local(a, layout, grid->rank, &rows, &cols);
  // pdgesvd counts places in a part, and six times the length, in 32 bits.
  HTF_CHECK(a->cols <= INT_MAX / 8 && rows * cols <= INT_MAX, HTF_E_MEMORY,
            "%lld x %lld over %d ranks, %lld x %lld a rank, is beyond ScaLAPACK's 32-bit "
            "sizes",
            (long long)a->rows, (long long)a->cols, grid->ranks, (long long)rows,
            (long long)cols);
  HTF_NEW(c->local, rows * cols);
  HTF_NEW(c->values, a->rows);
done:
  return status;
}

// All ranks take part in making the grid; those beyond it come out with context -1.
static htf_status describe(htf_grid *grid, const htf_grid__matrix *a,
                           const htf_grid__layout *layout, cyclic *c) {
  htf_status status = HTF_OK;
  const int zero = 0, block = (int)layout->row_block;
  int64_t rows, cols;
  int info = 0;
  c->m = (int)a->cols;
  c->n = (int)a->rows;
  c->handle = c->context = Csys2blacs_handle(grid->comm);
  Cblacs_gridinit(&c->context, "Row", layout->grid_cols, layout->grid_rows);
  if (c->context < 0) {
    goto done;
  }
  htf_grid__local(a, layout, grid->rank, &rows, &cols);
  int leading = cols > 0 ? (int)cols : 1;
  descinit_(c->descriptor, &c->m, &c->n, &block, &block, &zero, &zero, &c->context,
            &leading, &info);
  HTF_CHECK(info == 0, HTF_E_INTERNAL, "descinit of %d x %d ended with info %d", c->m, c->n,
            info);
done:
  return status;
}

static htf_status make_work(cyclic *c) {
  htf_status status = HTF_OK;
  double size = 0;
  if (c->context < 0) {
    goto done;
  }
  int info = call(c, &size, -1);
  HTF_CHECK(info == 0 && size >= 1 && size <= INT_MAX, HTF_E_MEMORY,
            "pdgesvd of %d x %d asks for work of %.0f numbers (info %d)", c->m, c->n, size,
            info);
  c->lwork = (int)size;
  HTF_NEW(c->work, c->lwork);
done:
  return status;
}

static htf_status decompose(const htf_grid__matrix *a, cyclic *c, double *values) {
  htf_status status = HTF_OK;
  if (c->context >= 0) {
    int info = call(c, c->work, c->lwork);
    HTF_CHECK(info == 0, HTF_E_NUMERIC, "pdgesvd of %d x %d ended with info %d%s", c->m,
              c->n, info,
              info == c->n + 1 ? ": the ranks' processors round differently" : "");
    for (int64_t i = 0; i < a->rows; i++) {
      values[i] = c->values[i];
    }
  }
done:
  return status;
}

htf_status htf_grid__cyclic(htf_grid *grid, const htf_grid__matrix *a, const double *slab,
                            const htf_grid__layout *layout, double *values) {
  htf_status status = HTF_OK;
  cyclic c = {.handle = -1, .context = -1};
  GRID_AGREE(make_local(grid, a, layout, &c));
  GRID_AGREE(describe(grid, a, layout, &c));
  GRID_AGREE(make_work(&c));
  HTF_TRY(htf_grid__move(grid, a, slab, layout, c.local));
  GRID_AGREE(decompose(a, &c, values));
done:
  if (c.context >= 0) {
    Cblacs_gridexit(c.context);
  }
  if (c.handle >= 0) {
    Cfree_blacs_system_handle(c.handle);
  }
  HTF_FREE(c.local);
  HTF_FREE(c.values);
  HTF_FREE(c.work);
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
// Symmetric matrices: Gram matrices, eigenvectors, Cholesky. Row-major lower is LAPACK's
// column-major upper.
#include "htflow/symmetric.h"

#include <cblas.h>
#include <lapacke.h>
#include <limits.h>

#include "htflow/memory.h"

static int blas_int(int64_t n) {
  HTF_ASSERT(0 <= n && n <= INT_MAX);
  return (int)n;
}

void htf_symmetric_add_gram(htf_matrix a, htf_matrix c) {
  HTF_ASSERT(c.rows == a.cols && c.cols == a.cols);
  if (a.rows > 0 && a.cols > 0) {
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, blas_int(a.cols), blas_int(a.rows),
                1.0, a.data, blas_int(a.stride), 1.0, c.data, blas_int(c.stride));
  }
}

// dsyevd leaves the eigenvectors of the column-major matrix in its columns: row-major, in
// rows.
htf_status htf_symmetric_eigen(htf_matrix a, double *values) {
  htf_status status = HTF_OK;
  int n = blas_int(a.rows);
  HTF_ASSERT(a.rows == a.cols && a.rows > 0);
  int info =
      LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'U', n, a.data, blas_int(a.stride), values);
  HTF_CHECK(info != LAPACK_WORK_MEMORY_ERROR, HTF_E_MEMORY,
            "no work memory for the eigenvectors of %d x %d", n, n);
  HTF_CHECK(info == 0, HTF_E_NUMERIC, "dsyevd of %d x %d ended with info %d", n, n, info);
done:
  return status;
}

htf_status htf_symmetric_cholesky(htf_matrix a) {
  htf_status status = HTF_OK;
  int n = blas_int(a.rows);
  HTF_ASSERT(a.rows == a.cols);
  int info =
      n == 0 ? 0
             : LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', n, a.data, blas_int(a.stride));
  HTF_CHECK(info == 0, HTF_E_NUMERIC, "dpotrf of %d x %d ended with info %d", n, n, info);
done:
  return status;
}

void htf_symmetric_solve(htf_matrix l, double *x) {
  int n = blas_int(l.rows), stride = blas_int(l.stride);
  if (n > 0) {
    cblas_dtrsv(CblasRowMajor, CblasLower, CblasNoTrans, CblasNonUnit, n, l.data, stride, x,
                1);
    cblas_dtrsv(CblasRowMajor, CblasLower, CblasTrans, CblasNonUnit, n, l.data, stride, x,
                1);
  }
}

htf_status htf_symmetric_extend(const htf_matrix *u, int64_t blocks) {
  htf_status status = HTF_OK;
  htf_matrix last = u[blocks - 1];
  int rows = blas_int(last.rows), cols = blas_int(last.cols),
      stride = blas_int(last.stride);
  for (int64_t b = 0; b < blocks - 1; b++) {
    const double *above = u[b].data + u[b].cols - last.cols;
    HTF_ASSERT(u[b].cols > last.cols);
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, rows, cols, blas_int(u[b].rows),
                -1.0, above, blas_int(u[b].stride), above, blas_int(u[b].stride), 1.0,
                last.data, stride);
  }
  int info = LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'L', rows, last.data, stride);
  HTF_CHECK(info == 0, HTF_E_NUMERIC, "dpotrf of %d x %d ended with info %d", rows, rows,
            info);
  if (cols > rows) {
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasUpper, CblasTrans, CblasNonUnit, rows,
                cols - rows, 1.0, last.data, stride, last.data + rows, stride);
  }
done:
  return status;
}

// x = T^-1 x, T the triangle of a block [rows, cols] of U, or its transpose.
static void solve_triangle(htf_matrix u, CBLAS_TRANSPOSE transpose, double *x) {
  cblas_dtrsv(CblasRowMajor, CblasUpper, transpose, CblasNonUnit, blas_int(u.rows), u.data,
              blas_int(u.stride), x, 1);
}

// y -= B x or B^T x, B the part of a block beside its triangle.
static void subtract_beside(htf_matrix u, CBLAS_TRANSPOSE transpose, const double *x,
                            double *y) {
  if (u.cols > u.rows) {
    cblas_dgemv(CblasRowMajor, transpose, blas_int(u.rows), blas_int(u.cols - u.rows), -1.0,
                u.data + u.rows, blas_int(u.stride), x, 1, 1.0, y, 1);
  }
}

// Downwards by the rows of U^T, then up by those of U.
void htf_symmetric_solve_part(const htf_matrix *u, int64_t blocks, double *x) {
  for (int64_t b = 0; b < blocks; b++) {
    solve_triangle(u[b], CblasTrans, x);
    subtract_beside(u[b], CblasTrans, x, x + u[b].rows);
    x += u[b].rows;
  }
  for (int64_t b = blocks - 1; b >= 0; b--) {
    x -= u[b].rows;
    subtract_beside(u[b], CblasNoTrans, x + u[b].rows, x);
    solve_triangle(u[b], CblasNoTrans, x);
  }
}

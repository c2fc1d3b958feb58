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

htf_status htf_symmetric_extend(htf_matrix u, int64_t done) {
  htf_status status = HTF_OK;
  int before = blas_int(done), rows = blas_int(u.rows - done);
  int rest = blas_int(u.cols - u.rows), stride = blas_int(u.stride);
  double *above = u.data + done, *block = above + done * u.stride;
  HTF_ASSERT(0 <= done && done < u.rows && u.rows <= u.cols);
  if (before > 0) {
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, rows, rows + rest, before, -1.0,
                above, stride, above, stride, 1.0, block, stride);
  }
  int info = LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'L', rows, block, stride);
  HTF_CHECK(info == 0, HTF_E_NUMERIC, "dpotrf of %d x %d ended with info %d", rows, rows,
            info);
  if (rest > 0) {
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasUpper, CblasTrans, CblasNonUnit, rows, rest,
                1.0, block, stride, block + rows, stride);
  }
done:
  return status;
}

// Above: the first rank of x, below: the others.
//     above = U_1^-T above;  below -= U_2^T above;  above = U_1^-1 (above - U_2 below).
void htf_symmetric_solve_part(htf_matrix u, double *x) {
  int rank = blas_int(u.rows), rest = blas_int(u.cols - u.rows),
      stride = blas_int(u.stride);
  const double *beside = u.data + rank;
  if (rank > 0) {
    cblas_dtrsv(CblasRowMajor, CblasUpper, CblasTrans, CblasNonUnit, rank, u.data, stride,
                x, 1);
    if (rest > 0) {
      cblas_dgemv(CblasRowMajor, CblasTrans, rank, rest, -1.0, beside, stride, x, 1, 1.0,
                  x + rank, 1);
      cblas_dgemv(CblasRowMajor, CblasNoTrans, rank, rest, -1.0, beside, stride, x + rank,
                  1, 1.0, x, 1);
    }
    cblas_dtrsv(CblasRowMajor, CblasUpper, CblasNoTrans, CblasNonUnit, rank, u.data, stride,
                x, 1);
  }
}

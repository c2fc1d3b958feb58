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

void htf_symmetric_add_gram(int64_t m, int64_t n, const float *a, float *c) {
  int cols = blas_int(n);
  if (m > 0 && n > 0) {
    cblas_ssyrk(CblasRowMajor, CblasLower, CblasTrans, cols, blas_int(m), 1.0F, a, cols,
                1.0F, c, cols);
  }
}

bool htf_symmetric_cholesky(int64_t n, float *a) {
  int rows = blas_int(n);
  return rows == 0 || LAPACKE_spotrf_work(LAPACK_COL_MAJOR, 'U', rows, a, rows) == 0;
}

void htf_symmetric_solve(int64_t n, const float *l, float *x) {
  int rows = blas_int(n);
  if (rows > 0) {
    cblas_strsv(CblasRowMajor, CblasLower, CblasNoTrans, CblasNonUnit, rows, l, rows, x, 1);
    cblas_strsv(CblasRowMajor, CblasLower, CblasTrans, CblasNonUnit, rows, l, rows, x, 1);
  }
}

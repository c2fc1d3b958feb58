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

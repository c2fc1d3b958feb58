// SPDX-License-Identifier: BSD-3-Clause
// Matrix views over BLAS and LAPACK, row-major.
#include "htflow/dense.h"

#include <cblas.h>
#include <lapacke.h>
#include <limits.h>

#include "htflow/memory.h"
#include "small_impl.h"

htf_matrix htf_matrix_view(const double *data, int64_t rows, int64_t cols) {
  htf_matrix view = {.data = (double *)data, .rows = rows, .cols = cols, .stride = cols};
  return view;
}

// A size or stride as the BLAS takes it; leading dimensions must be at least one.
static int blas_int(int64_t n) {
  HTF_ASSERT(0 <= n && n <= INT_MAX);
  return (int)n;
}

static int leading(htf_matrix a) {
  return blas_int(a.stride > 0 ? a.stride : 1);
}

void htf_dense_multiply(htf_transpose op_a, htf_matrix a, htf_transpose op_b, htf_matrix b,
                        double beta, htf_matrix c) {
  int64_t m = op_a == HTF_PLAIN ? a.rows : a.cols;
  int64_t k = op_a == HTF_PLAIN ? a.cols : a.rows;
  int64_t n = op_b == HTF_PLAIN ? b.cols : b.rows;
  HTF_ASSERT((op_b == HTF_PLAIN ? b.rows : b.cols) == k && c.rows == m && c.cols == n);
  HTF_ASSERT(a.stride >= a.cols && b.stride >= b.cols && c.stride >= c.cols);
  if (htf_dense__multiply_small(op_a, a, op_b, b, beta, c)) {
    return;
  }
  cblas_dgemm(CblasRowMajor, op_a == HTF_PLAIN ? CblasNoTrans : CblasTrans,
              op_b == HTF_PLAIN ? CblasNoTrans : CblasTrans, blas_int(m), blas_int(n),
              blas_int(k), 1.0, a.data, leading(a), b.data, leading(b), beta, c.data,
              leading(c));
}

static void copy(htf_matrix a, double *to) {
  for (int64_t i = 0; i < a.rows; i++) {
    for (int64_t j = 0; j < a.cols; j++) {
      to[i * a.cols + j] = a.data[i * a.stride + j];
    }
  }
}

// The row-major copy is LAPACK's column-major transpose, which has the same singular
// values.
htf_status htf_dense_singular_values(htf_matrix a, double *values) {
  htf_status status = HTF_OK;
  double *work = NULL;
  HTF_NEW(work, a.rows * a.cols);
  copy(a, work);
  int info = LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'N', blas_int(a.cols), blas_int(a.rows), work,
                            blas_int(a.cols), values, NULL, 1, NULL, 1);
  HTF_CHECK(info != LAPACK_WORK_MEMORY_ERROR && info != LAPACK_TRANSPOSE_MEMORY_ERROR,
            HTF_E_MEMORY, "no work memory for the singular values of %lld x %lld",
            (long long)a.rows, (long long)a.cols);
  HTF_CHECK(info == 0, HTF_E_NUMERIC, "dgesdd of %lld x %lld ended with info %d",
            (long long)a.rows, (long long)a.cols, info);
done:
  HTF_FREE(work);
  return status;
}

htf_status htf_dense_qr(htf_matrix a, htf_matrix r) {
  htf_status status = HTF_OK;
  double *tau = NULL;
  HTF_ASSERT(a.rows >= a.cols && r.rows == a.cols && r.cols == a.cols);
  HTF_NEW(tau, a.cols);
  int m = blas_int(a.rows), n = blas_int(a.cols);
  int info = LAPACKE_dgeqrf(LAPACK_ROW_MAJOR, m, n, a.data, leading(a), tau);
  HTF_CHECK(info == 0, HTF_E_NUMERIC, "dgeqrf of %d x %d ended with info %d", m, n, info);
  for (int64_t i = 0; i < a.cols; i++) {
    for (int64_t j = 0; j < a.cols; j++) {
      r.data[i * r.stride + j] = j >= i ? a.data[i * a.stride + j] : 0;
    }
  }
  info = LAPACKE_dorgqr(LAPACK_ROW_MAJOR, m, n, n, a.data, leading(a), tau);
  HTF_CHECK(info == 0, HTF_E_NUMERIC, "dorgqr of %d x %d ended with info %d", m, n, info);
done:
  HTF_FREE(tau);
  return status;
}

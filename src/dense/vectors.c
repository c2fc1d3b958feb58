// SPDX-License-Identifier: BSD-3-Clause
// Singular vectors.
#include <lapacke.h>
#include <limits.h>

#include "htflow/dense.h"
#include "htflow/memory.h"

// A row-major matrix is LAPACK's transpose, A^T = V S U^T: what comes out as V^T there is
// U^T, column by column, which is U row by row.
htf_status htf_dense_left_vectors(htf_matrix a, double *values, double *u) {
  htf_status status = HTF_OK;
  int64_t small = a.rows < a.cols ? a.rows : a.cols;
  double *copy = NULL, *v = NULL;
  HTF_ASSERT(a.rows <= INT_MAX && a.cols <= INT_MAX && a.rows > 0 && a.cols > 0);
  HTF_NEW(copy, a.rows * a.cols);
  HTF_NEW(v, small * a.cols);
  for (int64_t i = 0; i < a.rows; i++) {
    for (int64_t j = 0; j < a.cols; j++) {
      copy[i * a.cols + j] = a.data[i * a.stride + j];
    }
  }
  int info = LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'S', (int)a.cols, (int)a.rows, copy,
                            (int)a.cols, values, v, (int)a.cols, u, (int)small);
  HTF_CHECK(info != LAPACK_WORK_MEMORY_ERROR, HTF_E_MEMORY,
            "no work memory for the singular vectors of %lld x %lld", (long long)a.rows,
            (long long)a.cols);
  HTF_CHECK(info == 0, HTF_E_NUMERIC, "dgesdd of %lld x %lld ended with info %d",
            (long long)a.rows, (long long)a.cols, info);
done:
  HTF_FREE(copy);
  HTF_FREE(v);
  return status;
}

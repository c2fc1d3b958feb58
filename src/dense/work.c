// SPDX-License-Identifier: BSD-3-Clause
// Factors and singular values in work memory made beforehand. A row-major matrix is
// LAPACK's column-major transpose: its LQ is the transpose's QR.
#include <lapacke.h>
#include <limits.h>
#include <math.h>

#include "htflow/dense.h"
#include "htflow/memory.h"

// Columns of a panel of dgeqrt; the fastest or nearly so from 32 to 512 columns.
enum { BLOCK = 32 };

struct htf_dense_work {
  int64_t rows, cols; // the largest matrix
  double *t, *panel;  // dgeqrt: [BLOCK, rows] each
  double *svd;        // dgesdd
  int svd_size;
  int *integers; // dgesdd: [8 min(rows, cols)]
};

static int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static int decompose(htf_matrix a, double *values, double *svd, int size, int *integers) {
  return LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, 'N', (int)a.cols, (int)a.rows, a.data,
                             (int)a.stride, values, NULL, 1, NULL, 1, svd, size, integers);
}

htf_status htf_dense_work_create(int64_t rows, int64_t cols, htf_dense_work **out) {
  htf_status status = HTF_OK;
  htf_dense_work *work = NULL;
  HTF_ASSERT(0 < rows && rows <= INT_MAX && 0 < cols && cols <= INT_MAX);
  HTF_NEW(work, 1);
  work->rows = rows;
  work->cols = cols;
  HTF_NEW(work->t, BLOCK * rows);
  HTF_NEW(work->panel, BLOCK * rows);
  HTF_NEW(work->integers, 8 * smaller(rows, cols));
  // The best size for the largest matrix may be less than a smaller one, decomposed in
  // another way, needs; `least` is what dgesdd asks of all.
  int64_t small = smaller(rows, cols), large = rows + cols - small;
  double size = 0, least = 3.0 * (double)small + fmax((double)large, 7.0 * (double)small);
  htf_matrix largest = htf_matrix_view(NULL, rows, cols);
  int info = decompose(largest, NULL, &size, -1, work->integers);
  HTF_CHECK(info == 0 && fmax(size, least) <= INT_MAX, HTF_E_MEMORY,
            "dgesdd cannot work on %lld x %lld (info %d)", (long long)rows, (long long)cols,
            info);
  work->svd_size = (int)(size > least ? size : least);
  HTF_NEW(work->svd, work->svd_size);
  *out = work;
  work = NULL;
done:
  htf_dense_work_destroy(&work);
  return status;
}

void htf_dense_work_destroy(htf_dense_work **work) {
  if (*work != NULL) {
    HTF_FREE((*work)->t);
    HTF_FREE((*work)->panel);
    HTF_FREE((*work)->svd);
    HTF_FREE((*work)->integers);
    HTF_FREE(*work);
  }
}

static void check_shape(const htf_dense_work *work, htf_matrix a) {
  HTF_ASSERT(0 < a.rows && a.rows <= work->rows && 0 < a.cols && a.cols <= work->cols);
  HTF_ASSERT(a.cols <= a.stride && a.stride <= INT_MAX);
}

void htf_dense_lq(htf_dense_work *work, htf_matrix a) {
  check_shape(work, a);
  int block = (int)smaller(BLOCK, smaller(a.rows, a.cols));
  int info = LAPACKE_dgeqrt_work(LAPACK_COL_MAJOR, (int)a.cols, (int)a.rows, block, a.data,
                                 (int)a.stride, work->t, block, work->panel);
  HTF_ASSERT(info == 0);
  for (int64_t i = 0; i < a.rows; i++) {
    for (int64_t j = i + 1; j < smaller(a.rows, a.cols); j++) {
      a.data[i * a.stride + j] = 0;
    }
  }
}

htf_status htf_dense_singular_values_in_place(htf_dense_work *work, htf_matrix a,
                                              double *values) {
  htf_status status = HTF_OK;
  check_shape(work, a);
  int info = decompose(a, values, work->svd, work->svd_size, work->integers);
  HTF_CHECK(info == 0, HTF_E_NUMERIC, "dgesdd of %lld x %lld ended with info %d",
            (long long)a.rows, (long long)a.cols, info);
done:
  return status;
}

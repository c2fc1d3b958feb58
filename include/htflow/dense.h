// SPDX-License-Identifier: BSD-3-Clause
// dense.h: matrices in the memory of one process (room: dense).
//
// A matrix view is a pointer, a shape and a row stride, row-major; it owns nothing. All
// BLAS and LAPACK calls of htflow go through here.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "htflow/door.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

// Element (i, j) is data[i * stride + j]; stride >= cols.
typedef struct htf_matrix {
  double *data;
  int64_t rows, cols, stride;
} htf_matrix;

// The contiguous matrix at `data`. (The view of constant data must only be read from.)
htf_matrix htf_matrix_view(const double *data, int64_t rows, int64_t cols);

typedef enum htf_transpose { HTF_PLAIN, HTF_TRANSPOSED } htf_transpose;

// C = op(A) op(B) + beta C, beta 0 or 1; with beta 0 what C held is not read. Cost 2 m n k.
// A broken shape aborts.
//
// By OpenBLAS, or by kernels that libxsmm compiles for the shape: A B where B, and A^T B
// where C, has at most 128 x 128 elements. GFLOP/s on one core of an AMD EPYC (Zen 3, 52 at
// most), n distinct rows, R x R weights, row strides of an odd number of cache lines:
//     n, R         A B: OpenBLAS, libxsmm     A^T B: OpenBLAS, libxsmm
//     64, 8             13, 39                     22, 31
//     64, 16            21, 46                     31, 48
//     256, 32           30, 47                     35, 46
//     256, 64           38, 48                     39, 45
//     256, 128          42, 47                     42, 46
//     256, 256          43, 33                     43, 28
void htf_dense_multiply(htf_transpose op_a, htf_matrix a, htf_transpose op_b, htf_matrix b,
                        double beta, htf_matrix c);

// Singular values of A [rows, cols], descending, into values [min(rows, cols)]. LAPACK
// dgesdd on a copy. Raises HTF_E_MEMORY, HTF_E_NUMERIC.
htf_status htf_dense_singular_values(htf_matrix a, double *values);

// The same and the left singular vectors u [rows, min(rows, cols)], row-major. Raises
// HTF_E_MEMORY, HTF_E_NUMERIC.
htf_status htf_dense_left_vectors(htf_matrix a, double *values, double *u);
// A = Q R with Q [rows, cols] of orthonormal columns in place of A, R [cols, cols] upper
// triangular; rows >= cols. Householder. Raises HTF_E_MEMORY, HTF_E_NUMERIC.
htf_status htf_dense_qr(htf_matrix a, htf_matrix r);

// The largest eigenvalue of the symmetric tridiagonal matrix with diagonal [n] and off
// [n - 1] beside it, and the last component of its unit eigenvector (of either sign).
// LAPACK dstevr. Raises HTF_E_MEMORY, HTF_E_NUMERIC.
htf_status htf_dense_tridiagonal_largest(int n, const double *diagonal, const double *off,
                                         double *value, double *last);

// ---- without allocating ---------------------------------------------------------------

// LAPACK's work memory, made once, for matrices of up to rows x cols.
typedef struct htf_dense_work htf_dense_work;
// rows, cols >= 1. Raises HTF_E_MEMORY.
htf_status htf_dense_work_create(int64_t rows, int64_t cols, htf_dense_work **work);
void htf_dense_work_destroy(htf_dense_work **work);

// A = L Q with Q of k = min(rows, cols) orthonormal rows, which are not made. L [rows, k]
// stands in A's first k columns, lower trapezoidal, exact zeros above its diagonal; what
// the other columns hold is lost. Householder (LAPACK dgeqrt on the transpose): each row of
// L is as accurate as that row of A is long, however long the others are. Cost
// 2 rows^2 (cols - rows / 3). What is not finite goes through.
void htf_dense_lq(htf_dense_work *work, htf_matrix a);

// As htf_dense_singular_values, but A is overwritten. A that is not finite is
// HTF_E_NUMERIC.
htf_status htf_dense_singular_values_in_place(htf_dense_work *work, htf_matrix a,
                                              double *values);

HTF_END_DOOR

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
void htf_dense_multiply(htf_transpose op_a, htf_matrix a, htf_transpose op_b, htf_matrix b,
                        double beta, htf_matrix c);

// Singular values of A [rows, cols], descending, into values [min(rows, cols)]. LAPACK
// dgesdd on a copy. Raises HTF_E_MEMORY, HTF_E_NUMERIC.
htf_status htf_dense_singular_values(htf_matrix a, double *values);

// A = Q R with Q [rows, cols] of orthonormal columns in place of A, R [cols, cols] upper
// triangular; rows >= cols. Householder. Raises HTF_E_MEMORY, HTF_E_NUMERIC.
htf_status htf_dense_qr(htf_matrix a, htf_matrix r);

HTF_END_DOOR

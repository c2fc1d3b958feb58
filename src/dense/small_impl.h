// SPDX-License-Identifier: BSD-3-Clause
// small_impl.h: products of small matrices, compiled for their shape while the program runs
// (libxsmm; room: dense).
#pragma once

#include "htflow/dense.h"

// C = op(A) op(B) + beta C as htf_dense_multiply, for matrices that are small enough for
// these kernels to be the faster ones and on a CPU that libxsmm knows; false, and nothing
// done, for all others. Which it is depends on shapes, strides and CPU alone.
bool htf_dense__multiply_small(htf_transpose op_a, htf_matrix a, htf_transpose op_b,
                               htf_matrix b, double beta, htf_matrix c);

// SPDX-License-Identifier: BSD-3-Clause
// symmetric.h: symmetric matrices in the memory of one process (room: dense). Of each only
// the lower triangle is read and written, but for eigenvectors; what stands above it stays.
#pragma once

#include "htflow/dense.h"
#include "htflow/door.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

// C += A^T A, A [m, n], C [n, n]. Cost m n^2.
void htf_symmetric_add_gram(htf_matrix a, htf_matrix c);

// Eigenvalues of A [n, n], ascending, into values [n], and in place of A an orthonormal
// eigenvector of each in its rows. LAPACK dsyevd; accurate to rounding times the largest
// value. Raises HTF_E_MEMORY, HTF_E_NUMERIC.
htf_status htf_symmetric_eigen(htf_matrix a, double *values);

// A = L L^T in place, A [n, n]. Cost n^3 / 3. Raises HTF_E_NUMERIC where A is not positive
// definite.
htf_status htf_symmetric_cholesky(htf_matrix a);
// x = (L L^T)^-1 x, x [n].
void htf_symmetric_solve(htf_matrix l, double *x);

// Cholesky that ends early. U [rank, n], upper trapezoidal, with U^T U = A in A's first
// rank rows, in blocks of rows, each from its diagonal on: [rows, n - rows of those above].
// The last becomes so where it holds A's; those above are ready. What is below the diagonal
// stays. Cost of a block: rows rank n. Raises HTF_E_NUMERIC.
htf_status htf_symmetric_extend(const htf_matrix *u, int64_t blocks);
// x = (U^T U + D)^-1 x, x [n], D the unit matrix without its first rank ones.
void htf_symmetric_solve_part(const htf_matrix *u, int64_t blocks, double *x);

HTF_END_DOOR

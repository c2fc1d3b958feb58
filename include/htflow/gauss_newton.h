// SPDX-License-Identifier: BSD-3-Clause
// gauss_newton.h: I + gamma H inverted nearly, H the Hessian of a loss at theta (room:
// model).
//
// Once components are learnt the flow is stiff: H = J^T diag(c) J + (curvature of the model
// times the slopes), with J = dy/dtheta [m, parameters] and c the loss' second derivatives,
// has a hundred or more eigenvalues far above the rest, spread over many decades, and each
// costs conjugate gradients an iteration. They belong to the first term, and the tree gives
// away where they live. By node v, row k of J is the outer product of row k of P_v (the
// product of the children's values, [m, R_v]) and row k of E_v (dy_k / dV_v, [m,
// R_parent]). In the eigenvectors of the two Gram matrices,
//     P_v^T P_v = U A U^T,   E_v^T diag(c) E_v = Z B Z^T,
// only the few pairs (i, j) with a large
//     d_ij = sum_k c_k (P_v U)_ki^2 (E_v Z)_kj^2 = (U_i o Z_j)^T J^T diag(c) J (U_i o Z_j)
// are stiff. Let Q hold the vectors U_i o Z_j of all pairs of all nodes with gamma d_ij >
// tau. Then
//     M = I + gamma Q Q^T J^T diag(c) J Q Q^T
// has one dense part, G = Q^T J^T diag(c) J Q [pairs, pairs], and Q is never formed.
//
// Measured at states of a run (order 4, mode 8, width 16, 1,024 samples, std 0.1, rtol
// 1e-4), products to a residual of 1e-2 of the step's tolerance, in the norm of the error:
//
//   loss     eigenvalues with gamma lambda > 1    M = 1   tau = 1        0.3       0.1
//   0.19     49                                    29     3 (82 pairs)   1 (96)    1 (113)
//   0.014    130                                  148     4 (245)        3 (302)   1 (362)
//   0.00045  184                                  463     6 (421)        3 (470)   1 (521)
//
// In a narrow valley there are nearly as many stiff pairs as points, and gamma d comes to
// 1e11. Then M is by the points:
//     (I + gamma A^T A)^-1 = I - gamma A^T (I + gamma K)^-1 A,  A = diag(c)^(1/2) J,
// where the dense part is their tangent kernel, K = A A^T [m, m] (Jacot, Gabriel, Hongler
// 2018), which the tree gives away as well (src/model/gauss_newton_kernel.c). Some hundred
// rows of K say all that matters, and Cholesky's factor of I + gamma K ends with them
// (src/model/gauss_newton_dual.c). Problem 5 of tests/bench/evaluations.py, seed 0, rtol
// 1e-4, f and J v together:
//     by 1,000 pairs at most               loss 4e-3 after 700 steps, 33,805
//     by the points where more are stiff        1e-4 after 646,        5,179
//
// Of more than HTF_GAUSS_NEWTON_ROWS points an even choice of so many stands for all.
//
// It borrows the evaluation (made for gradients at least) and reads the tables of its last
// forward sweep. By the points it makes an evaluation of its own, to multiply with the J
// that K is of.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "htflow/door.h"
#include "htflow/evaluation.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

enum { HTF_GAUSS_NEWTON_ROWS = 8192 };

typedef struct htf_gauss_newton htf_gauss_newton;

// most_pairs bounds the pairs, the largest being kept. Where more are stiff, or more than
// there are points, M is by the points, unless these are more than most_points (0: never);
// and stays so while it takes a quarter as many rows of K. Raises HTF_E_MEMORY.
htf_status htf_gauss_newton_create(const htf_evaluation *evaluation, int64_t most_pairs,
                                   int64_t most_points, htf_gauss_newton **gn);
void htf_gauss_newton_destroy(htf_gauss_newton **gn);

// Makes Q and G, or K, at theta, where the evaluation's last forward sweep was. curvatures
// [m]: c, not negative. threshold: the least d_ij. Cost: about that of three gradients with
// every point its own row, and (chosen points) pairs^2. Raises HTF_E_MEMORY, HTF_E_NUMERIC;
// M is then 1.
htf_status htf_gauss_newton_build(htf_gauss_newton *gn, const double *theta,
                                  const double *curvatures, double threshold);
int64_t htf_gauss_newton_pairs(const htf_gauss_newton *gn); // how many; 0 by the points
bool htf_gauss_newton_by_points(const htf_gauss_newton *gn);
// What a build as the last one costs, with its factor, in Hessian-vector products of the
// evaluation with a solve each: by floating-point operations, roughly.
double htf_gauss_newton_cost(const htf_gauss_newton *gn);
// Back to before the first build.
void htf_gauss_newton_forget(htf_gauss_newton *gn);

// Makes M for this gamma > 0 from what was built. Cost pairs^3 / 3; or rank^2 points with
// rank rows of K, and to make these rank points times the widths of the nodes with many
// rows, once. Raises HTF_E_MEMORY, HTF_E_NUMERIC.
htf_status htf_gauss_newton_factor(htf_gauss_newton *gn, double gamma);
// z = M^-1 r, both [parameters], after factor. z = r with neither.
void htf_gauss_newton_solve(htf_gauss_newton *gn, const double *r, double *z);

HTF_END_DOOR

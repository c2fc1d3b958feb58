// SPDX-License-Identifier: BSD-3-Clause
// What gauss_newton.c (life, G, M), gauss_newton_rows.c (rows of P_v and E_v),
// gauss_newton_pairs.c (which pairs are stiff), gauss_newton_dual.c (M by the points),
// gauss_newton_kernel.c and gauss_newton_kernel_rows.c (their kernel) and
// gauss_newton_narrow.c (of few tuples) share.
#pragma once

#include "evaluation_impl.h"
#include "htflow/gauss_newton.h"

// Points at a time.
enum { HTF_GAUSS_NEWTON_BLOCK = 64 };

typedef struct htf_gauss_newton__node {
  bool learnt;        // has parameters
  bool one_hot;       // a leaf of entries: P_v has a single 1 in each row
  int64_t rows, cols; // R_v, R_parent
  int64_t tuples;     // rows of P_v; the indices of a one-hot leaf; at the root the points
  int64_t kept_i, kept_j;
  double *u, *z;            // kept eigenvectors, in rows: of P^T P [kept_i, rows], of
                            // E^T c E [kept_j, cols]; at first these matrices
  int32_t *pair_i, *pair_j; // [pairs] those chosen
  int64_t pairs, column;    // the first one's number among all
  // While M is built:
  bool last;      // sweeps end here
  double *own;    // V_v [tuples, cols*], where the evaluation's core spares it
  double *counts; // [tuples] sqrt of how many points each has
  double *ahead;  // P U of the kept [tuples, kept_i]; of the root a block of rows
  double *sums;   // of (sqrt(c) E Z)^2 over the points of each tuple [tuples, kept_j]
  double *energy; // d [kept_i, kept_j]
} htf_gauss_newton__node;

// Rows of a node on the way from the root down, a block of points at a time.
typedef struct htf_gauss_newton__level {
  double *env;  // [block, cols] of sqrt(c) E_v
  double *pull; // [block, rows] of sqrt(c) E_v W^T of an interior node
  int32_t *at;  // [children, block] which rows of the children's P
} htf_gauss_newton__level;

typedef struct htf_gauss_newton__dual htf_gauss_newton__dual;
typedef struct htf_gauss_newton__kernel htf_gauss_newton__kernel;

struct htf_gauss_newton {
  const htf_evaluation *evaluation;
  int64_t points; // chosen
  int64_t *point; // [points] rows of the root, ascending; NULL: all
  double share;   // how many points one chosen stands for
  htf_gauss_newton__node *nodes;
  int64_t most_pairs, most_points;
  int64_t pairs;
  bool by_points;   // M
  int64_t room;     // pairs that what follows was made for, and is kept for the next M
  double *gram;     // G above the diagonal, L of I + gamma G below, [pairs, pairs]
  double *diagonal; // of G [pairs]
  double *inner;    // [pairs]
  double gamma;     // of L
  double *right;    // [pairs]
  htf_gauss_newton__dual *dual; // NULL before it is needed
  double *half, *core;          // [widest R x kept_j], [widest kept_i x kept_j]
  // While M is built:
  double *root_slope; // [points] sqrt(c share)
  int levels;
  htf_gauss_newton__level *level;
  double *product;     // [block, R_root] rows of the root's P
  double *scaled;      // rows of a P_v times counts
  double *behind;      // [block, kept_j] rows of sqrt(c) E Z of the node visited
  double *features;    // [block, pairs] rows of sqrt(c) J Q
  int64_t block_start; // the first point of the block visited
  const double *pull;  // of the node visited, above others: its rows of sqrt(c) E W^T
  htf_gauss_newton__kernel *kernel; // while K is made
};

// Columns that rows of so many lie apart where an evaluation's kernels read or make them.
int64_t htf_gauss_newton__pad(int64_t width);
// How many rows from `start` on make a block, before `end`.
int64_t htf_gauss_newton__block(int64_t start, int64_t end);
// P_v [tuples, rows] in this evaluation of a node that is neither the root nor one-hot, and
// W^(v) in theta.
htf_matrix htf_gauss_newton__table(const htf_gauss_newton *gn,
                                   const htf_evaluation *evaluation, int node);
htf_matrix htf_gauss_newton__weights(const htf_gauss_newton *gn, int node,
                                     const double *theta);
// Row `row` of V of a node below the root.
const double *htf_gauss_newton__value(const htf_gauss_newton *gn, int node, int64_t row);
// The place in y of chosen point k.
int64_t htf_gauss_newton__point_of(const htf_gauss_newton *gn, int64_t k);
// Chooses points. Raises HTF_E_MEMORY.
htf_status htf_gauss_newton__choose(htf_gauss_newton *gn);
// The counts of all rows. Raises HTF_E_MEMORY.
htf_status htf_gauss_newton__count(htf_gauss_newton *gn);
// Room for a block of points; and drops it. Raises HTF_E_MEMORY.
htf_status htf_gauss_newton__open_levels(htf_gauss_newton *gn);
void htf_gauss_newton__close_levels(htf_gauss_newton *gn);
// Visits every node, those above it first, with the rows of sqrt(c) E_v of chosen points
// start .. start + rows - 1, and which rows of its P these have: `at`, NULL at the root,
// whose P of these is `product`.
typedef void htf_gauss_newton__visit(htf_gauss_newton *gn, int node, const double *env,
                                     const int32_t *at, int64_t rows);
void htf_gauss_newton__sweep(htf_gauss_newton *gn, const double *theta, int64_t start,
                             int64_t rows, htf_gauss_newton__visit *visit);
// `behind` of a node from its rows of sqrt(c) E, and the root's `ahead`.
void htf_gauss_newton__project(htf_gauss_newton *gn, int node, const double *env,
                               int64_t rows);
// From root_slope: eigenvectors, P U and pairs of every node; or that M is by the points.
// Raises HTF_E_MEMORY, HTF_E_NUMERIC.
htf_status htf_gauss_newton__find_pairs(htf_gauss_newton *gn, const double *theta,
                                        double threshold);

// ---- by points ------------------------------------------------------------------------

// Looks at theta: K's diagonal, and what its rows are made of. Raises HTF_E_MEMORY.
htf_status htf_gauss_newton__build_dual(htf_gauss_newton *gn, const double *theta,
                                        double threshold);
// Makes M for this gamma. Raises HTF_E_MEMORY, HTF_E_NUMERIC.
htf_status htf_gauss_newton__factor_dual(htf_gauss_newton *gn, double gamma);
// z = M^-1 r.
void htf_gauss_newton__solve_dual(htf_gauss_newton *gn, const double *r, double *z);
int64_t htf_gauss_newton__rank(const htf_gauss_newton *gn); // pivots
void htf_gauss_newton__destroy_dual(htf_gauss_newton__dual **dual);
// A narrow node's T has so many rows at most: 2 MB.
enum { HTF_GAUSS_NEWTON_NARROW = 512 };
bool htf_gauss_newton__is_narrow(const htf_gauss_newton *gn, int node);
// *t [tuples Q, tuples Q]: T of a narrow node, the caller's. Raises HTF_E_MEMORY.
htf_status htf_gauss_newton__make_t(const htf_gauss_newton *gn, int node,
                                    const double *theta, double **t);
// K's diagonal [points], and what K is made of: tables of an evaluation frozen at theta
// too, which it borrows. Raises HTF_E_MEMORY.
htf_status htf_gauss_newton__make_kernel(htf_gauss_newton *gn, const double *theta,
                                         const htf_evaluation *frozen, double *diagonal,
                                         htf_gauss_newton__kernel **out);
void htf_gauss_newton__destroy_kernel(htf_gauss_newton__kernel **kernel);
// From now on K is of those points, in this order; once. Raises HTF_E_MEMORY.
htf_status htf_gauss_newton__choose_rows(htf_gauss_newton__kernel *kernel,
                                         const int64_t *order, int64_t points);
// So many rows of K, a block at most, in columns: [points, block].
void htf_gauss_newton__kernel_rows(const htf_gauss_newton__kernel *kernel,
                                   const int32_t *which, int64_t rows, double *out);

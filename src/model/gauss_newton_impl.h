// SPDX-License-Identifier: BSD-3-Clause
// What gauss_newton.c (life, G, M), gauss_newton_rows.c (rows of P_v and E_v) and
// gauss_newton_pairs.c (which pairs are stiff) share.
#pragma once

#include "evaluation_impl.h"
#include "htflow/gauss_newton.h"

// Points at a time.
enum { HTF_GAUSS_NEWTON_BLOCK = 256 };

typedef struct htf_gauss_newton__node {
  bool learnt;        // has parameters
  bool one_hot;       // a leaf of entries: P_v has a single 1 in each row
  int64_t rows, cols; // R_v, R_parent
  int64_t tuples;     // rows of P_v; the indices of a one-hot leaf; at the root the points
  double *own;        // V_v [tuples, cols], where the evaluation's core spares it
  int32_t *at;        // [points] the row of P_v of each; NULL at the root: 0, 1, ..
  double *counts;     // [tuples] sqrt of how many points each has
  double *env;        // [block, cols] rows of sqrt(c) E_v
  double *pull;       // [block, rows] rows of sqrt(c) E_v W^T of an interior node
  double *u, *z;      // eigenvectors, in rows: of P^T P [rows, rows], of E^T c E
  double *a, *b;      // their eigenvalues, ascending
  int64_t kept_i, kept_j;
  double *ahead;            // P U of the kept [tuples, kept_i]
  double *behind;           // sqrt(c) E Z of the kept [points, kept_j]
  double *energy;           // d [kept_i, kept_j]
  int32_t *pair_i, *pair_j; // [pairs] those chosen
  int64_t pairs;
} htf_gauss_newton__node;

struct htf_gauss_newton {
  const htf_evaluation *evaluation;
  int64_t points;     // chosen
  int64_t *point;     // [points] rows of the root, ascending; NULL: all
  double share;       // how many points one chosen stands for
  double *root_slope; // [points] sqrt(c share)
  htf_gauss_newton__node *nodes;
  double *product; // [block, R_root] rows of the root's P
  double *scaled;  // work: rows of a P_v times counts, or of squares
  int64_t most_pairs, pairs;
  double *gram;          // G above the diagonal, L of I + gamma G below, [pairs, pairs]
  double *diagonal;      // of G [pairs]
  double *features;      // [block, pairs] rows of sqrt(c) J Q
  double *inner, *right; // [pairs]
  double *half, *core;   // [widest R x kept_j], [widest kept_i x kept_j]
};

// How many rows from `start` on make a block, before `end`.
int64_t htf_gauss_newton__block(int64_t start, int64_t end);
// Of n eigenvectors in ascending order the last `count`: [count, n].
htf_matrix htf_gauss_newton__kept(const double *vectors, int64_t n, int64_t count);
// P_v [tuples, rows] of a node that is neither the root nor one-hot, and W^(v) in theta.
htf_matrix htf_gauss_newton__table(const htf_gauss_newton *gn, int node);
htf_matrix htf_gauss_newton__weights(const htf_gauss_newton *gn, int node,
                                     const double *theta);
// The row of V_c in its storage of chosen point k.
const double *htf_gauss_newton__value(const htf_gauss_newton *gn, int node, int64_t k);
// Chooses points and finds their rows in every table. Raises HTF_E_MEMORY.
htf_status htf_gauss_newton__choose(htf_gauss_newton *gn);
// Fills env of all nodes, and product, for chosen points start .. start + rows - 1.
void htf_gauss_newton__sweep(htf_gauss_newton *gn, const double *theta, int64_t start,
                             int64_t rows);
// From root_slope: eigenvectors, projected rows and pairs of every node. Raises
// HTF_E_MEMORY, HTF_E_NUMERIC.
htf_status htf_gauss_newton__find_pairs(htf_gauss_newton *gn, const double *theta,
                                        double threshold);

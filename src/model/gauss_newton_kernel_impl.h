// SPDX-License-Identifier: BSD-3-Clause
// What the tangent kernel of the points is made of, by gauss_newton_kernel.c, for
// gauss_newton_kernel_rows.c to make its rows from. The formulas are in the former.
#pragma once

#include "gauss_newton_impl.h"

// What adds to K: a node, or it and all below it.
typedef struct htf_gauss_newton__part {
  int node;
  int64_t cols, rows, tuples; // Q, R, tuples of the node; of the root's, joined, Q = R
  // The node alone:
  htf_factor *factor; // [factors] their product is E; of the root E P
  int factors;
  int64_t env_tuples;  // where E is but one table: its rows; else 0
  bool slope, weights; // times sqrt(c), times w
  htf_matrix table;    // P; no data at the root and at a one-hot leaf
  // With T:
  double *env;                    // [points, Q] rows of sqrt(c) E by tuple and point
  double *t;                      // [tuples Q, tuples Q]
  int64_t *order, *place, *start; // points by tuple, where each is among them; where each
                                  // tuple's start [tuples + 1]
} htf_gauss_newton__part;

struct htf_gauss_newton__kernel {
  const htf_evaluation *frozen; // at theta
  int64_t points;
  int parts, nodes;
  htf_gauss_newton__part *part;
  int *part_of;         // [nodes], -1: none
  int32_t **at;         // [nodes][points] which row of P and V; not of the root
  double **pull;        // [nodes][points, R*] rows of sqrt(c) E W^T above a node alone
  double **own;         // [nodes] V where the evaluation has none
  double *slope;        // [points] sqrt(c)
  double *weights;      // [R_root] w^2
  double *ones;         // [R_root*], E of an only child of the root
  int32_t *each;        // [points] 0, 1, ..
  htf_factor *shifted;  // [most factors]
  int32_t *picked;      // [most factors, block]
  double *made;         // [block, widest*] rows of E or P
  double *one, *other;  // [points, block]; of one what it needs
  double *left, *right; // [widest Q or R, block] columns of a part's E^T or P^T
  double *row, *turned; // [block, tuples Q] of E^T T; and turned
};

// What a part's E of these points is made of, but for w and c, into `made`: of those
// `which`, or from `start` on.
void htf_gauss_newton__make_env(const htf_gauss_newton__kernel *kernel,
                                const htf_gauss_newton__part *part, const int32_t *which,
                                int64_t start, int64_t rows);

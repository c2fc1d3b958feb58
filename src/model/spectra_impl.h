// SPDX-License-Identifier: BSD-3-Clause
// What spectra are made of: triangular factors (spectra_factors.c) or the tensor itself
// (spectra_whole.c), partitions off the tree (spectra_cut.c), and the cost of each
// (spectra_cost.c).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "htflow/dense.h"
#include "htflow/model.h"
#include "htflow/spectra.h"

static inline int64_t htf_spectra__smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static inline int64_t htf_spectra__larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}

// The product of the sizes of a set of modes.
double htf_spectra__tuples(const htf_model *model, uint64_t modes);
// The modes of a node as a set.
uint64_t htf_spectra__modes(const htf_tree *tree, int node);

// ---- triangular factors ---------------------------------------------------------------

// data 2^exponent, [rows, cols] row-major: one component a row.
typedef struct htf_spectra__factor {
  double *data;
  int64_t rows, cols;
  int exponent;
} htf_spectra__factor;

// Columns of a node's factors: of B_v, of the product of B of it and its later siblings,
// and of F_v.
typedef struct htf_spectra__shape {
  int64_t frame, suffix, environment;
} htf_spectra__shape;

// Those of all nodes, [nodes].
void htf_spectra__shapes(const htf_model *model, htf_spectra__shape *shape);

typedef struct htf_spectra__factors {
  const htf_model *model;
  const htf_tree *tree;
  int root;
  htf_spectra__factor *frame;       // [nodes]: B_v^T [R_parent, k_v], lower trapezoidal
  htf_spectra__factor *suffix;      // [nodes]: B o of v and its later siblings; the last's
                                    // is its frame
  htf_spectra__factor *environment; // [nodes]: F_v^T [R_parent, f_v]
  htf_spectra__factor prefix; // F_v W^(v)^T o B of the children before the one at hand
  double *ones;               // [R_root], where the root's weights are frozen
  double *panel;              // [R, (PANEL + 2) R] for the largest R
  htf_dense_work *work;
} htf_spectra__factors;

// Raises HTF_E_MEMORY.
htf_status htf_spectra__factors_create(const htf_model *model,
                                       const htf_spectra__shape *shape,
                                       htf_spectra__factors **factors);
void htf_spectra__factors_destroy(htf_spectra__factors **factors);
// Frames up, environments down.
void htf_spectra__factors_compute(htf_spectra__factors *factors, const double *theta);
// The values at a node, [count]. Raises HTF_E_NUMERIC.
htf_status htf_spectra__factors_values(htf_spectra__factors *factors, int node,
                                       int64_t count, double *values);

// W^(v) [R_v, R_parent].
htf_matrix htf_spectra__weights(const htf_spectra__factors *factors, int v,
                                const double *theta);
htf_matrix htf_spectra__view(htf_spectra__factor factor);
// The first columns of a matrix as a factor, its largest entry brought to [1/2, 1).
void htf_spectra__keep(htf_matrix a, int exponent, htf_spectra__factor *out);
// The factor L [R, min(R, k l)] of the Khatri-Rao product of outer [R, k], lower
// trapezoidal, and inner [R, l]; `out` may be `inner`.
void htf_spectra__multiply(htf_spectra__factors *factors, htf_spectra__factor outer,
                           htf_spectra__factor inner, htf_spectra__factor *out);
// The values of a matrix in work memory, which is lost, times 2^exponent; NANs where it is
// not finite. `matrix` has at most `count` of them. Raises HTF_E_NUMERIC.
htf_status htf_spectra__decompose(htf_dense_work *work, htf_matrix matrix, int exponent,
                                  int64_t count, double *values);

// ---- the tensor itself ----------------------------------------------------------------

typedef struct htf_spectra__whole htf_spectra__whole;

// More entries than this are never formed.
#define HTF_SPECTRA__ENTRIES 0x1p22

htf_status htf_spectra__whole_create(const htf_model *model, htf_spectra__whole **whole);
void htf_spectra__whole_destroy(htf_spectra__whole **whole);
// Forms the tensor.
void htf_spectra__whole_compute(htf_spectra__whole *whole, const double *theta);
// Its values with these modes as rows. Raises HTF_E_NUMERIC.
htf_status htf_spectra__whole_values(htf_spectra__whole *whole, uint64_t modes,
                                     int64_t count, double *values);

// ---- partitions off the tree ----------------------------------------------------------

typedef struct htf_spectra__cut htf_spectra__cut;

// Raises HTF_E_CONFIG where it takes too much; HTF_E_MEMORY.
htf_status htf_spectra__cut_create(const htf_spectra__factors *factors,
                                   const htf_spectra__shape *shape, uint64_t modes,
                                   htf_spectra__cut **cut);
void htf_spectra__cut_destroy(htf_spectra__cut **cut);
int64_t htf_spectra__cut_count(const htf_spectra__cut *cut);
// From the factors as last computed, at the same theta.
htf_status htf_spectra__cut_values(htf_spectra__cut *cut, htf_spectra__factors *factors,
                                   const double *theta, double *values);
// What it takes, in floating-point operations, and the most numbers held at once.
typedef struct htf_spectra__need {
  double flops, held, rows, cols; // rows x cols: the last matrix
} htf_spectra__need;
htf_spectra__need htf_spectra__cut_need(const htf_model *model,
                                        const htf_spectra__shape *shape, uint64_t modes);

// That it is not too much. Raises HTF_E_CONFIG.
htf_status htf_spectra__cut_check(const htf_model *model, uint64_t modes,
                                  htf_spectra__need need);

// ---- both -----------------------------------------------------------------------------

// Spectra made in one way or the other, whatever it costs.
htf_status htf_spectra__create_as(const htf_model *model, bool whole,
                                  htf_spectra **spectra);

// ---- costs ----------------------------------------------------------------------------

// Floating-point operations of singular values alone, and of all nodes' by either way.
double htf_spectra__svd_flops(double rows, double cols);
double htf_spectra__factored_flops(const htf_model *model, const htf_spectra__shape *shape);
double htf_spectra__whole_flops(const htf_model *model);
// Which is cheaper.
bool htf_spectra__prefers_whole(const htf_model *model, const htf_spectra__shape *shape);

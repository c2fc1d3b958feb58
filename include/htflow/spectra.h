// SPDX-License-Identifier: BSD-3-Clause
// spectra.h: singular values of a hierarchical tensor factorization's matricizations, from
// the factors (room: model; theory.md section 4).
//
// The matricization of the end tensor at a node v has the modes of v as rows and the others
// as columns. With U_v [prod of D_n over v, R_parent], whose columns are the W^(v,r), it is
// U_v E_v^T; E_v is the environment, what the rest of the tree makes of each r. Neither is
// formed: only their triangular factors are, no larger than R x R, U_v = Q B_v and
// E_v = Q' F_v, so that the singular values are those of B_v F_v^T.
//
//   up:    B_leaf = QR of W^(leaf);  B_v = QR of (o_c B_c) W^(v), c the children of v
//   down:  F_root = 1;  F_c = QR of (F_v W^(v)^T) o (o_d B_d), d the other children of v
//
// o is the row-wise outer product, column by column (Khatri-Rao). Of three factors and more
// it is made one at a time, each product triangularised before the next; what stands before
// and what stands behind a child are shared by its siblings, so that a node with a children
// takes 3 a - 3 products. One product has up to R^2 rows; it is made and triangularised in
// panels of 5 R rows, skipping the columns where a triangular factor is zero.
//
// Where the tensor is small beside the widths (order 4, mode 16, width 512: 65,536 entries)
// it is cheaper to form it and to decompose each matricization: below 2^22 entries the
// operations of both ways are counted, and the cheaper one is taken. Accuracy is the same.
//
// Cost, factored: about R^4 a product, (3 a - 3) R^4 for each interior node and R^3 for the
// values of each node; memory R^2 for each node and 6 R^2 of work. R is the largest width;
// a mode or a subtree with fewer index tuples than R counts by these.
//
// Accuracy: Householder QR and SVD throughout, no Gram matrix. The absolute error of each
// value is a few roundings (1e-15) of the largest, so values are seen down to 1e-15 of
// it, with three digits at 1e-12. Where the tensor is a small difference of large terms,
// read: of those terms. Scales are carried as powers of two, so that nothing but the values
// themselves can over- or underflow.
#pragma once

#include <stdint.h>

#include "htflow/door.h"
#include "htflow/model.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

typedef struct htf_spectra htf_spectra;

// All memory for the spectra of one model, which is borrowed. Raises HTF_E_MEMORY.
htf_status htf_spectra_create(const htf_model *model, htf_spectra **spectra);
// Floating-point operations of one computation for this model, leading terms; what
// htf_spectra_create would choose.
htf_status htf_spectra_cost(const htf_model *model, double *flops);
void htf_spectra_destroy(htf_spectra **spectra);

// The singular values at all nodes but the root, for these weights; allocates nothing.
// Where a node's matrix is not finite its values are NAN. Raises HTF_E_NUMERIC if LAPACK
// finds no singular values; all values are then void.
htf_status htf_spectra_compute(htf_spectra *spectra, const double *theta);

const htf_tree *htf_spectra_tree(const htf_spectra *spectra); // borrowed

// How many values a node other than the root has: the rank its place in the tree allows, at
// most R_parent. The matricization's others are zero. At a unary node they are its child's.
int64_t htf_spectra_count(const htf_spectra *spectra, int node);
// They, descending: [count], borrowed, as of the last compute; zeros before the first.
const double *htf_spectra_values(const htf_spectra *spectra, int node);

// How far the tensor is, in the Frobenius norm, from the nearest of hierarchical rank at
// most `rank` at every node; that lies between
//   low   max_v tail_v(rank): one matricization alone is no nearer, and
//   high  sqrt(sum_v tail_v(rank)^2): what truncating at one node after another attains
//         (hierarchical SVD: Grasedyck, SIAM J. Matrix Anal. Appl. 31, 2010, Theorem 3.11),
// v over the nodes but the root; of nodes with the same matricization (two children of the
// root, a unary node and its child) one. As of the last compute; NAN where a value is.
typedef struct htf_spectra_bounds {
  double low, high;
} htf_spectra_bounds;
htf_spectra_bounds htf_spectra_truncation(const htf_spectra *spectra, int64_t rank);

// ---- partitions that are no node ------------------------------------------------------
//
// Between some modes and the others, any that a cut of the tree exposes cheaply: modes
// gathered by subtrees that meet at one node cost what that node costs, and every further
// node below which both sides are found about R^2 times as much (spectra_cut.c). Even modes
// against odd ones in a deep binary tree are refused; of a tensor that is small enough to
// be formed no partition is.

// Adds one to what is computed: bit n of `modes` says that mode n stands in the rows.
// Raises HTF_E_CONFIG for none or all of the modes; where it takes more than 2e11
// operations or 256 MB, with the cost of this way and of the dense one; HTF_E_MEMORY.
htf_status htf_spectra_choose(htf_spectra *spectra, uint64_t modes);
// Of chosen partition i, from 0 in the order chosen: how many values, and they, as above.
int64_t htf_spectra_chosen_count(const htf_spectra *spectra, int i);
const double *htf_spectra_chosen_values(const htf_spectra *spectra, int i);
// What choosing it would take each time, in floating-point operations. Raises as choosing.
htf_status htf_spectra_choice_cost(const htf_model *model, uint64_t modes, double *flops);

// ---- what a spectrum says -------------------------------------------------------------
//
// Of values [count], none negative, the largest first; count may be 0. A spectrum of zeros
// has rank, entropy and norm zero; one with a NAN gives NAN, and numerical rank 0.

// exp(- sum p_i log p_i), p_i = s_i / sum s: how many values matter.
double htf_spectra_effective_rank(int64_t count, const double *values);
// - sum p_i log p_i, p_i = s_i^2 / sum s^2, in nats.
double htf_spectra_entanglement_entropy(int64_t count, const double *values);
// sum s_i.
double htf_spectra_nuclear_norm(int64_t count, const double *values);
// sum s_i^2 / s_1^2.
double htf_spectra_stable_rank(int64_t count, const double *values);
// How many are larger than tolerance times the largest.
int64_t htf_spectra_numerical_rank(int64_t count, const double *values, double tolerance);
// sqrt(sum of s_i^2 beyond the first `rank`): how far the matrix is from the nearest of
// that rank (Eckart and Young).
double htf_spectra_tail(int64_t count, const double *values, int64_t rank);

HTF_END_DOOR

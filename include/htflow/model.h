// SPDX-License-Identifier: BSD-3-Clause
// model.h: a hierarchical tensor factorization and its parameters (room: model; theory.md
// section 1).
//
// A model is a mode tree with the modes' sizes. Its parameters theta are one contiguous
// array: the weight matrices W^(v) [R_v, R_parent(v)], row-major, one after another in node
// order (R of a leaf is its mode's size, R_parent of the root is 1). In a CP and in a
// matrix factorization the root's weights are ones and are no parameters.
//
// A deep matrix factorization is W = W_L .. W_1 [D_0, D_1], written with unary nodes: above
// leaf 0 a chain u_1 .. u_(L-2) and then the root, so that W = V_0 V_1^T with
// V_0 = W^(0) W^(u_1) .. W^(u_(L-2)) and V_1 = W^(1); L weight matrices in all. A chain
// above leaf 1 is as good. All that is said of interior nodes holds of unary ones, in every
// kind of model: local component (u, r) is column r of the child's matrix and row r of
// W^(u).
//
// A model does not change once made, and owns a copy of the tree. theta is always the
// caller's.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "htflow/door.h"
#include "htflow/random.h"
#include "htflow/status.h"
#include "htflow/tree.h"

HTF_BEGIN_DOOR

typedef enum htf_model_kind {
  HTF_MODEL_HTF,
  HTF_MODEL_CP, // root weights frozen at one; the tree must be flat
  HTF_MODEL_MF, // root weights frozen at one; two modes
} htf_model_kind;

typedef struct htf_model htf_model;

// shape [N]. Raises HTF_E_CONFIG if the tree does not fit it, HTF_E_MEMORY.
htf_status htf_model_create(htf_model_kind kind, const htf_tree *tree, const int64_t *shape,
                            htf_model **model);
void htf_model_destroy(htf_model **model);

htf_model_kind htf_model_get_kind(const htf_model *model); // as created
const htf_tree *htf_model_tree(const htf_model *model);    // borrowed
const int64_t *htf_model_shape(const htf_model *model);    // [N], borrowed
int64_t htf_model_parameters(const htf_model *model);      // length of theta
double htf_model_entries(const htf_model *model);          // of the end tensor
// W^(v): its shape, and where it starts in theta (-1 if frozen).
int64_t htf_model_rows(const htf_model *model, int node);
int64_t htf_model_cols(const htf_model *model, int node);
int64_t htf_model_offset(const htf_model *model, int node);

// ---- initialisation -------------------------------------------------------------------

// Every weight N(0, std^2), in theta's order.
void htf_model_gaussian(const htf_model *model, htf_random *stream, double std,
                        double *theta);
// Every weight of W^(v) N(mean, std^2 R_v^-width_exponent), with R_v the rows of W^(v): how
// many numbers each of its outputs sums, which is the size of a leaf's mode and the width
// of an interior node. Exponent 0 knows no width, 1 keeps V_v as large as P_v at any width.
// The same numbers are drawn as by htf_model_gaussian.
typedef struct htf_normal {
  double mean, std, width_exponent;
} htf_normal;
void htf_model_normal(const htf_model *model, htf_random *stream, htf_normal law,
                      double *theta);
// Each W^(v) is std times a matrix of orthonormal columns, or rows where it has more
// columns than rows, evenly distributed over all such matrices. Raises HTF_E_MEMORY,
// HTF_E_NUMERIC.
htf_status htf_model_orthogonal(const htf_model *model, htf_random *stream, double std,
                                double *theta);
// Each W^(v) is std times the rectangular identity: W^(v)[i, j] = std if i = j, else 0.
void htf_model_identity(const htf_model *model, double std, double *theta);
// Balances theta in place: within each local component all vectors get the geometric mean
// of their norms, sweep after sweep over all components until no norm moves by more than
// 1e-15 relative (Osborne's iteration; theory.md section 3). The end tensor is kept. A
// component with a zero vector becomes zero. Raises HTF_E_MEMORY, HTF_E_NUMERIC after
// 10,000 sweeps or where a weight is not finite; theta then stays as it was.
htf_status htf_model_balance(const htf_model *model, double *theta);
// Balances theta and then unbalances it, the end tensor kept: in each local component of a
// node v one vector grows by 1 + delta and another shrinks by it. They are row r of W^(v)
// (of a frozen root, column r of the last child) and column r of the first child, in this
// order at even depths and the other way round at odd ones. As a weight stands in two
// components, the norms in one then differ by 1 to 4 factors of 1 + delta: the
// unbalancedness magnitude is at least 1 - (1 + delta)^-2 and at most (1 + delta)^4 - (1 +
// delta)^-4 times the largest sigma^(2 / K_v). delta >= 0. Raises as balancing, and
// HTF_E_CONFIG for delta.
htf_status htf_model_unbalance(const htf_model *model, double delta, double *theta);

// ---- local components (theory.md section 3) -------------------------------------------

// The local component (v, r) of an interior node v is column r of each child's weight
// matrix and, unless frozen, row r of W^(v); K_v vectors in all.
int htf_model_component_vectors(const htf_model *model, int node);
// sigma^(v,r), the product of the vectors' norms, for r = 0 .. R_v - 1. Cost: theta's size.
// Raises HTF_E_MEMORY.
htf_status htf_model_component_norms(const htf_model *model, int node, const double *theta,
                                     double *sigma /* [R_v] */);
// The squared norms of all vectors of all components, node by node, r by r, children first,
// row last; `count` of them. Their differences within a component are what the flow keeps.
int64_t htf_model_vector_count(const htf_model *model);
void htf_model_vector_norms2(const htf_model *model, const double *theta, double *norms2);
// Their rates under the flow, d||w||^2/dt = -2 <w, dL/dw>, in the same order, from theta
// and the gradient of L at theta. Within a component all are equal but for rounding: 2
// sigma
// <-grad L(W_H), C>, of a frozen root too.
void htf_model_vector_rates(const htf_model *model, const double *theta,
                            const double *gradient, double *rates);
// The unbalancedness magnitude: the largest | ||w||^2 - ||w'||^2 | over the pairs of each
// component, from those squared norms.
double htf_model_unbalancedness(const htf_model *model, const double *norms2);
// The largest change of such a difference from one set of squared norms to another: zero
// under exact gradient flow. Absolute.
double htf_model_unbalancedness_drift(const htf_model *model, const double *norms2,
                                      const double *norms2_start);
// < row r of W^(v), row r of dL/dW^(v) > = sigma^(v,r) <grad L(W_H), C^(v,r)> for each r,
// from theta and the gradient of L at theta. v must not be frozen.
void htf_model_component_drive(const htf_model *model, int node, const double *theta,
                               const double *gradient, double *drive /* [R_v] */);

// ---- the whole tensor -----------------------------------------------------------------

// Frobenius norm of the end tensor, from the factors: Gram matrices from the leaves up, at
// any order. Relative accuracy 1e-8 at worst where the tensor nearly cancels. Raises
// HTF_E_MEMORY.
htf_status htf_model_norm(const htf_model *model, const double *theta, double *norm);

// ||sigma^(v,r) C^(v,r)||, the Frobenius norm of the part of W_H that flows through each
// local component: node by node over the interior ones, r by r. From the same matrices, up
// and down; cost 8 R^3 a node. Raises HTF_E_MEMORY.
htf_status htf_model_part_norms(const htf_model *model, const double *theta, double *norms);

// Work memory to write out whole end tensors of this model.
typedef struct htf_expansion htf_expansion;
// Raises HTF_E_MEMORY; HTF_E_CONFIG, with the number of bytes, for 2^31 entries or more.
htf_status htf_expansion_create(const htf_model *model, htf_expansion **expansion);
void htf_expansion_destroy(htf_expansion **expansion);
// The end tensor [D_1, .., D_N], row-major, modes ascending.
void htf_expansion_apply(htf_expansion *expansion, const double *theta, double *tensor);

HTF_END_DOOR

// SPDX-License-Identifier: BSD-3-Clause
// evaluation.h: values of a model at points, the pullback of a slope to the parameters, and
// exact second-order products (room: model; theory.md section 6).
//
// With the tables of points.h, from the leaves up, row by row:
//     leaf n:      V_n = rows of W^(n) at the points' indices               [n_v, R_parent]
//                  or X_n W^(n), where the points are vectors
//     interior v:  P_v = product over children c of V_c, rows gathered      [n_v, R_v]
//                  V_v = P_v W^(v)                                          [n_v, R_parent]
//     values:      y = V_root                                               [m]
// (a unary node's product is its child's table itself),
// and for slopes e = dL/dy back down:
//     dV_root = e;  dW^(v) = P_v^T dV_v;  dP_v = dV_v W^(v)^T;
//     dV_c += dP_v * product over the other children, rows scattered;
//     leaf n:      rows of dW^(n) are rows of dV_n, or dW^(n) = X_n^T dV_n.
// Over all entries the root's two groups of children have tables K_1, K_2 of all tuples,
// and the tensor, rows and columns numbered by these, is Y = K_1 diag(w) K_2^T: the root is
// matrix products like the rest.
//
// At a root with two interior children y = P_1 W_1 diag(w) W_2^T P_2^T: where the tables
// are taller than the matrices, these are multiplied first, and one child's products are
// spared.
//
// Runs on the same samples and tree could be evaluated as one, side by side in wider rows.
// It is not worth it: four at once, each gradient would gain 6 % at order 4, mode 8, width
// 16, 1,024 samples, and 2 % at 16, 2, 16, 2,048, since the products stay as small as they
// are, and the loops over rows fill their vectors from a width of 8 on.
//
// The second-order product differentiates both sweeps along a direction (forward over
// reverse), reusing the tables of the first.
//
// An evaluation owns all work memory, made once; its verbs allocate nothing. The verbs
// build on each other: pullback needs the forward sweep at the same theta to be the last
// one made, tangent needs forward, and second all three. It borrows model and points, which
// must outlive it. Values and slopes are in the order of the points as given to
// htf_points_create.
#pragma once

#include <stdint.h>

#include "htflow/door.h"
#include "htflow/model.h"
#include "htflow/points.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

typedef struct htf_evaluation htf_evaluation;

// What an evaluation will be asked for; less asks for less memory.
typedef enum htf_evaluation_use {
  HTF_USE_VALUES,   // forward only
  HTF_USE_GRADIENT, // and pullback
  HTF_USE_HESSIAN,  // and second-order products
} htf_evaluation_use;

// Raises HTF_E_MEMORY, also where a node's table has 2^32 numbers.
htf_status htf_evaluation_create(const htf_model *model, const htf_points *points,
                                 htf_evaluation_use use, htf_evaluation **evaluation);
void htf_evaluation_destroy(htf_evaluation **evaluation);

// y = values at theta, [m].
void htf_evaluation_forward(htf_evaluation *evaluation, const double *theta, double *y);
// gradient = (dy/dtheta)^T e, [parameters]; e is [m]. Cost with the forward sweep: 3 matrix
// products of [n_v, R_v] x [R_v, R_parent] a node.
void htf_evaluation_pullback(htf_evaluation *evaluation, const double *theta,
                             const double *e, double *gradient);
// dy = (dy/dtheta) direction, [m].
void htf_evaluation_tangent(htf_evaluation *evaluation, const double *theta,
                            const double *direction, double *dy);
// product = d/dtheta [(dy/dtheta)^T e] direction + (dy/dtheta)^T de: with e = dL/dy and
// de = (d^2 L/dy^2) dy, the Hessian of L times the direction. The last tangent call must
// have had the same direction, the last pullback the same e.
void htf_evaluation_second(htf_evaluation *evaluation, const double *theta,
                           const double *direction, const double *de, double *product);
// Bytes of work memory, and floating-point operations in the matrix products of one forward
// and one pullback.
int64_t htf_evaluation_bytes(const htf_evaluation *evaluation);
double htf_evaluation_flops(const htf_evaluation *evaluation);
// Bytes that one forward and one pullback read and write: each row of a table once in each
// loop that needs it, gathered rows as often as they are gathered, each matrix of a product
// once. Indices are left out.
double htf_evaluation_traffic(const htf_evaluation *evaluation);

HTF_END_DOOR

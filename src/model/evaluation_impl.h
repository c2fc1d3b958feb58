// SPDX-License-Identifier: BSD-3-Clause
// What the files behind evaluation.h share. tables.c makes the struct, evaluation.c walks
// it in first order, second.c in second, root.c does the root.
//
// Widths are padded to multiples of 8 with zeros (kernels_impl.h). A leaf whose parent's
// width needs no padding has no tables: its V is W itself in theta, its dV the gradient's
// block, and the gathers go to the rows of W directly. For second-order products P and P',
// and dV' and dV, alternate row by row, so that P'^T dV + P^T dV' is one matrix product of
// twice the height.
#pragma once

#include <stdbool.h>

#include "htflow/dense.h"
#include "htflow/evaluation.h"
#include "kernels_impl.h"

enum { HTF_PANEL = 64 }; // rows at a time of a root with more than two children

// A node v. n is the number of its rows, R its width (D of a leaf), Q = R_parent, both as
// in W^(v) [R, Q]; R* and Q* are padded.
typedef struct htf_evaluation_node {
  int children, parent;
  int64_t n, rows, cols, width, outer; // n, R, Q, R*, Q*
  int64_t offset;
  bool direct;             // a leaf without tables
  bool partial;            // not all of its sums are overwritten: clear before summing
  htf_rows value, adjoint; // V, dV [n, Q*], of a leaf [D, Q*]
  htf_rows product, slope; // P, dP [n, R*] of an interior node but the root
  double *flipped[2];      // W^T, W'^T [Q, R] of interior nodes with small matrices
  double *sum;             // G [n, Q*] of a child of a root of two, for second order
  htf_factor *factors;     // [children]
  htf_segments *segments;  // [children] if there are two
  htf_factor *as_factor;   // of the parent
} htf_evaluation_node;

struct htf_evaluation {
  const htf_model *model;
  const htf_points *points;
  const htf_tree *tree;
  const htf_kernels *kernels;
  htf_evaluation_use use;
  int root;
  int64_t count, bytes;
  htf_evaluation_node *nodes;
  htf_factor *factors, *shifted;
  htf_segments *segments;
  char *arena;
  double *work;                        // of spread
  htf_rows weights;                    // w, w' of the root [1, R*]
  double *weights_sum;                 // dw
  double *e;                           // [m], what the last pullback was given
  htf_rows panel_product, panel_slope; // [HTF_PANEL, R*], root of more than two
};

// The view [n, cols] of a table's values or tangents.
htf_matrix htf_evaluation__view(const double *data, int64_t n, int64_t cols,
                                int64_t stride);
// W^(v) in an array laid out like theta.
htf_matrix htf_evaluation__weights(const htf_evaluation_node *v, const double *theta);
// C = A W^T + beta C, with W^(v) in an array laid out like theta and `flipped` W^T or NULL.
void htf_evaluation__multiply_back(const htf_evaluation_node *v, htf_matrix a,
                                   const double *theta, const double *flipped, double beta,
                                   htf_matrix c);
// Points the leaves' V at theta, or V' at a direction, copying where padding is needed.
void htf_evaluation__bind(htf_evaluation *e, const double *theta, bool tangent);
// Before and after a node's sums into its children's dV, or dV', where leaves' sums end in
// an array laid out like theta.
void htf_evaluation__open_sums(htf_evaluation *e, int node, double *gradient, bool tangent);
void htf_evaluation__close_sums(htf_evaluation *e, int node, double *gradient,
                                bool tangent);

// y, or with tangent its derivative, from the root's children.
void htf_evaluation__root_values(htf_evaluation *e, double *y, bool tangent);
// Sums into the root's children and its weights' gradient. e_tangent NULL: first order.
void htf_evaluation__root_sums(htf_evaluation *e, const double *slopes,
                               const double *slopes_tangent, double *gradient);
// Allocates and lays out everything (tables.c).
htf_status htf_evaluation__lay_out(htf_evaluation *e);

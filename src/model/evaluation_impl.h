// SPDX-License-Identifier: BSD-3-Clause
// What the files behind evaluation.h share. tables.c makes the struct, evaluation.c walks
// it in first order, second.c in second, root.c does the root, root_whole.c the root over
// all entries, core.c what joins the root's two children.
//
// Widths are padded to multiples of 8 with zeros (kernels_impl.h). A leaf whose parent's
// width needs no padding has no tables: its V is W itself in theta, its dV the gradient's
// block, and the gathers go to the rows of W directly. A leaf of points given by vectors X
// has V = X W, and sums dW = X^T dV. For second-order products P and P',
// and dV' and dV, alternate row by row, so that P'^T dV + P^T dV' is one matrix product of
// twice the height.
#pragma once

#include <stdbool.h>

#include "htflow/dense.h"
#include "htflow/evaluation.h"
#include "kernels_impl.h"

// Rows at a time of a root with more than two children, and of all entries out of order.
enum { HTF_PANEL = 64, HTF_WHOLE_PANEL = 128 };

// An array laid out like theta, as a verb's argument.
typedef enum htf_role {
  HTF_OF_THETA,
  HTF_OF_DIRECTION,
  HTF_OF_GRADIENT,
  HTF_OF_PRODUCT,
  HTF_ROLES
} htf_role;

// A node v. n is the number of its rows, R its width (D of a leaf), Q = R_parent, both as
// in W^(v) [R, Q]; R* and Q* are padded.
typedef struct htf_evaluation_node {
  int children, parent;
  int64_t n, rows, cols, width, outer; // n, R, Q, R*, Q*
  int64_t offset;
  const double *inputs;    // X [n, R] of a leaf given vectors
  int64_t stored;          // rows of V: n, at a leaf given indices R
  bool direct;             // a leaf without tables
  bool partial;            // not all of its sums are overwritten: clear before summing
  htf_rows value, adjoint; // V, dV [stored, Q*]
  htf_rows product, slope; // P, dP [n, R*] of an interior node but the root
  double *flipped[2];      // W^T, W'^T [Q, R] of interior nodes with small matrices
  double **matrix;         // by role, of a node whose W is the core's M; else NULL
  bool bare;               // V is P and dV is dP: the other side of the core
  htf_factor *factors;     // [children]
  htf_segments *segments;  // [children] if there are two
  htf_factor *as_factor;   // of the parent
} htf_evaluation_node;

// Half of a root over two children, or over all entries: one child or a group of children,
// whose tuples of rows are K [n, R*]. K is the V of an only child.
typedef struct htf_evaluation_side {
  int first, children;     // the root's children in it
  int64_t n;               // rows
  htf_rows value, adjoint; // K, dK of two children or more
  double *sum;             // G [n, R*], for second order
} htf_evaluation_side;

// The product M of the three matrices at the root (core.c). left NULL: there is none.
typedef struct htf_evaluation_core {
  htf_evaluation_node *left, *right;
  int64_t rows, cols, between;    // R_1, R_2, Q
  int64_t first, second, weights; // where W_1, W_2 and w stand in theta
  double *matrix[HTF_ROLES];      // M, M', dM, dM' [R_1, R_2]
  double *scaled[2], *pulled;     // A, A'; T [R_1, Q]
  double *flipped[2];             // W_2^T, W_2'^T [Q, R_2], where small
} htf_evaluation_core;

struct htf_evaluation {
  const htf_model *model;
  const htf_points *points;
  const htf_tree *tree;
  const htf_kernels *kernels;
  htf_evaluation_use use;
  int root;
  bool whole; // the points are all entries
  int64_t count, bytes;
  htf_evaluation_node *nodes;
  htf_factor *factors, *shifted;
  htf_segments *segments;
  htf_evaluation_side side[2];
  htf_evaluation_core core;
  char *arena;
  double *work;                        // of spread
  htf_rows weights;                    // w, w' of the root [1, R*]
  double *weights_sum;                 // dw
  double *e;                           // [m], what the last pullback was given
  htf_rows panel_product, panel_slope; // [HTF_PANEL, R*], root of more than two
  htf_rows scaled;                     // K diag(w) of side 1, over all entries
  double *entries;                     // some entries in tree order, if that is another
};

// The view [n, cols] of a table's values or tangents.
htf_matrix htf_evaluation__view(const double *data, int64_t n, int64_t cols,
                                int64_t stride);
// W^(v) in an array laid out like theta, or the core's matrix in its place.
htf_matrix htf_evaluation__weights(const htf_evaluation_node *v, htf_role role,
                                   const double *array);
// C = A W^T + beta C, with `flipped` W^T or NULL.
void htf_evaluation__multiply_back(htf_matrix a, htf_matrix w, const double *flipped,
                                   double beta, htf_matrix c);
// Points the V of leaves without tables at theta, or V' at a direction.
void htf_evaluation__bind(htf_evaluation *e, const double *theta, bool tangent);
// The same, and makes V or V' of all other leaves and copies the root's weights.
void htf_evaluation__load(htf_evaluation *e, const double *theta, bool tangent);
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
// Side i of a root of two sides, for the sums into it.
htf_root_side htf_evaluation__side(const htf_evaluation *e, int i, bool tangent);
// As the two above over all entries; the root's children and weights are open for sums.
void htf_evaluation__whole_values(htf_evaluation *e, double *y, bool tangent);
void htf_evaluation__whole_sums(htf_evaluation *e, const double *slopes,
                                const double *slopes_tangent);
// The core, where products with it are fewer, before anything is laid out; M and M', before
// the nodes are walked up; from dM and dM' the gradients of W_1, W_2 and w, after they were
// walked down.
void htf_evaluation__find_core(htf_evaluation *e);
void htf_evaluation__make_core(htf_evaluation *e, const double *theta);
void htf_evaluation__make_core_tangent(htf_evaluation *e, const double *theta,
                                       const double *direction);
void htf_evaluation__pull_core(htf_evaluation *e, const double *theta, double *gradient);
void htf_evaluation__pull_core_tangent(htf_evaluation *e, const double *theta,
                                       const double *direction, double *product);
// Allocates and lays out everything (tables.c).
htf_status htf_evaluation__lay_out(htf_evaluation *e);

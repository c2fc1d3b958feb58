// SPDX-License-Identifier: BSD-3-Clause
// points.h: where a model is evaluated, as tables of distinct sub-indices (room: model;
// theory.md section 6).
//
// Points are given in one of three ways:
//   entries    index tuples (i_1, .., i_N); the value is that entry of the end tensor
//   vectors    tuples of vectors x^(1), .., x^(N); the value is
//              <W_H, x^(1) o ... o x^(N)>. An entry is the case of one-hot vectors.
//   all        every entry once, in row-major order of ascending modes
//
// Of m index tuples only few are distinct when seen from one node: at node v, n_v distinct
// tuples of v's modes (n_v <= min(m, product of its modes' sizes)). A points object holds,
// for each node, its n_v and, for each of these rows, the row of every child's table; for
// the root the rows are the m points themselves. Rows are sorted by the first child's row,
// then the second's, so that a scatter into the first child is a sum over segments. At a
// unary node the rows are the child's.
//
// Vectors are all held to be distinct: n_v = m everywhere, every gather is 0, 1, .., m - 1,
// and leaf n holds X_n [m, D_n] in place of indices.
//
// Of all entries, n_v is the product of the sizes, and the root's m rows are not listed.
// Its children are split into two groups, each with the table of all tuples of its
// children's rows; a point is a row of the one and a row of the other.
//
// Points depend on the tree's shape, not on widths or weights, and do not change once made.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "htflow/door.h"
#include "htflow/status.h"
#include "htflow/tree.h"

HTF_BEGIN_DOOR

typedef struct htf_points htf_points;

// indices [m, N], from 0, mode by mode as numbered (not as the tree lists them); m may be 0
// and must, as each of shape [N], be below 2^31. Duplicated tuples are allowed. Cost:
// O(m N). Raises HTF_E_DATA naming the first index out of range, HTF_E_MEMORY.
htf_status htf_points_create(const htf_tree *tree, const int64_t *shape, int64_t m,
                             const int64_t *indices, htf_points **points);
// inputs [m, N, D] with D the largest of shape; of mode n's vector the first D_n count. m
// as above. Raises HTF_E_DATA naming the first number that is not finite, HTF_E_MEMORY.
htf_status htf_points_create_vectors(const htf_tree *tree, const int64_t *shape, int64_t m,
                                     const double *inputs, htf_points **points);
// Raises HTF_E_DATA for a size, HTF_E_CONFIG, with the number of bytes, for 2^31 entries or
// more, HTF_E_MEMORY.
htf_status htf_points_create_all(const htf_tree *tree, const int64_t *shape,
                                 htf_points **points);
void htf_points_destroy(htf_points **points);

int64_t htf_points_count(const htf_points *points);          // m
int64_t htf_points_rows(const htf_points *points, int node); // n_v; m for the root
// At an interior node, the row of child i's table for each of the node's rows: [n_v],
// borrowed. At the root over all entries, for each row of the group that child is in.
const int32_t *htf_points_gather(const htf_points *points, int node, int i);
// Row r of the first child's table is gathered by the node's rows segments[r] ..
// segments[r + 1] - 1, at least one: [n of the first child + 1], borrowed. Not at the root
// over all entries.
const int32_t *htf_points_segments(const htf_points *points, int node);
// At a leaf, the index along its mode for each of its rows: [n_v], ascending, borrowed. Not
// of vectors.
const int32_t *htf_points_index(const htf_points *points, int node);
// At a leaf of points given by vectors, X_n [m, D_n], borrowed; NULL elsewhere.
const double *htf_points_inputs(const htf_points *points, int node);
// The order in which the root's rows stand: root row k is point order[k] of what was given.
// Equal points stand in the order given. [m], borrowed. Not of all entries.
const int64_t *htf_points_order(const htf_points *points);

// ---- all entries ----------------------------------------------------------------------

bool htf_points_are_all(const htf_points *points); // made by htf_points_create_all
// Of group 0 or 1: how many of the root's children are in it, from `first` on; its rows;
// and where they lie: point place_0[i] + place_1[j] is row i of group 0 with row j of
// group 1.
int htf_points_group_children(const htf_points *points, int group, int *first);
int64_t htf_points_group_rows(const htf_points *points, int group);
const int64_t *htf_points_place(const htf_points *points, int group); // borrowed

HTF_END_DOOR

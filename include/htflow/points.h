// SPDX-License-Identifier: BSD-3-Clause
// points.h: where a model is evaluated, as tables of distinct sub-indices (room: model;
// theory.md section 6).
//
// Of m index tuples only few are distinct when seen from one node: at node v, n_v distinct
// tuples of v's modes (n_v <= min(m, product of its modes' sizes)). A points object holds,
// for each node, its n_v and, for each of these rows, the row of every child's table; for
// the root the rows are the m points themselves. Rows are sorted by the first child's row,
// then the second's, so that a scatter into the first child is a sum over segments.
//
// Points depend on the tree's shape, not on widths or weights, and do not change once made.
#pragma once

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
void htf_points_destroy(htf_points **points);

int64_t htf_points_count(const htf_points *points);          // m
int64_t htf_points_rows(const htf_points *points, int node); // n_v; m for the root
// At an interior node, the row of child i's table for each of the node's rows: [n_v],
// borrowed.
const int32_t *htf_points_gather(const htf_points *points, int node, int i);
// Row r of the first child's table is gathered by the node's rows segments[r] ..
// segments[r + 1] - 1, at least one: [n of the first child + 1], borrowed.
const int32_t *htf_points_segments(const htf_points *points, int node);
// At a leaf, the index along its mode for each of its rows: [n_v], ascending, borrowed.
const int32_t *htf_points_index(const htf_points *points, int node);
// The order in which the root's rows stand: root row k is point order[k] of `indices`.
// Equal points stand in the order given. [m], borrowed.
const int64_t *htf_points_order(const htf_points *points);

HTF_END_DOOR

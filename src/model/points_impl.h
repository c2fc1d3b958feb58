// SPDX-License-Identifier: BSD-3-Clause
// How points lie in memory, and what their three makers share: points.c makes them from
// index tuples, points_product.c from vectors and as all entries.
#pragma once

#include "htflow/points.h"

typedef struct htf_points__table {
  int64_t rows;
  int columns;
  int32_t *entry;   // [columns, rows]: gathers of the children, or a leaf's indices
  int32_t *segment; // [rows of the first child + 1]; NULL at a leaf
  double *inputs;   // X [rows, D] of a leaf instead of indices
} htf_points__table;

// Some of the root's children, where the points are all entries.
typedef struct htf_points__group {
  int first, last; // children first .. last - 1
  int64_t rows;
  int32_t *entry; // [last - first, rows]: gathers of these children
  int64_t *place; // [rows]
} htf_points__group;

struct htf_points {
  int64_t count;
  int nodes;
  htf_points__table *at;      // [nodes]
  int64_t *order;             // [count]; NULL if these are all entries
  htf_points__group group[2]; // if these are all entries
};

// Empty tables for this tree.
htf_status htf_points__open(const htf_tree *tree, int64_t count, htf_points **points);
// Raises HTF_E_DATA unless m and the sizes are below 2^31, the sizes positive.
htf_status htf_points__check_sizes(const htf_tree *tree, const int64_t *shape, int64_t m);
// The segments of an interior node, from its first gather, which ascends. Every row of the
// first child has one, since each table holds only what occurs.
htf_status htf_points__mark_segments(htf_points__table *table, int64_t first_child_rows);

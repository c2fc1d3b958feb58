// SPDX-License-Identifier: BSD-3-Clause
// array_impl.h: an array of a layout, and the block of rows that are put but not written.
#pragma once

#include "chunks_impl.h"
#include "layout_impl.h"

struct htf_results__array {
  htf_results__layout *layout; // borrowed
  hid_t id, type;              // the dataset, and its elements' type in memory
  char path[HTF_LAYOUT_PATH];
  htf_results__kind kind;
  bool checked;
  int rank;
  hsize_t dims[HTF_LAYOUT_RANK], chunk[HTF_LAYOUT_RANK];
  bool chunked;
  int64_t row;      // elements of a row
  int64_t capacity; // rows of the block; where chunked, of a chunk
  int64_t written, filled;
  double *reals; // [capacity, row], of these three the one of `kind`
  int64_t *integers;
  char **texts;
  htf_digester *digester;
};

// Empties the block.
void htf_results__array_clear(htf_results__array *array);

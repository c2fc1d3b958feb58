// SPDX-License-Identifier: BSD-3-Clause
// The matricization of a whole tensor at a node, decomposed: an oracle (theory.md section
// 4).
#pragma once

#include "htflow/dense.h"
#include "random_model.h"

// The singular values of the matrix whose rows are the modes of v; returns how many.
static inline int64_t matricization_values(const random_model *c, const double *tensor,
                                           int v, double **values) {
  const int *modes;
  int count = htf_tree_modes(c->tree, v, &modes);
  bool inside[RANDOM_ORDER] = {false};
  int64_t rows = 1, index[RANDOM_ORDER];
  for (int j = 0; j < count; j++) {
    inside[modes[j]] = true;
    rows *= c->shape[modes[j]];
  }
  double *matrix = htf_memory_get((size_t)c->entries, sizeof *matrix);
  int64_t cols = c->entries / rows, size = rows < cols ? rows : cols;
  for (int64_t k = 0; k < c->entries; k++) {
    int64_t row = 0, col = 0;
    entry_index(c, k, index);
    for (int n = 0; n < c->order; n++) {
      int64_t *place = inside[n] ? &row : &col;
      *place = *place * c->shape[n] + index[n];
    }
    matrix[row * cols + col] = tensor[k];
  }
  *values = htf_memory_get((size_t)size, sizeof **values);
  cr_assert(htf_dense_singular_values(htf_matrix_view(matrix, rows, cols), *values) ==
            HTF_OK);
  HTF_FREE(matrix);
  return size;
}

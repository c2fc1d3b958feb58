// SPDX-License-Identifier: BSD-3-Clause
// Spectra of a small tensor, from its entries: cheaper where the widths are large beside
// the modes.
#include <math.h>
#include <string.h>

#include "htflow/memory.h"
#include "spectra_impl.h"

struct htf_spectra__whole {
  const htf_model *model;
  htf_expansion *expansion;
  double *theta;      // [parameters], each matrix scaled by a power of two
  double *tensor;     // [entries] 2^exponent
  double *matrix;     // [entries], and the values of a matrix behind
  int64_t *row, *col; // offsets in the tensor of a matrix's rows and columns
  int exponent;
  htf_dense_work *work;
};

// ---- life -----------------------------------------------------------------------------

// The most rows that a matrix with the smaller side as rows may have.
static int64_t most_rows(int64_t entries) {
  return (int64_t)ceil(sqrt((double)entries));
}

htf_status htf_spectra__whole_create(const htf_model *model, htf_spectra__whole **out) {
  htf_status status = HTF_OK;
  htf_spectra__whole *w = NULL;
  int64_t entries = (int64_t)htf_model_entries(model);
  HTF_NEW(w, 1);
  w->model = model;
  HTF_TRY(htf_expansion_create(model, &w->expansion));
  HTF_NEW(w->theta, htf_model_parameters(model));
  HTF_NEW(w->tensor, entries);
  HTF_NEW(w->matrix, entries + most_rows(entries));
  HTF_NEW(w->row, most_rows(entries));
  HTF_NEW(w->col, entries);
  HTF_TRY(htf_dense_work_create(most_rows(entries), entries, &w->work));
  *out = w;
  w = NULL;
done:
  htf_spectra__whole_destroy(&w);
  return status;
}

void htf_spectra__whole_destroy(htf_spectra__whole **out) {
  htf_spectra__whole *w = *out;
  if (w != NULL) {
    htf_expansion_destroy(&w->expansion);
    HTF_FREE(w->theta);
    HTF_FREE(w->tensor);
    HTF_FREE(w->matrix);
    HTF_FREE(w->row);
    HTF_FREE(w->col);
    htf_dense_work_destroy(&w->work);
    HTF_FREE(*out);
  }
}

// ---- the tensor -----------------------------------------------------------------------

// W^(v), its largest entry brought to [1/2, 1); the power of two that was taken out.
static int scale(const double *from, int64_t count, double *to) {
  double largest = 0;
  int exponent = 0;
  for (int64_t i = 0; i < count; i++) {
    largest = fmax(largest, fabs(from[i]));
  }
  if (largest > 0 && isfinite(largest)) {
    frexp(largest, &exponent);
  }
  for (int64_t i = 0; i < count; i++) {
    to[i] = ldexp(from[i], -exponent);
  }
  return exponent;
}

void htf_spectra__whole_compute(htf_spectra__whole *w, const double *theta) {
  w->exponent = 0;
  for (int v = 0; v < htf_tree_nodes(htf_model_tree(w->model)); v++) {
    int64_t at = htf_model_offset(w->model, v);
    if (at >= 0) {
      int64_t count = htf_model_rows(w->model, v) * htf_model_cols(w->model, v);
      w->exponent += scale(theta + at, count, w->theta + at);
    }
  }
  htf_expansion_apply(w->expansion, w->theta, w->tensor);
}

// ---- matrices -------------------------------------------------------------------------

// Offsets in the tensor of all tuples of these modes, the last mode fastest; their count.
static int64_t offsets(const htf_model *model, uint64_t modes, int64_t *offset) {
  const int64_t *shape = htf_model_shape(model);
  int64_t count = 1, stride = 1;
  offset[0] = 0;
  for (int n = htf_tree_order(htf_model_tree(model)) - 1; n >= 0; n--) {
    if (modes >> n & 1) {
      for (int64_t i = count; i < count * shape[n]; i++) {
        offset[i] = offset[i - count] + stride;
      }
      count *= shape[n];
    }
    stride *= shape[n];
  }
  return count;
}

htf_status htf_spectra__whole_values(htf_spectra__whole *w, uint64_t modes, int64_t count,
                                     double *values) {
  htf_status status = HTF_OK;
  uint64_t others = htf_spectra__modes(htf_model_tree(w->model),
                                       htf_tree_root(htf_model_tree(w->model))) &
                    ~modes;
  bool wide = htf_spectra__tuples(w->model, modes) <= htf_spectra__tuples(w->model, others);
  int64_t rows = offsets(w->model, wide ? modes : others, w->row);
  int64_t cols = offsets(w->model, wide ? others : modes, w->col);
  htf_matrix m = htf_matrix_view(w->matrix, rows, cols);
  double *all = w->matrix + rows * cols;
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t j = 0; j < cols; j++) {
      w->matrix[i * cols + j] = w->tensor[w->row[i] + w->col[j]];
    }
  }
  // Beyond `count` the rank has no values but zeros.
  HTF_TRY(htf_spectra__decompose(w->work, m, w->exponent, rows, all));
  memcpy(values, all, (size_t)count * sizeof *values);
done:
  return status;
}

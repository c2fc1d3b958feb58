// SPDX-License-Identifier: BSD-3-Clause
// Matricizations: which entry of the tensor lies where in the matrix.
#include <math.h>
#include <stdio.h>

#include "grid_impl.h"
#include "htflow/memory.h"

static bool has(uint64_t part, int mode) {
  return (part >> mode & 1) != 0;
}

// Of two parts the one with fewer index tuples is the rows; of equal ones that of mode 0,
// so that complements come to the same.
static uint64_t shorter_part(const htf_grid_tensor *tensor, uint64_t part) {
  double inside = 1, outside = 1;
  uint64_t all = tensor->order == 64 ? UINT64_MAX : (UINT64_C(1) << tensor->order) - 1;
  for (int mode = 0; mode < tensor->order; mode++) {
    *(has(part, mode) ? &inside : &outside) *= (double)tensor->shape[mode];
  }
  bool stays = inside < outside || (inside == outside && has(part, 0));
  return stays ? part : all & ~part;
}

static void merge_modes(htf_grid__matrix *a) {
  a->rows = a->cols = 1;
  a->modes = 0;
  for (int mode = a->tensor->order - 1; mode >= 0; mode--) {
    bool row = has(a->part, mode);
    int64_t *side = row ? &a->rows : &a->cols;
    if (mode == a->tensor->order - 1 || row != has(a->part, mode + 1)) {
      a->size[a->modes] = 1;
      a->row_stride[a->modes] = row ? *side : 0;
      a->col_stride[a->modes] = row ? 0 : *side;
      a->modes++;
    }
    a->size[a->modes - 1] *= a->tensor->shape[mode];
    *side *= a->tensor->shape[mode];
  }
}

htf_status htf_grid__matricize(const htf_grid_tensor *tensor, htf_grid_partition partition,
                               htf_grid__matrix *a) {
  htf_status status = HTF_OK;
  uint64_t part = 0;
  for (int i = 0; i < partition.count; i++) {
    int mode = partition.modes[i];
    HTF_CHECK(0 <= mode && mode < tensor->order, HTF_E_DATA,
              "mode %d of a partition of a tensor of %d modes", mode, tensor->order);
    HTF_CHECK(!has(part, mode), HTF_E_DATA, "mode %d twice in a partition", mode);
    part |= UINT64_C(1) << mode;
  }
  HTF_CHECK(0 < partition.count && partition.count < tensor->order, HTF_E_DATA,
            "a partition of %d of %d modes, must be some and not all", partition.count,
            tensor->order);
  a->tensor = tensor;
  a->part = shorter_part(tensor, part);
  merge_modes(a); // the last mode first
done:
  return status;
}

int64_t htf_grid__entries(const htf_grid__matrix *a) {
  return a->rows * a->cols;
}

// ---- walks ------------------------------------------------------------------------------

void htf_grid__walk_from(const htf_grid__matrix *a, int64_t first, htf_grid__walk *walk) {
  walk->matrix = a;
  walk->row = walk->col = 0;
  for (int i = 0; i < a->modes; i++) {
    walk->index[i] = first % a->size[i];
    first /= a->size[i];
    walk->row += walk->index[i] * a->row_stride[i];
    walk->col += walk->index[i] * a->col_stride[i];
  }
  walk->row_step = (int)a->row_stride[0];
  walk->col_step = (int)a->col_stride[0];
}

int64_t htf_grid__walk_line(const htf_grid__walk *walk, int64_t left) {
  int64_t line = walk->matrix->size[0] - walk->index[0];
  return line < left ? line : left;
}

void htf_grid__walk_on(htf_grid__walk *walk, int64_t line) {
  const htf_grid__matrix *a = walk->matrix;
  walk->index[0] += line;
  walk->row += line * a->row_stride[0];
  walk->col += line * a->col_stride[0];
  for (int i = 0; walk->index[i] == a->size[i] && i + 1 < a->modes; i++) {
    walk->index[i] = 0;
    walk->index[i + 1]++;
    walk->row += a->row_stride[i + 1] - a->size[i] * a->row_stride[i];
    walk->col += a->col_stride[i + 1] - a->size[i] * a->col_stride[i];
  }
}

// ---- reading ----------------------------------------------------------------------------

static void print_place(const htf_grid_tensor *tensor, int64_t entry, char *text,
                        size_t size) {
  int64_t index[HTF_GRID_MAX_ORDER];
  size_t used = 0;
  for (int mode = tensor->order - 1; mode >= 0; mode--) {
    index[mode] = entry % tensor->shape[mode];
    entry /= tensor->shape[mode];
  }
  for (int mode = 0; mode < tensor->order && used < size; mode++) {
    used += (size_t)snprintf(text + used, size - used, "%s%lld%s", mode > 0 ? ", " : "[",
                             (long long)index[mode], mode == tensor->order - 1 ? "]" : "");
  }
}

htf_status htf_grid__read(const htf_grid_tensor *tensor, int64_t first, int64_t count,
                          double *entries) {
  htf_status status = HTF_OK;
  char place[256] = "";
  int64_t i = 0;
  HTF_TRY(tensor->read(tensor->context, first, count, entries));
  while (i < count && isfinite(entries[i])) {
    i++;
  }
  if (i < count) {
    print_place(tensor, first + i, place, sizeof place);
  }
  HTF_CHECK(i == count, HTF_E_DATA, "tensor%s is %g", place, entries[i]);
done:
  return status;
}

static void put_line(const htf_grid__walk *walk, int64_t line, const double *from,
                     double *entries) {
  int64_t cols = walk->matrix->cols, step = walk->col_step + walk->row_step * cols;
  double *to = entries + walk->row * cols + walk->col;
  for (int64_t k = 0; k < line; k++) {
    to[k * step] = from[k];
  }
}

htf_status htf_grid__read_matrix(const htf_grid__matrix *a, int64_t piece,
                                 double *entries) {
  htf_status status = HTF_OK;
  double *buffer = NULL;
  htf_grid__walk walk;
  HTF_NEW(buffer, piece);
  htf_grid__walk_from(a, 0, &walk);
  for (int64_t first = 0, all = htf_grid__entries(a); first < all; first += piece) {
    int64_t count = all - first < piece ? all - first : piece, line;
    HTF_TRY(htf_grid__read(a->tensor, first, count, buffer));
    for (int64_t k = 0; k < count; k += line) {
      line = htf_grid__walk_line(&walk, count - k);
      put_line(&walk, line, buffer + k, entries);
      htf_grid__walk_on(&walk, line);
    }
  }
done:
  HTF_FREE(buffer);
  return status;
}

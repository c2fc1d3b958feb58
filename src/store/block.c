// SPDX-License-Identifier: BSD-3-Clause
// An array's block of rows on its way into the file: digested, and written or cut into
// chunks.
#include <math.h>
#include <string.h>

#include "array_impl.h"
#include "hdf5_impl.h"
#include "htflow/memory.h"

void htf_results__array_clear(htf_results__array *array) {
  for (int64_t i = 0; array->kind == HTF_ARRAY_TEXT && i < array->filled; i++) {
    HTF_FREE(array->texts[i]);
  }
  array->filled = 0;
}

static const void *block_of(const htf_results__array *array) {
  return array->kind == HTF_ARRAY_TEXT   ? (void *)array->texts
         : array->kind == HTF_ARRAY_REAL ? (void *)array->reals
                                         : (void *)array->integers;
}

static htf_status digest(htf_results__array *array) {
  if (array->kind == HTF_ARRAY_TEXT) {
    return htf_manifest__feed_texts(array->digester, array->filled, array->texts);
  }
  return htf_digester_feed(array->digester, block_of(array),
                           (size_t)(array->filled * array->row * 8));
}

// ---- a dataset in one piece -------------------------------------------------------------

static htf_status write_rows(const htf_results__array *array) {
  htf_status status = HTF_OK;
  hid_t file = -1, memory = -1;
  hsize_t start[HTF_LAYOUT_RANK] = {(hsize_t)array->written}, count[HTF_LAYOUT_RANK];
  memcpy(count, array->dims, sizeof count);
  count[0] = (hsize_t)array->filled;
  HDF5_OPEN(HTF_E_IO, file, H5Dget_space(array->id));
  HDF5_TRY(HTF_E_IO, H5Sselect_hyperslab(file, H5S_SELECT_SET, start, NULL, count, NULL));
  HDF5_OPEN(HTF_E_IO, memory, H5Screate_simple(array->rank, count, NULL));
  HDF5_TRY(HTF_E_IO,
           H5Dwrite(array->id, array->type, memory, file, H5P_DEFAULT, block_of(array)));
done:
  htf_file__drop(&file);
  htf_file__drop(&memory);
  return status;
}

// ---- chunks -----------------------------------------------------------------------------

// `have` elements of the block from `at` on, as number `start` and on of a chunk; of `want`
// the rest is missing.
static void copy_run(const htf_results__array *array, int64_t at, int64_t have,
                     int64_t want, int64_t start, void *raw) {
  double *reals = (double *)raw + start;
  int64_t *integers = (int64_t *)raw + start;
  int8_t *flags = (int8_t *)raw + start;
  if (array->kind == HTF_ARRAY_REAL) {
    memcpy(reals, array->reals + at, (size_t)have * sizeof *reals);
    for (int64_t i = have; i < want; i++) {
      reals[i] = NAN;
    }
  } else if (array->kind == HTF_ARRAY_INTEGER) {
    memcpy(integers, array->integers + at, (size_t)have * sizeof *integers);
    memset(integers + have, 0, (size_t)(want - have) * sizeof *integers);
  } else {
    for (int64_t i = 0; i < want; i++) {
      flags[i] = i < have ? (int8_t)array->integers[at + i] : 0;
    }
  }
}

// The block's chunks lie beside each other along the second dimension; mostly there is one.
static htf_status put_chunks(const htf_results__array *array) {
  htf_status status = HTF_OK;
  htf_results__chunks *chunks = htf_results__in_flight(array->layout);
  size_t element = array->kind == HTF_ARRAY_FLAG ? sizeof(int8_t) : sizeof(double);
  int64_t rows = array->capacity, columns = array->rank > 1 ? (int64_t)array->dims[1] : 1;
  int64_t wide = array->rank > 1 ? (int64_t)array->chunk[1] : 1;
  int64_t inner = array->row / columns, want = wide * inner;
  for (int64_t from = 0; from < columns; from += wide) {
    int64_t have = (from + wide < columns ? wide : columns - from) * inner;
    hsize_t offset[HTF_LAYOUT_RANK] = {(hsize_t)array->written, (hsize_t)from};
    void *raw;
    HTF_TRY(
        htf_results__chunks_next(chunks, (size_t)(rows * want) * element, element, &raw));
    for (int64_t i = 0; i < rows; i++) {
      copy_run(array, i * array->row + from * inner, i < array->filled ? have : 0, want,
               i * want, raw);
    }
    HTF_TRY(htf_results__chunks_put(chunks, array->id, array->rank, offset));
  }
done:
  return status;
}

// ---- both -------------------------------------------------------------------------------

htf_status htf_results__array_flush(htf_results__array *array) {
  htf_status status = HTF_OK;
  if (array == NULL || array->filled == 0) {
    return HTF_OK;
  }
  HTF_TRY(digest(array));
  HTF_TRY(array->chunked ? put_chunks(array) : write_rows(array));
  HTF_TRY(htf_results__check(array->layout));
  array->written += array->filled;
  htf_results__array_clear(array);
done:
  return status;
}

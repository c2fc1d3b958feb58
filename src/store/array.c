// SPDX-License-Identifier: BSD-3-Clause
// One dataset, made, and filled row by row; what becomes of full blocks of rows is
// block.c's.
//
// Chunks: as many rows as make CHUNK_BYTES, or, where a row is larger, one row cut along
// its second dimension. gzip at its fastest level: on trajectories the higher ones save a
// few per cent for twice the time. What is smaller than TINY_BYTES, and text (whose bytes
// no filter reaches), is stored as it is.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "array_impl.h"
#include "hdf5_impl.h"
#include "htflow/memory.h"

enum { CHUNK_BYTES = 1 << 18, TINY_BYTES = 4096, TEXT_ROWS = 1024, GZIP_LEVEL = 1 };

// ---- making -----------------------------------------------------------------------------

static htf_status text_type(hid_t *type) {
  htf_status status = HTF_OK;
  HDF5_OPEN(HTF_E_IO, *type, H5Tcopy(H5T_C_S1));
  HDF5_TRY(HTF_E_IO, H5Tset_size(*type, H5T_VARIABLE));
  HDF5_TRY(HTF_E_IO, H5Tset_cset(*type, H5T_CSET_UTF8));
done:
  return status;
}

static hid_t stored_type(const htf_results__array *array) {
  switch (array->kind) {
  case HTF_ARRAY_REAL:
    return H5T_IEEE_F64LE;
  case HTF_ARRAY_INTEGER:
    return H5T_STD_I64LE;
  case HTF_ARRAY_FLAG:
    return H5T_STD_I8LE;
  default:
    return array->type;
  }
}

static void choose_chunk(htf_results__array *array) {
  int64_t row_bytes = array->row * 8, rows = CHUNK_BYTES / row_bytes;
  memcpy(array->chunk, array->dims, sizeof array->chunk);
  array->chunked = array->kind != HTF_ARRAY_TEXT &&
                   array->row * (int64_t)array->dims[0] * 8 > TINY_BYTES;
  array->chunk[0] = rows > 1 ? (hsize_t)rows : 1;
  if (array->chunk[0] > array->dims[0]) {
    array->chunk[0] = array->dims[0];
  }
  if (rows < 1 && array->rank > 1) {
    int64_t bytes = row_bytes / (int64_t)array->dims[1];
    array->chunk[1] = bytes < CHUNK_BYTES ? (hsize_t)(CHUNK_BYTES / bytes) : 1;
  }
  array->capacity = array->kind == HTF_ARRAY_TEXT ? TEXT_ROWS : (int64_t)array->chunk[0];
  if (array->capacity > (int64_t)array->dims[0]) {
    array->capacity = (int64_t)array->dims[0];
  }
}

static htf_status creation_list(const htf_results__array *array, hid_t *list) {
  htf_status status = HTF_OK;
  const double missing = NAN;
  HDF5_OPEN(HTF_E_IO, *list, H5Pcreate(H5P_DATASET_CREATE));
  HDF5_TRY(HTF_E_IO, H5Pset_attr_creation_order(*list, H5P_CRT_ORDER_TRACKED |
                                                           H5P_CRT_ORDER_INDEXED));
  HDF5_TRY(HTF_E_IO, H5Pset_obj_track_times(*list, false));
  if (array->kind == HTF_ARRAY_REAL) {
    HDF5_TRY(HTF_E_IO, H5Pset_fill_value(*list, H5T_NATIVE_DOUBLE, &missing));
  }
  if (array->chunked) { // the filters in the order of encode_impl.h
    HDF5_TRY(HTF_E_IO, H5Pset_chunk(*list, array->rank, array->chunk));
    HDF5_TRY(HTF_E_IO, H5Pset_shuffle(*list));
    HDF5_TRY(HTF_E_IO, H5Pset_deflate(*list, GZIP_LEVEL));
    HDF5_TRY(HTF_E_IO, H5Pset_fletcher32(*list));
  }
done:
  return status;
}

// flag_values in the variable's own type, and flag_meanings, as the CF conventions have it.
static htf_status put_flags(hid_t id, int flags, const char *const *flag) {
  htf_status status = HTF_OK;
  char meanings[1024] = "";
  signed char values[64];
  size_t used = 0;
  HTF_ASSERT(flags <= (int)sizeof values);
  for (int i = 0; i < flags; i++) {
    values[i] = (signed char)i;
    used += (size_t)snprintf(meanings + used, sizeof meanings - used, "%s%s",
                             i > 0 ? " " : "", flag[i]);
    HTF_ASSERT(used < sizeof meanings);
  }
  HTF_TRY(htf_file__put_number(id, "flag_values", H5T_STD_I8LE, flags, H5T_NATIVE_SCHAR,
                               values));
  HTF_TRY(htf_file__put_text(id, "flag_meanings", meanings));
done:
  return status;
}

static htf_status put_attributes(hid_t id, const htf_results__about *about) {
  htf_status status = HTF_OK;
  const double missing = NAN;
  HTF_TRY(htf_file__put_text(id, "long_name", about->long_name));
  HTF_TRY(htf_file__put_text(id, "units", about->units));
  HTF_TRY(htf_file__put_text(id, "comment", about->comment));
  if (about->kind == HTF_ARRAY_FLAG) {
    HTF_TRY(put_flags(id, about->flags, about->flag));
  }
  if (about->kind == HTF_ARRAY_REAL) {
    HTF_TRY(htf_file__put_number(id, "_FillValue", H5T_IEEE_F64LE, 1, H5T_NATIVE_DOUBLE,
                                 &missing));
  }
done:
  return status;
}

static htf_status make_block(htf_results__array *array) {
  htf_status status = HTF_OK;
  if (array->kind == HTF_ARRAY_TEXT) {
    HTF_NEW(array->texts, array->capacity);
    HTF_TRY(text_type(&array->type));
  } else if (array->kind == HTF_ARRAY_REAL) {
    HTF_NEW(array->reals, array->capacity * array->row);
    HDF5_OPEN(HTF_E_IO, array->type, H5Tcopy(H5T_NATIVE_DOUBLE));
  } else {
    HTF_NEW(array->integers, array->capacity * array->row);
    HDF5_OPEN(HTF_E_IO, array->type, H5Tcopy(H5T_NATIVE_INT64));
  }
done:
  return status;
}

// The dataset of array->dims.
static htf_status make(const htf_results__group *group, const htf_results__about *about,
                       htf_results__array *array) {
  htf_status status = HTF_OK;
  hid_t list = -1, space = -1;
  array->layout = group->layout;
  array->kind = about->kind;
  array->checked = group->checked;
  int length = snprintf(array->path, sizeof array->path, "%s/%s", group->path, about->name);
  HTF_CHECK(length < (int)sizeof array->path, HTF_E_INTERNAL, "name %s is too long",
            about->name);
  HTF_CHECK(H5Lexists(group->id, about->name, H5P_DEFAULT) == 0, HTF_E_INTERNAL,
            "two variables of the name %s", array->path);
  array->row = 1;
  for (int i = 1; i < array->rank; i++) {
    HTF_CHECK(!__builtin_mul_overflow(array->row, (int64_t)array->dims[i], &array->row) &&
                  array->row < INT64_MAX / 64,
              HTF_E_MEMORY, "a row of %s is larger than memory", array->path);
  }
  choose_chunk(array);
  HTF_TRY(make_block(array));
  HTF_TRY(htf_digester_create(&array->digester));
  HTF_TRY(creation_list(array, &list));
  HDF5_OPEN(HTF_E_IO, space, H5Screate_simple(array->rank, array->dims, NULL));
  HDF5_OPEN(HTF_E_IO, array->id,
            H5Dcreate2(group->id, about->name, stored_type(array), space, H5P_DEFAULT, list,
                       H5P_DEFAULT));
  HTF_TRY(put_attributes(array->id, about));
done:
  htf_file__drop(&list);
  htf_file__drop(&space);
  return status;
}

htf_status htf_results__scale_open(htf_results__group *group,
                                   const htf_results__about *about, int64_t length,
                                   htf_results__array **out) {
  htf_status status = HTF_OK;
  htf_results__array *array = NULL;
  HTF_ASSERT(length > 0);
  HTF_NEW(array, 1);
  array->id = array->type = -1;
  array->rank = 1;
  array->dims[0] = (hsize_t)length;
  HTF_TRY(make(group, about, array));
  HTF_TRY(htf_results__add_scale(group, about->name, array->id, length));
  *out = array;
  array = NULL;
done:
  htf_results__array_drop(&array);
  return status;
}

htf_status htf_results__array_open(htf_results__group *group,
                                   const htf_results__about *about,
                                   htf_results__array **out) {
  htf_status status = HTF_OK;
  htf_results__array *array = NULL;
  HTF_NEW(array, 1);
  array->id = array->type = -1;
  array->rank = about->rank;
  for (int i = 0; i < about->rank; i++) {
    array->dims[i] = (hsize_t)htf_results__length(group, about->dims[i]);
    HTF_CHECK(array->dims[i] > 0, HTF_E_INTERNAL, "%s/%s runs over %s, which is nowhere",
              group->path, about->name, about->dims[i]);
  }
  HTF_TRY(make(group, about, array));
  for (int i = 0; i < about->rank; i++) {
    const htf_results__scale *scale = htf_results__find_scale(group, about->dims[i]);
    HDF5_TRY(HTF_E_IO, H5DSattach_scale(array->id, scale->id, (unsigned)i));
  }
  *out = array;
  array = NULL;
done:
  htf_results__array_drop(&array);
  return status;
}

// ---- writing ----------------------------------------------------------------------------

// Room for a row in the block.
static htf_status reserve(htf_results__array *array, bool of_kind) {
  htf_status status = HTF_OK;
  HTF_ASSERT(of_kind);
  HTF_CHECK(array->written + array->filled < (int64_t)array->dims[0], HTF_E_INTERNAL,
            "%s is full at %lld rows", array->path, (long long)array->dims[0]);
  if (array->filled == array->capacity) {
    HTF_TRY(htf_results__array_flush(array));
  }
done:
  return status;
}

htf_status htf_results__put_reals(htf_results__array *array, const int64_t *dims,
                                  const double *values) {
  htf_status status = HTF_OK;
  int64_t have[3] = {1, 1, 1}, room[3] = {1, 1, 1};
  HTF_TRY(reserve(array, array->kind == HTF_ARRAY_REAL));
  double *row = array->reals + array->filled * array->row;
  for (int64_t i = 0; i < array->row; i++) {
    row[i] = NAN;
  }
  for (int i = 0; values != NULL && i < array->rank - 1; i++) {
    have[i] = dims[i];
    room[i] = (int64_t)array->dims[i + 1];
    HTF_CHECK(have[i] <= room[i], HTF_E_INTERNAL,
              "%s: a row of %lld where there is room for %lld", array->path,
              (long long)have[i], (long long)room[i]);
  }
  for (int64_t i = 0; values != NULL && i < have[0]; i++) {
    for (int64_t j = 0; j < have[1]; j++) {
      htf_manifest__copy_reals(have[2], values + (i * have[1] + j) * have[2],
                               row + (i * room[1] + j) * room[2]);
    }
  }
  array->filled++;
done:
  return status;
}

htf_status htf_results__put_flags(htf_results__array *array, int64_t count,
                                  const double *values) {
  htf_status status = HTF_OK;
  HTF_TRY(reserve(array, array->kind == HTF_ARRAY_FLAG));
  HTF_CHECK(count <= array->row, HTF_E_INTERNAL,
            "%s: a row of %lld where there is room for %lld", array->path, (long long)count,
            (long long)array->row);
  int64_t *row = array->integers + array->filled * array->row;
  for (int64_t i = 0; i < array->row; i++) {
    row[i] = i < count ? (int64_t)values[i] : 0;
  }
  array->filled++;
done:
  return status;
}

htf_status htf_results__put_real(htf_results__array *array, double value) {
  return htf_results__put_reals(array, NULL, &value);
}

htf_status htf_results__put_integer(htf_results__array *array, int64_t value) {
  htf_status status = HTF_OK;
  HTF_TRY(reserve(array, array->integers != NULL && array->row == 1));
  array->integers[array->filled++] = value;
done:
  return status;
}

htf_status htf_results__put_text(htf_results__array *array, const char *text) {
  htf_status status = HTF_OK;
  HTF_TRY(reserve(array, array->kind == HTF_ARRAY_TEXT));
  size_t length = strlen(text);
  char *copy = NULL;
  HTF_NEW(copy, length + 1);
  memcpy(copy, text, length);
  htf_results__clean(copy);
  array->texts[array->filled++] = copy;
done:
  return status;
}

// ---- closing ----------------------------------------------------------------------------

htf_status htf_results__array_close(htf_results__array **array) {
  htf_status status = HTF_OK;
  htf_results__array *a = *array;
  static const char letters[] = {'f', 'i', 'i', 's'};
  htf_digest digest;
  if (a == NULL) {
    return HTF_OK;
  }
  HTF_TRY(htf_results__array_flush(a));
  HTF_TRY(htf_results__chunks_drain(htf_results__in_flight(a->layout)));
  HTF_CHECK(a->written == (int64_t)a->dims[0], HTF_E_INTERNAL, "%s has %lld of %lld rows",
            a->path, (long long)a->written, (long long)a->dims[0]);
  HTF_TRY(htf_digester_finish(a->digester, &digest));
  if (a->checked) {
    HTF_TRY(htf_manifest__enter(htf_results__manifest(a->layout), a->path, letters[a->kind],
                                a->rank, a->dims, &digest));
  }
  HTF_TRY(htf_file__close(&a->id));
done:
  htf_results__array_drop(array);
  return status;
}

void htf_results__array_drop(htf_results__array **array) {
  htf_results__array *a = *array;
  if (a != NULL) {
    if (a->texts != NULL) {
      htf_results__array_clear(a);
    }
    htf_file__drop(&a->id);
    htf_file__drop(&a->type);
    HTF_FREE(a->reals);
    HTF_FREE(a->integers);
    HTF_FREE(a->texts);
    htf_digester_destroy(&a->digester);
    HTF_FREE(*array);
  }
}

// SPDX-License-Identifier: BSD-3-Clause
// Problem files in HDF5. A file is not trusted: types and shapes are checked before memory
// is asked for, values after.
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "hdf5_impl.h"
#include "htflow/memory.h"
#include "samples_impl.h"

// No filter of HDF5 makes more than about a thousand bytes of one.
static const double largest_ratio = 2000;

typedef struct problem_file {
  hid_t file;
  double bytes; // of the file
} problem_file;

// ---- attributes -------------------------------------------------------------------------

// Fixed-length text of at most `size` - 1 bytes; the type in memory must be as long as the
// stored one.
static htf_status read_fixed(hid_t attribute, hid_t stored, const char *name, char *text,
                             size_t size) {
  htf_status status = HTF_OK;
  hid_t memory = -1;
  HTF_CHECK(H5Tget_size(stored) < size, HTF_E_DATA, "root attribute %s is too long", name);
  HDF5_OPEN(HTF_E_DATA, memory, H5Tcopy(stored));
  HDF5_TRY(HTF_E_DATA, H5Aread(attribute, memory, text));
  text[H5Tget_size(stored)] = '\0';
  text[strcspn(text, " ")] = '\0'; // space padding, as Fortran has it
done:
  htf_file__drop(&memory);
  return status;
}

static htf_status read_variable(hid_t attribute, hid_t stored, char *text, size_t size) {
  htf_status status = HTF_OK;
  hid_t memory = -1;
  char *own = NULL;
  HDF5_OPEN(HTF_E_DATA, memory, H5Tcopy(H5T_C_S1));
  HDF5_TRY(HTF_E_DATA, H5Tset_size(memory, H5T_VARIABLE));
  HDF5_TRY(HTF_E_DATA, H5Tset_cset(memory, H5Tget_cset(stored)));
  HDF5_TRY(HTF_E_DATA, H5Aread(attribute, memory, &own));
  snprintf(text, size, "%s", own != NULL ? own : "");
done:
  if (own != NULL) {
    H5free_memory(own);
  }
  htf_file__drop(&memory);
  return status;
}

static htf_status read_text(hid_t file, const char *name, char *text, size_t size) {
  htf_status status = HTF_OK;
  hid_t attribute = -1, type = -1, space = -1;
  HTF_CHECK(H5Aexists(file, name) > 0, HTF_E_DATA, "root attribute %s is missing", name);
  HDF5_OPEN(HTF_E_DATA, attribute, H5Aopen(file, name, H5P_DEFAULT));
  HDF5_OPEN(HTF_E_DATA, type, H5Aget_type(attribute));
  HDF5_OPEN(HTF_E_DATA, space, H5Aget_space(attribute));
  HTF_CHECK(H5Tget_class(type) == H5T_STRING && H5Sget_simple_extent_npoints(space) == 1,
            HTF_E_DATA, "root attribute %s is not one text", name);
  HTF_TRY(H5Tis_variable_str(type) > 0 ? read_variable(attribute, type, text, size)
                                       : read_fixed(attribute, type, name, text, size));
done:
  htf_file__drop(&attribute);
  htf_file__drop(&type);
  htf_file__drop(&space);
  return status;
}

static htf_status expect_text(hid_t file, const char *name, const char *expected) {
  htf_status status = HTF_OK;
  char text[64] = "";
  HTF_TRY(read_text(file, name, text, sizeof text));
  HTF_CHECK(strcmp(text, expected) == 0, HTF_E_DATA,
            "root attribute %s is \"%s\", expected \"%s\"", name, text, expected);
done:
  return status;
}

// ---- datasets ---------------------------------------------------------------------------

// Whether a link leads to an object; "train/values" needs both steps to exist.
static bool exists(hid_t file, const char *path) {
  char group[32];
  const char *slash = strchr(path, '/');
  if (slash != NULL) {
    snprintf(group, sizeof group, "%.*s", (int)(slash - path), path);
    if (!exists(file, group)) {
      return false;
    }
  }
  return H5Lexists(file, path, H5P_DEFAULT) > 0 &&
         H5Oexists_by_name(file, path, H5P_DEFAULT) > 0;
}

static const char *class_name(H5T_class_t class) {
  switch (class) {
  case H5T_INTEGER:
    return "integers";
  case H5T_FLOAT:
    return "floating-point numbers";
  case H5T_STRING:
    return "texts";
  case H5T_COMPOUND:
    return "compounds";
  case H5T_ENUM:
    return "enumerators";
  default:
    return "something else";
  }
}

static htf_status open_dataset(const problem_file *p, const char *name, int rank,
                               hid_t *dataset, hsize_t *dims) {
  htf_status status = HTF_OK;
  hid_t space = -1;
  H5O_info_t info;
  HTF_CHECK(exists(p->file, name), HTF_E_DATA, "dataset %s is missing", name);
  HDF5_TRY(HTF_E_DATA,
           H5Oget_info_by_name2(p->file, name, &info, H5O_INFO_BASIC, H5P_DEFAULT));
  HTF_CHECK(info.type == H5O_TYPE_DATASET, HTF_E_DATA, "%s is not a dataset", name);
  HDF5_OPEN(HTF_E_DATA, *dataset, H5Dopen2(p->file, name, H5P_DEFAULT));
  HDF5_OPEN(HTF_E_DATA, space, H5Dget_space(*dataset));
  int found = H5Sget_simple_extent_ndims(space);
  HTF_CHECK(found == rank && H5Sget_simple_extent_type(space) != H5S_NULL, HTF_E_DATA,
            "dataset %s has %d dimensions, expected %d", name, found, rank);
  HDF5_TRY(HTF_E_DATA, H5Sget_simple_extent_dims(space, dims, NULL));
done:
  htf_file__drop(&space);
  return status;
}

// A dataset can claim any size; what it reads as must come from bytes of the file.
static htf_status check_size(const problem_file *p, const char *name, int rank,
                             const hsize_t *dims) {
  htf_status status = HTF_OK;
  double count = 1;
  for (int i = 0; i < rank; i++) {
    count *= (double)dims[i];
  }
  HTF_CHECK(count * 8 <= p->bytes * largest_ratio, HTF_E_DATA,
            "dataset %s claims %.4g numbers, more than a file of %.0f bytes can hold", name,
            count, p->bytes);
done:
  return status;
}

// The numbers of a dataset whose shape was checked, as int64 (of integers) or double (of
// integers or floating-point numbers). Raises where an array is not all there.
static htf_status read_numbers(hid_t dataset, const char *name, bool integers, void *out) {
  htf_status status = HTF_OK;
  hid_t type = -1;
  HDF5_OPEN(HTF_E_DATA, type, H5Dget_type(dataset));
  H5T_class_t class = H5Tget_class(type);
  HTF_CHECK(class == H5T_INTEGER || (!integers && class == H5T_FLOAT), HTF_E_DATA,
            "%s, expected %s", class_name(class), integers ? "integers" : "numbers");
  HDF5_TRY(HTF_E_DATA, H5Dread(dataset, integers ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE,
                               H5S_ALL, H5S_ALL, H5P_DEFAULT, out));
done:
  htf_file__drop(&type);
  if (status != HTF_OK) {
    htf_error_prefix("dataset %s: ", name);
  }
  return status;
}

static htf_status read_shape(const problem_file *p, htf_shape *shape) {
  htf_status status = HTF_OK;
  hid_t dataset = -1;
  hsize_t order = 0;
  HTF_TRY(open_dataset(p, "shape", 1, &dataset, &order));
  HTF_CHECK(1 <= order && order <= HTF_MAX_ORDER, HTF_E_DATA,
            "dataset shape has %llu modes, expected 1 to %d", (unsigned long long)order,
            HTF_MAX_ORDER);
  HTF_TRY(read_numbers(dataset, "shape", true, shape->size));
  for (int i = 0; i < (int)order; i++) {
    HTF_CHECK(1 <= shape->size[i] && shape->size[i] <= HTF_FILE_MODE, HTF_E_DATA,
              "shape[%d] is %lld, expected 1 to %d", i, (long long)shape->size[i],
              HTF_FILE_MODE);
  }
  shape->order = (int)order;
done:
  htf_file__drop(&dataset);
  return status;
}

static htf_status check_indices(const char *name, const htf_shape *shape, int64_t count,
                                const int64_t *indices) {
  htf_status status = HTF_OK;
  for (int64_t i = 0; i < count * shape->order; i++) {
    int mode = (int)(i % shape->order);
    HTF_CHECK(0 <= indices[i] && indices[i] < shape->size[mode], HTF_E_DATA,
              "%s[%lld, %d] is %lld, expected 0 to %lld (shape[%d] is %lld)", name,
              (long long)(i / shape->order), mode, (long long)indices[i],
              (long long)(shape->size[mode] - 1), mode, (long long)shape->size[mode]);
  }
done:
  return status;
}

static htf_status read_indices(const problem_file *p, const char *name,
                               const htf_shape *shape, int64_t *count, int64_t **indices) {
  htf_status status = HTF_OK;
  hid_t dataset = -1;
  hsize_t dims[2] = {0, 0};
  HTF_TRY(open_dataset(p, name, 2, &dataset, dims));
  HTF_CHECK(dims[1] == (hsize_t)shape->order, HTF_E_DATA,
            "dataset %s has %llu columns, expected %d, one a mode of shape", name,
            (unsigned long long)dims[1], shape->order);
  HTF_TRY(check_size(p, name, 2, dims));
  HTF_NEW(*indices, dims[0] * dims[1]);
  HTF_TRY(read_numbers(dataset, name, true, *indices));
  *count = (int64_t)dims[0];
  HTF_TRY(check_indices(name, shape, *count, *indices));
done:
  htf_file__drop(&dataset);
  return status;
}

static htf_status read_values(const problem_file *p, const char *name, const char *beside,
                              int64_t count, double **values) {
  htf_status status = HTF_OK;
  hid_t dataset = -1;
  hsize_t length = 0;
  HTF_TRY(open_dataset(p, name, 1, &dataset, &length));
  HTF_CHECK((int64_t)length == count, HTF_E_DATA, "dataset %s has %llu rows, %s has %lld",
            name, (unsigned long long)length, beside, (long long)count);
  HTF_NEW(*values, length);
  HTF_TRY(read_numbers(dataset, name, false, *values));
  for (int64_t i = 0; i < count; i++) {
    HTF_CHECK(isfinite((*values)[i]), HTF_E_DATA, "%s[%lld] is not finite", name,
              (long long)i);
  }
done:
  htf_file__drop(&dataset);
  return status;
}

static htf_status check_duplicates(const htf_file_data *data) {
  htf_status status = HTF_OK;
  int64_t row = -1, earlier = -1;
  char text[256] = "";
  HTF_TRY(htf_file__find_duplicate(data->shape.order, data->train, data->train_indices,
                                   &row, &earlier));
  if (row >= 0) {
    htf_file__print_row(data->shape.order, data->train_indices + row * data->shape.order, 0,
                        text, sizeof text);
  }
  HTF_CHECK(row < 0, HTF_E_DATA, "train/indices: rows %lld and %lld are the same entry %s",
            (long long)earlier, (long long)row, text);
done:
  return status;
}

// ---- the file ---------------------------------------------------------------------------

static htf_status read_all(const problem_file *p, htf_file_data *data) {
  htf_status status = HTF_OK;
  HTF_TRY(expect_text(p->file, "kind", "problem"));
  HTF_TRY(expect_text(p->file, "task", "completion"));
  HTF_TRY(read_shape(p, &data->shape));
  HTF_TRY(
      read_indices(p, "train/indices", &data->shape, &data->train, &data->train_indices));
  HTF_CHECK(data->train > 0, HTF_E_DATA, "dataset train/indices has no rows");
  HTF_TRY(
      read_values(p, "train/values", "train/indices", data->train, &data->train_values));
  HTF_TRY(check_duplicates(data));
  if (exists(p->file, "test")) {
    HTF_TRY(
        read_indices(p, "test/indices", &data->shape, &data->test, &data->test_indices));
    HTF_TRY(read_values(p, "test/values", "test/indices", data->test, &data->test_values));
  }
done:
  return status;
}

htf_status htf_file__read_hdf5(const char *path, htf_file_data *data) {
  htf_status status = HTF_OK;
  problem_file p = {.file = -1};
  struct stat facts;
  htf_file__hdf5_quiet();
  HTF_CHECK(stat(path, &facts) == 0, HTF_E_IO, "%s", strerror(errno));
  p.bytes = (double)facts.st_size;
  HTF_CHECK(H5Fis_hdf5(path) > 0, HTF_E_DATA, "not an HDF5 file");
  HDF5_OPEN(HTF_E_DATA, p.file, H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT));
  HTF_TRY(read_all(&p, data));
done:
  htf_file__drop(&p.file);
  if (status != HTF_OK) {
    htf_error_prefix("%s: ", path);
  }
  return status;
}

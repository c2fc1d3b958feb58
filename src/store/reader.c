// SPDX-License-Identifier: BSD-3-Clause
#include "reader_impl.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "hdf5_impl.h"

htf_status htf_reader__open(const char *path, htf_reader__file *file) {
  htf_status status = HTF_OK;
  struct stat facts;
  htf_file__hdf5_quiet();
  file->at = -1;
  HTF_CHECK(stat(path, &facts) == 0, HTF_E_IO, "%s", strerror(errno));
  file->bytes = (double)facts.st_size;
  HTF_CHECK(H5Fis_hdf5(path) > 0, HTF_E_DATA, "not an HDF5 file");
  HDF5_OPEN(HTF_E_DATA, file->at, H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT));
done:
  return status;
}

void htf_reader__close(htf_reader__file *file) {
  htf_file__drop(&file->at);
}

// ---- attributes -------------------------------------------------------------------------

// Fixed-length text; the type in memory must be as long as the stored one.
static htf_status read_fixed(hid_t attribute, hid_t stored, char *text, size_t size) {
  htf_status status = HTF_OK;
  hid_t memory = -1;
  size_t length = H5Tget_size(stored);
  HTF_CHECK(length < size, HTF_E_DATA, "is longer than %zu bytes", size - 1);
  HDF5_OPEN(HTF_E_DATA, memory, H5Tcopy(stored));
  HDF5_TRY(HTF_E_DATA, H5Aread(attribute, memory, text));
  text[length] = '\0';
  for (length = strlen(text); length > 0 && text[length - 1] == ' '; length--) {
    text[length - 1] = '\0'; // padding, as Fortran has it
  }
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
  int length = snprintf(text, size, "%s", own != NULL ? own : "");
  HTF_CHECK(length < (int)size, HTF_E_DATA, "is longer than %zu bytes", size - 1);
done:
  if (own != NULL) {
    H5free_memory(own);
  }
  htf_file__drop(&memory);
  return status;
}

htf_status htf_reader__text(hid_t object, const char *where, const char *name, char *text,
                            size_t size) {
  htf_status status = HTF_OK;
  hid_t attribute = -1, type = -1, space = -1;
  HTF_CHECK(H5Aexists(object, name) > 0, HTF_E_DATA, "is missing");
  HDF5_OPEN(HTF_E_DATA, attribute, H5Aopen(object, name, H5P_DEFAULT));
  HDF5_OPEN(HTF_E_DATA, type, H5Aget_type(attribute));
  HDF5_OPEN(HTF_E_DATA, space, H5Aget_space(attribute));
  HTF_CHECK(H5Tget_class(type) == H5T_STRING && H5Sget_simple_extent_npoints(space) == 1,
            HTF_E_DATA, "is not one text");
  HTF_TRY(H5Tis_variable_str(type) > 0 ? read_variable(attribute, type, text, size)
                                       : read_fixed(attribute, type, text, size));
done:
  htf_file__drop(&attribute);
  htf_file__drop(&type);
  htf_file__drop(&space);
  if (status != HTF_OK) {
    htf_error_prefix("%s attribute %s ", where, name);
  }
  return status;
}

htf_status htf_reader__expect(hid_t object, const char *name, const char *expected) {
  htf_status status = HTF_OK;
  char text[64] = "";
  HTF_TRY(htf_reader__text(object, "root", name, text, sizeof text));
  HTF_CHECK(strcmp(text, expected) == 0, HTF_E_DATA,
            "root attribute %s is \"%s\", expected \"%s\"", name, text, expected);
done:
  return status;
}

// ---- datasets ---------------------------------------------------------------------------

bool htf_reader__exists(hid_t at, const char *path) {
  char group[64];
  const char *slash = strchr(path, '/');
  if (slash != NULL) {
    snprintf(group, sizeof group, "%.*s", (int)(slash - path), path);
    if (!htf_reader__exists(at, group)) {
      return false;
    }
  }
  return H5Lexists(at, path, H5P_DEFAULT) > 0 &&
         H5Oexists_by_name(at, path, H5P_DEFAULT) > 0;
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

htf_status htf_reader__dataset(const htf_reader__file *file, const char *name, int rank,
                               hid_t *dataset, hsize_t *dims) {
  htf_status status = HTF_OK;
  hid_t space = -1;
  H5O_info_t info;
  HTF_CHECK(htf_reader__exists(file->at, name), HTF_E_DATA, "dataset %s is missing", name);
  HDF5_TRY(HTF_E_DATA,
           H5Oget_info_by_name2(file->at, name, &info, H5O_INFO_BASIC, H5P_DEFAULT));
  HTF_CHECK(info.type == H5O_TYPE_DATASET, HTF_E_DATA, "%s is not a dataset", name);
  HDF5_OPEN(HTF_E_DATA, *dataset, H5Dopen2(file->at, name, H5P_DEFAULT));
  HDF5_OPEN(HTF_E_DATA, space, H5Dget_space(*dataset));
  int found = H5Sget_simple_extent_ndims(space);
  HTF_CHECK(found == rank && H5Sget_simple_extent_type(space) != H5S_NULL, HTF_E_DATA,
            "dataset %s has %d dimensions, expected %d", name, found, rank);
  HDF5_TRY(HTF_E_DATA, H5Sget_simple_extent_dims(space, dims, NULL));
done:
  htf_file__drop(&space);
  return status;
}

htf_status htf_reader__size(const htf_reader__file *file, const char *name, int rank,
                            const hsize_t *dims) {
  htf_status status = HTF_OK;
  double count = 1;
  for (int i = 0; i < rank; i++) {
    count *= (double)dims[i];
  }
  HTF_CHECK(count * 8 <= file->bytes * HTF_READER_RATIO, HTF_E_DATA,
            "dataset %s claims %.4g numbers, more than a file of %.0f bytes can hold", name,
            count, file->bytes);
done:
  return status;
}

htf_status htf_reader__of(hid_t dataset, const char *name, htf_reader__type wanted) {
  static const char *const words[] = {"integers", "numbers", "floating-point numbers"};
  htf_status status = HTF_OK;
  hid_t type = -1;
  HDF5_OPEN(HTF_E_DATA, type, H5Dget_type(dataset));
  H5T_class_t class = H5Tget_class(type);
  bool fits = (class == H5T_INTEGER && wanted != HTF_READER_REALS) ||
              (class == H5T_FLOAT && wanted != HTF_READER_INTEGERS);
  HTF_CHECK(fits, HTF_E_DATA, "dataset %s: %s, expected %s", name, class_name(class),
            words[wanted]);
done:
  htf_file__drop(&type);
  return status;
}

static hid_t in_memory(htf_reader__type type) {
  return type == HTF_READER_INTEGERS ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE;
}

htf_status htf_reader__numbers(hid_t dataset, const char *name, htf_reader__type type,
                               void *out) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_reader__of(dataset, name, type));
  HTF_CHECK(H5Dread(dataset, in_memory(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, out) >= 0,
            HTF_E_DATA, "dataset %s: HDF5: %s", name, htf_file__hdf5_text());
done:
  return status;
}

htf_status htf_reader__row(hid_t dataset, const char *name, htf_reader__type type,
                           int64_t row, void *out) {
  htf_status status = HTF_OK;
  hid_t space = -1, memory = -1;
  hsize_t start[H5S_MAX_RANK] = {(hsize_t)row}, count[H5S_MAX_RANK];
  HTF_TRY(htf_reader__of(dataset, name, type));
  HDF5_OPEN(HTF_E_DATA, space, H5Dget_space(dataset));
  int rank = H5Sget_simple_extent_dims(space, count, NULL);
  HTF_CHECK(rank > 0 && row < (int64_t)count[0], HTF_E_DATA, "dataset %s has no row %lld",
            name, (long long)row);
  count[0] = 1;
  HDF5_TRY(HTF_E_DATA,
           H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL));
  HDF5_OPEN(HTF_E_DATA, memory, H5Screate_simple(rank, count, NULL));
  HTF_CHECK(H5Dread(dataset, in_memory(type), memory, space, H5P_DEFAULT, out) >= 0,
            HTF_E_DATA, "dataset %s: HDF5: %s", name, htf_file__hdf5_text());
done:
  htf_file__drop(&space);
  htf_file__drop(&memory);
  return status;
}

// ---- values -----------------------------------------------------------------------------

void htf_reader__place(int rank, const hsize_t *dims, int64_t i, char *text, size_t size) {
  int64_t place[H5S_MAX_RANK];
  size_t used = 0;
  for (int d = rank - 1; d >= 0; d--) {
    place[d] = i % (int64_t)dims[d];
    i /= (int64_t)dims[d];
  }
  for (int d = 0; d < rank && used < size; d++) {
    used += (size_t)snprintf(text + used, size - used, "%s%lld%s", d > 0 ? ", " : "[",
                             (long long)place[d], d == rank - 1 ? "]" : "");
  }
}

htf_status htf_reader__finite(const char *name, int rank, const hsize_t *dims,
                              const double *values) {
  htf_status status = HTF_OK;
  char place[128] = "";
  int64_t count = 1, i = 0;
  for (int d = 0; d < rank; d++) {
    count *= (int64_t)dims[d];
  }
  while (i < count && isfinite(values[i])) {
    i++;
  }
  if (i < count) {
    htf_reader__place(rank, dims, i, place, sizeof place);
  }
  HTF_CHECK(i == count, HTF_E_DATA, "%s%s is not finite", name, place);
done:
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
// hdf5_fuzz.h: HDF5 files that HDF5 finds sound and a reader may not. A sound file of ours
// is changed through the library by a list of operations that the input encodes: objects
// removed, exchanged for others of any type and shape, linked in circles, attributes of any
// kind, single numbers. So it is our readers that are tried. (Changed bytes try HDF5 1.10
// itself, which does not stand them: store's guard is tested with those.)
#pragma once

#include <hdf5.h>
#include <math.h>

#include "files_fuzz.h"

typedef struct input {
  const uint8_t *data;
  size_t size, used;
} input;

static inline unsigned take(input *in) {
  return in->used < in->size ? in->data[in->used++] : 0;
}

enum { MOST_NAMES = 400, NAME = 128, OPERATIONS = 6 };

typedef struct names {
  int count;
  char name[MOST_NAMES][NAME];
} names;

static inline herr_t note_name(hid_t at, const char *name, const H5O_info_t *info,
                               void *context) {
  names *n = context;
  (void)at;
  (void)info;
  if (n->count < MOST_NAMES && strlen(name) < NAME) {
    strcpy(n->name[n->count++], name);
  }
  return 0;
}

static inline hid_t make_type(unsigned which) {
  hid_t type = -1;
  switch (which % 10) {
  case 0:
    return H5Tcopy(H5T_IEEE_F64LE);
  case 1:
    return H5Tcopy(H5T_IEEE_F32BE);
  case 2:
    return H5Tcopy(H5T_STD_I64LE);
  case 3:
    return H5Tcopy(H5T_STD_I8LE);
  case 4:
    return H5Tcopy(H5T_STD_U64BE);
  case 5:
    type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    return type;
  case 6:
    type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, 5);
    return type;
  case 7:
    type = H5Tcreate(H5T_COMPOUND, 8);
    H5Tinsert(type, "x", 0, H5T_IEEE_F64LE);
    return type;
  case 8:
    return H5Tvlen_create(H5T_IEEE_F64LE);
  default:
    return H5Tarray_create2(H5T_STD_I32LE, 1, &(hsize_t){3});
  }
}

// Small, now and then empty, scalar, or a claim of more than there is.
static inline hid_t make_space(input *in, bool *huge) {
  unsigned shape = take(in);
  hsize_t dims[4];
  *huge = false;
  if (shape == 255) {
    return H5Screate(H5S_NULL);
  }
  if (shape % 8 == 7) {
    return H5Screate(H5S_SCALAR);
  }
  int rank = 1 + (int)(shape % 4);
  for (int i = 0; i < rank; i++) {
    dims[i] = take(in) % 7;
  }
  if (shape > 240) {
    dims[0] = (hsize_t)1 << (20 + shape % 16);
    *huge = true;
  }
  return H5Screate_simple(rank, dims, NULL);
}

static inline void put_dataset(hid_t file, const char *name, input *in) {
  bool huge;
  unsigned which = take(in);
  hid_t type = make_type(which), space = make_space(in, &huge);
  hid_t list = H5Pcreate(H5P_DATASET_CREATE);
  int rank = H5Sget_simple_extent_ndims(space);
  if (huge && rank > 0) { // chunks that are not there read as the fill value
    const hsize_t chunk[] = {16, 1, 1, 1};
    H5Pset_chunk(list, rank, chunk);
  }
  hid_t made = H5Dcreate2(file, name, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
  if (made >= 0 && !huge && which % 10 < 5) {
    double values[7 * 7 * 7 * 7];
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
      values[i] = (double)take(in) - (double)(take(in) % 3);
    }
    H5Dwrite(made, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  }
  H5Dclose(made);
  H5Pclose(list);
  H5Sclose(space);
  H5Tclose(type);
}

static inline double special(unsigned which) {
  static const double values[] = {NAN,  INFINITY, -INFINITY, -1,     0,   1,     2,
                                  1e17, 1e300,    -1e300,    1e-320, 3.5, 2.1e9, 9e18};
  return values[which % (sizeof values / sizeof *values)];
}

// One number of a dataset that is not large.
static inline void poke(hid_t file, const char *name, input *in) {
  static double values[1 << 14];
  hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
  hid_t space = dataset >= 0 ? H5Dget_space(dataset) : -1;
  hssize_t count = space >= 0 ? H5Sget_simple_extent_npoints(space) : 0;
  if (count > 0 && count < 1 << 14 &&
      H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0) {
    size_t at = (size_t)(take(in) << 8 | take(in)) % (size_t)count;
    values[at] = special(take(in));
    H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  }
  H5Sclose(space);
  H5Dclose(dataset);
}

static inline void put_attribute(hid_t file, const char *name, input *in) {
  static const char *const known[] = {
      "kind",           "task",          "tree",       "nodes",
      "which",          "coordinates",   "units",      "flag_values",
      "comment",        "flag_meanings", "CLASS",      "NAME",
      "seed",           "Conventions",   "_FillValue", "content_checksum",
      "sweep_resolved", "DIMENSION_LIST"};
  const char *attribute = known[take(in) % (sizeof known / sizeof *known)];
  char text[64], *texts[7 * 7 * 7 * 7];
  bool huge;
  hid_t object = H5Oopen(file, name, H5P_DEFAULT);
  H5Adelete(object, attribute);
  unsigned which = take(in);
  hid_t type = make_type(which % 20 < 10 ? 5 : which), space = make_space(in, &huge);
  size_t length = 0;
  for (unsigned c = take(in); c != 0 && length < sizeof text - 1; c = take(in)) {
    text[length++] = (char)c;
  }
  text[length] = '\0';
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    texts[i] = i % 5 == 4 ? NULL : text;
  }
  hid_t made =
      huge ? -1 : H5Acreate2(object, attribute, type, space, H5P_DEFAULT, H5P_DEFAULT);
  if (made >= 0 && H5Tis_variable_str(type) > 0) {
    H5Awrite(made, type, texts);
  }
  H5Aclose(made);
  H5Sclose(space);
  H5Tclose(type);
  H5Oclose(object);
}

static inline void relink(hid_t file, const char *name, const char *other, unsigned how) {
  H5Ldelete(file, name, H5P_DEFAULT);
  switch (how % 4) {
  case 0:
    H5Lcreate_soft("/nowhere", file, name, H5P_DEFAULT, H5P_DEFAULT);
    break;
  case 1:
    H5Lcreate_hard(file, other, file, name, H5P_DEFAULT, H5P_DEFAULT);
    break;
  case 2:
    H5Lcreate_external("/dev/null", "/x", file, name, H5P_DEFAULT, H5P_DEFAULT);
    break;
  default:
    H5Lcreate_soft(name, file, name, H5P_DEFAULT, H5P_DEFAULT); // to itself
  }
}

static inline void change(hid_t file, const names *n, input *in) {
  unsigned how = take(in);
  const char *name = n->name[(take(in) << 8 | take(in)) % (unsigned)n->count];
  const char *other = n->name[take(in) % (unsigned)n->count];
  switch (how % 7) {
  case 0:
    H5Ldelete(file, name, H5P_DEFAULT);
    break;
  case 1:
    H5Ldelete(file, name, H5P_DEFAULT);
    put_dataset(file, name, in);
    break;
  case 2:
  case 3:
    poke(file, name, in);
    break;
  case 4:
    put_attribute(file, take(in) % 2 ? "." : name, in);
    break;
  case 5:
    relink(file, name, other, take(in));
    break;
  default:
    H5Ldelete(file, other, H5P_DEFAULT);
    H5Lmove(file, name, file, other, H5P_DEFAULT, H5P_DEFAULT);
  }
}

// Writes to `path` the file of these bytes, changed.
static inline void write_mutant(const char *path, const void *bytes, size_t count,
                                input *in) {
  static names n;
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  write_bytes(path, bytes, count);
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, access);
  demand(file >= 0);
  n.count = 0;
  H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_NATIVE, note_name, &n, H5O_INFO_BASIC);
  for (int i = 0; i < OPERATIONS && in->used < in->size; i++) {
    change(file, &n, in);
  }
  H5Fclose(file);
  H5Pclose(access);
}

// A file's bytes, for write_mutant.
static inline void *read_bytes(const char *path, size_t *count) {
  FILE *file = fopen(path, "rb");
  demand(file != NULL && fseek(file, 0, SEEK_END) == 0);
  *count = (size_t)ftell(file);
  void *bytes = malloc(*count);
  rewind(file);
  demand(fread(bytes, 1, *count, file) == *count && fclose(file) == 0);
  return bytes;
}

// SPDX-License-Identifier: BSD-3-Clause
// reader_impl.h: HDF5 files read that are not trusted. Types and shapes are checked before
// memory is asked for, and what is claimed against the bytes the file has.
//
// What is raised names the dataset or attribute; the caller puts the file before it.
#pragma once

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

#include "htflow/status.h"

// No filter of HDF5 makes more than about a thousand bytes of one.
enum { HTF_READER_RATIO = 2000 };

// A file, or a group of one, that names are looked up in.
typedef struct htf_reader__file {
  hid_t at;
  double bytes; // of the whole file
} htf_reader__file;

// What a dataset must be of: integers are read as int64, the others as double.
typedef enum htf_reader__type {
  HTF_READER_INTEGERS,
  HTF_READER_NUMBERS, // integers or floating-point numbers
  HTF_READER_REALS,   // floating-point numbers
} htf_reader__type;

// Raises HTF_E_IO, or HTF_E_DATA for what is no HDF5 file.
htf_status htf_reader__open(const char *path, htf_reader__file *file);
void htf_reader__close(htf_reader__file *file);

// A text attribute of `object`, which messages call `where` ("root"). Raises HTF_E_DATA if
// it is missing, no text, or longer than `size` - 1 bytes.
htf_status htf_reader__text(hid_t object, const char *where, const char *name, char *text,
                            size_t size);
htf_status htf_reader__expect(hid_t object, const char *name, const char *expected);

// Whether a link leads to an object; of "train/values" both steps.
bool htf_reader__exists(hid_t at, const char *path);
// Opens a dataset of `rank` dimensions.
htf_status htf_reader__dataset(const htf_reader__file *file, const char *name, int rank,
                               hid_t *dataset, hsize_t *dims);
// A dataset can claim any size; what it reads as must come from bytes of the file.
htf_status htf_reader__size(const htf_reader__file *file, const char *name, int rank,
                            const hsize_t *dims);
// Raises unless the dataset is of this type.
htf_status htf_reader__of(hid_t dataset, const char *name, htf_reader__type type);
// All its numbers, into room for them; raises where an array is not all there.
htf_status htf_reader__numbers(hid_t dataset, const char *name, htf_reader__type type,
                               void *out);
// Row `row` of it, elements of its first dimension.
htf_status htf_reader__row(hid_t dataset, const char *name, htf_reader__type type,
                           int64_t row, void *out);
// Raises for the first value that is not finite.
htf_status htf_reader__finite(const char *name, int rank, const hsize_t *dims,
                              const double *values);
// The place of element i, as "[1, 0, 3]"; cut where it is too long.
void htf_reader__place(int rank, const hsize_t *dims, int64_t i, char *text, size_t size);

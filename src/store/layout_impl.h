// SPDX-License-Identifier: BSD-3-Clause
// layout_impl.h: how results.h5 is laid out, whatever is in it.
//
// A layout is the file, a group in it holds scales (the dimensions) and arrays over them,
// and an array is written from its first row to its last, a row being one element of its
// first dimension. Each array is digested as it is written; the digests make up
// content_checksum (results.h).
//
// Lifecycle: create the layout; open a group; open its scales, then its arrays, each with
// the names of the scales it runs over; put as many rows as the first scale is long; close
// arrays, then groups; finish the layout.
#pragma once

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

#include "htflow/digest.h"
#include "htflow/status.h"
#include "manifest_impl.h"

// Dimensions of an array; bytes of a path within the file.
enum { HTF_LAYOUT_RANK = 4, HTF_LAYOUT_PATH = 512 };

typedef struct htf_results__layout htf_results__layout;
typedef struct htf_results__array htf_results__array;

typedef struct htf_results__scale {
  char name[HTF_LAYOUT_PATH];
  hid_t id;
  int64_t length;
} htf_results__scale;

typedef struct htf_results__group {
  htf_results__layout *layout; // borrowed
  hid_t id;
  char path[HTF_LAYOUT_PATH];
  bool checked; // its arrays count for content_checksum
  int scales;
  htf_results__scale *scale; // [scales]
} htf_results__group;

typedef enum htf_results__kind {
  HTF_ARRAY_REAL,    // double; missing is NAN
  HTF_ARRAY_INTEGER, // int64
  HTF_ARRAY_FLAG,    // int8, with the words its numbers stand for
  HTF_ARRAY_TEXT,    // UTF-8 of any length; one dimension only
} htf_results__kind;

typedef struct htf_results__about {
  const char *name;
  htf_results__kind kind;
  int rank;
  const char *dims[HTF_LAYOUT_RANK]; // names of scales of the group
  const char *units, *long_name, *comment;
  int flags; // number of words, for HTF_ARRAY_FLAG
  const char *const *flag;
} htf_results__about;

// `path` must not exist. Raises HTF_E_IO, HTF_E_MEMORY.
htf_status htf_results__create(const char *path, htf_results__layout **layout);
// The root group, to hang attributes on; borrowed.
hid_t htf_results__root(const htf_results__layout *layout);
// The digests of all checked arrays closed so far; borrowed.
htf_manifest__list *htf_results__manifest(htf_results__layout *layout);
// The chunks on their way into the file; borrowed.
struct htf_results__chunks *htf_results__in_flight(htf_results__layout *layout);
// Writes out and closes the file; all ids must be closed. Raises HTF_E_IO.
htf_status htf_results__finish(htf_results__layout *layout);
// Raises HTF_E_IO once the disk has refused anything.
htf_status htf_results__check(const htf_results__layout *layout);
// Closes what is still open, whatever state it is in.
void htf_results__destroy(htf_results__layout **layout);

// Puts into a file what `what` stands for.
typedef htf_status htf_results__fill(htf_results__layout *layout, const void *what);
// A whole file: filled under a temporary name, synced and renamed to `path`; a failure
// leaves nothing behind. Raises HTF_E_IO, what `fill` raises; `path` stands before the
// message.
htf_status htf_results__write_file(const char *path, htf_results__fill *fill,
                                   const void *what);

// Makes a group, named by its absolute path; parents must exist.
htf_status htf_results__group_open(htf_results__layout *layout, const char *path,
                                   bool checked, htf_results__group **group);
void htf_results__group_close(htf_results__group **group);

// The scale of a name, or NULL; borrowed until the next scale is made. And makes a dataset
// one: layout.c and array.c only.
const htf_results__scale *htf_results__find_scale(const htf_results__group *group,
                                                  const char *name);
htf_status htf_results__add_scale(htf_results__group *group, const char *name, hid_t id,
                                  int64_t length);

// Makes a dimension of `length` > 0, whose coordinates are to be put like an array's
// (about.rank 1, about.dims unused). Later arrays of the group may name it.
htf_status htf_results__scale_open(htf_results__group *group,
                                   const htf_results__about *about, int64_t length,
                                   htf_results__array **array);
// A dimension with coordinates 0 .. length - 1, all done.
htf_status htf_results__index_scale(htf_results__group *group, const char *name,
                                    const char *long_name, int64_t length);
// The length of a scale; 0 if there is none of that name.
int64_t htf_results__length(const htf_results__group *group, const char *name);

htf_status htf_results__array_open(htf_results__group *group,
                                   const htf_results__about *about,
                                   htf_results__array **array);
// The next row: `values` of shape `dims`, one number a dimension of the array beyond the
// first, at most as large; the rest is NAN. `values` NULL: all of it.
htf_status htf_results__put_reals(htf_results__array *array, const int64_t *dims,
                                  const double *values);
// The next row of flags: as many numbers as `count`, the rest 0. For arrays of two
// dimensions.
htf_status htf_results__put_flags(htf_results__array *array, int64_t count,
                                  const double *values);
htf_status htf_results__put_real(htf_results__array *array, double value);
htf_status htf_results__put_integer(htf_results__array *array, int64_t value);
// What is not UTF-8 in it becomes '?'.
htf_status htf_results__put_text(htf_results__array *array, const char *text);
// Puts '?' for every byte that is not UTF-8 (RFC 3629).
void htf_results__clean(char *text);
// Sends what has been put on its way; where several arrays are to be closed, all are
// flushed before, so that their last chunks are encoded side by side. Fine with NULL.
htf_status htf_results__array_flush(htf_results__array *array);
// Writes what is left, and enters the array's digest. All rows must have been put. Raises
// HTF_E_IO; fine with NULL.
htf_status htf_results__array_close(htf_results__array **array);
// Gives it up, after an error.
void htf_results__array_drop(htf_results__array **array);

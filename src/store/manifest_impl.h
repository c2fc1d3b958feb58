// SPDX-License-Identifier: BSD-3-Clause
// manifest_impl.h: content_checksum of a results file, as results.h defines it.
#pragma once

#include <hdf5.h>
#include <stdint.h>

#include "htflow/digest.h"
#include "htflow/status.h"

// The lines of all datasets that count, in any order. Starts zeroed.
typedef struct htf_manifest__list {
  int64_t lines, room;
  char **line; // [lines]
} htf_manifest__list;

// Enters the digest of a dataset's elements; `kind` is its letter.
htf_status htf_manifest__enter(htf_manifest__list *list, const char *path, char kind,
                               int rank, const hsize_t *dims, const htf_digest *digest);
// The checksum of all entered so far; sorts them.
htf_status htf_manifest__checksum(htf_manifest__list *list, htf_digest *checksum);
void htf_manifest__clear(htf_manifest__list *list);

// Copies with every NAN the one NAN whose bits the checksum is defined on. In place too.
void htf_manifest__copy_reals(int64_t n, const double *from, double *to);
// Feeds texts as they are digested; NULL is "".
htf_status htf_manifest__feed_texts(htf_digester *digester, int64_t n, char *const *texts);

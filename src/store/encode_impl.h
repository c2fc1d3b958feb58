// SPDX-License-Identifier: BSD-3-Clause
// encode_impl.h: a chunk as a task for htf_results_encode, and what comes back.
#pragma once

#include <stdint.h>

#include "htflow/results.h"

// Before the bytes of a chunk, and before what they are encoded to.
typedef struct htf_results__task {
  uint64_t element; // bytes of an element, by which shuffle goes
} htf_results__task;

typedef struct htf_results__reply {
  uint64_t skipped; // HDF5's mask of the filters that were not applied
} htf_results__reply;

// The filters in the order of the dataset's list (array.c).
enum { HTF_RESULTS__SHUFFLE, HTF_RESULTS__DEFLATE, HTF_RESULTS__FLETCHER };

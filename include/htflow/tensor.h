// SPDX-License-Identifier: BSD-3-Clause
// tensor.h: dense tensors in problem files, read and written by many ranks, each its own
// part (room: store; the file is that of files.h with dataset `tensor`).
//
// A part is a run of entries in row-major order. In the file it is contiguous, up to 2 N -
// 1 boxes of it, so that there is nothing for ranks to exchange: reading and writing are
// independent. Measured on 2 ranks, 268 MB in a local file system, pieces of 4 MB: reading
// by each rank for itself 0.04 s, by MPI-IO independently 0.08 s, collectively 0.2 to 0.7
// s; writing by MPI-IO independently 0.5 s, collectively 0.6 to 1.8 s. So a reader opens
// the file without MPI, and only writers, who share a file, go through MPI-IO.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "htflow/door.h"
#include "htflow/spec.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

// ---- what a file is -------------------------------------------------------------------

typedef enum htf_tensor_source {
  HTF_TENSOR_DENSE,   // a problem file with dataset `tensor`
  HTF_TENSOR_WEIGHTS, // a weights file
  HTF_TENSOR_RESULTS, // a results file, whose runs keep weights
} htf_tensor_source;
// Raises HTF_E_IO, and HTF_E_DATA for a file that is none of these, or a problem without
// `tensor`.
htf_status htf_tensor_find_source(const char *path, htf_tensor_source *source);

// ---- reading --------------------------------------------------------------------------

typedef struct htf_tensor htf_tensor;

// Opens it for this process alone. Raises HTF_E_IO, and HTF_E_DATA for what is no problem
// file with a dense tensor of the shape it tells.
htf_status htf_tensor_open(const char *path, htf_tensor **tensor);
void htf_tensor_close(htf_tensor **tensor);
const htf_shape *htf_tensor_shape(const htf_tensor *tensor); // borrowed
// Entries first .. first + count - 1 in row-major order, as they are. `tensor` is an
// htf_tensor: this serves where a tensor is to be read piece by piece. Raises HTF_E_DATA
// where the file does not give them.
htf_status htf_tensor_read(void *tensor, int64_t first, int64_t count, double *entries);

// ---- writing --------------------------------------------------------------------------
//
// One rank begins, with the name of the part file it makes; all join, write and leave; one
// finishes. Between these steps ranks agree that all went well; if not, one discards.

// Makes a problem file (task full) of this shape beside `path`, its entries undefined.
// *part, its name, is the caller's to HTF_FREE. Raises HTF_E_DATA for an ending of the name
// that is not HDF5's and for more than 32 modes; HTF_E_IO, with the number of bytes, where
// the file system has less free; HTF_E_MEMORY.
htf_status htf_tensor_begin(const char *path, const htf_shape *shape, char **part);
// Makes all ranks go the same way after what one of them did (htf_sweep_agree).
typedef htf_status (*htf_tensor_agreement)(htf_status own);
// Collective over all ranks: opens the part file for all. Raises HTF_E_IO, HTF_E_MEMORY.
htf_status htf_tensor_join(const char *part, htf_tensor_agreement agree,
                           htf_tensor **tensor);
// This rank's entries, some at a time. Raises HTF_E_IO.
htf_status htf_tensor_write(htf_tensor *tensor, int64_t first, int64_t count,
                            const double *entries);
// Collective, also after a failure: closes it for all. Raises HTF_E_IO.
htf_status htf_tensor_leave(htf_tensor **tensor);
// Makes it durable and gives it its name. Raises HTF_E_IO.
htf_status htf_tensor_finish(const char *part, const char *path);
// Removes it, after an error.
void htf_tensor_discard(const char *part);

HTF_END_DOOR

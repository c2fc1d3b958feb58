// SPDX-License-Identifier: BSD-3-Clause
// tensor_impl.h: a dense tensor's dataset and its boxes (room: store).
#pragma once

#include "htflow/tensor.h"
#include "reader_impl.h"

struct htf_tensor {
  htf_reader__file file;
  hid_t dataset, space;
  htf_shape shape;
};

// A run of entries as boxes: calls `visit` for each, in order, with the box selected in the
// tensor's space and its entries, a block of them in memory.
typedef htf_status htf_tensor__visit(htf_tensor *tensor, hid_t memory, double *entries);
htf_status htf_tensor__boxes(htf_tensor *tensor, int64_t first, int64_t count,
                             double *entries, htf_tensor__visit *visit);
// Opens `tensor` in an open file, its sizes those of `shape`.
htf_status htf_tensor__dataset(htf_tensor *tensor);
void htf_tensor__drop(htf_tensor **tensor);

// SPDX-License-Identifier: BSD-3-Clause
// tensor_impl.h: what the commands that take whole tensors share (room: cli).
#pragma once

#include "htflow/entries.h"
#include "htflow/files.h"
#include "htflow/grid.h"
#include "htflow/model.h"
#include "htflow/status.h"
#include "htflow/tensor.h"
#include "htflow/tree.h"

// A tensor that a file holds, or its factors.
typedef struct htf_cli_tensor {
  htf_shape shape;
  htf_tensor *dense;        // its entries, or NULL
  htf_model *model;         // its factors, or NULL,
  const double *theta;      // their weights, borrowed from `weights`,
  double scale;             // and what each entry is multiplied by
  htf_file_weights weights; // of a file
  htf_entries *entries;     // made of the factors on demand
} htf_cli_tensor;

// `run` is the option's text, NULL where there is none. What was opened is to be closed
// after a failure too. Raises HTF_E_USAGE, HTF_E_IO, HTF_E_DATA.
htf_status htf_cli__tensor_open(const char *path, const char *run, htf_cli_tensor *tensor);
void htf_cli__tensor_close(htf_cli_tensor *tensor);
// The model of `weights` that are there.
htf_status htf_cli__tensor_of_weights(htf_cli_tensor *tensor);
// Its entries as what the grid reads; `source` lives as long as the tensor.
htf_status htf_cli__tensor_entries(htf_cli_tensor *tensor, htf_grid_tensor *source);

// Options. They raise HTF_E_USAGE. A tree as the sweep file writes one; modes "0,2" of a
// part, some and not all of `order`; a process grid "2x3", or "auto", which is 0 x 0.
htf_status htf_cli__tree(const char *text, int order, htf_tree **tree);
htf_status htf_cli__modes(const char *text, int order, int *modes, int *count);
htf_status htf_cli__process_grid(const char *text, int *rows, int *cols);

// SPDX-License-Identifier: BSD-3-Clause
// files.h: problem files read and sweep directories made (room: store; design.md section
// 5).
//
// A problem file is HDF5 (.h5: root attribute kind = "problem", task = "completion";
// `shape` [N] int64, `train/indices` [m, N] int64 from 0, `train/values` [m], the same
// under `test/`) or FROSTT text (.tns: a line an entry, N indices from 1 and a value, `#`
// comments). `test/` may be missing as a whole. Any width of integer or real converts;
// values may be integers. A mode has at most 2^31 - 1 entries and a tensor 64 modes.
//
// Every error names the file, and the dataset or line and column, and the first offending
// place. Files are not trusted: types and shapes are checked before memory is asked for,
// and no more of it than the file's bytes can account for. (HDF5 1.10 is not proof against
// changed bytes in its own structures; what it notices is HTF_E_DATA.)
#pragma once

#include <stdint.h>

#include "htflow/digest.h"
#include "htflow/door.h"
#include "htflow/problem.h"
#include "htflow/spec.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

// Samples of a tensor as a file held them; release with htf_file_data_clear. A .tns file
// holds one list of entries: all of them are `train`, and its shape is the largest index of
// a mode.
typedef struct htf_file_data {
  htf_shape shape;
  int64_t train, test;
  int64_t *train_indices, *test_indices; // [train, N], [test, N]
  double *train_values, *test_values;
} htf_file_data;

// By the name's ending. Raises HTF_E_IO if it cannot be read, HTF_E_DATA for anything that
// is not as above (missing dataset, wrong shape or type, index out of range, value not
// finite, duplicate training entry).
htf_status htf_file_read_problem(const char *path, htf_file_data *data);
void htf_file_data_clear(htf_file_data *data);
// SHA-256 of a file's bytes, as text. Raises HTF_E_IO.
htf_status htf_file_digest(const char *path, char text[HTF_DIGEST_TEXT]);
// A whole text file; *text is the caller's to HTF_FREE. Raises HTF_E_IO, and HTF_E_DATA
// above 64 MiB or with a zero byte in it.
htf_status htf_file_read_text(const char *path, char **text);
// Writes a text file by a temporary name, fsync and rename. Raises HTF_E_IO.
htf_status htf_file_write_text(const char *path, const char *text);
// Makes a directory and its parents, and checks that a file can be made in it. Raises
// HTF_E_IO.
htf_status htf_file_make_directory(const char *path);

HTF_END_DOOR

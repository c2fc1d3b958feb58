// SPDX-License-Identifier: BSD-3-Clause
// files.h: problem files and weights files, read and written, and sweep directories made
// (room: store; design.md section 5).
//
// A problem file is HDF5 (.h5: root attribute kind = "problem", `task` and `shape` [N]
// int64) or FROSTT text (.tns: a line an entry, N indices from 1 and a value, `#`
// comments). By its task it holds
//   completion  `train/indices` [m, N] int64 from 0, `train/values` [m]
//   sensing     `train/inputs` [m, N, D], `train/values` [m]: measurement k is the product
//               over n of vectors x_k^(n), the first D_n numbers of inputs[k, n]; D is at
//               least the largest D_n, and what lies beyond D_n must be zero
//   full        `tensor` [D_1, .., D_N]
// and the same under `test/`, which may be missing as a whole. Completion and sensing may
// have `tensor` too, the target; completion with a tensor needs no `train/`. Any width of
// integer or real converts; values may be integers. A mode has at most 2^31 - 1 entries and
// a tensor 64 modes (a dense one 32, as many as HDF5 has dimensions).
//
// A weights file is HDF5: kind = "weights", attribute `tree` (Newick with all widths), and
// for each node `weights/<node>` [R_v, R_parent(v)] of floating-point numbers, the node
// named as htf_tree_node_name does, R of a leaf its mode's size. Without the root's matrix
// the root is frozen: a matrix factorization where the tree has unary nodes, else CP. No
// other dataset may be there.
//
// Every error names the file, and the dataset or line and column, and the first offending
// place. Files are not trusted: types and shapes are checked before memory is asked for,
// and no more of it than the file's bytes can account for. HDF5 1.10 is not proof against
// changed bytes in its own structures, so HDF5 files are read in a process of their own
// (guard.h): where it crashes or does not end, that is HTF_E_DATA like what it notices.
#pragma once

#include <stdint.h>

#include "htflow/digest.h"
#include "htflow/door.h"
#include "htflow/guard.h"
#include "htflow/model.h"
#include "htflow/spec.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

// ---- problems -------------------------------------------------------------------------

// A problem as a file holds it; release with htf_file_data_clear. What it does not hold is
// 0 or NULL. A .tns file holds one list of entries: all of them are `train`, and its shape
// is the largest index of a mode.
typedef struct htf_file_data {
  int task; // htf_task
  htf_shape shape;
  int64_t train, test;
  int64_t *train_indices, *test_indices; // [train, N], [test, N], of completion
  int64_t input_size;                    // D, the largest mode
  double *train_inputs, *test_inputs;    // [train, N, D], [test, N, D], of sensing
  double *train_values, *test_values;
  double *tensor; // [D_1, .., D_N], the whole target
} htf_file_data;

// By the name's ending. Raises HTF_E_IO if it cannot be read, HTF_E_DATA for anything that
// is not as above (missing dataset, wrong shape or type, index out of range, value not
// finite, duplicate training entry).
htf_status htf_file_read_problem(const char *path, htf_file_data *data);
// Writes it in HDF5 (.h5 or .hdf5) by a temporary name, fsync and rename; the same data
// give the same bytes. `data` is only read. Raises HTF_E_IO; HTF_E_DATA for another ending
// of the name, and for a dense tensor of more than 32 modes.
htf_status htf_file_write_problem(const char *path, const htf_file_data *data);
void htf_file_data_clear(htf_file_data *data); // releases what it owns

// ---- weights --------------------------------------------------------------------------

// The weights of a model, and what htf_tree_parse and htf_model_create make the model of;
// release with htf_file_weights_clear.
typedef struct htf_file_weights {
  char tree[HTF_MAX_NEWICK]; // with all widths
  htf_shape shape;
  htf_model_kind kind;
  int64_t count;
  double *theta; // [count], in the model's layout
} htf_file_weights;

// Raises HTF_E_IO, and HTF_E_DATA for anything that is not as above: a tree that is not
// one (with the column), a missing or an extra dataset, a wrong shape or type, a value
// that is not finite.
htf_status htf_file_read_weights(const char *path, htf_file_weights *weights);
// The weights that run `run` of a results file kept (results.h). Raises the same, and
// HTF_E_DATA if the run kept none.
htf_status htf_file_read_run_weights(const char *path, int64_t run,
                                     htf_file_weights *weights);
// Writes a weights file as htf_file_write_problem does. Raises HTF_E_IO.
htf_status htf_file_write_weights(const char *path, const htf_model *model,
                                  const double *theta);
void htf_file_weights_clear(htf_file_weights *weights); // releases what it owns

// ---- files that are not trusted -------------------------------------------------------

// Work on an HDF5 file in a process of its own (guard.h); guard->seconds is what it may
// take for each byte of the file, beside 10 s; of memory it may take a gigabyte, and more
// for a larger file. The path stands before what is raised.
htf_status htf_file_guarded(const char *path, const htf_guard *guard);

// ---- bytes and directories ------------------------------------------------------------

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

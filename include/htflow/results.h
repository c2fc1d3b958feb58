// SPDX-License-Identifier: BSD-3-Clause
// results.h: one results.h5 from the records of a sweep (room: store; library: HDF5;
// layout: design.md section 5).
//
// The writer asks for runs by index, in order, as often as it needs, and holds one record
// at a time; the same records give the same bytes outside /timings. Written to a temporary
// name beside the file, synced, then renamed: a reader sees the old file or the new one,
// and a failure leaves nothing behind.
//
// What is in it, beyond design.md:
// - /runs, /trajectories/<class>, /weights/<class> and /timings each have a dimension `run`
//   of their own; below /trajectories and /weights it holds indices into /runs. Classes are
//   named c0, c1, .. in the order of their first run; attributes: `tree` (Newick), `nodes`
//   (the names of all nodes).
// - Swept keys are coordinates (attribute `coordinates` of /runs, as CF has it).
// - A dimension named `node` runs over the interior nodes, one named `partition` over all
// nodes
//   but the root; their scales hold the nodes' names.
// - Rows shorter than the longest of a class end in NAN; `samples` (run) tells how many
//   there are. A dimension of one name is as long as the longest variable over it.
// - A run without columns has trajectory "" and row -1; a pending one has NAN for its real
//   numbers and 0 for its integers.
// - /weights/<class>/w_<node> (run, row_<node>, column_<node>); files.h reads them back.
//
// content_checksum (attribute of the root) can be recomputed from the file. For each
// dataset outside /timings, dimension scales too, make the line
//
//     <path> <kind> <d0>x<d1>.. <hex>\n
//
// with its absolute path; kind f (floating point), i (integers and flags), s (text); its
// dimensions; and the SHA-256 of its elements in row-major order, each an IEEE double, a
// 64-bit two's complement integer, or a 64-bit byte count and UTF-8 bytes, all
// little-endian, every NAN being 0x7ff8000000000000. content_checksum is the SHA-256 of the
// lines sorted by their bytes.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "htflow/digest.h"
#include "htflow/door.h"
#include "htflow/record.h"
#include "htflow/spec.h"
#include "htflow/status.h"
#include "htflow/variable.h"

HTF_BEGIN_DOOR

typedef enum htf_results_kind {
  HTF_RESULTS_REAL,
  HTF_RESULTS_INTEGER,
  HTF_RESULTS_TEXT,
} htf_results_kind;

// Compressing takes most of the time, and others may do it: a task is a chunk, its reply
// what is written of it, at most HTF_RESULTS_MORE bytes longer. The bytes of the file do
// not depend on who did what, nor on when it came back.
enum { HTF_RESULTS_MORE = 256 };
typedef struct htf_results_helpers {
  void *context;
  // Hands a task to a helper, or leaves *taken false where all have enough to do. `task`
  // and `reply` stay where they are until the reply is fetched, under the number `slot`.
  htf_status (*offer)(void *context, int slot, const void *task, size_t count, void *reply,
                      bool *taken);
  // The slot of a reply that has come and its bytes; -1 if none has. With `wait` not before
  // one has. *slot is set too where it is the helper that failed.
  htf_status (*fetch)(void *context, bool wait, int *slot, size_t *made);
} htf_results_helpers;

// What a helper does: a task made its reply. Raises HTF_E_MEMORY; HTF_E_INTERNAL if it is
// no task.
typedef struct htf_results_encoder htf_results_encoder;
htf_status htf_results_encoder_create(htf_results_encoder **encoder);
void htf_results_encoder_destroy(htf_results_encoder **encoder);
htf_status htf_results_encode(htf_results_encoder *encoder, const void *task, size_t count,
                              void *reply, size_t *made);

// A swept key: one variable of /runs. Values are numbers, or texts.
typedef struct htf_results_axis {
  const char *label;     // init_std
  const char *long_name; // help text of the key
  const char *units;     // "" or "1" where there are none
  htf_results_kind kind;
} htf_results_axis;

typedef struct htf_results_source {
  int64_t runs;
  int axes;
  const htf_results_axis *axis; // [axes]
  // The value of an axis at a run: `number`, or a borrowed `text` valid until the next
  // call.
  htf_status (*axis_value)(void *context, int axis, int64_t run, double *number,
                           const char **text);
  // Identity of a run, and its record into an initialised empty one; a run without a record
  // stays PENDING.
  htf_status (*identity)(void *context, int64_t run, htf_digest *identity);
  htf_status (*record)(void *context, int64_t run, htf_record *record);
  // The mode sizes of a run, which a record does not hold; asked for where it keeps
  // weights. NULL where none does.
  htf_status (*shape)(void *context, int64_t run, htf_shape *shape);
  void *context;
  // Which weights the records keep ("first", "final", "best"): attribute `which` of
  // /weights. NULL where it is not to be said, as where runs differ in it.
  const char *which_weights;
  // Descriptors of the records' columns. A column without one raises HTF_E_INTERNAL.
  int variables;
  const htf_variable *variable; // [variables]
  // Root attributes: names and texts.
  int attributes;
  const char *const (*attribute)[2]; // [attributes]
  // Attributes of /timings, which differ between executions.
  int timing_attributes;
  const char *const (*timing_attribute)[2];
  // Who helps to compress; NULL for nobody.
  const htf_results_helpers *helpers;
} htf_results_source;

// Raises HTF_E_IO with the path; whatever the source raised. `checksum` is
// content_checksum.
htf_status htf_results_write(const char *path, const htf_results_source *source,
                             htf_digest *checksum);

// What the file says of a variable of its own, beside swept keys and columns: number i of
// /runs, and of /timings. False if there are not so many.
typedef struct htf_results_variable {
  const char *name, *type, *units, *long_name, *comment;
} htf_results_variable;
bool htf_results_runs_variable(int i, htf_results_variable *variable);
bool htf_results_timings_variable(int i, htf_results_variable *variable);

// The file format's library and its version, and the compressor's.
const char *htf_results_library(void);
const char *htf_results_compressor(void);

HTF_END_DOOR

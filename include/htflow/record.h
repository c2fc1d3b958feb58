// SPDX-License-Identifier: BSD-3-Clause
// record.h: a run done (room: ledger).
//
// A record is all that is kept of a run: how it ended, its final numbers, and columns, each
// a dense array of doubles, most over samples, some over events (event.h). It knows nothing
// of what a column means; htf_variable descriptors do. Bytes: a little-endian, versioned,
// length-checked encoding, equal for equal records, that the journal stores and ranks may
// send. What may differ between two executions (times, host) is kept apart from what may
// not.
//
// Lifecycle: htf_record_init a caller's value, add columns, htf_record_clear when done.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "htflow/digest.h"
#include "htflow/door.h"
#include "htflow/spec.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

// name in files, meaning. The numbers, from 0 in this order, are stored: only append.
#define HTF_RUN_STATE_TABLE(X)                                                             \
  X(PENDING, "pending", "not done yet")                                                    \
  X(DONE, "done", "ended as asked")                                                        \
  X(FAILED, "failed", "could not go on; see message")

#define HTF_STOP_REASON_TABLE(X)                                                           \
  X(NONE, "none", "not done yet")                                                          \
  X(LOSS, "loss", "the training loss reached stop.loss")                                   \
  X(TIME, "time", "the flow time reached stop.time")                                       \
  X(STEPS, "steps", "stop.steps accepted steps were taken")                                \
  X(WALL, "wall", "the run used up stop.wall seconds")                                     \
  X(GRADIENT, "gradient", "the gradient norm fell to stop.gradient_norm")                  \
  X(INTEGRATOR, "integrator", "no longer given: see step_size, convergence, overflow")     \
  X(OVERFLOW, "overflow", "a value left the range of a double")                            \
  X(ERROR, "error", "the run could not be set up or recorded")                             \
  X(STEP_SIZE, "step_size", "the error asked for a step shorter than the shortest")        \
  X(CONVERGENCE, "convergence", "a step's equations could not be solved")                  \
  X(LOSS_RISE, "loss_rise", "the loss rose under exact flow, beyond what rtol explains")   \
  X(STATIONARY, "stationary",                                                              \
    "the flow came to rest: nothing moved any more but by rounding")                       \
  X(DRIFT, "drift",                                                                        \
    "conserved quantities drifted under exact flow, beyond what rtol explains")

typedef enum htf_run_state {
#define HTF_ENUM(name, text, meaning) HTF_RUN_##name,
  HTF_RUN_STATE_TABLE(HTF_ENUM)
} htf_run_state;

typedef enum htf_stop_reason {
#undef HTF_ENUM
#define HTF_ENUM(name, text, meaning) HTF_STOP_##name,
  HTF_STOP_REASON_TABLE(HTF_ENUM)
#undef HTF_ENUM
} htf_stop_reason;

// The scalars of a record: type, member and name in files, units, long name, comment.
#define HTF_RECORD_SCALAR_TABLE(X)                                                         \
  X(REAL, final_train_loss, "1", "final training loss", "L at the last state")             \
  X(REAL, final_test_loss, "1", "final held-out loss",                                     \
    "mean loss over the held-out samples at the last state")                               \
  X(REAL, flow_time, "1", "flow time at the end", "theory.md section 2")                   \
  X(INTEGER, steps, "1", "accepted steps", "of the integrator, or of the descent")         \
  X(INTEGER, gradients, "1", "gradient evaluations", "calls of grad L by the method")      \
  X(INTEGER, jacobian_products, "1", "Hessian-vector products",                            \
    "exact products of the Hessian of L with a vector")                                    \
  X(INTEGER, events, "1", "events", "how many were found; the rest of the row is none")    \
  X(REAL, unbalancedness_drift, "1", "drift of the conserved quantities",                  \
    "largest change of | ||w||^2 - ||w'||^2 | from the start, over the largest ||w||^2 "   \
    "seen; zero under exact flow (theory.md section 3)")

enum { HTF_COLUMN_NAME = 32, HTF_COLUMN_RANK = 4, HTF_RECORD_MESSAGE = 512 };

// A named array [dims[0], .., dims[rank - 1]] of doubles, row-major; what a dimension
// counts its descriptor says: dims[0] samples for most.
typedef struct htf_column {
  char name[HTF_COLUMN_NAME];
  int rank;
  int64_t dims[HTF_COLUMN_RANK];
  double *data;
} htf_column;

typedef struct htf_record {
  htf_digest identity;
  int state;       // htf_run_state
  int stop_reason; // htf_stop_reason
  char message[HTF_RECORD_MESSAGE];
#define HTF_MEMBER_REAL(name)                             double name;
#define HTF_MEMBER_INTEGER(name)                          int64_t name;
#define HTF_MEMBER(type, name, units, long_name, comment) HTF_MEMBER_##type(name)
  HTF_RECORD_SCALAR_TABLE(HTF_MEMBER)
#undef HTF_MEMBER
#undef HTF_MEMBER_INTEGER
#undef HTF_MEMBER_REAL
  char tree[HTF_MAX_NEWICK]; // the model's tree with widths: which class it belongs to
  int64_t samples;           // rows of every column over them
  int column_count;
  htf_column *columns;
  int64_t weight_count; // parameters kept, 0 if none
  double *weights;      // [weight_count] in the model's layout
  // what may differ between executions
  struct {
    double started; // seconds since 1970
    double wall, cpu;
    char host[64];
    int64_t rank, attempts;
  } timing;
} htf_record;

// The names of an htf_run_state and of an htf_stop_reason in files.
const char *htf_run_state_text(int state);
const char *htf_stop_reason_text(int reason);

// The drift of the conserved quantities (theory.md section 3), relative to the largest
// squared norm of a weight vector, beyond which a run of so many steps with errors of rtol
// in each has left the flow: it ends by HTF_STOP_DRIFT, and a file that says it is done is
// at fault (check.h). src/ledger/record.c has the measurements.
double htf_record_most_drift(double rtol, int64_t steps);

// An empty record: PENDING, NAN in its real scalars, no columns.
void htf_record_init(htf_record *record);
// Releases what the record owns and empties it.
void htf_record_clear(htf_record *record);
// Adds a column of zeros, [dims[0], .., dims[rank - 1]]. It is borrowed from the record,
// and until the next is added.
htf_status htf_record_add_column(htf_record *record, const char *name, int rank,
                                 const int64_t *dims, htf_column **column);
// The same over samples: [samples, dims[0], .., dims[rank - 2]], samples from the record;
// `rank` counts the sample dimension too.
htf_status htf_record_add(htf_record *record, const char *name, int rank,
                          const int64_t *dims, htf_column **column);
// The column of a name, or NULL.
const htf_column *htf_record_find(const htf_record *record, const char *name);
// Elements of a column.
int64_t htf_column_size(const htf_column *column);

// The record as bytes; *bytes is the caller's to HTF_FREE. Raises HTF_E_MEMORY.
htf_status htf_record_pack(const htf_record *record, uint8_t **bytes, size_t *count);
// The record of these bytes, into an initialised empty record. Raises HTF_E_DATA where the
// bytes are not a record; the record is then empty.
htf_status htf_record_unpack(const uint8_t *bytes, size_t count, htf_record *record);

HTF_END_DOOR

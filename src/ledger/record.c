// SPDX-License-Identifier: BSD-3-Clause
// Records: their columns, and their bytes.
//
// Bytes: magic and version, then the members in the struct's order (bytes.h).
#include "htflow/record.h"

#include <math.h>
#include <string.h>

#include "htflow/bytes.h"
#include "htflow/memory.h"

static const uint64_t MAGIC = 0x3164726f63657268u; // "hrecord1"
enum { VERSION = 2 };
static const int64_t MOST = (int64_t)1 << 48; // of one dimension

static const char *const state_texts[] = {
#define TEXT(name, text, meaning) text,
    HTF_RUN_STATE_TABLE(TEXT)};
static const char *const reason_texts[] = {HTF_STOP_REASON_TABLE(TEXT)
#undef TEXT
};

const char *htf_run_state_text(int state) {
  int count = sizeof state_texts / sizeof *state_texts;
  return 0 <= state && state < count ? state_texts[state] : "unknown";
}

const char *htf_stop_reason_text(int reason) {
  int count = sizeof reason_texts / sizeof *reason_texts;
  return 0 <= reason && reason < count ? reason_texts[reason] : "unknown";
}

// ---- what is sound ----------------------------------------------------------------------

// In rtol. Of the 180 runs of jobs/depth-scale.yaml 15 in the median and 100 at most in 800
// steps, but for three whose linear systems are beyond double precision: 645, 2,248 and
// 3,336. What every step adds is seen in long runs: erk at rtol 1e-4 in a minimum, 500 in
// 100,000 steps. Below rtol 1e-8 rounding does as much (bdf at 1e-10 in a minimum, 539 in
// 20,000 steps). Above 1e-3 so much would be all there is: runs at 0.1 that reached their
// stop.loss drifted by 0.33.
static const double MOST_DRIFT = 500, A_STEP = 0.01, LEAST_RTOL = 1e-8, WHOLE = 0.75;

double htf_record_most_drift(double rtol, int64_t steps) {
  double most = MOST_DRIFT + A_STEP * (double)steps;
  return fmin(most * fmax(rtol, LEAST_RTOL), WHOLE);
}

// ---- lifecycle ------------------------------------------------------------------------

void htf_record_init(htf_record *record) {
  memset(record, 0, sizeof *record);
#define EMPTY_REAL(name) record->name = NAN;
#define EMPTY_INTEGER(name)
#define EMPTY(type, name, units, long_name, comment) EMPTY_##type(name)
  HTF_RECORD_SCALAR_TABLE(EMPTY)
#undef EMPTY
#undef EMPTY_INTEGER
#undef EMPTY_REAL
}

void htf_record_clear(htf_record *record) {
  for (int i = 0; i < record->column_count; i++) {
    HTF_FREE(record->columns[i].data);
  }
  HTF_FREE(record->columns);
  HTF_FREE(record->weights);
  htf_record_init(record);
}

int64_t htf_column_size(const htf_column *column) {
  int64_t size = 1;
  for (int i = 0; i < column->rank; i++) {
    size *= column->dims[i];
  }
  return size;
}

const htf_column *htf_record_find(const htf_record *record, const char *name) {
  for (int i = 0; i < record->column_count; i++) {
    if (strcmp(record->columns[i].name, name) == 0) {
      return &record->columns[i];
    }
  }
  return NULL;
}

htf_status htf_record_add_column(htf_record *record, const char *name, int rank,
                                 const int64_t *dims, htf_column **column) {
  htf_status status = HTF_OK;
  HTF_ASSERT(1 <= rank && rank <= HTF_COLUMN_RANK && strlen(name) < HTF_COLUMN_NAME);
  HTF_RESIZE(record->columns, record->column_count + 1);
  htf_column *fresh = &record->columns[record->column_count];
  memset(fresh, 0, sizeof *fresh);
  memcpy(fresh->name, name, strlen(name) + 1);
  fresh->rank = rank;
  memcpy(fresh->dims, dims, (size_t)rank * sizeof *dims);
  HTF_NEW(fresh->data, htf_column_size(fresh));
  record->column_count++;
  *column = fresh;
done:
  return status;
}

htf_status htf_record_add(htf_record *record, const char *name, int rank,
                          const int64_t *dims, htf_column **column) {
  int64_t all[HTF_COLUMN_RANK] = {record->samples};
  HTF_ASSERT(1 <= rank && rank <= HTF_COLUMN_RANK);
  for (int i = 1; i < rank; i++) {
    all[i] = dims[i - 1];
  }
  return htf_record_add_column(record, name, rank, all, column);
}

// ---- bytes ----------------------------------------------------------------------------

static htf_status visit_column(htf_bytes *b, htf_column *column) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_bytes_text(b, column->name, sizeof column->name));
  HTF_TRY(htf_bytes_int(b, 1, HTF_COLUMN_RANK, &column->rank));
  int64_t size = 1;
  for (int i = 0; i < column->rank; i++) {
    HTF_TRY(htf_bytes_bounded(b, 0, MOST, &column->dims[i]));
    HTF_CHECK(!__builtin_mul_overflow(size, column->dims[i], &size), HTF_E_DATA,
              "column %s of a record is larger than memory", column->name);
  }
  HTF_TRY(htf_bytes_new_reals(b, size, &column->data));
done:
  return status;
}

static htf_status visit_columns(htf_bytes *b, htf_record *record) {
  htf_status status = HTF_OK;
  htf_column column = {.rank = 0};
  int count = record->column_count;
  HTF_TRY(htf_bytes_int(b, 0, 1 << 16, &count));
  for (int i = 0; i < count; i++) {
    if (htf_bytes_reading(b)) {
      HTF_TRY(visit_column(b, &column));
      HTF_RESIZE(record->columns, i + 1);
      record->columns[i] = column;
      record->column_count = i + 1;
      column = (htf_column){.rank = 0};
    } else {
      HTF_TRY(visit_column(b, &record->columns[i]));
    }
  }
done:
  HTF_FREE(column.data);
  return status;
}

static htf_status visit_timing(htf_bytes *b, htf_record *record) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_bytes_real(b, &record->timing.started));
  HTF_TRY(htf_bytes_real(b, &record->timing.wall));
  HTF_TRY(htf_bytes_real(b, &record->timing.cpu));
  HTF_TRY(htf_bytes_text(b, record->timing.host, sizeof record->timing.host));
  HTF_TRY(htf_bytes_integer(b, &record->timing.rank));
  HTF_TRY(htf_bytes_integer(b, &record->timing.attempts));
done:
  return status;
}

static htf_status visit(htf_bytes *b, void *object) {
  htf_status status = HTF_OK;
  htf_record *record = object;
  int states = sizeof state_texts / sizeof *state_texts;
  int reasons = sizeof reason_texts / sizeof *reason_texts;
  HTF_TRY(htf_bytes_format(b, MAGIC, VERSION));
  HTF_TRY(htf_bytes_raw(b, record->identity.bytes, HTF_DIGEST_BYTES));
  HTF_TRY(htf_bytes_int(b, 0, states - 1, &record->state));
  HTF_TRY(htf_bytes_int(b, 0, reasons - 1, &record->stop_reason));
  HTF_TRY(htf_bytes_text(b, record->message, sizeof record->message));
#define VISIT_REAL(name)                             HTF_TRY(htf_bytes_real(b, &record->name));
#define VISIT_INTEGER(name)                          HTF_TRY(htf_bytes_integer(b, &record->name));
#define VISIT(type, name, units, long_name, comment) VISIT_##type(name)
  HTF_RECORD_SCALAR_TABLE(VISIT)
#undef VISIT
#undef VISIT_INTEGER
#undef VISIT_REAL
  HTF_TRY(htf_bytes_text(b, record->tree, sizeof record->tree));
  HTF_TRY(htf_bytes_bounded(b, 0, INT64_MAX, &record->samples));
  HTF_TRY(visit_columns(b, record));
  HTF_TRY(htf_bytes_integer(b, &record->weight_count));
  HTF_TRY(htf_bytes_new_reals(b, record->weight_count, &record->weights));
  HTF_TRY(visit_timing(b, record));
done:
  return status;
}

htf_status htf_record_pack(const htf_record *record, uint8_t **bytes, size_t *count) {
  htf_record copy = *record; // a visit that writes changes nothing, but takes a variable
  return htf_bytes_pack("a record", visit, &copy, bytes, count);
}

htf_status htf_record_unpack(const uint8_t *bytes, size_t count, htf_record *record) {
  htf_status status = htf_bytes_unpack("a record", visit, bytes, count, record);
  if (status != HTF_OK) {
    htf_record_clear(record);
  }
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
// Records: their columns, and their bytes.
//
// Bytes: magic and version, then the members in the struct's order. Integers are 64-bit
// little-endian, reals IEEE doubles likewise, texts and arrays led by their length. The
// format is what follows from `encode`; `decode` mirrors it line by line.
#include "htflow/record.h"

#include <math.h>
#include <string.h>

#include "htflow/memory.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the byte order of the format");

static const uint64_t MAGIC = 0x3164726f63657268u; // "hrecord1"
enum { VERSION = 1 };

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

htf_status htf_record_add(htf_record *record, const char *name, int rank,
                          const int64_t *dims, htf_column **column) {
  htf_status status = HTF_OK;
  HTF_ASSERT(1 <= rank && rank <= HTF_COLUMN_RANK && strlen(name) < HTF_COLUMN_NAME);
  HTF_RESIZE(record->columns, record->column_count + 1);
  htf_column *fresh = &record->columns[record->column_count];
  memset(fresh, 0, sizeof *fresh);
  memcpy(fresh->name, name, strlen(name) + 1);
  fresh->rank = rank;
  fresh->dims[0] = record->samples;
  for (int i = 1; i < rank; i++) {
    fresh->dims[i] = dims[i - 1];
  }
  HTF_NEW(fresh->data, htf_column_size(fresh));
  record->column_count++;
  *column = fresh;
done:
  return status;
}

// ---- bytes ----------------------------------------------------------------------------

// A run over the bytes: first with `bytes` NULL, to count them, then to fill them.
typedef struct writer {
  uint8_t *bytes;
  size_t used;
} writer;

static void write_bytes(writer *w, const void *from, size_t count) {
  if (w->bytes != NULL && count > 0) {
    memcpy(w->bytes + w->used, from, count);
  }
  w->used += count;
}

static void write_integer(writer *w, int64_t value) {
  write_bytes(w, &value, sizeof value);
}

static void write_real(writer *w, double value) {
  write_bytes(w, &value, sizeof value);
}

static void write_text(writer *w, const char *text) {
  size_t length = strlen(text);
  write_integer(w, (int64_t)length);
  write_bytes(w, text, length);
}

static void write_reals(writer *w, int64_t count, const double *values) {
  write_bytes(w, values, (size_t)count * sizeof *values);
}

static void encode(writer *w, const htf_record *record) {
  write_integer(w, (int64_t)MAGIC);
  write_integer(w, VERSION);
  write_bytes(w, record->identity.bytes, HTF_DIGEST_BYTES);
  write_integer(w, record->state);
  write_integer(w, record->stop_reason);
  write_text(w, record->message);
#define WRITE_REAL(name)                             write_real(w, record->name);
#define WRITE_INTEGER(name)                          write_integer(w, record->name);
#define WRITE(type, name, units, long_name, comment) WRITE_##type(name)
  HTF_RECORD_SCALAR_TABLE(WRITE)
#undef WRITE
#undef WRITE_INTEGER
#undef WRITE_REAL
  write_text(w, record->tree);
  write_integer(w, record->samples);
  write_integer(w, record->column_count);
  for (int i = 0; i < record->column_count; i++) {
    const htf_column *column = &record->columns[i];
    write_text(w, column->name);
    write_integer(w, column->rank);
    write_bytes(w, column->dims, (size_t)column->rank * sizeof *column->dims);
    write_reals(w, htf_column_size(column), column->data);
  }
  write_integer(w, record->weight_count);
  write_reals(w, record->weight_count, record->weights);
  write_real(w, record->timing.started);
  write_real(w, record->timing.wall);
  write_real(w, record->timing.cpu);
  write_text(w, record->timing.host);
  write_integer(w, record->timing.rank);
  write_integer(w, record->timing.attempts);
}

htf_status htf_record_pack(const htf_record *record, uint8_t **bytes, size_t *count) {
  htf_status status = HTF_OK;
  writer w = {NULL, 0};
  encode(&w, record);
  HTF_NEW(w.bytes, w.used);
  w.used = 0;
  encode(&w, record);
  *bytes = w.bytes;
  *count = w.used;
done:
  return status;
}

typedef struct reader {
  const uint8_t *bytes;
  size_t size, used;
} reader;

static htf_status read_bytes(reader *r, void *to, size_t count) {
  htf_status status = HTF_OK;
  HTF_CHECK(count <= r->size - r->used, HTF_E_DATA,
            "a record of %zu bytes ends where %zu more were expected at byte %zu", r->size,
            count, r->used);
  if (count > 0) {
    memcpy(to, r->bytes + r->used, count);
  }
  r->used += count;
done:
  return status;
}

static htf_status read_integer(reader *r, int64_t *value) {
  return read_bytes(r, value, sizeof *value);
}

static htf_status read_real(reader *r, double *value) {
  return read_bytes(r, value, sizeof *value);
}

static htf_status read_bounded(reader *r, int64_t low, int64_t high, int64_t *value) {
  htf_status status = HTF_OK;
  HTF_TRY(read_integer(r, value));
  HTF_CHECK(low <= *value && *value <= high, HTF_E_DATA,
            "byte %zu of a record holds %lld, not one of %lld to %lld", r->used - 8,
            (long long)*value, (long long)low, (long long)high);
done:
  return status;
}

static htf_status read_int(reader *r, int low, int high, int *value) {
  htf_status status = HTF_OK;
  int64_t wide = 0;
  HTF_TRY(read_bounded(r, low, high, &wide));
  *value = (int)wide;
done:
  return status;
}

static htf_status read_text(reader *r, char *text, size_t size) {
  htf_status status = HTF_OK;
  int64_t length = 0;
  HTF_TRY(read_bounded(r, 0, (int64_t)size - 1, &length));
  HTF_TRY(read_bytes(r, text, (size_t)length));
  text[length] = '\0';
done:
  return status;
}

// The length is checked against what is left before memory is asked for.
static htf_status read_reals(reader *r, int64_t count, double **values) {
  htf_status status = HTF_OK;
  HTF_CHECK(0 <= count && (uint64_t)count <= (r->size - r->used) / sizeof **values,
            HTF_E_DATA, "a record of %zu bytes cannot hold %lld numbers at byte %zu",
            r->size, (long long)count, r->used);
  HTF_NEW(*values, count);
  HTF_TRY(read_bytes(r, *values, (size_t)count * sizeof **values));
done:
  return status;
}

static htf_status decode_column(reader *r, htf_record *record) {
  htf_status status = HTF_OK;
  htf_column column = {.rank = 0};
  HTF_TRY(read_text(r, column.name, sizeof column.name));
  HTF_TRY(read_int(r, 1, HTF_COLUMN_RANK, &column.rank));
  int64_t size = 1, most = (int64_t)(r->size / sizeof(double));
  for (int i = 0; i < column.rank; i++) {
    HTF_TRY(read_bounded(r, 0, most, &column.dims[i]));
    HTF_CHECK(!__builtin_mul_overflow(size, column.dims[i], &size), HTF_E_DATA,
              "column %s of a record is larger than memory", column.name);
  }
  HTF_CHECK(column.dims[0] == record->samples, HTF_E_DATA,
            "column %s of a record has %lld samples, the record %lld", column.name,
            (long long)column.dims[0], (long long)record->samples);
  HTF_TRY(read_reals(r, size, &column.data));
  HTF_RESIZE(record->columns, record->column_count + 1);
  record->columns[record->column_count++] = column;
  column.data = NULL;
done:
  HTF_FREE(column.data);
  return status;
}

static htf_status decode_timing(reader *r, htf_record *record) {
  htf_status status = HTF_OK;
  HTF_TRY(read_real(r, &record->timing.started));
  HTF_TRY(read_real(r, &record->timing.wall));
  HTF_TRY(read_real(r, &record->timing.cpu));
  HTF_TRY(read_text(r, record->timing.host, sizeof record->timing.host));
  HTF_TRY(read_integer(r, &record->timing.rank));
  HTF_TRY(read_integer(r, &record->timing.attempts));
done:
  return status;
}

static htf_status decode(reader *r, htf_record *record) {
  htf_status status = HTF_OK;
  int64_t magic = 0, version = 0;
  HTF_TRY(read_integer(r, &magic));
  HTF_CHECK((uint64_t)magic == MAGIC, HTF_E_DATA, "these bytes are not a record");
  HTF_TRY(read_integer(r, &version));
  HTF_CHECK(version == VERSION, HTF_E_DATA,
            "a record of version %lld; this htflow reads %d", (long long)version, VERSION);
  HTF_TRY(read_bytes(r, record->identity.bytes, HTF_DIGEST_BYTES));
  int states = sizeof state_texts / sizeof *state_texts;
  int reasons = sizeof reason_texts / sizeof *reason_texts;
  HTF_TRY(read_int(r, 0, states - 1, &record->state));
  HTF_TRY(read_int(r, 0, reasons - 1, &record->stop_reason));
  HTF_TRY(read_text(r, record->message, sizeof record->message));
#define READ_REAL(name)                             HTF_TRY(read_real(r, &record->name));
#define READ_INTEGER(name)                          HTF_TRY(read_integer(r, &record->name));
#define READ(type, name, units, long_name, comment) READ_##type(name)
  HTF_RECORD_SCALAR_TABLE(READ)
#undef READ
#undef READ_INTEGER
#undef READ_REAL
  HTF_TRY(read_text(r, record->tree, sizeof record->tree));
  int64_t columns = 0;
  HTF_TRY(read_bounded(r, 0, INT64_MAX, &record->samples));
  HTF_TRY(read_bounded(r, 0, 1 << 16, &columns));
  for (int64_t i = 0; i < columns; i++) {
    HTF_TRY(decode_column(r, record));
  }
  HTF_TRY(read_integer(r, &record->weight_count));
  HTF_TRY(read_reals(r, record->weight_count, &record->weights));
  HTF_TRY(decode_timing(r, record));
  HTF_CHECK(r->used == r->size, HTF_E_DATA, "%zu bytes follow a record's end",
            r->size - r->used);
done:
  return status;
}

htf_status htf_record_unpack(const uint8_t *bytes, size_t count, htf_record *record) {
  reader r = {bytes, count, 0};
  htf_status status = decode(&r, record);
  if (status != HTF_OK) {
    htf_record_clear(record);
  }
  return status;
}

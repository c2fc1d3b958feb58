// SPDX-License-Identifier: BSD-3-Clause
// The first pass, which writes /runs and /timings, and the whole file's coming and going.
#include "htflow/results.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chunks_impl.h"
#include "class_impl.h"
#include "disk_impl.h"
#include "hdf5_impl.h"
#include "htflow/memory.h"
#include "layout_impl.h"
#include "tables_impl.h"

// ---- the first pass ---------------------------------------------------------------------

typedef struct tables {
  htf_results__group *runs, *timings;
  int axes;
  htf_results__array **axis; // [axes]
  htf_results__array *run[HTF_RUNS_VARIABLES], *timing[HTF_TIMINGS_VARIABLES];
} tables;

static void drop_tables(tables *t) {
  for (int i = 0; t->axis != NULL && i < t->axes; i++) {
    htf_results__array_drop(&t->axis[i]);
  }
  for (int i = 0; i < HTF_RUNS_VARIABLES; i++) {
    htf_results__array_drop(&t->run[i]);
  }
  for (int i = 0; i < HTF_TIMINGS_VARIABLES; i++) {
    htf_results__array_drop(&t->timing[i]);
  }
  HTF_FREE(t->axis);
  htf_results__group_close(&t->runs);
  htf_results__group_close(&t->timings);
}

static htf_status open_axis(const htf_results_axis *axis, htf_results__group *group,
                            htf_results__array **array) {
  static const htf_results__kind kinds[] = {[HTF_RESULTS_REAL] = HTF_ARRAY_REAL,
                                            [HTF_RESULTS_INTEGER] = HTF_ARRAY_INTEGER,
                                            [HTF_RESULTS_TEXT] = HTF_ARRAY_TEXT};
  htf_results__about about = {.name = axis->label,
                              .kind = kinds[axis->kind],
                              .rank = 1,
                              .dims = {"run"},
                              .units = axis->units[0] != '\0' ? axis->units : "1",
                              .long_name = axis->long_name,
                              .comment = "swept"};
  return htf_results__array_open(group, &about, array);
}

// The swept keys are what a run's other variables are to be looked up by.
static htf_status name_coordinates(const htf_results_source *source,
                                   htf_results__group *runs) {
  htf_status status = HTF_OK;
  char *names = NULL;
  size_t size = 1;
  for (int i = 0; i < source->axes; i++) {
    size += strlen(source->axis[i].label) + 1;
  }
  HTF_NEW(names, size);
  for (int i = 0; i < source->axes; i++) {
    strcat(strcat(names, i > 0 ? " " : ""), source->axis[i].label);
  }
  HTF_TRY(htf_file__put_text(runs->id, "coordinates", names));
done:
  HTF_FREE(names);
  return status;
}

static htf_status open_tables(const htf_results_source *source, htf_results__layout *layout,
                              tables *t) {
  htf_status status = HTF_OK;
  t->axes = source->axes;
  HTF_NEW(t->axis, source->axes);
  HTF_TRY(htf_results__group_open(layout, "/runs", true, &t->runs));
  HTF_TRY(htf_results__index_scale(t->runs, "run", "run", source->runs));
  HTF_TRY(name_coordinates(source, t->runs));
  for (int i = 0; i < source->axes; i++) {
    HTF_TRY(open_axis(&source->axis[i], t->runs, &t->axis[i]));
  }
  for (int i = 0; i < HTF_RUNS_VARIABLES; i++) {
    HTF_TRY(htf_results__array_open(t->runs, &htf_tables__runs[i], &t->run[i]));
  }
  HTF_TRY(htf_results__group_open(layout, "/timings", false, &t->timings));
  HTF_TRY(htf_results__index_scale(t->timings, "run", "run", source->runs));
  for (int i = 0; i < HTF_TIMINGS_VARIABLES; i++) {
    HTF_TRY(htf_results__array_open(t->timings, &htf_tables__timings[i], &t->timing[i]));
  }
done:
  return status;
}

static htf_status put_axes(const htf_results_source *source, int64_t run, tables *t) {
  htf_status status = HTF_OK;
  for (int i = 0; i < source->axes; i++) {
    double number = NAN;
    const char *text = "";
    HTF_TRY(source->axis_value(source->context, i, run, &number, &text));
    switch (source->axis[i].kind) {
    case HTF_RESULTS_TEXT:
      HTF_TRY(htf_results__put_text(t->axis[i], text));
      break;
    case HTF_RESULTS_INTEGER:
      HTF_TRY(htf_results__put_integer(t->axis[i], (int64_t)number));
      break;
    case HTF_RESULTS_REAL:
      HTF_TRY(htf_results__put_real(t->axis[i], number));
    }
  }
done:
  return status;
}

static htf_status put_run(const htf_results_source *source, int64_t run,
                          const htf_record *record, const char *trajectory, int64_t row,
                          tables *t) {
  htf_status status = HTF_OK;
  htf_digest identity;
  char text[HTF_DIGEST_TEXT];
  HTF_TRY(source->identity(source->context, run, &identity));
  htf_digest_text(&identity, text);
  HTF_TRY(htf_results__put_integer(t->run[HTF_RUNS_STATUS], record->state));
  HTF_TRY(htf_results__put_integer(t->run[HTF_RUNS_STOP_REASON], record->stop_reason));
  HTF_TRY(htf_results__put_text(t->run[HTF_RUNS_MESSAGE], record->message));
#define PUT_REAL(name)                                                                     \
  HTF_TRY(htf_results__put_real(t->run[HTF_RUNS_##name], record->name));
#define PUT_INTEGER(name)                                                                  \
  HTF_TRY(htf_results__put_integer(t->run[HTF_RUNS_##name], record->name));
#define PUT(type, name, units, long_name, comment) PUT_##type(name)
  HTF_RECORD_SCALAR_TABLE(PUT)
#undef PUT
#undef PUT_INTEGER
#undef PUT_REAL
  HTF_TRY(htf_results__put_text(t->run[HTF_RUNS_TRAJECTORY], trajectory));
  HTF_TRY(htf_results__put_integer(t->run[HTF_RUNS_ROW], row));
  HTF_TRY(htf_results__put_text(t->run[HTF_RUNS_IDENTITY], text));
done:
  return status;
}

static htf_status put_timing(const htf_record *record, tables *t) {
  htf_status status = HTF_OK;
  bool ran = record->state != HTF_RUN_PENDING;
  HTF_TRY(htf_results__put_real(t->timing[HTF_TIMINGS_STARTED],
                                ran ? record->timing.started : NAN));
  HTF_TRY(
      htf_results__put_real(t->timing[HTF_TIMINGS_WALL], ran ? record->timing.wall : NAN));
  HTF_TRY(
      htf_results__put_real(t->timing[HTF_TIMINGS_CPU], ran ? record->timing.cpu : NAN));
  HTF_TRY(htf_results__put_text(t->timing[HTF_TIMINGS_HOST], record->timing.host));
  HTF_TRY(htf_results__put_integer(t->timing[HTF_TIMINGS_RANK],
                                   ran ? record->timing.rank : -1));
  HTF_TRY(
      htf_results__put_integer(t->timing[HTF_TIMINGS_ATTEMPTS], record->timing.attempts));
done:
  return status;
}

static htf_status close_tables(tables *t) {
  htf_status status = HTF_OK;
  for (int i = 0; i < t->axes; i++) {
    HTF_TRY(htf_results__array_flush(t->axis[i]));
  }
  for (int i = 0; i < HTF_RUNS_VARIABLES; i++) {
    HTF_TRY(htf_results__array_flush(t->run[i]));
  }
  for (int i = 0; i < t->axes; i++) {
    HTF_TRY(htf_results__array_close(&t->axis[i]));
  }
  for (int i = 0; i < HTF_RUNS_VARIABLES; i++) {
    HTF_TRY(htf_results__array_close(&t->run[i]));
  }
  for (int i = 0; i < HTF_TIMINGS_VARIABLES; i++) {
    HTF_TRY(htf_results__array_close(&t->timing[i]));
  }
done:
  return status;
}

static htf_status write_runs(const htf_results_source *source, htf_results__layout *layout,
                             htf_results__classes *classes) {
  htf_status status = HTF_OK;
  tables t = {0};
  htf_record record;
  htf_record_init(&record);
  HTF_TRY(open_tables(source, layout, &t));
  for (int64_t run = 0; run < source->runs; run++) {
    const char *trajectory = "";
    int64_t row = -1;
    HTF_TRY(source->record(source->context, run, &record));
    HTF_TRY(htf_results__enter_run(classes, source, run, &record, &trajectory, &row));
    HTF_TRY(put_axes(source, run, &t));
    HTF_TRY(put_run(source, run, &record, trajectory, row, &t));
    HTF_TRY(put_timing(&record, &t));
    htf_record_clear(&record);
  }
  HTF_TRY(close_tables(&t));
  for (int i = 0; i < source->timing_attributes; i++) {
    HTF_TRY(htf_file__put_text(t.timings->id, source->timing_attribute[i][0],
                               source->timing_attribute[i][1]));
  }
done:
  drop_tables(&t);
  htf_record_clear(&record);
  return status;
}

// ---- the file ---------------------------------------------------------------------------

static htf_status write_layout(const htf_results_source *source,
                               htf_results__layout *layout, htf_digest *checksum) {
  htf_status status = HTF_OK;
  htf_results__classes *classes = NULL;
  hid_t root = htf_results__root(layout);
  char text[HTF_DIGEST_TEXT];
  HTF_TRY(htf_results__classes_create(source->runs, &classes));
  HTF_TRY(htf_file__put_text(root, "Conventions", "CF-1.10"));
  for (int i = 0; i < source->attributes; i++) {
    HTF_TRY(htf_file__put_text(root, source->attribute[i][0], source->attribute[i][1]));
  }
  HTF_TRY(write_runs(source, layout, classes));
  HTF_TRY(htf_results__write_classes(classes, source, layout));
  HTF_TRY(htf_manifest__checksum(htf_results__manifest(layout), checksum));
  htf_digest_text(checksum, text);
  HTF_TRY(htf_file__put_text(root, "content_checksum", text));
done:
  htf_results__classes_destroy(&classes);
  return status;
}

typedef struct contents {
  const htf_results_source *source;
  htf_digest *checksum;
} contents;

static htf_status fill(htf_results__layout *layout, const void *what) {
  const contents *c = what;
  htf_results__chunks_share(htf_results__in_flight(layout), c->source->helpers);
  return write_layout(c->source, layout, c->checksum);
}

htf_status htf_results_write(const char *path, const htf_results_source *source,
                             htf_digest *checksum) {
  htf_status status = HTF_OK;
  contents what = {source, checksum};
  HTF_CHECK(source->runs > 0, HTF_E_INTERNAL, "%s: no runs to write", path);
  HTF_TRY(htf_results__write_file(path, fill, &what));
done:
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
#include "recorder_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "htflow/memory.h"
#include "progress_impl.h"

static const int64_t MOST_ROWS = (int64_t)1 << 40;

struct htf_recorder {
  const htf_spec *spec;
  htf_probe *probe;
  htf_objective *objective;
  int64_t parameters, row_size;
  double *rows;     // [capacity, row_size]
  int64_t capacity; // points; with `every` as many as there are
  int64_t count;    // rows held
  htf_progress *progress;
  double unit;    // distance of samples in the progress coordinate
  htf_list times; // samples there instead: rising, all different
  double *theta;  // the scene's, an interpolated state
  double *best;   // [parameters], where the loss was lowest; or the first state; or NULL
  double best_loss;
};

static int rising(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void sort_times(const htf_list *given, htf_list *times) {
  htf_list sorted = *given;
  qsort(sorted.value, (size_t)sorted.count, sizeof *sorted.value, rising);
  for (int i = 0; i < sorted.count; i++) {
    if (i == 0 || sorted.value[i] > sorted.value[i - 1]) {
      times->value[times->count++] = sorted.value[i];
    }
  }
}

htf_status htf_recorder__create(const htf_spec *spec, const htf_scene *scene,
                                htf_probe *probe, htf_objective *objective,
                                htf_recorder **out) {
  htf_status status = HTF_OK;
  htf_recorder *recorder = NULL;
  HTF_NEW(recorder, 1);
  recorder->spec = spec;
  recorder->probe = probe;
  recorder->objective = objective;
  recorder->theta = scene->theta;
  recorder->parameters = htf_model_parameters(scene->model);
  recorder->row_size = htf_probe_row_size(probe);
  recorder->best_loss = INFINITY;
  sort_times(&spec->record.times, &recorder->times);
  recorder->capacity = spec->record.points;
  HTF_NEW(recorder->rows, recorder->capacity * recorder->row_size);
  HTF_TRY(htf_progress__create(spec, scene, objective, &recorder->progress));
  if (spec->record.weights == HTF_KEEP_BEST || spec->record.weights == HTF_KEEP_FIRST) {
    HTF_NEW(recorder->best, recorder->parameters);
  }
  *out = recorder;
  recorder = NULL;
done:
  htf_recorder__destroy(&recorder);
  return status;
}

void htf_recorder__destroy(htf_recorder **out) {
  htf_recorder *recorder = *out;
  if (recorder != NULL) {
    htf_progress__destroy(&recorder->progress);
    HTF_FREE(recorder->rows);
    HTF_FREE(recorder->best);
    HTF_FREE(*out);
  }
}

// ---- rows -----------------------------------------------------------------------------

// The value of a scalar observable in a row.
static double value_of(const htf_recorder *recorder, const double *row, const char *name) {
  const htf_variable *variables = htf_observable_variables();
  for (int i = 0; i < HTF_OBSERVABLES; i++) {
    if (strcmp(variables[i].name, name) == 0 && htf_probe_has(recorder->probe, i)) {
      return row[htf_probe_offset(recorder->probe, i)];
    }
  }
  return NAN;
}

// Best by the held-out loss, or by the training loss where nothing is held out.
static void keep_best(htf_recorder *recorder, const double *row, const double *theta) {
  bool first = recorder->spec->record.weights == HTF_KEEP_FIRST;
  double loss = value_of(recorder, row, "test_loss");
  loss = isnan(loss) ? value_of(recorder, row, "train_loss") : loss;
  if (recorder->best != NULL &&
      (first ? recorder->count == 0 : loss < recorder->best_loss)) {
    recorder->best_loss = loss;
    memcpy(recorder->best, theta, (size_t)recorder->parameters * sizeof *theta);
  }
}

static htf_status make_room(htf_recorder *recorder) {
  htf_status status = HTF_OK;
  if (recorder->count == recorder->capacity) {
    HTF_RESIZE(recorder->rows, 2 * recorder->capacity * recorder->row_size);
    recorder->capacity *= 2;
  }
done:
  return status;
}

static void hessian(void *context, const double *theta, const double *direction,
                    double *product) {
  htf_objective__product(context, theta, direction, product);
}

static htf_status measure(htf_recorder *recorder, const double *theta, htf_flow_time time,
                          double arc, int64_t step) {
  htf_status status = HTF_OK;
  HTF_TRY(make_room(recorder));
  double *row = recorder->rows + recorder->count * recorder->row_size;
  htf_probe_state state = {.time = time.high,
                           .time_low = time.low,
                           .arc_length = arc,
                           .step = step,
                           .theta = theta,
                           .hessian = hessian,
                           .context = recorder->objective};
  state.train_loss = htf_objective__value(recorder->objective, theta);
  state.gradient = htf_objective__gradient(recorder->objective, theta);
  state.slope = htf_objective__slope(recorder->objective);
  HTF_TRY(htf_probe_measure(recorder->probe, &state, row));
  keep_best(recorder, row, theta);
  recorder->count++;
done:
  return status;
}

// Rows lie at the multiples 0 .. count - 1 of the unit. Drops every second, doubles the
// unit.
static void thin(htf_recorder *recorder) {
  size_t bytes = (size_t)recorder->row_size * sizeof *recorder->rows;
  recorder->count = (recorder->count + 1) / 2;
  for (int64_t i = 1; i < recorder->count; i++) {
    memcpy(recorder->rows + i * recorder->row_size,
           recorder->rows + 2 * i * recorder->row_size, bytes);
  }
  recorder->unit *= 2;
}

// ---- verbs ----------------------------------------------------------------------------

htf_status htf_recorder__start(htf_recorder *recorder, const double *theta) {
  htf_status status = HTF_OK;
  recorder->unit = htf_progress__start(recorder->progress, theta);
  HTF_TRY(measure(recorder, theta, (htf_flow_time){0, 0}, 0, 0));
done:
  return status;
}

// The state a fraction into the last step: theta is borrowed until the next call.
static htf_status state_at(htf_recorder *recorder, htf_flow *flow, double fraction,
                           const double **theta, htf_flow_time *time, double *arc) {
  htf_status status = HTF_OK;
  if (fraction == 1) {
    *theta = htf_flow_state(flow);
    *time = htf_flow_now(flow);
    *arc = htf_flow_arc(flow);
  } else {
    HTF_TRY(htf_flow_interpolate(flow, fraction, recorder->theta, time, arc));
    *theta = recorder->theta;
  }
done:
  return status;
}

static htf_status measure_at(htf_recorder *recorder, htf_flow *flow, double fraction) {
  htf_status status = HTF_OK;
  const double *theta;
  htf_flow_time time;
  double arc;
  int64_t steps = htf_flow_get_counts(flow).steps;
  HTF_TRY(state_at(recorder, flow, fraction, &theta, &time, &arc));
  HTF_TRY(measure(recorder, theta, time, arc, fraction < 1 ? steps - 1 : steps));
done:
  return status;
}

// Row k lies at time number k - 1.
static htf_status step_times(htf_recorder *recorder, htf_flow *flow, double limit) {
  htf_status status = HTF_OK;
  const htf_list *times = &recorder->times;
  while (recorder->count <= times->count) {
    htf_flow_time time = {times->value[recorder->count - 1], 0};
    double fraction;
    if (htf_flow_time_compare(time, htf_flow_now(flow)) > 0) {
      break;
    }
    HTF_TRY(htf_flow_find_time(flow, time, &fraction));
    if (fraction > limit) {
      break;
    }
    HTF_TRY(measure_at(recorder, flow, fraction));
  }
done:
  return status;
}

static htf_status step_units(htf_recorder *recorder, htf_flow *flow, double limit) {
  htf_status status = HTF_OK;
  double end;
  HTF_TRY(htf_progress__step(recorder->progress, flow, &end));
  bool thins = recorder->spec->record.every == 0 && isfinite(end);
  while (thins && end >= (double)(recorder->spec->record.points - 1) * recorder->unit) {
    thin(recorder); // what this step would add is dropped before it is measured
  }
  while (isfinite(end) && (double)recorder->count * recorder->unit <= end) {
    double s = (double)recorder->count * recorder->unit, fraction;
    HTF_TRY(htf_progress__locate(recorder->progress, flow, s, &fraction));
    if (fraction > limit) {
      break;
    }
    HTF_TRY(measure_at(recorder, flow, fraction));
  }
done:
  return status;
}

htf_status htf_recorder__step(htf_recorder *recorder, htf_flow *flow, double limit) {
  return recorder->times.count > 0 ? step_times(recorder, flow, limit)
                                   : step_units(recorder, flow, limit);
}

static htf_status visit_rows(htf_recorder *recorder, htf_bytes *bytes) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_bytes_bounded(bytes, 1, MOST_ROWS, &recorder->count));
  if (recorder->count > recorder->capacity) {
    HTF_RESIZE(recorder->rows, recorder->count * recorder->row_size);
    recorder->capacity = recorder->count;
  }
  HTF_TRY(htf_bytes_reals(bytes, recorder->count * recorder->row_size, recorder->rows));
done:
  return status;
}

htf_status htf_recorder__visit(htf_recorder *recorder, htf_bytes *bytes) {
  htf_status status = HTF_OK;
  int64_t size = htf_probe_memory_size(recorder->probe);
  double *memory = NULL;
  HTF_NEW(memory, size);
  htf_probe_remember(recorder->probe, memory);
  HTF_TRY(htf_bytes_reals(bytes, size, memory));
  htf_probe_recall(recorder->probe, memory);
  HTF_TRY(visit_rows(recorder, bytes));
  HTF_TRY(htf_bytes_real(bytes, &recorder->unit));
  HTF_TRY(htf_progress__visit(recorder->progress, bytes));
  HTF_TRY(htf_bytes_real(bytes, &recorder->best_loss));
  if (recorder->best != NULL) {
    HTF_TRY(htf_bytes_reals(bytes, recorder->parameters, recorder->best));
  }
done:
  HTF_FREE(memory);
  return status;
}

static htf_status write_columns(const htf_recorder *recorder, htf_record *record) {
  htf_status status = HTF_OK;
  const htf_variable *variables = htf_observable_variables();
  record->samples = recorder->count;
  for (int i = 0; i < HTF_OBSERVABLES; i++) {
    if (!htf_probe_has(recorder->probe, i)) {
      continue;
    }
    int64_t dims[HTF_VARIABLE_DIMS], offset = htf_probe_offset(recorder->probe, i);
    htf_column *column;
    int rank = 1 + htf_probe_shape(recorder->probe, i, dims);
    HTF_TRY(htf_record_add(record, variables[i].name, rank, dims, &column));
    int64_t each = recorder->count > 0 ? htf_column_size(column) / recorder->count : 0;
    for (int64_t k = 0; k < recorder->count; k++) {
      memcpy(column->data + k * each, recorder->rows + k * recorder->row_size + offset,
             (size_t)each * sizeof *column->data);
    }
  }
done:
  return status;
}

static htf_status write_weights(const htf_recorder *recorder, const double *theta,
                                htf_record *record) {
  htf_status status = HTF_OK;
  int keep = recorder->spec->record.weights;
  if (keep != HTF_KEEP_NONE) {
    HTF_NEW(record->weights, recorder->parameters);
    record->weight_count = recorder->parameters;
    memcpy(record->weights, keep == HTF_KEEP_FINAL ? theta : recorder->best,
           (size_t)recorder->parameters * sizeof *theta);
  }
done:
  return status;
}

// The last state, unless it has been measured (states are told apart by their arc length)
// or has overflowed.
static htf_status measure_last(htf_recorder *recorder, htf_flow *flow, double fraction) {
  htf_status status = HTF_OK;
  const double *row = recorder->rows + (recorder->count - 1) * recorder->row_size;
  const double *theta;
  htf_flow_time time;
  double arc;
  HTF_TRY(state_at(recorder, flow, fraction, &theta, &time, &arc));
  if (arc > value_of(recorder, row, "arc_length") &&
      isfinite(htf_objective__value(recorder->objective, theta))) {
    HTF_TRY(measure_at(recorder, flow, fraction));
  }
done:
  return status;
}

htf_status htf_recorder__finish(htf_recorder *recorder, htf_flow *flow, double fraction,
                                htf_record *record) {
  htf_status status = HTF_OK;
  const double *theta;
  htf_flow_time time;
  double arc;
  if (recorder->count == 0) { // not even the start could be measured
    goto done;
  }
  HTF_TRY(measure_last(recorder, flow, fraction));
  const double *row = recorder->rows + (recorder->count - 1) * recorder->row_size;
  record->final_train_loss = value_of(recorder, row, "train_loss");
  record->final_test_loss = value_of(recorder, row, "test_loss");
  record->flow_time = value_of(recorder, row, "time");
  record->unbalancedness_drift = value_of(recorder, row, "unbalancedness_drift");
  HTF_TRY(write_columns(recorder, record));
  HTF_TRY(state_at(recorder, flow, fraction, &theta, &time, &arc));
  HTF_TRY(write_weights(recorder, theta, record));
done:
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
#include "recorder_impl.h"

#include <math.h>
#include <string.h>

#include "htflow/memory.h"

static const int64_t MOST_ROWS = (int64_t)1 << 40;

struct htf_recorder {
  const htf_spec *spec;
  htf_probe *probe;
  htf_objective *objective;
  int64_t parameters, row_size;
  double *rows;     // [capacity, row_size]
  int64_t capacity; // points; with `every` as many as there are
  int64_t count;    // rows held
  htf_spacing spacing;
  double unit;      // distance of samples in the progress coordinate
  double first_end; // end of the first step: the time scale of log spacing
  double *theta;    // [parameters], an interpolated state
  double *best;     // [parameters], where the loss was lowest; or the first state
  double best_loss;
};

htf_status htf_recorder__create(const htf_spec *spec, htf_probe *probe,
                                htf_objective *objective, int64_t parameters,
                                htf_recorder **out) {
  htf_status status = HTF_OK;
  htf_recorder *recorder = NULL;
  HTF_NEW(recorder, 1);
  recorder->spec = spec;
  recorder->probe = probe;
  recorder->objective = objective;
  recorder->parameters = parameters;
  recorder->row_size = htf_probe_row_size(probe);
  recorder->best_loss = INFINITY;
  recorder->spacing =
      spec->record.every > 0 ? HTF_SPACING_STEP : (htf_spacing)spec->record.spacing;
  recorder->capacity = spec->record.points;
  HTF_NEW(recorder->rows, recorder->capacity * recorder->row_size);
  HTF_NEW(recorder->theta, parameters);
  HTF_NEW(recorder->best, parameters);
  *out = recorder;
  recorder = NULL;
done:
  htf_recorder__destroy(&recorder);
  return status;
}

void htf_recorder__destroy(htf_recorder **out) {
  htf_recorder *recorder = *out;
  if (recorder != NULL) {
    HTF_FREE(recorder->rows);
    HTF_FREE(recorder->theta);
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
  if (first ? recorder->count == 0 : loss < recorder->best_loss) {
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

// ---- the progress coordinate ----------------------------------------------------------

static double log_progress(const htf_recorder *recorder, double time) {
  return log2(1 + time / recorder->first_end);
}

// The coordinate s at the end of the step just made.
static double progress(const htf_recorder *recorder, const htf_flow *flow) {
  switch (recorder->spacing) {
  case HTF_SPACING_ARC:
    return htf_flow_arc(flow);
  case HTF_SPACING_LOG:
    return log_progress(recorder, htf_flow_now(flow).high);
  default:
    return (double)htf_flow_get_counts(flow).steps;
  }
}

// The fraction of the step just made at which the coordinate is s.
static htf_status locate(htf_recorder *recorder, htf_flow *flow, double s,
                         double *fraction) {
  htf_status status = HTF_OK;
  htf_flow_time time = {0, 0};
  switch (recorder->spacing) {
  case HTF_SPACING_ARC:
    HTF_TRY(htf_flow_find_arc(flow, s, fraction));
    break;
  case HTF_SPACING_LOG:
    time.high = recorder->first_end * expm1(s * M_LN2);
    if (htf_flow_time_compare(time, htf_flow_now(flow)) > 0) {
      time = htf_flow_now(flow); // rounding of the logarithm at the step's very end
    }
    HTF_TRY(htf_flow_find_time(flow, time, fraction));
    break;
  default:
    *fraction = 1;
  }
done:
  return status;
}

// The first unit: fine enough for the shortest of runs, since thinning only coarsens.
static double first_unit(const htf_recorder *recorder, const double *theta) {
  double sum = 0;
  switch (recorder->spacing) {
  case HTF_SPACING_ARC:
    for (int64_t i = 0; i < recorder->parameters; i++) {
      sum += theta[i] * theta[i];
    }
    return sum > 0 ? sqrt(sum) / 64 : 1.0 / 64; // a start of zeros has no scale of its own
  case HTF_SPACING_LOG:
    return 0.125;
  default:
    return recorder->spec->record.every > 0 ? (double)recorder->spec->record.every : 1;
  }
}

// ---- verbs ----------------------------------------------------------------------------

htf_status htf_recorder__start(htf_recorder *recorder, const double *theta) {
  htf_status status = HTF_OK;
  recorder->unit = first_unit(recorder, theta);
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

htf_status htf_recorder__step(htf_recorder *recorder, htf_flow *flow, double limit) {
  htf_status status = HTF_OK;
  if (recorder->first_end == 0) {
    recorder->first_end = htf_flow_now(flow).high;
  }
  double end = progress(recorder, flow);
  bool thins = recorder->spec->record.every == 0 && isfinite(end);
  while (thins && end >= (double)(recorder->spec->record.points - 1) * recorder->unit) {
    thin(recorder); // what this step would add is dropped before it is measured
  }
  while (isfinite(end) && (double)recorder->count * recorder->unit <= end) {
    double s = (double)recorder->count * recorder->unit, fraction;
    HTF_TRY(locate(recorder, flow, s, &fraction));
    if (fraction > limit) {
      break;
    }
    HTF_TRY(measure_at(recorder, flow, fraction));
  }
done:
  return status;
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
  HTF_TRY(htf_bytes_real(bytes, &recorder->first_end));
  HTF_TRY(htf_bytes_real(bytes, &recorder->best_loss));
  HTF_TRY(htf_bytes_reals(bytes, recorder->parameters, recorder->best));
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

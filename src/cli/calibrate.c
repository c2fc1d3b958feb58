// SPDX-License-Identifier: BSD-3-Clause
// How long this machine takes over a run's parts, by short runs.
#include <math.h>
#include <string.h>

#include "cli_impl.h"
#include "htflow/cost.h"
#include "htflow/memory.h"
#include "htflow/run.h"
#include "predict_impl.h"

// Seconds that a short run may take.
static const double most = 0.15;

typedef struct trial {
  double cpu, flops, rows, row_doubles;
  bool good;
} trial;

static htf_status load(void *context, const htf_spec *spec, htf_problem **problem) {
  return htf_cli__load(context, spec, problem);
}

// A run of at most so many steps, with at most so many samples (0: as the spec says).
static htf_status try_run(const htf_spec *spec, htf_cli_data *data, int64_t steps,
                          int64_t points, trial *t) {
  htf_status status = HTF_OK;
  htf_run_hooks hooks = {.load = load, .weights = htf_cli__weights, .context = data};
  htf_cost_table *table = NULL;
  htf_cost cost;
  htf_record record;
  htf_spec *shorter = NULL;
  htf_record_init(&record);
  HTF_NEW(shorter, 1);
  *shorter = *spec;
  shorter->stop.steps = steps;
  shorter->stop.loss = shorter->stop.gradient_norm = 0;
  shorter->stop.time = 1e100; // a long first step is not the end
  shorter->stop.wall = most;
  shorter->record.points = points > 0 ? points : spec->record.points;
  shorter->record.every = 0;
  shorter->record.weights = HTF_KEEP_NONE;
  HTF_TRY(htf_cost_table_create(&table));
  HTF_TRY(htf_cost_predict(table, spec, &cost));
  HTF_TRY(htf_run_execute(shorter, &hooks, &record));
  *t = (trial){.cpu = record.timing.cpu, .rows = (double)record.samples};
  t->flops = (double)record.gradients * cost.gradient +
             (double)record.jacobian_products * cost.product;
  for (int i = 0; i < record.column_count && record.samples > 0; i++) {
    t->row_doubles += (double)htf_column_size(&record.columns[i]) / t->rows;
  }
  t->good = t->flops > 0 && t->cpu > 0;
done:
  htf_record_clear(&record);
  htf_cost_table_destroy(&table);
  HTF_FREE(shorter);
  return status;
}

// Of three runs: one step; many with few rows; few with all their rows.
htf_status htf_cli__calibrate(const htf_spec *spec, htf_cli_rates *rates) {
  htf_status status = HTF_OK;
  htf_cli_data *data = NULL;
  trial begun = {0}, long_one = {0}, rich = {0};
  *rates = (htf_cli_rates){0};
  HTF_NEW(data, 1);
  HTF_TRY(try_run(spec, data, 1, 2, &begun)); // the first touches memory and libraries
  HTF_TRY(try_run(spec, data, 1, 2, &begun));
  HTF_TRY(try_run(spec, data, 400, 2, &long_one));
  HTF_TRY(try_run(spec, data, 30, 0, &rich));
  double flops = long_one.flops - begun.flops;
  rates->measured = begun.good && long_one.good && rich.good && flops > 0;
  if (rates->measured) {
    rates->flop = fmax(long_one.cpu - begun.cpu, 0) / flops;
    rates->setup = fmax(begun.cpu - begun.flops * rates->flop, 0);
    double rest = rich.cpu - rates->setup - rich.flops * rates->flop;
    rates->row = fmax(rest, 0) / rich.rows;
    rates->row_doubles = rich.row_doubles;
  }
done:
  if (data != NULL) {
    htf_cli__forget(data);
  }
  HTF_FREE(data);
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
// How long this machine takes over a run's parts, by short runs.
#include <math.h>
#include <string.h>

#include "cli_impl.h"
#include "htflow/cost.h"
#include "htflow/memory.h"
#include "htflow/run.h"
#include "predict_impl.h"

// Seconds that a short run of many steps may take, and a run whose first step is made
// again; operations of a gradient beyond which even one step would take too long.
static const double most = 0.15, quick = 0.1, huge = 2e9;

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
  shorter->stop.wall = steps > 1 ? most : 1e9;
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

// One step; the first time, memory and libraries are touched.
static htf_status begin_run(const htf_spec *spec, htf_cli_data *data, trial *t) {
  htf_status status = HTF_OK;
  HTF_TRY(try_run(spec, data, 1, 2, t));
  if (t->cpu < quick) {
    HTF_TRY(try_run(spec, data, 1, 2, t));
  }
done:
  return status;
}

// Lays the times of three runs to their parts. Where one step is all there was time for,
// setting up is lost in it.
static void divide(const trial *begun, const trial *longer, const trial *rich,
                   htf_cli_rates *rates) {
  bool went_on = longer->good && longer->flops > begun->flops && longer->cpu > begun->cpu;
  rates->measured = begun->good;
  rates->flop = went_on ? (longer->cpu - begun->cpu) / (longer->flops - begun->flops)
                        : begun->cpu / begun->flops;
  rates->setup = fmax(begun->cpu - begun->flops * rates->flop, 0);
  rates->row_doubles = begun->row_doubles;
  if (rich->good && went_on) {
    double rest = rich->cpu - rates->setup - rich->flops * rates->flop;
    rates->row = fmax(rest, 0) / rich->rows;
  }
}

// Of three runs: one step; many with few rows; few with all their rows.
htf_status htf_cli__calibrate(const htf_spec *spec, double gradient, htf_cli_rates *rates) {
  htf_status status = HTF_OK;
  htf_cli_data *data = NULL;
  trial begun = {0}, longer = {0}, rich = {0};
  *rates = (htf_cli_rates){0};
  if (gradient > huge) {
    return HTF_OK;
  }
  HTF_NEW(data, 1);
  HTF_TRY(begin_run(spec, data, &begun));
  if (begun.good) {
    HTF_TRY(try_run(spec, data, 400, 2, &longer));
    HTF_TRY(try_run(spec, data, 30, 0, &rich));
    divide(&begun, &longer, &rich, rates);
  }
done:
  if (data != NULL) {
    htf_cli__forget(data);
  }
  HTF_FREE(data);
  return status;
}

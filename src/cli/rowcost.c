// SPDX-License-Identifier: BSD-3-Clause
// What a row of observables costs, beside the gradients it is measured between.
#include "rowcost_impl.h"

#include <string.h>

#include "htflow/cost.h"
#include "htflow/memory.h"
#include "htflow/run.h"

_Static_assert((int)HTF_COST_DENSE == (int)HTF_PROBLEM_DENSE, "one limit of held targets");

typedef struct walk {
  htf_cost_table *table;
  int sizes; // met so far
  htf_cli_row_cost *most;
} walk;

static htf_status read_options(const htf_spec *spec, htf_probe_options *options,
                               uint64_t **partition) {
  htf_status status = HTF_OK;
  *options = (htf_probe_options){
      .components = (int)spec->record.components,
      .singular_values = (int)spec->record.singular_values,
      .observables = htf_observable_read(spec->record.observables),
      .entries = htf_observable_count(spec->record.entries),
      .partitions = htf_observable_count(spec->record.partitions),
  };
  HTF_NEW(*partition, options->partitions);
  for (int i = 0; i < options->partitions; i++) {
    HTF_TRY(htf_observable_partition(spec, i, &(*partition)[i]));
  }
  options->partition = *partition;
done:
  return status;
}

// A target that is planted is held where it is small; of one in a file that is not known.
static bool holds_tensor(const htf_spec *spec, const htf_model *model) {
  return spec->problem.file[0] == '\0' && htf_model_entries(model) <= HTF_PROBLEM_DENSE;
}

static htf_status cost_of(const htf_spec *spec, double gradient, htf_cli_row_cost *cost) {
  htf_status status = HTF_OK;
  htf_model *model = NULL;
  uint64_t *partition = NULL;
  htf_probe_options options;
  HTF_TRY(read_options(spec, &options, &partition));
  HTF_TRY(htf_run_model(spec, &model));
  htf_probe_work work = {.gradient = gradient,
                         .train = spec->problem.samples,
                         .test = spec->problem.test,
                         .tensor = holds_tensor(spec, model),
                         .sensing = spec->problem.task == HTF_TASK_SENSING};
  cost->gradient = gradient;
  HTF_TRY(htf_probe_cost(model, &options, &work, cost->part, &cost->all));
done:
  htf_model_destroy(&model);
  HTF_FREE(partition);
  return status;
}

// The first run of each size.
static htf_status visit(void *context, int64_t run, const htf_spec *spec) {
  htf_status status = HTF_OK;
  walk *w = context;
  htf_cost cost;
  htf_cli_row_cost row = {.all = 0};
  (void)run;
  HTF_TRY(htf_cost_predict(w->table, spec, &cost));
  if (cost.size == w->sizes) {
    w->sizes++;
    HTF_TRY(cost_of(spec, cost.gradient, &row));
    if (row.all > w->most->all) {
      *w->most = row;
    }
  }
done:
  return status;
}

htf_status htf_cli__row_costs(const htf_plan *plan, htf_cli_row_cost *most) {
  htf_status status = HTF_OK;
  walk w = {.most = most};
  memset(most, 0, sizeof *most);
  HTF_TRY(htf_cost_table_create(&w.table));
  HTF_TRY(htf_plan_each(plan, visit, &w));
done:
  htf_cost_table_destroy(&w.table);
  return status;
}

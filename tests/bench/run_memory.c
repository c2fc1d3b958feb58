// SPDX-License-Identifier: BSD-3-Clause
// run_memory SWEEP.yaml: of each run of a sweep, run here and now, a line: parameters, the
// most bytes it held at once, the bytes that plan predicts, usual and at most, steps.
#include <stdio.h>

#include "htflow/cost.h"
#include "htflow/files.h"
#include "htflow/memory.h"
#include "htflow/plan.h"
#include "htflow/run.h"

static htf_status measure(void *context, int64_t index, const htf_spec *spec) {
  htf_status status = HTF_OK;
  const htf_run_hooks hooks = {.context = NULL};
  htf_cost cost;
  htf_record record;
  (void)index;
  htf_record_init(&record);
  HTF_TRY(htf_cost_predict(context, spec, &cost));
  int64_t before = htf_memory_bytes();
  HTF_TRY(htf_run_execute(spec, &hooks, &record));
  printf("%lld %lld %.0f %.0f %lld\n", (long long)cost.parameters,
         (long long)(htf_memory_peak() - before), cost.usual, cost.bytes,
         (long long)record.steps);
  HTF_CHECK(record.state == HTF_RUN_DONE, HTF_E_NUMERIC, "%s", record.message);
done:
  htf_record_clear(&record);
  return status;
}

static htf_status measure_all(const char *path) {
  htf_status status = HTF_OK;
  htf_plan *plan = NULL;
  htf_cost_table *costs = NULL;
  char *text = NULL;
  HTF_TRY(htf_file_read_text(path, &text));
  htf_plan_source source = {.name = path, .text = text};
  HTF_TRY(htf_plan_create(&source, &plan));
  HTF_TRY(htf_cost_table_create(&costs));
  HTF_TRY(htf_plan_each(plan, measure, costs));
done:
  htf_cost_table_destroy(&costs);
  htf_plan_destroy(&plan);
  HTF_FREE(text);
  return status;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: run_memory SWEEP.yaml\n");
    return 2;
  }
  htf_status status = measure_all(argv[1]);
  if (status != HTF_OK) {
    fprintf(stderr, "%s\n", htf_error_message());
  }
  return status != HTF_OK;
}

// SPDX-License-Identifier: BSD-3-Clause
// One run of gradient flow: from a text as in a sweep file to a record, without files.
//
//   cmake -B build && cmake --build build && build/flow
//
// A tensor of hierarchical rank 2 is completed from a small start. Under the flow its local
// components are learnt one after another; prints which of them when, and the samples of
// the trajectory around these times.
#include <stdio.h>

#include <htflow/blas.h>
#include <htflow/event.h>
#include <htflow/plan.h>
#include <htflow/record.h>
#include <htflow/run.h>

// A sweep of one run: any key of htflow-sweep(5), and no axes.
static const char text[] = "seed: 1\n"
                           "problem:\n"
                           "  shape: [6, 6, 6, 6]\n"
                           "  samples: 600\n"
                           "  test: 200\n"
                           "  target: {kind: htf, tree: binary, width: 2}\n"
                           "model: {tree: binary, width: 6}\n"
                           "init: {std: 0.03}\n"
                           "flow: {rtol: 1e-6}\n"
                           "stop: {loss: 1e-6}\n"
                           "events: {component: [0.1]}\n"
                           "record: {points: 40, components: 4}\n";

static htf_status read_spec(htf_spec *spec) {
  htf_status status = HTF_OK;
  htf_plan *plan = NULL;
  htf_plan_source source = {.name = "flow.c", .text = text};
  HTF_TRY(htf_plan_create(&source, &plan));
  HTF_TRY(htf_plan_spec(plan, 0, spec)); // defaults filled in, trees written out
done:
  htf_plan_destroy(&plan);
  return status;
}

// event_<what> of the record; NULL if it has no events.
static const double *events(const htf_record *record, const char *what) {
  const htf_column *column = htf_record_find(record, what);
  return column != NULL ? column->data : NULL;
}

static void print_events(const htf_record *record) {
  const double *kind = events(record, "event_kind"), *time = events(record, "event_time");
  const double *node = events(record, "event_node"),
               *loss = events(record, "event_train_loss");
  const double *component = events(record, "event_component");
  for (int64_t i = 0; i < record->events; i++) {
    if ((int)kind[i] == HTF_EVENT_COMPONENT_RISE) {
      printf("learnt: component %.0f of interior node %.0f  at t = %-12.4f loss %.3e\n",
             component[i], node[i], time[i], loss[i]);
    }
  }
}

// Columns are arrays [samples, ..]; local_component_norm is [samples, nodes, components].
static void print_samples(const htf_record *record) {
  const double *time = htf_record_find(record, "time")->data;
  const double *loss = htf_record_find(record, "train_loss")->data;
  const htf_column *norms = htf_record_find(record, "local_component_norm");
  int64_t row = norms->dims[1] * norms->dims[2], root = row - norms->dims[2];
  printf("\n%14s %12s   norms of the root's components\n", "t", "loss");
  for (int64_t k = 0; k < record->samples; k += 4) {
    const double *norm = norms->data + k * row + root;
    printf("%14.4f %12.4e   %8.4f %8.4f %8.4f %8.4f\n", time[k], loss[k], norm[0], norm[1],
           norm[2], norm[3]);
  }
}

int main(void) {
  htf_status status = HTF_OK;
  htf_run_hooks hooks = {.context = NULL}; // nothing to load, no checkpoints
  htf_record record;
  static htf_spec spec;
  htf_record_init(&record);
  htf_blas_start(1); // the kernels that fit this processor, one thread
  HTF_TRY(read_spec(&spec));
  HTF_TRY(htf_run_execute(&spec, &hooks, &record));
  print_events(&record);
  print_samples(&record);
  // A run that cannot go on is no error: its record says why.
  printf("\n%s (%s) after %lld steps: loss %.3e, held out %.3e, drift of the conserved "
         "quantities %.1e\n",
         htf_run_state_text(record.state), htf_stop_reason_text(record.stop_reason),
         (long long)record.steps, record.final_train_loss, record.final_test_loss,
         record.unbalancedness_drift);
done:
  if (status != HTF_OK) {
    fprintf(stderr, "flow: %s\n", htf_error_message());
  }
  htf_record_clear(&record);
  return status == HTF_OK ? 0 : 1;
}

// SPDX-License-Identifier: BSD-3-Clause
// flow_source.h: a made-up sweep whose runs do as a flow does: time, arc length and steps
// rise, the loss falls, and the numbers of a run are those of its last sample.
#pragma once

#include "made_source.h"

enum { FLOW_RUNS = 5, FLOW_SAMPLES = 4 };

static const char flow_tree[] = "((0,1)2,2)2;";
static const htf_shape flow_sizes = {3, {2, 3, 2}};

static const htf_results_axis flow_axes[] = {
    {"init_std", "standard deviation of the initial weights", "1", HTF_RESULTS_REAL}};

static const htf_variable flow_variables[] = {
    {"time", "flow time", "1", "high part", 1, {"sample"}, NULL},
    {"time_low", "flow time", "1", "low part", 1, {"sample"}, NULL},
    {"arc_length", "arc length", "1", "of theta", 1, {"sample"}, NULL},
    {"step", "accepted steps", "1", "of the integrator", 1, {"sample"}, NULL},
    {"train_loss", "training loss", "1", "L", 1, {"sample"}, NULL},
    {"unbalancedness_drift", "drift", "1", "since the start", 1, {"sample"}, NULL},
    {"local_component_norm",
     "local component norm",
     "1",
     "sigma",
     3,
     {"sample", "node", "component"},
     NULL},
    {"singular_value",
     "singular value",
     "1",
     "s",
     3,
     {"sample", "partition", "value"},
     NULL},
};

static const char *const flow_attributes[][2] = {
    {"sweep", "flow: {rtol: 1e-6}\n"},
    {"sweep_resolved",
     "name: \"made\"\nseed: 1\nflow:\n  method: bdf\n  rtol: 1e-06\n  lr: "
     "0.01\nstop:\n  loss: 5e-05\n"},
    {"plan_hash", "0"},
    {"seed", "1"},
    {"htflow_version", "0"},
    {"compiler", "gcc"},
    {"compiler_flags", "-O3"},
};

static inline htf_status flow_axis(void *context, int axis, int64_t run, double *number,
                                   const char **text) {
  (void)context;
  (void)axis;
  (void)text;
  *number = 0.1 * (double)(run + 1);
  return HTF_OK;
}

static inline htf_status flow_shape(void *context, int64_t run, htf_shape *shape) {
  (void)context;
  (void)run;
  *shape = flow_sizes;
  return HTF_OK;
}

// Run r has 2 + r samples; after a billion of waiting all happens within a few.
static inline htf_status flow_columns(int64_t run, htf_record *record) {
  htf_status status = HTF_OK;
  int64_t n = record->samples = 2 + run;
  double *x[6];
  for (int v = 0; v < 8; v++) {
    htf_column *column = NULL;
    const int64_t nodes[] = {flow_variables[v].rank < 3 ? 0 : v == 6 ? 2 : 4, 2};
    HTF_TRY(htf_record_add(record, flow_variables[v].name, flow_variables[v].rank, nodes,
                           &column));
    if (v < 6) {
      x[v] = column->data;
    }
  }
  for (int64_t i = 0; i < n; i++) {
    x[0][i] = i > 0 ? 1e17 : 0; // a double there has no 1
    x[1][i] = (double)i;
    x[2][i] = 0.25 * (double)i;
    x[3][i] = 10 * (double)i;
    x[4][i] = 1 / (1 + (double)i);
    x[5][i] = 1e-7 * (double)i;
  }
  record->flow_time = x[0][n - 1];
  record->steps = (int64_t)x[3][n - 1];
  record->final_train_loss = x[4][n - 1];
  record->unbalancedness_drift = x[5][n - 1];
done:
  return status;
}

static inline htf_status flow_weights(htf_record *record) {
  htf_status status = HTF_OK;
  record->weight_count = 2 * 2 + 3 * 2 + 2 * 2 + 2 * 2 + 2;
  HTF_NEW(record->weights, record->weight_count);
  for (int64_t i = 0; i < record->weight_count; i++) {
    record->weights[i] = 1 + (double)i;
  }
done:
  return status;
}

static inline htf_status flow_record(void *context, int64_t run, htf_record *record) {
  htf_status status = HTF_OK;
  (void)context;
  if (run == 4) {
    return HTF_OK;
  }
  record->identity = identity_of(run);
  record->state = run == 3 ? HTF_RUN_FAILED : HTF_RUN_DONE;
  record->stop_reason = run == 3 ? HTF_STOP_ERROR : HTF_STOP_LOSS;
  snprintf(record->tree, sizeof record->tree, "%s", flow_tree);
  if (run < 3) {
    HTF_TRY(flow_columns(run, record));
    HTF_TRY(flow_weights(record));
  }
done:
  return status;
}

static inline void flow_source(htf_results_source *source) {
  *source = (htf_results_source){
      .runs = FLOW_RUNS,
      .axes = 1,
      .axis = flow_axes,
      .axis_value = flow_axis,
      .identity = made_identity,
      .record = flow_record,
      .shape = flow_shape,
      .which_weights = "final",
      .variables = sizeof flow_variables / sizeof *flow_variables,
      .variable = flow_variables,
      .attributes = sizeof flow_attributes / sizeof *flow_attributes,
      .attribute = flow_attributes,
  };
}

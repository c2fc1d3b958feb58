// SPDX-License-Identifier: BSD-3-Clause
// made_source.h: a made-up sweep as the source of a results file. Three kinds of run take
// turns: two trees over modes of unequal sizes, the second one of a CP model whose shape is
// swept; every seventh run is pending, every fifth failed before its first sample, and the
// number of samples differs from run to run.
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "htflow/model.h"
#include "htflow/results.h"
#include "store_test.h"

typedef struct made_source {
  htf_results_source source;
  int64_t samples; // most of a run
  double date;     // when it ran
  int64_t fail_at; // run at which the source itself fails; -1 for none
  char text[64];
} made_source;

static const char *const made_trees[] = {"((0,2)2,1,(3,4)3)2;", "(0,1,2,3)3;"};
static const htf_shape made_shapes[] = {{5, {2, 3, 4, 2, 3}}, {4, {3, 2, 2, 4}}};

static const htf_results_axis made_axes[] = {
    {"init_std", "standard deviation of the initial weights", "1", HTF_RESULTS_REAL},
    {"model_tree", "mode tree", "", HTF_RESULTS_TEXT},
    {"problem_samples", "training samples", "", HTF_RESULTS_INTEGER},
};

static const htf_variable made_variables[] = {
    {"time", "flow time", "1", "high part", 1, {"sample"}, NULL},
    {"train_loss", "training loss", "1", "L", 1, {"sample"}, NULL},
    {"local_component_norm",
     "local component norm",
     "1",
     "sigma",
     3,
     {"sample", "node", "component"},
     NULL},
    {"singular_value", "singular value", "1", "s", 3, {"sample", "cut", "value"}, NULL},
    {"hierarchical_rank", "rank", "1", "r", 2, {"sample", "cut"}, NULL},
    {"empty", "nothing", "1", "no run has any", 2, {"sample", "nothing"}, NULL},
};

static const char *const made_attributes[][2] = {
    {"sweep", "name: schön\nseed: 1\n"}, {"seed", "1"}, {"empty", ""}};
static const char *const made_timing[][2] = {{"finished", "2026-11-23T18:30:00Z"}};

static inline htf_status made_axis(void *context, int axis, int64_t run, double *number,
                                   const char **text) {
  made_source *made = context;
  *number = axis == 0 ? 0.1 * (double)(run % 3) : (double)(10 * run);
  snprintf(made->text, sizeof made->text, "%s", made_trees[run % 2]);
  *text = made->text;
  return HTF_OK;
}

static inline htf_status made_identity(void *context, int64_t run, htf_digest *identity) {
  (void)context;
  *identity = identity_of(run);
  return HTF_OK;
}

static inline htf_status made_shape(void *context, int64_t run, htf_shape *shape) {
  (void)context;
  *shape = made_shapes[run % 2];
  shape->size[0] += run % 4 / 2; // of one tree, two shapes
  return HTF_OK;
}

static inline htf_status made_column(htf_record *record, const char *name, int rank,
                                     int64_t d1, int64_t d2, double base) {
  htf_status status = HTF_OK;
  htf_column *column = NULL;
  int64_t dims[] = {d1, d2};
  HTF_TRY(htf_record_add(record, name, rank, dims, &column));
  for (int64_t i = 0; i < htf_column_size(column); i++) {
    column->data[i] = isnan(base) ? base : base + (double)i; // a NAN keeps its sign
  }
done:
  return status;
}

static inline htf_status made_weights(htf_record *record, int64_t run) {
  htf_status status = HTF_OK;
  htf_tree *tree = NULL;
  htf_model *model = NULL;
  htf_shape shape;
  made_shape(NULL, run, &shape);
  HTF_TRY(htf_tree_parse(made_trees[run % 2], 0, &tree));
  HTF_TRY(
      htf_model_create(run % 2 ? HTF_MODEL_CP : HTF_MODEL_HTF, tree, shape.size, &model));
  record->weight_count = htf_model_parameters(model);
  HTF_NEW(record->weights, record->weight_count);
  for (int64_t i = 0; i < record->weight_count; i++) {
    record->weights[i] = (double)(1000 * run + i);
  }
done:
  htf_model_destroy(&model);
  htf_tree_destroy(&tree);
  return status;
}

static inline htf_status made_done(made_source *made, int64_t run, htf_record *record) {
  htf_status status = HTF_OK;
  int64_t interior = run % 2 ? 1 : 3;
  record->state = run % 11 == 10 ? HTF_RUN_FAILED : HTF_RUN_DONE;
  record->stop_reason = HTF_STOP_LOSS;
  record->samples = 1 + run % made->samples;
  record->final_train_loss = 1e-5 * (double)run;
  record->steps = 100 * run;
  HTF_TRY(made_column(record, "train_loss", 1, 0, 0, (double)run));
  HTF_TRY(made_column(record, "time", 1, 0, 0, 0.5));
  HTF_TRY(made_column(record, "local_component_norm", 3, interior, 3, 1e6));
  HTF_TRY(made_column(record, "singular_value", 3, 3 + run % 4 / 2, 2, 1e-6));
  if (run % 2 == 0) {
    HTF_TRY(made_column(record, "hierarchical_rank", 2, 2, 0, copysign(NAN, -1)));
    HTF_TRY(made_column(record, "empty", 2, 0, 0, 0));
  }
  if (run % 3 != 0) {
    HTF_TRY(made_weights(record, run));
  }
done:
  return status;
}

static inline htf_status made_record(void *context, int64_t run, htf_record *record) {
  htf_status status = HTF_OK;
  made_source *made = context;
  HTF_CHECK(run != made->fail_at, HTF_E_DATA, "the source fails at run %lld",
            (long long)run);
  if (run % 7 == 6) {
    return HTF_OK;
  }
  record->identity = identity_of(run);
  snprintf(record->tree, sizeof record->tree, "%s", made_trees[run % 2]);
  record->timing.started = made->date;
  record->timing.wall = 0.5;
  record->timing.attempts = 1;
  snprintf(record->timing.host, sizeof record->timing.host, "node%d", (int)(run % 2));
  if (run % 5 == 4) {
    record->state = HTF_RUN_FAILED;
    record->stop_reason = HTF_STOP_ERROR;
    snprintf(record->message, sizeof record->message, "π is not finite \xff %d", (int)run);
  } else {
    HTF_TRY(made_done(made, run, record));
  }
done:
  return status;
}

static inline void make_source(int64_t runs, int64_t samples, made_source *made) {
  *made = (made_source){.samples = samples, .date = 1.7e9, .fail_at = -1};
  made->source = (htf_results_source){
      .runs = runs,
      .axes = 3,
      .axis = made_axes,
      .axis_value = made_axis,
      .identity = made_identity,
      .record = made_record,
      .shape = made_shape,
      .context = made,
      .variables = sizeof made_variables / sizeof *made_variables,
      .variable = made_variables,
      .attributes = 3,
      .attribute = made_attributes,
      .timing_attributes = 1,
      .timing_attribute = made_timing,
  };
}

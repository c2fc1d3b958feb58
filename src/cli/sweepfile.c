// SPDX-License-Identifier: BSD-3-Clause
// Sweep files and the data files they name.
#include <stdio.h>
#include <string.h>

#include "cli_impl.h"
#include "htflow/log.h"
#include "htflow/memory.h"
#include "htflow/run.h"

// ---- plans ----------------------------------------------------------------------------

// A file of a dense tensor alone serves every task; one with samples too gives its samples.
static htf_status describe(void *context, const char *path, htf_plan_file *file) {
  htf_status status = HTF_OK;
  htf_file_data data = {.train = 0};
  (void)context;
  HTF_TRY(htf_file_read_problem(path, &data));
  HTF_TRY(htf_file_digest(path, file->digest));
  file->task = data.task;
  file->shape = data.shape;
  file->train = data.train;
  file->test = data.test;
  file->tensor = data.train == 0;
done:
  htf_file_data_clear(&data);
  return status;
}

static htf_status read_weights(const char *path, int64_t run, htf_file_weights *weights) {
  return run < 0 ? htf_file_read_weights(path, weights)
                 : htf_file_read_run_weights(path, run, weights);
}

static htf_status describe_weights(void *context, const char *path, int64_t run,
                                   htf_plan_weights *weights) {
  static const htf_factorization kinds[] = {[HTF_MODEL_HTF] = HTF_FACTORIZATION_HTF,
                                            [HTF_MODEL_CP] = HTF_FACTORIZATION_CP,
                                            [HTF_MODEL_MF] = HTF_FACTORIZATION_MF};
  htf_status status = HTF_OK;
  htf_file_weights data = {.count = 0};
  (void)context;
  HTF_TRY(read_weights(path, run, &data));
  HTF_TRY(htf_file_digest(path, weights->digest));
  memcpy(weights->newick, data.tree, sizeof weights->newick);
  weights->shape = data.shape;
  weights->kind = kinds[data.kind];
done:
  htf_file_weights_clear(&data);
  return status;
}

htf_status htf_cli__weights(void *context, const htf_spec *spec, const htf_model *model,
                            double *theta) {
  htf_status status = HTF_OK;
  htf_file_weights data = {.count = 0};
  (void)context;
  HTF_TRY(read_weights(spec->init.file, spec->init.run, &data));
  HTF_CHECK(data.count == htf_model_parameters(model), HTF_E_DATA,
            "%s holds %lld weights of tree %s, the model has %lld", spec->init.file,
            (long long)data.count, data.tree, (long long)htf_model_parameters(model));
  memcpy(theta, data.theta, (size_t)data.count * sizeof *theta);
done:
  htf_file_weights_clear(&data);
  return status;
}

static htf_status make_plan(const char *name, const char *text,
                            const htf_cli_list *overrides, htf_plan **plan) {
  htf_plan_source source = {
      .name = name,
      .text = text,
      .overrides = overrides != NULL ? overrides->count : 0,
      .override = overrides != NULL ? overrides->item : NULL,
      .describe = describe,
      .describe_weights = describe_weights,
  };
  return htf_plan_create(&source, plan);
}

htf_status htf_cli__open_plan(const char *path, const htf_cli_list *overrides,
                              htf_plan **plan) {
  htf_status status = HTF_OK;
  char *text = NULL;
  HTF_TRY(htf_file_read_text(path, &text));
  HTF_TRY(make_plan(path, text, overrides, plan));
  for (int i = 0; i < htf_plan_warnings(*plan); i++) {
    htf_log(HTF_LOG_WARN, "plan", "%s", htf_plan_warning(*plan, i));
  }
done:
  HTF_FREE(text);
  return status;
}

htf_status htf_cli__text_plan(const char *name, const char *text, htf_plan **plan) {
  return make_plan(name, text, NULL, plan);
}

htf_status htf_cli__directory_plan(const char *directory, htf_plan **plan) {
  htf_status status = HTF_OK;
  char path[HTF_MAX_TEXT], *text = NULL;
  snprintf(path, sizeof path, "%s/sweep.yaml", directory);
  HTF_TRY(htf_file_read_text(path, &text));
  HTF_TRY(make_plan(path, text, NULL, plan));
done:
  if (status == HTF_E_IO) {
    htf_error_prefix("no sweep directory: ");
  }
  HTF_FREE(text);
  return status;
}

htf_status htf_cli__given_text(const char *directory, char **text) {
  char path[HTF_MAX_TEXT];
  snprintf(path, sizeof path, "%s/sweep-as-given.yaml", directory);
  return htf_file_read_text(path, text);
}

// ---- problems -------------------------------------------------------------------------

// The target is given whole: it is measured as a planted one would be.
static htf_status measure_tensor(const htf_file_data *d, const htf_spec *spec,
                                 htf_problem **problem) {
  static const htf_problem_task tasks[] = {[HTF_TASK_COMPLETION] = HTF_PROBLEM_COMPLETION,
                                           [HTF_TASK_SENSING] = HTF_PROBLEM_SENSING,
                                           [HTF_TASK_FULL] = HTF_PROBLEM_FULL};
  htf_plant plant = {.task = tasks[spec->problem.task],
                     .order = d->shape.order,
                     .shape = d->shape.size,
                     .tensor = d->tensor,
                     .train = (int64_t)spec->problem.samples,
                     .test = (int64_t)spec->problem.test,
                     .noise = spec->problem.noise,
                     .input_std = spec->problem.input_std,
                     .seed = (uint64_t)spec->sweep_seed,
                     .draw = (uint64_t)spec->problem.seed};
  return htf_problem_plant(&plant, problem);
}

// A file with held-out samples gives all of them; a file with one list is split.
static htf_status make_problem(const htf_file_data *d, const htf_spec *spec,
                               htf_problem **problem) {
  htf_samples train = {.count = d->train,
                       .indices = d->train_indices,
                       .values = d->train_values,
                       .inputs = d->train_inputs};
  htf_samples test = {.count = d->test,
                      .indices = d->test_indices,
                      .values = d->test_values,
                      .inputs = d->test_inputs};
  htf_split split = {.order = d->shape.order,
                     .shape = d->shape.size,
                     .all = train,
                     .tensor = d->tensor,
                     .train = (int64_t)spec->problem.samples,
                     .test = (int64_t)spec->problem.test,
                     .seed = (uint64_t)spec->sweep_seed,
                     .draw = (uint64_t)spec->problem.seed};
  if (d->train == 0) {
    return measure_tensor(d, spec, problem);
  }
  return d->test > 0 ? htf_problem_create(d->shape.order, d->shape.size, train, test,
                                          d->tensor, problem)
                     : htf_problem_split(&split, problem);
}

htf_status htf_cli__load(void *context, const htf_spec *spec, htf_problem **problem) {
  htf_status status = HTF_OK;
  htf_cli_data *kept = context;
  if (strcmp(kept->path, spec->problem.file) != 0) {
    htf_cli__forget(kept);
    HTF_TRY(htf_file_read_problem(spec->problem.file, &kept->data));
    memcpy(kept->path, spec->problem.file, sizeof kept->path);
  }
  HTF_TRY(make_problem(&kept->data, spec, problem));
done:
  return status;
}

void htf_cli__forget(htf_cli_data *kept) {
  htf_file_data_clear(&kept->data);
  kept->path[0] = '\0';
}

// SPDX-License-Identifier: BSD-3-Clause
// The life of a probe.
#include <math.h>

#include "htflow/memory.h"
#include "probe_impl.h"

static htf_status prepare_values(const htf_model *model, htf_samples samples,
                                 htf_probe__values *values) {
  htf_status status = HTF_OK;
  if (samples.count > 0) {
    HTF_TRY(htf_problem_points(samples, htf_model_tree(model), htf_model_shape(model),
                               &values->points));
    HTF_NEW(values->y, samples.count);
  }
done:
  return status;
}

static void drop_values(htf_probe__values *values) {
  htf_points_destroy(&values->points);
  HTF_FREE(values->y);
}

static htf_status prepare_entries(htf_probe *probe) {
  htf_status status = HTF_OK;
  int order = htf_tree_order(htf_model_tree(probe->model));
  int64_t indices = (int64_t)probe->options.entries * order;
  const int64_t *shape = htf_model_shape(probe->model);
  htf_samples samples = {.count = probe->options.entries};
  HTF_NEW(probe->entry, indices);
  for (int64_t i = 0; i < indices; i++) {
    probe->entry[i] = probe->options.entry[i];
    HTF_CHECK(0 <= probe->entry[i] && probe->entry[i] < shape[i % order], HTF_E_CONFIG,
              "entry %lld has index %lld in mode %lld, whose size is %lld",
              (long long)(i / order), (long long)probe->entry[i], (long long)(i % order),
              (long long)shape[i % order]);
  }
  samples.indices = probe->entry;
  HTF_TRY(prepare_values(probe->model, samples, &probe->entries));
done:
  return status;
}

static void prepare_tensor(htf_probe *probe) {
  const double *target = htf_problem_tensor(probe->problem);
  int64_t entries = target != NULL ? (int64_t)htf_model_entries(probe->model) : 0;
  double sum = 0;
  for (int64_t i = 0; i < entries; i++) {
    sum += target[i] * target[i];
  }
  probe->target_norm = sqrt(sum);
}

// Of the model: its nodes, the most values any of them has, and its components.
static htf_status prepare_model(htf_probe *probe) {
  htf_status status = HTF_OK;
  const htf_model *model = probe->model;
  const htf_tree *tree = htf_model_tree(model);
  int64_t widest = 1;
  probe->interior = htf_tree_nodes(tree) - htf_tree_order(tree);
  probe->partitions = htf_tree_root(tree);
  for (int node = 0; node < htf_tree_nodes(tree); node++) {
    bool interior = htf_tree_children(tree, node) > 0;
    int64_t width = interior ? htf_model_rows(model, node) : 0;
    widest = width > widest ? width : widest;
    probe->component_count += width;
  }
  if (probe->options.components > widest) {
    probe->options.components = (int)widest;
  }
  probe->vectors = htf_model_vector_count(model);
  HTF_NEW(probe->sigma, widest);
  HTF_NEW(probe->rates, probe->vectors);
  HTF_NEW(probe->components, probe->component_count);
  HTF_NEW(probe->norms2, probe->vectors);
  HTF_NEW(probe->norms2_start, probe->vectors);
done:
  return status;
}

static htf_status prepare_spectra(htf_probe *probe) {
  htf_status status = HTF_OK;
  int64_t most = 1;
  bool nodes = htf_probe__pays(probe, HTF_COST_SPECTRA);
  if (probe->options.singular_values == 0 || !(nodes || probe->options.partitions > 0)) {
    return HTF_OK;
  }
  HTF_TRY(htf_spectra_create(probe->model, &probe->spectra));
  for (int node = 0; node < probe->partitions; node++) {
    int64_t count = htf_spectra_count(probe->spectra, node);
    most = count > most ? count : most;
  }
  for (int i = 0; i < probe->options.partitions; i++) {
    HTF_TRY(htf_spectra_choose(probe->spectra, probe->options.partition[i]));
    int64_t count = htf_spectra_chosen_count(probe->spectra, i);
    most = count > most ? count : most;
  }
  probe->options.partition = NULL; // borrowed no longer
  if (probe->options.singular_values > most) {
    probe->options.singular_values = (int)most;
  }
done:
  return status;
}

htf_status htf_probe_create(const htf_model *model, const htf_problem *problem,
                            htf_loss loss, const htf_probe_options *options,
                            htf_probe **out) {
  htf_status status = HTF_OK;
  htf_probe *probe = NULL;
  HTF_NEW(probe, 1);
  probe->model = model;
  probe->problem = problem;
  probe->loss = loss;
  probe->options = *options;
  probe->options.observables |= options->observables == 0
                                    ? htf_observable_set(HTF_WHEN_STANDARD)
                                    : htf_observable_set(HTF_WHEN_ALWAYS);
  HTF_TRY(prepare_model(probe));
  HTF_TRY(prepare_values(model, htf_problem_test(problem), &probe->test));
  HTF_TRY(prepare_entries(probe));
  prepare_tensor(probe);
  if (htf_probe__pays(probe, HTF_COST_OVERLAP) && htf_problem_tensor(problem) != NULL) {
    HTF_TRY(htf_probe__overlap_prepare(probe));
  }
  if (htf_probe__pays(probe, HTF_COST_PARTS)) {
    HTF_NEW(probe->parts, probe->component_count);
  }
  HTF_TRY(prepare_spectra(probe));
  if (htf_probe__records(probe, HTF_OBSERVABLE_sharpness)) {
    HTF_NEW(probe->lanczos, 3 * htf_model_parameters(model));
  }
  *out = probe;
  probe = NULL;
done:
  htf_probe_destroy(&probe);
  return status;
}

void htf_probe_destroy(htf_probe **out) {
  htf_probe *probe = *out;
  if (probe != NULL) {
    drop_values(&probe->test);
    drop_values(&probe->entries);
    HTF_FREE(probe->entry);
    htf_spectra_destroy(&probe->spectra);
    HTF_FREE(probe->tensor);
    HTF_FREE(probe->norms2);
    HTF_FREE(probe->norms2_start);
    HTF_FREE(probe->sigma);
    HTF_FREE(probe->rates);
    HTF_FREE(probe->components);
    htf_probe__overlap_drop(probe);
    HTF_FREE(probe->parts);
    HTF_FREE(probe->lanczos);
    HTF_FREE(*out);
  }
}

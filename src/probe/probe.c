// SPDX-License-Identifier: BSD-3-Clause
// The life of a probe.
#include <math.h>

#include "htflow/memory.h"
#include "probe_impl.h"

static htf_status prepare_test(htf_probe *probe) {
  htf_status status = HTF_OK;
  htf_samples test = htf_problem_test(probe->problem);
  if (test.count > 0) {
    HTF_TRY(htf_problem_points(test, htf_model_tree(probe->model),
                               htf_model_shape(probe->model), &probe->points));
    HTF_TRY(htf_evaluation_create(probe->model, probe->points, HTF_USE_VALUES,
                                  &probe->evaluation));
    HTF_NEW(probe->y, test.count);
  }
done:
  return status;
}

static htf_status prepare_tensor(htf_probe *probe) {
  htf_status status = HTF_OK;
  const double *target = htf_problem_tensor(probe->problem);
  if (target != NULL) {
    int64_t entries = (int64_t)htf_model_entries(probe->model);
    HTF_TRY(htf_expansion_create(probe->model, &probe->expansion));
    HTF_NEW(probe->tensor, entries);
    double sum = 0;
    for (int64_t i = 0; i < entries; i++) {
      sum += target[i] * target[i];
    }
    probe->target_norm = sqrt(sum);
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
  const htf_tree *tree = htf_model_tree(model);
  probe->interior = htf_tree_nodes(tree) - htf_tree_order(tree);
  probe->partitions = htf_tree_root(tree);
  int64_t widest = 1;
  for (int node = 0; node < htf_tree_nodes(tree); node++) {
    int64_t rows = htf_model_rows(model, node);
    widest = rows > widest ? rows : widest;
    probe->component_count += htf_tree_children(tree, node) > 0 ? rows : 0;
  }
  HTF_NEW(probe->sigma, widest);
  probe->vectors = htf_model_vector_count(model);
  HTF_NEW(probe->rates, probe->vectors);
  HTF_NEW(probe->components, probe->component_count);
  HTF_NEW(probe->norms2, probe->vectors);
  HTF_NEW(probe->norms2_start, probe->vectors);
  HTF_TRY(prepare_test(probe));
  HTF_TRY(prepare_tensor(probe));
  if (options->singular_values > 0) {
    HTF_TRY(htf_spectra_create(model, &probe->spectra));
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
    htf_evaluation_destroy(&probe->evaluation);
    htf_points_destroy(&probe->points);
    htf_expansion_destroy(&probe->expansion);
    htf_spectra_destroy(&probe->spectra);
    HTF_FREE(probe->y);
    HTF_FREE(probe->tensor);
    HTF_FREE(probe->norms2);
    HTF_FREE(probe->norms2_start);
    HTF_FREE(probe->sigma);
    HTF_FREE(probe->rates);
    HTF_FREE(probe->components);
    HTF_FREE(*out);
  }
}

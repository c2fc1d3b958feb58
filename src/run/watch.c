// SPDX-License-Identifier: BSD-3-Clause
#include "watch_impl.h"

#include <math.h>

#include "htflow/memory.h"
#include "htflow/spectra.h"
#include "tops_impl.h"

struct htf_watched {
  const htf_spec *spec;
  const htf_model *model;
  htf_objective *objective;
  htf_watch *watch; // [watches]
  int watches;
  htf_tops *tops; // of COMPONENT, and what they were last: [interior, components]
  const double *top;
  double loss, slope;   // of LOSS, of PLATEAU
  htf_spectra *spectra; // of RANK; NULL where no rank is watched
};

// ---- life -----------------------------------------------------------------------------

double htf_watch__scale(const htf_model *model, const htf_problem *problem, int node) {
  const htf_tree *tree = htf_model_tree(model);
  htf_samples train = htf_problem_train(problem);
  int matrices = htf_tree_nodes(tree) - (htf_model_get_kind(model) != HTF_MODEL_HTF);
  double sum = 0;
  for (int64_t k = 0; k < train.count; k++) {
    sum += train.values[k] * train.values[k];
  }
  double norm = sqrt(sum / (double)train.count * htf_model_entries(model));
  return pow(norm, (double)htf_model_component_vectors(model, node) / matrices);
}

static htf_status add(htf_watched *w, htf_watch watch) {
  htf_status status = HTF_OK;
  HTF_RESIZE(w->watch, w->watches + 1);
  w->watch[w->watches++] = watch;
done:
  return status;
}

static htf_status watch_components(htf_watched *w, const htf_problem *problem) {
  htf_status status = HTF_OK;
  const htf_tree *tree = htf_model_tree(w->model);
  const htf_list *levels = &w->spec->events.component;
  bool scaled = w->spec->events.component_scale == HTF_EVENT_SCALE_TENSOR;
  int index = 0;
  for (int node = 0; node < htf_tree_nodes(tree); node++) {
    if (htf_tree_children(tree, node) == 0) {
      continue;
    }
    double scale = scaled ? htf_watch__scale(w->model, problem, node) : 1;
    int64_t most = htf_model_rows(w->model, node);
    most = most < htf_tops__count(w->tops) ? most : htf_tops__count(w->tops);
    for (int i = 0; i < levels->count && scale > 0; i++) {
      for (int k = 0; k < most; k++) {
        HTF_TRY(add(w, (htf_watch){.group = HTF_WATCH_COMPONENT,
                                   .up = HTF_EVENT_COMPONENT_RISE,
                                   .down = HTF_EVENT_COMPONENT_FALL,
                                   .node = index,
                                   .partition = -1,
                                   .component = k,
                                   .level = scale * levels->value[i]}));
      }
    }
    index++;
  }
done:
  return status;
}

static htf_status watch_loss(htf_watched *w) {
  htf_status status = HTF_OK;
  const htf_list *levels = &w->spec->events.loss;
  for (int i = 0; i < levels->count; i++) {
    HTF_TRY(add(w, (htf_watch){.group = HTF_WATCH_LOSS,
                               .up = HTF_EVENT_LOSS_RISE,
                               .down = HTF_EVENT_LOSS_FALL,
                               .node = -1,
                               .partition = -1,
                               .component = -1,
                               .level = levels->value[i]}));
  }
  if (w->spec->events.plateau > 0) {
    HTF_TRY(add(w, (htf_watch){.group = HTF_WATCH_PLATEAU,
                               .up = HTF_EVENT_PLATEAU_END,
                               .down = HTF_EVENT_PLATEAU_BEGIN,
                               .node = -1,
                               .partition = -1,
                               .component = -1,
                               .level = w->spec->events.plateau}));
  }
done:
  return status;
}

static htf_status watch_ranks(htf_watched *w) {
  htf_status status = HTF_OK;
  int root = htf_tree_root(htf_model_tree(w->model));
  if (w->spec->events.rank == 0) {
    goto done;
  }
  HTF_TRY(htf_spectra_create(w->model, &w->spectra));
  for (int node = 0; node < root; node++) {
    for (int k = 1; k < htf_spectra_count(w->spectra, node); k++) {
      HTF_TRY(add(w, (htf_watch){.group = HTF_WATCH_RANK,
                                 .up = HTF_EVENT_RANK_RISE,
                                 .down = HTF_EVENT_RANK_FALL,
                                 .node = -1,
                                 .partition = node,
                                 .component = k,
                                 .level = w->spec->events.rank}));
    }
  }
done:
  return status;
}

htf_status htf_watch__create(const htf_spec *spec, const htf_model *model,
                             const htf_problem *problem, htf_objective *objective,
                             htf_watched **out) {
  htf_status status = HTF_OK;
  htf_watched *w = NULL;
  HTF_NEW(w, 1);
  w->spec = spec;
  w->model = model;
  w->objective = objective;
  HTF_TRY(htf_tops__create(spec, model, &w->tops));
  HTF_TRY(watch_components(w, problem));
  HTF_TRY(watch_loss(w));
  HTF_TRY(watch_ranks(w));
  *out = w;
  w = NULL;
done:
  htf_watch__destroy(&w);
  return status;
}

void htf_watch__destroy(htf_watched **out) {
  htf_watched *w = *out;
  if (w != NULL) {
    htf_spectra_destroy(&w->spectra);
    htf_tops__destroy(&w->tops);
    HTF_FREE(w->watch);
    HTF_FREE(*out);
  }
}

int htf_watch__components(const htf_watched *w) {
  return htf_tops__count(w->tops);
}

htf_watch *htf_watch__list(const htf_watched *w, int *count) {
  *count = w->watches;
  return w->watch;
}

// ---- quantities -----------------------------------------------------------------------

static void measure_slope(htf_watched *w, const double *theta) {
  int64_t n = htf_model_parameters(w->model);
  double loss = htf_objective__value(w->objective, theta);
  const double *gradient = htf_objective__gradient(w->objective, theta);
  w->slope = htf_objective__norm(gradient, n) * htf_objective__norm(theta, n) / loss;
}

htf_status htf_watch__measure(htf_watched *w, htf_watch_group group, const double *theta) {
  switch (group) {
  case HTF_WATCH_COMPONENT:
    w->top = htf_tops__measure(w->tops, theta);
    return HTF_OK;
  case HTF_WATCH_LOSS:
    w->loss = htf_objective__value(w->objective, theta);
    return HTF_OK;
  case HTF_WATCH_PLATEAU:
    measure_slope(w, theta);
    return HTF_OK;
  default:
    return htf_spectra_compute(w->spectra, theta);
  }
}

double htf_watch__read(const htf_watched *w, const htf_watch *watch) {
  switch (watch->group) {
  case HTF_WATCH_COMPONENT:
    return w->top[watch->node * htf_tops__count(w->tops) + watch->component] -
           log(watch->level);
  case HTF_WATCH_LOSS:
    return log(w->loss / watch->level);
  case HTF_WATCH_PLATEAU:
    return log(w->slope / watch->level);
  default: {
    const double *values = htf_spectra_values(w->spectra, watch->partition);
    return log(values[watch->component] / values[0] / watch->level);
  }
  }
}

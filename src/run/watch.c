// SPDX-License-Identifier: BSD-3-Clause
#include "watch_impl.h"

#include <math.h>
#include <stdlib.h>

#include "htflow/memory.h"
#include "htflow/spectra.h"

struct htf_watched {
  const htf_spec *spec;
  const htf_model *model;
  htf_objective *objective;
  htf_watch *watch; // [watches]
  int watches;
  int interior, components; // interior nodes; of each the largest so many
  double *norms2;           // [vectors], of COMPONENT
  double *logs;             // [widest]
  double *top;              // [interior, components], log sigma, largest first
  double loss, slope;       // of LOSS, of PLATEAU
  htf_spectra *spectra;     // of RANK; NULL where no rank is watched
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

int64_t htf_watch__components(const htf_spec *spec, const htf_model *model) {
  const htf_tree *tree = htf_model_tree(model);
  int64_t widest = 0;
  for (int node = 0; node < htf_tree_nodes(tree); node++) {
    int64_t rows = htf_tree_children(tree, node) > 0 ? htf_model_rows(model, node) : 0;
    widest = rows > widest ? rows : widest;
  }
  return widest < spec->record.components ? widest : spec->record.components;
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
    most = most < w->components ? most : w->components;
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
  const htf_tree *tree = htf_model_tree(model);
  int64_t widest = 1;
  HTF_NEW(w, 1);
  w->spec = spec;
  w->model = model;
  w->objective = objective;
  w->interior = htf_tree_nodes(tree) - htf_tree_order(tree);
  w->components = (int)htf_watch__components(spec, model);
  for (int node = 0; node < htf_tree_nodes(tree); node++) {
    int64_t rows = htf_model_rows(model, node);
    widest = rows > widest ? rows : widest;
  }
  HTF_NEW(w->norms2, htf_model_vector_count(model));
  HTF_NEW(w->logs, widest);
  HTF_NEW(w->top, (int64_t)w->interior * w->components);
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
    HTF_FREE(w->watch);
    HTF_FREE(w->norms2);
    HTF_FREE(w->logs);
    HTF_FREE(w->top);
    HTF_FREE(*out);
  }
}

htf_watch *htf_watch__list(const htf_watched *w, int *count) {
  *count = w->watches;
  return w->watch;
}

// ---- quantities -----------------------------------------------------------------------

static int descending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x < y) - (x > y);
}

// log sigma is half the sum of the logs of its vectors' squared norms.
static void measure_components(htf_watched *w, const double *theta) {
  const htf_tree *tree = htf_model_tree(w->model);
  const double *norms2 = w->norms2;
  double *top = w->top;
  htf_model_vector_norms2(w->model, theta, w->norms2);
  for (int node = 0; node < htf_tree_nodes(tree); node++) {
    if (htf_tree_children(tree, node) == 0) {
      continue;
    }
    int64_t width = htf_model_rows(w->model, node);
    int vectors = htf_model_component_vectors(w->model, node);
    for (int64_t r = 0; r < width; r++, norms2 += vectors) {
      w->logs[r] = 0;
      for (int i = 0; i < vectors; i++) {
        w->logs[r] += 0.5 * log(norms2[i]);
      }
    }
    qsort(w->logs, (size_t)width, sizeof *w->logs, descending);
    for (int k = 0; k < w->components; k++) {
      top[k] = k < width ? w->logs[k] : -INFINITY;
    }
    top += w->components;
  }
}

static double norm_of(const double *x, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    sum += x[i] * x[i];
  }
  return sqrt(sum);
}

static void measure_slope(htf_watched *w, const double *theta) {
  int64_t n = htf_model_parameters(w->model);
  double loss = htf_objective__value(w->objective, theta);
  const double *gradient = htf_objective__gradient(w->objective, theta);
  w->slope = norm_of(gradient, n) * norm_of(theta, n) / loss;
}

htf_status htf_watch__measure(htf_watched *w, htf_watch_group group, const double *theta) {
  switch (group) {
  case HTF_WATCH_COMPONENT:
    measure_components(w, theta);
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
    return w->top[watch->node * w->components + watch->component] - log(watch->level);
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

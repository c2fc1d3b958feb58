// SPDX-License-Identifier: BSD-3-Clause
// The observables. To add one: a measuring function, and its row in `table`.
#include "htflow/probe.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "htflow/evaluation.h"
#include "htflow/memory.h"
#include "htflow/points.h"

struct htf_probe {
  const htf_model *model;
  const htf_problem *problem;
  htf_loss loss;
  int components;
  int64_t interior; // interior nodes
  // held-out values
  htf_points *points;
  htf_evaluation *evaluation;
  double *y; // [test samples]
  // the whole tensor, where the target is known
  htf_expansion *expansion;
  double *tensor; // [entries]
  double target_norm;
  // conserved quantities
  int64_t vectors;
  double *norms2, *norms2_start; // [vectors]
  double drift, largest;         // over the run so far
  bool started;
  double *sigma; // [widest node]
};

typedef htf_status measure(htf_probe *probe, const htf_probe_state *state, double *out);

// ---- measuring ------------------------------------------------------------------------

static htf_status measure_time(htf_probe *probe, const htf_probe_state *state,
                               double *out) {
  (void)probe;
  *out = state->time;
  return HTF_OK;
}

static htf_status measure_time_low(htf_probe *probe, const htf_probe_state *state,
                                   double *out) {
  (void)probe;
  *out = state->time_low;
  return HTF_OK;
}

static htf_status measure_arc_length(htf_probe *probe, const htf_probe_state *state,
                                     double *out) {
  (void)probe;
  *out = state->arc_length;
  return HTF_OK;
}

static htf_status measure_step(htf_probe *probe, const htf_probe_state *state,
                               double *out) {
  (void)probe;
  *out = (double)state->step;
  return HTF_OK;
}

static htf_status measure_train_loss(htf_probe *probe, const htf_probe_state *state,
                                     double *out) {
  (void)probe;
  *out = state->train_loss;
  return HTF_OK;
}

static htf_status measure_test_loss(htf_probe *probe, const htf_probe_state *state,
                                    double *out) {
  htf_samples test = htf_problem_test(probe->problem);
  if (test.count > 0) {
    htf_evaluation_forward(probe->evaluation, state->theta, probe->y);
    *out = htf_loss_value(probe->loss, test.count, probe->y, test.values);
  }
  return HTF_OK;
}

static htf_status measure_reconstruction(htf_probe *probe, const htf_probe_state *state,
                                         double *out) {
  const double *target = htf_problem_tensor(probe->problem);
  if (target != NULL) {
    htf_expansion_apply(probe->expansion, state->theta, probe->tensor);
    double sum = 0;
    int64_t entries = (int64_t)htf_model_entries(probe->model);
    for (int64_t i = 0; i < entries; i++) {
      sum += (probe->tensor[i] - target[i]) * (probe->tensor[i] - target[i]);
    }
    *out = sqrt(sum) / probe->target_norm;
  }
  return HTF_OK;
}

static htf_status measure_gradient_norm(htf_probe *probe, const htf_probe_state *state,
                                        double *out) {
  double sum = 0;
  int64_t n = htf_model_parameters(probe->model);
  for (int64_t i = 0; i < n; i++) {
    sum += state->gradient[i] * state->gradient[i];
  }
  *out = sqrt(sum);
  return HTF_OK;
}

static htf_status measure_unbalancedness(htf_probe *probe, const htf_probe_state *state,
                                         double *out) {
  htf_model_vector_norms2(probe->model, state->theta, probe->norms2);
  *out = htf_model_unbalancedness(probe->model, probe->norms2);
  return HTF_OK;
}

// Stands after unbalancedness in the table, whose squared norms it uses.
static htf_status measure_drift(htf_probe *probe, const htf_probe_state *state,
                                double *out) {
  (void)state;
  if (!probe->started) {
    memcpy(probe->norms2_start, probe->norms2,
           (size_t)probe->vectors * sizeof *probe->norms2);
    probe->started = true;
  }
  double drift =
      htf_model_unbalancedness_drift(probe->model, probe->norms2, probe->norms2_start);
  probe->drift = fmax(probe->drift, drift);
  for (int64_t i = 0; i < probe->vectors; i++) {
    probe->largest = fmax(probe->largest, probe->norms2[i]);
  }
  *out = probe->largest > 0 ? probe->drift / probe->largest : 0;
  return HTF_OK;
}

static int descending(const void *left, const void *right) {
  const double *a = left, *b = right;
  return (*a < *b) - (*a > *b);
}

static htf_status measure_components(htf_probe *probe, const htf_probe_state *state,
                                     double *out) {
  htf_status status = HTF_OK;
  const htf_tree *tree = htf_model_tree(probe->model);
  for (int node = 0; node < htf_tree_nodes(tree); node++) {
    if (htf_tree_children(tree, node) == 0) {
      continue;
    }
    int64_t width = htf_model_rows(probe->model, node);
    HTF_TRY(htf_model_component_norms(probe->model, node, state->theta, probe->sigma));
    qsort(probe->sigma, (size_t)width, sizeof *probe->sigma, descending);
    int64_t kept = width < probe->components ? width : probe->components;
    memcpy(out, probe->sigma, (size_t)kept * sizeof *out);
    out += probe->components;
  }
done:
  return status;
}

// ---- the table ------------------------------------------------------------------------

#define SAMPLE                                                                             \
  1, {                                                                                     \
    "sample"                                                                               \
  }

// measuring function, then its htf_variable.
#define OBSERVABLE_TABLE(X)                                                                \
  X(measure_time, "time", "flow time", "1",                                                \
    "time + time_low is the flow time exactly (double-double)", SAMPLE)                    \
  X(measure_time_low, "time_low", "low part of the flow time", "1", "see time", SAMPLE)    \
  X(measure_arc_length, "arc_length", "arc length of the weights", "1",                    \
    "length of the path of theta, summed over accepted steps, Euclidean", SAMPLE)          \
  X(measure_step, "step", "accepted steps", "1",                                           \
    "steps that were complete at this sample", SAMPLE)                                     \
  X(measure_train_loss, "train_loss", "training loss", "1",                                \
    "mean loss over the training samples", SAMPLE)                                         \
  X(measure_test_loss, "test_loss", "held-out loss", "1",                                  \
    "mean loss over the held-out samples", SAMPLE)                                         \
  X(measure_reconstruction, "reconstruction_error", "relative reconstruction error", "1",  \
    "||W_H - W*|| / ||W*|| over all entries; NaN where the target is not known entirely",  \
    SAMPLE)                                                                                \
  X(measure_gradient_norm, "gradient_norm", "gradient norm", "1",                          \
    "Euclidean norm of the gradient of L in theta", SAMPLE)                                \
  X(measure_unbalancedness, "unbalancedness", "unbalancedness magnitude", "1",             \
    "largest | ||w||^2 - ||w'||^2 | within a local component (theory.md section 3)",       \
    SAMPLE)                                                                                \
  X(measure_drift, "unbalancedness_drift", "drift of the conserved quantities", "1",       \
    "largest change of ||w||^2 - ||w'||^2 since the start, over the largest ||w||^2 so "   \
    "far; zero under exact flow (theory.md section 3)",                                    \
    SAMPLE)                                                                                \
  X(measure_components, "local_component_norm", "local component norm", "1",               \
    "sigma^(v,r), the product of the norms of the component's vectors, largest first "     \
    "(theory.md section 3)",                                                               \
    3, {"sample", "node", "component"})

static const htf_variable variables[] = {
#define VARIABLE(function, ...) {__VA_ARGS__},
    OBSERVABLE_TABLE(VARIABLE)};

static measure *const measures[] = {
#define FUNCTION(function, ...) function,
    OBSERVABLE_TABLE(FUNCTION)};

enum { OBSERVABLES = sizeof variables / sizeof *variables };

const htf_variable *htf_probe_variables(int *count) {
  *count = OBSERVABLES;
  return variables;
}

int htf_probe_shape(const htf_probe *probe, int i, int64_t dims[HTF_VARIABLE_DIMS]) {
  int rank = variables[i].rank - 1;
  for (int d = 0; d < rank; d++) {
    const char *name = variables[i].dims[d + 1];
    dims[d] = strcmp(name, "node") == 0 ? probe->interior : probe->components;
  }
  return rank;
}

static int64_t size_of(const htf_probe *probe, int i) {
  int64_t dims[HTF_VARIABLE_DIMS], size = 1;
  int rank = htf_probe_shape(probe, i, dims);
  for (int d = 0; d < rank; d++) {
    size *= dims[d];
  }
  return size;
}

int64_t htf_probe_offset(const htf_probe *probe, int i) {
  int64_t offset = 0;
  for (int j = 0; j < i; j++) {
    offset += size_of(probe, j);
  }
  return offset;
}

int64_t htf_probe_row_size(const htf_probe *probe) {
  return htf_probe_offset(probe, OBSERVABLES);
}

htf_status htf_probe_measure(htf_probe *probe, const htf_probe_state *state, double *row) {
  htf_status status = HTF_OK;
  for (int i = 0; i < OBSERVABLES; i++) {
    int64_t size = size_of(probe, i);
    for (int64_t j = 0; j < size; j++) {
      row[j] = NAN;
    }
    HTF_TRY(measures[i](probe, state, row));
    row += size;
  }
done:
  return status;
}

// ---- lifecycle ------------------------------------------------------------------------

static htf_status prepare_test(htf_probe *probe) {
  htf_status status = HTF_OK;
  htf_samples test = htf_problem_test(probe->problem);
  if (test.count > 0) {
    HTF_TRY(htf_points_create(htf_model_tree(probe->model), htf_model_shape(probe->model),
                              test.count, test.indices, &probe->points));
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
                            htf_loss loss, int components, htf_probe **out) {
  htf_status status = HTF_OK;
  htf_probe *probe = NULL;
  HTF_NEW(probe, 1);
  probe->model = model;
  probe->problem = problem;
  probe->loss = loss;
  probe->components = components;
  const htf_tree *tree = htf_model_tree(model);
  probe->interior = htf_tree_nodes(tree) - htf_tree_order(tree);
  int64_t widest = 1;
  for (int node = 0; node < htf_tree_nodes(tree); node++) {
    int64_t rows = htf_model_rows(model, node);
    widest = rows > widest ? rows : widest;
  }
  HTF_NEW(probe->sigma, widest);
  probe->vectors = htf_model_vector_count(model);
  HTF_NEW(probe->norms2, probe->vectors);
  HTF_NEW(probe->norms2_start, probe->vectors);
  HTF_TRY(prepare_test(probe));
  HTF_TRY(prepare_tensor(probe));
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
    HTF_FREE(probe->y);
    HTF_FREE(probe->tensor);
    HTF_FREE(probe->norms2);
    HTF_FREE(probe->norms2_start);
    HTF_FREE(probe->sigma);
    HTF_FREE(*out);
  }
}

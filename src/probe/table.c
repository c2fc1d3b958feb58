// SPDX-License-Identifier: BSD-3-Clause
// The observables. To add one: a measuring function, and its row in `OBSERVABLE_TABLE`.
#include <math.h>
#include <string.h>

#include "probe_impl.h"

// A singular value counts for the hierarchical rank above this share of the largest; the
// table's comment says so too.
static const double RANK_TOLERANCE = 1e-6;

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

// Of the values that measure_test_loss, before this in the table, has left in probe->y. NAN
// where nothing is held out.
static double held_out_error(const htf_probe *probe) {
  htf_samples test = htf_problem_test(probe->problem);
  double error = 0, norm = 0;
  for (int64_t k = 0; k < test.count; k++) {
    error += (probe->y[k] - test.values[k]) * (probe->y[k] - test.values[k]);
    norm += test.values[k] * test.values[k];
  }
  return sqrt(error / norm);
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
  } else {
    *out = held_out_error(probe);
  }
  return HTF_OK;
}

static htf_status measure_reconstruction_entries(htf_probe *probe,
                                                 const htf_probe_state *state,
                                                 double *out) {
  (void)state;
  *out = htf_problem_tensor(probe->problem) != NULL
             ? htf_model_entries(probe->model)
             : (double)htf_problem_test(probe->problem).count;
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

static htf_status measure_components(htf_probe *probe, const htf_probe_state *state,
                                     double *out) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_probe__components(probe, state));
  htf_probe__keep(probe, COMPONENT_NORM, out);
done:
  return status;
}

// These three stand after the components' norms in the table, which measure them too.
static htf_status measure_rates(htf_probe *probe, const htf_probe_state *state,
                                double *out) {
  (void)state;
  htf_probe__keep(probe, COMPONENT_RATE, out);
  return HTF_OK;
}

static htf_status measure_drives(htf_probe *probe, const htf_probe_state *state,
                                 double *out) {
  (void)state;
  htf_probe__keep(probe, COMPONENT_DRIVE, out);
  return HTF_OK;
}

static htf_status measure_law(htf_probe *probe, const htf_probe_state *state, double *out) {
  (void)state;
  *out = htf_probe__law_residual(probe);
  return HTF_OK;
}

// At each node but the root: the largest singular values, as many as asked for.
static htf_status measure_singular_values(htf_probe *probe, const htf_probe_state *state,
                                          double *out) {
  htf_status status = HTF_OK;
  int64_t most = probe->options.singular_values;
  if (probe->spectra == NULL) {
    return HTF_OK;
  }
  HTF_TRY(htf_spectra_compute(probe->spectra, state->theta));
  for (int node = 0; node < probe->partitions; node++) {
    int64_t count = htf_spectra_count(probe->spectra, node);
    memcpy(out, htf_spectra_values(probe->spectra, node),
           (size_t)(count < most ? count : most) * sizeof *out);
    out += most;
  }
done:
  return status;
}

// These two stand after the singular values in the table, whose spectra they use.
static htf_status measure_effective_rank(htf_probe *probe, const htf_probe_state *state,
                                         double *out) {
  (void)state;
  for (int node = 0; probe->spectra != NULL && node < probe->partitions; node++) {
    out[node] = htf_spectra_effective_rank(htf_spectra_count(probe->spectra, node),
                                           htf_spectra_values(probe->spectra, node));
  }
  return HTF_OK;
}

static htf_status measure_hierarchical_rank(htf_probe *probe, const htf_probe_state *state,
                                            double *out) {
  (void)state;
  for (int node = 0; probe->spectra != NULL && node < probe->partitions; node++) {
    const double *values = htf_spectra_values(probe->spectra, node);
    int64_t rank = htf_spectra_numerical_rank(htf_spectra_count(probe->spectra, node),
                                              values, RANK_TOLERANCE);
    out[node] = isfinite(values[0]) ? (double)rank : NAN;
  }
  return HTF_OK;
}

// ---- the table ------------------------------------------------------------------------

#define SAMPLE                                                                             \
  1, {                                                                                     \
    "sample"                                                                               \
  }

// measuring function, then its htf_variable.
#define OBSERVABLE_TABLE(X)                                                                 \
  X(measure_time, "time", "flow time", "1",                                                 \
    "time + time_low is the flow time exactly (double-double)", SAMPLE)                     \
  X(measure_time_low, "time_low", "low part of the flow time", "1", "see time", SAMPLE)     \
  X(measure_arc_length, "arc_length", "arc length of the weights", "1",                     \
    "length of the path of theta, summed over accepted steps, Euclidean", SAMPLE)           \
  X(measure_step, "step", "accepted steps", "1",                                            \
    "steps that were complete at this sample", SAMPLE)                                      \
  X(measure_train_loss, "train_loss", "training loss", "1",                                 \
    "mean loss over the training samples", SAMPLE)                                          \
  X(measure_test_loss, "test_loss", "held-out loss", "1",                                   \
    "mean loss over the held-out samples", SAMPLE)                                          \
  X(measure_reconstruction, "reconstruction_error", "relative reconstruction error", "1",   \
    "||W_H - W*|| / ||W*|| over all entries where the target is known and held, else over " \
    "the held-out measurements: see reconstruction_entries",                                \
    SAMPLE)                                                                                 \
  X(measure_reconstruction_entries, "reconstruction_entries",                               \
    "entries of the reconstruction error", "1",                                             \
    "how many: all of the tensor, or the held-out ones", SAMPLE)                            \
  X(measure_gradient_norm, "gradient_norm", "gradient norm", "1",                           \
    "Euclidean norm of the gradient of L in theta", SAMPLE)                                 \
  X(measure_unbalancedness, "unbalancedness", "unbalancedness magnitude", "1",              \
    "largest | ||w||^2 - ||w'||^2 | within a local component (theory.md section 3)",        \
    SAMPLE)                                                                                 \
  X(measure_drift, "unbalancedness_drift", "drift of the conserved quantities", "1",        \
    "largest change of ||w||^2 - ||w'||^2 since the start, over the largest ||w||^2 so "    \
    "far; zero under exact flow (theory.md section 3)",                                     \
    SAMPLE)                                                                                 \
  X(measure_components, "local_component_norm", "local component norm", "1",                \
    "sigma^(v,r), the product of the norms of the component's vectors, largest first "      \
    "(theory.md section 3)",                                                                \
    3, {"sample", "node", "component"})                                                     \
  X(measure_rates, "local_component_rate", "rate of the local component norm", "1",         \
    "d sigma/dt under the flow, by the chain rule from d||w||^2/dt = -2 <w, dL/dw>, of "    \
    "the components of local_component_norm; NaN where sigma is 0",                         \
    3, {"sample", "node", "component"})                                                     \
  X(measure_drives, "local_component_drive", "drive of the local component", "1",           \
    "<-grad L(W_H), C^(v,r)>, of the components of local_component_norm; NaN where sigma "  \
    "is 0 (theory.md section 3)",                                                           \
    3, {"sample", "node", "component"})                                                     \
  X(measure_law, "law_residual", "residual of the exact law", "1",                          \
    "largest | d sigma/dt - sigma^2 drive sum ||w||^-2 | over the largest | d sigma/dt | "  \
    "of the sample, of all components with sigma > 0 (theory.md section 3)",                \
    SAMPLE)                                                                                 \
  X(measure_singular_values, "singular_value", "singular value of the matricization", "1",  \
    "of the end tensor with the modes of a node as rows and the others as columns, "        \
    "largest first (theory.md section 4)",                                                  \
    3, {"sample", "partition", "value"})                                                    \
  X(measure_effective_rank, "effective_rank", "effective rank of the matricization", "1",   \
    "exp(- sum p log p), p the singular values over their sum (theory.md section 4)", 2,    \
    {"sample", "partition"})                                                                \
  X(measure_hierarchical_rank, "hierarchical_rank", "hierarchical tensor rank", "1",        \
    "how many singular values of the matricization exceed 1e-6 of the largest (theory.md "  \
    "section 4)",                                                                           \
    2, {"sample", "partition"})

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

static int64_t length_of(const htf_probe *probe, const char *dim) {
  const struct {
    const char *name;
    int64_t length;
  } lengths[] = {{"node", probe->interior},
                 {"component", probe->options.components},
                 {"partition", probe->partitions},
                 {"value", probe->options.singular_values}};
  for (int i = 0; i < 4; i++) {
    if (strcmp(lengths[i].name, dim) == 0) {
      return lengths[i].length;
    }
  }
  HTF_ASSERT(false);
}

int htf_probe_shape(const htf_probe *probe, int i, int64_t dims[HTF_VARIABLE_DIMS]) {
  int rank = variables[i].rank - 1;
  for (int d = 0; d < rank; d++) {
    dims[d] = length_of(probe, variables[i].dims[d + 1]);
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

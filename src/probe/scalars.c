// SPDX-License-Identifier: BSD-3-Clause
// Observables of one number, and predictions.
#include <math.h>
#include <string.h>

#include "htflow/memory.h"
#include "probe_impl.h"

// ---- what the run knows ---------------------------------------------------------------

#define PASS_ON(name)                                                                      \
  htf_status htf_probe__##name(htf_probe *probe, const htf_probe_state *state,             \
                               double *out) {                                              \
    (void)probe;                                                                           \
    *out = (double)state->name;                                                            \
    return HTF_OK;                                                                         \
  }
PASS_ON(time)
PASS_ON(time_low)
PASS_ON(arc_length)
PASS_ON(step)
PASS_ON(train_loss)

// ---- errors ---------------------------------------------------------------------------

htf_status htf_probe__evaluate(const htf_model *model, const htf_points *points,
                               const double *theta, double *y) {
  htf_status status = HTF_OK;
  htf_evaluation *evaluation = NULL;
  HTF_TRY(htf_evaluation_create(model, points, HTF_USE_VALUES, &evaluation));
  htf_evaluation_forward(evaluation, theta, y);
done:
  htf_evaluation_destroy(&evaluation);
  return status;
}

htf_status htf_probe__know_test(htf_probe *probe, const htf_probe_state *state) {
  htf_status status = HTF_OK;
  const htf_probe__values *test = &probe->test;
  if (!probe->known[SHARED_TEST] && test->points != NULL) {
    HTF_TRY(htf_probe__evaluate(probe->model, test->points, state->theta, test->y));
  }
  probe->known[SHARED_TEST] = true;
done:
  return status;
}

htf_status htf_probe__know_tensor(htf_probe *probe, const htf_probe_state *state) {
  htf_status status = HTF_OK;
  htf_expansion *expansion = NULL;
  if (!probe->known[SHARED_TENSOR]) {
    HTF_NEW(probe->tensor, (int64_t)htf_model_entries(probe->model));
    HTF_TRY(htf_expansion_create(probe->model, &expansion));
    htf_expansion_apply(expansion, state->theta, probe->tensor);
    probe->known[SHARED_TENSOR] = true;
  }
done:
  htf_expansion_destroy(&expansion);
  return status;
}

htf_status htf_probe__test_loss(htf_probe *probe, const htf_probe_state *state,
                                double *out) {
  htf_status status = HTF_OK;
  htf_samples test = htf_problem_test(probe->problem);
  HTF_TRY(htf_probe__know_test(probe, state));
  if (test.count > 0) {
    *out = htf_loss_value(probe->loss, test.count, probe->test.y, test.values);
  }
done:
  return status;
}

// NAN where nothing is held out.
static double held_out_error(const htf_probe *probe) {
  htf_samples test = htf_problem_test(probe->problem);
  double error = 0, norm = 0;
  for (int64_t k = 0; k < test.count; k++) {
    double difference = probe->test.y[k] - test.values[k];
    error += difference * difference;
    norm += test.values[k] * test.values[k];
  }
  return sqrt(error / norm);
}

htf_status htf_probe__reconstruction_error(htf_probe *probe, const htf_probe_state *state,
                                           double *out) {
  htf_status status = HTF_OK;
  const double *target = htf_problem_tensor(probe->problem);
  if (target != NULL) {
    HTF_TRY(htf_probe__know_tensor(probe, state));
    double sum = 0;
    int64_t entries = (int64_t)htf_model_entries(probe->model);
    for (int64_t i = 0; i < entries; i++) {
      sum += (probe->tensor[i] - target[i]) * (probe->tensor[i] - target[i]);
    }
    *out = sqrt(sum) / probe->target_norm;
  } else {
    HTF_TRY(htf_probe__know_test(probe, state));
    *out = held_out_error(probe);
  }
done:
  return status;
}

htf_status htf_probe__reconstruction_entries(htf_probe *probe, const htf_probe_state *state,
                                             double *out) {
  (void)state;
  *out = htf_problem_tensor(probe->problem) != NULL
             ? htf_model_entries(probe->model)
             : (double)htf_problem_test(probe->problem).count;
  return HTF_OK;
}

htf_status htf_probe__prediction(htf_probe *probe, const htf_probe_state *state,
                                 double *out) {
  const htf_points *points = probe->entries.points;
  return points == NULL ? HTF_OK
                        : htf_probe__evaluate(probe->model, points, state->theta, out);
}

// ---- weights --------------------------------------------------------------------------

htf_status htf_probe__gradient_norm(htf_probe *probe, const htf_probe_state *state,
                                    double *out) {
  double sum = 0;
  int64_t n = htf_model_parameters(probe->model);
  for (int64_t i = 0; i < n; i++) {
    sum += state->gradient[i] * state->gradient[i];
  }
  *out = sqrt(sum);
  return HTF_OK;
}

void htf_probe__know_norms2(htf_probe *probe, const htf_probe_state *state) {
  if (!probe->known[SHARED_NORMS2]) {
    htf_model_vector_norms2(probe->model, state->theta, probe->norms2);
    probe->known[SHARED_NORMS2] = true;
  }
}

htf_status htf_probe__weight_vector_norm(htf_probe *probe, const htf_probe_state *state,
                                         double *out) {
  htf_probe__know_norms2(probe, state);
  for (int64_t i = 0; i < probe->vectors; i++) {
    out[i] = sqrt(probe->norms2[i]);
  }
  return HTF_OK;
}

htf_status htf_probe__unbalancedness(htf_probe *probe, const htf_probe_state *state,
                                     double *out) {
  htf_probe__know_norms2(probe, state);
  *out = htf_model_unbalancedness(probe->model, probe->norms2);
  return HTF_OK;
}

// Of the state whose norms2 are known, the rows so far included.
static void take_drift(const htf_probe *probe, double *drift, double *largest) {
  double here =
      htf_model_unbalancedness_drift(probe->model, probe->norms2, probe->norms2_start);
  *drift = fmax(probe->drift, here);
  *largest = probe->largest;
  for (int64_t i = 0; i < probe->vectors; i++) {
    *largest = fmax(*largest, probe->norms2[i]);
  }
}

htf_status htf_probe__unbalancedness_drift(htf_probe *probe, const htf_probe_state *state,
                                           double *out) {
  htf_probe__know_norms2(probe, state);
  if (!probe->started) {
    memcpy(probe->norms2_start, probe->norms2,
           (size_t)probe->vectors * sizeof *probe->norms2);
    probe->started = true;
  }
  take_drift(probe, &probe->drift, &probe->largest);
  *out = probe->largest > 0 ? probe->drift / probe->largest : 0;
  return HTF_OK;
}

double htf_probe_drift(htf_probe *probe, const double *theta) {
  double drift = 0, largest = 0;
  if (probe->started) {
    htf_model_vector_norms2(probe->model, theta, probe->norms2);
    take_drift(probe, &drift, &largest);
  }
  return largest > 0 ? drift / largest : 0;
}

// SPDX-License-Identifier: BSD-3-Clause
// Observables of the matricizations' singular values.
#include <math.h>
#include <string.h>

#include "probe_impl.h"

// A singular value counts for the hierarchical rank above this share of the largest; the
// table says so too.
static const double RANK_TOLERANCE = 1e-6;
static const double tolerances[] = HTF_OBSERVABLE_TOLERANCES;

htf_status htf_probe__know_spectra(htf_probe *probe, const htf_probe_state *state) {
  htf_status status = HTF_OK;
  if (!probe->known[SHARED_SPECTRA] && probe->spectra != NULL) {
    HTF_TRY(htf_spectra_compute(probe->spectra, state->theta));
    probe->known[SHARED_SPECTRA] = true;
  }
done:
  return status;
}

// At each node but the root: the largest, as many as asked for.
htf_status htf_probe__singular_value(htf_probe *probe, const htf_probe_state *state,
                                     double *out) {
  htf_status status = HTF_OK;
  int64_t most = probe->options.singular_values;
  HTF_TRY(htf_probe__know_spectra(probe, state));
  for (int node = 0; most > 0 && node < probe->partitions; node++) {
    int64_t count = htf_spectra_count(probe->spectra, node);
    memcpy(out, htf_spectra_values(probe->spectra, node),
           (size_t)(count < most ? count : most) * sizeof *out);
    out += most;
  }
done:
  return status;
}

// One number of each node's spectrum.
static htf_status each_node(htf_probe *probe, const htf_probe_state *state,
                            double (*say)(int64_t count, const double *values),
                            double *out) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_probe__know_spectra(probe, state));
  for (int node = 0; probe->spectra != NULL && node < probe->partitions; node++) {
    out[node] = say(htf_spectra_count(probe->spectra, node),
                    htf_spectra_values(probe->spectra, node));
  }
done:
  return status;
}

#define EACH_NODE(name, say)                                                               \
  htf_status htf_probe__##name(htf_probe *probe, const htf_probe_state *state,             \
                               double *out) {                                              \
    return each_node(probe, state, say, out);                                              \
  }
EACH_NODE(effective_rank, htf_spectra_effective_rank)
EACH_NODE(entanglement_entropy, htf_spectra_entanglement_entropy)
EACH_NODE(nuclear_norm, htf_spectra_nuclear_norm)
EACH_NODE(stable_rank, htf_spectra_stable_rank)

static double rank_at(int64_t count, const double *values, double tolerance) {
  return isfinite(values[0]) ? (double)htf_spectra_numerical_rank(count, values, tolerance)
                             : NAN;
}

static double hierarchical(int64_t count, const double *values) {
  return rank_at(count, values, RANK_TOLERANCE);
}
EACH_NODE(hierarchical_rank, hierarchical)

htf_status htf_probe__numerical_rank(htf_probe *probe, const htf_probe_state *state,
                                     double *out) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_probe__know_spectra(probe, state));
  for (int node = 0; probe->spectra != NULL && node < probe->partitions; node++) {
    for (size_t i = 0; i < sizeof tolerances / sizeof *tolerances; i++) {
      *out++ = rank_at(htf_spectra_count(probe->spectra, node),
                       htf_spectra_values(probe->spectra, node), tolerances[i]);
    }
  }
done:
  return status;
}

// At place i the error of hierarchical rank i + 1, from below or from above.
static htf_status truncate_to(htf_probe *probe, const htf_probe_state *state, bool high,
                              double *out) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_probe__know_spectra(probe, state));
  for (int64_t i = 0; probe->spectra != NULL && i < probe->options.singular_values; i++) {
    htf_spectra_bounds bounds = htf_spectra_truncation(probe->spectra, i + 1);
    out[i] = high ? bounds.high : bounds.low;
  }
done:
  return status;
}

htf_status htf_probe__truncation_low(htf_probe *probe, const htf_probe_state *state,
                                     double *out) {
  return truncate_to(probe, state, false, out);
}

htf_status htf_probe__truncation_high(htf_probe *probe, const htf_probe_state *state,
                                      double *out) {
  return truncate_to(probe, state, true, out);
}

htf_status htf_probe__cut_singular_value(htf_probe *probe, const htf_probe_state *state,
                                         double *out) {
  htf_status status = HTF_OK;
  int64_t most = probe->options.singular_values;
  HTF_TRY(htf_probe__know_spectra(probe, state));
  for (int i = 0; i < probe->options.partitions; i++) {
    int64_t count = htf_spectra_chosen_count(probe->spectra, i);
    memcpy(out, htf_spectra_chosen_values(probe->spectra, i),
           (size_t)(count < most ? count : most) * sizeof *out);
    out += most;
  }
done:
  return status;
}

int64_t htf_probe__tolerances(void) {
  return sizeof tolerances / sizeof *tolerances;
}

// SPDX-License-Identifier: BSD-3-Clause
// Local components at a state, and how well they obey their law. theory.md section 3.
#include <math.h>
#include <stdlib.h>

#include "probe_impl.h"

// Largest first; equal ones in their order, whatever qsort makes of them.
static int descending(const void *left, const void *right) {
  const htf_probe__component *a = left, *b = right;
  double x = a->value[COMPONENT_NORM], y = b->value[COMPONENT_NORM];
  int order = (x < y) - (x > y);
  return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

// d sigma/dt = sigma sum_w (d||w||^2/dt / 2) / ||w||^2 by the chain rule, and by the law
// sigma^2 drive sum_w ||w||^-2 with sigma drive = d||w||^2/dt / 2 of the last vector w: the
// row of W^(v), or a child's column where that is frozen. Undefined where a vector is zero.
static htf_probe__component component(double sigma, int vectors, const double *norms2,
                                      const double *rates, int64_t index) {
  double chain = 0, inverse = 0;
  for (int i = 0; i < vectors; i++) {
    chain += rates[i] / 2 / norms2[i];
    inverse += 1 / norms2[i];
  }
  double growth = rates[vectors - 1] / 2;
  htf_probe__component c = {.value = {sigma, NAN, NAN}, .law = NAN, .index = index};
  if (sigma != 0) {
    c.value[COMPONENT_RATE] = sigma * chain;
    c.value[COMPONENT_DRIVE] = growth / sigma;
    c.law = sigma * growth * inverse;
  }
  return c;
}

htf_status htf_probe__know_components(htf_probe *probe, const htf_probe_state *state) {
  htf_status status = HTF_OK;
  if (probe->known[SHARED_COMPONENTS]) {
    return HTF_OK;
  }
  htf_probe__know_norms2(probe, state);
  const htf_tree *tree = htf_model_tree(probe->model);
  const double *norms2 = probe->norms2, *rates = probe->rates;
  htf_probe__component *c = probe->components;
  htf_model_vector_rates(probe->model, state->theta, state->gradient, probe->rates);
  for (int node = 0; node < htf_tree_nodes(tree); node++) {
    if (htf_tree_children(tree, node) == 0) {
      continue;
    }
    int64_t width = htf_model_rows(probe->model, node);
    int vectors = htf_model_component_vectors(probe->model, node);
    HTF_TRY(htf_model_component_norms(probe->model, node, state->theta, probe->sigma));
    for (int64_t r = 0; r < width; r++, norms2 += vectors, rates += vectors) {
      c[r] = component(probe->sigma[r], vectors, norms2, rates, r);
    }
    qsort(c, (size_t)width, sizeof *c, descending);
    c += width;
  }
  probe->known[SHARED_COMPONENTS] = true;
done:
  return status;
}

// One value of the largest components of every node, out [node, component].
static htf_status keep(htf_probe *probe, const htf_probe_state *state, int value,
                       double *out) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_probe__know_components(probe, state));
  const htf_tree *tree = htf_model_tree(probe->model);
  const htf_probe__component *c = probe->components;
  int64_t most = probe->options.components;
  for (int node = 0; node < htf_tree_nodes(tree); node++) {
    if (htf_tree_children(tree, node) == 0) {
      continue;
    }
    int64_t width = htf_model_rows(probe->model, node);
    for (int64_t r = 0; r < width && r < most; r++) {
      out[r] = c[r].value[value];
    }
    c += width;
    out += most;
  }
done:
  return status;
}

#define KEEP(name, value)                                                                  \
  htf_status htf_probe__##name(htf_probe *probe, const htf_probe_state *state,             \
                               double *out) {                                              \
    return keep(probe, state, value, out);                                                 \
  }
KEEP(local_component_norm, COMPONENT_NORM)
KEEP(local_component_rate, COMPONENT_RATE)
KEEP(local_component_drive, COMPONENT_DRIVE)

static double residual_of(const htf_probe *probe) {
  double largest = 0, residual = 0;
  for (int64_t i = 0; i < probe->component_count; i++) {
    const htf_probe__component *c = &probe->components[i];
    double rate = c->value[COMPONENT_RATE];
    if (c->value[COMPONENT_NORM] == 0) {
      continue;
    }
    if (!isfinite(rate) || !isfinite(c->law)) {
      return NAN;
    }
    residual = fmax(residual, fabs(rate - c->law));
    largest = fmax(largest, fabs(rate));
  }
  return residual > 0 ? residual / largest : 0;
}

htf_status htf_probe__law_residual(htf_probe *probe, const htf_probe_state *state,
                                   double *out) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_probe__know_components(probe, state));
  *out = residual_of(probe);
done:
  return status;
}

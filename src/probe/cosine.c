// SPDX-License-Identifier: BSD-3-Clause
// How well each local component points down the gradient in the space of tensors.
//
// cosine = <-grad L(W_H), C> / (||grad L(W_H)|| ||C||): the drive, over the norms. sigma C
// is the part of W_H that flows through the component, whose norm the model knows; and
// grad L(W_H) = sum_k e_k A_k with e = dL/dy, whose square is e^T (<A_k, A_l>) e: of
// entries, which are distinct, the sum of e_k^2.
#include <math.h>

#include "probe_impl.h"

static double dot(int64_t n, const double *x, const double *y) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    sum += x[i] * y[i];
  }
  return sum;
}

// <A_k, A_l> of rank-one measurements.
static double inner(const htf_problem *problem, htf_samples samples, int64_t k, int64_t l) {
  int order = htf_problem_order(problem);
  const int64_t *shape = htf_problem_shape(problem);
  int64_t widest = 1;
  double product = 1;
  for (int n = 0; n < order; n++) {
    widest = shape[n] > widest ? shape[n] : widest;
  }
  for (int n = 0; n < order; n++) {
    product *= dot(shape[n], samples.inputs + (k * order + n) * widest,
                   samples.inputs + (l * order + n) * widest);
  }
  return product;
}

static double gradient_norm(const htf_problem *problem, const double *slope) {
  htf_samples samples = htf_problem_train(problem);
  double square = dot(samples.count, slope, slope);
  if (samples.inputs != NULL) {
    square = 0;
    for (int64_t k = 0; k < samples.count; k++) {
      for (int64_t l = 0; l <= k; l++) {
        double both = slope[k] * slope[l] * inner(problem, samples, k, l);
        square += l < k ? 2 * both : both;
      }
    }
  }
  return sqrt(fmax(square, 0));
}

htf_status htf_probe__local_component_cosine(htf_probe *probe, const htf_probe_state *state,
                                             double *out) {
  htf_status status = HTF_OK;
  const htf_tree *tree = htf_model_tree(probe->model);
  const htf_probe__component *c = probe->components;
  const double *part = probe->parts;
  HTF_ASSERT(state->slope != NULL);
  HTF_TRY(htf_probe__know_components(probe, state));
  HTF_TRY(htf_model_part_norms(probe->model, state->theta, probe->parts));
  double gradient = gradient_norm(probe->problem, state->slope);
  for (int node = 0; node < htf_tree_nodes(tree); node++) {
    int64_t width =
        htf_tree_children(tree, node) > 0 ? htf_model_rows(probe->model, node) : 0;
    for (int64_t r = 0; r < width && r < probe->options.components; r++) {
      double length = part[c[r].index] * gradient;
      out[r] = length > 0
                   ? c[r].value[COMPONENT_DRIVE] * c[r].value[COMPONENT_NORM] / length
                   : NAN;
    }
    c += width;
    part += width;
    out += width > 0 ? probe->options.components : 0;
  }
done:
  return status;
}

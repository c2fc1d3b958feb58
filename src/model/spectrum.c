// SPDX-License-Identifier: BSD-3-Clause
// What a list of singular values says. Values are divided by the largest first, so that
// squares neither over- nor underflow.
#include <math.h>

#include "htflow/spectra.h"

static double sum_of_powers(int64_t count, const double *values, int power) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) {
    sum += pow(values[i] / values[0], power);
  }
  return sum;
}

// Of the distribution proportional to s_i^power.
static double entropy(int64_t count, const double *values, int power) {
  double sum = sum_of_powers(count, values, power), total = 0;
  for (int64_t i = 0; i < count; i++) {
    double p = pow(values[i] / values[0], power) / sum;
    total -= p > 0 ? p * log(p) : p; // p may be NAN
  }
  return total;
}

// A NAN is no zero.
static int zero(int64_t count, const double *values) {
  return count == 0 || values[0] == 0;
}

double htf_spectra_effective_rank(int64_t count, const double *values) {
  return zero(count, values) ? 0 : exp(entropy(count, values, 1));
}

double htf_spectra_entanglement_entropy(int64_t count, const double *values) {
  return zero(count, values) ? 0 : entropy(count, values, 2);
}

double htf_spectra_nuclear_norm(int64_t count, const double *values) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) {
    sum += values[i];
  }
  return sum;
}

double htf_spectra_stable_rank(int64_t count, const double *values) {
  return zero(count, values) ? 0 : sum_of_powers(count, values, 2);
}

int64_t htf_spectra_numerical_rank(int64_t count, const double *values, double tolerance) {
  int64_t rank = 0;
  while (rank < count && values[rank] > tolerance * values[0]) {
    rank++;
  }
  return rank;
}

double htf_spectra_tail(int64_t count, const double *values, int64_t rank) {
  double sum = 0;
  if (zero(count, values)) {
    return 0;
  }
  for (int64_t i = count - 1; i >= rank; i--) { // the smallest first
    sum += pow(values[i] / values[0], 2);
  }
  return values[0] * sqrt(sum);
}

// Whether another node than v speaks for its matricization.
static int repeats(const htf_tree *tree, int v) {
  int root = htf_tree_root(tree);
  if (htf_tree_children(tree, v) == 1) {
    return 1; // its child does
  }
  while (htf_tree_children(tree, htf_tree_parent(tree, v)) == 1) {
    v = htf_tree_parent(tree, v);
  }
  return htf_tree_children(tree, root) == 2 && v == htf_tree_child(tree, root, 1);
}

htf_spectra_bounds htf_spectra_truncation(const htf_spectra *spectra, int64_t rank) {
  const htf_tree *tree = htf_spectra_tree(spectra);
  htf_spectra_bounds bounds = {0, 0};
  for (int v = 0; v < htf_tree_root(tree); v++) {
    if (!repeats(tree, v)) {
      double tail = htf_spectra_tail(htf_spectra_count(spectra, v),
                                     htf_spectra_values(spectra, v), rank);
      bounds.low = tail > bounds.low || isnan(tail) ? tail : bounds.low;
      bounds.high = hypot(bounds.high, tail);
    }
  }
  return bounds;
}

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

// SPDX-License-Identifier: BSD-3-Clause
// Mean losses and their first two derivatives in y; theory.md section 2.
#include "htflow/loss.h"

#include <math.h>

// L2 is the one kind so far; the parameter is the door's, for those to come.
double htf_loss_value(htf_loss loss, int64_t m, const double *y, const double *data) {
  (void)loss;
  double sum = 0;
  for (int64_t k = 0; k < m; k++) {
    sum += (y[k] - data[k]) * (y[k] - data[k]);
  }
  return m > 0 ? sum / (double)m : NAN;
}

double htf_loss_slope(htf_loss loss, int64_t m, const double *y, const double *data,
                      double *slope) {
  for (int64_t k = 0; k < m; k++) {
    slope[k] = 2 / (double)m * (y[k] - data[k]);
  }
  return htf_loss_value(loss, m, y, data);
}

void htf_loss_curvature(htf_loss loss, int64_t m, const double *y, const double *data,
                        const double *dy, double *change) {
  (void)loss;
  (void)y;
  (void)data;
  for (int64_t k = 0; k < m; k++) {
    change[k] = 2 / (double)m * dy[k];
  }
}

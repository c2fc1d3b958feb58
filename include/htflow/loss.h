// SPDX-License-Identifier: BSD-3-Clause
// loss.h: mean losses of values against data, with their derivatives (room: problem;
// theory.md section 2).
//
//   l2:  L = (1/m) sum_k (y_k - data_k)^2, no factor 1/2
#pragma once

#include <stdint.h>

#include "htflow/door.h"

HTF_BEGIN_DOOR

typedef enum htf_loss { HTF_L2 } htf_loss;

// L of m values. NAN for m = 0.
double htf_loss_value(htf_loss loss, int64_t m, const double *y, const double *data);
// slope [m] = dL/dy; returns L.
double htf_loss_slope(htf_loss loss, int64_t m, const double *y, const double *data,
                      double *slope);
// change [m] = (d^2 L/dy^2) dy.
void htf_loss_curvature(htf_loss loss, int64_t m, const double *y, const double *data,
                        const double *dy, double *change);

HTF_END_DOOR

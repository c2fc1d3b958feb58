// SPDX-License-Identifier: BSD-3-Clause
// loss.h: mean losses of values against data, with their derivatives (room: problem;
// theory.md section 2).
//
// Of m values y, with the errors e_k = y_k - data_k:
//   L = (1/m) sum_k l(e_k)
//
//          l(e)                              l'(e)                l''(e)
//   l2     e^2, no factor 1/2                2 e                  2
//   l1     |e|                               sign e, 0 at 0       0
//   huber  e^2 / (2 delta) for |e| < delta,  e / delta,           1 / delta,
//          |e| - delta / 2 beyond            sign e               0
//
// A NAN among the values is a NAN in L and in its slope.
#pragma once

#include <stdint.h>

#include "htflow/door.h"

HTF_BEGIN_DOOR

typedef enum htf_loss_form { HTF_L2, HTF_L1, HTF_HUBER } htf_loss_form;

// A plain value. delta, positive, belongs to huber alone.
typedef struct htf_loss {
  htf_loss_form form;
  double delta;
} htf_loss;

// The losses of the table above; delta > 0.
htf_loss htf_loss_l2(void);
htf_loss htf_loss_l1(void);
htf_loss htf_loss_huber(double delta);

// L of m values. NAN for m = 0.
double htf_loss_value(htf_loss loss, int64_t m, const double *y, const double *data);
// slope [m] = dL/dy; returns L.
double htf_loss_slope(htf_loss loss, int64_t m, const double *y, const double *data,
                      double *slope);
// change [m] = (d^2 L/dy^2) dy.
void htf_loss_curvature(htf_loss loss, int64_t m, const double *y, const double *data,
                        const double *dy, double *change);

HTF_END_DOOR

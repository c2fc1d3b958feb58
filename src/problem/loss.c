// SPDX-License-Identifier: BSD-3-Clause
// Mean losses and their first two derivatives in y; theory.md section 2.
//
// A loss is three functions of one error. The loops over errors take them as arguments and
// are inlined where these are known, so that each is compiled for each loss and vectorised.
#include "htflow/loss.h"

#include <math.h>

#include "htflow/status.h"

htf_loss htf_loss_l2(void) {
  return (htf_loss){.form = HTF_L2};
}

htf_loss htf_loss_l1(void) {
  return (htf_loss){.form = HTF_L1};
}

htf_loss htf_loss_huber(double delta) {
  HTF_ASSERT(delta > 0);
  return (htf_loss){.form = HTF_HUBER, .delta = delta};
}

// ---- one error ------------------------------------------------------------------------

typedef double of_error(double e, double delta);

static inline double square(double e, double delta) {
  (void)delta;
  return e * e;
}

static inline double square_slope(double e, double delta) {
  (void)delta;
  return 2 * e;
}

static inline double square_curvature(double e, double delta) {
  (void)e;
  (void)delta;
  return 2;
}

static inline double size(double e, double delta) {
  (void)delta;
  return fabs(e);
}

// Limits x to [-most, most]; NAN stays NAN. Each choice is between values at hand, which is
// what vectorises.
static inline double clip(double x, double most) {
  double below = x > most ? most : x;
  return below < -most ? -most : below;
}

// Of zero zero, of NAN NAN.
static inline double sign(double e, double delta) {
  (void)delta;
  double a = fabs(e);
  return copysign(a > 0 ? 1 : a, e);
}

static inline double nothing(double e, double delta) {
  (void)e;
  (void)delta;
  return 0;
}

// With a = |e| and c = min(a, delta), c (a - c/2) / delta is both branches.
static inline double huber(double e, double delta) {
  double a = fabs(e);
  double c = a < delta ? a : delta;
  return c * (a - c / 2) / delta;
}

static inline double huber_slope(double e, double delta) {
  return clip(e, delta) / delta;
}

static inline double huber_curvature(double e, double delta) {
  double inside = 1 / delta;
  return fabs(e) < delta ? inside : 0;
}

// ---- many errors ----------------------------------------------------------------------

#define INLINED static inline __attribute__((always_inline))

// Summed in LANES interleaved parts, which a compiler may not make of one sum.
enum { LANES = 8 };

INLINED double mean(of_error *of, double delta, int64_t m, const double *y,
                    const double *data) {
  double part[LANES] = {0}, sum = 0;
  int64_t k = 0;
  for (; k + LANES <= m; k += LANES) {
    for (int i = 0; i < LANES; i++) {
      part[i] += of(y[k + i] - data[k + i], delta);
    }
  }
  for (; k < m; k++) {
    sum += of(y[k] - data[k], delta);
  }
  for (int i = 0; i < LANES; i++) {
    sum += part[i];
  }
  return m > 0 ? sum / (double)m : NAN;
}

INLINED void slopes(of_error *of, double delta, int64_t m, const double *y,
                    const double *data, double *slope) {
  double share = 1 / (double)m;
  for (int64_t k = 0; k < m; k++) {
    slope[k] = share * of(y[k] - data[k], delta);
  }
}

INLINED void changes(of_error *of, double delta, int64_t m, const double *y,
                     const double *data, const double *dy, double *change) {
  double share = 1 / (double)m;
  for (int64_t k = 0; k < m; k++) {
    change[k] = share * of(y[k] - data[k], delta) * dy[k];
  }
}

// ---- the door -------------------------------------------------------------------------

double htf_loss_value(htf_loss loss, int64_t m, const double *y, const double *data) {
  switch (loss.form) {
  case HTF_L2:
    return mean(square, loss.delta, m, y, data);
  case HTF_L1:
    return mean(size, loss.delta, m, y, data);
  case HTF_HUBER:
    return mean(huber, loss.delta, m, y, data);
  }
  return NAN;
}

double htf_loss_slope(htf_loss loss, int64_t m, const double *y, const double *data,
                      double *slope) {
  switch (loss.form) {
  case HTF_L2:
    slopes(square_slope, loss.delta, m, y, data, slope);
    break;
  case HTF_L1:
    slopes(sign, loss.delta, m, y, data, slope);
    break;
  case HTF_HUBER:
    slopes(huber_slope, loss.delta, m, y, data, slope);
    break;
  }
  return htf_loss_value(loss, m, y, data);
}

void htf_loss_curvature(htf_loss loss, int64_t m, const double *y, const double *data,
                        const double *dy, double *change) {
  switch (loss.form) {
  case HTF_L2:
    changes(square_curvature, loss.delta, m, y, data, dy, change);
    break;
  case HTF_L1:
    changes(nothing, loss.delta, m, y, data, dy, change);
    break;
  case HTF_HUBER:
    changes(huber_curvature, loss.delta, m, y, data, dy, change);
    break;
  }
}

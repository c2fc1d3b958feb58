// SPDX-License-Identifier: BSD-3-Clause
// systems.h: equations with closed solutions, and how tests drive a flow along them.
#pragma once

#include <math.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "htflow/flow.h"

// The context of all systems: their parameter, and a fault on demand.
typedef struct system_context {
  double rate;
  int64_t size;
  const double *rates; // [size], of `diagonal`
  int64_t calls, products;
  int64_t fault_call, fault_product; // which call fails; 0: none
  bool fault_stays;                  // and so do all later ones
  htf_status fault;
} system_context;

static inline htf_status fault_at(system_context *c, int64_t call, int64_t when) {
  htf_status status = HTF_OK;
  bool fails = when > 0 && (call == when || (c->fault_stays && call > when));
  HTF_CHECK(!fails, c->fault, "planted at call %lld", (long long)when);
done:
  return status;
}

static inline htf_status count_call(system_context *c) {
  return fault_at(c, ++c->calls, c->fault_call);
}

static inline htf_status count_product(system_context *c) {
  return fault_at(c, ++c->products, c->fault_product);
}

// y' = -rate y: y = y0 exp(-rate t), on a straight line.
static inline htf_status decay(void *context, const double *y, double *dy) {
  system_context *c = context;
  for (int64_t i = 0; i < c->size; i++) {
    dy[i] = -c->rate * y[i];
  }
  return count_call(c);
}

static inline htf_status decay_product(void *context, const double *y, const double *v,
                                       double *product) {
  (void)y;
  system_context *c = context;
  for (int64_t i = 0; i < c->size; i++) {
    product[i] = -c->rate * v[i];
  }
  return count_product(c);
}

// y1' = y2, y2' = -y1: a circle at unit speed, y = (sin t, cos t).
static inline htf_status turn(void *context, const double *y, double *dy) {
  dy[0] = y[1];
  dy[1] = -y[0];
  return count_call(context);
}

static inline htf_status turn_product(void *context, const double *y, const double *v,
                                      double *product) {
  (void)y;
  product[0] = v[1];
  product[1] = -v[0];
  return count_product(context);
}

// y' = y (1 - y): y = 1 / (1 + (1/y0 - 1) exp(-t)).
static inline htf_status logistic(void *context, const double *y, double *dy) {
  dy[0] = y[0] * (1 - y[0]);
  return count_call(context);
}

static inline htf_status logistic_product(void *context, const double *y, const double *v,
                                          double *product) {
  product[0] = (1 - 2 * y[0]) * v[0];
  return count_product(context);
}

// y' = y^2 (1 - y), the law of a component with three vectors: waits for 1/y0, then bursts.
//   t = 1/y0 - 1/y + ln(y / (1 - y)) - ln(y0 / (1 - y0))
static inline htf_status burst(void *context, const double *y, double *dy) {
  dy[0] = y[0] * y[0] * (1 - y[0]);
  return count_call(context);
}

static inline htf_status burst_product(void *context, const double *y, const double *v,
                                       double *product) {
  product[0] = (2 * y[0] - 3 * y[0] * y[0]) * v[0];
  return count_product(context);
}

// y' = y^2: y = 1 / (1/y0 - t), which blows up at 1/y0.
static inline htf_status explode(void *context, const double *y, double *dy) {
  dy[0] = y[0] * y[0];
  return count_call(context);
}

static inline htf_status explode_product(void *context, const double *y, const double *v,
                                         double *product) {
  product[0] = 2 * y[0] * v[0];
  return count_product(context);
}

// y' = -H diag(rates) H y with the reflection H = I - 2 u u^T, u = ones / sqrt(size): a
// symmetric matrix, no component of which stands alone.
static inline void reflect(const double *x, double *y, int64_t size) {
  double sum = 0;
  for (int64_t i = 0; i < size; i++) {
    sum += x[i];
  }
  for (int64_t i = 0; i < size; i++) {
    y[i] = x[i] - 2 * sum / (double)size;
  }
}

static inline void apply_stiff(const system_context *c, const double *x, double *y) {
  reflect(x, y, c->size);
  for (int64_t i = 0; i < c->size; i++) {
    y[i] *= -c->rates[i];
  }
  reflect(y, y, c->size);
}

static inline htf_status stiff(void *context, const double *y, double *dy) {
  apply_stiff(context, y, dy);
  return count_call(context);
}

static inline htf_status stiff_product(void *context, const double *y, const double *v,
                                       double *product) {
  (void)y;
  apply_stiff(context, v, product);
  return count_product(context);
}

// y' = -grad L, L = sum_k e_k^2 / 2 with the residuals of two products of three factors and
// of one that couples them:
//   e = (y0 y1 y2 - 1, y3 y4 y5 - 1/2, y0 y3 - 1/10)
enum { FACTORS = 6 };

// jacobian [3, 6], of e.
static inline void residuals(const double *y, double *e, double jacobian[3][FACTORS]) {
  e[0] = y[0] * y[1] * y[2] - 1;
  e[1] = y[3] * y[4] * y[5] - 0.5;
  e[2] = y[0] * y[3] - 0.1;
  double rows[3][FACTORS] = {{y[1] * y[2], y[0] * y[2], y[0] * y[1], 0, 0, 0},
                             {0, 0, 0, y[4] * y[5], y[3] * y[5], y[3] * y[4]},
                             {y[3], 0, 0, y[0], 0, 0}};
  for (int k = 0; k < 3; k++) {
    for (int i = 0; i < FACTORS; i++) {
      jacobian[k][i] = rows[k][i];
    }
  }
}

static inline htf_status factors(void *context, const double *y, double *dy) {
  double e[3], jacobian[3][FACTORS];
  residuals(y, e, jacobian);
  for (int i = 0; i < FACTORS; i++) {
    dy[i] = 0;
    for (int k = 0; k < 3; k++) {
      dy[i] -= e[k] * jacobian[k][i];
    }
  }
  return count_call(context);
}

// -(J^T J + sum_k e_k d2 e_k) v
static inline htf_status factors_product(void *context, const double *y, const double *v,
                                         double *product) {
  double e[3], jacobian[3][FACTORS], along[3] = {0};
  residuals(y, e, jacobian);
  for (int k = 0; k < 3; k++) {
    for (int i = 0; i < FACTORS; i++) {
      along[k] += jacobian[k][i] * v[i];
    }
  }
  for (int i = 0; i < FACTORS; i++) {
    int a = i / 3 * 3 + (i + 1) % 3, b = i / 3 * 3 + (i + 2) % 3, k = i / 3;
    product[i] = -e[k] * (y[a] * v[b] + y[b] * v[a]);
    if (i % 3 == 0) {
      product[i] -= e[2] * v[3 - i];
    }
    for (k = 0; k < 3; k++) {
      product[i] -= along[k] * jacobian[k][i];
    }
  }
  return count_product(context);
}

// ---- driving

static inline htf_flow_options bdf_options(double rtol) {
  return (htf_flow_options){.method = HTF_FLOW_BDF,
                            .rtol = rtol,
                            .krylov = HTF_FLOW_GMRES,
                            .krylov_dimension = 60};
}

static inline htf_flow *start_flow(const htf_flow_system *system,
                                   const htf_flow_options *options, const double *y) {
  htf_flow *flow = NULL;
  cr_assert(eq(int, htf_flow_create(system, options, y, &flow), HTF_OK));
  return flow;
}

static inline void step_flow(htf_flow *flow) {
  cr_assert(eq(int, htf_flow_step(flow), HTF_OK), "%s", htf_error_message());
}

// Steps until `end` lies within the step just made, then looks there. y [size].
static inline void follow(htf_flow *flow, double end, double *y) {
  htf_flow_time time = {end, 0}, found;
  double fraction, arc;
  while (htf_flow_time_compare(htf_flow_now(flow), time) < 0) {
    step_flow(flow);
  }
  cr_assert(eq(int, htf_flow_find_time(flow, time, &fraction), HTF_OK));
  cr_assert(eq(int, htf_flow_interpolate(flow, fraction, y, &found, &arc), HTF_OK));
}

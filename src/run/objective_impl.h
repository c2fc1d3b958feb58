// SPDX-License-Identifier: BSD-3-Clause
// objective_impl.h: the training loss as a function of theta, with gradient and
// Hessian-vector product. Remembers what it has computed at the last theta and computes
// nothing twice.
#pragma once

#include "htflow/evaluation.h"
#include "htflow/loss.h"
#include "htflow/model.h"
#include "htflow/points.h"
#include "htflow/problem.h"

typedef struct htf_objective htf_objective;

// What it will be asked for besides values and gradients.
typedef struct htf_objective_use {
  bool second_order, preconditioner;
} htf_objective_use;

// Borrows model and problem. Raises HTF_E_MEMORY.
htf_status htf_objective__create(const htf_model *model, const htf_problem *problem,
                                 htf_loss loss, htf_objective_use use,
                                 htf_objective **objective);
void htf_objective__destroy(htf_objective **objective);

// L at theta. May be infinite or NAN.
double htf_objective__value(htf_objective *objective, const double *theta);
// grad L at theta: borrowed until the objective is asked at another theta.
const double *htf_objective__gradient(htf_objective *objective, const double *theta);
// dL/dy [training samples] where the gradient was last asked for: borrowed as that is.
const double *htf_objective__slope(const htf_objective *objective);
// product = (Hessian of L at theta) direction.
void htf_objective__product(htf_objective *objective, const double *theta,
                            const double *direction, double *product);
// product = J^T (d^2 L/dy^2) J direction, J = dy/dtheta: what is left of the Hessian
// without the curvature of y.
void htf_objective__gauss_newton(htf_objective *objective, const double *theta,
                                 const double *direction, double *product);

// sqrt(sum_i x_i^2), of x [n].
double htf_objective__norm(const double *x, int64_t n);

// A preconditioner of I + gamma H (gauss_newton.h): looks at theta; makes M for a gamma;
// z = M^-1 r. Where it was asked for. Raise HTF_E_MEMORY, HTF_E_NUMERIC.
bool htf_objective__preconditions(const htf_objective *objective);
htf_status htf_objective__prepare(htf_objective *objective, const double *theta,
                                  double gamma);
htf_status htf_objective__scale(htf_objective *objective, double gamma);
void htf_objective__precondition(htf_objective *objective, const double *r, double *z);
// What the next htf_objective__prepare will cost, in Hessian-vector products.
double htf_objective__prepare_cost(const htf_objective *objective);
// Back to before the first htf_objective__prepare.
void htf_objective__forget(htf_objective *objective);

// SPDX-License-Identifier: BSD-3-Clause
#include "objective_impl.h"

#include <math.h>
#include <string.h>

#include "htflow/gauss_newton.h"
#include "htflow/memory.h"

// Pairs of a preconditioner at most, or points, and the least gamma d of a pair
// (gauss_newton.h): with 0.3 solves take a third more products, with 0.03 no fewer. By
// 2,048 points M takes 0.02 s in the valley of problem 5, by 1,000 pairs of as many 0.09.
enum { MOST_PAIRS = 1000, MOST_POINTS = 2500 };
static const double STIFF = 0.1;

// What is known at `theta`: nothing, the values and the loss, the gradient too.
typedef enum stage { UNKNOWN, VALUE, GRADIENT } stage;

struct htf_objective {
  htf_loss loss;
  htf_samples train;
  htf_points *points;
  htf_evaluation *evaluation;
  int64_t parameters;
  double *y, *slope, *dy, *change; // [train.count]
  htf_gauss_newton *stiff;         // NULL if not asked for
  stage known;
  double *theta, *gradient; // [parameters]
  double value;
};

htf_status htf_objective__create(const htf_model *model, const htf_problem *problem,
                                 htf_loss loss, htf_objective_use use,
                                 htf_objective **out) {
  htf_status status = HTF_OK;
  htf_objective *objective = NULL;
  HTF_NEW(objective, 1);
  objective->loss = loss;
  objective->train = htf_problem_train(problem);
  objective->parameters = htf_model_parameters(model);
  int64_t m = objective->train.count;
  HTF_TRY(htf_problem_points(objective->train, htf_model_tree(model),
                             htf_model_shape(model), &objective->points));
  HTF_TRY(htf_evaluation_create(model, objective->points,
                                use.second_order ? HTF_USE_HESSIAN : HTF_USE_GRADIENT,
                                &objective->evaluation));
  if (use.preconditioner) {
    HTF_TRY(htf_gauss_newton_create(objective->evaluation, MOST_PAIRS, MOST_POINTS,
                                    &objective->stiff));
  }
  HTF_NEW(objective->y, m);
  HTF_NEW(objective->slope, m);
  HTF_NEW(objective->dy, m);
  HTF_NEW(objective->change, m);
  HTF_NEW(objective->theta, objective->parameters);
  HTF_NEW(objective->gradient, objective->parameters);
  *out = objective;
  objective = NULL;
done:
  htf_objective__destroy(&objective);
  return status;
}

void htf_objective__destroy(htf_objective **out) {
  htf_objective *objective = *out;
  if (objective != NULL) {
    htf_gauss_newton_destroy(&objective->stiff);
    htf_evaluation_destroy(&objective->evaluation);
    htf_points_destroy(&objective->points);
    HTF_FREE(objective->y);
    HTF_FREE(objective->slope);
    HTF_FREE(objective->dy);
    HTF_FREE(objective->change);
    HTF_FREE(objective->theta);
    HTF_FREE(objective->gradient);
    HTF_FREE(*out);
  }
}

double htf_objective__value(htf_objective *objective, const double *theta) {
  size_t bytes = (size_t)objective->parameters * sizeof *theta;
  if (objective->known == UNKNOWN || memcmp(theta, objective->theta, bytes) != 0) {
    memcpy(objective->theta, theta, bytes);
    htf_evaluation_forward(objective->evaluation, objective->theta, objective->y);
    objective->value = htf_loss_value(objective->loss, objective->train.count, objective->y,
                                      objective->train.values);
    objective->known = VALUE;
  }
  return objective->value;
}

const double *htf_objective__gradient(htf_objective *objective, const double *theta) {
  htf_objective__value(objective, theta);
  if (objective->known < GRADIENT) {
    htf_loss_slope(objective->loss, objective->train.count, objective->y,
                   objective->train.values, objective->slope);
    htf_evaluation_pullback(objective->evaluation, objective->theta, objective->slope,
                            objective->gradient);
    objective->known = GRADIENT;
  }
  return objective->gradient;
}

const double *htf_objective__slope(const htf_objective *objective) {
  return objective->slope;
}

// The change of dL/dy along the direction.
static void differentiate_slope(htf_objective *objective, const double *direction) {
  htf_evaluation_tangent(objective->evaluation, objective->theta, direction, objective->dy);
  htf_loss_curvature(objective->loss, objective->train.count, objective->y,
                     objective->train.values, objective->dy, objective->change);
}

void htf_objective__product(htf_objective *objective, const double *theta,
                            const double *direction, double *product) {
  htf_objective__gradient(objective, theta);
  differentiate_slope(objective, direction);
  htf_evaluation_second(objective->evaluation, objective->theta, direction,
                        objective->change, product);
}

// The pullback overwrites what `second` needs of the gradient's.
void htf_objective__gauss_newton(htf_objective *objective, const double *theta,
                                 const double *direction, double *product) {
  htf_objective__value(objective, theta);
  differentiate_slope(objective, direction);
  htf_evaluation_pullback(objective->evaluation, objective->theta, objective->change,
                          product);
  objective->known = VALUE;
}

double htf_objective__norm(const double *x, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    sum += x[i] * x[i];
  }
  return sqrt(sum);
}

// ---- the preconditioner ---------------------------------------------------------------

bool htf_objective__preconditions(const htf_objective *objective) {
  return objective->stiff != NULL;
}

htf_status htf_objective__prepare(htf_objective *objective, const double *theta,
                                  double gamma) {
  int64_t m = objective->train.count;
  htf_objective__value(objective, theta);
  for (int64_t k = 0; k < m; k++) {
    objective->dy[k] = 1;
  }
  htf_loss_curvature(objective->loss, m, objective->y, objective->train.values,
                     objective->dy, objective->change);
  return htf_gauss_newton_build(objective->stiff, objective->theta, objective->change,
                                STIFF / gamma);
}

htf_status htf_objective__scale(htf_objective *objective, double gamma) {
  return htf_gauss_newton_factor(objective->stiff, gamma);
}

void htf_objective__precondition(htf_objective *objective, const double *r, double *z) {
  htf_gauss_newton_solve(objective->stiff, r, z);
}

double htf_objective__prepare_cost(const htf_objective *objective) {
  return htf_gauss_newton_cost(objective->stiff);
}

void htf_objective__forget(htf_objective *objective) {
  htf_gauss_newton_forget(objective->stiff);
}

// SPDX-License-Identifier: BSD-3-Clause
// Loss, gradient and Hessian-vector product of a hierarchical tensor factorization, each
// held against a difference of what it is the derivative of.
//
//   make && ./gradient
//
// A target of order 4 is drawn and 400 of its 1296 entries are observed. The model has
// another, wider tree than the target. Prints what it finds; exit code 1 if a derivative is
// not one.
#include <math.h>
#include <stdio.h>

#include <htflow/evaluation.h>
#include <htflow/loss.h>
#include <htflow/memory.h>
#include <htflow/model.h>
#include <htflow/problem.h>
#include <htflow/random.h>
#include <htflow/tree.h>

enum { ORDER = 4, TRAIN = 400, SEED = 1 };

static const int64_t shape[ORDER] = {6, 6, 6, 6};

// All that is needed to evaluate the mean squared error at any weights theta.
typedef struct objective {
  htf_problem *problem;
  htf_model *model;
  htf_points *points;
  htf_evaluation *evaluation;
  double *y, *slope, *dy, *change; // [TRAIN]
} objective;

static htf_status open_objective(objective *o) {
  htf_status status = HTF_OK;
  htf_tree *target = NULL, *tree = NULL;
  HTF_TRY(htf_tree_parse("((0,1)2,(2,3)2)2;", 0, &target));
  HTF_TRY(
      htf_tree_parse("((0,2)8,(1,3)8)8;", 0, &tree)); // the label of a node is its width
  htf_plant plant = {.task = HTF_PROBLEM_COMPLETION,
                     .order = ORDER,
                     .shape = shape,
                     .kind = HTF_MODEL_HTF,
                     .tree = target,
                     .train = TRAIN,
                     .seed = SEED};
  HTF_TRY(htf_problem_plant(&plant, &o->problem));
  HTF_TRY(htf_model_create(HTF_MODEL_HTF, tree, shape, &o->model));
  HTF_TRY(htf_problem_points(htf_problem_train(o->problem), htf_model_tree(o->model), shape,
                             &o->points));
  HTF_TRY(htf_evaluation_create(o->model, o->points, HTF_USE_HESSIAN, &o->evaluation));
  HTF_NEW(o->y, TRAIN);
  HTF_NEW(o->slope, TRAIN);
  HTF_NEW(o->dy, TRAIN);
  HTF_NEW(o->change, TRAIN);
done:
  htf_tree_destroy(&target);
  htf_tree_destroy(&tree);
  return status;
}

static void close_objective(objective *o) {
  htf_evaluation_destroy(&o->evaluation);
  htf_points_destroy(&o->points);
  htf_model_destroy(&o->model);
  htf_problem_destroy(&o->problem);
  HTF_FREE(o->y);
  HTF_FREE(o->slope);
  HTF_FREE(o->dy);
  HTF_FREE(o->change);
}

// L(theta); its gradient too, unless NULL.
static double loss_at(objective *o, const double *theta, double *gradient) {
  htf_samples train = htf_problem_train(o->problem);
  htf_evaluation_forward(o->evaluation, theta, o->y);
  double loss = htf_loss_slope(htf_loss_l2(), TRAIN, o->y, train.values, o->slope);
  if (gradient != NULL) {
    htf_evaluation_pullback(o->evaluation, theta, o->slope, gradient);
  }
  return loss;
}

// The Hessian of L at theta times a direction; `gradient` is one of work.
static void multiply_hessian(objective *o, const double *theta, const double *direction,
                             double *gradient, double *product) {
  htf_samples train = htf_problem_train(o->problem);
  loss_at(o, theta, gradient);
  htf_evaluation_tangent(o->evaluation, theta, direction, o->dy);
  htf_loss_curvature(htf_loss_l2(), TRAIN, o->y, train.values, o->dy, o->change);
  htf_evaluation_second(o->evaluation, theta, direction, o->change, product);
}

static double inner(int64_t n, const double *a, const double *b) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    sum += a[i] * b[i];
  }
  return sum;
}

// Prints a derivative beside its central difference; whether they agree.
static bool agree(const char *what, double derivative, double difference) {
  double error = fabs(derivative - difference) / fabs(derivative);
  printf("%-26s %+.10e  by differences %+.10e  apart %.1e\n", what, derivative, difference,
         error);
  return error < 1e-6; // central differences over 1e-5 are good to 1e-8 or so
}

static htf_status compare(objective *o, bool *good) {
  htf_status status = HTF_OK;
  const double step = 1e-5;
  int64_t n = htf_model_parameters(o->model);
  double *theta = NULL, *near = NULL, *gradient[3] = {NULL}, *direction = NULL, loss[2];
  HTF_NEW(theta, n);
  HTF_NEW(near, n);
  HTF_NEW(direction, n);
  for (int i = 0; i < 3; i++) {
    HTF_NEW(gradient[i], n);
  }
  htf_random stream = htf_random_open(SEED, HTF_RANDOM_INIT, 0);
  htf_model_gaussian(o->model, &stream, 0.5, theta);
  htf_model_gaussian(o->model, &stream, 1, direction);
  for (int side = 0; side < 2; side++) { // the losses and gradients a step to either side
    for (int64_t i = 0; i < n; i++) {
      near[i] = theta[i] + (side == 0 ? -step : step) * direction[i];
    }
    loss[side] = loss_at(o, near, gradient[side]);
  }
  printf("%lld weights, loss %.6f\n", (long long)n, loss_at(o, theta, gradient[2]));
  bool first = agree("slope along a direction", inner(n, gradient[2], direction),
                     (loss[1] - loss[0]) / (2 * step));
  double change =
      (inner(n, gradient[1], direction) - inner(n, gradient[0], direction)) / (2 * step);
  multiply_hessian(o, theta, direction, gradient[2], near);
  bool second = agree("curvature along it", inner(n, near, direction), change);
  *good = first && second;
done:
  HTF_FREE(theta);
  HTF_FREE(near);
  HTF_FREE(direction);
  for (int i = 0; i < 3; i++) {
    HTF_FREE(gradient[i]);
  }
  return status;
}

int main(void) {
  htf_status status = HTF_OK;
  objective o = {NULL};
  bool good = false;
  HTF_TRY(open_objective(&o));
  HTF_TRY(compare(&o, &good));
done:
  if (status != HTF_OK) {
    fprintf(stderr, "gradient: %s\n", htf_error_message());
  }
  close_objective(&o);
  return good ? 0 : 1;
}

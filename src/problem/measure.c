// SPDX-License-Identifier: BSD-3-Clause
// Which measurements are made of a target, and their values; theory.md section 2.
#include <math.h>
#include <string.h>

#include "htflow/evaluation.h"
#include "htflow/memory.h"
#include "htflow/points.h"
#include "problem_impl.h"

// ---- which ----------------------------------------------------------------------------

// The index tuple of a row-major position.
static void unravel(int order, const int64_t *shape, int64_t position, int64_t *index) {
  for (int n = order - 1; n >= 0; n--) {
    index[n] = position % shape[n];
    position /= shape[n];
  }
}

static void unravel_all(const htf_problem *problem, const int64_t *positions,
                        htf_problem_part *part) {
  for (int64_t k = 0; k < part->count; k++) {
    unravel(problem->order, problem->shape, positions[k],
            part->indices + k * problem->order);
  }
}

htf_status htf_problem__draw_entries(htf_random stream, htf_problem *problem) {
  htf_status status = HTF_OK;
  int64_t *mask = NULL, test = problem->test.count, drawn = test + problem->train.count;
  int64_t entries = (int64_t)htf_problem__entries(problem->order, problem->shape);
  HTF_NEW(mask, drawn);
  HTF_TRY(htf_random_sample(&stream, entries, drawn, mask));
  unravel_all(problem, mask, &problem->test);
  unravel_all(problem, mask + test, &problem->train);
done:
  HTF_FREE(mask);
  return status;
}

static void draw_part(htf_random *stream, double std, const htf_problem *problem,
                      htf_problem_part *part) {
  int64_t width = htf_problem__largest(problem->order, problem->shape);
  for (int64_t k = 0; k < part->count; k++) {
    for (int n = 0; n < problem->order; n++) {
      int64_t size = problem->shape[n];
      double *x = part->inputs + (k * problem->order + n) * width;
      double scale = std > 0 ? std : 1 / sqrt((double)size);
      htf_random_normal(stream, size, x);
      for (int64_t i = 0; i < size; i++) {
        x[i] *= scale;
      }
    }
  }
}

void htf_problem__draw_inputs(htf_random stream, double std, htf_problem *problem) {
  draw_part(&stream, std, problem, &problem->test);
  draw_part(&stream, std, problem, &problem->train);
}

// ---- values: of a factorization -------------------------------------------------------

static htf_status evaluate(const htf_problem_target *target, htf_problem_part *part) {
  htf_status status = HTF_OK;
  const htf_tree *tree = htf_model_tree(target->model);
  const int64_t *shape = htf_model_shape(target->model);
  htf_points *points = NULL;
  htf_evaluation *evaluation = NULL;
  HTF_TRY(htf_problem_points(htf_problem__view(part), tree, shape, &points));
  HTF_TRY(htf_evaluation_create(target->model, points, HTF_USE_VALUES, &evaluation));
  htf_evaluation_forward(evaluation, target->theta, part->values);
done:
  htf_evaluation_destroy(&evaluation);
  htf_points_destroy(&points);
  return status;
}

// ---- values: of a tensor --------------------------------------------------------------

static void look_up(const htf_problem *problem, const double *tensor,
                    htf_problem_part *part) {
  for (int64_t k = 0; k < part->count; k++) {
    int64_t position = 0;
    for (int n = 0; n < problem->order; n++) {
      position = position * problem->shape[n] + part->indices[k * problem->order + n];
    }
    part->values[k] = tensor[position];
  }
}

// Measurement k of tensor T, seen as [A, B] with A the product of the first modes' sizes
// and B that of the last ones':
//   y_k = a_k^T T b_k,  a_k = x_k^(1) o .. o x_k^(h) [A],  b_k = x_k^(h+1) o .. o x_k^(N)
//   [B]
// Cost: 2 A B a measurement. BATCH of them share each row of T that is read.
enum { BATCH = 8, LANES = 8 };

typedef struct contraction {
  const htf_problem *problem;
  const double *tensor;
  int half; // the first mode of B
  int64_t rows, cols;
  double *a, *b; // [BATCH, rows], [BATCH, cols]
} contraction;

// Where to split the modes: A + B is least.
static void split_modes(contraction *c) {
  int64_t total = (int64_t)htf_problem__entries(c->problem->order, c->problem->shape);
  c->half = 0;
  c->rows = 1;
  c->cols = total;
  for (int64_t n = 0, rows = 1; n < c->problem->order; n++) {
    rows *= c->problem->shape[n];
    if (rows + total / rows < c->rows + c->cols) {
      c->half = (int)n + 1;
      c->rows = rows;
      c->cols = total / rows;
    }
  }
}

// The outer product of the vectors x [N, D] of modes first .. last - 1, row-major; in
// place, from its end.
static void multiply_vectors(const htf_problem *problem, const double *x, int first,
                             int last, double *out) {
  int64_t width = htf_problem__largest(problem->order, problem->shape), count = 1;
  out[0] = 1;
  for (int n = first; n < last; n++) {
    int64_t size = problem->shape[n];
    for (int64_t i = count - 1; i >= 0; i--) {
      double factor = out[i];
      for (int64_t j = size - 1; j >= 0; j--) {
        out[i * size + j] = factor * x[n * width + j];
      }
    }
    count *= size;
  }
}

static double dot(int64_t n, const double *x, const double *y) {
  double part[LANES] = {0}, sum = 0;
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    for (int j = 0; j < LANES; j++) {
      part[j] += x[i + j] * y[i + j];
    }
  }
  for (; i < n; i++) {
    sum += x[i] * y[i];
  }
  for (int j = 0; j < LANES; j++) {
    sum += part[j];
  }
  return sum;
}

static void contract_batch(const contraction *c, int count, const double *inputs,
                           double *values) {
  const htf_problem *problem = c->problem;
  int64_t stride = problem->order * htf_problem__largest(problem->order, problem->shape);
  for (int k = 0; k < count; k++) {
    const double *x = inputs + k * stride;
    multiply_vectors(problem, x, 0, c->half, c->a + k * c->rows);
    multiply_vectors(problem, x, c->half, problem->order, c->b + k * c->cols);
    values[k] = 0;
  }
  for (int64_t i = 0; i < c->rows; i++) {
    for (int k = 0; k < count; k++) {
      values[k] +=
          c->a[k * c->rows + i] * dot(c->cols, c->tensor + i * c->cols, c->b + k * c->cols);
    }
  }
}

static htf_status contract(const htf_problem *problem, const double *tensor,
                           htf_problem_part *part) {
  htf_status status = HTF_OK;
  contraction c = {.problem = problem, .tensor = tensor};
  int64_t stride = problem->order * htf_problem__largest(problem->order, problem->shape);
  split_modes(&c);
  HTF_NEW(c.a, BATCH * c.rows);
  HTF_NEW(c.b, BATCH * c.cols);
  for (int64_t k = 0; k < part->count; k += BATCH) {
    int64_t left = part->count - k;
    contract_batch(&c, left < BATCH ? (int)left : BATCH, part->inputs + k * stride,
                   part->values + k);
  }
done:
  HTF_FREE(c.a);
  HTF_FREE(c.b);
  return status;
}

// ---- values ---------------------------------------------------------------------------

// Of entries, the tensor knows them; of vectors, a factorization is the cheaper.
htf_status htf_problem__measure(const htf_problem *problem,
                                const htf_problem_target *target, htf_problem_part *part) {
  htf_status status = HTF_OK;
  if (part->count == 0) {
    goto done;
  }
  if (part->inputs == NULL && target->tensor != NULL) {
    look_up(problem, target->tensor, part);
  } else if (target->model != NULL) {
    HTF_TRY(evaluate(target, part));
  } else {
    HTF_TRY(contract(problem, target->tensor, part));
  }
done:
  return status;
}

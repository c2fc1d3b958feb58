// SPDX-License-Identifier: BSD-3-Clause
// Planted and given completion problems.
#include "htflow/problem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "htflow/evaluation.h"
#include "htflow/memory.h"
#include "htflow/points.h"
#include "htflow/random.h"

typedef struct entries {
  int64_t count;
  int64_t *indices; // [count, order]
  double *values;   // [count]
} entries;

struct htf_problem {
  int order;
  int64_t *shape; // [order]
  entries train, test;
  double *tensor; // all entries, or NULL
};

static htf_status create(int order, const int64_t *shape, int64_t train, int64_t test,
                         htf_problem **out) {
  htf_status status = HTF_OK;
  htf_problem *problem = NULL;
  HTF_NEW(problem, 1);
  problem->order = order;
  HTF_NEW(problem->shape, order);
  memcpy(problem->shape, shape, (size_t)order * sizeof *shape);
  problem->train.count = train;
  HTF_NEW(problem->train.indices, train * order);
  HTF_NEW(problem->train.values, train);
  problem->test.count = test;
  HTF_NEW(problem->test.indices, test * order);
  HTF_NEW(problem->test.values, test);
  *out = problem;
  problem = NULL;
done:
  htf_problem_destroy(&problem);
  return status;
}

void htf_problem_destroy(htf_problem **out) {
  htf_problem *problem = *out;
  if (problem != NULL) {
    HTF_FREE(problem->shape);
    HTF_FREE(problem->train.indices);
    HTF_FREE(problem->train.values);
    HTF_FREE(problem->test.indices);
    HTF_FREE(problem->test.values);
    HTF_FREE(problem->tensor);
    HTF_FREE(*out);
  }
}

// ---- planted --------------------------------------------------------------------------

// The index tuple of a row-major position.
static void unravel(int order, const int64_t *shape, int64_t position, int64_t *index) {
  for (int n = order - 1; n >= 0; n--) {
    index[n] = position % shape[n];
    position /= shape[n];
  }
}

// Which entries are seen: a prefix of one permutation of all, held-out entries first.
static htf_status draw_mask(const htf_plant *plant, int64_t total, htf_problem *problem) {
  htf_status status = HTF_OK;
  int64_t *mask = NULL;
  htf_random stream = htf_random_open(plant->seed, HTF_RANDOM_MASK, plant->draw);
  HTF_NEW(mask, plant->test + plant->train);
  HTF_TRY(htf_random_sample(&stream, total, plant->test + plant->train, mask));
  for (int64_t k = 0; k < plant->test; k++) {
    unravel(plant->order, plant->shape, mask[k], problem->test.indices + k * plant->order);
  }
  for (int64_t k = 0; k < plant->train; k++) {
    unravel(plant->order, plant->shape, mask[plant->test + k],
            problem->train.indices + k * plant->order);
  }
done:
  HTF_FREE(mask);
  return status;
}

// Gaussian weights, scaled alike so that the end tensor has the norm asked for. The tensor
// is homogeneous in each of the tree's weight matrices, so it takes the one scale on one
// matrix: the root's, or where that is frozen the first leaf's.
static htf_status draw_target(const htf_plant *plant, const htf_model *model,
                              double *theta) {
  htf_status status = HTF_OK;
  htf_random stream = htf_random_open(plant->seed, HTF_RANDOM_TARGET, plant->draw);
  htf_model_gaussian(model, &stream, 1, theta);
  double norm;
  HTF_TRY(htf_model_norm(model, theta, &norm));
  double wanted = plant->norm > 0 ? plant->norm : sqrt(htf_model_entries(model));
  HTF_CHECK(norm > 0 && isfinite(norm), HTF_E_NUMERIC,
            "the planted target's norm before scaling is %g", norm);
  int root = htf_tree_root(htf_model_tree(model));
  int node = htf_model_offset(model, root) >= 0 ? root : 0;
  double *weights = theta + htf_model_offset(model, node);
  int64_t count = htf_model_rows(model, node) * htf_model_cols(model, node);
  for (int64_t i = 0; i < count; i++) {
    weights[i] *= wanted / norm;
  }
done:
  return status;
}

static htf_status observe(const htf_model *model, const double *theta, entries *seen) {
  htf_status status = HTF_OK;
  htf_points *points = NULL;
  htf_evaluation *evaluation = NULL;
  if (seen->count > 0) {
    HTF_TRY(htf_points_create(htf_model_tree(model), htf_model_shape(model), seen->count,
                              seen->indices, &points));
    HTF_TRY(htf_evaluation_create(model, points, HTF_USE_VALUES, &evaluation));
    htf_evaluation_forward(evaluation, theta, seen->values);
  }
done:
  htf_evaluation_destroy(&evaluation);
  htf_points_destroy(&points);
  return status;
}

static htf_status expand(const htf_model *model, const double *theta, double **tensor) {
  htf_status status = HTF_OK;
  htf_expansion *expansion = NULL;
  if (htf_model_entries(model) <= HTF_PROBLEM_DENSE) {
    HTF_TRY(htf_expansion_create(model, &expansion));
    HTF_NEW(*tensor, htf_model_entries(model));
    htf_expansion_apply(expansion, theta, *tensor);
  }
done:
  htf_expansion_destroy(&expansion);
  return status;
}

static htf_status add_noise(const htf_plant *plant, entries *seen) {
  htf_status status = HTF_OK;
  double *noise = NULL;
  htf_random stream = htf_random_open(plant->seed, HTF_RANDOM_NOISE, plant->draw);
  HTF_NEW(noise, seen->count);
  htf_random_normal(&stream, seen->count, noise);
  for (int64_t k = 0; k < seen->count; k++) {
    seen->values[k] += plant->noise * noise[k];
  }
done:
  HTF_FREE(noise);
  return status;
}

htf_status htf_problem_plant(const htf_plant *plant, htf_problem **out) {
  htf_status status = HTF_OK;
  htf_problem *problem = NULL;
  htf_model *model = NULL;
  double *theta = NULL;
  HTF_TRY(htf_model_create(plant->kind, plant->tree, plant->shape, &model));
  double total = htf_model_entries(model);
  HTF_CHECK(total <= 0x1p62, HTF_E_CONFIG, "a tensor of %g entries cannot be sampled",
            total);
  HTF_CHECK(plant->train > 0 && (double)plant->train + (double)plant->test <= total,
            HTF_E_CONFIG,
            "%lld training and %lld held-out samples of a tensor of %.0f entries",
            (long long)plant->train, (long long)plant->test, total);
  HTF_TRY(create(plant->order, plant->shape, plant->train, plant->test, &problem));
  HTF_NEW(theta, htf_model_parameters(model));
  HTF_TRY(draw_target(plant, model, theta));
  HTF_TRY(draw_mask(plant, (int64_t)total, problem));
  HTF_TRY(observe(model, theta, &problem->train));
  HTF_TRY(observe(model, theta, &problem->test));
  HTF_TRY(expand(model, theta, &problem->tensor));
  if (plant->noise > 0) {
    HTF_TRY(add_noise(plant, &problem->train));
  }
  *out = problem;
  problem = NULL;
done:
  HTF_FREE(theta);
  htf_model_destroy(&model);
  htf_problem_destroy(&problem);
  return status;
}

// ---- given ----------------------------------------------------------------------------

static htf_status check_samples(int order, const int64_t *shape, const char *name,
                                htf_samples samples) {
  htf_status status = HTF_OK;
  for (int64_t k = 0; k < samples.count; k++) {
    for (int n = 0; n < order; n++) {
      int64_t i = samples.indices[k * order + n];
      HTF_CHECK(0 <= i && i < shape[n], HTF_E_DATA,
                "%s/indices[%lld, %d] is %lld, not in 0 .. %lld", name, (long long)k, n,
                (long long)i, (long long)shape[n] - 1);
    }
    HTF_CHECK(isfinite(samples.values[k]), HTF_E_DATA, "%s/values[%lld] is %g", name,
              (long long)k, samples.values[k]);
  }
done:
  return status;
}

typedef struct place {
  const int64_t *index; // [order]
  int64_t row;
  int order;
} place;

static int compare_index(const void *left, const void *right) {
  const place *a = left, *b = right;
  for (int n = 0; n < a->order; n++) {
    if (a->index[n] != b->index[n]) {
      return a->index[n] < b->index[n] ? -1 : 1;
    }
  }
  return 0;
}

static int compare_place(const void *left, const void *right) {
  const place *a = left, *b = right;
  int order = compare_index(left, right);
  return order != 0 ? order : (a->row > b->row) - (a->row < b->row);
}

static htf_status check_distinct(int order, htf_samples samples) {
  htf_status status = HTF_OK;
  place *places = NULL;
  HTF_NEW(places, samples.count);
  for (int64_t k = 0; k < samples.count; k++) {
    places[k] = (place){samples.indices + k * order, k, order};
  }
  qsort(places, (size_t)samples.count, sizeof *places, compare_place);
  for (int64_t k = 1; k < samples.count; k++) {
    HTF_CHECK(compare_index(&places[k - 1], &places[k]) != 0, HTF_E_DATA,
              "train/indices: rows %lld and %lld name the same entry",
              (long long)places[k - 1].row, (long long)places[k].row);
  }
done:
  HTF_FREE(places);
  return status;
}

static void copy_samples(int order, htf_samples from, entries *to) {
  memcpy(to->indices, from.indices, (size_t)(from.count * order) * sizeof *to->indices);
  memcpy(to->values, from.values, (size_t)from.count * sizeof *to->values);
}

htf_status htf_problem_create(int order, const int64_t *shape, htf_samples train,
                              htf_samples test, htf_problem **out) {
  htf_status status = HTF_OK;
  htf_problem *problem = NULL;
  HTF_CHECK(train.count > 0, HTF_E_DATA, "there are no training samples");
  HTF_TRY(check_samples(order, shape, "train", train));
  HTF_TRY(check_samples(order, shape, "test", test));
  HTF_TRY(check_distinct(order, train));
  HTF_TRY(create(order, shape, train.count, test.count, &problem));
  copy_samples(order, train, &problem->train);
  if (test.count > 0) {
    copy_samples(order, test, &problem->test);
  }
  *out = problem;
  problem = NULL;
done:
  htf_problem_destroy(&problem);
  return status;
}

static void pick(int order, htf_samples from, const int64_t *rows, entries *to) {
  for (int64_t k = 0; k < to->count; k++) {
    memcpy(to->indices + k * order, from.indices + rows[k] * order,
           (size_t)order * sizeof *to->indices);
    to->values[k] = from.values[rows[k]];
  }
}

htf_status htf_problem_split(const htf_split *split, htf_problem **out) {
  htf_status status = HTF_OK;
  htf_problem *problem = NULL;
  int64_t *rows = NULL, chosen = split->test + split->train;
  htf_random stream = htf_random_open(split->seed, HTF_RANDOM_MASK, split->draw);
  HTF_CHECK(split->train > 0 && chosen <= split->all.count, HTF_E_DATA,
            "%lld training and %lld held-out samples of a list of %lld",
            (long long)split->train, (long long)split->test, (long long)split->all.count);
  HTF_TRY(check_samples(split->order, split->shape, "train", split->all));
  HTF_TRY(check_distinct(split->order, split->all));
  HTF_TRY(create(split->order, split->shape, split->train, split->test, &problem));
  HTF_NEW(rows, chosen);
  HTF_TRY(htf_random_sample(&stream, split->all.count, chosen, rows));
  pick(split->order, split->all, rows, &problem->test);
  pick(split->order, split->all, rows + split->test, &problem->train);
  *out = problem;
  problem = NULL;
done:
  HTF_FREE(rows);
  htf_problem_destroy(&problem);
  return status;
}

// ---- queries --------------------------------------------------------------------------

int htf_problem_order(const htf_problem *problem) {
  return problem->order;
}

const int64_t *htf_problem_shape(const htf_problem *problem) {
  return problem->shape;
}

static htf_samples view(const entries *e) {
  return (htf_samples){e->count, e->indices, e->values};
}

htf_samples htf_problem_train(const htf_problem *problem) {
  return view(&problem->train);
}

htf_samples htf_problem_test(const htf_problem *problem) {
  return view(&problem->test);
}

const double *htf_problem_tensor(const htf_problem *problem) {
  return problem->tensor;
}

// SPDX-License-Identifier: BSD-3-Clause
// Problems made from samples that a file held.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "htflow/memory.h"
#include "htflow/random.h"
#include "problem_impl.h"

// ---- checks ---------------------------------------------------------------------------

static htf_status check_indices(int order, const int64_t *shape, const char *name,
                                htf_samples samples) {
  htf_status status = HTF_OK;
  for (int64_t k = 0; k < samples.count; k++) {
    for (int n = 0; n < order; n++) {
      int64_t i = samples.indices[k * order + n];
      HTF_CHECK(0 <= i && i < shape[n], HTF_E_DATA,
                "%s/indices[%lld, %d] is %lld, not in 0 .. %lld", name, (long long)k, n,
                (long long)i, (long long)shape[n] - 1);
    }
  }
done:
  return status;
}

static htf_status check_inputs(int order, const int64_t *shape, const char *name,
                               htf_samples samples) {
  htf_status status = HTF_OK;
  int64_t width = htf_problem__largest(order, shape);
  const double *x = samples.inputs;
  for (int64_t k = 0; k < samples.count; k++) {
    for (int n = 0; n < order; n++, x += width) {
      for (int64_t i = 0; i < width; i++) {
        HTF_CHECK(isfinite(x[i]), HTF_E_DATA, "%s/inputs[%lld, %d, %lld] is %g", name,
                  (long long)k, n, (long long)i, x[i]);
        HTF_CHECK(i < shape[n] || x[i] == 0, HTF_E_DATA,
                  "%s/inputs[%lld, %d, %lld] is %g, but mode %d has size %lld", name,
                  (long long)k, n, (long long)i, x[i], n, (long long)shape[n]);
      }
    }
  }
done:
  return status;
}

static htf_status check_samples(int order, const int64_t *shape, const char *name,
                                htf_samples samples) {
  htf_status status = HTF_OK;
  HTF_ASSERT(samples.count == 0 || (samples.indices == NULL) != (samples.inputs == NULL));
  if (samples.inputs != NULL) {
    HTF_TRY(check_inputs(order, shape, name, samples));
  } else {
    HTF_TRY(check_indices(order, shape, name, samples));
  }
  for (int64_t k = 0; k < samples.count; k++) {
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

static htf_status check_training(int order, const int64_t *shape, htf_samples samples) {
  htf_status status = HTF_OK;
  HTF_TRY(check_samples(order, shape, "train", samples));
  if (samples.inputs == NULL) {
    HTF_TRY(check_distinct(order, samples));
  }
done:
  return status;
}

// ---- copies ---------------------------------------------------------------------------

// Into a part, the rows of the samples that are named, or for NULL the first ones.
static htf_status copy_rows(htf_problem *problem, htf_samples from, const int64_t *rows,
                            int64_t count, htf_problem_part *to) {
  htf_status status = HTF_OK;
  int64_t order = problem->order;
  int64_t width = order * htf_problem__largest(problem->order, problem->shape);
  HTF_TRY(htf_problem__make_part(problem, from.inputs != NULL, count, to));
  for (int64_t k = 0; k < count; k++) {
    int64_t row = rows == NULL ? k : rows[k];
    if (from.inputs != NULL) {
      memcpy(to->inputs + k * width, from.inputs + row * width,
             (size_t)width * sizeof *to->inputs);
    } else {
      memcpy(to->indices + k * order, from.indices + row * order,
             (size_t)order * sizeof *to->indices);
    }
    to->values[k] = from.values[row];
  }
done:
  return status;
}

static htf_status copy_tensor(htf_problem *problem, const double *tensor) {
  htf_status status = HTF_OK;
  double entries = htf_problem__entries(problem->order, problem->shape);
  if (tensor != NULL) {
    HTF_TRY(htf_problem__check_tensor(problem->order, problem->shape, tensor));
  }
  if (tensor != NULL && entries <= HTF_PROBLEM_DENSE) {
    HTF_NEW(problem->tensor, entries);
    memcpy(problem->tensor, tensor, (size_t)entries * sizeof *tensor);
  }
done:
  return status;
}

// ---- the door -------------------------------------------------------------------------

htf_status htf_problem_create(int order, const int64_t *shape, htf_samples train,
                              htf_samples test, const double *tensor, htf_problem **out) {
  htf_status status = HTF_OK;
  htf_problem *problem = NULL;
  HTF_CHECK(train.count > 0, HTF_E_DATA, "there are no training samples");
  HTF_TRY(check_training(order, shape, train));
  HTF_TRY(check_samples(order, shape, "test", test));
  HTF_TRY(htf_problem__new(order, shape, &problem));
  HTF_TRY(copy_rows(problem, train, NULL, train.count, &problem->train));
  HTF_TRY(copy_rows(problem, test, NULL, test.count, &problem->test));
  HTF_TRY(copy_tensor(problem, tensor));
  *out = problem;
  problem = NULL;
done:
  htf_problem_destroy(&problem);
  return status;
}

htf_status htf_problem_split(const htf_split *split, htf_problem **out) {
  htf_status status = HTF_OK;
  htf_problem *problem = NULL;
  int64_t *rows = NULL, test = split->test, chosen = test + split->train;
  htf_random stream = htf_random_open(split->seed, HTF_RANDOM_MASK, split->draw);
  HTF_CHECK(split->train > 0 && chosen <= split->all.count, HTF_E_DATA,
            "%lld training and %lld held-out samples of a list of %lld",
            (long long)split->train, (long long)test, (long long)split->all.count);
  HTF_TRY(check_training(split->order, split->shape, split->all));
  HTF_TRY(htf_problem__new(split->order, split->shape, &problem));
  HTF_NEW(rows, chosen);
  HTF_TRY(htf_random_sample(&stream, split->all.count, chosen, rows));
  HTF_TRY(copy_rows(problem, split->all, rows, test, &problem->test));
  HTF_TRY(copy_rows(problem, split->all, rows + test, split->train, &problem->train));
  HTF_TRY(copy_tensor(problem, split->tensor));
  *out = problem;
  problem = NULL;
done:
  HTF_FREE(rows);
  htf_problem_destroy(&problem);
  return status;
}

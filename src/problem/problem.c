// SPDX-License-Identifier: BSD-3-Clause
// A problem's life, and what it tells.
#include "problem_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "htflow/memory.h"

htf_status htf_problem__new(int order, const int64_t *shape, htf_problem **out) {
  htf_status status = HTF_OK;
  htf_problem *problem = NULL;
  HTF_NEW(problem, 1);
  problem->order = order;
  HTF_NEW(problem->shape, order);
  memcpy(problem->shape, shape, (size_t)order * sizeof *shape);
  *out = problem;
  problem = NULL;
done:
  htf_problem_destroy(&problem);
  return status;
}

htf_status htf_problem__make_part(const htf_problem *problem, bool inputs, int64_t count,
                                  htf_problem_part *part) {
  htf_status status = HTF_OK;
  int64_t width = inputs ? htf_problem__largest(problem->order, problem->shape) : 1;
  double bytes = 8. * (double)count * problem->order * (double)width;
  HTF_CHECK(bytes < 0x1p62, HTF_E_MEMORY, "no memory for %g bytes of samples", bytes);
  part->count = count;
  if (inputs) {
    HTF_NEW(part->inputs, count * problem->order * width);
  } else {
    HTF_NEW(part->indices, count * problem->order);
  }
  HTF_NEW(part->values, count);
done:
  return status;
}

static void free_part(htf_problem_part *part, const double *tensor) {
  HTF_FREE(part->indices);
  HTF_FREE(part->inputs);
  if (part->values != tensor) {
    HTF_FREE(part->values);
  }
}

void htf_problem_destroy(htf_problem **out) {
  htf_problem *problem = *out;
  if (problem != NULL) {
    free_part(&problem->train, problem->tensor);
    free_part(&problem->test, problem->tensor);
    HTF_FREE(problem->tensor);
    HTF_FREE(problem->shape);
    HTF_FREE(*out);
  }
}

void htf_problem_forget_indices(htf_problem *problem) {
  HTF_FREE(problem->train.indices);
  HTF_FREE(problem->test.indices);
}

// ---- of shapes and tensors ------------------------------------------------------------

double htf_problem__entries(int order, const int64_t *shape) {
  double entries = 1;
  for (int n = 0; n < order; n++) {
    entries *= (double)shape[n];
  }
  return entries;
}

int64_t htf_problem__largest(int order, const int64_t *shape) {
  int64_t largest = 0;
  for (int n = 0; n < order; n++) {
    largest = shape[n] > largest ? shape[n] : largest;
  }
  return largest;
}

// The index tuple of a row-major position, as "[0, 2, 1]".
static void write_place(int order, const int64_t *shape, int64_t position, char *text,
                        size_t size) {
  int64_t stride = 1;
  for (int n = 0; n < order; n++) {
    stride *= shape[n];
  }
  size_t at = 0;
  for (int n = 0; n < order && at < size; n++) {
    stride /= shape[n];
    at += (size_t)snprintf(text + at, size - at, "%s%lld%s", n == 0 ? "[" : ", ",
                           (long long)(position / stride), n == order - 1 ? "]" : "");
    position %= stride;
  }
}

htf_status htf_problem__check_tensor(int order, const int64_t *shape,
                                     const double *tensor) {
  htf_status status = HTF_OK;
  int64_t entries = (int64_t)htf_problem__entries(order, shape);
  for (int64_t i = 0; i < entries; i++) {
    if (!isfinite(tensor[i])) {
      char place[1024];
      write_place(order, shape, i, place, sizeof place);
      HTF_CHECK(false, HTF_E_DATA, "tensor%s is %g", place, tensor[i]);
    }
  }
done:
  return status;
}

// ---- queries --------------------------------------------------------------------------

int htf_problem_order(const htf_problem *problem) {
  return problem->order;
}

const int64_t *htf_problem_shape(const htf_problem *problem) {
  return problem->shape;
}

htf_samples htf_problem__view(const htf_problem_part *part) {
  return (htf_samples){.count = part->count,
                       .indices = part->indices,
                       .values = part->values,
                       .inputs = part->inputs,
                       .all = part->all};
}

htf_samples htf_problem_train(const htf_problem *problem) {
  return htf_problem__view(&problem->train);
}

htf_samples htf_problem_test(const htf_problem *problem) {
  return htf_problem__view(&problem->test);
}

const double *htf_problem_tensor(const htf_problem *problem) {
  return problem->tensor;
}

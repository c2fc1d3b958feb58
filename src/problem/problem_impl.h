// SPDX-License-Identifier: BSD-3-Clause
// problem_impl.h: a problem from the inside, for those who fill one.
#pragma once

#include "htflow/problem.h"

// Samples that are owned; of indices and inputs at most one is there.
typedef struct htf_problem_part {
  int64_t count;
  int64_t *indices; // [count, order]
  double *inputs;   // [count, order, D]
  double *values;   // [count]; of all entries without noise, the problem's tensor
  bool all;
} htf_problem_part;

struct htf_problem {
  int order;
  int64_t *shape; // [order]
  htf_problem_part train, test;
  double *tensor; // all entries, or NULL
};

// A problem without samples.
htf_status htf_problem__new(int order, const int64_t *shape, htf_problem **problem);
// Zeroed indices, or inputs, and values. Raises HTF_E_MEMORY.
htf_status htf_problem__make_part(const htf_problem *problem, bool inputs, int64_t count,
                                  htf_problem_part *part);
htf_samples htf_problem__view(const htf_problem_part *part);

// Number of entries, and D, the largest size.
double htf_problem__entries(int order, const int64_t *shape);
int64_t htf_problem__largest(int order, const int64_t *shape);

// HTF_E_DATA naming the first entry that is not finite.
htf_status htf_problem__check_tensor(int order, const int64_t *shape, const double *tensor);

// ---- measuring a target (measure.c) ---------------------------------------------------

// A target: a factorization, its entries, or both; the other NULL.
typedef struct htf_problem_target {
  const htf_model *model;
  const double *theta;
  const double *tensor;
} htf_problem_target;

// Fills the indices of both parts: a prefix of one permutation of all entries.
htf_status htf_problem__draw_entries(htf_random stream, htf_problem *problem);
// Fills the inputs of both parts with N(0, std^2), of mode n with 1/D_n for std = 0.
void htf_problem__draw_inputs(htf_random stream, double std, htf_problem *problem);
// Fills the values of a part.
htf_status htf_problem__measure(const htf_problem *problem,
                                const htf_problem_target *target, htf_problem_part *part);

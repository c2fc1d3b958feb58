// SPDX-License-Identifier: BSD-3-Clause
// What tests of problems share: recipes, and what a measurement is, by its definition.
#pragma once

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "htflow/memory.h"
#include "htflow/problem.h"
#include "htflow/random.h"

static const int64_t shape[] = {3, 4, 2};
enum { ORDER = 3, ENTRIES = 24, WIDTH = 4 };
static const char tree_text[] = "((0,2)2,1)3;";

// A drawn target of order 3, 12 samples of it and 5 held out. The tree lives to the end of
// the test's process.
static inline htf_plant recipe_of(htf_problem_task task) {
  static htf_tree *tree = NULL;
  if (tree == NULL) {
    cr_assert(eq(int, htf_tree_parse(tree_text, 0, &tree), HTF_OK));
  }
  return (htf_plant){.task = task,
                     .order = ORDER,
                     .shape = shape,
                     .tree = tree,
                     .norm = 5,
                     .train = 12,
                     .test = 5,
                     .seed = 7};
}

static inline htf_problem *plant(const htf_plant *recipe) {
  htf_problem *problem = NULL;
  htf_status status = htf_problem_plant(recipe, &problem);
  cr_assert(eq(int, status, HTF_OK), "%s", htf_error_message());
  return problem;
}

// The request is refused with this status, in these words among others, without a leak.
static inline void refuses(const htf_plant *recipe, htf_status status, const char *words) {
  htf_problem *problem = NULL;
  int64_t before = htf_memory_blocks();
  cr_assert(eq(int, htf_problem_plant(recipe, &problem), status));
  cr_assert(ne(ptr, strstr(htf_error_message(), words), NULL), "%s", htf_error_message());
  cr_assert(problem == NULL && htf_memory_blocks() == before);
  htf_error_clear();
}

// Every allocation of the call fails in turn, until it succeeds.
#define FAILS_CLEANLY(call, problem)                                                       \
  do {                                                                                     \
    int64_t before_ = htf_memory_blocks(), nth_ = 1;                                       \
    htf_status status_ = HTF_E_MEMORY;                                                     \
    for (; status_ != HTF_OK; nth_++) {                                                    \
      htf_memory_fail_at(nth_);                                                            \
      status_ = (call);                                                                    \
      htf_memory_fail_at(0);                                                               \
      cr_assert(status_ == HTF_OK || status_ == HTF_E_MEMORY);                             \
      cr_assert(status_ == HTF_OK || htf_memory_blocks() == before_);                      \
    }                                                                                      \
    cr_assert(nth_ > 5);                                                                   \
    htf_problem_destroy(&(problem));                                                       \
    cr_assert(eq(i64, htf_memory_blocks(), before_));                                      \
  } while (0)

static inline int64_t product(int order, const int64_t *sizes) {
  int64_t entries = 1;
  for (int n = 0; n < order; n++) {
    entries *= sizes[n];
  }
  return entries;
}

static inline int64_t largest(int order, const int64_t *sizes) {
  int64_t most = 0;
  for (int n = 0; n < order; n++) {
    most = sizes[n] > most ? sizes[n] : most;
  }
  return most;
}

static inline int64_t position(int order, const int64_t *sizes, const int64_t *index) {
  int64_t at = 0;
  for (int n = 0; n < order; n++) {
    at = at * sizes[n] + index[n];
  }
  return at;
}

static inline double norm_of(int64_t n, const double *x) {
  long double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    sum += (long double)x[i] * x[i];
  }
  return (double)sqrtl(sum);
}

// <T, x^(1) o ... o x^(N)>, entry by entry; x is [order, D].
static inline double naive_sensing(int order, const int64_t *sizes, const double *tensor,
                                   const double *x) {
  int64_t entries = product(order, sizes), width = largest(order, sizes);
  double sum = 0;
  for (int64_t k = 0; k < entries; k++) {
    double term = tensor[k];
    int64_t rest = k;
    for (int n = order - 1; n >= 0; n--) {
      term *= x[n * width + rest % sizes[n]];
      rest /= sizes[n];
    }
    sum += term;
  }
  return sum;
}

static inline bool same(const void *a, const void *b, int64_t count, size_t size) {
  return count == 0 || memcmp(a, b, (size_t)count * size) == 0;
}

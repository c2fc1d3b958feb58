// SPDX-License-Identifier: BSD-3-Clause
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>

#include "htflow/memory.h"
#include "htflow/problem.h"

static const int64_t shape[] = {3, 4, 2};
enum { ORDER = 3, ENTRIES = 24 };

static htf_problem *plant(htf_model_kind kind, const char *newick, int64_t train,
                          int64_t test, double noise, uint64_t draw) {
  htf_tree *tree = NULL;
  htf_problem *problem = NULL;
  cr_assert(eq(int, htf_tree_parse(newick, 0, &tree), HTF_OK));
  htf_plant recipe = {.order = ORDER,
                      .shape = shape,
                      .kind = kind,
                      .tree = tree,
                      .norm = 5,
                      .train = train,
                      .test = test,
                      .noise = noise,
                      .seed = 7,
                      .draw = draw};
  cr_assert(eq(int, htf_problem_plant(&recipe, &problem), HTF_OK), "%s",
            htf_error_message());
  htf_tree_destroy(&tree);
  return problem;
}

static int64_t position(const int64_t *index) {
  return (index[0] * shape[1] + index[1]) * shape[2] + index[2];
}

Test(problem, has_the_norm_asked_for) {
  static const char *const trees[] = {"((0,2)2,1)3;", "(0,1,2)4;"};
  for (int kind = 0; kind < 2; kind++) {
    htf_problem *problem =
        plant(kind ? HTF_MODEL_CP : HTF_MODEL_HTF, trees[kind], 10, 5, 0, 0);
    const double *tensor = htf_problem_tensor(problem);
    double sum = 0;
    for (int i = 0; i < ENTRIES; i++) {
      sum += tensor[i] * tensor[i];
    }
    cr_assert(epsilon_eq(dbl, sqrt(sum), 5, 1e-12)); // some hundred roundings
    htf_problem_destroy(&problem);
  }
}

// All entries seen, each once, with the tensor's value: mask, values and tensor agree.
Test(problem, shows_each_entry_at_most_once_and_truly) {
  htf_problem *problem = plant(HTF_MODEL_HTF, "((0,2)2,1)3;", 15, 9, 0, 0);
  const double *tensor = htf_problem_tensor(problem);
  htf_samples parts[] = {htf_problem_train(problem), htf_problem_test(problem)};
  int seen[ENTRIES] = {0};
  for (int p = 0; p < 2; p++) {
    for (int64_t k = 0; k < parts[p].count; k++) {
      int64_t at = position(parts[p].indices + k * ORDER);
      seen[at]++;
      cr_assert(epsilon_eq(dbl, parts[p].values[k], tensor[at], 1e-13));
    }
  }
  for (int i = 0; i < ENTRIES; i++) {
    cr_assert(eq(int, seen[i], 1));
  }
  htf_problem_destroy(&problem);
}

Test(problem, fewer_training_samples_are_a_part_of_more) {
  htf_problem *few = plant(HTF_MODEL_HTF, "((0,2)2,1)3;", 6, 5, 0, 0);
  htf_problem *many = plant(HTF_MODEL_HTF, "((0,2)2,1)3;", 12, 5, 0, 0);
  cr_assert(memcmp(htf_problem_train(few).indices, htf_problem_train(many).indices,
                   6 * ORDER * sizeof(int64_t)) == 0);
  cr_assert(memcmp(htf_problem_test(few).values, htf_problem_test(many).values,
                   5 * sizeof(double)) == 0);
  htf_problem_destroy(&few);
  htf_problem_destroy(&many);
}

Test(problem, noise_touches_the_training_values_alone) {
  htf_problem *clean = plant(HTF_MODEL_HTF, "((0,2)2,1)3;", 12, 5, 0, 0);
  htf_problem *noisy = plant(HTF_MODEL_HTF, "((0,2)2,1)3;", 12, 5, 0.1, 0);
  htf_samples a = htf_problem_train(clean), b = htf_problem_train(noisy);
  double sum = 0;
  for (int k = 0; k < 12; k++) {
    sum += (a.values[k] - b.values[k]) * (a.values[k] - b.values[k]);
  }
  // A chi-squared variable of 12 degrees: outside this with probability below 1e-4.
  cr_assert(sum > 0.01 * 1.5 && sum < 0.01 * 42);
  cr_assert(memcmp(htf_problem_test(clean).values, htf_problem_test(noisy).values,
                   5 * sizeof(double)) == 0);
  cr_assert(memcmp(htf_problem_tensor(clean), htf_problem_tensor(noisy),
                   ENTRIES * sizeof(double)) == 0);
  htf_problem_destroy(&clean);
  htf_problem_destroy(&noisy);
}

Test(problem, another_draw_is_another_problem) {
  htf_problem *a = plant(HTF_MODEL_HTF, "((0,2)2,1)3;", 12, 5, 0, 0);
  htf_problem *b = plant(HTF_MODEL_HTF, "((0,2)2,1)3;", 12, 5, 0, 1);
  cr_assert(memcmp(htf_problem_train(a).indices, htf_problem_train(b).indices,
                   12 * ORDER * sizeof(int64_t)) != 0);
  htf_problem_destroy(&a);
  htf_problem_destroy(&b);
}

static htf_status create(int64_t count, const int64_t *indices, const double *values,
                         const char *expected) {
  htf_problem *problem = NULL;
  htf_samples train = {count, indices, values}, none = {0, NULL, NULL};
  htf_status status = htf_problem_create(ORDER, shape, train, none, &problem);
  cr_assert(ne(ptr, strstr(htf_error_message(), expected), NULL), "%s",
            htf_error_message());
  htf_problem_destroy(&problem);
  return status;
}

Test(problem, refuses_data_that_cannot_be_and_names_the_place) {
  int64_t outside[] = {0, 0, 0, 1, 4, 1}, twice[] = {0, 0, 0, 1, 1, 1, 0, 0, 0};
  double fine[] = {1, 2, 3}, infinite[] = {1, INFINITY, 3};
  int64_t distinct[] = {0, 0, 0, 1, 1, 1, 2, 2, 0};
  int64_t before = htf_memory_blocks();
  cr_assert(eq(int, create(2, outside, fine, "train/indices[1, 1] is 4"), HTF_E_DATA));
  cr_assert(eq(int, create(3, twice, fine, "rows 0 and 2"), HTF_E_DATA));
  cr_assert(eq(int, create(3, distinct, infinite, "train/values[1] is inf"), HTF_E_DATA));
  cr_assert(eq(int, create(0, distinct, fine, "no training samples"), HTF_E_DATA));
  htf_error_clear();
  cr_assert(eq(int, create(3, distinct, fine, ""), HTF_OK));
  cr_assert(eq(i64, htf_memory_blocks(), before));
}

// Values are the row numbers, so that a sample tells which row it was.
Test(problem, a_list_is_split_without_overlap) {
  int64_t indices[3 * 12], before = htf_memory_blocks();
  double values[12];
  int seen[12] = {0};
  for (int k = 0; k < 12; k++) {
    indices[3 * k] = k / 4;
    indices[3 * k + 1] = k % 4;
    indices[3 * k + 2] = k % 2;
    values[k] = k;
  }
  htf_split split = {.order = ORDER,
                     .shape = shape,
                     .all = {12, indices, values},
                     .train = 7,
                     .test = 4,
                     .seed = 7};
  htf_problem *problem = NULL;
  cr_assert(eq(int, htf_problem_split(&split, &problem), HTF_OK));
  htf_samples parts[] = {htf_problem_train(problem), htf_problem_test(problem)};
  cr_assert(parts[0].count == 7 && parts[1].count == 4);
  for (int p = 0; p < 2; p++) {
    for (int64_t k = 0; k < parts[p].count; k++) {
      int row = (int)parts[p].values[k];
      seen[row]++;
      cr_assert(memcmp(parts[p].indices + 3 * k, indices + 3 * row, sizeof *indices * 3) ==
                0);
    }
  }
  for (int k = 0; k < 12; k++) {
    cr_assert(seen[k] <= 1);
  }
  htf_problem_destroy(&problem);
  split.train = 9;
  cr_assert(eq(int, htf_problem_split(&split, &problem), HTF_E_DATA));
  cr_assert(eq(i64, htf_memory_blocks(), before));
}

Test(problem, out_of_memory_is_a_status_and_leaks_nothing) {
  htf_tree *tree = NULL;
  htf_problem *problem = NULL;
  cr_assert(eq(int, htf_tree_parse("((0,2)2,1)3;", 0, &tree), HTF_OK));
  htf_plant recipe = {.order = ORDER,
                      .shape = shape,
                      .kind = HTF_MODEL_HTF,
                      .tree = tree,
                      .train = 10,
                      .test = 5,
                      .noise = 0.1,
                      .seed = 7};
  int64_t before = htf_memory_blocks(), nth = 1;
  for (;; nth++) {
    htf_memory_fail_at(nth);
    htf_status status = htf_problem_plant(&recipe, &problem);
    htf_memory_fail_at(0);
    if (status == HTF_OK) {
      break;
    }
    cr_assert(eq(int, status, HTF_E_MEMORY));
    cr_assert(eq(i64, htf_memory_blocks(), before));
  }
  cr_assert(nth > 10);
  htf_problem_destroy(&problem);
  htf_tree_destroy(&tree);
}

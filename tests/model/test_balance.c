// SPDX-License-Identifier: BSD-3-Clause
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "random_model.h"

enum { CASES = 40 };

static random_model make(int i) {
  return random_model_make(500 + (uint64_t)i, random_kind(i));
}

Test(balance, makes_norms_equal_without_moving_the_tensor) {
  for (int i = 0; i < CASES; i++) {
    random_model c = make(i);
    double *tensor = naive_tensor(&c, c.theta, NULL);
    int64_t count = htf_model_vector_count(c.model);
    double *norms2 = htf_memory_get((size_t)count, sizeof *norms2), largest = 0;
    cr_assert(htf_model_balance(c.model, c.theta) == HTF_OK, "%s", htf_error_message());
    double *balanced = naive_tensor(&c, c.theta, NULL);
    htf_model_vector_norms2(c.model, c.theta, norms2);
    for (int64_t k = 0; k < count; k++) {
      largest = norms2[k] > largest ? norms2[k] : largest;
    }
    cr_assert(lt(dbl, distance(c.entries, balanced, tensor), 1e-13), "model %d: %g", i,
              distance(c.entries, balanced, tensor));
    cr_assert(lt(dbl, htf_model_unbalancedness(c.model, norms2), 1e-14 * largest));
    HTF_FREE(tensor);
    HTF_FREE(balanced);
    HTF_FREE(norms2);
    random_model_free(&c);
  }
}

// The tensor's norm, some 1e-160, is far above what its square could hold.
Test(balance, converges_at_high_order) {
  static const char *const labels[] = {"binary", "arity 4 half", "flat"};
  for (int i = 0; i < 3; i++) {
    htf_tree *tree = NULL;
    htf_model *model = NULL;
    int64_t shape[64];
    double before, after;
    for (int n = 0; n < 64; n++) {
      shape[n] = 2 + n % 2;
    }
    cr_assert(htf_tree_from_label(labels[i], 64, 6, &tree) == HTF_OK);
    cr_assert(htf_model_create(i == 2 ? HTF_MODEL_CP : HTF_MODEL_HTF, tree, shape,
                               &model) == HTF_OK);
    htf_random stream = htf_random_open(1, HTF_RANDOM_TEST, 0);
    double *theta = htf_memory_get((size_t)htf_model_parameters(model), sizeof *theta);
    htf_model_gaussian(model, &stream, 0.01, theta);
    cr_assert(htf_model_norm(model, theta, &before) == HTF_OK);
    cr_assert(htf_model_balance(model, theta) == HTF_OK, "%s", htf_error_message());
    cr_assert(htf_model_norm(model, theta, &after) == HTF_OK);
    cr_assert(lt(dbl, 0, before));
    cr_assert(epsilon_eq(dbl, after / before, 1, 1e-13), "%s: %g %g", labels[i], before,
              after / before - 1);
    HTF_FREE(theta);
    htf_model_destroy(&model);
    htf_tree_destroy(&tree);
  }
}

Test(balance, makes_a_component_with_a_zero_vector_zero) {
  htf_tree *tree = NULL;
  htf_model *model = NULL;
  int64_t shape[] = {2, 2};
  double theta[] = {1, 0, 3, 0, 5, 6, 7, 8, 9, 10}; // column 1 of W^(0) is zero
  cr_assert(htf_tree_parse("(0,1)2;", 0, &tree) == HTF_OK);
  cr_assert(htf_model_create(HTF_MODEL_HTF, tree, shape, &model) == HTF_OK);
  cr_assert(htf_model_balance(model, theta) == HTF_OK);
  cr_assert(eq(dbl, theta[5], 0));
  cr_assert(eq(dbl, theta[7], 0));
  cr_assert(eq(dbl, theta[9], 0));
  double sigma = pow(10 * 74 * 81, 1.0 / 6);
  cr_assert(epsilon_eq(dbl, theta[8], sigma, 1e-14 * sigma));
  double kept = theta[8] *= 3;
  theta[0] = NAN;
  cr_assert(htf_model_balance(model, theta) == HTF_E_NUMERIC);
  cr_assert(eq(dbl, theta[8], kept));
  htf_model_destroy(&model);
  htf_tree_destroy(&tree);
}

Test(balance, gives_everything_back_when_memory_ends) {
  random_model c = make(1);
  int64_t blocks = htf_memory_blocks(), nth = 1;
  for (htf_status status = HTF_E_MEMORY; status != HTF_OK; nth++) {
    htf_memory_fail_at(nth);
    status = htf_model_balance(c.model, c.theta);
    htf_memory_fail_at(0);
    cr_assert(status == HTF_OK || status == HTF_E_MEMORY);
    cr_assert(eq(i64, htf_memory_blocks(), blocks));
  }
  cr_assert(lt(i64, 4, nth));
  random_model_free(&c);
  cr_assert(eq(i64, htf_memory_blocks(), 0));
}

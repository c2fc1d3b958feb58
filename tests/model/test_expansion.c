// SPDX-License-Identifier: BSD-3-Clause
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "htflow/dense.h"
#include "htflow/evaluation.h"
#include "matricization.h"
#include "random_model.h"

enum { CASES = 60 };

static random_model make(int i) {
  return random_model_make((uint64_t)i, random_kind(i));
}

static double *expand(const random_model *c) {
  htf_expansion *expansion = NULL;
  double *tensor = htf_memory_get((size_t)c->entries, sizeof *tensor);
  cr_assert(htf_expansion_create(c->model, &expansion) == HTF_OK);
  for (int64_t k = 0; k < c->entries; k++) {
    tensor[k] = NAN;
  }
  htf_expansion_apply(expansion, c->theta, tensor);
  htf_expansion_destroy(&expansion);
  return tensor;
}

// Sums of at most 40 x 40 products in another order: 1e-13 is some hundred roundings.
Test(expansion, is_the_tensor_of_the_definition) {
  for (int i = 0; i < CASES; i++) {
    random_model c = make(i);
    double *tensor = expand(&c), *naive = naive_tensor(&c, c.theta, NULL);
    cr_assert(lt(dbl, distance(c.entries, tensor, naive), 1e-13), "model %d", i);
    HTF_FREE(tensor);
    HTF_FREE(naive);
    random_model_free(&c);
  }
}

// More rows than one panel, and a root split after its second child.
Test(expansion, agrees_with_evaluation_on_larger_tensors) {
  static const char *const trees[] = {"((4,1)3,0,(3,2)5)6;", "(0,((2,4)7,1)3,3)20;",
                                      "((0,2,4)9,(3,1)8)8;"};
  for (int i = 0; i < 3; i++) {
    random_model c = {.stream = htf_random_open(7, HTF_RANDOM_TEST, 0), .order = 5};
    int64_t shape[] = {13, 9, 11, 6, 7}, m = 13 * 9 * 11 * 6 * 7;
    htf_tree *tree = NULL;
    htf_points *points = NULL;
    htf_evaluation *evaluation = NULL;
    cr_assert(htf_tree_parse(trees[i], 0, &tree) == HTF_OK);
    cr_assert(htf_model_create(HTF_MODEL_HTF, tree, shape, &c.model) == HTF_OK);
    c.entries = m;
    memcpy(c.shape, shape, sizeof shape);
    c.theta = random_doubles(&c.stream, htf_model_parameters(c.model));
    int64_t *indices = htf_memory_get((size_t)(5 * m), sizeof *indices);
    for (int64_t k = 0; k < m; k++) {
      entry_index(&c, k, indices + 5 * k);
    }
    double *tensor = expand(&c), *y = random_doubles(&c.stream, m);
    cr_assert(htf_points_create(tree, shape, m, indices, &points) == HTF_OK);
    cr_assert(htf_evaluation_create(c.model, points, HTF_USE_VALUES, &evaluation) ==
              HTF_OK);
    htf_evaluation_forward(evaluation, c.theta, y);
    cr_assert(lt(dbl, distance(m, tensor, y), 1e-13), "%s", trees[i]);
    htf_evaluation_destroy(&evaluation);
    htf_points_destroy(&points);
    htf_tree_destroy(&tree);
    HTF_FREE(indices);
    HTF_FREE(tensor);
    HTF_FREE(y);
    random_model_free(&c);
  }
}

// The Gram form loses half of the digits at most, and only where the tensor cancels.
Test(expansion, has_the_norm_found_from_the_factors) {
  for (int i = 0; i < CASES; i++) {
    random_model c = make(i);
    double *tensor = expand(&c), value = -1;
    cr_assert(htf_model_norm(c.model, c.theta, &value) == HTF_OK);
    cr_assert(epsilon_eq(dbl, value / norm(c.entries, tensor), 1, 1e-10), "model %d", i);
    HTF_FREE(tensor);
    random_model_free(&c);
  }
}

Test(expansion, of_too_many_entries_is_refused_with_their_bytes) {
  htf_tree *tree = NULL;
  htf_model *model = NULL;
  htf_expansion *expansion = NULL;
  int64_t shape[64];
  for (int n = 0; n < 64; n++) {
    shape[n] = 2;
  }
  cr_assert(htf_tree_from_label("binary", 64, 3, &tree) == HTF_OK);
  cr_assert(htf_model_create(HTF_MODEL_HTF, tree, shape, &model) == HTF_OK);
  cr_assert(htf_expansion_create(model, &expansion) == HTF_E_CONFIG);
  cr_assert(strstr(htf_error_message(), "bytes") != NULL);
  cr_assert(expansion == NULL);
  htf_model_destroy(&model);
  htf_tree_destroy(&tree);
}

Test(expansion, gives_everything_back_when_memory_ends) {
  random_model c = random_model_make(8, HTF_MODEL_HTF);
  int64_t blocks = htf_memory_blocks(), nth = 1;
  double value;
  for (htf_status status = HTF_E_MEMORY; status != HTF_OK; nth++) {
    htf_expansion *expansion = NULL;
    htf_memory_fail_at(nth);
    status = htf_expansion_create(c.model, &expansion);
    htf_memory_fail_at(0);
    cr_assert(status == HTF_OK || status == HTF_E_MEMORY);
    htf_expansion_destroy(&expansion);
    cr_assert(eq(i64, htf_memory_blocks(), blocks));
  }
  cr_assert(lt(i64, 8, nth));
  nth = 1;
  for (htf_status status = HTF_E_MEMORY; status != HTF_OK; nth++) {
    htf_memory_fail_at(nth);
    status = htf_model_norm(c.model, c.theta, &value);
    htf_memory_fail_at(0);
    cr_assert(status == HTF_OK || status == HTF_E_MEMORY);
    cr_assert(eq(i64, htf_memory_blocks(), blocks));
  }
  random_model_free(&c);
  cr_assert(eq(i64, htf_memory_blocks(), 0));
}

// ---- its ranks (theory.md section 4) --------------------------------------------------

static int64_t rank_of(const random_model *c, const double *tensor, int v) {
  double *values;
  int64_t size = matricization_values(c, tensor, v, &values), rank = 0;
  while (rank < size && values[rank] > 1e-12 * values[0]) {
    rank++;
  }
  HTF_FREE(values);
  return rank;
}

Test(expansion, has_ranks_bounded_by_the_widths) {
  for (int i = 0; i < CASES; i++) {
    random_model c = make(i);
    double *tensor = naive_tensor(&c, c.theta, NULL);
    for (int v = 0; v < htf_tree_root(c.tree); v++) {
      int64_t rank = rank_of(&c, tensor, v), product = 1;
      cr_assert(le(i64, rank, htf_model_cols(c.model, v)), "model %d", i);
      for (int j = 0; j < htf_tree_children(c.tree, v); j++) {
        product *= rank_of(&c, tensor, htf_tree_child(c.tree, v, j));
      }
      if (htf_tree_children(c.tree, v) > 0) { // hierarchical consistency
        cr_assert(le(i64, rank, product), "model %d", i);
        cr_assert(le(i64, rank, htf_model_rows(c.model, v)), "model %d", i);
      }
    }
    HTF_FREE(tensor);
    random_model_free(&c);
  }
}

// With modes larger than the widths above them random weights attain the bound.
Test(expansion, attains_the_rank_its_widths_allow) {
  random_model c = {.stream = htf_random_open(3, HTF_RANDOM_TEST, 0), .order = 4};
  int64_t shape[] = {6, 7, 8, 6};
  htf_tree *tree = NULL;
  cr_assert(htf_tree_parse("((0,2)5,(3,1)4)3;", 0, &tree) == HTF_OK);
  cr_assert(htf_model_create(HTF_MODEL_HTF, tree, shape, &c.model) == HTF_OK);
  htf_tree_destroy(&tree);
  memcpy(c.shape, shape, sizeof shape);
  c.entries = 6 * 7 * 8 * 6;
  c.tree = htf_model_tree(c.model);
  c.theta = random_doubles(&c.stream, htf_model_parameters(c.model));
  double *tensor = naive_tensor(&c, c.theta, NULL);
  for (int v = 0; v < htf_tree_root(c.tree); v++) {
    cr_assert(eq(i64, rank_of(&c, tensor, v), htf_model_cols(c.model, v)));
  }
  HTF_FREE(tensor);
  random_model_free(&c);
}

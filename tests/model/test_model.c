// SPDX-License-Identifier: BSD-3-Clause
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "random_model.h"

enum { CASES = 60 };

Test(model, lays_the_weights_out_one_after_another) {
  for (int i = 0; i < CASES; i++) {
    random_model c = random_model_make((uint64_t)i, random_kind(i));
    int64_t end = 0;
    int root = htf_tree_root(c.tree);
    for (int v = 0; v <= root; v++) {
      int parent = htf_tree_parent(c.tree, v);
      int64_t rows = htf_model_rows(c.model, v), cols = htf_model_cols(c.model, v);
      cr_assert(eq(i64, cols, parent < 0 ? 1 : htf_model_rows(c.model, parent)));
      if (random_kind(i) != HTF_MODEL_HTF && v == root) {
        cr_assert(eq(i64, htf_model_offset(c.model, v), -1));
      } else {
        cr_assert(eq(i64, htf_model_offset(c.model, v), end));
        end += rows * cols;
      }
    }
    for (int n = 0; n < c.order; n++) {
      cr_assert(eq(i64, htf_model_rows(c.model, htf_tree_leaf(c.tree, n)), c.shape[n]));
      cr_assert(eq(i64, htf_model_shape(c.model)[n], c.shape[n]));
    }
    cr_assert(eq(i64, htf_model_parameters(c.model), end));
    cr_assert(eq(dbl, htf_model_entries(c.model), (double)c.entries));
    cr_assert(htf_model_get_kind(c.model) == random_kind(i));
    random_model_free(&c);
  }
}

Test(model, counts_the_parameters_of_the_theory_page) {
  htf_tree *tree = NULL;
  htf_model *model = NULL;
  int64_t shape[] = {8, 8, 8, 8};
  cr_assert(htf_tree_from_label("binary", 4, 16, &tree) == HTF_OK);
  cr_assert(htf_model_create(HTF_MODEL_HTF, tree, shape, &model) == HTF_OK);
  cr_assert(eq(i64, htf_model_parameters(model), 1040)); // theory.md section 5, row 1
  htf_model_destroy(&model);
  htf_tree_destroy(&tree);
}

Test(model, refuses_what_does_not_fit) {
  htf_tree *tree = NULL;
  htf_model *model = NULL;
  int64_t empty[] = {2, 0, 2}, fine[] = {2, 2, 2}, huge[] = {2, 2, INT64_MAX / 2};
  cr_assert(htf_tree_from_label("binary", 3, 2, &tree) == HTF_OK);
  cr_assert(htf_model_create(HTF_MODEL_HTF, tree, empty, &model) == HTF_E_CONFIG);
  cr_assert(strstr(htf_error_message(), "mode 1") != NULL);
  cr_assert(htf_model_create(HTF_MODEL_HTF, tree, huge, &model) == HTF_E_CONFIG);
  cr_assert(htf_model_create(HTF_MODEL_CP, tree, fine, &model) == HTF_E_CONFIG);
  cr_assert(strstr(htf_error_message(), "flat") != NULL);
  cr_assert(htf_model_create(HTF_MODEL_MF, tree, fine, &model) == HTF_E_CONFIG);
  cr_assert(strstr(htf_error_message(), "two modes") != NULL);
  cr_assert(model == NULL);
  htf_tree_destroy(&tree);
  cr_assert(eq(i64, htf_memory_blocks(), 0));
}

Test(model, gives_everything_back_when_memory_ends) {
  random_model c = random_model_make(1, HTF_MODEL_HTF);
  int64_t blocks = htf_memory_blocks(), nth = 1;
  for (htf_status status = HTF_E_MEMORY; status != HTF_OK; nth++) {
    htf_model *model = NULL;
    htf_memory_fail_at(nth);
    status = htf_model_create(HTF_MODEL_HTF, c.tree, c.shape, &model);
    htf_memory_fail_at(0);
    cr_assert(status == HTF_OK || status == HTF_E_MEMORY);
    htf_model_destroy(&model);
    cr_assert(eq(i64, htf_memory_blocks(), blocks));
  }
  cr_assert(lt(i64, 5, nth));
  random_model_free(&c);
  cr_assert(eq(i64, htf_memory_blocks(), 0));
}

// SPDX-License-Identifier: BSD-3-Clause
#include "htflow/entries.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "random_model.h"

// The whole tensor by htf_expansion, which its own tests hold against the definition.
static double *expand(const random_model *c) {
  htf_expansion *expansion = NULL;
  double *tensor = htf_memory_get((size_t)c->entries, sizeof *tensor);
  cr_assert(htf_expansion_create(c->model, &expansion) == HTF_OK);
  htf_expansion_apply(expansion, c->theta, tensor);
  htf_expansion_destroy(&expansion);
  return tensor;
}

static double *read_all(const random_model *c, double scale, int64_t step) {
  htf_entries *entries = NULL;
  double *tensor = htf_memory_get((size_t)c->entries, sizeof *tensor);
  cr_assert(htf_entries_create(c->model, c->theta, scale, &entries) == HTF_OK);
  for (int64_t first = 0; first < c->entries; first += step) {
    int64_t left = c->entries - first;
    cr_assert(htf_entries_read(entries, first, left < step ? left : step, tensor + first) ==
              HTF_OK);
  }
  htf_entries_destroy(&entries);
  return tensor;
}

static random_model make(const char *newick, int order, const int64_t *shape) {
  random_model c = {.stream = htf_random_open(5, HTF_RANDOM_TEST, 0), .order = order};
  htf_tree *tree = NULL;
  cr_assert(htf_tree_parse(newick, 0, &tree) == HTF_OK);
  cr_assert(htf_model_create(HTF_MODEL_HTF, tree, shape, &c.model) == HTF_OK);
  htf_tree_destroy(&tree);
  c.entries = (int64_t)htf_model_entries(c.model);
  c.theta = random_doubles(&c.stream, htf_model_parameters(c.model));
  return c;
}

// In one block, in several, with a mode cut into uneven pieces, with one cut alone.
static const struct {
  const char *tree;
  int order;
  int64_t shape[4];
} cases[] = {{"((0,2)3,(1,3)4)5;", 4, {5, 4, 3, 2}},
             {"((0,2)3,(1,3)4)5;", 4, {5, 7, 40, 500}},
             {"((3,0)3,1,2)2;", 4, {3, 50, 1, 1000}},
             {"(1,0)4;", 2, {3, 70001, 0, 0}}};
enum { CASES = sizeof cases / sizeof *cases };

// The sums are the same ones in another grouping: 1e-14 is some ten roundings.
Test(entries, are_the_scaled_end_tensor) {
  for (int i = 0; i < CASES; i++) {
    random_model c = make(cases[i].tree, cases[i].order, cases[i].shape);
    double *whole = expand(&c), *pieces = read_all(&c, 2, c.entries);
    for (int64_t k = 0; k < c.entries; k++) {
      whole[k] *= 2;
    }
    cr_assert(lt(dbl, distance(c.entries, pieces, whole), 1e-14), "case %d", i);
    HTF_FREE(whole);
    HTF_FREE(pieces);
    random_model_free(&c);
  }
}

Test(entries, of_every_kind_of_model_are_its_end_tensor) {
  for (int i = 0; i < 30; i++) {
    random_model c = random_model_make((uint64_t)i, random_kind(i));
    double *whole = expand(&c), *pieces = read_all(&c, 1, 7);
    cr_assert(lt(dbl, distance(c.entries, pieces, whole), 1e-14), "model %d", i);
    HTF_FREE(whole);
    HTF_FREE(pieces);
    random_model_free(&c);
  }
}

Test(entries, have_the_same_bits_whatever_run_they_are_asked_in) {
  for (int i = 0; i < CASES; i++) {
    random_model c = make(cases[i].tree, cases[i].order, cases[i].shape);
    htf_entries *entries = NULL;
    double *whole = read_all(&c, 0.3, c.entries), *run = random_doubles(&c.stream, 1000);
    cr_assert(htf_entries_create(c.model, c.theta, 0.3, &entries) == HTF_OK);
    for (int trial = 0; trial < 40; trial++) {
      int64_t first = htf_random_index(&c.stream, c.entries);
      int64_t most = c.entries - first < 1000 ? c.entries - first : 1000;
      int64_t count = 1 + htf_random_index(&c.stream, most);
      cr_assert(htf_entries_read(entries, first, count, run) == HTF_OK);
      cr_assert(memcmp(run, whole + first, (size_t)count * sizeof *run) == 0, "case %d", i);
    }
    htf_entries_destroy(&entries);
    HTF_FREE(whole);
    HTF_FREE(run);
    random_model_free(&c);
  }
}

Test(entries, of_orders_that_no_memory_holds_can_be_read_at_any_place) {
  int64_t shape[30];
  char text[256] = "";
  htf_tree *tree = NULL;
  htf_model *model = NULL;
  htf_entries *entries = NULL;
  double value[2], again;
  for (int n = 0; n < 30; n++) {
    shape[n] = 4;
  }
  cr_assert(htf_tree_from_label("binary", 30, 1, &tree) == HTF_OK);
  cr_assert(htf_tree_newick(tree, text, sizeof text) == HTF_OK);
  cr_assert(htf_model_create(HTF_MODEL_HTF, tree, shape, &model) == HTF_OK);
  double *theta = htf_memory_get((size_t)htf_model_parameters(model), sizeof *theta);
  for (int64_t i = 0; i < htf_model_parameters(model); i++) {
    theta[i] = 1; // width 1: every entry is 1
  }
  theta[htf_model_offset(model, htf_tree_leaf(htf_model_tree(model), 0)) + 3] = 5;
  cr_assert(htf_entries_create(model, theta, 1, &entries) == HTF_OK);
  int64_t places[] = {0, (INT64_C(3) << 58) - 1};
  for (int i = 0; i < 2; i++) {
    cr_assert(htf_entries_read(entries, places[i], 2, value) == HTF_OK);
    cr_assert(htf_entries_read(entries, places[i] + 1, 1, &again) == HTF_OK);
    cr_assert(eq(dbl, value[0], 1));
    cr_assert(eq(dbl, value[1], i == 0 ? 1 : 5)); // the first with index 3 in mode 0
    cr_assert(eq(dbl, again, value[1]));
  }
  htf_entries_destroy(&entries);
  htf_model_destroy(&model);
  htf_tree_destroy(&tree);
  HTF_FREE(theta);
}

Test(entries, of_too_many_are_refused_with_their_bytes) {
  int64_t shape[64];
  htf_tree *tree = NULL;
  htf_model *model = NULL;
  htf_entries *entries = NULL;
  double theta = 1;
  for (int n = 0; n < 64; n++) {
    shape[n] = 4;
  }
  cr_assert(htf_tree_from_label("binary", 64, 1, &tree) == HTF_OK);
  cr_assert(htf_model_create(HTF_MODEL_HTF, tree, shape, &model) == HTF_OK);
  cr_assert(htf_entries_create(model, &theta, 1, &entries) == HTF_E_MEMORY);
  cr_assert(strstr(htf_error_message(), "bytes") != NULL);
  htf_model_destroy(&model);
  htf_tree_destroy(&tree);
}

Test(entries, give_everything_back_when_memory_ends) {
  random_model c = make(cases[1].tree, cases[1].order, cases[1].shape);
  int64_t blocks = htf_memory_blocks(), nth = 1;
  for (htf_status status = HTF_E_MEMORY; status != HTF_OK; nth++) {
    htf_entries *entries = NULL;
    htf_memory_fail_at(nth);
    status = htf_entries_create(c.model, c.theta, 1, &entries);
    htf_memory_fail_at(0);
    cr_assert(status == HTF_OK || status == HTF_E_MEMORY);
    htf_entries_destroy(&entries);
    cr_assert(eq(i64, htf_memory_blocks(), blocks));
  }
  cr_assert(lt(i64, 8, nth));
  random_model_free(&c);
}

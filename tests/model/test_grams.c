// SPDX-License-Identifier: BSD-3-Clause
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "random_model.h"

// theta with the other components of v taken out: their rows of W^(v), or where these are
// frozen their columns of the first child's.
static double *alone(const random_model *c, int v, int64_t r) {
  double *theta = htf_memory_get((size_t)c->parameters, sizeof *theta);
  memcpy(theta, c->theta, (size_t)c->parameters * sizeof *theta);
  bool frozen = htf_model_offset(c->model, v) < 0;
  int w = frozen ? htf_tree_child(c->tree, v, 0) : v;
  int64_t rows = htf_model_rows(c->model, w), cols = htf_model_cols(c->model, w);
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t j = 0; j < cols; j++) {
      if ((frozen ? j : i) != r) {
        theta[htf_model_offset(c->model, w) + i * cols + j] = 0;
      }
    }
  }
  return theta;
}

// Gram matrices keep half the digits of a norm that cancels: none does here by much.
Test(grams, norms_of_parts_are_those_of_their_tensors) {
  for (int i = 0; i < 30; i++) {
    random_model c = random_model_make((uint64_t)i, random_kind(i));
    double *norms = htf_memory_get(4096, sizeof *norms);
    int64_t at = 0;
    cr_assert(htf_model_part_norms(c.model, c.theta, norms) == HTF_OK);
    for (int v = 0; v < htf_tree_nodes(c.tree); v++) {
      int64_t width = htf_tree_children(c.tree, v) > 0 ? htf_model_rows(c.model, v) : 0;
      for (int64_t r = 0; r < width; r++, at++) {
        double *theta = alone(&c, v, r), *tensor = naive_tensor(&c, theta, NULL), sum = 0;
        for (int64_t k = 0; k < c.entries; k++) {
          sum += tensor[k] * tensor[k];
        }
        cr_assert(epsilon_eq(dbl, norms[at], sqrt(sum), 1e-9 * sqrt(sum)),
                  "model %d, node %d, component %d", i, v, (int)r);
        HTF_FREE(theta);
        HTF_FREE(tensor);
      }
    }
    HTF_FREE(norms);
    random_model_free(&c);
  }
  cr_assert(eq(i64, htf_memory_blocks(), 0));
}

Test(grams, give_everything_back_when_memory_ends) {
  random_model c = random_model_make(4, HTF_MODEL_HTF);
  double *norms = htf_memory_get(4096, sizeof *norms);
  int64_t blocks = htf_memory_blocks(), nth = 1;
  for (htf_status status = HTF_E_MEMORY; status != HTF_OK; nth++) {
    htf_memory_fail_at(nth);
    status = htf_model_part_norms(c.model, c.theta, norms);
    htf_memory_fail_at(0);
    cr_assert(status == HTF_OK || status == HTF_E_MEMORY);
    cr_assert(eq(i64, htf_memory_blocks(), blocks));
  }
  cr_assert(lt(i64, 4, nth));
  HTF_FREE(norms);
  random_model_free(&c);
}

// SPDX-License-Identifier: BSD-3-Clause
// The weights flows start from.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "random_model.h"

enum { CASES = 40 };

static random_model make(int i) {
  return random_model_make(700 + (uint64_t)i, random_kind(i));
}

// A model of widths 50, 20, 20, with modes of sizes 30, 30, 40, 40.
static random_model large_model(void) {
  random_model c = {.stream = htf_random_open(1, HTF_RANDOM_TEST, 0)};
  int64_t shape[] = {30, 30, 40, 40};
  htf_tree *tree = NULL;
  cr_assert(htf_tree_parse("((0,1)50,(2,3)20)20;", 0, &tree) == HTF_OK);
  cr_assert(htf_model_create(HTF_MODEL_HTF, tree, shape, &c.model) == HTF_OK);
  htf_tree_destroy(&tree);
  c.tree = htf_model_tree(c.model);
  c.parameters = htf_model_parameters(c.model);
  c.theta = random_doubles(&c.stream, c.parameters);
  return c;
}

// ---- gaussian -------------------------------------------------------------------------

// The mean square of n normals of variance 1 has standard deviation sqrt(2 / n): five of
// them.
Test(initial, draws_gaussian_weights_of_the_std_asked_for) {
  random_model c = large_model();
  int64_t n = c.parameters;
  htf_random stream = htf_random_open(1, HTF_RANDOM_TEST, 1), same = stream;
  htf_model_gaussian(c.model, &stream, 0.01, c.theta);
  cr_assert(epsilon_eq(dbl, dot(n, c.theta, c.theta) / (double)n / 1e-4, 1,
                       5 * sqrt(2 / (double)n)));
  double *again = random_doubles(&same, n);
  for (int64_t i = 0; i < n; i++) {
    cr_assert(eq(dbl, c.theta[i], 0.01 * again[i]));
  }
  HTF_FREE(again);
  random_model_free(&c);
}

// Mean and variance of the n weights of each node, five standard deviations of either.
Test(initial, draws_weights_of_the_law_asked_for_at_each_node) {
  random_model c = large_model();
  htf_normal law = {.mean = 0.3, .std = 2, .width_exponent = 1.5};
  htf_model_normal(c.model, &c.stream, law, c.theta);
  for (int v = 0; v <= htf_tree_root(c.tree); v++) {
    int64_t rows = htf_model_rows(c.model, v), n = rows * htf_model_cols(c.model, v);
    const double *w = c.theta + htf_model_offset(c.model, v);
    double variance = 4 / pow((double)rows, 1.5), mean = 0, square = 0;
    for (int64_t i = 0; i < n; i++) {
      mean += w[i] / (double)n;
      square += (w[i] - 0.3) * (w[i] - 0.3) / (double)n;
    }
    cr_assert(epsilon_eq(dbl, mean, 0.3, 5 * sqrt(variance / (double)n)), "node %d", v);
    cr_assert(epsilon_eq(dbl, square / variance, 1, 5 * sqrt(2 / (double)n)), "node %d", v);
  }
  random_model_free(&c);
}

// ---- orthogonal, identity -------------------------------------------------------------

// Largest deviation of W^T W, or W W^T if that is the smaller, from the identity.
static double deviation(const double *w, int64_t rows, int64_t cols) {
  int64_t small = rows < cols ? rows : cols, large = rows < cols ? cols : rows;
  double worst = 0;
  for (int64_t a = 0; a < small; a++) {
    for (int64_t b = 0; b < small; b++) {
      double sum = 0;
      for (int64_t i = 0; i < large; i++) {
        sum += rows < cols ? w[a * cols + i] * w[b * cols + i]
                           : w[i * cols + a] * w[i * cols + b];
      }
      worst = fmax(worst, fabs(sum - (a == b)));
    }
  }
  return worst;
}

// Householder keeps orthogonality to some roundings.
Test(initial, orthogonal_weights_have_orthonormal_columns_or_rows) {
  int wide = 0, tall = 0;
  for (int i = 0; i < CASES; i++) {
    random_model c = make(i);
    cr_assert(htf_model_orthogonal(c.model, &c.stream, 0.5, c.theta) == HTF_OK);
    for (int64_t k = 0; k < c.parameters; k++) {
      c.theta[k] *= 2; // exact
    }
    for (int v = 0; v <= htf_tree_root(c.tree); v++) {
      int64_t rows = htf_model_rows(c.model, v), cols = htf_model_cols(c.model, v);
      if (htf_model_offset(c.model, v) >= 0) {
        cr_assert(
            lt(dbl, deviation(c.theta + htf_model_offset(c.model, v), rows, cols), 1e-14),
            "model %d node %d", i, v);
        wide += rows < cols;
        tall += rows > cols && cols > 1;
      }
    }
    random_model_free(&c);
  }
  cr_assert(wide > 10 && tall > 10);
}

// Rotations and reflections of the plane in equal parts, and angles even over the circle:
// for Haar the moments E q^2 = 1/2, E q^4 = 3/8 of an entry, and the mean of each entry, of
// each sign of the determinant and of the trace is 0 (Householder's own signs would give
// one sign only). 4000 draws: five standard deviations.
Test(initial, orthogonal_weights_are_evenly_distributed) {
  enum { DRAWS = 4000 };
  htf_tree *tree = NULL;
  htf_model *model = NULL;
  int64_t shape[] = {2, 2};
  double theta[10], mean[4] = {0}, square[4] = {0}, fourth[4] = {0}, sign = 0;
  htf_random stream = htf_random_open(4, HTF_RANDOM_TEST, 0);
  cr_assert(htf_tree_parse("(0,1)2;", 0, &tree) == HTF_OK);
  cr_assert(htf_model_create(HTF_MODEL_HTF, tree, shape, &model) == HTF_OK);
  for (int draw = 0; draw < DRAWS; draw++) {
    cr_assert(htf_model_orthogonal(model, &stream, 1, theta) == HTF_OK);
    for (int i = 0; i < 4; i++) {
      mean[i] += theta[i] / DRAWS;
      square[i] += pow(theta[i], 2) / DRAWS;
      fourth[i] += pow(theta[i], 4) / DRAWS;
    }
    sign += (theta[0] * theta[3] - theta[1] * theta[2] > 0 ? 1.0 : -1.0) / DRAWS;
  }
  for (int i = 0; i < 4; i++) {
    cr_assert(epsilon_eq(dbl, mean[i], 0, 5 * sqrt(1.0 / 2 / DRAWS)));
    cr_assert(epsilon_eq(dbl, square[i], 0.5, 5 * sqrt(1.0 / 8 / DRAWS)));
    cr_assert(epsilon_eq(dbl, fourth[i], 3.0 / 8, 5 * sqrt(17.0 / 128 / DRAWS)));
  }
  cr_assert(epsilon_eq(dbl, sign, 0, 5 / sqrt(DRAWS)));
  htf_model_destroy(&model);
  htf_tree_destroy(&tree);
}

Test(initial, identity_weights_are_the_std_on_the_diagonal) {
  for (int i = 0; i < CASES; i++) {
    random_model c = make(i);
    htf_model_identity(c.model, 0.7, c.theta);
    for (int v = 0; v <= htf_tree_root(c.tree); v++) {
      int64_t rows = htf_model_rows(c.model, v), cols = htf_model_cols(c.model, v);
      int64_t offset = htf_model_offset(c.model, v);
      for (int64_t k = 0; offset >= 0 && k < rows * cols; k++) {
        cr_assert(eq(dbl, c.theta[offset + k], k / cols == k % cols ? 0.7 : 0.0));
      }
    }
    random_model_free(&c);
  }
}

// A product of L squares: std^L on the diagonal.
Test(initial, identity_weights_make_an_identity_of_a_matrix_factorization) {
  random_model c = {.order = 2, .entries = 25, .shape = {5, 5}};
  htf_tree *tree = NULL;
  cr_assert(htf_tree_chain(6, 5, &tree) == HTF_OK);
  cr_assert(htf_model_create(HTF_MODEL_MF, tree, c.shape, &c.model) == HTF_OK);
  htf_tree_destroy(&tree);
  c.tree = htf_model_tree(c.model);
  cr_assert(eq(i64, htf_model_parameters(c.model), 6 * 25));
  c.theta = htf_memory_get(6 * 25, sizeof *c.theta);
  htf_model_identity(c.model, 0.5, c.theta);
  double *tensor = naive_tensor(&c, c.theta, NULL);
  for (int k = 0; k < 25; k++) {
    cr_assert(eq(dbl, tensor[k], k % 6 == 0 ? 0x1p-6 : 0.0));
  }
  HTF_FREE(tensor);
  random_model_free(&c);
}

// ---- unbalanced -----------------------------------------------------------------------

static double unbalancedness(const random_model *c, double *largest) {
  int64_t count = htf_model_vector_count(c->model);
  double *norms2 = htf_memory_get((size_t)count, sizeof *norms2);
  htf_model_vector_norms2(c->model, c->theta, norms2);
  double magnitude = htf_model_unbalancedness(c->model, norms2);
  *largest = 0;
  for (int64_t k = 0; k < count; k++) {
    *largest = fmax(*largest, norms2[k]);
  }
  HTF_FREE(norms2);
  return magnitude;
}

// Balanced, all vectors of a component have the square norm sigma^(2 / K): the largest of
// them is what the bounds of the door refer to.
Test(initial, unbalance_is_controlled_and_keeps_the_tensor) {
  for (int i = 0; i < CASES; i++) {
    random_model c = make(i);
    double *tensor = naive_tensor(&c, c.theta, NULL), largest, unused, last = 0;
    cr_assert(htf_model_balance(c.model, c.theta) == HTF_OK);
    cr_assert(lt(dbl, unbalancedness(&c, &largest), 1e-12 * largest));
    for (double delta = 1e-3; delta < 2; delta *= 10) {
      cr_assert(htf_model_unbalance(c.model, delta, c.theta) == HTF_OK);
      double *kept = naive_tensor(&c, c.theta, NULL), f = (1 + delta) * (1 + delta);
      double magnitude = unbalancedness(&c, &unused);
      cr_assert(lt(dbl, distance(c.entries, kept, tensor), 1e-12), "model %d", i);
      cr_assert(ge(dbl, magnitude, (1 - 1 / f) * largest * (1 - 1e-10)), "model %d", i);
      cr_assert(le(dbl, magnitude, (f * f - 1 / f / f) * largest * (1 + 1e-10)));
      cr_assert(lt(dbl, last, magnitude), "model %d", i);
      last = magnitude;
      HTF_FREE(kept);
    }
    HTF_FREE(tensor);
    random_model_free(&c);
  }
}

// Whatever the component: none stays balanced, in a chain or out of it.
Test(initial, unbalance_leaves_no_component_balanced) {
  for (int i = 0; i < CASES; i++) {
    random_model c = make(i);
    int64_t count = htf_model_vector_count(c.model);
    double *norms2 = htf_memory_get((size_t)count, sizeof *norms2);
    const double *next = norms2;
    cr_assert(htf_model_unbalance(c.model, 0.1, c.theta) == HTF_OK);
    htf_model_vector_norms2(c.model, c.theta, norms2);
    for (int v = 0; v <= htf_tree_root(c.tree); v++) {
      int vectors = htf_model_component_vectors(c.model, v);
      for (int r = 0; r < htf_tree_width(c.tree, v); r++, next += vectors) {
        double low = next[0], high = next[0];
        for (int j = 1; j < vectors; j++) {
          low = fmin(low, next[j]);
          high = fmax(high, next[j]);
        }
        cr_assert(ge(dbl, high / low, 1.1 * 1.1 * (1 - 1e-10)), "model %d node %d", i, v);
      }
    }
    HTF_FREE(norms2);
    random_model_free(&c);
  }
}

Test(initial, unbalance_by_nothing_balances_and_by_less_is_refused) {
  random_model c = make(1);
  double largest;
  double *kept = moved(c.parameters, c.theta, 0, c.theta);
  cr_assert(htf_model_unbalance(c.model, -0.1, c.theta) == HTF_E_CONFIG);
  cr_assert(htf_model_unbalance(c.model, NAN, c.theta) == HTF_E_CONFIG);
  cr_assert(memcmp(kept, c.theta, (size_t)c.parameters * sizeof *kept) == 0);
  cr_assert(htf_model_unbalance(c.model, 0, c.theta) == HTF_OK);
  cr_assert(lt(dbl, unbalancedness(&c, &largest), 1e-12 * largest));
  HTF_FREE(kept);
  random_model_free(&c);
}

// ---- memory ---------------------------------------------------------------------------

Test(initial, gives_everything_back_when_memory_ends) {
  random_model c = make(1);
  int64_t blocks = htf_memory_blocks();
  for (int what = 0; what < 2; what++) {
    int64_t nth = 1;
    double *kept = moved(c.parameters, c.theta, 0, c.theta);
    for (htf_status status = HTF_E_MEMORY; status != HTF_OK; nth++) {
      htf_memory_fail_at(nth);
      status = what == 0 ? htf_model_unbalance(c.model, 0.1, c.theta)
                         : htf_model_orthogonal(c.model, &c.stream, 0.1, c.theta);
      htf_memory_fail_at(0);
      cr_assert(status == HTF_OK || status == HTF_E_MEMORY);
      cr_assert(status == HTF_OK ||
                memcmp(kept, c.theta, (size_t)c.parameters * sizeof *kept) == 0);
      cr_assert(eq(i64, htf_memory_blocks(), blocks + 1));
    }
    cr_assert(lt(i64, 4, nth));
    HTF_FREE(kept);
  }
  random_model_free(&c);
  cr_assert(eq(i64, htf_memory_blocks(), 0));
}

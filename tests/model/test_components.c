// SPDX-License-Identifier: BSD-3-Clause
// The [checked] identities of theory.md section 3.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "htflow/evaluation.h"
#include "random_model.h"

enum { CASES = 40 };

static random_model make(int i) {
  return random_model_make(500 + (uint64_t)i, random_kind(i));
}

static bool is_interior(const random_model *c, int v) {
  return htf_tree_children(c->tree, v) > 0;
}

static double *norms_of(const random_model *c, int v, const double *theta) {
  double *sigma = htf_memory_get((size_t)htf_model_rows(c->model, v), sizeof *sigma);
  cr_assert(htf_model_component_norms(c->model, v, theta, sigma) == HTF_OK);
  return sigma;
}

// sigma C of theory.md section 3 from its definition: the end tensor with all rows of W^(v)
// but r set to zero.
static double *part_through(const random_model *c, int v, int64_t r) {
  int64_t rows = htf_model_rows(c->model, v), cols = htf_model_cols(c->model, v);
  int64_t offset = htf_model_offset(c->model, v);
  double *theta = moved(c->parameters, c->theta, 0, c->theta);
  double ones[RANDOM_WIDTH] = {0};
  ones[r] = 1;
  for (int64_t i = 0; offset >= 0 && i < rows * cols; i++) {
    theta[offset + i] *= i / cols == r;
  }
  double *part = naive_tensor(c, theta, offset < 0 ? ones : NULL);
  HTF_FREE(theta);
  return part;
}

// The loss sum_k a_k (W_k - t_k)^2 over all entries with random weights a and targets t:
// its gradient with respect to the tensor and to theta.
typedef struct gradients {
  double *tensor, *theta;
} gradients;

static gradients gradients_of(random_model *c) {
  htf_points *points = NULL;
  htf_evaluation *evaluation = NULL;
  gradients g = {.tensor = naive_tensor(c, c->theta, NULL)};
  int64_t *indices = htf_memory_get((size_t)(c->entries * c->order), sizeof *indices);
  double *a = random_doubles(&c->stream, c->entries), *y = naive_tensor(c, c->theta, NULL);
  double *t = random_doubles(&c->stream, c->entries);
  for (int64_t k = 0; k < c->entries; k++) {
    entry_index(c, k, indices + k * c->order);
    g.tensor[k] = 2 * a[k] * a[k] * (y[k] - t[k]);
  }
  g.theta = htf_memory_get((size_t)c->parameters, sizeof *g.theta);
  cr_assert(htf_points_create(c->tree, c->shape, c->entries, indices, &points) == HTF_OK);
  cr_assert(htf_evaluation_create(c->model, points, HTF_USE_GRADIENT, &evaluation) ==
            HTF_OK);
  htf_evaluation_forward(evaluation, c->theta, y);
  htf_evaluation_pullback(evaluation, c->theta, g.tensor, g.theta);
  htf_evaluation_destroy(&evaluation);
  htf_points_destroy(&points);
  HTF_FREE(indices);
  HTF_FREE(a);
  HTF_FREE(y);
  HTF_FREE(t);
  return g;
}

static void free_gradients(gradients *g) {
  HTF_FREE(g->tensor);
  HTF_FREE(g->theta);
}

// ---- the directions -------------------------------------------------------------------

Test(components, add_up_to_the_tensor_at_every_node) {
  for (int i = 0; i < CASES; i++) {
    random_model c = make(i);
    double *tensor = naive_tensor(&c, c.theta, NULL);
    for (int v = 0; v <= htf_tree_root(c.tree); v++) {
      double *sum = htf_memory_get((size_t)c.entries, sizeof *sum);
      for (int64_t r = 0; is_interior(&c, v) && r < htf_model_rows(c.model, v); r++) {
        double *part = part_through(&c, v, r), *more = moved(c.entries, sum, 1, part);
        HTF_FREE(part);
        HTF_FREE(sum);
        sum = more;
      }
      if (is_interior(&c, v)) {
        cr_assert(lt(dbl, distance(c.entries, sum, tensor), 1e-13), "model %d", i);
      }
      HTF_FREE(sum);
    }
    HTF_FREE(tensor);
    random_model_free(&c);
  }
}

// sigma is what makes C free of scale: multiplying vectors multiplies sigma alike.
Test(components, have_the_product_of_their_vectors_norms) {
  for (int i = 0; i < CASES; i++) {
    random_model c = make(i);
    double *norms2 =
        htf_memory_get((size_t)htf_model_vector_count(c.model), sizeof *norms2);
    const double *next = norms2;
    htf_model_vector_norms2(c.model, c.theta, norms2);
    for (int v = 0; v <= htf_tree_root(c.tree); v++) {
      if (!is_interior(&c, v)) {
        continue;
      }
      double *sigma = norms_of(&c, v, c.theta);
      int vectors = htf_model_component_vectors(c.model, v);
      int64_t frozen = htf_model_offset(c.model, v) < 0;
      cr_assert(eq(int, vectors, htf_tree_children(c.tree, v) + (frozen ? 0 : 1)));
      for (int64_t r = 0; r < htf_model_rows(c.model, v); r++) {
        double product = 1;
        for (int j = 0; j < vectors; j++) {
          bool row = j == htf_tree_children(c.tree, v);
          int w = row ? v : htf_tree_child(c.tree, v, j);
          int64_t cols = htf_model_cols(c.model, w),
                  count = row ? cols : htf_model_rows(c.model, w);
          const double *x = c.theta + htf_model_offset(c.model, w) + (row ? r * cols : r);
          double sum = 0;
          for (int64_t k = 0; k < count; k++) {
            sum += x[row ? k : k * cols] * x[row ? k : k * cols];
          }
          cr_assert(epsilon_eq(dbl, *next, sum, 1e-14 * sum));
          product *= sqrt(sum);
          next++;
        }
        cr_assert(epsilon_eq(dbl, sigma[r], product, 1e-14 * product));
      }
      HTF_FREE(sigma);
    }
    cr_assert(eq(i64, next - norms2, htf_model_vector_count(c.model)));
    HTF_FREE(norms2);
    random_model_free(&c);
  }
}

Test(components, are_driven_by_the_gradient_along_their_direction) {
  for (int i = 0; i < CASES; i++) {
    random_model c = make(i);
    gradients g = gradients_of(&c);
    for (int v = 0; v <= htf_tree_root(c.tree); v++) {
      double drive[RANDOM_WIDTH];
      if (!is_interior(&c, v) || htf_model_offset(c.model, v) < 0) {
        continue;
      }
      htf_model_component_drive(c.model, v, c.theta, g.theta, drive);
      for (int64_t r = 0; r < htf_model_rows(c.model, v); r++) {
        double *part = part_through(&c, v, r); // sigma C
        double scale = norm(c.entries, g.tensor) * norm(c.entries, part);
        cr_assert(epsilon_eq(dbl, drive[r], dot(c.entries, g.tensor, part), 1e-13 * scale),
                  "model %d", i);
        HTF_FREE(part);
      }
    }
    free_gradients(&g);
    random_model_free(&c);
  }
}

// ---- the flow -------------------------------------------------------------------------

// d/dt of all squared norms under theta' = -grad: by differences, exact for a square; over
// a time in which theta moves by about itself, so that no digits cancel.
static double *norm_rates(const random_model *c, const double *gradient) {
  int64_t count = htf_model_vector_count(c->model);
  double h = norm(c->parameters, c->theta) / norm(c->parameters, gradient);
  double *up = moved(c->parameters, c->theta, -h / 2, gradient);
  double *down = moved(c->parameters, c->theta, h / 2, gradient);
  double *rates = htf_memory_get((size_t)count, sizeof *rates);
  double *less = htf_memory_get((size_t)count, sizeof *less);
  htf_model_vector_norms2(c->model, up, rates);
  htf_model_vector_norms2(c->model, down, less);
  for (int64_t k = 0; k < count; k++) {
    rates[k] = (rates[k] - less[k]) / h;
  }
  HTF_FREE(up);
  HTF_FREE(down);
  HTF_FREE(less);
  return rates;
}

// d sigma/dt by differences along the flow, against sigma^2 <-grad L(W), C> sum ||w||^-2
// with C from its definition.
Test(components, obey_the_exact_law) {
  for (int i = 0; i < CASES; i++) {
    random_model c = make(i);
    gradients g = gradients_of(&c);
    double h = 1e-5 / norm(c.parameters, g.theta); // errors h^2 and 1e-16 / 1e-5
    double *ahead = moved(c.parameters, c.theta, -h, g.theta);
    double *behind = moved(c.parameters, c.theta, h, g.theta);
    double *norms2 =
        htf_memory_get((size_t)htf_model_vector_count(c.model), sizeof *norms2);
    const double *next = norms2;
    htf_model_vector_norms2(c.model, c.theta, norms2);
    for (int v = 0; v <= htf_tree_root(c.tree); v++) {
      if (!is_interior(&c, v)) {
        continue;
      }
      double *sigma = norms_of(&c, v, c.theta), *after = norms_of(&c, v, ahead);
      double *before = norms_of(&c, v, behind);
      for (int64_t r = 0; r < htf_model_rows(c.model, v); r++) {
        double inverse = 0, *part = part_through(&c, v, r);
        for (int j = 0; j < htf_model_component_vectors(c.model, v); j++) {
          inverse += 1 / *next++;
        }
        double rate = (after[r] - before[r]) / (2 * h);
        double law = -sigma[r] * dot(c.entries, g.tensor, part) * inverse;
        double scale =
            sigma[r] * norm(c.entries, g.tensor) * norm(c.entries, part) * inverse;
        cr_assert(epsilon_eq(dbl, rate, law, 1e-7 * scale + 1e-10 * sigma[r] / h),
                  "model %d", i);
        HTF_FREE(part);
      }
      HTF_FREE(sigma);
      HTF_FREE(after);
      HTF_FREE(before);
    }
    HTF_FREE(norms2);
    HTF_FREE(ahead);
    HTF_FREE(behind);
    free_gradients(&g);
    random_model_free(&c);
  }
}

// The differences' error is that of rounding sums of squares.
Test(components, change_their_squared_norms_at_the_rates_told) {
  for (int i = 0; i < CASES; i++) {
    random_model c = make(i);
    gradients g = gradients_of(&c);
    double *expected = norm_rates(&c, g.theta);
    int64_t count = htf_model_vector_count(c.model);
    double *rates = htf_memory_get((size_t)count, sizeof *rates);
    htf_model_vector_rates(c.model, c.theta, g.theta, rates);
    double scale = norm(c.parameters, g.theta) * norm(c.parameters, c.theta);
    for (int64_t k = 0; k < count; k++) {
      cr_assert(epsilon_eq(dbl, rates[k], expected[k], 1e-13 * scale), "model %d", i);
    }
    HTF_FREE(rates);
    HTF_FREE(expected);
    free_gradients(&g);
    random_model_free(&c);
  }
}

// All vectors of a component grow alike, by 2 <-grad L, sigma C>.
Test(components, keep_the_differences_of_squared_norms) {
  for (int i = 0; i < CASES; i++) {
    random_model c = make(i);
    gradients g = gradients_of(&c);
    double *rates = htf_memory_get((size_t)htf_model_vector_count(c.model), sizeof *rates);
    const double *next = rates;
    htf_model_vector_rates(c.model, c.theta, g.theta, rates);
    double scale = norm(c.parameters, g.theta) * norm(c.parameters, c.theta);
    for (int v = 0; v <= htf_tree_root(c.tree); v++) {
      for (int64_t r = 0; is_interior(&c, v) && r < htf_model_rows(c.model, v); r++) {
        double *part = part_through(&c, v, r);
        double growth = -2 * dot(c.entries, g.tensor, part);
        for (int j = 0; j < htf_model_component_vectors(c.model, v); j++, next++) {
          cr_assert(epsilon_eq(dbl, *next, growth, 1e-12 * scale), "model %d", i);
        }
        HTF_FREE(part);
      }
    }
    HTF_FREE(rates);
    free_gradients(&g);
    random_model_free(&c);
  }
}

// One step of descent changes the conserved differences by h^2 (||g_w||^2 - ||g_w'||^2).
Test(components, drift_by_the_square_of_a_descents_step) {
  random_model c = make(1);
  gradients g = gradients_of(&c);
  int64_t count = htf_model_vector_count(c.model);
  double *start = htf_memory_get((size_t)count, sizeof *start);
  double *here = htf_memory_get((size_t)count, sizeof *here);
  double drift[2];
  htf_model_vector_norms2(c.model, c.theta, start);
  for (int i = 0; i < 2; i++) {
    double *theta = moved(c.parameters, c.theta, i == 0 ? -1e-3 : -2e-3, g.theta);
    htf_model_vector_norms2(c.model, theta, here);
    drift[i] = htf_model_unbalancedness_drift(c.model, here, start);
    HTF_FREE(theta);
  }
  cr_assert(lt(dbl, 0, drift[0]));
  cr_assert(epsilon_eq(dbl, drift[1] / drift[0], 4, 1e-6));
  cr_assert(eq(dbl, htf_model_unbalancedness_drift(c.model, start, start), 0));
  HTF_FREE(start);
  HTF_FREE(here);
  free_gradients(&g);
  random_model_free(&c);
}

Test(components, are_as_unbalanced_as_their_worst_pair) {
  htf_tree *tree = NULL;
  htf_model *model = NULL;
  int64_t shape[] = {2, 2};
  double norms2[6];
  // W^(0) rows (1, 2), (3, 4); W^(1) rows (5, 6), (7, 8); root (9, 10).
  double theta[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, other[] = {10, 74, 81, 20, 100, 107};
  cr_assert(htf_tree_parse("(0,1)2;", 0, &tree) == HTF_OK);
  cr_assert(htf_model_create(HTF_MODEL_HTF, tree, shape, &model) == HTF_OK);
  cr_assert(eq(i64, htf_model_vector_count(model), 6));
  htf_model_vector_norms2(model, theta, norms2);
  double expected[] = {10, 74, 81, 20, 100, 100};
  for (int i = 0; i < 6; i++) {
    cr_assert(eq(dbl, norms2[i], expected[i]));
  }
  cr_assert(eq(dbl, htf_model_unbalancedness(model, norms2), 80));
  cr_assert(eq(dbl, htf_model_unbalancedness_drift(model, other, norms2), 7));
  htf_model_destroy(&model);
  htf_tree_destroy(&tree);
}

Test(components, give_everything_back_when_memory_ends) {
  random_model c = make(1);
  double sigma[RANDOM_WIDTH];
  int64_t blocks = htf_memory_blocks();
  htf_memory_fail_at(1);
  cr_assert(htf_model_component_norms(c.model, htf_tree_root(c.tree), c.theta, sigma) ==
            HTF_E_MEMORY);
  cr_assert(eq(i64, htf_memory_blocks(), blocks));
  random_model_free(&c);
  cr_assert(eq(i64, htf_memory_blocks(), 0));
}

// SPDX-License-Identifier: BSD-3-Clause
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "htflow/evaluation.h"
#include "random_model.h"

enum { CASES = 60 };

// A random model at points, with all that its verbs make.
typedef struct scene {
  random_model c;
  int64_t m;
  int64_t *indices;
  htf_points *points;
  htf_evaluation *evaluation;
  double *y, *e, *gradient, *direction, *dy, *de, *product;
} scene;

static void set_points(scene *s, int64_t m) {
  s->m = m;
  s->indices = htf_memory_get((size_t)(m * s->c.order), sizeof *s->indices);
  for (int64_t k = 0; k < m * s->c.order; k++) {
    s->indices[k] = htf_random_index(&s->c.stream, s->c.shape[k % s->c.order]);
  }
}

static void open_scene(scene *s, htf_evaluation_use use) {
  cr_assert(htf_points_create(s->c.tree, s->c.shape, s->m, s->indices, &s->points) ==
            HTF_OK);
  cr_assert(htf_evaluation_create(s->c.model, s->points, use, &s->evaluation) == HTF_OK);
  s->y = random_doubles(&s->c.stream, s->m);
  s->e = random_doubles(&s->c.stream, s->m);
  s->dy = random_doubles(&s->c.stream, s->m);
  s->de = random_doubles(&s->c.stream, s->m);
  s->gradient = random_doubles(&s->c.stream, s->c.parameters);
  s->direction = random_doubles(&s->c.stream, s->c.parameters);
  s->product = random_doubles(&s->c.stream, s->c.parameters);
}

// Matrices beyond what is small, rows a power of two apart, a width that needs padding.
static random_model wide_model(void) {
  random_model c = {.stream = htf_random_open(9, HTF_RANDOM_TEST, 0), .order = 5};
  int64_t shape[] = {3, 2, 3, 2, 4};
  htf_tree *tree = NULL;
  memcpy(c.shape, shape, sizeof shape);
  cr_assert(htf_tree_parse("((0,2)256,(4,(1,3)150)130)256;", 0, &tree) == HTF_OK);
  cr_assert(htf_model_create(HTF_MODEL_HTF, tree, shape, &c.model) == HTF_OK);
  htf_tree_destroy(&tree);
  c.tree = htf_model_tree(c.model);
  c.parameters = htf_model_parameters(c.model);
  c.theta = random_doubles(&c.stream, c.parameters);
  return c;
}

// Model number i at random points: few (so that modes have unseen indices) or many (so that
// points are there twice). Number CASES is the wide one.
static scene random_scene(int i, htf_evaluation_use use) {
  htf_model_kind kind = i % 3 == 2 ? HTF_MODEL_CP : HTF_MODEL_HTF;
  scene s = {.c = i == CASES ? wide_model() : random_model_make((uint64_t)i, kind)};
  bool few = i < CASES && i % 2 == 0;
  set_points(&s, few ? 1 + htf_random_index(&s.c.stream, 4) : 300);
  open_scene(&s, use);
  return s;
}

static void close_scene(scene *s) {
  htf_evaluation_destroy(&s->evaluation);
  htf_points_destroy(&s->points);
  random_model_free(&s->c);
  HTF_FREE(s->indices);
  HTF_FREE(s->y);
  HTF_FREE(s->e);
  HTF_FREE(s->gradient);
  HTF_FREE(s->direction);
  HTF_FREE(s->dy);
  HTF_FREE(s->de);
  HTF_FREE(s->product);
}

static double *naive_values(const scene *s, const double *theta) {
  double *y = htf_memory_get((size_t)s->m, sizeof *y);
  for (int64_t k = 0; k < s->m; k++) {
    naive_entries(&s->c, theta, NULL, htf_tree_root(s->c.tree), s->indices + k * s->c.order,
                  y + k);
  }
  return y;
}

// Sums of at most 40 x 40 products in another order: 1e-13 is some hundred roundings.
static const double ROUNDING = 1e-13;

Test(evaluation, gives_every_entry_of_the_definition) {
  for (int i = 0; i < CASES; i++) {
    htf_model_kind kind = i % 3 == 2 ? HTF_MODEL_CP : HTF_MODEL_HTF;
    scene s = {.c = random_model_make(1000 + (uint64_t)i, kind)};
    s.m = s.c.entries;
    s.indices = htf_memory_get((size_t)(s.m * s.c.order), sizeof *s.indices);
    for (int64_t k = 0; k < s.m; k++) {
      entry_index(&s.c, k, s.indices + k * s.c.order);
    }
    open_scene(&s, (htf_evaluation_use)(i % 3));
    htf_evaluation_forward(s.evaluation, s.c.theta, s.y);
    double *tensor = naive_tensor(&s.c, s.c.theta, NULL);
    cr_assert(lt(dbl, distance(s.m, s.y, tensor), ROUNDING), "model %d", i);
    HTF_FREE(tensor);
    close_scene(&s);
  }
}

Test(evaluation, keeps_the_order_of_points_and_their_duplicates) {
  for (int i = 0; i <= CASES; i++) {
    scene s = random_scene(i, HTF_USE_VALUES);
    double *y = naive_values(&s, s.c.theta);
    htf_evaluation_forward(s.evaluation, s.c.theta, s.y);
    for (int64_t k = 0; k < s.m; k++) {
      double scale = norm(s.m, y) / sqrt((double)s.m);
      cr_assert(epsilon_eq(dbl, s.y[k], y[k], ROUNDING * 10 * scale), "model %d", i);
    }
    HTF_FREE(y);
    close_scene(&s);
  }
}

// dy by differences of the naive definition; the model is a polynomial, so central
// differences with h = 1e-5 err by h^2 times a ratio of coefficients and by 1e-16 / h.
Test(evaluation, has_the_tangent_of_the_definition) {
  for (int i = 0; i <= CASES; i++) {
    scene s = random_scene(i, HTF_USE_HESSIAN);
    double *up = moved(s.c.parameters, s.c.theta, 1e-5, s.direction);
    double *down = moved(s.c.parameters, s.c.theta, -1e-5, s.direction);
    double *y_up = naive_values(&s, up), *y_down = naive_values(&s, down);
    htf_evaluation_forward(s.evaluation, s.c.theta, s.y);
    htf_evaluation_tangent(s.evaluation, s.c.theta, s.direction, s.dy);
    for (int64_t k = 0; k < s.m; k++) {
      y_up[k] = (y_up[k] - y_down[k]) / 2e-5;
    }
    cr_assert(lt(dbl, distance(s.m, s.dy, y_up), 1e-7), "model %d", i);
    HTF_FREE(up);
    HTF_FREE(down);
    HTF_FREE(y_up);
    HTF_FREE(y_down);
    close_scene(&s);
  }
}

// <e, J d> = <J^T e, d>: exact, whatever e and d.
Test(evaluation, pulls_back_by_the_transpose_of_the_tangent) {
  for (int i = 0; i <= CASES; i++) {
    scene s = random_scene(i, HTF_USE_HESSIAN);
    htf_evaluation_forward(s.evaluation, s.c.theta, s.y);
    htf_evaluation_pullback(s.evaluation, s.c.theta, s.e, s.gradient);
    htf_evaluation_tangent(s.evaluation, s.c.theta, s.direction, s.dy);
    double scale = norm(s.m, s.e) * norm(s.m, s.dy) +
                   norm(s.c.parameters, s.gradient) * norm(s.c.parameters, s.direction);
    cr_assert(epsilon_eq(dbl, dot(s.m, s.e, s.dy),
                         dot(s.c.parameters, s.gradient, s.direction), ROUNDING * scale),
              "model %d", i);
    close_scene(&s);
  }
}

// Entry by entry of theta, so that no parameter is left out; J^T e by naive differences.
Test(evaluation, pulls_back_to_every_parameter) {
  for (int i = 0; i < CASES; i += 5) {
    scene s = random_scene(i, HTF_USE_GRADIENT);
    double *expected = htf_memory_get((size_t)s.c.parameters, sizeof *expected);
    htf_evaluation_forward(s.evaluation, s.c.theta, s.y);
    htf_evaluation_pullback(s.evaluation, s.c.theta, s.e, s.gradient);
    for (int64_t p = 0; p < s.c.parameters; p++) {
      double kept = s.c.theta[p], h = 0.5; // y is linear in one parameter: any h is exact
      s.c.theta[p] = kept + h;
      double *up = naive_values(&s, s.c.theta);
      s.c.theta[p] = kept - h;
      double *down = naive_values(&s, s.c.theta);
      s.c.theta[p] = kept;
      expected[p] = (dot(s.m, s.e, up) - dot(s.m, s.e, down)) / (2 * h);
      HTF_FREE(up);
      HTF_FREE(down);
    }
    cr_assert(lt(dbl, distance(s.c.parameters, s.gradient, expected), 1e-12), "model %d",
              i);
    HTF_FREE(expected);
    close_scene(&s);
  }
}

// The gradient at theta of sum_k (y_k - e_k)^2, from scratch.
static double *loss_gradient(scene *s, const double *theta) {
  double *slopes = htf_memory_get((size_t)s->m, sizeof *slopes);
  double *gradient = htf_memory_get((size_t)s->c.parameters, sizeof *gradient);
  htf_evaluation_forward(s->evaluation, theta, slopes);
  for (int64_t k = 0; k < s->m; k++) {
    slopes[k] = 2 * (slopes[k] - s->e[k]);
  }
  htf_evaluation_pullback(s->evaluation, theta, slopes, gradient);
  HTF_FREE(slopes);
  return gradient;
}

// The Hessian of that loss at s.c.theta times a direction.
static double *hessian_product(scene *s, const double *direction) {
  double *product = random_doubles(&s->c.stream, s->c.parameters);
  double *gradient = loss_gradient(s, s->c.theta);
  htf_evaluation_tangent(s->evaluation, s->c.theta, direction, s->dy);
  for (int64_t k = 0; k < s->m; k++) {
    s->de[k] = 2 * s->dy[k];
  }
  htf_evaluation_second(s->evaluation, s->c.theta, direction, s->de, product);
  HTF_FREE(gradient);
  return product;
}

Test(evaluation, has_the_second_order_product_of_differences) {
  for (int i = 0; i <= CASES; i++) {
    scene s = random_scene(i, HTF_USE_HESSIAN);
    double h = 1e-5; // as for the tangent
    double *product = hessian_product(&s, s.direction);
    double *up = moved(s.c.parameters, s.c.theta, h, s.direction);
    double *down = moved(s.c.parameters, s.c.theta, -h, s.direction);
    double *g_up = loss_gradient(&s, up), *g_down = loss_gradient(&s, down);
    for (int64_t p = 0; p < s.c.parameters; p++) {
      g_up[p] = (g_up[p] - g_down[p]) / (2 * h);
    }
    cr_assert(lt(dbl, distance(s.c.parameters, product, g_up), 1e-7), "model %d", i);
    HTF_FREE(product);
    HTF_FREE(up);
    HTF_FREE(down);
    HTF_FREE(g_up);
    HTF_FREE(g_down);
    close_scene(&s);
  }
}

Test(evaluation, has_a_symmetric_hessian) {
  for (int i = 0; i <= CASES; i++) {
    scene s = random_scene(i, HTF_USE_HESSIAN);
    int64_t n = s.c.parameters;
    double *u = s.direction, *v = s.gradient;
    double *hu = hessian_product(&s, u), *hv = hessian_product(&s, v);
    double scale = norm(n, u) * norm(n, hv) + norm(n, v) * norm(n, hu);
    cr_assert(epsilon_eq(dbl, dot(n, u, hv), dot(n, v, hu), 1e-12 * scale), "model %d", i);
    HTF_FREE(hu);
    HTF_FREE(hv);
    close_scene(&s);
  }
}

Test(evaluation, gives_the_same_for_every_use) {
  for (int i = 0; i <= CASES; i++) {
    scene s = random_scene(i, HTF_USE_VALUES), t = random_scene(i, HTF_USE_GRADIENT),
          u = random_scene(i, HTF_USE_HESSIAN);
    htf_evaluation_forward(s.evaluation, s.c.theta, s.y);
    htf_evaluation_forward(t.evaluation, t.c.theta, t.y);
    htf_evaluation_forward(u.evaluation, u.c.theta, u.y);
    htf_evaluation_pullback(t.evaluation, t.c.theta, t.e, t.gradient);
    htf_evaluation_pullback(u.evaluation, u.c.theta, u.e, u.gradient);
    cr_assert(lt(dbl, distance(s.m, s.y, u.y), ROUNDING));
    cr_assert(lt(dbl, distance(s.m, t.y, u.y), ROUNDING));
    cr_assert(lt(dbl, distance(s.c.parameters, t.gradient, u.gradient), ROUNDING));
    close_scene(&s);
    close_scene(&t);
    close_scene(&u);
  }
}

// A verb run again gives the same bits: nothing of earlier calls is left in the tables, not
// even NaN.
Test(evaluation, forgets_earlier_calls) {
  for (int i = 0; i <= CASES; i++) {
    scene s = random_scene(i, HTF_USE_HESSIAN);
    size_t bytes = (size_t)s.c.parameters * sizeof(double);
    double *first = hessian_product(&s, s.direction);
    double *kept = htf_memory_get(bytes, 1), *nans = htf_memory_get(bytes, 1);
    memcpy(kept, s.c.theta, bytes);
    for (int64_t p = 0; p < s.c.parameters; p++) {
      nans[p] = s.c.theta[p] = NAN;
    }
    double *junk = hessian_product(&s, nans);
    memcpy(s.c.theta, kept, bytes);
    double *second = hessian_product(&s, s.direction);
    cr_assert(isnan(norm(s.c.parameters, junk)));
    cr_assert(memcmp(first, second, bytes) == 0, "model %d", i);
    HTF_FREE(first);
    HTF_FREE(second);
    HTF_FREE(junk);
    HTF_FREE(kept);
    HTF_FREE(nans);
    close_scene(&s);
  }
}

Test(evaluation, of_no_points_has_zero_gradient) {
  for (int i = 0; i < CASES; i++) {
    scene s = {
        .c = random_model_make((uint64_t)i, i % 3 == 2 ? HTF_MODEL_CP : HTF_MODEL_HTF)};
    set_points(&s, 0);
    open_scene(&s, HTF_USE_HESSIAN);
    htf_evaluation_forward(s.evaluation, s.c.theta, s.y);
    htf_evaluation_pullback(s.evaluation, s.c.theta, s.e, s.gradient);
    htf_evaluation_tangent(s.evaluation, s.c.theta, s.direction, s.dy);
    htf_evaluation_second(s.evaluation, s.c.theta, s.direction, s.de, s.product);
    cr_assert(eq(dbl, norm(s.c.parameters, s.gradient), 0));
    cr_assert(eq(dbl, norm(s.c.parameters, s.product), 0));
    close_scene(&s);
  }
}

Test(evaluation, counts_its_matrix_products) {
  htf_tree *tree = NULL;
  htf_model *model = NULL;
  htf_points *points = NULL;
  htf_evaluation *evaluation = NULL;
  int64_t shape[] = {2, 3, 4}, indices[] = {0, 0, 0, 1, 2, 3, 0, 0, 1};
  cr_assert(htf_tree_parse("((0,1)5,2)7;", 0, &tree) == HTF_OK);
  cr_assert(htf_model_create(HTF_MODEL_HTF, tree, shape, &model) == HTF_OK);
  cr_assert(htf_points_create(tree, shape, 3, indices, &points) == HTF_OK);
  cr_assert(htf_evaluation_create(model, points, HTF_USE_GRADIENT, &evaluation) == HTF_OK);
  cr_assert(eq(dbl, htf_evaluation_flops(evaluation), 3 * 2 * 2 * 5 * 7));
  cr_assert(gt(i64, htf_evaluation_bytes(evaluation), 0));
  htf_evaluation_destroy(&evaluation);
  htf_points_destroy(&points);
  htf_model_destroy(&model);
  htf_tree_destroy(&tree);
}

Test(evaluation, gives_everything_back_when_memory_ends) {
  scene s = random_scene(3, HTF_USE_VALUES);
  int64_t blocks = htf_memory_blocks(), nth = 1;
  for (htf_status status = HTF_E_MEMORY; status != HTF_OK; nth++) {
    htf_evaluation *evaluation = NULL;
    htf_memory_fail_at(nth);
    status = htf_evaluation_create(s.c.model, s.points, HTF_USE_HESSIAN, &evaluation);
    htf_memory_fail_at(0);
    cr_assert(status == HTF_OK || status == HTF_E_MEMORY);
    htf_evaluation_destroy(&evaluation);
    cr_assert(eq(i64, htf_memory_blocks(), blocks));
  }
  cr_assert(gt(i64, nth, 3));
  close_scene(&s);
  cr_assert(eq(i64, htf_memory_blocks(), 0));
}

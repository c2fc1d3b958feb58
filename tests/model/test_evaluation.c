// SPDX-License-Identifier: BSD-3-Clause
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "evaluation_impl.h"
#include "random_scene.h"

// Sums of at most 40 x 40 products in another order: 1e-13 is some hundred roundings.
static const double ROUNDING = 1e-13;

Test(evaluation, keeps_the_order_of_points_and_their_duplicates) {
  for (int i = 0; i < SCENES; i++) {
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
  for (int i = 0; i < SCENES; i++) {
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
  for (int i = 0; i < SCENES; i++) {
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
  for (int i = 0; i < RANDOM_SCENES; i += 5) {
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
  for (int i = 0; i < SCENES; i++) {
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
  for (int i = 0; i < SCENES; i++) {
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
  for (int i = 0; i < SCENES; i++) {
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
  for (int i = 0; i < SCENES; i++) {
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
  for (int i = 0; i < RANDOM_SCENES; i++) {
    scene s = {.c = random_model_make((uint64_t)i, random_kind(i))};
    set_points(&s, i % 2 == 0 ? ENTRIES : VECTORS, 0);
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

// Three products of a node below the root, two of a leaf given vectors, three of the root
// over all entries. Traffic in doubles: of that node, of leaves given vectors, of the root,
// and the sums written to all below it.
Test(evaluation, counts_its_matrix_products_and_its_traffic) {
  static const int64_t shape[] = {2, 3, 4};
  int64_t indices[] = {0, 0, 0, 1, 2, 3, 0, 0, 1};
  static const double expected[] = {3 * 2 * 2 * 5 * 7,
                                    3 * 2 * 3 * 5 * 7 + 2 * 2 * 3 * (5 * 2 + 5 * 3 + 7 * 4),
                                    3 * 2 * 6 * 5 * 7 + 3 * 2 * 24 * 7};
  static const double traffic[] = {247 + 90 + 67, 318 + 262 + 90 + 72, 531 + 282 + 95};
  for (int form = ENTRIES; form <= ALL; form++) {
    scene s = {.c = model_of("((0,1)5,2)7;", 3, shape)};
    set_points(&s, (points_form)form, 3);
    if (form == ENTRIES) {
      memcpy(s.indices, indices, sizeof indices);
    }
    open_scene(&s, HTF_USE_GRADIENT);
    cr_assert(eq(dbl, htf_evaluation_flops(s.evaluation), expected[form]));
    cr_assert(eq(dbl, htf_evaluation_traffic(s.evaluation), 8 * traffic[form]));
    cr_assert(lt(i64, 0, htf_evaluation_bytes(s.evaluation)));
    close_scene(&s);
  }
}

// Of a root over two interior children: 3 products of a child's table with the core, which
// is 3 products itself, unless 3 with each child's matrix are less.
Test(evaluation, joins_the_roots_children_where_that_is_less_work) {
  static const int64_t shape[] = {2, 3, 3, 4};
  for (int m = 3; m <= 300; m += 297) {
    scene s = {.c = model_of("((0,1)5,(2,3)4)7;", 4, shape)};
    set_points(&s, ENTRIES, m);
    open_scene(&s, HTF_USE_GRADIENT);
    double n1 = (double)htf_points_rows(s.points, 2),
           n2 = (double)htf_points_rows(s.points, 5);
    double apart = 3 * 2 * (n1 * 5 * 7 + n2 * 4 * 7);
    double joined = 3 * 2 * (n1 * 5 * 4 + 5 * 7 * 4);
    cr_assert(eq(dbl, htf_evaluation_flops(s.evaluation), m == 3 ? apart : joined));
    cr_assert(eq(int, s.evaluation->core.left != NULL, m != 3));
    close_scene(&s);
  }
  for (int i = RANDOM_SCENES + 5; i < SCENES; i++) { // as the other tests have them
    scene s = random_scene(i, HTF_USE_VALUES);
    cr_assert(ne(ptr, s.evaluation->core.left, NULL), "scene %d", i);
    close_scene(&s);
  }
}

// ---- forms of points ------------------------------------------------------------------

// <W_H, x^(1) o .. o x^(N)>, entry by entry of the tensor.
static double inner_product(const scene *s, const double *tensor, int64_t k) {
  const double *x = s->vectors + k * s->c.order * s->widest;
  double sum = 0;
  for (int64_t entry = 0; entry < s->c.entries; entry++) {
    int64_t index[RANDOM_ORDER];
    double product = tensor[entry];
    entry_index(&s->c, entry, index);
    for (int n = 0; n < s->c.order; n++) {
      product *= x[n * s->widest + index[n]];
    }
    sum += product;
  }
  return sum;
}

Test(evaluation, at_vectors_is_the_inner_product_with_their_outer_product) {
  for (int i = 0; i < RANDOM_SCENES; i++) {
    scene s = {.c = random_model_make((uint64_t)i, random_kind(i))};
    set_points(&s, VECTORS, 7);
    open_scene(&s, HTF_USE_VALUES);
    double *tensor = naive_tensor(&s.c, s.c.theta, NULL);
    htf_evaluation_forward(s.evaluation, s.c.theta, s.y);
    for (int64_t k = 0; k < s.m; k++) {
      s.e[k] = inner_product(&s, tensor, k);
    }
    cr_assert(lt(dbl, distance(s.m, s.y, s.e), 10 * ROUNDING), "model %d", i);
    HTF_FREE(tensor);
    close_scene(&s);
  }
}

// All that the verbs make of scene t is what they make of s.
static void expect_same(scene *s, scene *t, int i) {
  int64_t np = s->c.parameters;
  memcpy(t->e, s->e, (size_t)s->m * sizeof *s->e);
  memcpy(t->de, s->de, (size_t)s->m * sizeof *s->de);
  memcpy(t->direction, s->direction, (size_t)np * sizeof *s->direction);
  for (int j = 0; j < 2; j++) {
    scene *x = j == 0 ? s : t;
    htf_evaluation_forward(x->evaluation, s->c.theta, x->y);
    htf_evaluation_pullback(x->evaluation, s->c.theta, x->e, x->gradient);
    htf_evaluation_tangent(x->evaluation, s->c.theta, x->direction, x->dy);
    htf_evaluation_second(x->evaluation, s->c.theta, x->direction, x->de, x->product);
  }
  cr_assert(lt(dbl, distance(s->m, t->y, s->y), ROUNDING), "model %d", i);
  cr_assert(lt(dbl, distance(np, t->gradient, s->gradient), ROUNDING), "model %d", i);
  cr_assert(lt(dbl, distance(s->m, t->dy, s->dy), ROUNDING), "model %d", i);
  cr_assert(lt(dbl, distance(np, t->product, s->product), ROUNDING), "model %d", i);
}

Test(evaluation, at_one_hot_vectors_is_that_at_entries) {
  for (int i = 0; i < RANDOM_SCENES; i++) {
    scene s = {.c = random_model_make((uint64_t)i, random_kind(i))};
    scene t = {.c = random_model_make((uint64_t)i, random_kind(i))};
    set_points(&s, ENTRIES, 20);
    set_points(&t, VECTORS, 20);
    for (int64_t k = 0; k < 20 * s.c.order * t.widest; k++) {
      t.vectors[k] = s.indices[k / t.widest] == k % t.widest;
    }
    open_scene(&s, HTF_USE_HESSIAN);
    open_scene(&t, HTF_USE_HESSIAN);
    expect_same(&s, &t, i);
    close_scene(&s);
    close_scene(&t);
  }
}

Test(evaluation, at_all_is_that_at_every_entry) {
  for (int i = 0; i < SCENES; i++) {
    scene s = random_scene(i, HTF_USE_VALUES), t = random_scene(i, HTF_USE_VALUES);
    scene listed = {.c = s.c}, whole = {.c = t.c};
    set_points(&whole, ALL, 0);
    set_points(&listed, ALL, 0);
    listed.form = ENTRIES;
    open_scene(&listed, HTF_USE_HESSIAN);
    open_scene(&whole, HTF_USE_HESSIAN);
    expect_same(&listed, &whole, i);
    s.c.model = t.c.model = NULL; // now of the other two
    s.c.theta = t.c.theta = NULL;
    close_scene(&s);
    close_scene(&t);
    close_scene(&listed);
    close_scene(&whole);
  }
}

Test(evaluation, gives_everything_back_when_memory_ends) {
  for (int i = 0; i < 9; i += 3) { // one of each form
    scene s = random_scene(i, HTF_USE_VALUES);
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
    cr_assert(lt(i64, 3, nth));
    close_scene(&s);
  }
  cr_assert(eq(i64, htf_memory_blocks(), 0));
}

// 2^28 rows of 16 numbers, which no term can address; one row less and it can.
Test(evaluation, refuses_tables_beyond_its_addresses) {
  const int64_t index[2] = {0, 1};
  for (int less = 0; less < 2; less++) {
    int64_t shape[2] = {(INT64_C(1) << 28) - less, 2};
    htf_tree *tree = NULL;
    htf_model *model = NULL;
    htf_points *points = NULL;
    htf_evaluation *evaluation = NULL;
    cr_assert(htf_tree_parse("(0,1)16;", 0, &tree) == HTF_OK);
    cr_assert(htf_model_create(HTF_MODEL_HTF, tree, shape, &model) == HTF_OK);
    cr_assert(htf_points_create(tree, shape, 1, index, &points) == HTF_OK);
    cr_assert(htf_evaluation_create(model, points, HTF_USE_HESSIAN, &evaluation) ==
              (less > 0 ? HTF_OK : HTF_E_MEMORY));
    htf_evaluation_destroy(&evaluation);
    htf_points_destroy(&points);
    htf_model_destroy(&model);
    htf_tree_destroy(&tree);
  }
}

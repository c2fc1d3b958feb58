// SPDX-License-Identifier: BSD-3-Clause
#include "htflow/gauss_newton.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "random_scene.h"

enum { FEW = 400 }; // parameters of a scene whose matrix is inverted whole

// A scene at theta, with curvatures [m], some of them zero as beyond a Huber loss' delta.
static double *open_curved(scene *s, int i) {
  *s = random_scene(i, HTF_USE_HESSIAN);
  double *c = random_doubles(&s->c.stream, s->m);
  for (int64_t k = 0; k < s->m; k++) {
    c[k] = k % 7 == 6 ? 0 : c[k] * c[k] / (double)s->m;
  }
  htf_evaluation_forward(s->evaluation, s->c.theta, s->y);
  htf_evaluation_pullback(s->evaluation, s->c.theta, s->e, s->gradient);
  return c;
}

// out = x + gamma J^T diag(c) J x, by tangent and pullback.
static void multiply(scene *s, const double *c, double gamma, const double *x,
                     double *out) {
  htf_evaluation_tangent(s->evaluation, s->c.theta, x, s->dy);
  for (int64_t k = 0; k < s->m; k++) {
    s->de[k] = c[k] * s->dy[k];
  }
  htf_evaluation_pullback(s->evaluation, s->c.theta, s->de, out);
  for (int64_t i = 0; i < s->c.parameters; i++) {
    out[i] = x[i] + gamma * out[i];
  }
}

static void build(htf_gauss_newton *gn, scene *s, const double *c, double threshold,
                  double gamma) {
  cr_assert(eq(int, htf_gauss_newton_build(gn, s->c.theta, c, threshold), HTF_OK));
  cr_assert(eq(int, htf_gauss_newton_factor(gn, gamma), HTF_OK));
}

// The largest eigenvalue of M^-1 (I + gamma J^T diag(c) J), by power iteration.
static double largest_left(scene *s, htf_gauss_newton *gn, const double *c, double gamma) {
  int64_t n = s->c.parameters;
  double *x = random_doubles(&s->c.stream, n), *y = random_doubles(&s->c.stream, n);
  double size = 0;
  for (int k = 0; k < 60; k++) {
    multiply(s, c, gamma, x, y);
    htf_gauss_newton_solve(gn, y, x);
    size = norm(n, x);
    for (int64_t i = 0; i < n; i++) {
      x[i] /= size;
    }
  }
  HTF_FREE(x);
  HTF_FREE(y);
  return size;
}

// The gamma at which the largest eigenvalue of gamma J^T diag(c) J is `stiffness`; 1 where
// there is none.
static double gamma_of(scene *s, htf_gauss_newton *gn, const double *c, double stiffness) {
  build(gn, s, c, INFINITY, 1);
  cr_assert(eq(i64, htf_gauss_newton_pairs(gn), 0));
  double largest = largest_left(s, gn, c, 1) - 1;
  return largest > 1e-12 ? stiffness / largest : 1;
}

// Of every scene with at most so many parameters: how far M M^-1 x is from x, M being I +
// gamma J^T diag(c) J itself, a thousand times I at most, so that a solve loses three
// digits. How many scenes went by the points.
static int invert(int64_t most_parameters, int64_t most_pairs, int64_t most_points) {
  int by_points = 0;
  for (int i = 0; i < SCENES; i++) {
    scene s;
    double *c = open_curved(&s, i);
    htf_gauss_newton *gn = NULL;
    if (s.c.parameters <= most_parameters) {
      double *z = random_doubles(&s.c.stream, s.c.parameters);
      double *back = random_doubles(&s.c.stream, s.c.parameters);
      cr_assert(htf_gauss_newton_create(s.evaluation, most_pairs, most_points, &gn) ==
                HTF_OK);
      double gamma = gamma_of(&s, gn, c, 1e3);
      build(gn, &s, c, 0, gamma);
      by_points += htf_gauss_newton_by_points(gn);
      htf_gauss_newton_solve(gn, s.direction, z);
      multiply(&s, c, gamma, z, back);
      double apart = distance(s.c.parameters, back, s.direction);
      cr_assert(lt(dbl, apart, 1e-9), "scene %d: %g", i, apart);
      HTF_FREE(z);
      HTF_FREE(back);
    }
    htf_gauss_newton_destroy(&gn);
    HTF_FREE(c);
    close_scene(&s);
  }
  return by_points;
}

// Q is a basis of all parameters then.
Test(gauss_newton, with_every_pair_inverts_the_matrix) {
  cr_assert(eq(int, invert(FEW, 100000, 0), 0));
}

// With every kernel that their trees make.
Test(gauss_newton, by_points_inverts_the_matrix) {
  cr_assert(lt(int, SCENES - 5, invert(INT64_MAX, 0, INT64_MAX)));
}

static void be_symmetric_and_positive(int64_t most_pairs, int64_t most_points) {
  for (int i = 0; i < SCENES; i++) {
    scene s;
    double *c = open_curved(&s, i);
    double *a = random_doubles(&s.c.stream, s.c.parameters);
    double *b = random_doubles(&s.c.stream, s.c.parameters);
    htf_gauss_newton *gn = NULL;
    cr_assert(htf_gauss_newton_create(s.evaluation, most_pairs, most_points, &gn) ==
              HTF_OK);
    double gamma = gamma_of(&s, gn, c, 1e8);
    build(gn, &s, c, 1 / gamma, gamma);
    cr_assert(le(i64, htf_gauss_newton_pairs(gn), most_pairs));
    htf_gauss_newton_solve(gn, s.direction, a);
    htf_gauss_newton_solve(gn, s.product, b);
    double left = dot(s.c.parameters, s.product, a);
    double right = dot(s.c.parameters, s.direction, b);
    double size = norm(s.c.parameters, s.product) * norm(s.c.parameters, s.direction);
    cr_assert(epsilon_eq(dbl, left, right, 1e-12 * (1 + size)), "scene %d", i);
    cr_assert(lt(dbl, 0, dot(s.c.parameters, s.direction, a)), "scene %d", i);
    htf_gauss_newton_destroy(&gn);
    HTF_FREE(a);
    HTF_FREE(b);
    HTF_FREE(c);
    close_scene(&s);
  }
}

Test(gauss_newton, is_symmetric_and_positive_with_some_pairs) {
  be_symmetric_and_positive(20, 0);
}

Test(gauss_newton, is_symmetric_and_positive_by_some_points) {
  be_symmetric_and_positive(0, INT64_MAX);
}

// What the points left out and the factor's end leave is of a trace that is known; so also
// for another gamma, for which the pivots stay, fewer or more of them.
Test(gauss_newton, by_points_leaves_nothing_stiff) {
  for (int i = 0; i < SCENES; i++) {
    scene s;
    double *c = open_curved(&s, i);
    htf_gauss_newton *gn = NULL;
    cr_assert(eq(int, htf_gauss_newton_create(s.evaluation, 0, INT64_MAX, &gn), HTF_OK));
    double gamma = gamma_of(&s, gn, c, 1e4);
    build(gn, &s, c, 0.1 / gamma, gamma);
    for (int k = 0; k < 3; k++) {
      double now = gamma * (k == 0 ? 1 : k == 1 ? 0.01 : 10);
      cr_assert(eq(int, htf_gauss_newton_factor(gn, now), HTF_OK));
      double after = largest_left(&s, gn, c, now);
      cr_assert(lt(dbl, after, 2.1), "scene %d, %d: %g", i, k, after);
    }
    htf_gauss_newton_destroy(&gn);
    HTF_FREE(c);
    close_scene(&s);
  }
}

// Each pair left out has gamma d below a tenth; those of all nodes may add up.
Test(gauss_newton, takes_away_what_is_stiff) {
  for (int i = 0; i < RANDOM_SCENES; i++) {
    scene s;
    double *c = open_curved(&s, i);
    htf_gauss_newton *gn = NULL;
    cr_assert(eq(int, htf_gauss_newton_create(s.evaluation, 100000, 0, &gn), HTF_OK));
    double gamma = gamma_of(&s, gn, c, 1e6);
    build(gn, &s, c, 0.1 / gamma, gamma);
    double after = largest_left(&s, gn, c, gamma);
    cr_assert(lt(dbl, after, 10), "scene %d: %g", i, after);
    htf_gauss_newton_destroy(&gn);
    HTF_FREE(c);
    close_scene(&s);
  }
}

Test(gauss_newton, lets_a_choice_of_points_stand_for_all) {
  const int64_t shape[] = {24, 24, 24};
  scene s = {.m = 0};
  s.c = model_of("((0,1)4,2)4;", 3, shape);
  set_points(&s, ALL, 0);
  open_scene(&s, HTF_USE_HESSIAN);
  double *c = random_doubles(&s.c.stream, s.m);
  for (int64_t k = 0; k < s.m; k++) {
    c[k] = 2.0 / (double)s.m;
  }
  htf_gauss_newton *gn = NULL;
  htf_evaluation_forward(s.evaluation, s.c.theta, s.y);
  cr_assert(lt(i64, HTF_GAUSS_NEWTON_ROWS, s.m));
  cr_assert(eq(int, htf_gauss_newton_create(s.evaluation, 1000, 0, &gn), HTF_OK));
  double gamma = gamma_of(&s, gn, c, 1e4);
  build(gn, &s, c, 0.1 / gamma, gamma);
  cr_assert(lt(dbl, largest_left(&s, gn, c, gamma), 4));
  htf_gauss_newton_destroy(&gn);
  HTF_FREE(c);
  close_scene(&s);
}

static void refuse_memory(int64_t most_pairs, int64_t most_points) {
  scene s;
  double *c = open_curved(&s, 3);
  int64_t blocks = htf_memory_blocks();
  htf_gauss_newton *gn = NULL;
  htf_status status = HTF_E_MEMORY;
  for (int n = 1; status != HTF_OK; n++) {
    htf_memory_fail_at(n);
    status = htf_gauss_newton_create(s.evaluation, most_pairs, most_points, &gn);
    if (status == HTF_OK) {
      status = htf_gauss_newton_build(gn, s.c.theta, c, 1e-3);
    }
    if (status == HTF_OK) {
      status = htf_gauss_newton_factor(gn, 1e3);
    }
    htf_memory_fail_at(0);
    cr_assert(status == HTF_OK || status == HTF_E_MEMORY);
    htf_gauss_newton_destroy(&gn);
    cr_assert(eq(i64, htf_memory_blocks(), blocks), "allocation %d", n);
  }
  HTF_FREE(c);
  close_scene(&s);
}

Test(gauss_newton, gives_back_all_memory_when_some_is_refused) {
  refuse_memory(50, 0);
  refuse_memory(0, 1000);
}

// SPDX-License-Identifier: BSD-3-Clause
// The two second-order products of the training loss.
#include "objective_impl.h"
#include "run_test.h"
#include "scene_impl.h"

enum { MOST = 4096 }; // parameters

static double inner(const double *a, const double *b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    sum += a[i] * b[i];
  }
  return sum;
}

// It leaves nothing behind in the other's tables, is symmetric and not negative, and
// another matrix than the Hessian away from a minimum.
Test(objective, the_gauss_newton_product_is_symmetric_and_leaves_the_hessians_alone) {
  htf_spec spec = small_spec();
  htf_run_hooks hooks = {0};
  htf_scene scene = {0};
  htf_objective *objective = NULL;
  cr_assert(eq(int, htf_scene__set_up(&spec, &hooks, &scene), HTF_OK));
  htf_objective_use use = {.second_order = true};
  cr_assert(eq(
      int, htf_objective__create(scene.model, scene.problem, scene.loss, use, &objective),
      HTF_OK));
  int64_t n = htf_model_parameters(scene.model);
  double u[MOST], v[MOST], gu[MOST], gv[MOST], before[MOST], after[MOST];
  cr_assert(le(i64, n, MOST));
  for (int64_t i = 0; i < n; i++) {
    u[i] = sin((double)i);
    v[i] = cos(3.0 * (double)i);
  }
  htf_objective__product(objective, scene.theta, v, before);
  htf_objective__gauss_newton(objective, scene.theta, u, gu);
  htf_objective__gauss_newton(objective, scene.theta, v, gv);
  htf_objective__product(objective, scene.theta, v, after);
  cr_assert(eq(int, memcmp(before, after, (size_t)n * sizeof *before), 0));
  cr_assert(epsilon_eq(dbl, inner(u, gv, n) / inner(v, gu, n), 1, 1e-9));
  cr_assert(lt(dbl, 0, inner(v, gv, n)));
  cr_assert(lt(dbl, 1e-3, fabs(inner(v, gv, n) / inner(v, after, n) - 1)));
  htf_objective__destroy(&objective);
  htf_scene__tear_down(&scene);
}

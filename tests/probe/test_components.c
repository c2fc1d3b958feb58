// SPDX-License-Identifier: BSD-3-Clause
// What the table tells of local components, against naive formulas (theory.md section 3).
#include <math.h>

#include "htflow/evaluation.h"
#include "scene.h"

// Interior node `node` of a scene's tree by its definition: its components' vectors one
// after another, the row last.
typedef struct vectors {
  int count;
  double norm2[4], product[4]; // ||w||^2, <w, g_w>
} vectors;

static vectors vectors_of(const scene *s, int node, int64_t r) {
  int children = htf_tree_children(s->tree, node);
  bool row = htf_model_offset(s->model, node) >= 0;
  vectors v = {.count = children + row};
  for (int i = 0; i < v.count; i++) {
    int w = i < children ? htf_tree_child(s->tree, node, i) : node;
    int64_t cols = htf_model_cols(s->model, w);
    int64_t length = i < children ? htf_model_rows(s->model, w) : cols;
    int64_t stride = i < children ? cols : 1, first = i < children ? r : r * cols;
    for (int64_t k = 0; k < length; k++) {
      int64_t at = htf_model_offset(s->model, w) + first + k * stride;
      v.norm2[i] += s->theta[at] * s->theta[at];
      v.product[i] += s->theta[at] * s->gradient[at];
    }
  }
  return v;
}

typedef struct component {
  double norm, rate, drive, law;
} component;

static double norm_of(vectors v) {
  double sigma = 1;
  for (int i = 0; i < v.count; i++) {
    sigma *= sqrt(v.norm2[i]);
  }
  return sigma;
}

static component naive(const scene *s, int node, int64_t r) {
  vectors v = vectors_of(s, node, r);
  double sigma = norm_of(v), inverse = 0, rate = 0;
  for (int i = 0; i < v.count; i++) {
    rate -= v.product[i] * sigma / v.norm2[i]; // d||w||^2/dt = -2 <w, g_w>
    inverse += 1 / v.norm2[i];
  }
  double drive = -v.product[v.count - 1] / sigma;
  return (component){sigma, rate, drive, sigma * sigma * drive * inverse};
}

// The naive component of this norm; norms of random weights do not repeat.
static component with_norm(const scene *s, int node, double norm) {
  for (int64_t r = 0; r < htf_model_rows(s->model, node); r++) {
    component c = naive(s, node, r);
    if (fabs(c.norm - norm) <= 1e-13 * norm) {
      return c;
    }
  }
  cr_assert(false, "no component of norm %g", norm);
  return (component){0};
}

// The true gradient of the training loss into the scene's.
static void take_gradient(scene *s) {
  htf_points *points = NULL;
  htf_evaluation *evaluation = NULL;
  double y[10], slope[10];
  htf_samples train = htf_problem_train(s->problem);
  cr_assert(htf_problem_points(train, s->tree, shape, &points) == HTF_OK);
  cr_assert(htf_evaluation_create(s->model, points, HTF_USE_GRADIENT, &evaluation) ==
            HTF_OK);
  htf_evaluation_forward(evaluation, s->theta, y);
  htf_loss_slope(htf_loss_l2(), train.count, y, train.values, slope);
  htf_evaluation_pullback(evaluation, s->theta, slope, s->gradient);
  htf_evaluation_destroy(&evaluation);
  htf_points_destroy(&points);
}

static const struct {
  htf_model_kind kind;
  const char *newick;
} kinds[] = {{HTF_MODEL_HTF, newick}, {HTF_MODEL_CP, "(0,1,2)3;"}};
enum { KINDS = sizeof kinds / sizeof *kinds };

// Roundings of a few sums of at most 4 terms: 1e-13 relative to the largest of them.
Test(components, rates_and_drives_are_those_of_the_norms_beside_them) {
  for (int kind = 0; kind < KINDS; kind++) {
    scene s = {0};
    set_up_kind(&s, kinds[kind].kind, kinds[kind].newick);
    measure(&s); // with a random gradient, so that the vectors' products differ
    const double *norms = find(&s, "local_component_norm");
    const double *rates = find(&s, "local_component_rate");
    const double *drives = find(&s, "local_component_drive");
    for (int node = 0; node < htf_tree_nodes(s.tree); node++) {
      int64_t width = htf_model_rows(s.model, node);
      if (htf_tree_children(s.tree, node) == 0) {
        continue;
      }
      for (int64_t k = 0; k < COMPONENTS; k++, norms++, rates++, drives++) {
        if (k >= width) {
          cr_assert(isnan(*norms) && isnan(*rates) && isnan(*drives));
          continue;
        }
        component c = with_norm(&s, node, *norms);
        cr_assert(epsilon_eq(dbl, *rates, c.rate, 1e-13 * fabs(c.rate) + 1e-13));
        cr_assert(epsilon_eq(dbl, *drives, c.drive, 1e-13 * fabs(c.drive) + 1e-13));
      }
    }
    tear_down(&s);
  }
}

// Along the flow, by central differences of the norm itself: errors h^2 and 1e-16 / h.
Test(components, rates_are_how_fast_the_norms_change) {
  scene s = {0};
  set_up(&s);
  measure(&s);
  int root = htf_tree_root(s.tree);
  double norm = find(&s, "local_component_norm")[COMPONENTS];
  double rate = find(&s, "local_component_rate")[COMPONENTS], h = 1e-5;
  int64_t n = htf_model_parameters(s.model), r = 0;
  while (fabs(naive(&s, root, r).norm - norm) > 1e-13 * norm) {
    r++;
  }
  double moved[2];
  for (int side = 0; side < 2; side++) {
    double t = side == 0 ? h : -2 * h;
    for (int64_t i = 0; i < n; i++) {
      s.theta[i] -= t * s.gradient[i];
    }
    moved[side] = norm_of(vectors_of(&s, root, r));
  }
  cr_assert(epsilon_eq(dbl, rate, (moved[0] - moved[1]) / (2 * h), 1e-7 * norm));
  tear_down(&s);
}

Test(components, residual_is_the_largest_break_of_the_law) {
  for (int kind = 0; kind < KINDS; kind++) {
    scene s = {0};
    set_up_kind(&s, kinds[kind].kind, kinds[kind].newick);
    measure(&s); // a random gradient breaks the law
    double residual = 0, largest = 0;
    for (int node = 0; node < htf_tree_nodes(s.tree); node++) {
      bool interior = htf_tree_children(s.tree, node) > 0;
      for (int64_t r = 0; interior && r < htf_model_rows(s.model, node); r++) {
        component c = naive(&s, node, r);
        residual = fmax(residual, fabs(c.rate - c.law));
        largest = fmax(largest, fabs(c.rate));
      }
    }
    cr_assert(residual / largest > 0.1);
    cr_assert(epsilon_eq(dbl, *find(&s, "law_residual"), residual / largest, 1e-12));
    tear_down(&s);
  }
}

// The law is an identity: roundings alone are left, some hundred of them.
Test(components, obey_the_law_under_the_gradient_of_the_loss) {
  for (int kind = 0; kind < KINDS; kind++) {
    scene s = {0};
    set_up_kind(&s, kinds[kind].kind, kinds[kind].newick);
    take_gradient(&s);
    measure(&s);
    cr_assert(fabs(find(&s, "local_component_rate")[0]) > 1e-6);
    cr_assert(lt(dbl, *find(&s, "law_residual"), 1e-13));
    tear_down(&s);
  }
}

// Column 1 of leaf 0 is a vector of component 1 of node 0_2 alone.
Test(components, with_a_zero_vector_have_no_rate_and_no_part_in_the_residual) {
  scene s = {0};
  set_up(&s);
  for (int k = 0; k < 3; k++) {
    s.theta[htf_model_offset(s.model, 0) + 2 * k + 1] = 0;
  }
  take_gradient(&s);
  measure(&s);
  cr_assert(eq(dbl, find(&s, "local_component_norm")[1], 0));
  cr_assert(isnan(find(&s, "local_component_rate")[1]));
  cr_assert(isnan(find(&s, "local_component_drive")[1]));
  cr_assert(isfinite(find(&s, "local_component_rate")[0]));
  cr_assert(lt(dbl, *find(&s, "law_residual"), 1e-13));
  memset(s.theta, 0, sizeof s.theta);
  measure(&s);
  cr_assert(eq(dbl, *find(&s, "law_residual"), 0));
  tear_down(&s);
}

// Norms of 1e-120 multiply to zero, and a drive over that would be infinite.
Test(components, too_small_for_a_double_count_as_zero) {
  scene s = {0};
  set_up(&s);
  for (int64_t i = 0; i < htf_model_parameters(s.model); i++) {
    s.theta[i] *= 1e-120;
  }
  measure(&s);
  cr_assert(eq(dbl, find(&s, "local_component_norm")[0], 0));
  cr_assert(isnan(find(&s, "local_component_rate")[0]));
  cr_assert(isnan(find(&s, "local_component_drive")[0]));
  cr_assert(eq(dbl, *find(&s, "law_residual"), 0));
  tear_down(&s);
}

Test(components, of_weights_that_are_not_finite_have_no_residual) {
  scene s = {0};
  set_up(&s);
  s.theta[0] = INFINITY;
  measure(&s);
  cr_assert(isnan(*find(&s, "law_residual")));
  tear_down(&s);
}

Test(components, of_equal_norms_stand_in_their_order) {
  scene s = {0};
  set_up(&s);
  htf_model_identity(s.model, 1, s.theta);
  int root = htf_tree_root(s.tree);
  for (int64_t i = 0; i < 3; i++) { // components 0 and 1 of the root alike
    s.theta[htf_model_offset(s.model, root) + i] = 1;
  }
  measure(&s);
  const double *drives = find(&s, "local_component_drive") + COMPONENTS;
  for (int64_t r = 0; r < 2; r++) {
    cr_assert(epsilon_eq(dbl, drives[r], naive(&s, root, r).drive, 1e-13));
  }
  tear_down(&s);
}

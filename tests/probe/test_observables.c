// SPDX-License-Identifier: BSD-3-Clause
// What is asked for beside the standard observables, and what a row costs.
#include <math.h>

#include "htflow/dense.h"
#include "htflow/evaluation.h"
#include "scene.h"

static uint64_t bit(htf_observable observable) {
  return UINT64_C(1) << observable;
}

// The scene measured with other options.
static void ask(scene *s, const htf_probe_options *wanted) {
  htf_probe_destroy(&s->probe);
  htf_memory_release(s->row);
  cr_assert(htf_probe_create(s->model, s->problem, htf_loss_l2(), wanted, &s->probe) ==
                HTF_OK,
            "%s", htf_error_message());
  s->row = htf_memory_get((size_t)htf_probe_row_size(s->probe), sizeof(double));
}

static void tensor_of(const scene *s, double tensor[24]) {
  htf_expansion *expansion = NULL;
  cr_assert(htf_expansion_create(s->model, &expansion) == HTF_OK);
  htf_expansion_apply(expansion, s->theta, tensor);
  htf_expansion_destroy(&expansion);
}

Test(observables, fill_a_row_with_what_is_asked_for_and_what_always_is) {
  scene s = {0};
  set_up(&s);
  ask(&s, &(htf_probe_options){.observables = bit(HTF_OBSERVABLE_gradient_norm)});
  int64_t size = 0;
  for (int i = 0; i < HTF_OBSERVABLES; i++) {
    bool always = htf_observable_get_when(i) == HTF_WHEN_ALWAYS &&
                  i != HTF_OBSERVABLE_prediction && i != HTF_OBSERVABLE_cut_singular_value;
    cr_assert(
        eq(int, htf_probe_has(s.probe, i), always || i == HTF_OBSERVABLE_gradient_norm));
    cr_assert(eq(i64, htf_probe_offset(s.probe, i), size));
    size += htf_probe_has(s.probe, i);
  }
  cr_assert(eq(i64, htf_probe_row_size(s.probe), size));
  measure(&s);
  double sum = 0;
  for (int64_t i = 0; i < htf_model_parameters(s.model); i++) {
    sum += s.gradient[i] * s.gradient[i];
  }
  cr_assert(epsilon_eq(dbl, *find(&s, "gradient_norm"), sqrt(sum), 1e-14));
  tear_down(&s);
}

Test(observables, keep_no_more_than_any_node_has) {
  scene s = {0};
  int64_t dims[HTF_VARIABLE_DIMS];
  set_up(&s);
  ask(&s, &(htf_probe_options){.components = 1000000, .singular_values = 1000000});
  htf_probe_shape(s.probe, HTF_OBSERVABLE_local_component_norm, dims);
  cr_assert(eq(i64, dims[1], 3));
  htf_probe_shape(s.probe, HTF_OBSERVABLE_singular_value, dims);
  cr_assert(eq(i64, dims[1], 2));
  tear_down(&s);
}

Test(observables, predictions_are_entries_of_the_end_tensor) {
  static const int64_t entry[] = {2, 3, 1, 0, 1, 0};
  scene s = {0};
  double tensor[24];
  set_up(&s);
  ask(&s, &(htf_probe_options){.entries = 2, .entry = entry});
  measure(&s);
  tensor_of(&s, tensor);
  cr_assert(epsilon_eq(dbl, find(&s, "prediction")[0], tensor[23], 1e-13));
  cr_assert(epsilon_eq(dbl, find(&s, "prediction")[1], tensor[2], 1e-13));
  tear_down(&s);
}

Test(observables, of_an_entry_outside_the_tensor_are_refused) {
  static const int64_t entry[] = {2, 4, 1};
  scene s = {0};
  set_up(&s);
  htf_probe_destroy(&s.probe);
  cr_assert(htf_probe_create(s.model, s.problem, htf_loss_l2(),
                             &(htf_probe_options){.entries = 1, .entry = entry},
                             &s.probe) == HTF_E_CONFIG);
  tear_down(&s);
}

// Modes 0 and 1 against 2: no node of ((0,2)2,1)3.
Test(observables, chosen_partitions_are_decomposed) {
  static const uint64_t partition[] = {3};
  scene s = {0};
  double tensor[24], expected[2];
  set_up(&s);
  ask(&s, &(htf_probe_options){.singular_values = 4,
                               .observables = bit(HTF_OBSERVABLE_time),
                               .partitions = 1,
                               .partition = partition});
  measure(&s);
  tensor_of(&s, tensor); // [12, 2]
  cr_assert(htf_dense_singular_values(htf_matrix_view(tensor, 12, 2), expected) == HTF_OK);
  const double *values = find(&s, "cut_singular_value");
  cr_assert(epsilon_eq(dbl, values[0], expected[0], 1e-12 * expected[0]));
  cr_assert(epsilon_eq(dbl, values[1], expected[1], 1e-12 * expected[0]));
  tear_down(&s);
}

Test(observables, norms_of_weight_vectors_are_the_roots_of_the_models) {
  scene s = {0};
  double norms2[16];
  set_up(&s);
  ask(&s, &(htf_probe_options){.observables = bit(HTF_OBSERVABLE_weight_vector_norm)});
  measure(&s);
  htf_model_vector_norms2(s.model, s.theta, norms2);
  for (int64_t i = 0; i < htf_model_vector_count(s.model); i++) {
    double norm = find(&s, "weight_vector_norm")[i];
    cr_assert(epsilon_eq(dbl, norm * norm, norms2[i], 1e-14 * norms2[i]));
  }
  tear_down(&s);
}

// Leaf 1 stands alone on its side: [4, 6], of rank 2.
Test(observables, of_spectra_are_those_of_the_matrix) {
  scene s = {0};
  double tensor[24], matrix[24], v[4];
  set_up(&s);
  ask(&s, &(htf_probe_options){.singular_values = 2,
                               .observables = htf_observable_set(HTF_WHEN_ASKED) &
                                              ~bit(HTF_OBSERVABLE_sharpness) &
                                              ~bit(HTF_OBSERVABLE_local_component_cosine)});
  measure(&s);
  tensor_of(&s, tensor);
  for (int k = 0; k < 24; k++) {
    matrix[k / 2 % 4 * 6 + k / 8 * 2 + k % 2] = tensor[k];
  }
  cr_assert(htf_dense_singular_values(htf_matrix_view(matrix, 4, 6), v) == HTF_OK);
  double all = v[0] * v[0] + v[1] * v[1], p = v[0] * v[0] / all;
  cr_assert(epsilon_eq(dbl, find(&s, "nuclear_norm")[3], v[0] + v[1], 1e-12 * v[0]));
  cr_assert(epsilon_eq(dbl, find(&s, "stable_rank")[3], all / v[0] / v[0], 1e-12));
  cr_assert(epsilon_eq(dbl, find(&s, "entanglement_entropy")[3],
                       -p * log(p) - (1 - p) * log(1 - p), 1e-12));
  cr_assert(eq(dbl, find(&s, "numerical_rank")[4 * 3 + 3], 2));
  cr_assert(ge(dbl, find(&s, "truncation_low")[0], v[1] * (1 - 1e-12)));
  cr_assert(ge(dbl, find(&s, "truncation_high")[0], find(&s, "truncation_low")[0]));
  cr_assert(lt(dbl, find(&s, "truncation_high")[1], 1e-14 * v[0]));
  tear_down(&s);
}

// ---- directions -----------------------------------------------------------------------

// Of the root's components, from their parts of the tensor and the gradient in it.
Test(observables, cosines_are_those_of_the_tensors) {
  scene s = {0};
  double slope[10], gradient[24] = {0}, part[24], theta[64];
  set_up(&s);
  ask(&s, &(htf_probe_options){.components = 3,
                               .observables = bit(HTF_OBSERVABLE_local_component_norm) |
                                              bit(HTF_OBSERVABLE_local_component_cosine)});
  htf_samples train = htf_problem_train(s.problem);
  for (int64_t k = 0; k < train.count; k++) {
    const int64_t *i = train.indices + 3 * k;
    slope[k] = cos((double)k);
    gradient[(i[0] * 4 + i[1]) * 2 + i[2]] = slope[k];
  }
  int root = htf_tree_root(s.tree);
  double *g = s.gradient + htf_model_offset(s.model, root), cosine[3], norm[3];
  memcpy(theta, s.theta, sizeof theta);
  for (int r = 0; r < 3; r++) {
    double *w = s.theta + htf_model_offset(s.model, root), inner = 0, gg = 0, pp = 0;
    for (int q = 0; q < 3; q++) {
      w[q] = q == r ? theta[htf_model_offset(s.model, root) + q] : 0;
    }
    tensor_of(&s, part);
    for (int i = 0; i < 24; i++) {
      inner += part[i] * gradient[i];
      gg += gradient[i] * gradient[i];
      pp += part[i] * part[i];
    }
    cosine[r] = -inner / sqrt(gg * pp);
    g[r] = inner / w[r]; // <row r, row r of dL/dW> is <grad L, part>
    memcpy(s.theta, theta, sizeof theta);
  }
  htf_probe_state state = {.theta = s.theta, .gradient = s.gradient, .slope = slope};
  cr_assert(htf_probe_measure(s.probe, &state, s.row) == HTF_OK);
  cr_assert(htf_model_component_norms(s.model, root, s.theta, norm) == HTF_OK);
  for (int k = 0; k < 3; k++) {
    double own = find(&s, "local_component_norm")[3 + k];
    int r = own == norm[0] ? 0 : own == norm[1] ? 1 : 2;
    cr_assert(epsilon_eq(dbl, find(&s, "local_component_cosine")[3 + k], cosine[r], 1e-9));
  }
  tear_down(&s);
}

// An orthonormal basis of what two columns of leaf 1's matricization span.
static void basis(const double *tensor, double q[8]) {
  double r[4];
  for (int j = 0; j < 4; j++) {
    q[2 * j] = tensor[2 * j];
    q[2 * j + 1] = tensor[2 * j + 1];
  }
  cr_assert(htf_dense_qr(htf_matrix_view(q, 4, 2), htf_matrix_view(r, 2, 2)) == HTF_OK);
}

// The target is of the model's rank, so that any two columns at leaf 1 span its subspace.
Test(observables, overlap_is_the_mean_squared_cosine_of_principal_angles) {
  scene s = {0};
  double tensor[24], q[8], p[8], total = 0;
  set_up(&s);
  tensor_of(&s, tensor);
  htf_problem *planted = s.problem, *given = NULL;
  cr_assert(htf_problem_create(3, shape, htf_problem_train(planted),
                               htf_problem_test(planted), tensor, &given) == HTF_OK);
  s.problem = given;
  ask(&s, &(htf_probe_options){.observables = bit(HTF_OBSERVABLE_target_overlap)});
  measure(&s);
  for (int node = 0; node < 4; node++) {
    cr_assert(epsilon_eq(dbl, find(&s, "target_overlap")[node], 1, 1e-12));
  }
  basis(tensor, q);
  htf_random stream = htf_random_open(8, HTF_RANDOM_TEST, 0);
  htf_model_gaussian(s.model, &stream, 1, s.theta);
  measure(&s);
  tensor_of(&s, tensor);
  basis(tensor, p);
  for (int a = 0; a < 2; a++) {
    for (int b = 0; b < 2; b++) {
      double dot = 0;
      for (int j = 0; j < 4; j++) {
        dot += q[2 * j + a] * p[2 * j + b];
      }
      total += dot * dot;
    }
  }
  cr_assert(epsilon_eq(dbl, find(&s, "target_overlap")[3], total / 2, 1e-10));
  cr_assert(lt(dbl, total / 2, 0.99));
  htf_problem_destroy(&planted);
  tear_down(&s);
}

// ---- sharpness ------------------------------------------------------------------------

typedef struct objective {
  htf_evaluation *evaluation;
  htf_samples train;
  const htf_model *model;
} objective;

static void hessian(void *context, const double *theta, const double *direction,
                    double *product) {
  objective *o = context;
  double y[10], slope[10], dy[10], change[10], gradient[64];
  htf_evaluation_forward(o->evaluation, theta, y);
  htf_loss_slope(htf_loss_l2(), o->train.count, y, o->train.values, slope);
  htf_evaluation_pullback(o->evaluation, theta, slope, gradient);
  htf_evaluation_tangent(o->evaluation, theta, direction, dy);
  htf_loss_curvature(htf_loss_l2(), o->train.count, y, o->train.values, dy, change);
  htf_evaluation_second(o->evaluation, theta, direction, change, product);
}

// The largest eigenvalue of H: H + c is positive, c its Frobenius norm, and the largest
// singular value of that is the largest eigenvalue plus c.
static double largest_eigenvalue(objective *o, const double *theta) {
  int64_t n = htf_model_parameters(o->model);
  double h[64 * 64], unit[64], values[64], c = 0;
  for (int64_t j = 0; j < n; j++) {
    memset(unit, 0, sizeof unit);
    unit[j] = 1;
    hessian(o, theta, unit, h + j * n);
    for (int64_t i = 0; i < n; i++) {
      c += h[j * n + i] * h[j * n + i];
    }
  }
  c = sqrt(c);
  for (int64_t j = 0; j < n; j++) {
    h[j * n + j] += c;
  }
  cr_assert(htf_dense_singular_values(htf_matrix_view(h, n, n), values) == HTF_OK);
  return values[0] - c;
}

// A residual of 1e-4 bounds the eigenvalue's error; where it stands apart, by its square.
Test(observables, sharpness_is_the_largest_eigenvalue_of_the_hessian) {
  scene s = {0};
  htf_points *points = NULL;
  set_up(&s);
  objective o = {.train = htf_problem_train(s.problem), .model = s.model};
  cr_assert(htf_problem_points(o.train, s.tree, shape, &points) == HTF_OK);
  cr_assert(htf_evaluation_create(s.model, points, HTF_USE_HESSIAN, &o.evaluation) ==
            HTF_OK);
  ask(&s, &(htf_probe_options){.observables = bit(HTF_OBSERVABLE_sharpness)});
  for (int trial = 0; trial < 2; trial++) {
    htf_probe_state state = {
        .theta = s.theta, .gradient = s.gradient, .hessian = hessian, .context = &o};
    double expected = largest_eigenvalue(&o, s.theta);
    cr_assert(htf_probe_measure(s.probe, &state, s.row) == HTF_OK);
    cr_assert(epsilon_eq(dbl, *find(&s, "sharpness"), expected, 1e-4 * expected));
    memset(s.theta, 0, sizeof s.theta); // where the Hessian is zero
    if (trial == 0) {
      s.theta[0] = NAN;
      cr_assert(htf_probe_measure(s.probe, &state, s.row) == HTF_OK);
      cr_assert(isnan(*find(&s, "sharpness")));
      s.theta[0] = 0;
    } else {
      cr_assert(eq(dbl, *find(&s, "sharpness"), 0));
    }
  }
  htf_evaluation_destroy(&o.evaluation);
  htf_points_destroy(&points);
  tear_down(&s);
}

// ---- cost -----------------------------------------------------------------------------

Test(observables, cost_what_is_asked_for) {
  scene s = {0};
  double flops[HTF_COSTS], all, sum = 0;
  htf_probe_work work = {.gradient = 3000, .train = 10, .test = 5, .tensor = true};
  static const uint64_t partition[] = {3};
  set_up(&s);
  cr_assert(htf_probe_cost(s.model, &options, &work, flops, &all) == HTF_OK);
  for (int i = 0; i < HTF_COSTS; i++) {
    sum += flops[i];
  }
  cr_assert(eq(dbl, all, sum));
  cr_assert(eq(dbl, flops[HTF_COST_TEST], 500)); // a third of a gradient, half the samples
  cr_assert(flops[HTF_COST_SPECTRA] > 0 && flops[HTF_COST_TENSOR] > 0);
  cr_assert(eq(dbl, flops[HTF_COST_HESSIAN], 0));
  htf_probe_options asked = {.observables = bit(HTF_OBSERVABLE_sharpness),
                             .partitions = 1,
                             .partition = partition};
  cr_assert(htf_probe_cost(s.model, &asked, &work, flops, &all) == HTF_OK);
  cr_assert(lt(dbl, 100000, flops[HTF_COST_HESSIAN]));
  cr_assert(eq(dbl, flops[HTF_COST_SPECTRA], 0));
  cr_assert(lt(dbl, 0, flops[HTF_COST_CUTS]));
  tear_down(&s);
}

// SPDX-License-Identifier: BSD-3-Clause
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>

#include "htflow/dense.h"
#include "scene.h"

Test(probe, passes_on_what_it_is_given) {
  scene s = {0};
  set_up(&s);
  measure(&s);
  cr_assert(eq(dbl, *find(&s, "time"), 2));
  cr_assert(eq(dbl, *find(&s, "time_low"), 1e-20));
  cr_assert(eq(dbl, *find(&s, "arc_length"), 3));
  cr_assert(eq(dbl, *find(&s, "step"), 4));
  cr_assert(eq(dbl, *find(&s, "train_loss"), 5));
  tear_down(&s);
}

// The two error measures from the end tensor itself, by naive sums.
Test(probe, errors_are_those_of_the_end_tensor) {
  scene s = {0};
  htf_expansion *expansion = NULL;
  double tensor[24], all = 0, norm = 0, held = 0;
  set_up(&s);
  measure(&s);
  cr_assert(eq(int, htf_expansion_create(s.model, &expansion), HTF_OK));
  htf_expansion_apply(expansion, s.theta, tensor);
  const double *target = htf_problem_tensor(s.problem);
  for (int i = 0; i < 24; i++) {
    all += (tensor[i] - target[i]) * (tensor[i] - target[i]);
    norm += target[i] * target[i];
  }
  htf_samples test = htf_problem_test(s.problem);
  for (int64_t k = 0; k < test.count; k++) {
    const int64_t *i = test.indices + 3 * k;
    double e = tensor[(i[0] * 4 + i[1]) * 2 + i[2]] - test.values[k];
    held += e * e / TEST_SAMPLES;
  }
  cr_assert(epsilon_eq(dbl, *find(&s, "reconstruction_error"), sqrt(all / norm), 1e-12));
  cr_assert(epsilon_eq(dbl, *find(&s, "test_loss"), held, 1e-12));
  cr_assert(eq(dbl, *find(&s, "reconstruction_entries"), 24));
  htf_expansion_destroy(&expansion);
  tear_down(&s);
}

// The same samples without the tensor: sqrt(m L) / ||data|| over the held-out ones.
Test(probe, without_the_tensor_the_error_is_that_of_the_held_out) {
  scene s = {0};
  set_up(&s);
  htf_problem *whole = s.problem, *given = NULL;
  htf_samples test = htf_problem_test(whole);
  cr_assert(eq(int,
               htf_problem_create(3, htf_problem_shape(whole), htf_problem_train(whole),
                                  test, NULL, &given),
               HTF_OK));
  htf_probe_destroy(&s.probe);
  cr_assert(
      eq(int, htf_probe_create(s.model, given, htf_loss_l2(), &options, &s.probe), HTF_OK));
  htf_memory_release(s.row);
  s.row = htf_memory_get((size_t)htf_probe_row_size(s.probe), sizeof(double));
  measure(&s);
  double norm = 0;
  for (int64_t k = 0; k < test.count; k++) {
    norm += test.values[k] * test.values[k];
  }
  double expected = sqrt((double)test.count * *find(&s, "test_loss") / norm);
  cr_assert(epsilon_eq(dbl, *find(&s, "reconstruction_error"), expected, 1e-12));
  cr_assert(eq(dbl, *find(&s, "reconstruction_entries"), (double)test.count));
  htf_problem_destroy(&given);
  tear_down(&s);
}

// sigma of the root from the definition: columns r of the children and row r of the root.
Test(probe, components_are_the_largest_first_and_padded) {
  scene s = {0};
  set_up(&s);
  measure(&s);
  const double *norms = find(&s, "local_component_norm");
  double expected[3];
  for (int r = 0; r < 3; r++) {
    double product = 1;
    int root = htf_tree_root(s.tree);
    for (int i = 0; i < 2; i++) {
      int child = htf_tree_child(s.tree, root, i);
      double sum = 0;
      for (int64_t k = 0; k < htf_model_rows(s.model, child); k++) {
        double w = s.theta[htf_model_offset(s.model, child) + k * 3 + r];
        sum += w * w;
      }
      product *= sqrt(sum);
    }
    expected[r] = product * fabs(s.theta[htf_model_offset(s.model, root) + r]);
  }
  const double *root_norms = norms + COMPONENTS; // the second and last interior node
  double sum = 0;
  for (int r = 0; r < 3; r++) {
    cr_assert(r == 0 || root_norms[r] <= root_norms[r - 1]);
    sum += root_norms[r];
  }
  cr_assert(epsilon_eq(dbl, sum, expected[0] + expected[1] + expected[2], 1e-12));
  cr_assert(isnan(norms[2]) && !isnan(norms[1]));
  tear_down(&s);
}

// Partitions are 0, 2, 0_2 and 1, in node order; at 1 the tensor [3, 4, 2] has 4 rows.
// 1e-12 of the largest is some thousand roundings.
Test(probe, singular_values_and_ranks_are_those_of_the_matricization) {
  scene s = {0};
  htf_expansion *expansion = NULL;
  double tensor[24], matrix[24], expected[4], sum = 0, entropy = 0;
  set_up(&s);
  measure(&s);
  cr_assert(eq(int, htf_expansion_create(s.model, &expansion), HTF_OK));
  htf_expansion_apply(expansion, s.theta, tensor);
  for (int k = 0; k < 24; k++) {
    int i = k / 8, j = k / 2 % 4, l = k % 2;
    matrix[j * 6 + i * 2 + l] = tensor[k];
  }
  cr_assert(
      eq(int, htf_dense_singular_values(htf_matrix_view(matrix, 4, 6), expected), HTF_OK));
  sum = expected[0] + expected[1]; // the width at 0_2 is 2, so that the others are zero
  for (int i = 0; i < 2; i++) {
    entropy -= expected[i] / sum * log(expected[i] / sum);
  }
  const double *values = find(&s, "singular_value") + 3 * SINGULAR_VALUES;
  for (int i = 0; i < 2; i++) {
    cr_assert(epsilon_eq(dbl, values[i], expected[i], 1e-12 * expected[0]));
  }
  cr_assert(epsilon_eq(dbl, find(&s, "effective_rank")[3], exp(entropy), 1e-12));
  for (int node = 0; node < 4; node++) {
    cr_assert(eq(dbl, find(&s, "hierarchical_rank")[node], 2));
  }
  htf_expansion_destroy(&expansion);
  tear_down(&s);
}

// Column 1 of W^(0_2)'s child 0 as column 0, but for a share of it.
Test(probe, hierarchical_rank_counts_above_a_millionth_of_the_largest) {
  for (int small = 0; small < 2; small++) {
    scene s = {0};
    set_up(&s);
    for (int k = 0; k < 3; k++) {
      double other = s.theta[2 * k + 1];
      s.theta[2 * k + 1] = s.theta[2 * k] + (small ? 1e-8 : 1e-4) * other;
    }
    measure(&s);
    cr_assert(eq(dbl, find(&s, "hierarchical_rank")[0], small ? 1 : 2));
    tear_down(&s);
  }
}

Test(probe, without_singular_values_ranks_are_nan) {
  scene s = {0};
  htf_probe_options none = {.components = COMPONENTS};
  set_up(&s);
  int64_t size = htf_probe_row_size(s.probe);
  htf_probe_destroy(&s.probe);
  cr_assert(eq(int, htf_probe_create(s.model, s.problem, htf_loss_l2(), &none, &s.probe),
               HTF_OK));
  cr_assert(eq(i64, htf_probe_row_size(s.probe), size - 4 * SINGULAR_VALUES));
  measure(&s);
  for (int node = 0; node < 4; node++) {
    cr_assert(isnan(find(&s, "effective_rank")[node]));
    cr_assert(isnan(find(&s, "hierarchical_rank")[node]));
  }
  tear_down(&s);
}

Test(probe, of_weights_that_are_not_finite_gives_nan) {
  scene s = {0};
  set_up(&s);
  s.theta[0] = INFINITY;
  measure(&s);
  cr_assert(isnan(*find(&s, "singular_value")));
  cr_assert(isnan(*find(&s, "effective_rank")) && isnan(*find(&s, "hierarchical_rank")));
  tear_down(&s);
}

Test(probe, drift_counts_from_the_first_measurement) {
  scene s = {0};
  set_up(&s);
  measure(&s);
  cr_assert(eq(dbl, *find(&s, "unbalancedness_drift"), 0));
  s.theta[0] += 0.5;
  measure(&s);
  double moved = *find(&s, "unbalancedness_drift");
  cr_assert(moved > 0);
  s.theta[0] -= 0.5; // the largest drift is kept
  measure(&s);
  cr_assert(eq(dbl, *find(&s, "unbalancedness_drift"), moved));
  tear_down(&s);
}

Test(probe, drift_between_rows_is_that_of_a_row_and_leaves_none) {
  scene s = {0};
  set_up(&s);
  cr_assert(eq(dbl, htf_probe_drift(s.probe, s.theta), 0)); // there is no start yet
  measure(&s);
  s.theta[0] += 0.5;
  double far = htf_probe_drift(s.probe, s.theta);
  s.theta[0] -= 0.25;
  double near = htf_probe_drift(s.probe, s.theta);
  cr_assert(lt(dbl, near, far));
  measure(&s);
  cr_assert(eq(dbl, *find(&s, "unbalancedness_drift"), near));
  s.theta[0] -= 0.25;
  cr_assert(eq(dbl, htf_probe_drift(s.probe, s.theta), near)); // the largest is kept
  tear_down(&s);
}

Test(probe, out_of_memory_is_a_status_and_leaks_nothing) {
  scene s = {0};
  set_up(&s);
  htf_probe_destroy(&s.probe);
  int64_t before = htf_memory_blocks(), nth = 1;
  for (;; nth++) {
    htf_memory_fail_at(nth);
    htf_status status =
        htf_probe_create(s.model, s.problem, htf_loss_l2(), &options, &s.probe);
    htf_memory_fail_at(0);
    if (status == HTF_OK) {
      break;
    }
    cr_assert(eq(int, status, HTF_E_MEMORY));
    cr_assert(eq(i64, htf_memory_blocks(), before));
  }
  cr_assert(nth > 5);
  tear_down(&s);
}

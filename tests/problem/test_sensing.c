// SPDX-License-Identifier: BSD-3-Clause
// Planted problems of rank-one measurements.
#include "problem_test.h"

// Each value is the measurement's definition, to the roundings of the sum: 1e-15 of the
// sizes of its terms, of which the product of norms is a measure.
static void check_values(const htf_problem *problem, const double *tensor, htf_samples s) {
  int order = htf_problem_order(problem);
  const int64_t *sizes = htf_problem_shape(problem);
  int64_t width = largest(order, sizes);
  for (int64_t k = 0; k < s.count; k++) {
    const double *x = s.inputs + k * order * width;
    double bound = norm_of(product(order, sizes), tensor);
    for (int n = 0; n < order; n++) {
      bound *= norm_of(width, x + n * width);
    }
    cr_assert(epsilon_eq(dbl, s.values[k], naive_sensing(order, sizes, tensor, x),
                         1e-14 * bound));
  }
}

Test(sensing, of_a_drawn_target_measures_its_tensor) {
  static const char *const trees[] = {tree_text, "(0,1,2)4;", "((0,1)3,2)5;"};
  for (int i = 0; i < 3; i++) {
    htf_tree *tree = NULL;
    cr_assert(eq(int, htf_tree_parse(trees[i], 0, &tree), HTF_OK));
    htf_plant recipe = recipe_of(HTF_PROBLEM_SENSING);
    recipe.kind = i == 1 ? HTF_MODEL_CP : HTF_MODEL_HTF;
    recipe.tree = tree;
    recipe.train = 30; // more than there are entries
    htf_problem *problem = plant(&recipe);
    htf_samples train = htf_problem_train(problem), test = htf_problem_test(problem);
    cr_assert(train.indices == NULL && !train.all && train.count == 30 && test.count == 5);
    check_values(problem, htf_problem_tensor(problem), train);
    check_values(problem, htf_problem_tensor(problem), test);
    htf_problem_destroy(&problem);
    htf_tree_destroy(&tree);
  }
}

// Orders, sizes and counts on both sides of what the contraction splits and batches.
Test(sensing, of_a_given_tensor_contracts_it_with_the_vectors) {
  static const int orders[] = {1, 2, 2, 3, 4, 6};
  static const int64_t shapes[][6] = {{7},       {300, 2},     {2, 300},
                                      {3, 1, 4}, {5, 2, 3, 7}, {2, 3, 2, 2, 1, 3}};
  double tensor[600];
  htf_random stream = htf_random_open(4, HTF_RANDOM_TEST, 0);
  htf_random_normal(&stream, 600, tensor);
  for (int i = 0; i < 6; i++) {
    htf_plant recipe = {.task = HTF_PROBLEM_SENSING,
                        .order = orders[i],
                        .shape = shapes[i],
                        .tensor = tensor,
                        .train = 8 + i,
                        .test = 16,
                        .seed = 2};
    htf_problem *problem = plant(&recipe);
    check_values(problem, tensor, htf_problem_train(problem));
    check_values(problem, tensor, htf_problem_test(problem));
    htf_problem_destroy(&problem);
  }
}

Test(sensing, measures_a_drawn_target_and_its_tensor_alike) {
  htf_plant recipe = recipe_of(HTF_PROBLEM_SENSING);
  htf_problem *drawn = plant(&recipe);
  recipe.tensor = htf_problem_tensor(drawn);
  recipe.norm = 0;
  htf_problem *given = plant(&recipe);
  htf_samples a = htf_problem_train(drawn), b = htf_problem_train(given);
  cr_assert(same(a.inputs, b.inputs, 12 * ORDER * WIDTH, sizeof *a.inputs));
  for (int k = 0; k < 12; k++) {
    cr_assert(epsilon_eq(dbl, a.values[k], b.values[k], 1e-13)); // of norm 5
  }
  htf_problem_destroy(&drawn);
  htf_problem_destroy(&given);
}

// Of m numbers the mean square strays by sqrt(2/m) of itself; four times that. For a tensor
// of norm sqrt(entries) so does a value's, of a product of three squares: by sqrt(27/m).
Test(sensing, vectors_are_gaussian_of_variance_one_over_the_size) {
  enum { M = 20000 };
  htf_plant recipe = recipe_of(HTF_PROBLEM_SENSING);
  recipe.train = M;
  recipe.norm = 0;
  htf_problem *problem = plant(&recipe);
  htf_samples train = htf_problem_train(problem);
  for (int n = 0; n < ORDER; n++) {
    double sum = 0, squares = 0;
    for (int64_t k = 0; k < M; k++) {
      const double *x = train.inputs + (k * ORDER + n) * WIDTH;
      for (int64_t i = 0; i < WIDTH; i++) {
        cr_assert(i < shape[n] || x[i] == 0);
        sum += x[i];
        squares += x[i] * x[i];
      }
    }
    double size = (double)shape[n];
    cr_assert(epsilon_eq(dbl, squares / M, 1, 4 * sqrt(2 / (M * size))));
    cr_assert(epsilon_eq(dbl, sum / M, 0, 4 / sqrt(M)));
  }
  double power = pow(norm_of(M, train.values), 2) / M;
  cr_assert(epsilon_eq(dbl, power, 1, 4 * sqrt(27. / M)));
  htf_problem_destroy(&problem);
}

Test(sensing, vectors_have_the_standard_deviation_asked_for) {
  htf_plant recipe = recipe_of(HTF_PROBLEM_SENSING);
  htf_problem *plain = plant(&recipe);
  recipe.input_std = 3;
  htf_problem *wide = plant(&recipe);
  htf_samples a = htf_problem_train(plain), b = htf_problem_train(wide);
  for (int k = 0; k < 12; k++) {
    for (int n = 0; n < ORDER; n++) {
      for (int i = 0; i < WIDTH; i++) {
        int at = (k * ORDER + n) * WIDTH + i;
        double scaled = 3 * sqrt((double)shape[n]) * a.inputs[at];
        cr_assert(epsilon_eq(dbl, b.inputs[at], scaled, 1e-15 * fabs(scaled)));
      }
    }
  }
  htf_problem_destroy(&plain);
  htf_problem_destroy(&wide);
}

Test(sensing, fewer_training_measurements_are_a_part_of_more) {
  htf_plant recipe = recipe_of(HTF_PROBLEM_SENSING);
  recipe.noise = 0.1;
  htf_problem *many = plant(&recipe);
  recipe.train = 7;
  htf_problem *few = plant(&recipe);
  htf_samples a = htf_problem_train(few), b = htf_problem_train(many);
  cr_assert(same(a.inputs, b.inputs, 7 * ORDER * WIDTH, sizeof *a.inputs));
  cr_assert(same(a.values, b.values, 7, sizeof *a.values));
  a = htf_problem_test(few);
  b = htf_problem_test(many);
  cr_assert(same(a.inputs, b.inputs, 5 * ORDER * WIDTH, sizeof *a.inputs));
  cr_assert(same(a.values, b.values, 5, sizeof *a.values));
  htf_problem_destroy(&few);
  htf_problem_destroy(&many);
}

// 2^64 entries: more than anyone can list, none of which is needed.
Test(sensing, works_at_order_64) {
  int64_t sizes[64];
  htf_tree *tree = NULL;
  for (int n = 0; n < 64; n++) {
    sizes[n] = 2;
  }
  cr_assert(eq(int, htf_tree_from_label("binary", 64, 3, &tree), HTF_OK));
  htf_plant recipe = recipe_of(HTF_PROBLEM_SENSING);
  recipe.order = 64;
  recipe.shape = sizes;
  recipe.tree = tree;
  htf_problem *problem = plant(&recipe);
  cr_assert(eq(ptr, (void *)htf_problem_tensor(problem), NULL));
  for (int k = 0; k < 12; k++) {
    double y = htf_problem_train(problem).values[k];
    cr_assert(isfinite(y) && y != 0);
  }
  htf_problem_destroy(&problem);
  htf_tree_destroy(&tree);
}

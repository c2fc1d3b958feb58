// SPDX-License-Identifier: BSD-3-Clause
// Planted problems, drawn and given, in completion and full; test_sensing.c has the rest.
#include "problem_test.h"

static const htf_problem_task tasks[] = {HTF_PROBLEM_COMPLETION, HTF_PROBLEM_SENSING,
                                         HTF_PROBLEM_FULL};
enum { TASKS = 3 };

// Numbers that no factorization made.
static void fill(int64_t n, double *tensor) {
  htf_random stream = htf_random_open(9, HTF_RANDOM_TEST, 0);
  htf_random_normal(&stream, n, tensor);
}

// ---- targets --------------------------------------------------------------------------

// Some roundings of a scaling, 1e-16 each.
Test(plant, has_exactly_the_norm_asked_for) {
  static const int64_t sizes[][3] = {{3, 4, 2}, {3, 4, 2}, {5, 3, 0}, {90, 80, 70}};
  static const char *const trees[] = {tree_text, "(0,1,2)4;", "(((0)3)3,1)3;",
                                      "((1,2)3,0)2;"};
  static const htf_model_kind kinds[] = {HTF_MODEL_HTF, HTF_MODEL_CP, HTF_MODEL_MF,
                                         HTF_MODEL_HTF};
  static const double norms[] = {0, 5, 1e-30};
  for (int i = 0; i < 4; i++) {
    htf_tree *tree = NULL;
    cr_assert(eq(int, htf_tree_read(trees[i], &tree), HTF_OK));
    for (int j = 0; j < 3; j++) {
      htf_plant recipe = recipe_of(tasks[j]);
      recipe.tree = tree;
      recipe.kind = kinds[i];
      recipe.shape = sizes[i];
      recipe.order = kinds[i] == HTF_MODEL_MF ? 2 : 3;
      recipe.train = 8;
      recipe.norm = norms[j];
      htf_problem *problem = plant(&recipe);
      int64_t entries = product(recipe.order, sizes[i]);
      double wanted = norms[j] > 0 ? norms[j] : sqrt((double)entries);
      double norm = norm_of(entries, htf_problem_tensor(problem));
      cr_assert(epsilon_eq(dbl, norm / wanted, 1, 1e-13), "case %d, task %d", i, j);
      htf_problem_destroy(&problem);
    }
    htf_tree_destroy(&tree);
  }
}

// Weights of N(0, 1) from the target's stream, in theta's order: the same end tensor but
// for its scale.
Test(plant, draws_its_target_from_a_stream_of_its_own) {
  htf_plant recipe = recipe_of(HTF_PROBLEM_COMPLETION);
  htf_problem *problem = plant(&recipe);
  htf_model *model = NULL;
  htf_expansion *expansion = NULL;
  double theta[64], tensor[ENTRIES];
  htf_random stream = htf_random_open(recipe.seed, HTF_RANDOM_TARGET, recipe.draw);
  cr_assert(eq(int, htf_model_create(recipe.kind, recipe.tree, shape, &model), HTF_OK));
  cr_assert(eq(int, htf_expansion_create(model, &expansion), HTF_OK));
  htf_random_normal(&stream, htf_model_parameters(model), theta);
  htf_expansion_apply(expansion, theta, tensor);
  double scale = 5 / norm_of(ENTRIES, tensor);
  for (int k = 0; k < ENTRIES; k++) {
    cr_assert(epsilon_eq(dbl, htf_problem_tensor(problem)[k], scale * tensor[k], 1e-14));
  }
  htf_expansion_destroy(&expansion);
  htf_model_destroy(&model);
  htf_problem_destroy(&problem);
}

// A tensor too large to hold is measured through its factors: by other sums, scaled to a
// norm that is accurate to 1e-8 at worst. Full holds all of it.
Test(plant, of_a_large_target_is_measured_without_its_tensor) {
  static const int64_t sizes[] = {128, 128, 65};
  htf_plant recipe = recipe_of(HTF_PROBLEM_FULL);
  recipe.shape = sizes;
  htf_problem *full = plant(&recipe);
  recipe.task = HTF_PROBLEM_COMPLETION;
  recipe.train = 1000;
  htf_problem *few = plant(&recipe);
  const double *tensor = htf_problem_tensor(full);
  htf_samples train = htf_problem_train(few);
  cr_assert(eq(ptr, (void *)htf_problem_tensor(few), NULL));
  cr_assert(epsilon_eq(dbl, norm_of(128 * 128 * 65, tensor), 5, 1e-13 * 5));
  for (int k = 0; k < 1000; k++) {
    double entry = tensor[position(3, sizes, train.indices + 3 * k)];
    cr_assert(epsilon_eq(dbl, train.values[k], entry, 1e-8 * fabs(entry) + 1e-15));
  }
  htf_problem_destroy(&full);
  htf_problem_destroy(&few);
}

Test(plant, a_given_tensor_is_measured_as_it_is_or_at_the_norm_asked_for) {
  static const double norms[] = {0, 3};
  double given[ENTRIES];
  fill(ENTRIES, given);
  for (int i = 0; i < TASKS; i++) {
    for (int j = 0; j < 2; j++) {
      htf_plant recipe = recipe_of(tasks[i]);
      recipe.tree = NULL;
      recipe.tensor = given;
      recipe.norm = norms[j];
      htf_problem *problem = plant(&recipe);
      const double *tensor = htf_problem_tensor(problem);
      double scale = norms[j] > 0 ? 3 / norm_of(ENTRIES, given) : 1;
      for (int k = 0; k < ENTRIES; k++) {
        cr_assert(epsilon_eq(dbl, tensor[k], scale * given[k],
                             norms[j] > 0 ? 4e-16 * fabs(given[k]) : 0));
      }
      cr_assert(norms[j] == 0 || fabs(norm_of(ENTRIES, tensor) / 3 - 1) < 1e-13);
      htf_problem_destroy(&problem);
    }
  }
}

Test(plant, refuses_a_tensor_that_is_not_finite_or_has_no_norm_to_scale) {
  double given[ENTRIES] = {0};
  htf_plant recipe = recipe_of(HTF_PROBLEM_COMPLETION);
  recipe.tree = NULL;
  recipe.tensor = given;
  refuses(&recipe, HTF_E_DATA, "norm 0 cannot be scaled to norm 5");
  given[ENTRIES - 3] = -INFINITY;
  refuses(&recipe, HTF_E_DATA, "tensor[2, 2, 1] is -inf");
}

// ---- completion -----------------------------------------------------------------------

// All entries seen, each once, with the tensor's value; drawn or given.
Test(plant, completion_shows_each_entry_at_most_once_and_truly) {
  double given[ENTRIES];
  fill(ENTRIES, given);
  for (int i = 0; i < 2; i++) {
    htf_plant recipe = recipe_of(HTF_PROBLEM_COMPLETION);
    recipe.train = 15;
    recipe.test = 9;
    recipe.tensor = i == 0 ? NULL : given;
    htf_problem *problem = plant(&recipe);
    htf_samples parts[] = {htf_problem_train(problem), htf_problem_test(problem)};
    int seen[ENTRIES] = {0};
    for (int p = 0; p < 2; p++) {
      cr_assert(parts[p].inputs == NULL && !parts[p].all);
      for (int64_t k = 0; k < parts[p].count; k++) {
        int64_t at = position(ORDER, shape, parts[p].indices + k * ORDER);
        seen[at]++;
        cr_assert(eq(dbl, parts[p].values[k], htf_problem_tensor(problem)[at]));
      }
    }
    for (int k = 0; k < ENTRIES; k++) {
      cr_assert(eq(int, seen[k], 1));
    }
    htf_problem_destroy(&problem);
  }
}

Test(plant, fewer_training_samples_are_a_part_of_more) {
  htf_plant recipe = recipe_of(HTF_PROBLEM_COMPLETION);
  recipe.noise = 0.1;
  htf_problem *many = plant(&recipe);
  recipe.train = 7;
  htf_problem *few = plant(&recipe);
  htf_samples a = htf_problem_train(few), b = htf_problem_train(many);
  cr_assert(same(a.indices, b.indices, 7 * ORDER, sizeof *a.indices));
  cr_assert(same(a.values, b.values, 7, sizeof *a.values));
  a = htf_problem_test(few);
  b = htf_problem_test(many);
  cr_assert(same(a.indices, b.indices, 5 * ORDER, sizeof *a.indices));
  cr_assert(same(a.values, b.values, 5, sizeof *a.values));
  htf_problem_destroy(&few);
  htf_problem_destroy(&many);
}

// ---- full -----------------------------------------------------------------------------

Test(plant, full_trains_on_every_entry_and_holds_out_none) {
  htf_plant recipe = recipe_of(HTF_PROBLEM_FULL);
  htf_problem *problem = plant(&recipe);
  htf_samples train = htf_problem_train(problem);
  cr_assert(train.all && train.indices == NULL && train.inputs == NULL);
  cr_assert(eq(i64, train.count, ENTRIES));
  cr_assert(same(train.values, htf_problem_tensor(problem), ENTRIES, sizeof(double)));
  cr_assert(eq(i64, htf_problem_test(problem).count, 0));
  htf_problem_destroy(&problem);
}

Test(plant, full_is_refused_where_memory_would_be_absurd) {
  static const int64_t sizes[] = {8192, 8193, 1};
  htf_plant recipe = recipe_of(HTF_PROBLEM_FULL);
  recipe.shape = sizes;
  refuses(&recipe, HTF_E_CONFIG, "67117056 entries holds 536936448 bytes");
}

// ---- streams --------------------------------------------------------------------------

// It is that of its own stream, longer than what is drawn at once; values of size 10 round
// by 1e-15.
Test(plant, noise_touches_the_training_values_alone) {
  enum { MANY = 5000 };
  double noise[MANY];
  for (int i = 0; i < TASKS; i++) {
    htf_plant recipe = recipe_of(tasks[i]);
    recipe.train = tasks[i] == HTF_PROBLEM_SENSING ? MANY : recipe.train;
    htf_problem *clean = plant(&recipe);
    recipe.noise = 0.1;
    htf_problem *noisy = plant(&recipe);
    htf_samples a = htf_problem_train(clean), b = htf_problem_train(noisy);
    htf_random stream = htf_random_open(recipe.seed, HTF_RANDOM_NOISE, recipe.draw);
    htf_random_normal(&stream, b.count, noise);
    for (int64_t k = 0; k < b.count; k++) {
      cr_assert(epsilon_eq(dbl, b.values[k] - a.values[k], 0.1 * noise[k], 1e-14));
    }
    a = htf_problem_test(clean);
    b = htf_problem_test(noisy);
    cr_assert(same(a.values, b.values, a.count, sizeof *a.values));
    cr_assert(same(htf_problem_tensor(clean), htf_problem_tensor(noisy), ENTRIES,
                   sizeof(double)));
    htf_problem_destroy(&clean);
    htf_problem_destroy(&noisy);
  }
}

// The same target whatever is measured, the same measurements whatever the target.
Test(plant, target_and_measurements_do_not_depend_on_each_other) {
  double given[ENTRIES];
  fill(ENTRIES, given);
  htf_plant recipe = recipe_of(HTF_PROBLEM_COMPLETION);
  htf_problem *base = plant(&recipe);
  for (int i = 1; i < TASKS; i++) {
    recipe.task = tasks[i];
    recipe.train = 3;
    recipe.noise = 1;
    htf_problem *other = plant(&recipe);
    cr_assert(
        same(htf_problem_tensor(base), htf_problem_tensor(other), ENTRIES, sizeof(double)));
    htf_problem_destroy(&other);
  }
  recipe = recipe_of(HTF_PROBLEM_COMPLETION);
  recipe.tensor = given;
  htf_problem *other = plant(&recipe);
  cr_assert(same(htf_problem_train(base).indices, htf_problem_train(other).indices,
                 12 * ORDER, sizeof(int64_t)));
  htf_problem_destroy(&other);
  htf_problem_destroy(&base);
}

Test(plant, another_draw_is_another_problem) {
  htf_plant recipe = recipe_of(HTF_PROBLEM_COMPLETION);
  htf_problem *a = plant(&recipe);
  recipe.draw = 1;
  htf_problem *b = plant(&recipe);
  bool same_entries = same(htf_problem_train(a).indices, htf_problem_train(b).indices,
                           12 * ORDER, sizeof(int64_t));
  bool same_target =
      same(htf_problem_tensor(a), htf_problem_tensor(b), ENTRIES, sizeof(double));
  cr_assert(same_entries == false && same_target == false);
  htf_problem_destroy(&a);
  htf_problem_destroy(&b);
}

// ---- what cannot be -------------------------------------------------------------------

Test(plant, refuses_more_samples_than_entries_and_none) {
  htf_plant recipe = recipe_of(HTF_PROBLEM_COMPLETION);
  recipe.train = 20;
  refuses(&recipe, HTF_E_CONFIG, "20 training and 5 held-out samples of a tensor of 24");
  recipe.train = 0;
  refuses(&recipe, HTF_E_CONFIG, "0 training");
  recipe.task = HTF_PROBLEM_SENSING;
  refuses(&recipe, HTF_E_CONFIG, "0 training");
  recipe.train = (int64_t)1 << 31;
  refuses(&recipe, HTF_E_CONFIG, "2147483648 training");
}

Test(plant, out_of_memory_is_a_status_and_leaks_nothing) {
  double given[ENTRIES];
  fill(ENTRIES, given);
  for (int i = 0; i < 2 * TASKS; i++) {
    htf_problem *problem = NULL;
    htf_plant recipe = recipe_of(tasks[i / 2]);
    recipe.noise = 0.1;
    recipe.tensor = i % 2 == 0 ? NULL : given;
    FAILS_CLEANLY(htf_problem_plant(&recipe, &problem), problem);
  }
}

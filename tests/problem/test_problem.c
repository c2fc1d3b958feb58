// SPDX-License-Identifier: BSD-3-Clause
// Problems made from samples that a file held.
#include "problem_test.h"

static const htf_samples none = {.count = 0};

static htf_samples entries_of(int64_t count, const int64_t *indices, const double *values) {
  return (htf_samples){.count = count, .indices = indices, .values = values};
}

static htf_samples vectors_of(int64_t count, const double *inputs, const double *values) {
  return (htf_samples){.count = count, .inputs = inputs, .values = values};
}

// What creating says, which holds the words expected.
static htf_status create(htf_samples train, htf_samples test, const double *tensor,
                         const char *expected) {
  htf_problem *problem = NULL;
  htf_error_clear();
  htf_status status = htf_problem_create(ORDER, shape, train, test, tensor, &problem);
  cr_assert(ne(ptr, strstr(htf_error_message(), expected), NULL), "%s",
            htf_error_message());
  htf_problem_destroy(&problem);
  return status;
}

Test(problem, refuses_entries_that_cannot_be_and_names_the_place) {
  int64_t outside[] = {0, 0, 0, 1, 4, 1}, twice[] = {0, 0, 0, 1, 1, 1, 0, 0, 0};
  double fine[] = {1, 2, 3}, infinite[] = {1, INFINITY, 3}, tensor[ENTRIES] = {0};
  int64_t distinct[] = {0, 0, 0, 1, 1, 1, 2, 2, 0};
  int64_t before = htf_memory_blocks();
  htf_samples good = entries_of(3, distinct, fine), bad = entries_of(2, outside, fine);
  cr_assert(eq(int, create(bad, none, NULL, "train/indices[1, 1] is 4"), HTF_E_DATA));
  cr_assert(eq(int, create(good, bad, NULL, "test/indices[1, 1] is 4"), HTF_E_DATA));
  bad = entries_of(3, twice, fine);
  cr_assert(eq(int, create(bad, none, NULL, "rows 0 and 2"), HTF_E_DATA));
  cr_assert(eq(int, create(good, bad, NULL, ""), HTF_OK)); // held out twice is no harm
  bad = entries_of(3, distinct, infinite);
  cr_assert(eq(int, create(bad, none, NULL, "train/values[1] is inf"), HTF_E_DATA));
  bad = entries_of(0, distinct, fine);
  cr_assert(eq(int, create(bad, none, NULL, "no training samples"), HTF_E_DATA));
  tensor[7] = NAN;
  cr_assert(eq(int, create(good, none, tensor, "tensor[0, 3, 1] is nan"), HTF_E_DATA));
  cr_assert(eq(int, create(good, none, NULL, ""), HTF_OK));
  cr_assert(eq(i64, htf_memory_blocks(), before));
}

// Vectors [2, 3, 4] of ones, zero beyond the sizes 3, 4, 2.
static void make_inputs(double *inputs) {
  for (int i = 0; i < 2 * ORDER * WIDTH; i++) {
    inputs[i] = i % WIDTH < shape[i / WIDTH % ORDER];
  }
}

Test(problem, refuses_vectors_that_cannot_be_and_names_the_place) {
  double inputs[2 * ORDER * WIDTH], values[] = {1, 2}, bad[] = {1, NAN};
  int64_t before = htf_memory_blocks();
  make_inputs(inputs);
  htf_samples vectors = vectors_of(2, inputs, values);
  cr_assert(eq(int, create(vectors, vectors, NULL, ""), HTF_OK));
  cr_assert(eq(int,
               create(vectors_of(2, inputs, bad), none, NULL, "train/values[1] is nan"),
               HTF_E_DATA));
  inputs[(1 * ORDER + 2) * WIDTH + 1] = INFINITY;
  cr_assert(
      eq(int, create(vectors, none, NULL, "train/inputs[1, 2, 1] is inf"), HTF_E_DATA));
  inputs[(1 * ORDER + 2) * WIDTH + 1] = 1;
  inputs[(0 * ORDER + 2) * WIDTH + 2] = 1;
  cr_assert(eq(int,
               create(vectors, none, NULL, "inputs[0, 2, 2] is 1, but mode 2 has size 2"),
               HTF_E_DATA));
  cr_assert(eq(i64, htf_memory_blocks(), before));
}

Test(problem, keeps_copies_of_what_it_is_made_from) {
  double inputs[2 * ORDER * WIDTH], values[] = {1, 2}, tensor[ENTRIES] = {[5] = 2};
  int64_t indices[] = {1, 2, 1};
  make_inputs(inputs);
  htf_problem *problem = NULL;
  cr_assert(eq(int,
               htf_problem_create(ORDER, shape, vectors_of(2, inputs, values),
                                  entries_of(1, indices, values), tensor, &problem),
               HTF_OK));
  memset(values, 0, sizeof values);
  htf_samples train = htf_problem_train(problem), test = htf_problem_test(problem);
  cr_assert(train.count == 2 && train.indices == NULL && train.values[1] == 2);
  cr_assert(train.inputs != inputs && same(train.inputs, inputs, 24, sizeof *inputs));
  cr_assert(test.count == 1 && test.inputs == NULL && test.indices[1] == 2);
  cr_assert(same(htf_problem_tensor(problem), tensor, ENTRIES, sizeof *tensor));
  cr_assert(eq(int, htf_problem_order(problem), ORDER));
  cr_assert(same(htf_problem_shape(problem), shape, ORDER, sizeof *shape));
  htf_problem_destroy(&problem);
}

Test(problem, does_not_hold_a_large_tensor) {
  static const int64_t sizes[] = {1 << 10, 1025};
  static const int64_t indices[] = {3, 4};
  static const double values[] = {1};
  double *tensor = htf_memory_get(1025 << 10, sizeof *tensor);
  htf_problem *problem = NULL;
  cr_assert(eq(
      int,
      htf_problem_create(2, sizes, entries_of(1, indices, values), none, tensor, &problem),
      HTF_OK));
  cr_assert(eq(ptr, (void *)htf_problem_tensor(problem), NULL));
  htf_problem_destroy(&problem);
  htf_memory_release(tensor);
}

Test(problem, its_samples_are_points_of_a_model_by_what_is_there) {
  double inputs[2 * ORDER * WIDTH], values[ENTRIES] = {1, 2};
  int64_t indices[] = {1, 2, 1, 0, 0, 0, 2, 3, 1};
  htf_samples samples[] = {entries_of(3, indices, values),
                           vectors_of(2, inputs, values),
                           {.count = ENTRIES, .values = values, .all = true}};
  htf_plant recipe = recipe_of(HTF_PROBLEM_FULL);
  int leaf = htf_tree_leaf(recipe.tree, 1);
  make_inputs(inputs);
  for (int i = 0; i < 3; i++) {
    htf_points *points = NULL;
    cr_assert(eq(int, htf_problem_points(samples[i], recipe.tree, shape, &points), HTF_OK));
    cr_assert(eq(i64, htf_points_count(points), samples[i].count));
    bool vectors = htf_points_inputs(points, leaf) != NULL;
    cr_assert(vectors == (i == 1) && htf_points_are_all(points) == (i == 2));
    htf_points_destroy(&points);
  }
}

// ---- lists ----------------------------------------------------------------------------

enum { LIST = 12 };
typedef struct list {
  int64_t indices[LIST * ORDER];
  double inputs[LIST * ORDER * WIDTH];
  double values[LIST];
} list;

// Values are the row numbers, so that a sample tells which row it was.
static void make_list(list *l) {
  htf_random stream = htf_random_open(1, HTF_RANDOM_TEST, 0);
  for (int k = 0; k < LIST; k++) {
    l->indices[ORDER * k] = k / 4;
    l->indices[ORDER * k + 1] = k % 4;
    l->indices[ORDER * k + 2] = k % 2;
    l->values[k] = k;
    for (int n = 0; n < ORDER; n++) {
      double *x = l->inputs + (k * ORDER + n) * WIDTH;
      memset(x, 0, WIDTH * sizeof *x);
      htf_random_normal(&stream, shape[n], x);
    }
  }
}

static htf_split split_of(const list *l, bool vectors) {
  return (htf_split){.order = ORDER,
                     .shape = shape,
                     .all = vectors ? vectors_of(LIST, l->inputs, l->values)
                                    : entries_of(LIST, l->indices, l->values),
                     .train = 7,
                     .test = 4,
                     .seed = 7};
}

static void check_part(const list *l, htf_samples part, int *seen) {
  for (int64_t k = 0; k < part.count; k++) {
    int row = (int)part.values[k];
    seen[row]++;
    cr_assert(part.indices == NULL ||
              same(part.indices + ORDER * k, l->indices + ORDER * row, ORDER,
                   sizeof *part.indices));
    cr_assert(part.inputs == NULL ||
              same(part.inputs + ORDER * WIDTH * k, l->inputs + ORDER * WIDTH * row,
                   ORDER * WIDTH, sizeof *part.inputs));
  }
}

Test(problem, a_list_is_split_without_overlap) {
  list l;
  int64_t before = htf_memory_blocks();
  double tensor[ENTRIES] = {1};
  make_list(&l);
  for (int vectors = 0; vectors < 2; vectors++) {
    htf_problem *problem = NULL;
    htf_split split = split_of(&l, vectors);
    split.tensor = tensor;
    cr_assert(eq(int, htf_problem_split(&split, &problem), HTF_OK));
    htf_samples train = htf_problem_train(problem), test = htf_problem_test(problem);
    int seen[LIST] = {0};
    cr_assert(train.count == 7 && test.count == 4);
    cr_assert(vectors == (train.inputs != NULL) && vectors == (train.indices == NULL));
    check_part(&l, train, seen);
    check_part(&l, test, seen);
    for (int k = 0; k < LIST; k++) {
      cr_assert(seen[k] <= 1);
    }
    cr_assert(same(htf_problem_tensor(problem), tensor, ENTRIES, sizeof *tensor));
    htf_problem_destroy(&problem);
  }
  cr_assert(eq(i64, htf_memory_blocks(), before));
}

Test(problem, a_list_gives_no_more_samples_than_it_has) {
  list l;
  htf_problem *problem = NULL;
  make_list(&l);
  htf_split split = split_of(&l, false);
  split.train = 9;
  cr_assert(eq(int, htf_problem_split(&split, &problem), HTF_E_DATA));
  split.train = 0;
  cr_assert(eq(int, htf_problem_split(&split, &problem), HTF_E_DATA));
}

Test(problem, out_of_memory_is_a_status_and_leaks_nothing) {
  list l;
  double tensor[ENTRIES] = {1};
  make_list(&l);
  for (int vectors = 0; vectors < 2; vectors++) {
    htf_problem *problem = NULL;
    htf_split split = split_of(&l, vectors);
    split.tensor = tensor;
    FAILS_CLEANLY(htf_problem_split(&split, &problem), problem);
    FAILS_CLEANLY(htf_problem_create(ORDER, shape, split.all, split.all, tensor, &problem),
                  problem);
  }
}

// SPDX-License-Identifier: BSD-3-Clause
// Spectra by either way, at nodes and at partitions off the tree, against the matrices
// themselves.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

#include "htflow/dense.h"
#include "htflow/memory.h"
#include "random_tree.h"
#include "spectra_impl.h"

enum { ORDER = 10, WIDTH = 8 };

// A random model of this order, and its tensor.
typedef struct scene {
  htf_random stream;
  htf_model *model;
  const htf_tree *tree;
  int order;
  int64_t shape[ORDER], entries;
  double *theta, *tensor;
} scene;

static scene make(uint64_t seed, int order) {
  scene s = {.stream = htf_random_open(seed, HTF_RANDOM_TEST, 0), .order = order};
  htf_expansion *expansion = NULL;
  htf_tree *tree = random_tree(&s.stream, order, WIDTH);
  s.entries = 1;
  for (int n = 0; n < order; n++) {
    s.shape[n] = 1 + htf_random_index(&s.stream, order < 7 ? 5 : 3);
    s.entries *= s.shape[n];
  }
  cr_assert(htf_model_create(HTF_MODEL_HTF, tree, s.shape, &s.model) == HTF_OK);
  htf_tree_destroy(&tree);
  s.tree = htf_model_tree(s.model);
  s.theta = htf_memory_get((size_t)htf_model_parameters(s.model), sizeof(double));
  htf_random_normal(&s.stream, htf_model_parameters(s.model), s.theta);
  s.tensor = htf_memory_get((size_t)s.entries, sizeof(double));
  cr_assert(htf_expansion_create(s.model, &expansion) == HTF_OK);
  htf_expansion_apply(expansion, s.theta, s.tensor);
  htf_expansion_destroy(&expansion);
  return s;
}

static void drop(scene *s) {
  htf_model_destroy(&s->model);
  HTF_FREE(s->theta);
  HTF_FREE(s->tensor);
  cr_assert(eq(i64, htf_memory_blocks(), 0));
}

// The values of the matrix whose rows are these modes; their number.
static int64_t dense_values(const scene *s, uint64_t modes, double **values) {
  int64_t rows = 1;
  for (int n = 0; n < s->order; n++) {
    rows *= modes >> n & 1 ? s->shape[n] : 1;
  }
  int64_t cols = s->entries / rows, size = rows < cols ? rows : cols;
  double *matrix = htf_memory_get((size_t)s->entries, sizeof *matrix);
  for (int64_t k = 0; k < s->entries; k++) {
    int64_t at[2] = {0, 0}, stride = s->entries;
    for (int n = 0; n < s->order; n++) {
      stride /= s->shape[n];
      int64_t *place = &at[modes >> n & 1];
      *place = *place * s->shape[n] + k / stride % s->shape[n];
    }
    matrix[at[1] * cols + at[0]] = s->tensor[k];
  }
  *values = htf_memory_get((size_t)size, sizeof **values);
  cr_assert(htf_dense_singular_values(htf_matrix_view(matrix, rows, cols), *values) ==
            HTF_OK);
  HTF_FREE(matrix);
  return size;
}

// 1e-12 of the largest is some thousand roundings, most of them the oracle's.
static void compare(const scene *s, uint64_t modes, int64_t count, const double *values) {
  double *expected;
  int64_t size = dense_values(s, modes, &expected);
  cr_assert(le(i64, count, size));
  for (int64_t i = 0; i < size; i++) {
    double value = i < count ? values[i] : 0;
    cr_assert(fabs(value - expected[i]) <= 1e-12 * expected[0],
              "modes %llx, value %d: %.17g, not %.17g of %g", (unsigned long long)modes,
              (int)i, value, expected[i], expected[0]);
  }
  HTF_FREE(expected);
}

Test(partitions, of_the_tree_are_those_of_the_matrices_by_either_way) {
  for (int order = 4; order <= ORDER; order++) {
    for (uint64_t seed = 0; seed < 8; seed++) {
      scene s = make(100 * (uint64_t)order + seed, order);
      for (int whole = 0; whole < 2; whole++) {
        htf_spectra *spectra = NULL;
        cr_assert(htf_spectra__create_as(s.model, whole, &spectra) == HTF_OK);
        cr_assert(htf_spectra_compute(spectra, s.theta) == HTF_OK);
        for (int v = 0; v < htf_tree_root(s.tree); v++) {
          compare(&s, htf_spectra__modes(s.tree, v), htf_spectra_count(spectra, v),
                  htf_spectra_values(spectra, v));
        }
        htf_spectra_destroy(&spectra);
      }
      drop(&s);
    }
  }
}

// Any set of modes, those of nodes and their complements among them.
Test(partitions, off_the_tree_are_those_of_the_matrices_by_either_way) {
  enum { SETS = 12 };
  for (int order = 4; order <= 8; order++) {
    for (uint64_t seed = 0; seed < 6; seed++) {
      scene s = make(100 * (uint64_t)order + seed, order);
      uint64_t sets[SETS], all = (UINT64_C(1) << order) - 1;
      for (int i = 0; i < SETS; i++) {
        sets[i] = 1 + (uint64_t)htf_random_index(&s.stream, (int64_t)all - 1);
      }
      for (int whole = 0; whole < 2; whole++) {
        htf_spectra *spectra = NULL;
        cr_assert(htf_spectra__create_as(s.model, whole, &spectra) == HTF_OK);
        for (int i = 0; i < SETS; i++) {
          cr_assert(htf_spectra_choose(spectra, sets[i]) == HTF_OK, "%s",
                    htf_error_message());
        }
        cr_assert(htf_spectra_compute(spectra, s.theta) == HTF_OK);
        for (int i = 0; i < SETS; i++) {
          compare(&s, sets[i], htf_spectra_chosen_count(spectra, i),
                  htf_spectra_chosen_values(spectra, i));
        }
        htf_spectra_destroy(&spectra);
      }
      drop(&s);
    }
  }
}

static htf_model *deep(int order, int width) {
  htf_tree *tree = NULL;
  htf_model *model = NULL;
  int64_t shape[64];
  for (int n = 0; n < order; n++) {
    shape[n] = 4;
  }
  cr_assert(htf_tree_from_label("binary", order, width, &tree) == HTF_OK);
  cr_assert(htf_model_create(HTF_MODEL_HTF, tree, shape, &model) == HTF_OK);
  htf_tree_destroy(&tree);
  return model;
}

// Modes 0-7 and 24-31 of 64: two subtrees that meet below the root; and the first three
// quarters, whose complement is one.
Test(partitions, of_a_few_subtrees_are_cheap_at_order_64) {
  htf_model *model = deep(64, 8);
  double flops;
  cr_assert(htf_spectra_choice_cost(model, 0xff0000ff, &flops) == HTF_OK);
  cr_assert(flops < 1e9, "%g", flops);
  cr_assert(htf_spectra_choice_cost(model, 0x0000ffffffffffff, &flops) == HTF_OK);
  cr_assert(flops < 1e6, "%g", flops);
  htf_model_destroy(&model);
}

Test(partitions, of_even_modes_against_odd_are_refused_with_both_costs) {
  htf_model *model = deep(64, 8);
  htf_spectra *spectra = NULL;
  double flops;
  cr_assert(htf_spectra_choice_cost(model, 0x5555555555555555, &flops) == HTF_E_CONFIG);
  cr_assert(strstr(htf_error_message(), "no cut of the tree exposes the modes 0_2_4_") !=
            NULL);
  cr_assert(strstr(htf_error_message(), "the dense way takes one of 1.84e+19 x 1.84e+19") !=
                NULL,
            "%s", htf_error_message());
  cr_assert(htf_spectra_create(model, &spectra) == HTF_OK);
  cr_assert(htf_spectra_choose(spectra, 0x5555555555555555) == HTF_E_CONFIG);
  cr_assert(htf_spectra_choose(spectra, 0) == HTF_E_CONFIG);
  cr_assert(htf_spectra_choose(spectra, UINT64_MAX) == HTF_E_CONFIG);
  htf_spectra_destroy(&spectra);
  htf_model_destroy(&model);
  cr_assert(eq(i64, htf_memory_blocks(), 0));
}

Test(partitions, are_computed_without_allocating) {
  scene s = make(3, 6);
  for (int whole = 0; whole < 2; whole++) {
    htf_spectra *spectra = NULL;
    cr_assert(htf_spectra__create_as(s.model, whole, &spectra) == HTF_OK);
    cr_assert(htf_spectra_choose(spectra, 0x15) == HTF_OK);
    htf_memory_fail_at(1);
    cr_assert(htf_spectra_compute(spectra, s.theta) == HTF_OK);
    htf_memory_fail_at(0);
    htf_spectra_destroy(&spectra);
  }
  drop(&s);
}

Test(partitions, give_everything_back_when_memory_ends) {
  scene s = make(3, 6);
  for (int whole = 0; whole < 2; whole++) {
    int64_t blocks = htf_memory_blocks(), nth = 1;
    for (htf_status status = HTF_E_MEMORY; status != HTF_OK; nth++) {
      htf_spectra *spectra = NULL;
      htf_memory_fail_at(nth);
      status = htf_spectra__create_as(s.model, whole, &spectra);
      status = status == HTF_OK ? htf_spectra_choose(spectra, 0x15) : status;
      htf_memory_fail_at(0);
      cr_assert(status == HTF_OK || status == HTF_E_MEMORY);
      htf_spectra_destroy(&spectra);
      cr_assert(eq(i64, htf_memory_blocks(), blocks));
    }
    cr_assert(lt(i64, 10, nth));
  }
  drop(&s);
}

// ---- which way ------------------------------------------------------------------------

Test(partitions, go_the_way_that_takes_fewer_operations) {
  static const int64_t wide[] = {16, 16, 16, 16};
  htf_tree *tree = NULL;
  htf_model *model = NULL;
  htf_spectra__shape shape[128];
  cr_assert(htf_tree_from_label("binary", 4, 512, &tree) == HTF_OK);
  cr_assert(htf_model_create(HTF_MODEL_HTF, tree, wide, &model) == HTF_OK);
  htf_spectra__shapes(model, shape);
  cr_assert(htf_spectra__prefers_whole(model, shape));
  htf_tree_destroy(&tree);
  htf_model_destroy(&model);
  model = deep(10, 16);
  htf_spectra__shapes(model, shape);
  cr_assert(not(htf_spectra__prefers_whole(model, shape)));
  htf_model_destroy(&model);
}

// ---- truncation -----------------------------------------------------------------------

// tail_v(k) of every node from the matrices; at a root of two children one of them.
Test(partitions, bound_the_error_of_truncation) {
  scene s = make(7, 6);
  htf_spectra *spectra = NULL;
  int root = htf_tree_root(s.tree);
  cr_assert(htf_spectra_create(s.model, &spectra) == HTF_OK);
  cr_assert(htf_spectra_compute(spectra, s.theta) == HTF_OK);
  for (int64_t rank = 0; rank <= WIDTH; rank++) {
    double low = 0, high = 0;
    for (int v = 0; v < root; v++) {
      double *values, tail = 0;
      int64_t count = dense_values(&s, htf_spectra__modes(s.tree, v), &values);
      for (int64_t i = rank; i < count; i++) {
        tail += values[i] * values[i];
      }
      bool twin =
          htf_tree_children(s.tree, root) == 2 && v == htf_tree_child(s.tree, root, 1);
      low = fmax(low, sqrt(tail));
      high += twin ? 0 : tail;
      HTF_FREE(values);
    }
    htf_spectra_bounds bounds = htf_spectra_truncation(spectra, rank);
    double norm = htf_spectra_truncation(spectra, 0).low;
    cr_assert(epsilon_eq(dbl, bounds.low, low, 1e-12 * norm));
    cr_assert(epsilon_eq(dbl, bounds.high, sqrt(high), 1e-12 * norm));
  }
  htf_spectra_destroy(&spectra);
  drop(&s);
}

// A matrix: Eckart and Young, where both bounds meet.
Test(partitions, of_a_matrix_have_one_error_of_truncation) {
  static const int64_t shape[] = {5, 4};
  htf_random stream = htf_random_open(1, HTF_RANDOM_TEST, 0);
  htf_tree *tree = NULL;
  htf_model *model = NULL;
  htf_spectra *spectra = NULL;
  double theta[5 * 3 + 4 * 3 + 9];
  cr_assert(htf_tree_read("((0)3,1)3;", &tree) == HTF_OK);
  cr_assert(htf_model_create(HTF_MODEL_MF, tree, shape, &model) == HTF_OK);
  htf_random_normal(&stream, htf_model_parameters(model), theta);
  cr_assert(htf_spectra_create(model, &spectra) == HTF_OK);
  cr_assert(htf_spectra_compute(spectra, theta) == HTF_OK);
  const double *values = htf_spectra_values(spectra, 0);
  htf_spectra_bounds bounds = htf_spectra_truncation(spectra, 1);
  cr_assert(epsilon_eq(dbl, bounds.low, hypot(values[1], values[2]), 1e-13 * values[0]));
  cr_assert(epsilon_eq(dbl, bounds.high, bounds.low, 1e-13 * values[0]));
  cr_assert(eq(dbl, htf_spectra_truncation(spectra, 3).high, 0));
  htf_spectra_destroy(&spectra);
  htf_model_destroy(&model);
  htf_tree_destroy(&tree);
}

// SPDX-License-Identifier: BSD-3-Clause
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "htflow/spectra.h"
#include "matricization.h"
#include "spectra_impl.h"

enum { CASES = 120 };

// A model of this tree with random weights, up to RANDOM_ORDER modes of these sizes.
static random_model make(const char *newick, htf_model_kind kind, const int64_t *shape) {
  random_model c = {.stream = htf_random_open(5, HTF_RANDOM_TEST, 0), .entries = 1};
  htf_tree *tree = NULL;
  cr_assert(htf_tree_read(newick, &tree) == HTF_OK, "%s", htf_error_message());
  cr_assert(htf_model_create(kind, tree, shape, &c.model) == HTF_OK);
  htf_tree_destroy(&tree);
  c.tree = htf_model_tree(c.model);
  c.order = htf_tree_order(c.tree);
  for (int n = 0; n < c.order; n++) {
    c.shape[n] = shape[n];
    c.entries *= shape[n];
  }
  c.parameters = htf_model_parameters(c.model);
  c.theta = random_doubles(&c.stream, c.parameters);
  return c;
}

static htf_spectra *spectra_by(const random_model *c, bool whole) {
  htf_spectra *spectra = NULL;
  cr_assert(htf_spectra__create_as(c->model, whole, &spectra) == HTF_OK);
  cr_assert(htf_spectra_compute(spectra, c->theta) == HTF_OK, "%s", htf_error_message());
  return spectra;
}

// From triangular factors.
static htf_spectra *spectra_of(const random_model *c) {
  return spectra_by(c, false);
}

// At every node: descending, as those of the dense matrix within `tolerance` of the
// largest, and no others there than zero.
static void compare(const random_model *c, double tolerance, int label) {
  htf_spectra *spectra = spectra_of(c);
  double *tensor = naive_tensor(c, c->theta, NULL), *expected;
  for (int v = 0; v < htf_tree_root(c->tree); v++) {
    int64_t size = matricization_values(c, tensor, v, &expected);
    int64_t count = htf_spectra_count(spectra, v);
    const double *values = htf_spectra_values(spectra, v);
    cr_assert(le(i64, count, size), "model %d, node %d", label, v);
    cr_assert(le(i64, count, htf_model_cols(c->model, v)));
    for (int64_t i = 0; i < size; i++) {
      double value = i < count ? values[i] : 0;
      cr_assert(i == 0 || i >= count || values[i] <= values[i - 1]);
      cr_assert(fabs(value - expected[i]) <= tolerance * expected[0],
                "model %d, node %d, value %d: %.17g, not %.17g of %g", label, v, (int)i,
                value, expected[i], expected[0]);
    }
    HTF_FREE(expected);
  }
  HTF_FREE(tensor);
  htf_spectra_destroy(&spectra);
}

// 1e-12 of the largest is some thousand roundings, most of them the dense oracle's.
Test(spectra, are_those_of_the_dense_matricizations) {
  for (int i = 0; i < CASES; i++) {
    random_model c = random_model_make((uint64_t)i, random_kind(i));
    compare(&c, 1e-12, i);
    random_model_free(&c);
  }
}

// Trees whose products take several panels, and modes larger than the widths.
Test(spectra, of_many_panels_are_those_of_the_dense_matricizations) {
  static const int64_t shape[] = {13, 9, 5, 6, 11};
  static const char *const trees[] = {"((0,1)7,(4,(3,2)13)5)9;", "(0,1,2,3,4)40;",
                                      "((4,1)19,0,(3,2)5)23;", "((0,2,4)3,(3,1)8)2;"};
  for (int i = 0; i < 4; i++) {
    random_model c = make(trees[i], HTF_MODEL_HTF, shape);
    compare(&c, 1e-12, i);
    random_model_free(&c);
  }
}

// A unary node has its child's modes; where it is narrower, the child's other values are
// zero.
Test(spectra, of_a_unary_node_are_its_childs) {
  static const int64_t shape[] = {6, 7, 5};
  random_model c = make("((((0)4)3)5,((1,2)6)7)8;", HTF_MODEL_HTF, shape);
  htf_spectra *spectra = spectra_of(&c);
  for (int v = 0; v < htf_tree_root(c.tree); v++) {
    if (htf_tree_children(c.tree, v) == 1) {
      int child = htf_tree_child(c.tree, v, 0);
      const double *values = htf_spectra_values(spectra, v),
                   *below = htf_spectra_values(spectra, child);
      int64_t count = htf_spectra_count(spectra, v);
      for (int64_t i = 0; i < htf_spectra_count(spectra, child); i++) {
        double value = i < count ? values[i] : 0;
        cr_assert(epsilon_eq(dbl, below[i], value, 1e-14 * below[0]));
      }
    }
  }
  htf_spectra_destroy(&spectra);
  compare(&c, 1e-12, 0);
  random_model_free(&c);
}

Test(spectra, of_rank_deficient_weights_end_in_zeros) {
  static const int64_t shape[] = {6, 5, 4, 6};
  random_model c = make("((0,2)5,(1,3)4)3;", HTF_MODEL_HTF, shape);
  for (int v = 0; v < htf_tree_root(c.tree); v++) { // column 1 as column 0
    int64_t rows = htf_model_rows(c.model, v), cols = htf_model_cols(c.model, v);
    double *w = c.theta + htf_model_offset(c.model, v);
    for (int64_t r = 0; r < rows; r++) {
      w[r * cols + 1] = w[r * cols];
    }
  }
  compare(&c, 1e-12, 0);
  htf_spectra *spectra = spectra_of(&c);
  for (int v = 0; v < htf_tree_root(c.tree); v++) {
    int64_t rank = htf_model_cols(c.model, v) - 1;
    cr_assert(eq(i64, rank,
                 htf_spectra_numerical_rank(htf_spectra_count(spectra, v),
                                            htf_spectra_values(spectra, v), 1e-12)));
  }
  htf_spectra_destroy(&spectra);
  random_model_free(&c);
}

// ---- a spectrum that is known ---------------------------------------------------------

// A random orthogonal matrix [n, n] at `to`, or the first columns of one [rows, n].
static void draw_orthogonal(htf_random *stream, int64_t rows, int64_t n, double *to) {
  double *r = htf_memory_get((size_t)(n * n), sizeof *r);
  htf_random_normal(stream, rows * n, to);
  cr_assert(htf_dense_qr(htf_matrix_view(to, rows, n), htf_matrix_view(r, n, n)) == HTF_OK);
  HTF_FREE(r);
}

// Leaves with orthonormal columns have orthonormal Khatri-Rao products. So with
// W^(v) = P diag(s) Z and W^(v') = Q Z, all three orthogonal, and ones at the root the
// values at v and at v' are s: here 12 decades, hidden from every single column by Z.
Test(spectra, keep_three_digits_at_a_trillionth_of_the_largest) {
  enum { R = 13 };
  static const int64_t shape[] = {16, 14, 13, 15};
  static double p[R * R], z[R * R], q[R * R];
  random_model c = make("((0,1)13,(2,3)13)13;", HTF_MODEL_HTF, shape);
  for (int n = 0; n < 4; n++) {
    int leaf = htf_tree_leaf(c.tree, n);
    draw_orthogonal(&c.stream, shape[n], R, c.theta + htf_model_offset(c.model, leaf));
  }
  draw_orthogonal(&c.stream, R, R, p);
  draw_orthogonal(&c.stream, R, R, q);
  draw_orthogonal(&c.stream, R, R, z);
  for (int i = 0; i < R * R; i++) {
    p[i] *= pow(10, -(i % R));
  }
  int root = htf_tree_root(c.tree), left = htf_tree_child(c.tree, root, 0),
      right = htf_tree_child(c.tree, root, 1);
  htf_matrix w = htf_matrix_view(c.theta + htf_model_offset(c.model, left), R, R);
  htf_matrix w2 = htf_matrix_view(c.theta + htf_model_offset(c.model, right), R, R);
  htf_matrix mix = htf_matrix_view(z, R, R);
  htf_dense_multiply(HTF_PLAIN, htf_matrix_view(p, R, R), HTF_PLAIN, mix, 0, w);
  htf_dense_multiply(HTF_PLAIN, htf_matrix_view(q, R, R), HTF_PLAIN, mix, 0, w2);
  for (int r = 0; r < R; r++) {
    c.theta[htf_model_offset(c.model, root) + r] = 1;
  }
  for (int whole = 0; whole < 2; whole++) {
    htf_spectra *spectra = spectra_by(&c, whole);
    for (int i = 0; i < R; i++) {
      double one = htf_spectra_values(spectra, left)[i],
             other = htf_spectra_values(spectra, right)[i], expected = pow(10, -i);
      cr_assert(epsilon_eq(dbl, one, expected, 1e-3 * expected));
      cr_assert(epsilon_eq(dbl, other, expected, 1e-3 * expected));
    }
    htf_spectra_destroy(&spectra);
  }
  random_model_free(&c);
}

// ---- scales ---------------------------------------------------------------------------

// Powers of two commute with rounding: the very same digits. The product of three
// leaves is below the smallest double.
static void scale_and_compare(bool whole) {
  static const int64_t shape[] = {4, 3, 5, 3, 2};
  random_model c = make("((4,1,3)5,0,2)6;", HTF_MODEL_HTF, shape);
  htf_spectra *before = spectra_by(&c, whole), *after = NULL;
  int root = htf_tree_root(c.tree);
  for (int v = 0; v <= root; v++) {
    int64_t size = htf_model_rows(c.model, v) * htf_model_cols(c.model, v);
    double scale = v == root                          ? 0x1p1000
                   : htf_tree_children(c.tree, v) > 0 ? 0x1p900
                                                      : 0x1p-400;
    for (int64_t i = 0; i < size; i++) {
      c.theta[htf_model_offset(c.model, v) + i] *= scale;
    }
  }
  after = spectra_by(&c, whole);
  for (int v = 0; v < root; v++) {
    for (int64_t i = 0; i < htf_spectra_count(after, v); i++) {
      cr_assert(eq(dbl, htf_spectra_values(after, v)[i],
                   htf_spectra_values(before, v)[i] * 0x1p-100));
    }
  }
  htf_spectra_destroy(&before);
  htf_spectra_destroy(&after);
  random_model_free(&c);
}

Test(spectra, scale_with_the_weights_to_the_last_bit) {
  scale_and_compare(false);
  scale_and_compare(true);
}

Test(spectra, of_zero_weights_are_zero) {
  static const int64_t shape[] = {4, 3, 5};
  for (int kind = 0; kind < 2; kind++) {
    random_model c = make("(0,1,2)6;", (htf_model_kind)kind, shape);
    memset(c.theta, 0, (size_t)c.parameters * sizeof *c.theta);
    htf_spectra *spectra = spectra_of(&c);
    for (int v = 0; v < htf_tree_root(c.tree); v++) {
      for (int64_t i = 0; i < htf_spectra_count(spectra, v); i++) {
        cr_assert(eq(dbl, htf_spectra_values(spectra, v)[i], 0));
      }
    }
    htf_spectra_destroy(&spectra);
    random_model_free(&c);
  }
}

Test(spectra, of_weights_that_are_not_finite_are_nan) {
  static const int64_t shape[] = {4, 3, 5, 2};
  random_model c = make("((0,1)3,(2,3)3)2;", HTF_MODEL_HTF, shape);
  for (int trial = 0; trial < 4; trial++) {
    c.theta[0] = trial % 2 == 0 ? NAN : INFINITY;
    htf_spectra *spectra = spectra_by(&c, trial > 1);
    for (int v = 0; v < htf_tree_root(c.tree); v++) {
      cr_assert(isnan(htf_spectra_values(spectra, v)[0]));
    }
    htf_spectra_destroy(&spectra);
  }
  random_model_free(&c);
}

// No oracle is as large: but the matrices at the two children of the root are each other's
// transpose, and the squares of each matricization's values sum to the tensor's.
Test(spectra, of_order_64_agree_with_each_other_and_with_the_norm) {
  htf_tree *tree = NULL;
  htf_model *model = NULL;
  htf_spectra *spectra = NULL;
  htf_random stream = htf_random_open(9, HTF_RANDOM_TEST, 0);
  int64_t shape[64];
  double norm2;
  for (int n = 0; n < 64; n++) {
    shape[n] = 4;
  }
  cr_assert(htf_tree_from_label("binary half", 64, 32, &tree) == HTF_OK);
  cr_assert(htf_model_create(HTF_MODEL_HTF, tree, shape, &model) == HTF_OK);
  double *theta = htf_memory_get((size_t)htf_model_parameters(model), sizeof *theta);
  htf_model_gaussian(model, &stream, 0.3, theta);
  cr_assert(htf_spectra_create(model, &spectra) == HTF_OK);
  cr_assert(htf_spectra_compute(spectra, theta) == HTF_OK);
  cr_assert(htf_model_norm(model, theta, &norm2) == HTF_OK);
  norm2 *= norm2;
  for (int v = 0; v < htf_tree_root(tree); v++) {
    const double *values = htf_spectra_values(spectra, v);
    double sum = 0;
    for (int64_t i = 0; i < htf_spectra_count(spectra, v); i++) {
      sum += values[i] * values[i];
    }
    cr_assert(epsilon_eq(dbl, sum / norm2, 1, 1e-10), "node %d", v);
  }
  int left = htf_tree_child(tree, htf_tree_root(tree), 0);
  int right = htf_tree_child(tree, htf_tree_root(tree), 1);
  const double *l = htf_spectra_values(spectra, left),
               *r = htf_spectra_values(spectra, right);
  cr_assert(eq(i64, htf_spectra_count(spectra, left), 32));
  cr_assert(eq(i64, htf_spectra_count(spectra, right), 32));
  for (int i = 0; i < 32; i++) {
    cr_assert(epsilon_eq(dbl, l[i] / l[0], r[i] / l[0], 1e-13));
  }
  htf_spectra_destroy(&spectra);
  htf_model_destroy(&model);
  htf_tree_destroy(&tree);
  HTF_FREE(theta);
}

Test(spectra, gives_everything_back_when_memory_ends) {
  static const int64_t shape[] = {4, 3, 5, 2};
  for (int kind = 0; kind < 2; kind++) {
    random_model c = make(kind == HTF_MODEL_CP ? "(0,1,2,3)4;" : "(0,(1,2,3)3)2;",
                          (htf_model_kind)kind, shape);
    int64_t blocks = htf_memory_blocks(), nth = 1;
    for (htf_status status = HTF_E_MEMORY; status != HTF_OK; nth++) {
      htf_spectra *spectra = NULL;
      htf_memory_fail_at(nth);
      status = htf_spectra_create(c.model, &spectra);
      htf_memory_fail_at(0);
      cr_assert(status == HTF_OK || status == HTF_E_MEMORY);
      htf_spectra_destroy(&spectra);
      cr_assert(eq(i64, htf_memory_blocks(), blocks));
    }
    cr_assert(lt(i64, 20, nth));
    random_model_free(&c);
    cr_assert(eq(i64, htf_memory_blocks(), 0));
  }
}

Test(spectra, computing_allocates_nothing) {
  random_model c = random_model_make(4, HTF_MODEL_HTF);
  htf_spectra *spectra = spectra_of(&c);
  htf_memory_fail_at(1);
  cr_assert(htf_spectra_compute(spectra, c.theta) == HTF_OK);
  htf_memory_fail_at(0);
  htf_spectra_destroy(&spectra);
  random_model_free(&c);
}

// ---- what a spectrum says -------------------------------------------------------------

// n equal values: effective and stable rank n, entropy log n, whatever their size.
Test(spectra, of_equal_values_have_as_much_rank_as_values) {
  static const double sizes[] = {1e-300, 1, 1e300};
  for (int k = 0; k < 3; k++) {
    double s[5] = {sizes[k], sizes[k], sizes[k], sizes[k], sizes[k]};
    cr_assert(epsilon_eq(dbl, htf_spectra_effective_rank(5, s), 5, 1e-14));
    cr_assert(epsilon_eq(dbl, htf_spectra_stable_rank(5, s), 5, 1e-14));
    cr_assert(epsilon_eq(dbl, htf_spectra_entanglement_entropy(5, s), log(5), 1e-14));
    cr_assert(epsilon_eq(dbl, htf_spectra_nuclear_norm(5, s) / sizes[k], 5, 1e-14));
    cr_assert(eq(i64, htf_spectra_numerical_rank(5, s, 0.9), 5));
  }
}

// 4, 2, 2: p = 1/2, 1/4, 1/4 has entropy 3/2 log 2; squares 16, 4, 4.
Test(spectra, of_unequal_values_have_the_rank_of_the_definition) {
  static const double s[] = {4, 2, 2, 0};
  double h = 2. / 3 * log(1.5) + 1. / 3 * log(6);
  cr_assert(epsilon_eq(dbl, htf_spectra_effective_rank(4, s), exp2(1.5), 1e-14));
  cr_assert(epsilon_eq(dbl, htf_spectra_entanglement_entropy(4, s), h, 1e-14));
  cr_assert(eq(dbl, htf_spectra_stable_rank(4, s), 1.5));
  cr_assert(eq(dbl, htf_spectra_nuclear_norm(4, s), 8));
  cr_assert(eq(i64, htf_spectra_numerical_rank(4, s, 0.4), 3));
  cr_assert(eq(i64, htf_spectra_numerical_rank(4, s, 0.5), 1));
  cr_assert(eq(i64, htf_spectra_numerical_rank(4, s, 0), 3));
}

Test(spectra, of_zeros_have_rank_zero_and_of_nan_nan) {
  static const double zeros[2], nans[] = {NAN, NAN};
  for (int count = 0; count <= 2; count += 2) {
    cr_assert(eq(dbl, htf_spectra_effective_rank(count, zeros), 0));
    cr_assert(eq(dbl, htf_spectra_stable_rank(count, zeros), 0));
    cr_assert(eq(dbl, htf_spectra_entanglement_entropy(count, zeros), 0));
    cr_assert(eq(dbl, htf_spectra_nuclear_norm(count, zeros), 0));
    cr_assert(eq(i64, htf_spectra_numerical_rank(count, zeros, 1e-6), 0));
  }
  cr_assert(isnan(htf_spectra_effective_rank(2, nans)));
  cr_assert(isnan(htf_spectra_stable_rank(2, nans)));
  cr_assert(isnan(htf_spectra_entanglement_entropy(2, nans)));
  cr_assert(isnan(htf_spectra_nuclear_norm(2, nans)));
  cr_assert(eq(i64, htf_spectra_numerical_rank(2, nans, 1e-6), 0));
}

// SPDX-License-Identifier: BSD-3-Clause
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <signal.h>
#include <string.h>

#include "htflow/dense.h"
#include "htflow/memory.h"
#include "htflow/random.h"

enum { MOST = 40 };

static double a_data[MOST * MOST], b_data[MOST * MOST], c_data[MOST * MOST];

static double at(htf_matrix a, htf_transpose op, int64_t i, int64_t j) {
  return op == HTF_PLAIN ? a.data[i * a.stride + j] : a.data[j * a.stride + i];
}

static htf_matrix draw(htf_random *stream, double *data, int64_t rows, int64_t cols) {
  htf_matrix view = {data, rows, cols, cols + htf_random_index(stream, 3)};
  htf_random_normal(stream, MOST * MOST, data);
  return view;
}

// C = op(A) op(B) + beta C by the naive triple loop, [m, n] contiguous.
static void multiply_plainly(htf_transpose op_a, htf_matrix a, htf_transpose op_b,
                             htf_matrix b, double beta, htf_matrix c, double *expected) {
  int64_t depth = op_a ? a.rows : a.cols;
  for (int64_t i = 0; i < c.rows; i++) {
    for (int64_t j = 0; j < c.cols; j++) {
      double sum = beta * c.data[i * c.stride + j];
      for (int64_t l = 0; l < depth; l++) {
        sum += at(a, op_a, i, l) * at(b, op_b, l, j);
      }
      expected[i * c.cols + j] = sum;
    }
  }
}

static double distance(htf_matrix c, const double *expected) {
  double most = 0;
  for (int64_t i = 0; i < c.rows * c.cols; i++) {
    double error = fabs(c.data[i / c.cols * c.stride + i % c.cols] - expected[i]);
    most = error <= most ? most : error; // NAN wins
  }
  return most;
}

// Sums of at most 12 products of N(0,1): rounding below 1e-13.
Test(dense, multiplies_like_the_naive_loop) {
  htf_random stream = htf_random_open(1, HTF_RANDOM_TEST, 1);
  double expected[MOST * MOST];
  for (int trial = 0; trial < 200; trial++) {
    int64_t m = 1 + htf_random_index(&stream, 12), n = 1 + htf_random_index(&stream, 12);
    int64_t k = htf_random_index(&stream, 13);
    htf_transpose op_a = (htf_transpose)(trial & 1), op_b = (htf_transpose)(trial >> 1 & 1);
    htf_matrix a = op_a ? draw(&stream, a_data, k, m) : draw(&stream, a_data, m, k);
    htf_matrix b = op_b ? draw(&stream, b_data, n, k) : draw(&stream, b_data, k, n);
    htf_matrix c = draw(&stream, c_data, m, n);
    double beta = trial >> 2 & 1;
    multiply_plainly(op_a, a, op_b, b, beta, c, expected);
    htf_dense_multiply(op_a, a, op_b, b, beta, c);
    cr_assert(lt(dbl, distance(c, expected), 1e-13));
  }
}

// Many shapes after one another, more than are kept ready, with every number of rows up to
// two pieces and a half: what sums over rows has 160 products, rounding below 1e-12. The
// same product gives the same bits again.
Test(dense, multiplies_any_number_of_rows_by_small_matrices) {
  enum { ROWS = 160, WIDE = 24 };
  static double x[ROWS * WIDE], y[ROWS * WIDE], w[WIDE * WIDE], z[ROWS * WIDE];
  static double expected[ROWS * WIDE], again[ROWS * WIDE];
  htf_random stream = htf_random_open(2, HTF_RANDOM_TEST, 1);
  htf_random_normal(&stream, ROWS * WIDE, x);
  htf_random_normal(&stream, ROWS * WIDE, y);
  htf_random_normal(&stream, WIDE * WIDE, w);
  for (int64_t rows = 1; rows <= ROWS; rows++) {
    for (int beta = 0; beta < 2; beta++) {
      int64_t k = 1 + htf_random_index(&stream, 20), n = 1 + htf_random_index(&stream, 20);
      htf_matrix a = {x, rows, k, k + htf_random_index(&stream, 5)};
      htf_matrix b = {w, k, n, n + 1}, c = {z, rows, n, n + 2}, d = {y, rows, n, n};
      htf_random_normal(&stream, ROWS * WIDE, z);
      multiply_plainly(HTF_PLAIN, a, HTF_PLAIN, b, beta, c, expected);
      memcpy(again, z, sizeof z);
      htf_dense_multiply(HTF_PLAIN, a, HTF_PLAIN, b, beta, c);
      cr_assert(lt(dbl, distance(c, expected), 1e-12));
      c.data = again;
      htf_dense_multiply(HTF_PLAIN, a, HTF_PLAIN, b, beta, c);
      cr_assert(memcmp(again, z, sizeof z) == 0);
      c = (htf_matrix){z, k, n, n + 2};
      multiply_plainly(HTF_TRANSPOSED, a, HTF_PLAIN, d, beta, c, expected);
      htf_dense_multiply(HTF_TRANSPOSED, a, HTF_PLAIN, d, beta, c);
      cr_assert(lt(dbl, distance(c, expected), 1e-12));
    }
  }
}

Test(dense, with_beta_zero_does_not_read_what_was_there) {
  a_data[0] = 2;
  b_data[0] = 3;
  c_data[0] = NAN;
  htf_dense_multiply(HTF_PLAIN, htf_matrix_view(a_data, 1, 1), HTF_PLAIN,
                     htf_matrix_view(b_data, 1, 1), 0, htf_matrix_view(c_data, 1, 1));
  cr_assert(eq(dbl, c_data[0], 6));
}

// Q R = A, Q'Q = 1 and R upper triangular determine the decomposition up to signs; 1e-13 is
// some hundred roundings at this size.
Test(dense, factors_into_orthonormal_and_triangular) {
  htf_random stream = htf_random_open(1, HTF_RANDOM_TEST, 2);
  enum { ROWS = 20, COLS = 7 };
  static double q[ROWS * COLS], r[COLS * COLS], gram[COLS * COLS];
  htf_random_normal(&stream, ROWS * COLS, a_data);
  for (int i = 0; i < ROWS * COLS; i++) {
    q[i] = a_data[i];
  }
  htf_matrix view_q = htf_matrix_view(q, ROWS, COLS),
             view_r = htf_matrix_view(r, COLS, COLS);
  cr_assert(eq(int, htf_dense_qr(view_q, view_r), HTF_OK));
  htf_matrix product = htf_matrix_view(b_data, ROWS, COLS);
  htf_dense_multiply(HTF_PLAIN, view_q, HTF_PLAIN, view_r, 0, product);
  htf_dense_multiply(HTF_TRANSPOSED, view_q, HTF_PLAIN, view_q, 0,
                     htf_matrix_view(gram, COLS, COLS));
  for (int i = 0; i < ROWS * COLS; i++) {
    cr_assert(epsilon_eq(dbl, b_data[i], a_data[i], 1e-13));
  }
  for (int i = 0; i < COLS; i++) {
    for (int j = 0; j < COLS; j++) {
      cr_assert(epsilon_eq(dbl, gram[i * COLS + j], i == j, 1e-13));
      cr_assert(j >= i || r[i * COLS + j] == 0);
    }
  }
}

// The matrix with given values: A = Q1 diag(s) Q2' with orthonormal factors.
Test(dense, finds_the_singular_values_that_were_put_in) {
  htf_random stream = htf_random_open(1, HTF_RANDOM_TEST, 3);
  enum { ROWS = 9, COLS = 5 };
  static double left[ROWS * COLS], right[COLS * COLS], r[COLS * COLS], values[COLS];
  htf_random_normal(&stream, ROWS * COLS, left);
  htf_random_normal(&stream, COLS * COLS, right);
  htf_matrix l = htf_matrix_view(left, ROWS, COLS), q = htf_matrix_view(right, COLS, COLS);
  cr_assert(eq(int, htf_dense_qr(l, htf_matrix_view(r, COLS, COLS)), HTF_OK));
  cr_assert(eq(int, htf_dense_qr(q, htf_matrix_view(r, COLS, COLS)), HTF_OK));
  for (int i = 0; i < ROWS; i++) {
    for (int j = 0; j < COLS; j++) {
      left[i * COLS + j] *= pow(10, -2 * j);
    }
  }
  htf_matrix a = htf_matrix_view(a_data, ROWS, COLS);
  htf_dense_multiply(HTF_PLAIN, l, HTF_TRANSPOSED, q, 0, a);
  cr_assert(eq(int, htf_dense_singular_values(a, values), HTF_OK));
  for (int j = 0; j < COLS; j++) {
    cr_assert(epsilon_eq(dbl, values[j], pow(10, -2 * j), 1e-14));
  }
}

Test(dense, out_of_memory_is_a_status) {
  double value;
  int64_t before = htf_memory_blocks();
  htf_memory_fail_at(1);
  cr_assert(eq(int, htf_dense_singular_values(htf_matrix_view(a_data, 1, 1), &value),
               HTF_E_MEMORY));
  htf_memory_fail_at(0);
  cr_assert(eq(i64, htf_memory_blocks(), before));
}

Test(dense, a_shape_that_does_not_fit_aborts, .signal = SIGABRT) {
  htf_dense_multiply(HTF_PLAIN, htf_matrix_view(a_data, 2, 3), HTF_PLAIN,
                     htf_matrix_view(b_data, 2, 2), 0, htf_matrix_view(c_data, 2, 2));
}

// ---- without allocating ---------------------------------------------------------------

// A A' = L L' and a triangular L determine L up to signs; rows of very different lengths
// each keep their digits: entry (i, j) to 1e-14 |row i| |row j|, some tens of roundings.
Test(dense, lq_keeps_the_rows_inner_products) {
  htf_random stream = htf_random_open(1, HTF_RANDOM_TEST, 4);
  htf_dense_work *work = NULL;
  cr_assert(eq(int, htf_dense_work_create(MOST, MOST - 2, &work), HTF_OK));
  for (int trial = 0; trial < 100; trial++) {
    int64_t m = 1 + htf_random_index(&stream, MOST - 2),
            n = 1 + htf_random_index(&stream, MOST - 2), k = m < n ? m : n;
    htf_matrix a = draw(&stream, a_data, m, n);
    for (int64_t i = 0; i < MOST * MOST; i++) {
      a_data[i] *= pow(10, -(double)(i / a.stride % 30));
      b_data[i] = a_data[i];
    }
    htf_dense_lq(work, a);
    for (int64_t i = 0; i < m; i++) {
      for (int64_t j = 0; j <= i; j++) {
        double gram = 0, product = 0, size = pow(10, -(double)(i % 30 + j % 30));
        for (int64_t l = 0; l < n; l++) {
          gram += b_data[i * a.stride + l] * b_data[j * a.stride + l];
        }
        for (int64_t l = 0; l < k; l++) {
          product += a_data[i * a.stride + l] * a_data[j * a.stride + l];
        }
        cr_assert(epsilon_eq(dbl, product, gram, 1e-14 * (double)n * size));
      }
      for (int64_t l = i + 1; l < k; l++) {
        cr_assert(eq(dbl, a_data[i * a.stride + l], 0));
      }
    }
  }
  htf_dense_work_destroy(&work);
}

Test(dense, singular_values_in_place_are_those_of_a_copy) {
  htf_random stream = htf_random_open(1, HTF_RANDOM_TEST, 5);
  htf_dense_work *work = NULL;
  double copied[MOST], values[MOST];
  cr_assert(eq(int, htf_dense_work_create(MOST - 2, MOST, &work), HTF_OK));
  for (int trial = 0; trial < 100; trial++) {
    int64_t m = 1 + htf_random_index(&stream, MOST - 2),
            n = 1 + htf_random_index(&stream, MOST - 2);
    htf_matrix a = draw(&stream, a_data, m, n);
    cr_assert(eq(int, htf_dense_singular_values(a, copied), HTF_OK));
    htf_memory_fail_at(1);
    cr_assert(eq(int, htf_dense_singular_values_in_place(work, a, values), HTF_OK));
    htf_memory_fail_at(0);
    for (int64_t i = 0; i < (m < n ? m : n); i++) {
      cr_assert(epsilon_eq(dbl, values[i], copied[i], 1e-13));
    }
  }
  a_data[0] = NAN;
  cr_assert(eq(
      int, htf_dense_singular_values_in_place(work, htf_matrix_view(a_data, 3, 3), values),
      HTF_E_NUMERIC));
  htf_dense_work_destroy(&work);
}

Test(dense, work_gives_everything_back_when_memory_ends) {
  int64_t before = htf_memory_blocks(), nth = 1;
  for (htf_status status = HTF_E_MEMORY; status != HTF_OK; nth++) {
    htf_dense_work *work = NULL;
    htf_memory_fail_at(nth);
    status = htf_dense_work_create(5, 7, &work);
    htf_memory_fail_at(0);
    cr_assert(status == HTF_OK || status == HTF_E_MEMORY);
    htf_dense_work_destroy(&work);
    cr_assert(eq(i64, htf_memory_blocks(), before));
  }
  cr_assert(nth > 5);
}

Test(dense, a_matrix_larger_than_its_work_aborts, .signal = SIGABRT) {
  htf_dense_work *work = NULL;
  cr_assert(eq(int, htf_dense_work_create(5, 7, &work), HTF_OK));
  htf_dense_lq(work, htf_matrix_view(a_data, 6, 7));
}

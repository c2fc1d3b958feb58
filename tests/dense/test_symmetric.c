// SPDX-License-Identifier: BSD-3-Clause
#include "htflow/symmetric.h"

#include <string.h>

#include <math.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "htflow/memory.h"
#include "htflow/random.h"

enum { N = 17, ROWS = 40, STRIDE = 20 };

// A random matrix and its Gram matrix by the definition; above the diagonal stands 7.
static void make(double *a, double *gram) {
  htf_random stream = htf_random_open(1, HTF_RANDOM_TEST, 0);
  htf_random_normal(&stream, ROWS * STRIDE, a);
  for (int i = 0; i < N; i++) {
    for (int j = 0; j < N; j++) {
      gram[i * N + j] = j > i ? 7 : 0;
      for (int k = 0; j <= i && k < ROWS; k++) {
        gram[i * N + j] += a[k * STRIDE + i] * a[k * STRIDE + j];
      }
    }
  }
}

static double lower(const double *gram, int i, int j) {
  return j <= i ? gram[i * N + j] : gram[j * N + i];
}

Test(symmetric, adds_gram_matrices_below_the_diagonal) {
  double a[ROWS * STRIDE], gram[N * N], sum[N * N];
  make(a, gram);
  for (int i = 0; i < N * N; i++) {
    sum[i] = i % N > i / N ? 7 : 1;
  }
  htf_matrix view = htf_matrix_view(a, ROWS, N);
  view.stride = STRIDE;
  htf_symmetric_add_gram(view, htf_matrix_view(sum, N, N));
  for (int i = 0; i < N * N; i++) {
    double want = gram[i] + (i % N > i / N ? 0 : 1);
    cr_assert(epsilon_eq(dbl, sum[i], want, 1e-12)); // sums of 40
  }
}

Test(symmetric, finds_eigenvectors_in_rows) {
  double a[ROWS * STRIDE], gram[N * N], vectors[N * N], values[N];
  make(a, gram);
  memcpy(vectors, gram, sizeof gram);
  cr_assert(eq(int, htf_symmetric_eigen(htf_matrix_view(vectors, N, N), values), HTF_OK));
  for (int k = 0; k < N; k++) {
    cr_assert(k == 0 || values[k] >= values[k - 1]);
    for (int i = 0; i < N; i++) {
      double image = 0, inner = 0;
      for (int j = 0; j < N; j++) {
        image += lower(gram, i, j) * vectors[k * N + j];
        inner += vectors[k * N + j] * vectors[i * N + j];
      }
      cr_assert(
          epsilon_eq(dbl, image, values[k] * vectors[k * N + i], 1e-12 * values[N - 1]));
      cr_assert(epsilon_eq(dbl, inner, i == k, 1e-13));
    }
  }
}

Test(symmetric, solves_by_cholesky_and_leaves_what_stands_above) {
  double a[ROWS * STRIDE], gram[N * N], factor[N * N], x[N], right[N] = {0};
  make(a, gram);
  memcpy(factor, gram, sizeof gram);
  for (int i = 0; i < N; i++) {
    x[i] = 1 + i;
  }
  for (int i = 0; i < N; i++) {
    for (int j = 0; j < N; j++) {
      right[i] += lower(gram, i, j) * x[j];
    }
  }
  cr_assert(eq(int, htf_symmetric_cholesky(htf_matrix_view(factor, N, N)), HTF_OK));
  htf_symmetric_solve(htf_matrix_view(factor, N, N), right);
  for (int i = 0; i < N; i++) {
    cr_assert(epsilon_eq(dbl, right[i], x[i], 1e-11)); // condition some 30
  }
  for (int i = 0; i < N * N; i++) {
    cr_assert(i % N <= i / N || factor[i] == 7);
  }
}

Test(symmetric, refuses_what_is_not_positive_definite) {
  double a[] = {1, 0, 2, 1};
  cr_assert(eq(int, htf_symmetric_cholesky(htf_matrix_view(a, 2, 2)), HTF_E_NUMERIC));
}

// From the first rank rows of a positive definite matrix, in two blocks; the other rows are
// what U^T U makes of them, and the unit matrix.
Test(symmetric, ends_cholesky_early) {
  enum { FIRST = 4, RANK = 9 };
  double a[ROWS * STRIDE], gram[N * N], u[RANK * STRIDE], x[N], right[N] = {0};
  make(a, gram);
  for (int i = 0; i < RANK; i++) {
    for (int j = 0; j < N; j++) {
      u[i * STRIDE + j] = j < i ? 7 : lower(gram, i, j);
    }
  }
  htf_matrix block[] = {
      htf_matrix_view(u, FIRST, N),
      htf_matrix_view(u + FIRST * STRIDE + FIRST, RANK - FIRST, N - FIRST),
  };
  block[0].stride = block[1].stride = STRIDE;
  cr_assert(eq(int, htf_symmetric_extend(block, 1), HTF_OK));
  cr_assert(eq(int, htf_symmetric_extend(block, 2), HTF_OK));
  for (int i = 0; i < N; i++) {
    x[i] = 1 + i;
  }
  for (int i = 0; i < N; i++) {
    for (int j = 0; j < N; j++) {
      double sum = i == j && i >= RANK;
      for (int k = 0; k < RANK && k <= i && k <= j; k++) {
        sum += u[k * STRIDE + i] * u[k * STRIDE + j];
      }
      double off = i >= RANK && j >= RANK ? 0 : sum - lower(gram, i, j);
      cr_assert(epsilon_eq(dbl, off, 0, 1e-12)); // sums of 40
      right[i] += sum * x[j];
    }
  }
  htf_symmetric_solve_part(block, 2, right);
  for (int i = 0; i < N; i++) {
    cr_assert(epsilon_eq(dbl, right[i], x[i], 1e-11)); // condition some 1e3
  }
  cr_assert(eq(dbl, u[3 * STRIDE + 2], 7));
}

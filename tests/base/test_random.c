// SPDX-License-Identifier: BSD-3-Clause
#include "htflow/random.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "htflow/memory.h"

static htf_random stream_of(uint64_t index) {
  return htf_random_open(42, HTF_RANDOM_TEST, index);
}

// numpy 1.24.2: Philox(key=[42, 100], counter=[0, 0, 0, 7] - 1).random_raw(8) (numpy counts
// up before it draws). A change of these numbers is a change of every result ever stored.
Test(random, the_bits_are_those_of_numpys_philox) {
  const uint64_t expected[] = {0xa91720e13ce6ef5f, 0xad2ef23274d38392, 0x20f19a93c641dc21,
                               0x0ae7cfaa670b3101, 0xaf9f354722a746cf, 0x5a284faf889ed60d,
                               0x7fc9ae57dfbbd2e9, 0x8d0d65decb4d0679};
  htf_random stream = stream_of(7);
  for (int i = 0; i < 8; i++) {
    cr_assert(eq(u64, htf_random_bits(&stream), expected[i]));
  }
}

// random123's own table of known answers (its file kat_vectors), zero counter, zero key.
Test(random, the_zero_key_gives_the_known_answer) {
  const uint64_t expected[] = {0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b,
                               0x7e68b68aec7ba23b};
  htf_random stream = htf_random_open(0, (htf_random_purpose)0, 0);
  for (int i = 0; i < 4; i++) {
    cr_assert(eq(u64, htf_random_bits(&stream), expected[i]));
  }
}

Test(random, seed_purpose_and_index_each_make_another_stream) {
  htf_random streams[] = {
      htf_random_open(1, HTF_RANDOM_MASK, 1), htf_random_open(2, HTF_RANDOM_MASK, 1),
      htf_random_open(1, HTF_RANDOM_INIT, 1), htf_random_open(1, HTF_RANDOM_MASK, 2),
      htf_random_open(1, HTF_RANDOM_MASK, UINT64_MAX)};
  enum { STREAMS = sizeof streams / sizeof *streams, DRAWS = 1000 };
  static uint64_t bits[STREAMS * DRAWS];
  int equal = 0;
  for (int i = 0; i < STREAMS * DRAWS; i++) {
    bits[i] = htf_random_bits(&streams[i / DRAWS]);
    for (int before = 0; before < i; before++) {
      equal += bits[before] == bits[i];
    }
  }
  cr_assert(eq(int, equal, 0)); // by chance once in 10^12
}

Test(random, the_same_key_and_a_copy_give_the_same_numbers) {
  htf_random first = stream_of(3), again = stream_of(3);
  for (int i = 0; i < 7; i++) {
    cr_assert(eq(u64, htf_random_bits(&first), htf_random_bits(&again)));
  }
  htf_random copy = first;
  for (int i = 0; i < 7; i++) {
    cr_assert(eq(u64, htf_random_bits(&first), htf_random_bits(&copy)));
  }
}

Test(random, uniform_numbers_are_the_high_53_bits) {
  htf_random stream = stream_of(1), bits = stream_of(1);
  for (int i = 0; i < 10000; i++) {
    double x = htf_random_uniform(&stream);
    cr_assert(x >= 0 && x < 1);
    cr_assert(eq(dbl, x, (double)(htf_random_bits(&bits) >> 11) / 9007199254740992.0));
  }
}

// An observed frequency of n draws has standard deviation sqrt(p (1 - p) / n); five of them
// are exceeded once in two million, and the stream is fixed.
static void is_frequent(double seen, double n, double p) {
  cr_assert(epsilon_eq(dbl, seen / n, p, 5 * sqrt(p * (1 - p) / n)));
}

Test(random, an_index_is_as_likely_as_any_other) {
  enum { N = 7, DRAWS = 70000 };
  int seen[N] = {0};
  htf_random stream = stream_of(2);
  for (int i = 0; i < DRAWS; i++) {
    seen[htf_random_index(&stream, N)]++;
  }
  for (int i = 0; i < N; i++) {
    is_frequent(seen[i], DRAWS, 1.0 / N);
  }
}

// For n = 3 * 2^61, bits mod n would fall below 2^62 with probability 3/4 instead of 2/3.
Test(random, an_index_has_no_bias_in_a_range_near_the_largest) {
  int64_t n = 3 * (INT64_C(1) << 61);
  int seen = 0;
  htf_random stream = stream_of(4);
  for (int i = 0; i < 50000; i++) {
    int64_t index = htf_random_index(&stream, n);
    cr_assert(0 <= index && index < n);
    seen += index < (INT64_C(1) << 62);
  }
  is_frequent(seen, 50000, 2.0 / 3);
}

Test(random, an_index_of_one_is_zero) {
  htf_random stream = stream_of(5);
  cr_assert(eq(i64, htf_random_index(&stream, 1), 0));
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

// Kolmogorov and Smirnov: sqrt(n) sup |F_n - F| exceeds 2.5 with probability
// 2 exp(-2 * 2.5^2) = 7e-6 if F is the distribution.
Test(random, normal_numbers_are_normal) {
  enum { N = 40000 };
  static double x[N];
  htf_random stream = stream_of(6);
  htf_random_normal(&stream, N, x);
  qsort(x, N, sizeof *x, ascending);
  double distance = 0, square = 0;
  for (int i = 0; i < N; i++) {
    double f = 0.5 * erfc(-x[i] / sqrt(2));
    square += x[i] * x[i] / N;
    distance = fmax(distance, fmax(fabs(f - (double)i / N), fabs(f - (i + 1.0) / N)));
  }
  cr_assert(sqrt(N) * distance < 2.5, "sqrt(n) D = %g", sqrt(N) * distance);
  cr_assert(epsilon_eq(dbl, square, 1, 5 * sqrt(2.0 / N))); // x^2 has variance 2
}

// The two numbers of a pair are uncorrelated, and so are their squares: each mean of
// products has standard deviation s / sqrt(pairs), s = 1 and s = 2.
Test(random, normal_numbers_are_independent_in_their_pairs) {
  enum { PAIRS = 20000 };
  static double x[2 * PAIRS];
  htf_random stream = stream_of(8);
  htf_random_normal(&stream, INT64_C(2) * PAIRS, x);
  double product = 0, squares = 0;
  for (int i = 0; i < PAIRS; i++) {
    double a = x[2 * i], b = x[2 * i + 1];
    product += a * b / PAIRS;
    squares += (a * a - 1) * (b * b - 1) / PAIRS;
  }
  cr_assert(epsilon_eq(dbl, product, 0, 5 / sqrt(PAIRS)));
  cr_assert(epsilon_eq(dbl, squares, 0, 10 / sqrt(PAIRS)));
}

Test(random, fewer_normal_numbers_are_the_first_of_more) {
  double more[12], fewer[12];
  htf_random stream = stream_of(9);
  htf_random_normal(&stream, 12, more);
  for (int n = 0; n <= 12; n++) {
    fewer[n < 12 ? n : 11] = -1000; // beyond the end nothing is written
    stream = stream_of(9);
    htf_random_normal(&stream, n, fewer);
    cr_assert(memcmp(fewer, more, (size_t)n * sizeof *more) == 0);
    cr_assert(n == 12 || fewer[n] == -1000);
  }
}

// The oracle: Fisher and Yates on the whole array, with the same draws.
Test(random, a_sample_is_the_start_of_a_shuffled_array) {
  enum { N = 500 };
  for (int m = 0; m <= N; m += m < 20 ? 1 : 96) {
    int64_t array[N], sample[N];
    htf_random stream = stream_of(10), same = stream_of(10);
    cr_assert(eq(int, htf_random_sample(&stream, N, m, sample), HTF_OK));
    for (int i = 0; i < N; i++) {
      array[i] = i;
    }
    for (int i = 0; i < m; i++) {
      int64_t j = i + htf_random_index(&same, N - i), swapped = array[i];
      array[i] = array[j];
      array[j] = swapped;
    }
    cr_assert(memcmp(sample, array, (size_t)m * sizeof *array) == 0, "m = %d", m);
  }
}

Test(random, a_whole_sample_is_a_permutation) {
  enum { N = 1000 };
  static int64_t sample[N];
  int seen[N] = {0};
  htf_random stream = stream_of(11);
  cr_assert(eq(int, htf_random_sample(&stream, N, N, sample), HTF_OK));
  for (int i = 0; i < N; i++) {
    seen[sample[i]]++;
  }
  for (int i = 0; i < N; i++) {
    cr_assert(eq(int, seen[i], 1));
  }
}

Test(random, each_order_of_a_sample_is_as_likely) {
  enum { DRAWS = 60000 };
  int seen[27] = {0};
  for (int i = 0; i < DRAWS; i++) {
    int64_t s[3];
    htf_random stream = stream_of(1000 + (uint64_t)i);
    htf_random_sample(&stream, 3, 3, s);
    seen[9 * s[0] + 3 * s[1] + s[2]]++;
  }
  const int orders[] = {5, 7, 11, 15, 19, 21}; // 012 021 102 120 201 210 in base 3
  for (int i = 0; i < 6; i++) {
    is_frequent(seen[orders[i]], DRAWS, 1.0 / 6);
  }
}

Test(random, a_small_sample_of_a_vast_range_takes_little) {
  enum { M = 1000 };
  int64_t sample[M], n = INT64_C(1) << 62, before = htf_memory_peak();
  htf_random stream = stream_of(12);
  cr_assert(eq(int, htf_random_sample(&stream, n, M, sample), HTF_OK));
  for (int i = 0; i < M; i++) {
    cr_assert(0 <= sample[i] && sample[i] < n);
    for (int j = 0; j < i; j++) {
      cr_assert(sample[i] != sample[j]);
    }
  }
  cr_assert(htf_memory_peak() - before <= 64 * M); // two tables of at most 4 m numbers
}

Test(random, a_sample_without_memory_says_so_and_leaks_nothing) {
  int64_t blocks = htf_memory_blocks(), sample[20];
  htf_status status = HTF_E_MEMORY;
  for (int64_t nth = 1; status != HTF_OK; nth++) {
    htf_random stream = stream_of(13);
    htf_memory_fail_at(nth);
    status = htf_random_sample(&stream, 100, 20, sample);
    cr_assert(status == HTF_OK ? nth > 1 : status == HTF_E_MEMORY);
    cr_assert(eq(i64, htf_memory_blocks(), blocks));
  }
  htf_memory_fail_at(0);
}

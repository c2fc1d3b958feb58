// SPDX-License-Identifier: BSD-3-Clause
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "htflow/memory.h"
#include "htflow/points.h"
#include "htflow/random.h"
#include "model/random_tree.h"

// A tree, a shape and index tuples [m, N], with the points made of them.
typedef struct scene {
  htf_tree *tree;
  int order;
  int64_t m;
  int64_t shape[HTF_TREE_MAX_ORDER];
  int64_t *indices;
  htf_points *points;
} scene;

static void fill_scene(scene *s, htf_random *stream, int64_t max_size) {
  s->order = htf_tree_order(s->tree);
  s->indices = malloc((size_t)(s->m * s->order + 1) * sizeof *s->indices);
  for (int n = 0; n < s->order; n++) {
    s->shape[n] = 1 + htf_random_index(stream, max_size);
  }
  for (int64_t k = 0; k < s->m * s->order; k++) {
    s->indices[k] = htf_random_index(stream, s->shape[k % s->order]);
  }
  htf_status status = htf_points_create(s->tree, s->shape, s->m, s->indices, &s->points);
  cr_assert(eq(int, status, HTF_OK), "%s", htf_error_message());
}

static scene random_scene(htf_random *stream, int order, int64_t m, int64_t max_size) {
  scene s = {.m = m, .tree = random_tree(stream, order, 3)};
  fill_scene(&s, stream, max_size);
  return s;
}

static void close_scene(scene *s) {
  htf_points_destroy(&s->points);
  htf_tree_destroy(&s->tree);
  free(s->indices);
}

// Whether two points agree in the modes of a node.
static bool same_at(const scene *s, int node, int64_t p, int64_t q) {
  const int *modes;
  int count = htf_tree_modes(s->tree, node, &modes);
  for (int i = 0; i < count; i++) {
    if (s->indices[p * s->order + modes[i]] != s->indices[q * s->order + modes[i]]) {
      return false;
    }
  }
  return true;
}

// Distinct tuples by comparing every pair.
static int64_t count_distinct(const scene *s, int node) {
  int64_t count = 0;
  for (int64_t p = 0; p < s->m; p++) {
    int64_t q = 0;
    while (q < p && !same_at(s, node, q, p)) {
      q++;
    }
    count += q == p;
  }
  return count;
}

static void check_counts(const scene *s) {
  int root = htf_tree_root(s->tree);
  cr_assert(eq(i64, htf_points_count(s->points), s->m));
  cr_assert(eq(i64, htf_points_rows(s->points, root), s->m));
  for (int v = 0; v < root; v++) {
    cr_assert(eq(i64, htf_points_rows(s->points, v), count_distinct(s, v)));
  }
}

// Follows the gathers from a node's row down to the leaves and keeps the indices found.
static void follow(const scene *s, int node, int64_t row, int64_t *tuple) {
  int children = htf_tree_children(s->tree, node);
  cr_assert(0 <= row && row < htf_points_rows(s->points, node));
  if (children == 0) {
    const int *modes;
    htf_tree_modes(s->tree, node, &modes);
    tuple[modes[0]] = htf_points_index(s->points, node)[row];
  }
  for (int i = 0; i < children; i++) {
    follow(s, htf_tree_child(s->tree, node, i), htf_points_gather(s->points, node, i)[row],
           tuple);
  }
}

static void check_reconstruction(const scene *s) {
  const int64_t *order = htf_points_order(s->points);
  bool *seen = calloc((size_t)s->m + 1, sizeof *seen);
  for (int64_t k = 0; k < s->m; k++) {
    int64_t tuple[HTF_TREE_MAX_ORDER];
    follow(s, htf_tree_root(s->tree), k, tuple);
    cr_assert(0 <= order[k] && order[k] < s->m && !seen[order[k]]);
    seen[order[k]] = true;
    for (int n = 0; n < s->order; n++) {
      cr_assert(eq(i64, tuple[n], s->indices[order[k] * s->order + n]));
    }
  }
  free(seen);
}

// The sign of row k - 1 against row k of an interior node's table, lexicographically.
static int compare_rows(const scene *s, int node, int64_t k) {
  for (int i = 0; i < htf_tree_children(s->tree, node); i++) {
    const int32_t *gather = htf_points_gather(s->points, node, i);
    if (gather[k - 1] != gather[k]) {
      return gather[k - 1] < gather[k] ? -1 : 1;
    }
  }
  return 0;
}

static void check_sorted(const scene *s) {
  int root = htf_tree_root(s->tree);
  const int64_t *order = htf_points_order(s->points);
  for (int v = 0; v <= root; v++) {
    bool leaf = htf_tree_children(s->tree, v) == 0;
    for (int64_t k = 1; k < htf_points_rows(s->points, v); k++) {
      if (leaf) {
        const int32_t *index = htf_points_index(s->points, v);
        cr_assert(index[k - 1] < index[k]);
      } else if (v < root) {
        cr_assert(eq(int, compare_rows(s, v, k), -1));
      } else {
        int sign = compare_rows(s, v, k);
        cr_assert(sign == -1 || (sign == 0 && order[k - 1] < order[k]));
      }
    }
  }
}

static void check_segments(const scene *s) {
  for (int v = 0; v < htf_tree_nodes(s->tree); v++) {
    if (htf_tree_children(s->tree, v) > 0) {
      const int32_t *first = htf_points_gather(s->points, v, 0);
      const int32_t *segments = htf_points_segments(s->points, v);
      int64_t child_rows = htf_points_rows(s->points, htf_tree_child(s->tree, v, 0));
      cr_assert(eq(int, segments[0], 0));
      cr_assert(eq(i64, segments[child_rows], htf_points_rows(s->points, v)));
      for (int32_t r = 0; r < child_rows; r++) {
        cr_assert(segments[r] < segments[r + 1]);
        for (int32_t k = segments[r]; k < segments[r + 1]; k++) {
          cr_assert(eq(int, first[k], r));
        }
      }
    }
  }
}

// Runs a check on trees and points of all kinds: few and many, all distinct or all equal.
static void on_random_scenes(uint64_t seed, void (*check)(const scene *s)) {
  htf_random stream = htf_random_open(seed, HTF_RANDOM_TEST, 0);
  for (int trial = 0; trial < 150; trial++) {
    int order = 2 + (int)htf_random_index(&stream, trial % 10 == 0 ? 40 : 9);
    int64_t m = htf_random_index(&stream, 120);
    scene s = random_scene(&stream, order, m, 1 + htf_random_index(&stream, 7));
    check(&s);
    close_scene(&s);
  }
  cr_assert(eq(i64, htf_memory_blocks(), 0));
}

Test(points, each_table_has_a_row_for_each_distinct_tuple) {
  on_random_scenes(1, check_counts);
}

Test(points, gathers_lead_from_each_root_row_to_its_tuple) {
  on_random_scenes(2, check_reconstruction);
}

Test(points, rows_are_sorted_by_the_children_first_to_last) {
  on_random_scenes(3, check_sorted);
}

Test(points, segments_bound_the_rows_of_the_first_child) {
  on_random_scenes(4, check_segments);
}

// Mode sizes and row numbers of several radix digits: sizes up to 2^31 - 1, 6,000 rows.
Test(points, large_modes_and_many_rows_are_sorted_too) {
  htf_random stream = htf_random_open(5, HTF_RANDOM_TEST, 0);
  for (int trial = 0; trial < 4; trial++) {
    scene s = random_scene(&stream, 5, 6000, trial % 2 == 0 ? INT32_MAX : 5000);
    check_reconstruction(&s);
    check_sorted(&s);
    check_segments(&s);
    close_scene(&s);
  }
}

Test(points, a_full_tensor_has_every_tuple_once) {
  htf_tree *tree = NULL;
  htf_points *points = NULL;
  int64_t shape[] = {3, 2, 4, 5}, m = 120, indices[120 * 4];
  for (int64_t k = 0; k < m; k++) {
    indices[4 * k] = k / 40;
    indices[4 * k + 1] = k / 20 % 2;
    indices[4 * k + 2] = k / 5 % 4;
    indices[4 * k + 3] = k % 5;
  }
  cr_assert(eq(int, htf_tree_parse("((0,2)1,(3,1)1)1;", 0, &tree), HTF_OK));
  cr_assert(eq(int, htf_points_create(tree, shape, m, indices, &points), HTF_OK));
  cr_assert(eq(i64, htf_points_rows(points, 0), 3));
  cr_assert(eq(i64, htf_points_rows(points, 2), 12));
  cr_assert(eq(i64, htf_points_rows(points, 5), 10));
  cr_assert(eq(i64, htf_points_rows(points, 6), 120));
  for (int r = 0; r <= 12; r++) {
    cr_assert(eq(int, htf_points_segments(points, 6)[r], 10 * r));
  }
  htf_points_destroy(&points);
  cr_assert(eq(ptr, points, NULL));
  htf_points_destroy(&points);
  htf_tree_destroy(&tree);
}

Test(points, equal_points_are_kept_in_the_order_given) {
  htf_tree *tree = NULL;
  htf_points *points = NULL;
  int64_t shape[] = {2, 2}, indices[] = {1, 1, 0, 1, 1, 1, 0, 1, 1, 1};
  int64_t expected[] = {1, 3, 0, 2, 4};
  cr_assert(eq(int, htf_tree_parse("(0,1)1;", 0, &tree), HTF_OK));
  cr_assert(eq(int, htf_points_create(tree, shape, 5, indices, &points), HTF_OK));
  cr_assert(memcmp(htf_points_order(points), expected, sizeof expected) == 0);
  cr_assert(eq(i64, htf_points_rows(points, 1), 1));
  htf_points_destroy(&points);
  htf_tree_destroy(&tree);
}

Test(points, no_points_make_empty_tables) {
  htf_tree *tree = NULL;
  htf_points *points = NULL;
  int64_t shape[] = {2, 3, 4};
  cr_assert(eq(int, htf_tree_parse("((0,1)1,2)1;", 0, &tree), HTF_OK));
  cr_assert(eq(int, htf_points_create(tree, shape, 0, NULL, &points), HTF_OK));
  for (int v = 0; v < htf_tree_nodes(tree); v++) {
    cr_assert(eq(i64, htf_points_rows(points, v), 0));
  }
  cr_assert(eq(int, htf_points_segments(points, htf_tree_root(tree))[0], 0));
  htf_points_destroy(&points);
  htf_tree_destroy(&tree);
}

static void expect_refusal(const int64_t *shape, int64_t m, const int64_t *indices,
                           const char *message) {
  htf_tree *tree = NULL;
  htf_points *points = NULL;
  cr_assert(eq(int, htf_tree_parse("(0,1)1;", 0, &tree), HTF_OK));
  cr_assert(eq(int, htf_points_create(tree, shape, m, indices, &points), HTF_E_DATA));
  cr_assert(eq(str, (char *)htf_error_message(), (char *)message));
  cr_assert(eq(ptr, points, NULL));
  htf_tree_destroy(&tree);
  cr_assert(eq(i64, htf_memory_blocks(), 0));
}

Test(points, names_the_first_index_out_of_range) {
  int64_t shape[] = {3, 4}, indices[] = {2, 3, 0, 4, 3, 0};
  expect_refusal(shape, 3, indices, "point 1 has index 4 in mode 1, must be 0 .. 3");
  indices[0] = -1;
  expect_refusal(shape, 3, indices, "point 0 has index -1 in mode 0, must be 0 .. 2");
  indices[0] = INT64_MAX;
  expect_refusal(shape, 3, indices,
                 "point 0 has index 9223372036854775807 in mode 0, must be 0 .. 2");
}

Test(points, refuses_what_32_bits_cannot_number) {
  int64_t shape[] = {3, 4}, indices[] = {2, 3};
  int64_t empty[] = {3, 0}, huge[] = {INT64_C(1) << 31, 4};
  expect_refusal(shape, INT64_C(1) << 31, indices,
                 "2147483648 points must be 0 .. 2147483647");
  expect_refusal(shape, -1, indices, "-1 points must be 0 .. 2147483647");
  expect_refusal(empty, 1, indices, "the size of mode 1 is 0, must be 1 .. 2147483647");
  expect_refusal(huge, 1, indices,
                 "the size of mode 0 is 2147483648, must be 1 .. 2147483647");
}

Test(points, running_out_of_memory_anywhere_leaks_nothing) {
  htf_random stream = htf_random_open(6, HTF_RANDOM_TEST, 0);
  scene s = random_scene(&stream, 7, 20, 3);
  int64_t blocks, failures = 0;
  htf_status status;
  htf_points_destroy(&s.points);
  blocks = htf_memory_blocks();
  do {
    htf_memory_fail_at(failures + 1);
    status = htf_points_create(s.tree, s.shape, s.m, s.indices, &s.points);
    htf_memory_fail_at(0);
    cr_assert(status == HTF_OK || status == HTF_E_MEMORY);
    failures += status != HTF_OK;
    cr_assert(status == HTF_OK || htf_memory_blocks() == blocks);
  } while (status != HTF_OK);
  cr_assert(failures > 20); // each of the 7 leaves alone allocates three times
  close_scene(&s);
}

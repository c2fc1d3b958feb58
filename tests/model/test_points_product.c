// SPDX-License-Identifier: BSD-3-Clause
// Points given by vectors, and as all entries.
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "random_scene.h"

enum { CASES = 60 };

static scene make(int i, points_form form, int64_t m) {
  scene s = {.c = random_model_make((uint64_t)i, random_kind(i))};
  set_points(&s, form, m);
  open_scene(&s, HTF_USE_VALUES);
  return s;
}

static void expect_equal(const int32_t *a, const int32_t *b, int64_t n) {
  cr_assert(memcmp(a, b, (size_t)n * sizeof *a) == 0);
}

// ---- all entries ----------------------------------------------------------------------

Test(points_product, all_entries_have_the_tables_of_their_list) {
  for (int i = 0; i < CASES; i++) {
    scene s = make(i, ALL, 0);
    htf_points *listed = NULL;
    cr_assert(htf_points_create(s.c.tree, s.c.shape, s.m, s.indices, &listed) == HTF_OK);
    cr_assert(htf_points_are_all(s.points) && !htf_points_are_all(listed));
    cr_assert(eq(i64, htf_points_count(s.points), s.c.entries));
    for (int v = 0; v <= htf_tree_root(s.c.tree); v++) {
      int64_t rows = htf_points_rows(listed, v);
      int children = htf_tree_children(s.c.tree, v);
      cr_assert(eq(i64, htf_points_rows(s.points, v), rows));
      cr_assert(htf_points_inputs(s.points, v) == NULL);
      if (children == 0) {
        expect_equal(htf_points_index(s.points, v), htf_points_index(listed, v), rows);
      } else if (v < htf_tree_root(s.c.tree)) {
        int64_t first = htf_points_rows(listed, htf_tree_child(s.c.tree, v, 0));
        expect_equal(htf_points_segments(s.points, v), htf_points_segments(listed, v),
                     first + 1);
        for (int j = 0; j < children; j++) {
          expect_equal(htf_points_gather(s.points, v, j), htf_points_gather(listed, v, j),
                       rows);
        }
      }
    }
    htf_points_destroy(&listed);
    close_scene(&s);
  }
}

// Follows the gathers from a row down to the leaves; adds where the indices found lie.
static int64_t place_of(const scene *s, int v, int64_t row) {
  int64_t place = 0;
  for (int j = 0; j < htf_tree_children(s->c.tree, v); j++) {
    place += place_of(s, htf_tree_child(s->c.tree, v, j),
                      htf_points_gather(s->points, v, j)[row]);
  }
  if (htf_tree_children(s->c.tree, v) == 0) {
    const int *modes;
    htf_tree_modes(s->c.tree, v, &modes);
    place = htf_points_index(s->points, v)[row];
    for (int n = modes[0] + 1; n < s->c.order; n++) {
      place *= s->c.shape[n];
    }
  }
  return place;
}

Test(points_product, groups_of_all_entries_tell_where_they_lie) {
  for (int i = 0; i < CASES; i++) {
    scene s = make(i, ALL, 0);
    int root = htf_tree_root(s.c.tree), end = 0;
    bool *seen = htf_memory_get((size_t)s.m, sizeof *seen);
    for (int g = 0; g < 2; g++) {
      int first, children = htf_points_group_children(s.points, g, &first);
      cr_assert(eq(int, first, end));
      cr_assert(children >= 1);
      for (int64_t row = 0; row < htf_points_group_rows(s.points, g); row++) {
        int64_t place = 0;
        for (int j = first; j < first + children; j++) {
          place += place_of(&s, htf_tree_child(s.c.tree, root, j),
                            htf_points_gather(s.points, root, j)[row]);
        }
        cr_assert(eq(i64, htf_points_place(s.points, g)[row], place));
      }
      end = first + children;
    }
    cr_assert(eq(int, end, htf_tree_children(s.c.tree, root)));
    for (int64_t a = 0; a < htf_points_group_rows(s.points, 0); a++) {
      for (int64_t b = 0; b < htf_points_group_rows(s.points, 1); b++) {
        int64_t place = htf_points_place(s.points, 0)[a] + htf_points_place(s.points, 1)[b];
        cr_assert(0 <= place && place < s.m && !seen[place]);
        seen[place] = true;
      }
    }
    HTF_FREE(seen);
    close_scene(&s);
  }
}

Test(points_product, groups_are_as_small_as_can_be) {
  static const struct {
    int64_t shape[4];
    int split;
  } cases[] = {{{2, 2, 2, 2}, 2}, {{9, 2, 2, 2}, 1}, {{2, 2, 2, 9}, 3}, {{5, 1, 1, 5}, 1}};
  for (int i = 0; i < 4; i++) {
    scene s = {.c = model_of("(0,1,2,3)2;", 4, cases[i].shape)};
    int first;
    set_points(&s, ALL, 0);
    open_scene(&s, HTF_USE_VALUES);
    cr_assert(eq(int, htf_points_group_children(s.points, 0, &first), cases[i].split));
    close_scene(&s);
  }
}

// ---- vectors --------------------------------------------------------------------------

Test(points_product, vectors_are_held_mode_by_mode_point_by_point) {
  for (int i = 0; i < CASES; i++) {
    scene s = make(i, VECTORS, 6);
    for (int v = 0; v <= htf_tree_root(s.c.tree); v++) {
      int children = htf_tree_children(s.c.tree, v);
      cr_assert(eq(i64, htf_points_rows(s.points, v), 6));
      for (int k = 0; children > 0 && k < 6; k++) {
        cr_assert(eq(int, htf_points_gather(s.points, v, children - 1)[k], k));
        cr_assert(eq(int, htf_points_segments(s.points, v)[k + 1], k + 1));
        cr_assert(eq(i64, htf_points_order(s.points)[k], k));
      }
      if (children == 0) {
        const int *modes;
        int64_t size = htf_model_rows(s.c.model, v);
        htf_tree_modes(s.c.tree, v, &modes);
        for (int64_t k = 0; k < 6; k++) {
          cr_assert(memcmp(htf_points_inputs(s.points, v) + k * size,
                           s.vectors + (k * s.c.order + modes[0]) * s.widest,
                           (size_t)size * sizeof(double)) == 0);
        }
      }
    }
    close_scene(&s);
  }
}

// Beyond a mode's size anything may stand, even what is no number.
Test(points_product, vectors_are_read_no_further_than_their_mode) {
  htf_tree *tree = NULL;
  htf_points *points = NULL;
  int64_t shape[] = {3, 2};
  double inputs[] = {1, 2, 3, 4, 5, NAN, 6, 7, 8, 9, 10, NAN};
  cr_assert(htf_tree_parse("(0,1)1;", 0, &tree) == HTF_OK);
  cr_assert(htf_points_create_vectors(tree, shape, 2, inputs, &points) == HTF_OK);
  htf_points_destroy(&points);
  inputs[10] = INFINITY;
  cr_assert(htf_points_create_vectors(tree, shape, 2, inputs, &points) == HTF_E_DATA);
  cr_assert(eq(str, (char *)htf_error_message(),
               "point 1 has inf at place 1 of its vector of mode 1"));
  cr_assert(points == NULL);
  htf_tree_destroy(&tree);
  cr_assert(eq(i64, htf_memory_blocks(), 0));
}

// ---- both -----------------------------------------------------------------------------

Test(points_product, refuses_what_32_bits_cannot_number) {
  htf_tree *tree = NULL;
  htf_points *points = NULL;
  int64_t huge[] = {1 << 16, 1 << 15}, most[] = {INT64_MAX, 3}, none[] = {3, 0};
  cr_assert(htf_tree_parse("(0,1)1;", 0, &tree) == HTF_OK);
  cr_assert(htf_points_create_all(tree, huge, &points) == HTF_E_CONFIG);
  cr_assert(eq(str, (char *)htf_error_message(),
               "the whole tensor would take 1.72e+10 bytes, the most is 1.72e+10"));
  cr_assert(htf_points_create_all(tree, most, &points) == HTF_E_CONFIG);
  cr_assert(htf_points_create_all(tree, none, &points) == HTF_E_DATA);
  cr_assert(htf_points_create_vectors(tree, none, 1, NULL, &points) == HTF_E_DATA);
  cr_assert(htf_points_create_vectors(tree, huge, -1, NULL, &points) == HTF_E_DATA);
  cr_assert(points == NULL);
  htf_tree_destroy(&tree);
}

Test(points_product, running_out_of_memory_anywhere_leaks_nothing) {
  for (int form = VECTORS; form <= ALL; form++) {
    scene s = make(11, (points_form)form, 5);
    int64_t failures = 0, blocks = htf_memory_blocks();
    htf_status status;
    do {
      htf_points *points = NULL;
      htf_memory_fail_at(failures + 1);
      status = make_points(&s, &points);
      htf_memory_fail_at(0);
      cr_assert(status == HTF_OK || status == HTF_E_MEMORY);
      failures += status != HTF_OK;
      htf_points_destroy(&points);
      cr_assert(eq(i64, htf_memory_blocks(), blocks));
    } while (status != HTF_OK);
    cr_assert(failures > 5);
    close_scene(&s);
  }
  cr_assert(eq(i64, htf_memory_blocks(), 0));
}

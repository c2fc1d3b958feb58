// SPDX-License-Identifier: BSD-3-Clause
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "htflow/memory.h"
#include "htflow/tree.h"
#include "model/tree_check.h"

Test(tree_build, names_stand_for_these_trees) {
  static const struct {
    const char *label;
    int order;
    const char *newick;
  } cases[] = {
      {"binary", 2, "(0,1)2;"},
      {"binary", 4, "((0,1)2,(2,3)2)2;"},
      {"binary", 5, "(((0,1)2,(2,3)2)2,4)2;"},
      {"binary", 7, "(((0,1)2,(2,3)2)2,((4,5)2,6)2)2;"},
      {" flat ", 3, "(0,1,2)2;"},
      {"flat square", 4, "(0,1,2,3)2;"},
      {"arity 3", 4, "((0,1,2)2,3)2;"},
      {"arity 3 adjacent", 8, "((0,1,2)2,(3,4,5)2,(6,7)2)2;"},
      {"arity 4", 4, "(0,1,2,3)2;"},
      {"binary half", 8, "(((0,4)2,(2,6)2)2,((1,5)2,(3,7)2)2)2;"},
      {"arity 2 half", 4, "((0,2)2,(1,3)2)2;"},
      {"arity 3 half", 6, "((0,2,4)2,(1,3,5)2)2;"},
      {"arity 4 square", 16, "((0,1,4,5)2,(2,3,6,7)2,(8,9,12,13)2,(10,11,14,15)2)2;"},
      {"depth 2 square", 16, "((0,1,4,5)2,(2,3,6,7)2,(8,9,12,13)2,(10,11,14,15)2)2;"},
      {"depth 1", 5, "(0,1,2,3,4)2;"},
      {"depth 2", 4, "((0,1)2,(2,3)2)2;"},
      {"depth 2", 8, "((0,1,2)2,(3,4,5)2,(6,7)2)2;"},
      {"depth 2 half", 8, "((0,2,4,6)2,(1,3,5,7)2)2;"},
      {"((0,1),2)", 3, "((0,1)2,2)2;"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    htf_tree *tree = NULL;
    htf_status status = htf_tree_from_label(cases[i].label, cases[i].order, 2, &tree);
    cr_assert(eq(int, status, HTF_OK), "%s: %s", cases[i].label, htf_error_message());
    cr_assert(eq(str, (char *)newick_of(tree), (char *)cases[i].newick), "%s",
              cases[i].label);
    htf_tree_destroy(&tree);
  }
}

Test(tree_build, names_that_do_not_fit_say_what_would) {
  static const struct {
    const char *label;
    int order;
    const char *message;
  } cases[] = {
      {"arity 2 half", 6,
       "arity 2 in pattern half does not fit 6 modes; arities that fit: 3, 6"},
      {"binary square", 16,
       "arity 2 in pattern square does not fit 16 modes; arities that fit: 4, 16"},
      {"arity 4 square", 8,
       "arity 4 in pattern square does not fit 8 modes; arities that fit: none"},
      {"arity 4 square", 36,
       "arity 4 in pattern square does not fit 36 modes; arities that fit: 9, 36"},
      {"depth 3", 9,
       "no tree of depth 3 in pattern adjacent over 9 modes; depths that fit: 4, 2, 1"},
      {"depth 9 half", 8,
       "no tree of depth 9 in pattern half over 8 modes; depths that fit: 3, 2, 1"},
      {"arity 5", 4, "arity 5 over 4 modes must be 2 .. 4"},
      {"arity 1", 4, "arity 1 over 4 modes must be 2 .. 4"},
      {"arity -2", 4, "arity -2 over 4 modes must be 2 .. 4"},
      {"binary", 1, "a tree over 1 modes: there must be 2 .. 64"},
      {"binary", 65, "a tree over 65 modes: there must be 2 .. 64"},
      {"(0,1)", 3, "the tree has 2 modes, the shape 3"},
      {"(0,1", 2, "column 5: expected ',' or ')'"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    htf_tree *tree = NULL;
    htf_status status = htf_tree_from_label(cases[i].label, cases[i].order, 2, &tree);
    cr_assert(eq(int, status, HTF_E_CONFIG), "%s", cases[i].label);
    cr_assert(eq(str, (char *)htf_error_message(), (char *)cases[i].message));
    cr_assert(eq(ptr, tree, NULL));
  }
}

Test(tree_build, other_words_are_no_tree) {
  static const char *const labels[] = {"",           "Binary",        "binry",    "arity",
                                       "arity x",    "binary 2",      "flat 3",   "depth",
                                       "arity 2 up", "binary half x", "depth 2.5"};
  for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
    htf_tree *tree = NULL;
    cr_assert(eq(int, htf_tree_from_label(labels[i], 4, 2, &tree), HTF_E_CONFIG));
    cr_assert(strstr(htf_error_message(), "is no tree: expected binary, flat") != NULL,
              "%s: %s", labels[i], htf_error_message());
  }
}

static bool is_square(int n) {
  for (int root = 1; root * root <= n; root++) {
    if (root * root == n) {
      return true;
    }
  }
  return false;
}

// Whether groups of `arity` come out even on every level of more than `arity` nodes.
static bool should_fit(htf_pattern pattern, int arity, int order) {
  if (pattern == HTF_PATTERN_ADJACENT) {
    return true;
  }
  if (pattern == HTF_PATTERN_SQUARE && !(is_square(arity) && is_square(order))) {
    return false;
  }
  for (; order > arity; order /= arity) {
    if (order % arity != 0) {
      return false;
    }
  }
  return true;
}

// Members of each lowest group lie as the pattern says.
static void check_group(htf_pattern pattern, int arity, int order, const int *modes,
                        int count) {
  int side = 1, block = 1;
  while (side * side < order) {
    side++;
  }
  while (block * block < count) {
    block++;
  }
  cr_assert(count <= arity);
  for (int i = 0; i < count; i++) {
    int expected = modes[0] + i;
    if (pattern == HTF_PATTERN_HALF) {
      expected = modes[0] + i * (order / count);
    } else if (pattern == HTF_PATTERN_SQUARE) {
      expected = modes[0] + i / block * side + i % block;
      cr_assert(modes[0] % side % block == 0 && modes[0] / side % block == 0);
    }
    cr_assert(eq(int, modes[i], expected));
  }
}

static void check_named(htf_tree_plan plan, int order, const htf_tree *tree) {
  int depth = 0;
  for (int count = order; count > 1; depth++) {
    count = (count + plan.arity - 1) / plan.arity;
  }
  cr_assert(eq(int, htf_tree_depth(tree), depth));
  check_tree(tree);
  for (int v = 0; v < htf_tree_nodes(tree); v++) {
    const int *modes;
    int count = htf_tree_modes(tree, v, &modes);
    int children = htf_tree_children(tree, v);
    cr_assert(children <= plan.arity);
    if (children > 0) {
      cr_assert(eq(int, htf_tree_width(tree, v), 3));
    }
    if (children == count) {
      check_group(plan.pattern, plan.arity, order, modes, count);
    }
  }
}

Test(tree_build, every_pattern_arity_and_order_pools_as_defined_or_is_refused) {
  for (int order = 2; order <= HTF_TREE_MAX_ORDER; order++) {
    for (int arity = 2; arity <= order; arity++) {
      for (int pattern = 0; pattern <= HTF_PATTERN_SQUARE; pattern++) {
        htf_tree_plan plan = {.arity = arity, .pattern = (htf_pattern)pattern};
        htf_tree *tree = NULL;
        bool fits = should_fit(plan.pattern, arity, order);
        htf_status status = htf_tree_build(&plan, order, 3, &tree);
        cr_assert(eq(int, status, fits ? HTF_OK : HTF_E_CONFIG), "%d %d %d", order, arity,
                  pattern);
        if (fits) {
          check_named(plan, order, tree);
        }
        htf_tree_destroy(&tree);
      }
    }
  }
  cr_assert(eq(i64, htf_memory_blocks(), 0));
}

Test(tree_build, depth_takes_the_smallest_arity_that_reaches_it) {
  for (int order = 2; order <= HTF_TREE_MAX_ORDER; order++) {
    for (int depth = 1; depth <= 7; depth++) {
      char label[32];
      htf_tree *tree = NULL;
      htf_tree_plan plan = {.arity = 1};
      double reach = 1;
      while (reach < order) { // a^L < N
        plan.arity++;
        reach = 1;
        for (int level = 0; level < depth; level++) {
          reach *= plan.arity;
        }
      }
      snprintf(label, sizeof label, "depth %d", depth);
      htf_status status = htf_tree_from_label(label, order, 3, &tree);
      if (status == HTF_OK) {
        cr_assert(eq(int, htf_tree_depth(tree), depth));
        check_named(plan, order, tree);
      } else {
        htf_tree *shallower = NULL;
        cr_assert(eq(int, htf_tree_build(&plan, order, 3, &shallower), HTF_OK));
        cr_assert(htf_tree_depth(shallower) < depth);
        htf_tree_destroy(&shallower);
      }
      htf_tree_destroy(&tree);
    }
  }
}

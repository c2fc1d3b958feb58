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

// ---- chains ---------------------------------------------------------------------------

static const char *name_of(const htf_tree *tree, int node) {
  static char text[HTF_TREE_TEXT];
  cr_assert(eq(int, htf_tree_node_name(tree, node, text, sizeof text), HTF_OK));
  return text;
}

Test(tree_build, a_chain_has_a_weight_matrix_for_each_factor) {
  static const char *const texts[] = {"(0,1)4;", "((0)4,1)4;", "(((0)4)4,1)4;"};
  htf_tree *tree = NULL;
  for (int depth = 2; depth <= 64; depth++) {
    cr_assert(eq(int, htf_tree_chain(depth, 4, &tree), HTF_OK));
    check_tree(tree);
    cr_assert(eq(int, htf_tree_order(tree), 2));
    cr_assert(eq(int, htf_tree_nodes(tree), depth + 1)); // the root's is frozen
    cr_assert(eq(int, htf_tree_depth(tree), depth - 1));
    cr_assert(eq(int, htf_tree_children(tree, htf_tree_root(tree)), 2));
    if (depth <= 4) {
      cr_assert(eq(str, (char *)newick_of(tree), (char *)texts[depth - 2]));
    }
    htf_tree_destroy(&tree);
  }
  for (int depth = -1; depth < 200; depth += depth == 1 ? 64 : 1) {
    cr_assert(eq(int, htf_tree_chain(depth, 4, &tree), HTF_E_CONFIG));
  }
  cr_assert(eq(str, (char *)htf_error_message(),
               "a product of 199 matrices: there must be 2 .. 64"));
  cr_assert(eq(int, htf_tree_chain(3, 0, &tree), HTF_E_CONFIG));
  cr_assert(eq(ptr, tree, NULL));
  cr_assert(eq(i64, htf_memory_blocks(), 0));
}

Test(tree_build, unary_nodes_have_names_of_their_own) {
  htf_tree *tree = NULL;
  cr_assert(eq(int, htf_tree_read("((((0)2)3,(1)4)5,((3,2)6)7)8;", &tree), HTF_OK));
  static const char *const names[] = {"0", "0+", "0++", "1",    "1+",     "0_1",
                                      "3", "2",  "3_2", "3_2+", "0_1_3_2"};
  cr_assert(eq(int, htf_tree_nodes(tree), 11));
  for (int v = 0; v < 11; v++) {
    cr_assert(eq(str, (char *)name_of(tree, v), (char *)names[v]));
  }
  check_tree(tree);
  htf_tree_destroy(&tree);
}

Test(tree_build, a_chain_is_read_as_it_was_written_but_not_parsed) {
  for (int depth = 2; depth <= 64; depth++) {
    htf_tree *tree = NULL, *again = NULL;
    char text[HTF_TREE_TEXT];
    cr_assert(eq(int, htf_tree_chain(depth, HTF_TREE_MAX_WIDTH, &tree), HTF_OK));
    strcpy(text, newick_of(tree));
    cr_assert(eq(int, htf_tree_read(text, &again), HTF_OK), "%s", htf_error_message());
    cr_assert(eq(str, (char *)newick_of(again), text));
    htf_tree_destroy(&again);
    htf_status parsed = htf_tree_parse(text, 0, &again);
    cr_assert(eq(int, parsed, depth == 2 ? HTF_OK : HTF_E_CONFIG));
    htf_tree_destroy(&again);
    htf_tree_destroy(&tree);
  }
  cr_assert(eq(i64, htf_memory_blocks(), 0));
}

Test(tree_build, reading_refuses_what_was_never_written) {
  static const struct {
    const char *text, *message;
  } cases[] = {
      {"((0,1)2)3;", "column 8: expected ',': a node has two children or more"},
      {"(0)3;", "column 3: expected ',': a node has two children or more"},
      {"((0),1)3;", "column 5: expected the node's width"},
      {"(()2,1)3;", "column 3: expected a mode or '('"},
      {"((0)2,1);", "column 9: expected the node's width"},
      {"((0)2,0)3;", "column 7: mode 0 stands already in column 3"},
  };
  htf_tree *tree = NULL;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cr_assert(eq(int, htf_tree_read(cases[i].text, &tree), HTF_E_CONFIG));
    cr_assert(eq(str, (char *)htf_error_message(), (char *)cases[i].message));
  }
  char text[HTF_TREE_TEXT] = ""; // 64 interior nodes, none nested deep
  for (int i = 0; i < 32; i++) {
    strcat(text, "(");
  }
  strcat(text, "0");
  for (int i = 0; i < 31; i++) {
    strcat(text, ")1");
  }
  strcat(text, ",");
  for (int i = 0; i < 32; i++) {
    strcat(text, "(");
  }
  cr_assert(eq(int, htf_tree_read(text, &tree), HTF_E_CONFIG));
  cr_assert(eq(str, (char *)htf_error_message(),
               "column 128: a tree has at most 63 interior nodes"));
  cr_assert(eq(ptr, tree, NULL));
  cr_assert(eq(i64, htf_memory_blocks(), 0));
}

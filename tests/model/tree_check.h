// SPDX-License-Identifier: BSD-3-Clause
// What tests of trees ask of every tree.
#pragma once

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "htflow/tree.h"

// The tree's text, until the next call.
static inline const char *newick_of(const htf_tree *tree) {
  static char text[HTF_TREE_TEXT];
  cr_assert(eq(int, htf_tree_newick(tree, text, sizeof text), HTF_OK));
  return text;
}

// What every tree must satisfy, whatever its shape.
static inline void check_tree(const htf_tree *tree) {
  int leaves = 0, nodes = htf_tree_nodes(tree);
  cr_assert(eq(int, htf_tree_parent(tree, htf_tree_root(tree)), -1));
  for (int v = 0; v < nodes; v++) {
    int children = htf_tree_children(tree, v), count = 0, last = -1;
    const int *modes, *part;
    int total = htf_tree_modes(tree, v, &modes);
    for (int i = 0; i < children; i++) {
      int child = htf_tree_child(tree, v, i);
      cr_assert(child > last && child < v);
      last = child;
      cr_assert(eq(int, htf_tree_parent(tree, child), v));
      int size = htf_tree_modes(tree, child, &part);
      cr_assert(count + size <= total);
      cr_assert(memcmp(modes + count, part, (size_t)size * sizeof *part) == 0);
      count += size;
    }
    if (children == 0) {
      leaves++;
      cr_assert(eq(int, total, 1));
      cr_assert(eq(int, htf_tree_leaf(tree, modes[0]), v));
      cr_assert(eq(int, htf_tree_width(tree, v), 0));
    } else {
      cr_assert(children >= (v == htf_tree_root(tree) ? 2 : 1) && count == total);
      cr_assert(htf_tree_width(tree, v) >= 1);
    }
  }
  cr_assert(eq(int, leaves, htf_tree_order(tree)));
}

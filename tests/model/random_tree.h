// SPDX-License-Identifier: BSD-3-Clause
// Random mode trees for tests: any shape, children of 2 .. 4, nodes that are not
// contiguous.
#pragma once

#include <stdio.h>
#include <string.h>

#include "htflow/random.h"
#include "htflow/tree.h"

// Takes a random entry out of a forest of *count texts.
static inline void take_tree(htf_random *stream, char forest[][HTF_TREE_TEXT], int *count,
                             char text[HTF_TREE_TEXT]) {
  int64_t which = htf_random_index(stream, *count);
  strcpy(text, forest[which]);
  memmove(forest[which], forest[--*count], HTF_TREE_TEXT);
}

// Joins random subtrees until one is left; widths 1 .. max_width.
static inline void random_newick(htf_random *stream, int order, int max_width,
                                 char text[HTF_TREE_TEXT]) {
  static char forest[HTF_TREE_MAX_ORDER][HTF_TREE_TEXT];
  static char joined[HTF_TREE_TEXT], part[HTF_TREE_TEXT];
  int count = order;
  for (int n = 0; n < order; n++) {
    snprintf(forest[n], sizeof forest[n], "%d", n);
  }
  while (count > 1) {
    int children = 2 + (int)htf_random_index(stream, 3);
    children = children < count ? children : count;
    strcpy(joined, "(");
    for (int i = 0; i < children; i++) {
      take_tree(stream, forest, &count, part);
      strcat(joined, part);
      strcat(joined, i < children - 1 ? "," : ")");
    }
    snprintf(part, sizeof part, "%d", 1 + (int)htf_random_index(stream, max_width));
    strcat(joined, part);
    strcpy(forest[count++], joined);
  }
  snprintf(text, HTF_TREE_TEXT, "%.*s;", HTF_TREE_TEXT - 2, forest[0]);
}

// The same as a tree; aborts if it is refused.
static inline htf_tree *random_tree(htf_random *stream, int order, int max_width) {
  char text[HTF_TREE_TEXT];
  htf_tree *tree = NULL;
  random_newick(stream, order, max_width, text);
  HTF_ASSERT(htf_tree_parse(text, 0, &tree) == HTF_OK);
  return tree;
}

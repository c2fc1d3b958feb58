// SPDX-License-Identifier: BSD-3-Clause
// Named trees: a pattern and an arity, or the words for them, -> mode tree.
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "htflow/memory.h"
#include "htflow/tree.h"
#include "tree_impl.h"

enum { MAX_LEVELS = 6 }; // 2^6 = HTF_TREE_MAX_ORDER

static const char *const patterns[] = {
    [HTF_PATTERN_ADJACENT] = "adjacent",
    [HTF_PATTERN_HALF] = "half",
    [HTF_PATTERN_SQUARE] = "square",
};
enum { PATTERNS = sizeof patterns / sizeof *patterns };

// One level of pooling: `count` nodes in `groups` groups of `arity`, the last perhaps
// smaller. For squares, `side` nodes a row in blocks of `block` a row.
typedef struct level {
  htf_pattern pattern;
  int count, arity, groups;
  int side, block;
} level;

static int root_of_square(int n) {
  int root = 0;
  while ((root + 1) * (root + 1) <= n) {
    root++;
  }
  return root;
}

// Pools `count` nodes, all in one group if they are no more than `arity`; false if the
// pattern does not come out even.
static bool pool(htf_pattern pattern, int arity, int count, level *l) {
  *l = (level){.pattern = pattern, .count = count};
  l->arity = arity < count ? arity : count;
  l->groups = (count + l->arity - 1) / l->arity;
  l->side = root_of_square(count);
  l->block = root_of_square(l->arity);
  switch (pattern) {
  case HTF_PATTERN_ADJACENT:
    return true;
  case HTF_PATTERN_HALF:
    return count % l->arity == 0;
  case HTF_PATTERN_SQUARE:
    return l->side * l->side == count && l->block * l->block == l->arity &&
           l->side % l->block == 0;
  }
  return false;
}

// The levels from `order` leaves to the root: how many, 0 if the pattern does not fit.
// `arity` must be 2 or more.
static int plan_levels(const htf_tree_plan *plan, int order, level levels[MAX_LEVELS]) {
  int count = 0;
  if (plan->pattern == HTF_PATTERN_SQUARE &&
      root_of_square(plan->arity) * root_of_square(plan->arity) != plan->arity) {
    return 0;
  }
  while (order > 1) {
    if (!pool(plan->pattern, plan->arity, order, &levels[count])) {
      return 0;
    }
    order = levels[count++].groups;
  }
  return count;
}

static int group_size(const level *l, int group) {
  int left = l->count - group * l->arity;
  return l->pattern == HTF_PATTERN_ADJACENT && left < l->arity ? left : l->arity;
}

// Which of the level's nodes is member i of a group.
static int member(const level *l, int group, int i) {
  switch (l->pattern) {
  case HTF_PATTERN_HALF:
    return group + i * l->groups;
  case HTF_PATTERN_SQUARE: {
    int blocks = l->side / l->block; // a row of blocks
    int row = group / blocks * l->block + i / l->block;
    int col = group % blocks * l->block + i % l->block;
    return row * l->side + col;
  }
  default:
    return group * l->arity + i;
  }
}

// Adds the subtree of a group of the given level, at most MAX_LEVELS deep; level -1 are the
// modes themselves.
static void add_group(htf_tree *tree, const level *levels, int at, int group, int width) {
  if (at < 0) {
    htf_tree__add_leaf(tree, group);
    return;
  }
  int size = group_size(&levels[at], group);
  for (int i = 0; i < size; i++) {
    add_group(tree, levels, at - 1, member(&levels[at], group, i), width);
  }
  if (size > 1) {
    htf_tree__add_parent(tree, size, width);
  }
}

// Which arities (or, of their trees, which depths) fit, as "2, 4, 16".
static void list_fitting(htf_pattern pattern, int order, bool depths, char *text,
                         size_t size) {
  level levels[MAX_LEVELS];
  size_t used = 0;
  int last = 0;
  text[0] = '\0';
  for (int arity = 2; arity <= order && used < size; arity++) {
    htf_tree_plan plan = {.arity = arity, .pattern = pattern};
    int depth = plan_levels(&plan, order, levels);
    int shown = depths ? depth : arity;
    if (depth > 0 && shown != last) {
      used += (size_t)snprintf(text + used, size - used, used > 0 ? ", %d" : "%d", shown);
      last = shown;
    }
  }
  if (used == 0) {
    snprintf(text, size, "none");
  }
}

static htf_status check_order(int order, int width) {
  htf_status status = HTF_OK;
  HTF_CHECK(2 <= order && order <= HTF_TREE_MAX_ORDER, HTF_E_CONFIG,
            "a tree over %d modes: there must be 2 .. %d", order, HTF_TREE_MAX_ORDER);
  HTF_CHECK(1 <= width && width <= HTF_TREE_MAX_WIDTH, HTF_E_CONFIG,
            "width %d must be 1 .. %d", width, HTF_TREE_MAX_WIDTH);
done:
  return status;
}

htf_status htf_tree_build(const htf_tree_plan *plan, int order, int width, htf_tree **out) {
  htf_status status = HTF_OK;
  htf_tree *tree = NULL;
  level levels[MAX_LEVELS];
  char fitting[256];
  HTF_ASSERT(0 <= (int)plan->pattern && (int)plan->pattern < PATTERNS);
  HTF_TRY(check_order(order, width));
  HTF_CHECK(2 <= plan->arity && plan->arity <= order, HTF_E_CONFIG,
            "arity %d over %d modes must be 2 .. %d", plan->arity, order, order);
  int depth = plan_levels(plan, order, levels);
  list_fitting(plan->pattern, order, false, fitting, sizeof fitting);
  HTF_CHECK(depth > 0, HTF_E_CONFIG,
            "arity %d in pattern %s does not fit %d modes; arities that fit: %s",
            plan->arity, patterns[plan->pattern], order, fitting);
  HTF_NEW(tree, 1);
  add_group(tree, levels, depth - 1, 0, width);
  *out = tree;
done:
  return status;
}

htf_status htf_tree_chain(int depth, int width, htf_tree **out) {
  htf_status status = HTF_OK;
  htf_tree *tree = NULL;
  HTF_CHECK(2 <= depth && depth <= HTF_TREE__INTERIOR + 1, HTF_E_CONFIG,
            "a product of %d matrices: there must be 2 .. %d", depth,
            HTF_TREE__INTERIOR + 1);
  HTF_TRY(check_order(2, width));
  HTF_NEW(tree, 1);
  htf_tree__add_leaf(tree, 0);
  for (int i = 0; i < depth - 2; i++) {
    htf_tree__add_parent(tree, 1, width);
  }
  htf_tree__add_leaf(tree, 1);
  htf_tree__add_parent(tree, 2, width);
  *out = tree;
done:
  return status;
}

// ---- words ----------------------------------------------------------------------------

// The smallest arity whose tree is as deep as asked.
static htf_status arity_of_depth(int depth, htf_pattern pattern, int order, int *arity) {
  htf_status status = HTF_OK;
  level levels[MAX_LEVELS];
  char fitting[256];
  for (*arity = 2; *arity <= order; ++*arity) {
    htf_tree_plan plan = {.arity = *arity, .pattern = pattern};
    if (plan_levels(&plan, order, levels) == depth) {
      goto done;
    }
  }
  list_fitting(pattern, order, true, fitting, sizeof fitting);
  HTF_CHECK(false, HTF_E_CONFIG,
            "no tree of depth %d in pattern %s over %d modes; depths that fit: %s", depth,
            patterns[pattern], order, fitting);
done:
  return status;
}

static bool find_pattern(const char *name, htf_pattern *pattern) {
  for (int i = 0; i < PATTERNS; i++) {
    if (strcmp(name, patterns[i]) == 0) {
      *pattern = (htf_pattern)i;
      return true;
    }
  }
  return false;
}

// A label's parts: "binary", "flat", "arity 4" or "depth 2", then perhaps a pattern.
typedef struct words {
  char kind[16];
  bool numbered;
  int number;
  htf_pattern pattern;
} words;

static bool split(const char *label, words *w) {
  char pattern[16] = "adjacent";
  int used = 0;
  *w = (words){.numbered = false};
  if (sscanf(label, " %15[a-z] %n", w->kind, &used) != 1) {
    return false;
  }
  label += used;
  if (sscanf(label, "%6d %n", &w->number, &used) == 1) {
    w->numbered = true;
    label += used;
  }
  used = 0;
  if (sscanf(label, "%15[a-z] %n", pattern, &used) == 1) {
    label += used;
  }
  bool wants_number = strcmp(w->kind, "arity") == 0 || strcmp(w->kind, "depth") == 0;
  return *label == '\0' && w->numbered == wants_number &&
         find_pattern(pattern, &w->pattern);
}

static htf_status plan_from_words(const char *label, int order, htf_tree_plan *plan) {
  htf_status status = HTF_OK;
  words w;
  bool known = split(label, &w);
  *plan = (htf_tree_plan){.pattern = known ? w.pattern : HTF_PATTERN_ADJACENT};
  if (known && strcmp(w.kind, "binary") == 0) {
    plan->arity = 2;
  } else if (known && strcmp(w.kind, "flat") == 0) {
    plan->arity = order;
  } else if (known && strcmp(w.kind, "arity") == 0) {
    plan->arity = w.number;
  } else if (known && strcmp(w.kind, "depth") == 0) {
    HTF_TRY(arity_of_depth(w.number, w.pattern, order, &plan->arity));
  } else {
    HTF_CHECK(false, HTF_E_CONFIG,
              "'%.60s' is no tree: expected binary, flat, arity A or depth L, each with "
              "adjacent, half or square after it if wanted, or Newick as "
              "((0,1)16,(2,3)16)8",
              label);
  }
done:
  return status;
}

htf_status htf_tree_from_label(const char *label, int order, int width, htf_tree **out) {
  htf_status status = HTF_OK;
  htf_tree *tree = NULL;
  htf_tree_plan plan;
  if (label[strspn(label, " \t\r\n")] == '(') {
    HTF_TRY(htf_tree_parse(label, width, &tree));
    HTF_CHECK(tree->order == order, HTF_E_CONFIG, "the tree has %d modes, the shape %d",
              tree->order, order);
  } else {
    HTF_TRY(check_order(order, width));
    HTF_TRY(plan_from_words(label, order, &plan));
    HTF_TRY(htf_tree_build(&plan, order, width, &tree));
  }
  *out = tree;
  tree = NULL;
done:
  htf_tree_destroy(&tree);
  return status;
}

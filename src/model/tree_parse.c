// SPDX-License-Identifier: BSD-3-Clause
// Newick text -> mode tree. One pass with a stack of open brackets, whose number is bounded
// by the most interior nodes there may be.
//
//     tree = node [";"]     node = "(" item {"," item} ")" [width]
//     item = mode | node    blanks anywhere between
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "htflow/memory.h"
#include "htflow/tree.h"
#include "tree_impl.h"

typedef struct parser {
  const char *text, *at;
  int width;                            // of unlabelled nodes; 0: a label is required
  bool unary;                           // one child will do
  int brackets;                         // opened so far
  int open;                             // brackets not yet closed
  int members[HTF_TREE_MAX_ORDER];      // items so far in each
  ptrdiff_t column[HTF_TREE_MAX_ORDER]; // where each mode stands; 0: nowhere yet
  htf_tree *tree;
} parser;

static ptrdiff_t column(const parser *p) {
  return p->at - p->text + 1;
}

static char next(parser *p) {
  p->at += strspn(p->at, " \t\r\n");
  return *p->at;
}

static bool is_digit(char c) {
  return '0' <= c && c <= '9';
}

// Reads digits; a number too large for an int is as good as INT_MAX, which nothing allows.
static int take_number(parser *p) {
  int value = 0;
  for (; is_digit(*p->at); p->at++) {
    if (__builtin_mul_overflow(value, 10, &value) ||
        __builtin_add_overflow(value, *p->at - '0', &value)) {
      p->at += strspn(p->at, "0123456789");
      return INT_MAX;
    }
  }
  return value;
}

static htf_status take_mode(parser *p) {
  htf_status status = HTF_OK;
  ptrdiff_t begin = column(p);
  int mode = take_number(p);
  HTF_CHECK(mode < HTF_TREE_MAX_ORDER, HTF_E_CONFIG,
            "column %td: the mode is above %d: a tree has at most %d modes", begin,
            HTF_TREE_MAX_ORDER - 1, HTF_TREE_MAX_ORDER);
  HTF_CHECK(p->column[mode] == 0, HTF_E_CONFIG,
            "column %td: mode %d stands already in column %td", begin, mode,
            p->column[mode]);
  p->column[mode] = begin;
  p->members[p->open - 1]++;
  htf_tree__add_leaf(p->tree, mode);
done:
  return status;
}

static htf_status take_bracket(parser *p) {
  htf_status status = HTF_OK;
  HTF_CHECK(p->brackets < HTF_TREE__INTERIOR, HTF_E_CONFIG,
            "column %td: a tree has at most %d interior nodes", column(p),
            HTF_TREE__INTERIOR);
  p->brackets++;
  p->members[p->open++] = 0;
  p->at++;
done:
  return status;
}

static htf_status take_width(parser *p, int *width) {
  htf_status status = HTF_OK;
  *width = p->width;
  if (is_digit(next(p))) {
    ptrdiff_t begin = column(p);
    *width = take_number(p);
    HTF_CHECK(1 <= *width && *width <= HTF_TREE_MAX_WIDTH, HTF_E_CONFIG,
              "column %td: a width must be 1 .. %d", begin, HTF_TREE_MAX_WIDTH);
  }
  HTF_CHECK(*width > 0, HTF_E_CONFIG, "column %td: expected the node's width", column(p));
done:
  return status;
}

static htf_status take_node_end(parser *p) {
  htf_status status = HTF_OK;
  int members = p->members[p->open - 1], width;
  HTF_CHECK(members >= 2 || (p->unary && p->open > 1), HTF_E_CONFIG,
            "column %td: expected ',': a node has two children or more", column(p));
  p->at++;
  HTF_TRY(take_width(p, &width));
  htf_tree__add_parent(p->tree, members, width);
  p->open--;
  if (p->open > 0) {
    p->members[p->open - 1]++;
  }
done:
  return status;
}

static htf_status take_nodes(parser *p) {
  htf_status status = HTF_OK;
  bool want_item = true;
  HTF_CHECK(next(p) == '(', HTF_E_CONFIG, "column %td: expected '('", column(p));
  do {
    char c = next(p);
    if (want_item) {
      HTF_CHECK(c == '(' || is_digit(c), HTF_E_CONFIG, "column %td: expected a mode or '('",
                column(p));
      HTF_TRY(c == '(' ? take_bracket(p) : take_mode(p));
      want_item = c == '(';
    } else {
      HTF_CHECK(c == ',' || c == ')', HTF_E_CONFIG, "column %td: expected ',' or ')'",
                column(p));
      if (c == ')') {
        HTF_TRY(take_node_end(p));
      } else {
        p->at++;
        want_item = true;
      }
    }
  } while (p->open > 0);
done:
  return status;
}

static htf_status take_end(parser *p) {
  htf_status status = HTF_OK;
  if (next(p) == ';') {
    p->at++;
    HTF_CHECK(next(p) == '\0', HTF_E_CONFIG, "column %td: expected the end", column(p));
  }
  HTF_CHECK(*p->at == '\0', HTF_E_CONFIG, "column %td: expected ';' or the end", column(p));
done:
  return status;
}

// N distinct modes are 0 .. N-1 unless one is too large, and then another is missing.
static htf_status check_modes(const parser *p) {
  htf_status status = HTF_OK;
  int order = p->tree->order, missing = 0;
  while (missing < order && p->column[missing] != 0) {
    missing++;
  }
  for (int mode = order; mode < HTF_TREE_MAX_ORDER; mode++) {
    HTF_CHECK(p->column[mode] == 0, HTF_E_CONFIG,
              "column %td: mode %d in a tree of %d modes, which are 0 .. %d; mode %d is "
              "missing",
              p->column[mode], mode, order, order - 1, missing);
  }
done:
  return status;
}

static htf_status parse(const char *newick, int width, bool unary, htf_tree **out) {
  htf_status status = HTF_OK;
  parser p = {.text = newick, .at = newick, .width = width, .unary = unary};
  HTF_NEW(p.tree, 1);
  HTF_TRY(take_nodes(&p));
  HTF_TRY(take_end(&p));
  HTF_TRY(check_modes(&p));
  *out = p.tree;
  p.tree = NULL;
done:
  htf_tree_destroy(&p.tree);
  return status;
}

htf_status htf_tree_parse(const char *newick, int width, htf_tree **tree) {
  htf_status status = HTF_OK;
  HTF_CHECK(0 <= width && width <= HTF_TREE_MAX_WIDTH, HTF_E_CONFIG,
            "width %d must be 1 .. %d", width, HTF_TREE_MAX_WIDTH);
  HTF_TRY(parse(newick, width, false, tree));
done:
  return status;
}

htf_status htf_tree_read(const char *newick, htf_tree **tree) {
  return parse(newick, 0, true, tree);
}

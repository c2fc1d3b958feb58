// SPDX-License-Identifier: BSD-3-Clause
// tree.h: mode trees (room: model; theory.md section 1).
//
// A mode tree over {0 .. N-1}: the root is the whole set, every leaf one mode, every
// interior node the disjoint union of its two or more children, which need not be
// contiguous. Each interior node v has a width R_v, its number of local components. For
// deep matrix factorization (model.h) an interior node may also be *unary*: one child, the
// same modes; only the root may not. No tree has more than 63 interior nodes.
//
// Nodes are numbered 0 .. nodes-1 with every child before its parent, children in the order
// written, so that the root is the last; a loop over nodes is a sweep from the leaves up.
//
// In text a tree is Newick, a leaf its mode, an interior node's label its width:
// "((0,1)16,(2,3)16)8;". A node's name is its modes as the tree lists them: "0_4_2_6"; a
// unary node is named like its child with a `+`: over leaf 0 stand "0+", "0++", ..
// A tree does not change once made.
#pragma once

#include <stddef.h>

#include "htflow/door.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

// What a tree may be; HTF_TREE_TEXT bytes hold any tree's Newick text and any node's name.
enum { HTF_TREE_MAX_ORDER = 64, HTF_TREE_MAX_WIDTH = 1 << 20, HTF_TREE_TEXT = 1024 };

typedef struct htf_tree htf_tree;

// Which modes a named tree pools first.
typedef enum htf_pattern {
  HTF_PATTERN_ADJACENT, // neighbours: n, n+1, ..
  HTF_PATTERN_HALF,     // far ones: n, n + M/a, n + 2M/a, .. of M nodes in groups of a
  HTF_PATTERN_SQUARE, // modes are the pixels of a square, row by row; k x k blocks, a = k^2
} htf_pattern;

// A named tree. Levels of groups of `arity`, 2 .. N, until one node is left; no more than
// `arity` nodes are one group, and a group of one member passes it up. `binary` is arity 2,
// `flat` is arity N; depth L is the smallest arity whose tree is L deep, for neighbours the
// smallest a with a^L >= N. Half wants every level but the last to divide by a; square
// wants that too, and N and a to be squares.
typedef struct htf_tree_plan {
  int arity;
  htf_pattern pattern;
} htf_tree_plan;

// The tree of this text; unlabelled interior nodes get `width` (0: a label is required).
// This is what users write, and unary nodes are refused. Raises HTF_E_CONFIG with the
// column (from 1) and what was expected there.
htf_status htf_tree_parse(const char *newick, int width, htf_tree **tree);
// The same for a text that htf_tree_newick wrote: all labels required, unary nodes welcome,
// as in "(((0)4)4,1)4;". Files and specs come through here.
htf_status htf_tree_read(const char *newick, htf_tree **tree);
// The named tree over `order` modes with all widths equal. Raises HTF_E_CONFIG where the
// pattern does not fit the order.
htf_status htf_tree_build(const htf_tree_plan *plan, int order, int width, htf_tree **tree);
// The same from words: "binary", "flat", "arity 4", "arity 4 half", "depth 2 square", or
// Newick text with `order` modes; the pattern may follow any of the words. The sweep file's
// reader and tests come through here. Raises HTF_E_CONFIG, naming what would fit.
htf_status htf_tree_from_label(const char *label, int order, int width, htf_tree **tree);
// The tree of a deep matrix factorization W_L .. W_1: over mode 0 a chain of depth - 2
// unary nodes, mode 1, and a root over both, all of one width. Raises HTF_E_CONFIG unless
// depth is 2 .. 64.
htf_status htf_tree_chain(int depth, int width, htf_tree **tree);
// A copy of its own. Raises HTF_E_MEMORY.
htf_status htf_tree_copy(const htf_tree *tree, htf_tree **copy);
void htf_tree_destroy(htf_tree **tree);

int htf_tree_order(const htf_tree *tree);                  // N
int htf_tree_nodes(const htf_tree *tree);                  // leaves and interior ones
int htf_tree_root(const htf_tree *tree);                   // the last node
int htf_tree_parent(const htf_tree *tree, int node);       // -1 for the root
int htf_tree_children(const htf_tree *tree, int node);     // 0: a leaf; 1: a unary node
int htf_tree_child(const htf_tree *tree, int node, int i); // i from 0, in tree order
int htf_tree_leaf(const htf_tree *tree, int mode);         // the leaf of a mode
int htf_tree_width(const htf_tree *tree, int node); // R_v of an interior node; 0 for a leaf
int htf_tree_depth(const htf_tree *tree); // edges from the root to the deepest leaf
// Modes of a node in tree order; borrowed as long as the tree lives.
int htf_tree_modes(const htf_tree *tree, int node, const int **modes);

// Newick with all widths, as htf_tree_parse reads it; and a node's name. At most `size`
// bytes with the final zero; raises HTF_E_CONFIG if that is too few.
htf_status htf_tree_newick(const htf_tree *tree, char *text, size_t size);
htf_status htf_tree_node_name(const htf_tree *tree, int node, char *text, size_t size);

HTF_END_DOOR

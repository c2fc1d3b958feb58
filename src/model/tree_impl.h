// SPDX-License-Identifier: BSD-3-Clause
// How a mode tree lies in memory, and how its three makers (text, names, copy) fill it.
#pragma once

#include "htflow/tree.h"

enum {
  HTF_TREE__INTERIOR = HTF_TREE_MAX_ORDER - 1,
  HTF_TREE__NODES = HTF_TREE_MAX_ORDER + HTF_TREE__INTERIOR
};

typedef struct htf_tree__node {
  int parent;   // -1 while it has none
  int width;    // R_v; 0 at a leaf
  int first;    // the subtree is nodes first .. v: postorder keeps it together
  int children; // how many
  int child;    // where its children begin in the tree's list of children
  int modes;    // how many
  int mode;     // where its modes begin in the tree's list of modes
  int height;   // edges down to the deepest leaf
} htf_tree__node;

// Nodes in postorder. A fixed size, so that a tree is one block and a copy is a copy.
struct htf_tree {
  int order, nodes, edges;
  int leaf[HTF_TREE_MAX_ORDER];  // by mode
  int modes[HTF_TREE_MAX_ORDER]; // as the leaves stand
  int child[HTF_TREE__NODES];
  htf_tree__node node[HTF_TREE__NODES];
};

// Adds a leaf. The caller has checked that the mode is below HTF_TREE_MAX_ORDER and new.
void htf_tree__add_leaf(htf_tree *tree, int mode);
// Adds a node over the last `children` nodes that have no parent yet, one or more. The
// caller has counted: there are at most HTF_TREE__INTERIOR.
void htf_tree__add_parent(htf_tree *tree, int children, int width);

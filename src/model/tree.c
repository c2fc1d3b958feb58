// SPDX-License-Identifier: BSD-3-Clause
// What a mode tree answers, and how it is put together and written out.
#include "htflow/tree.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "htflow/memory.h"
#include "tree_impl.h"

static const htf_tree__node *node_of(const htf_tree *tree, int node) {
  HTF_ASSERT(0 <= node && node < tree->nodes);
  return &tree->node[node];
}

// ---- making ---------------------------------------------------------------------------

void htf_tree__add_leaf(htf_tree *tree, int mode) {
  HTF_ASSERT(0 <= mode && mode < HTF_TREE_MAX_ORDER && tree->order < HTF_TREE_MAX_ORDER);
  int v = tree->nodes++;
  tree->node[v] =
      (htf_tree__node){.parent = -1, .first = v, .modes = 1, .mode = tree->order};
  tree->leaf[mode] = v;
  tree->modes[tree->order++] = mode;
}

void htf_tree__add_parent(htf_tree *tree, int children, int width) {
  HTF_ASSERT(children >= 1 && tree->nodes < HTF_TREE__NODES);
  int v = tree->nodes++;
  htf_tree__node *node = &tree->node[v];
  *node = (htf_tree__node){
      .parent = -1, .width = width, .children = children, .child = tree->edges};
  tree->edges += children;
  int last = v - 1;
  for (int i = children - 1; i >= 0; i--) {
    HTF_ASSERT(last >= 0);
    htf_tree__node *child = &tree->node[last];
    tree->child[node->child + i] = last;
    child->parent = v;
    node->first = child->first;
    node->mode = child->mode;
    node->modes += child->modes;
    node->height = node->height > child->height ? node->height : child->height + 1;
    last = child->first - 1;
  }
}

htf_status htf_tree_copy(const htf_tree *tree, htf_tree **out) {
  htf_status status = HTF_OK;
  htf_tree *copy = NULL;
  HTF_NEW(copy, 1);
  *copy = *tree;
  *out = copy;
done:
  return status;
}

void htf_tree_destroy(htf_tree **tree) {
  HTF_FREE(*tree);
}

// ---- asking ---------------------------------------------------------------------------

int htf_tree_order(const htf_tree *tree) {
  return tree->order;
}

int htf_tree_nodes(const htf_tree *tree) {
  return tree->nodes;
}

int htf_tree_root(const htf_tree *tree) {
  return tree->nodes - 1;
}

int htf_tree_parent(const htf_tree *tree, int node) {
  return node_of(tree, node)->parent;
}

int htf_tree_children(const htf_tree *tree, int node) {
  return node_of(tree, node)->children;
}

int htf_tree_child(const htf_tree *tree, int node, int i) {
  HTF_ASSERT(0 <= i && i < node_of(tree, node)->children);
  return tree->child[tree->node[node].child + i];
}

int htf_tree_leaf(const htf_tree *tree, int mode) {
  HTF_ASSERT(0 <= mode && mode < tree->order);
  return tree->leaf[mode];
}

int htf_tree_width(const htf_tree *tree, int node) {
  return node_of(tree, node)->width;
}

int htf_tree_depth(const htf_tree *tree) {
  return tree->node[htf_tree_root(tree)].height;
}

int htf_tree_modes(const htf_tree *tree, int node, const int **modes) {
  *modes = tree->modes + node_of(tree, node)->mode;
  return tree->node[node].modes;
}

// ---- writing --------------------------------------------------------------------------

// A text that grows in the caller's bytes, and how long it would be if they sufficed.
typedef struct writer {
  char *text;
  size_t size, used;
} writer;

static void HTF_PRINTF(2, 3) add(writer *w, const char *format, ...) {
  size_t at = w->used < w->size ? w->used : w->size;
  va_list arguments;
  va_start(arguments, format);
  w->used += (size_t)vsnprintf(w->text + at, w->size - at, format, arguments);
  va_end(arguments);
}

static htf_status finish(const writer *w, const char *what) {
  htf_status status = HTF_OK;
  HTF_CHECK(w->used < w->size, HTF_E_CONFIG, "%s takes %zu bytes, there are %zu", what,
            w->used + 1, w->size);
done:
  return status;
}

static void open_nodes_from(const htf_tree *tree, int leaf, writer *w) {
  for (int v = tree->node[leaf].parent; v != -1; v = tree->node[v].parent) {
    if (tree->node[v].first == leaf) {
      add(w, "(");
    }
  }
}

// In postorder a leaf comes after all that stands left of it, an interior node where its
// bracket closes.
htf_status htf_tree_newick(const htf_tree *tree, char *text, size_t size) {
  writer w = {.text = text, .size = size};
  for (int v = 0; v < tree->nodes; v++) {
    const htf_tree__node *node = &tree->node[v];
    if (node->children > 0) {
      add(&w, ")%d", node->width);
    } else {
      add(&w, v > 0 ? "," : "");
      open_nodes_from(tree, v, &w);
      add(&w, "%d", tree->modes[node->mode]);
    }
  }
  add(&w, ";");
  return finish(&w, "the tree's text");
}

htf_status htf_tree_node_name(const htf_tree *tree, int node, char *text, size_t size) {
  writer w = {.text = text, .size = size};
  const int *modes;
  int count = htf_tree_modes(tree, node, &modes);
  for (int i = 0; i < count; i++) {
    add(&w, i > 0 ? "_%d" : "%d", modes[i]);
  }
  for (int v = node; htf_tree_children(tree, v) == 1; v = htf_tree_child(tree, v, 0)) {
    add(&w, "+");
  }
  return finish(&w, "the node's name");
}

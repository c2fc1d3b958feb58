// SPDX-License-Identifier: BSD-3-Clause
// Mode trees: from the users' Newick, from files' and from labels. What is accepted must
// write itself out and read back the same.
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "htflow/memory.h"
#include "htflow/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool good) {
  if (!good) {
    abort();
  }
}

static void check(htf_status status, htf_tree **tree) {
  char text[HTF_TREE_TEXT], again[HTF_TREE_TEXT];
  htf_tree *copy = NULL;
  demand(status == HTF_OK || (status == HTF_E_CONFIG && *tree == NULL));
  if (status == HTF_OK) {
    demand(htf_tree_newick(*tree, text, sizeof text) == HTF_OK);
    demand(htf_tree_read(text, &copy) == HTF_OK);
    demand(htf_tree_newick(copy, again, sizeof again) == HTF_OK);
    demand(strcmp(text, again) == 0);
    for (int node = 0; node < htf_tree_nodes(*tree); node++) {
      demand(htf_tree_node_name(*tree, node, text, sizeof text) == HTF_OK);
    }
  } else {
    demand(htf_error_message()[0] != '\0');
    htf_error_clear();
  }
  htf_tree_destroy(&copy);
  htf_tree_destroy(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = malloc(size + 1);
  htf_tree *tree = NULL;
  memcpy(text, data, size);
  text[size] = '\0';
  int64_t blocks = htf_memory_blocks();
  check(htf_tree_parse(text, 3, &tree), &tree);
  check(htf_tree_parse(text, 0, &tree), &tree);
  check(htf_tree_read(text, &tree), &tree);
  check(htf_tree_from_label(text, 1 + (int)(size % 64), 5, &tree), &tree);
  demand(htf_memory_blocks() == blocks);
  free(text);
  return 0;
}

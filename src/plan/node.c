// SPDX-License-Identifier: BSD-3-Clause
// What a sweep file's YAML is read into.
#include <stdio.h>
#include <string.h>

#include "htflow/memory.h"
#include "plan_impl.h"

void htf_plan__node_destroy(htf_plan__node **out) {
  htf_plan__node *node = *out;
  *out = NULL;
  if (node == NULL || --node->owners > 0) {
    return;
  }
  int items = node->kind == HTF_PLAN__MAP ? 2 * node->count : node->count;
  for (int i = 0; i < items; i++) {
    htf_plan__node_destroy(&node->item[i]);
  }
  HTF_FREE(node->item);
  HTF_FREE(node->text);
  HTF_FREE(node);
}

htf_status htf_plan__node_create(htf_plan__kind kind, htf_plan__place place,
                                 htf_plan__node **out) {
  htf_status status = HTF_OK;
  htf_plan__node *node = NULL;
  HTF_NEW(node, 1);
  node->kind = kind;
  node->place = place;
  node->owners = 1;
  *out = node;
done:
  return status;
}

bool htf_plan__is_null(const htf_plan__node *node) {
  return node->kind == HTF_PLAN__SCALAR && !node->quoted &&
         (strcmp(node->text, "") == 0 || strcmp(node->text, "~") == 0 ||
          strcmp(node->text, "null") == 0);
}

const char *htf_plan__describe(const htf_plan__node *node, char text[HTF_MAX_LABEL]) {
  if (node->kind != HTF_PLAN__SCALAR) {
    return node->kind == HTF_PLAN__LIST ? "a list" : "a mapping";
  }
  if (htf_plan__is_null(node)) {
    return "nothing";
  }
  snprintf(text, HTF_MAX_LABEL, "%s\"%.100s\"", node->quoted ? "the text " : "",
           node->text);
  return text;
}

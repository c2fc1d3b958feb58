// SPDX-License-Identifier: BSD-3-Clause
// Mode trees in the sweep file -> labels of trees. Whether a tree fits a shape is found out
// later; what is wrong with any shape is said here.
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "htflow/tree.h"
#include "plan_impl.h"

static const char *const kinds[] = {"binary", "flat", "arity", "depth"};
static const char *const patterns[] = {"adjacent", "half", "square"};
enum {
  KINDS = sizeof kinds / sizeof *kinds,
  PATTERNS = sizeof patterns / sizeof *patterns
};

static const htf_plan__node *value_of(const htf_plan__node *map, const char *key) {
  for (int i = 0; i < map->count; i++) {
    const htf_plan__node *name = map->item[2 * i];
    if (name->kind == HTF_PLAN__SCALAR && strcmp(name->text, key) == 0) {
      return map->item[2 * i + 1];
    }
  }
  return NULL;
}

static htf_status check_names(htf_plan__reader *reader, const htf_plan__node *map,
                              bool *good) {
  static const char *const names[] = {"arity", "depth", "pattern", NULL};
  htf_status status = HTF_OK;
  HTF_TRY(htf_plan__check_keys(reader->errors, map));
  *good = true;
  for (int i = 0; i < map->count; i++) {
    const htf_plan__node *key = map->item[2 * i];
    if (key->kind != HTF_PLAN__SCALAR) {
      *good = false;
    } else if (strcmp(key->text, "arity") != 0 && strcmp(key->text, "depth") != 0 &&
               strcmp(key->text, "pattern") != 0) {
      HTF_TRY(htf_plan__unknown(reader->errors, key, NULL, names));
      *good = false;
    }
  }
done:
  return status;
}

// A whole number from 1 to 10^6, or 0.
static int small_count(const htf_plan__node *node) {
  double count;
  bool good = node->kind == HTF_PLAN__SCALAR && !node->quoted &&
              htf_spec_read_number(node->text, &count) && count >= 1 && count <= 1e6 &&
              count == (int)count;
  return good ? (int)count : 0;
}

static htf_status check_pattern(htf_plan__reader *reader, const htf_plan__node *node,
                                bool *good) {
  char got[HTF_MAX_LABEL];
  bool scalar = node->kind == HTF_PLAN__SCALAR && !htf_plan__is_null(node);
  htf_plan__suggestion s = {.wrong = scalar ? node->text : ""};
  for (int i = 0; i < PATTERNS; i++) {
    if (strcmp(s.wrong, patterns[i]) == 0) {
      return HTF_OK;
    }
    htf_plan__consider(&s, patterns[i]);
  }
  *good = false;
  return htf_plan__complain(reader->errors, node->place,
                            "pattern wants one of: adjacent, half, square; got %s%s%s%s",
                            htf_plan__describe(node, got),
                            s.best[0] == '\0' ? "" : "; did you mean ", s.best,
                            s.best[0] == '\0' ? "" : "?");
}

static htf_status read_map(htf_plan__reader *reader, const htf_field *field,
                           const htf_plan__node *map, char *text, size_t size, bool *good) {
  htf_status status = HTF_OK;
  const htf_plan__node *arity = value_of(map, "arity"), *depth = value_of(map, "depth"),
                       *pattern = value_of(map, "pattern");
  const htf_plan__node *number = arity != NULL ? arity : depth;
  HTF_TRY(check_names(reader, map, good));
  int count = number == NULL ? 0 : small_count(number);
  if (*good && ((arity == NULL) == (depth == NULL) || count == 0)) {
    *good = false;
    HTF_TRY(htf_plan__complain(reader->errors, number == NULL ? map->place : number->place,
                               "%s wants as a mapping {arity: A} or {depth: L}, perhaps "
                               "with pattern: adjacent, half or square",
                               field->key));
  }
  if (pattern != NULL) {
    HTF_TRY(check_pattern(reader, pattern, good));
  }
  if (*good) {
    snprintf(text, size, "%s %d%s%s", arity != NULL ? "arity" : "depth", count,
             pattern != NULL ? " " : "", pattern != NULL ? pattern->text : "");
  }
done:
  return status;
}

// Newick is read as a tree of any order; of words the first is checked, the others where
// the tree is built.
static htf_status check_scalar(htf_plan__reader *reader, const htf_field *field,
                               const htf_plan__node *node, bool *good) {
  htf_status status = HTF_OK;
  char word[HTF_MAX_LABEL];
  htf_plan__suggestion s = {.wrong = word};
  htf_tree *tree = NULL;
  if (node->text[strspn(node->text, " \t\r\n")] == '(') {
    status = htf_tree_parse(node->text, 1, &tree);
    *good = status == HTF_OK;
    htf_tree_destroy(&tree);
    if (status == HTF_E_CONFIG) {
      htf_error_prefix("%s \"%.100s\": ", field->key, node->text);
    }
    return htf_plan__note(reader->errors, node->place, status);
  }
  snprintf(word, sizeof word, "%.*s", (int)strcspn(node->text, " "), node->text);
  for (int i = 0; i < KINDS; i++) {
    if (strcmp(word, kinds[i]) == 0) {
      return HTF_OK;
    }
    htf_plan__consider(&s, kinds[i]);
  }
  *good = false;
  return htf_plan__complain(reader->errors, node->place,
                            "%s wants a tree: binary, flat, {arity: 4, pattern: half}, "
                            "{depth: 2} or Newick; got \"%.100s\"%s%s%s",
                            field->key, node->text,
                            s.best[0] == '\0' ? "" : "; did you mean ", s.best,
                            s.best[0] == '\0' ? "" : "?");
}

htf_status htf_plan__read_tree(htf_plan__reader *reader, const htf_field *field,
                               const htf_plan__node *node, char *text, size_t size,
                               bool *good) {
  htf_status status = HTF_OK;
  *good = true;
  if (node->kind == HTF_PLAN__MAP) {
    HTF_TRY(read_map(reader, field, node, text, size, good));
  } else {
    HTF_TRY(check_scalar(reader, field, node, good));
    snprintf(text, size, "%s", node->text);
  }
done:
  if (!*good) {
    htf_plan__mark(reader, field->key);
  }
  return status;
}

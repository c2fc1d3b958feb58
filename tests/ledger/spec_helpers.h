// SPDX-License-Identifier: BSD-3-Clause
// What tests of specs share.
#pragma once

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "htflow/spec.h"

static htf_spec resolved(void) {
  htf_spec spec;
  htf_spec_defaults(&spec);
  strcpy(spec.model.tree.newick, "((0,1)16,(2,3)16)16;");
  strcpy(spec.problem.target_tree.newick, "((0,1)2,(2,3)2)2;");
  return spec;
}

static htf_status set(htf_spec *spec, const char *key, const char *text) {
  return htf_spec_set(spec, htf_spec_field(key), text);
}

// A value of the field that is not its default.
static const char *other_value(const htf_field *field) {
  static char text[HTF_DIGEST_TEXT];
  switch (field->type) {
  case HTF_FIELD_REAL:
    return "0.05";
  case HTF_FIELD_COUNT:
  case HTF_FIELD_INTEGER:
    return "7";
  case HTF_FIELD_SHAPE:
    return "[2, 3, 5]";
  case HTF_FIELD_TREE:
    return "arity 4 half";
  case HTF_FIELD_TEXT:
    return "data/a b.tns";
  case HTF_FIELD_LIST:
    return "[0.05]";
  case HTF_FIELD_NAMES: // the last of its choices alone
    snprintf(text, sizeof text, "[%s]",
             field->choices == NULL ? "0_1" : strrchr(field->choices, '|') + 1);
    return text;
  case HTF_FIELD_DIGEST:
    memset(text, 'a', HTF_DIGEST_TEXT - 1);
    return text;
  case HTF_FIELD_CHOICE: {
    const char *last = strrchr(field->choices, '|');
    return last == NULL ? field->choices
           : strcmp(last + 1, field->initial) == 0
               ? strtok(strcpy(text, field->choices), "|")
               : last + 1;
  }
  }
  return NULL;
}

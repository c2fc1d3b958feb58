// SPDX-License-Identifier: BSD-3-Clause
// `where`: conditions that decide which points of a sweep are runs.
#include <math.h>
#include <string.h>

#include "htflow/memory.h"
#include "plan_impl.h"

void htf_plan__where_clear(htf_plan__where *where) {
  for (int i = 0; i < where->terms; i++) {
    HTF_FREE(where->term[i].text);
  }
  for (int i = 0; i < where->conditions; i++) {
    HTF_FREE(where->text[i]);
  }
  HTF_FREE(where->term);
  HTF_FREE(where->text);
  HTF_FREE(where->root);
  where->terms = where->conditions = where->room = 0;
}

// ---- reading ---------------------------------------------------------------------------

static htf_status add(htf_plan__where *where, htf_plan__reader *reader,
                      const htf_plan__node *node) {
  htf_status status = HTF_OK;
  char got[HTF_MAX_LABEL], *copy = NULL;
  int root;
  bool good;
  if (node->kind != HTF_PLAN__SCALAR || htf_plan__is_null(node)) {
    where->broken = true;
    return htf_plan__complain(reader->errors, node->place,
                              "where wants a condition, like init.std < 0.1, got %s",
                              htf_plan__describe(node, got));
  }
  HTF_TRY(htf_plan__read_condition(where, reader, node, &root, &good));
  if (!good) {
    where->broken = true;
    goto done;
  }
  HTF_RESIZE(where->text, where->conditions + 1);
  HTF_RESIZE(where->root, where->conditions + 1);
  HTF_NEW(copy, strlen(node->text) + 1);
  strcpy(copy, node->text);
  where->text[where->conditions] = copy;
  where->root[where->conditions] = root;
  where->conditions++;
done:
  return status;
}

htf_status htf_plan__read_where(htf_plan__where *where, htf_plan__reader *reader,
                                const htf_plan__node *node) {
  htf_status status = HTF_OK;
  where->place = node->place;
  if (node->kind != HTF_PLAN__LIST) {
    return add(where, reader, node);
  }
  for (int i = 0; i < node->count; i++) {
    HTF_TRY(add(where, reader, node->item[i]));
  }
done:
  return status;
}

bool htf_plan__where_names(const htf_plan__where *where, const htf_field *field) {
  for (int i = 0; i < where->terms; i++) {
    if (where->term[i].operation == HTF_PLAN__KEY && where->term[i].field == field) {
      return true;
    }
  }
  return false;
}

// ---- evaluation ------------------------------------------------------------------------

// The text of a term: its own, the spec's, or a print of the spec's into `room`.
static const char *text_of(const htf_plan__term *term, const htf_spec *spec,
                           char room[HTF_MAX_TEXT]) {
  if (term->operation == HTF_PLAN__TEXT) {
    return term->text;
  }
  const htf_field *field = term->field;
  const void *member = htf_spec_member_const(spec, field);
  if (member == &spec->model.tree) {
    return htf_plan__model_label(spec);
  }
  if (field->type == HTF_FIELD_TREE) {
    return ((const htf_tree_field *)member)->label;
  }
  if (field->type == HTF_FIELD_TEXT) {
    return member;
  }
  htf_spec_print(spec, field, room, HTF_MAX_TEXT);
  return room;
}

static double value(const htf_plan__where *where, int term, const htf_spec *spec);

static bool equal(const htf_plan__where *where, int left, int right, const htf_spec *spec) {
  const htf_plan__term *l = &where->term[left], *r = &where->term[right];
  if (l->type == HTF_PLAN__A_NUMBER) {
    return value(where, left, spec) == value(where, right, spec);
  }
  char one[HTF_MAX_TEXT], other[HTF_MAX_TEXT];
  return strcmp(text_of(l, spec, one), text_of(r, spec, other)) == 0;
}

static double of_one(htf_plan__operation operation, double x) {
  switch (operation) {
  case HTF_PLAN__MINUS:
    return -x;
  case HTF_PLAN__ABS:
    return fabs(x);
  case HTF_PLAN__SQRT:
    return sqrt(x);
  case HTF_PLAN__LOG10:
    return log10(x);
  case HTF_PLAN__FLOOR:
    return floor(x);
  default:
    return x == 0; // not
  }
}

static double of_two(htf_plan__operation operation, double x, double y) {
  switch (operation) {
  case HTF_PLAN__ADD:
    return x + y;
  case HTF_PLAN__SUBTRACT:
    return x - y;
  case HTF_PLAN__MULTIPLY:
    return x * y;
  case HTF_PLAN__DIVIDE:
    return x / y;
  case HTF_PLAN__REMAINDER:
    return fmod(x, y);
  case HTF_PLAN__POWER:
    return pow(x, y);
  case HTF_PLAN__LESS:
    return x < y;
  case HTF_PLAN__LESS_EQUAL:
    return x <= y;
  case HTF_PLAN__GREATER:
    return x > y;
  default:
    return x >= y;
  }
}

// The number of a term; 0 and 1 for a condition. Depth is bounded by the reader.
static double value(const htf_plan__where *where, int term, const htf_spec *spec) {
  const htf_plan__term *t = &where->term[term];
  switch (t->operation) {
  case HTF_PLAN__NUMBER:
    return t->number;
  case HTF_PLAN__KEY:
    return htf_spec_number(spec, t->field);
  case HTF_PLAN__AND:
    return value(where, t->left, spec) != 0 && value(where, t->right, spec) != 0;
  case HTF_PLAN__OR:
    return value(where, t->left, spec) != 0 || value(where, t->right, spec) != 0;
  case HTF_PLAN__EQUAL:
    return equal(where, t->left, t->right, spec);
  default:
    break;
  }
  double x = value(where, t->left, spec);
  return t->operation <= HTF_PLAN__NOT
             ? of_one(t->operation, x)
             : of_two(t->operation, x, value(where, t->right, spec));
}

bool htf_plan__where_holds(const htf_plan__where *where, const htf_spec *spec) {
  for (int i = 0; i < where->conditions; i++) {
    if (value(where, where->root[i], spec) == 0) {
      return false;
    }
  }
  return true;
}

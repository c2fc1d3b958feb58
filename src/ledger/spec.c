// SPDX-License-Identifier: BSD-3-Clause
// What is read from the table of a run's parameters.
#include "htflow/spec.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "list_impl.h"
#include "spec_impl.h"

const htf_field *htf_spec_fields(int *count) {
  *count = FIELDS;
  return fields;
}

const htf_field *htf_spec_field(const char *key) {
  for (int i = 0; i < FIELDS; i++) {
    if (strcmp(fields[i].key, key) == 0) {
      return &fields[i];
    }
  }
  return NULL;
}

void *htf_spec_member(htf_spec *spec, const htf_field *field) {
  return (char *)spec + field->offset;
}

const void *htf_spec_member_const(const htf_spec *spec, const htf_field *field) {
  return (const char *)spec + field->offset;
}

void htf_spec_defaults(htf_spec *spec) {
  memset(spec, 0, sizeof *spec);
  for (int i = 0; i < FIELDS; i++) {
    HTF_ASSERT(htf_spec_set(spec, &fields[i], fields[i].initial) == HTF_OK);
  }
}

// ---- reading --------------------------------------------------------------------------

static htf_status check_range(const htf_field *field, double value, const char *text) {
  htf_status status = HTF_OK;
  char low[HTF_NUMBER_TEXT], high[HTF_NUMBER_TEXT];
  htf_spec_write_number(field->low, low);
  htf_spec_write_number(field->high, high);
  HTF_CHECK(value >= field->low && value <= field->high, HTF_E_CONFIG,
            "%s is %s, outside [%s, %s]", field->key, text, low, high);
done:
  return status;
}

htf_status htf_spec__set_real(const htf_field *field, const char *text, double *member) {
  htf_status status = HTF_OK;
  double value;
  HTF_CHECK(htf_spec_read_number(text, &value), HTF_E_CONFIG,
            "%s wants a number, got \"%.100s\"", field->key, text);
  HTF_TRY(check_range(field, value, text));
  HTF_CHECK(field->type != HTF_FIELD_COUNT || value < 1 || value == floor(value),
            HTF_E_CONFIG, "%s is %s, neither a count nor a fraction below 1", field->key,
            text);
  *member = value == 0 ? 0 : value; // no negative zero
done:
  return status;
}

static htf_status set_integer(const htf_field *field, const char *text, int64_t *member) {
  htf_status status = HTF_OK;
  double value;
  HTF_CHECK(htf_spec_read_number(text, &value) && value == floor(value), HTF_E_CONFIG,
            "%s wants a whole number, got \"%.100s\"", field->key, text);
  HTF_TRY(check_range(field, value, text)); // whose bounds keep it exact
  *member = (int64_t)value;
done:
  return status;
}

bool htf_spec__choice_at(const char *choices, int index, char name[HTF_MAX_LABEL]) {
  for (; index > 0; index--) {
    choices = strchr(choices, '|');
    if (choices == NULL) {
      return false;
    }
    choices++;
  }
  snprintf(name, HTF_MAX_LABEL, "%.*s", (int)strcspn(choices, "|"), choices);
  return true;
}

htf_status htf_spec__set_choice(const htf_field *field, const char *text, int *member) {
  htf_status status = HTF_OK;
  char name[HTF_MAX_LABEL], nearest[HTF_MAX_LABEL] = "", list[4 * HTF_MAX_LABEL] = "";
  for (int i = 0; htf_spec__choice_at(field->choices, i, name); i++) {
    if (strcmp(text, name) == 0) {
      *member = i;
      return status;
    }
    size_t used = strlen(list);
    snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? ", " : "", name);
    if (htf_spec_resembles(text, name) &&
        (nearest[0] == '\0' ||
         htf_spec_distance(text, name) < htf_spec_distance(text, nearest))) {
      memcpy(nearest, name, sizeof nearest);
    }
  }
  HTF_CHECK(nearest[0] == '\0', HTF_E_CONFIG,
            "%s wants one of: %s; got \"%.100s\"; did you mean %s?", field->key, list, text,
            nearest);
  HTF_CHECK(false, HTF_E_CONFIG, "%s wants one of: %s; got \"%.100s\"", field->key, list,
            text);
done:
  return status;
}

// One mode size of a shape's text, from `text` to the next comma or bracket.
static htf_status read_size(const htf_field *field, const char *text, size_t length,
                            htf_shape *shape) {
  htf_status status = HTF_OK;
  char item[HTF_NUMBER_TEXT];
  HTF_CHECK(shape->order < HTF_MAX_ORDER, HTF_E_CONFIG, "%s has more than %d modes",
            field->key, HTF_MAX_ORDER);
  while (length > 0 && isspace((unsigned char)*text)) {
    text++, length--;
  }
  while (length > 0 && isspace((unsigned char)text[length - 1])) {
    length--;
  }
  snprintf(item, sizeof item, "%.*s", (int)length, text);
  HTF_TRY(set_integer(field, item, &shape->size[shape->order]));
  shape->order++;
done:
  return status;
}

static htf_status set_shape(const htf_field *field, const char *text, htf_shape *member) {
  htf_status status = HTF_OK;
  htf_shape shape = {0};
  size_t length = strlen(text);
  HTF_CHECK(length >= 2 && text[0] == '[' && text[length - 1] == ']', HTF_E_CONFIG,
            "%s wants a list of mode sizes like [8, 8, 8, 8], got \"%.100s\"", field->key,
            text);
  for (const char *at = text + 1; at < text + length;) {
    size_t item = strcspn(at, ",]");
    HTF_TRY(read_size(field, at, item, &shape));
    at += item + 1;
  }
  HTF_CHECK(shape.order >= 2, HTF_E_CONFIG, "%s has one mode, wants at least two",
            field->key);
  *member = shape;
done:
  return status;
}

static htf_status set_text(const htf_field *field, const char *text, char *member,
                           size_t size) {
  htf_status status = HTF_OK;
  size_t length = strlen(text);
  HTF_CHECK(length < size, HTF_E_CONFIG, "%s has %zu characters, at most %zu fit",
            field->key, length, size - 1);
  for (size_t i = 0; i < length; i++) {
    HTF_CHECK(!iscntrl((unsigned char)text[i]), HTF_E_CONFIG,
              "%s has a control character at place %zu", field->key, i + 1);
  }
  memcpy(member, text, length + 1);
done:
  return status;
}

static htf_status set_tree(const htf_field *field, const char *text,
                           htf_tree_field *member) {
  htf_status status = HTF_OK;
  HTF_CHECK(text[0] != '\0', HTF_E_CONFIG, "%s is empty, wants a tree", field->key);
  HTF_TRY(set_text(field, text, member->label, sizeof member->label));
  member->newick[0] = '\0';
done:
  return status;
}

static htf_status set_digest(const htf_field *field, const char *text, char *member) {
  htf_status status = HTF_OK;
  size_t length = strlen(text);
  HTF_CHECK((length == 0 || length == HTF_DIGEST_TEXT - 1) &&
                strspn(text, "0123456789abcdef") == length,
            HTF_E_CONFIG, "%s wants 64 hexadecimal digits, got \"%.100s\"", field->key,
            text);
  memcpy(member, text, length + 1);
done:
  return status;
}

htf_status htf_spec_set(htf_spec *spec, const htf_field *field, const char *text) {
  void *member = htf_spec_member(spec, field);
  switch (field->type) {
  case HTF_FIELD_REAL:
  case HTF_FIELD_COUNT:
    return htf_spec__set_real(field, text, member);
  case HTF_FIELD_INTEGER:
    return set_integer(field, text, member);
  case HTF_FIELD_CHOICE:
    return htf_spec__set_choice(field, text, member);
  case HTF_FIELD_SHAPE:
    return set_shape(field, text, member);
  case HTF_FIELD_TREE:
    return set_tree(field, text, member);
  case HTF_FIELD_TEXT:
    return set_text(field, text, member, HTF_MAX_TEXT);
  case HTF_FIELD_DIGEST:
    return set_digest(field, text, member);
  case HTF_FIELD_LIST:
    return htf_spec__set_list(field, text, member);
  case HTF_FIELD_NAMES:
    return htf_spec__set_names(field, text, member);
  }
  HTF_ASSERT(false);
  return HTF_E_INTERNAL;
}

// ---- writing --------------------------------------------------------------------------

static void print_shape(const htf_shape *shape, char *text, size_t size) {
  size_t used = 0;
  for (int i = 0; i < shape->order && used < size; i++) {
    used += (size_t)snprintf(text + used, size - used, "%s%lld", i == 0 ? "[" : ", ",
                             (long long)shape->size[i]);
  }
  if (used < size) {
    snprintf(text + used, size - used, "]");
  }
}

void htf_spec_print(const htf_spec *spec, const htf_field *field, char *text, size_t size) {
  const void *member = htf_spec_member_const(spec, field);
  char word[HTF_MAX_LABEL] = "";
  switch (field->type) {
  case HTF_FIELD_REAL:
  case HTF_FIELD_COUNT:
    htf_spec_write_number(*(const double *)member, word);
    snprintf(text, size, "%s", word);
    break;
  case HTF_FIELD_INTEGER:
    snprintf(text, size, "%lld", (long long)*(const int64_t *)member);
    break;
  case HTF_FIELD_CHOICE:
    htf_spec__choice_at(field->choices, *(const int *)member, word);
    snprintf(text, size, "%s", word);
    break;
  case HTF_FIELD_SHAPE:
    print_shape(member, text, size);
    break;
  case HTF_FIELD_TREE:
    snprintf(text, size, "%s", ((const htf_tree_field *)member)->label);
    break;
  case HTF_FIELD_TEXT:
  case HTF_FIELD_DIGEST:
    snprintf(text, size, "%s", (const char *)member);
    break;
  case HTF_FIELD_LIST:
    htf_spec__print_list(member, text, size);
    break;
  case HTF_FIELD_NAMES:
    htf_spec__print_names(member, text, size);
    break;
  }
}

double htf_spec_number(const htf_spec *spec, const htf_field *field) {
  const void *member = htf_spec_member_const(spec, field);
  switch (field->type) {
  case HTF_FIELD_REAL:
  case HTF_FIELD_COUNT:
    return *(const double *)member;
  case HTF_FIELD_INTEGER:
    return (double)*(const int64_t *)member;
  case HTF_FIELD_CHOICE:
    return *(const int *)member;
  case HTF_FIELD_SHAPE:
  case HTF_FIELD_TREE:
  case HTF_FIELD_TEXT:
  case HTF_FIELD_DIGEST:
  case HTF_FIELD_LIST:
  case HTF_FIELD_NAMES:
    break;
  }
  return NAN;
}

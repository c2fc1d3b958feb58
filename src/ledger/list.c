// SPDX-License-Identifier: BSD-3-Clause
// Fields that are lists: of numbers, and of names.
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "htflow/spec.h"
#include "list_impl.h"

// ---- items of a text -------------------------------------------------------------------

// The next item of "a, b", trimmed; false at the end. *at moves behind its comma.
static bool next_item(const char **at, const char *end, char *item, size_t size,
                      size_t *length) {
  const char *start = *at;
  if (start > end) {
    return false;
  }
  const char *comma = memchr(start, ',', (size_t)(end - start));
  const char *stop = comma == NULL ? end : comma;
  *at = stop + 1;
  while (start < stop && isspace((unsigned char)*start)) {
    start++;
  }
  while (start < stop && isspace((unsigned char)stop[-1])) {
    stop--;
  }
  *length = (size_t)(stop - start);
  snprintf(item, size, "%.*s", (int)*length, start);
  return true;
}

// What stands between the brackets; a text without them is a list of one. False if there
// is nothing.
static bool open_list(const char *text, const char **at, const char **end) {
  size_t length = strlen(text);
  bool brackets = length >= 2 && text[0] == '[' && text[length - 1] == ']';
  *at = text + brackets;
  *end = text + length - brackets;
  return brackets && strspn(*at, " ") == (size_t)(*end - *at) ? false : true;
}

// ---- numbers ---------------------------------------------------------------------------

htf_status htf_spec__set_list(const htf_field *field, const char *text, htf_list *member) {
  htf_status status = HTF_OK;
  htf_list list = {0};
  const char *at, *end;
  char item[HTF_MAX_LABEL];
  size_t length;
  bool more = open_list(text, &at, &end);
  while (more && next_item(&at, end, item, sizeof item, &length)) {
    HTF_CHECK(list.count < HTF_MAX_LIST, HTF_E_CONFIG, "%s has more than %d numbers",
              field->key, HTF_MAX_LIST);
    HTF_TRY(htf_spec__set_real(field, item, &list.value[list.count]));
    list.count++;
  }
  *member = list;
done:
  return status;
}

void htf_spec__print_list(const htf_list *list, char *text, size_t size) {
  char number[HTF_NUMBER_TEXT];
  size_t used = (size_t)snprintf(text, size, "[");
  for (int i = 0; i < list->count && used < size; i++) {
    htf_spec_write_number(list->value[i], number);
    used += (size_t)snprintf(text + used, size - used, "%s%s", i == 0 ? "" : ", ", number);
  }
  if (used < size) {
    snprintf(text + used, size - used, "]");
  }
}

// ---- names -----------------------------------------------------------------------------

bool htf_spec_name_at(const char *names, int i, char name[HTF_MAX_LABEL]) {
  for (; i > 0 && names != NULL; i--) {
    names = strchr(names, ',');
    names = names == NULL ? NULL : names + 1;
  }
  if (names == NULL || *names == '\0') {
    return false;
  }
  snprintf(name, HTF_MAX_LABEL, "%.*s", (int)strcspn(names, ","), names);
  return true;
}

bool htf_spec_names_hold(const char *names, const char *name) {
  size_t length = strlen(name);
  for (const char *at = names; *at != '\0'; at += strspn(at, ",")) {
    size_t here = strcspn(at, ",");
    if (here == length && strncmp(at, name, length) == 0) {
      return true;
    }
    at += here;
  }
  return false;
}

static bool is_word(const char *name) {
  size_t length = strlen(name);
  return length > 0 && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789_+.-") == length;
}

static htf_status add_name(const htf_field *field, const char *name,
                           char names[HTF_MAX_TEXT]) {
  htf_status status = HTF_OK;
  size_t used = strlen(names);
  HTF_CHECK(used + strlen(name) + 2 <= HTF_MAX_TEXT, HTF_E_CONFIG,
            "%s has more than %d characters", field->key, HTF_MAX_TEXT - 1);
  snprintf(names + used, HTF_MAX_TEXT - used, "%s%s", used > 0 ? "," : "", name);
done:
  return status;
}

static htf_status check_name(const htf_field *field, const char *item, size_t length,
                             const char *names) {
  htf_status status = HTF_OK;
  int index;
  HTF_CHECK(length < HTF_MAX_LABEL && is_word(item), HTF_E_CONFIG,
            "%s wants names, words of letters, digits and _ + . -; got \"%.100s\"",
            field->key, item);
  HTF_CHECK(!htf_spec_names_hold(names, item), HTF_E_CONFIG, "%s names %s twice",
            field->key, item);
  if (field->choices != NULL) {
    HTF_TRY(htf_spec__set_choice(field, item, &index));
  }
done:
  return status;
}

// Names as given; then, where there are choices, in their order.
htf_status htf_spec__set_names(const htf_field *field, const char *text,
                               char member[HTF_MAX_TEXT]) {
  htf_status status = HTF_OK;
  char given[HTF_MAX_TEXT] = "", names[HTF_MAX_TEXT] = "", item[HTF_MAX_LABEL];
  const char *at, *end;
  size_t length;
  bool more = open_list(text, &at, &end);
  while (more && next_item(&at, end, item, sizeof item, &length)) {
    HTF_TRY(check_name(field, item, length, given));
    HTF_TRY(add_name(field, item, given));
  }
  for (int i = 0; field->choices != NULL && htf_spec__choice_at(field->choices, i, item);
       i++) {
    if (htf_spec_names_hold(given, item)) {
      HTF_TRY(add_name(field, item, names));
    }
  }
  memcpy(member, field->choices != NULL ? names : given, HTF_MAX_TEXT);
done:
  return status;
}

void htf_spec__print_names(const char *names, char *text, size_t size) {
  char name[HTF_MAX_LABEL];
  size_t used = (size_t)snprintf(text, size, "[");
  for (int i = 0; htf_spec_name_at(names, i, name) && used < size; i++) {
    used += (size_t)snprintf(text + used, size - used, "%s%s", i == 0 ? "" : ", ", name);
  }
  if (used < size) {
    snprintf(text + used, size - used, "]");
  }
}

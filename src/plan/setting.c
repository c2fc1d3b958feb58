// SPDX-License-Identifier: BSD-3-Clause
// Nodes of the sweep file -> fields and their values as text.
#include <stdio.h>
#include <string.h>

#include "htflow/memory.h"
#include "plan_impl.h"

void htf_plan__settings_clear(htf_plan__settings *settings) {
  for (int i = 0; i < settings->count; i++) {
    HTF_FREE(settings->item[i].text);
  }
  HTF_FREE(settings->item);
  settings->count = 0;
}

const htf_plan__setting *htf_plan__find(const htf_plan__settings *settings,
                                        const htf_field *field) {
  for (int i = settings->count - 1; i >= 0; i--) {
    if (settings->item[i].field == field) {
      return &settings->item[i];
    }
  }
  return NULL;
}

static htf_status add(htf_plan__settings *settings, const htf_field *field,
                      const char *text, htf_plan__place place) {
  htf_status status = HTF_OK;
  char *copy = NULL;
  HTF_RESIZE(settings->item, settings->count + 1);
  HTF_NEW(copy, strlen(text) + 1);
  strcpy(copy, text);
  settings->item[settings->count++] = (htf_plan__setting){field, copy, place};
done:
  return status;
}

htf_status htf_plan__check_twice(htf_plan__errors *errors,
                                 const htf_plan__settings *settings) {
  htf_status status = HTF_OK;
  for (int i = 1; i < settings->count; i++) {
    const htf_plan__setting *one = &settings->item[i];
    for (int j = 0; j < i; j++) {
      const htf_plan__setting *other = &settings->item[j];
      if (one->field == other->field) {
        HTF_TRY(htf_plan__complain(errors, one->place, "%s is given twice, first at %d:%d",
                                   one->field->key, other->place.line,
                                   other->place.column));
      }
    }
  }
done:
  return status;
}

// ---- keys ------------------------------------------------------------------------------

// Other spellings of keys.
static const char *const aliases[][2] = {{"record.descent.every", "record.every"}};
enum { ALIASES = sizeof aliases / sizeof *aliases };

const htf_field *htf_plan__field(const char *key) {
  for (int i = 0; i < ALIASES; i++) {
    key = strcmp(key, aliases[i][0]) == 0 ? aliases[i][1] : key;
  }
  const htf_field *field = htf_spec_field(key);
  return field != NULL && field->type != HTF_FIELD_DIGEST ? field : NULL;
}

// What of a key stands below a section: "target.kind" of problem.target.kind below problem;
// NULL if it is elsewhere.
static const char *rest_of(const char *section, const char *key) {
  size_t length = strlen(section);
  bool inside = strncmp(key, section, length) == 0 && key[length] == '.';
  return inside ? key + length + 1 : NULL;
}

bool htf_plan__is_alias(const char *section) {
  for (int i = 0; i < ALIASES; i++) {
    if (rest_of(section, aliases[i][0]) != NULL &&
        rest_of(section, aliases[i][1]) == NULL) {
      return true;
    }
  }
  return false;
}

// The same of a field that the user may set. The section "" holds all.
static const char *below(const char *section, const htf_field *field) {
  return field->type == HTF_FIELD_DIGEST ? NULL
         : section[0] == '\0'            ? field->key
                                         : rest_of(section, field->key);
}

bool htf_plan__is_section(const char *key) {
  int count;
  const htf_field *field = htf_spec_fields(&count);
  for (int i = 0; i < count; i++) {
    if (key[0] != '\0' && below(key, &field[i]) != NULL) {
      return true;
    }
  }
  return htf_plan__is_alias(key);
}

void htf_plan__mark(htf_plan__reader *reader, const char *key) {
  int count;
  const htf_field *field = htf_spec_fields(&count);
  for (int i = 0; i < count; i++) {
    if (strcmp(field[i].key, key) == 0 || below(key, &field[i]) != NULL) {
      reader->broken[i] = true;
    }
  }
}

void htf_plan__consider(htf_plan__suggestion *s, const char *name) {
  int distance = htf_spec_distance(s->wrong, name);
  if (htf_spec_resembles(s->wrong, name) &&
      (s->best[0] == '\0' || distance < s->distance)) {
    s->distance = distance;
    snprintf(s->best, sizeof s->best, "%s", name);
  }
}

static void list(htf_plan__suggestion *s, const char *name) {
  size_t used = strlen(s->list);
  snprintf(s->list + used, sizeof s->list - used, "%s%s", used > 0 ? ", " : "", name);
}

// Names at this level, once each; fields come in the table's order, so the names of one
// section stand together.
static void consider_level(htf_plan__suggestion *s, const char *section) {
  char name[HTF_MAX_LABEL], last[HTF_MAX_LABEL] = "";
  int count;
  const htf_field *field = htf_spec_fields(&count);
  for (int i = 0; i < count; i++) {
    const char *rest = below(section, &field[i]);
    if (rest != NULL) {
      snprintf(name, sizeof name, "%.*s", (int)strcspn(rest, "."), rest);
      if (strcmp(name, last) != 0) {
        htf_plan__consider(s, name);
        list(s, name);
        memcpy(last, name, sizeof last);
      }
    }
  }
  for (int i = 0; i < ALIASES; i++) {
    const char *rest = rest_of(section, aliases[i][0]);
    if (rest != NULL) {
      snprintf(name, sizeof name, "%.*s", (int)strcspn(rest, "."), rest);
      htf_plan__consider(s, name);
      list(s, name);
    }
  }
}

// Whole keys, by themselves or by their last word: `std` means init.std. A section of
// another spelling means the key itself.
static void consider_keys(htf_plan__suggestion *s) {
  int count;
  const htf_field *field = htf_spec_fields(&count);
  for (int i = 0; i < count; i++) {
    if (below("", &field[i]) != NULL) {
      const char *dot = strrchr(field[i].key, '.');
      htf_plan__consider(s, field[i].key);
      if (dot != NULL && strcmp(dot + 1, s->wrong) == 0 &&
          (s->best[0] == '\0' || s->distance > 0)) {
        s->distance = 0;
        snprintf(s->best, sizeof s->best, "%s", field[i].key);
      }
    }
  }
  for (int i = 0; i < ALIASES; i++) {
    if (rest_of(s->wrong, aliases[i][0]) != NULL) {
      snprintf(s->best, sizeof s->best, "%s", aliases[i][1]);
    }
  }
}

htf_status htf_plan__unknown(htf_plan__errors *errors, const htf_plan__node *key,
                             const char *section, const char *const *extra) {
  htf_plan__suggestion s = {.wrong = key->text};
  for (int i = 0; extra != NULL && extra[i] != NULL; i++) {
    htf_plan__consider(&s, extra[i]);
    list(&s, extra[i]);
  }
  if (section != NULL) {
    consider_level(&s, section);
  }
  if (section != NULL) {
    consider_keys(&s);
  }
  const char *in = section == NULL ? "" : section;
  const char *where = in[0] == '\0' ? "" : " in ";
  if (s.best[0] != '\0') {
    return htf_plan__complain(errors, key->place,
                              "unknown key \"%.100s\"%s%s; did you mean %s?", key->text,
                              where, in, s.best);
  }
  return htf_plan__complain(errors, key->place, "unknown key \"%.100s\"%s%s; there are: %s",
                            key->text, where, in, s.list);
}

bool htf_plan__is_new_key(const htf_plan__node *map, int pair,
                          const htf_plan__node **first) {
  const htf_plan__node *key = map->item[2 * pair];
  *first = NULL;
  for (int i = 0; i < pair && key->kind == HTF_PLAN__SCALAR && *first == NULL; i++) {
    const htf_plan__node *other = map->item[2 * i];
    if (other->kind == HTF_PLAN__SCALAR && strcmp(other->text, key->text) == 0) {
      *first = other;
    }
  }
  return key->kind == HTF_PLAN__SCALAR && *first == NULL;
}

htf_status htf_plan__check_keys(htf_plan__errors *errors, const htf_plan__node *map) {
  htf_status status = HTF_OK;
  for (int i = 0; i < map->count; i++) {
    const htf_plan__node *key = map->item[2 * i], *first;
    bool good = htf_plan__is_new_key(map, i, &first);
    if (!good && first == NULL) {
      HTF_TRY(htf_plan__complain(errors, key->place, "a key must be a word"));
    } else if (!good) {
      HTF_TRY(htf_plan__complain(errors, key->place,
                                 "%.100s is given twice, first at %d:%d", key->text,
                                 first->place.line, first->place.column));
    }
  }
done:
  return status;
}

// ---- values ----------------------------------------------------------------------------

const char *htf_plan_wants(const htf_field *field) {
  switch (field->type) {
  case HTF_FIELD_REAL:
    return "a number";
  case HTF_FIELD_INTEGER:
    return "a whole number";
  case HTF_FIELD_COUNT:
    return "a count, or a fraction below 1";
  case HTF_FIELD_SHAPE:
    return "a list of mode sizes like [8, 8, 8, 8]";
  case HTF_FIELD_TREE:
    return "a tree: binary, flat, {arity: 4, pattern: half}, {depth: 2} or Newick";
  case HTF_FIELD_CHOICE:
    return field->choices;
  case HTF_FIELD_LIST:
    return "a list of numbers like [0.1, 1]";
  case HTF_FIELD_NAMES:
    return "a list of names like [a, b]";
  case HTF_FIELD_TEXT:
  case HTF_FIELD_DIGEST:
    break;
  }
  return "a text";
}

static htf_status wrong_type(htf_plan__reader *reader, const htf_field *field,
                             const htf_plan__node *node) {
  char got[HTF_MAX_LABEL];
  htf_plan__mark(reader, field->key);
  return htf_plan__complain(reader->errors, node->place, "%s wants %s, got %s", field->key,
                            htf_plan_wants(field), htf_plan__describe(node, got));
}

// Tries a text on the scratch spec; *good says whether it was right.
static htf_status attempt(htf_plan__reader *reader, const htf_field *field,
                          const char *text, htf_plan__place place, bool *good) {
  htf_status status = htf_spec_set(reader->scratch, field, text);
  *good = status == HTF_OK;
  if (!*good) {
    htf_plan__mark(reader, field->key);
  }
  return htf_plan__note(reader->errors, place, status);
}

static bool is_number(htf_field_type type) {
  return type == HTF_FIELD_REAL || type == HTF_FIELD_INTEGER || type == HTF_FIELD_COUNT;
}

static bool is_list(htf_field_type type) {
  return type == HTF_FIELD_SHAPE || type == HTF_FIELD_LIST || type == HTF_FIELD_NAMES;
}

// The text of a list, each item tried by itself so that an error has its place.
static htf_status read_list(htf_plan__reader *reader, const htf_field *field,
                            const htf_plan__node *node, char *text, size_t size,
                            bool *good) {
  htf_status status = HTF_OK;
  char item[2 * HTF_MAX_LABEL];
  size_t used = 0;
  *good = true;
  for (int i = 0; i < node->count && used < size && *good; i++) {
    const htf_plan__node *entry = node->item[i];
    if (entry->kind != HTF_PLAN__SCALAR ||
        (entry->quoted && field->type != HTF_FIELD_NAMES) ||
        strcspn(entry->text, ",[] ") != strlen(entry->text) || entry->text[0] == '\0') {
      *good = false;
      HTF_TRY(wrong_type(reader, field, entry));
    } else {
      bool shape = field->type == HTF_FIELD_SHAPE; // of two modes at least
      snprintf(item, sizeof item, "[%s%.100s]", shape ? "1, " : "", entry->text);
      HTF_TRY(attempt(reader, field, item, entry->place, good));
      used += (size_t)snprintf(text + used, size - used, "%s%.100s", i == 0 ? "[" : ", ",
                               entry->text);
    }
  }
  snprintf(text + used, used < size ? size - used : 0, used == 0 ? "[]" : "]");
done:
  return status;
}

static htf_status read_field(htf_plan__reader *reader, const htf_field *field,
                             const htf_plan__node *node, htf_plan__settings *settings) {
  htf_status status = HTF_OK;
  char text[2 * HTF_MAX_NEWICK];
  const char *value = text;
  bool good = true;
  if (is_list(field->type) && node->kind == HTF_PLAN__LIST) {
    HTF_TRY(read_list(reader, field, node, text, sizeof text, &good));
  } else if (field->type == HTF_FIELD_TREE && !htf_plan__is_null(node) &&
             node->kind != HTF_PLAN__LIST) {
    HTF_TRY(htf_plan__read_tree(reader, field, node, text, sizeof text, &good));
  } else if (node->kind != HTF_PLAN__SCALAR ||
             (htf_plan__is_null(node) && field->type != HTF_FIELD_TEXT) ||
             (node->quoted && is_number(field->type))) {
    good = false;
    HTF_TRY(wrong_type(reader, field, node));
  } else {
    value = htf_plan__is_null(node) ? "" : node->text;
  }
  if (good) {
    HTF_TRY(attempt(reader, field, value, node->place, &good));
  }
  if (good) {
    char canonical[HTF_MAX_NEWICK];
    htf_spec_print(reader->scratch, field, canonical, sizeof canonical);
    HTF_TRY(add(settings, field, canonical, node->place));
  }
done:
  return status;
}

static htf_status read_section(htf_plan__reader *reader, const char *section,
                               const htf_plan__node *map, htf_plan__settings *settings) {
  htf_status status = HTF_OK;
  char key[2 * HTF_MAX_LABEL];
  HTF_TRY(htf_plan__check_keys(reader->errors, map));
  for (int i = 0; i < map->count; i++) {
    const htf_plan__node *name = map->item[2 * i], *first;
    if (htf_plan__is_new_key(map, i, &first)) {
      snprintf(key, sizeof key, "%.120s.%.120s", section, name->text);
      if (htf_plan__field(key) != NULL || htf_plan__is_section(key)) {
        HTF_TRY(htf_plan__read(reader, key, map->item[2 * i + 1], settings));
      } else {
        HTF_TRY(htf_plan__unknown(reader->errors, name, section, NULL));
      }
    }
  }
done:
  return status;
}

htf_status htf_plan__read(htf_plan__reader *reader, const char *key,
                          const htf_plan__node *value, htf_plan__settings *settings) {
  char kind[2 * HTF_MAX_LABEL], got[HTF_MAX_LABEL];
  if (htf_plan__field(key) != NULL) {
    return read_field(reader, htf_plan__field(key), value, settings);
  }
  if (value->kind == HTF_PLAN__MAP) {
    return read_section(reader, key, value, settings);
  }
  if (htf_plan__is_null(value)) {
    return HTF_OK;
  }
  // A section that has a kind can be given by it alone.
  snprintf(kind, sizeof kind, "%.120s.kind", key);
  if (htf_plan__field(kind) != NULL && value->kind == HTF_PLAN__SCALAR) {
    return read_field(reader, htf_plan__field(kind), value, settings);
  }
  htf_plan__mark(reader, key);
  return htf_plan__complain(reader->errors, value->place, "%s wants a mapping, got %s", key,
                            htf_plan__describe(value, got));
}

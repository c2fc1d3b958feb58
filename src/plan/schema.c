// SPDX-License-Identifier: BSD-3-Clause
// A JSON Schema of the sweep file, for editors: written from the table.
#include <stdio.h>
#include <string.h>

#include "output_impl.h"

static void put_line(htf_output *out, int depth, const char *text) {
  for (int i = 0; i < depth; i++) {
    htf_output__put(out, "  ");
  }
  htf_output__put(out, text);
}

static void put_name(htf_output *out, int depth, const char *name) {
  put_line(out, depth, "");
  htf_output__quoted(out, name);
  htf_output__put(out, ": ");
}

// ["a", "b"]
static void put_choices(htf_output *out, const char *choices) {
  char name[HTF_MAX_LABEL];
  htf_output__put(out, "[");
  for (const char *at = choices; *at != '\0'; at += strspn(at, "|")) {
    size_t length = strcspn(at, "|");
    snprintf(name, sizeof name, "%.*s", (int)length, at);
    htf_output__put(out, at == choices ? "" : ", ");
    htf_output__quoted(out, name);
    at += length;
  }
  htf_output__put(out, "]");
}

static void put_range(htf_output *out, const htf_field *field) {
  htf_output__put(out, ", \"minimum\": ");
  htf_output__number(out, field->low);
  htf_output__put(out, ", \"maximum\": ");
  htf_output__number(out, field->high);
}

static void put_number_type(htf_output *out, const htf_field *field) {
  bool whole = field->type == HTF_FIELD_INTEGER || field->type == HTF_FIELD_SHAPE;
  htf_output__put(out, whole ? "\"type\": \"integer\"" : "\"type\": \"number\"");
  put_range(out, field);
}

// What a value of the field may be, without the braces.
static void put_type(htf_output *out, const htf_field *field) {
  switch (field->type) {
  case HTF_FIELD_REAL:
  case HTF_FIELD_COUNT:
  case HTF_FIELD_INTEGER:
    put_number_type(out, field);
    break;
  case HTF_FIELD_CHOICE:
    htf_output__put(out, "\"enum\": ");
    put_choices(out, field->choices);
    break;
  case HTF_FIELD_SHAPE:
    htf_output__put(out, "\"type\": \"array\", \"minItems\": 2, \"maxItems\": 64, "
                         "\"items\": {");
    put_number_type(out, field);
    htf_output__put(out, "}");
    break;
  case HTF_FIELD_LIST:
    htf_output__put(out, "\"type\": [\"array\", \"number\"], \"maxItems\": 64, "
                         "\"items\": {");
    put_number_type(out, field);
    htf_output__put(out, "}");
    break;
  case HTF_FIELD_NAMES:
    htf_output__put(out, "\"type\": [\"array\", \"string\"], \"uniqueItems\": true, "
                         "\"items\": {\"");
    htf_output__put(out, field->choices == NULL ? "type\": [\"string\", \"number\"]"
                                                : "enum\": ");
    if (field->choices != NULL) {
      put_choices(out, field->choices);
    }
    htf_output__put(out, "}");
    break;
  case HTF_FIELD_TREE:
    htf_output__put(out, "\"$ref\": \"#/definitions/tree\"");
    break;
  case HTF_FIELD_TEXT:
  case HTF_FIELD_DIGEST:
    htf_output__put(out, "\"type\": [\"string\", \"null\"]");
    break;
  }
}

static void put_field(htf_output *out, const htf_field *field) {
  htf_output__put(out, "{");
  put_type(out, field);
  htf_output__put(out, ", \"description\": ");
  htf_output__quoted(out, field->help);
  htf_output__put(out, "}");
}

// The other spelling of record.every.
static const char descent[] =
    "\"descent\": {\"type\": \"object\", \"additionalProperties\": false, \"properties\": "
    "{\"every\": {\"type\": \"integer\", \"minimum\": 0}}}";

static void put_section(htf_output *out, const char *section, int depth);

// What stands below a section ("" for the file), one property a word.
static void put_properties(htf_output *out, const char *section, int depth) {
  int count;
  const htf_field *field = htf_spec_fields(&count);
  char word[HTF_MAX_LABEL], last[HTF_MAX_LABEL] = "", inner[2 * HTF_MAX_LABEL];
  size_t length = strlen(section);
  for (int i = 0; i < count; i++) {
    bool below = length == 0 || (strncmp(field[i].key, section, length) == 0 &&
                                 field[i].key[length] == '.');
    const char *rest = field[i].key + length + (length > 0);
    if (!below || field[i].type == HTF_FIELD_DIGEST) {
      continue;
    }
    snprintf(word, sizeof word, "%.*s", (int)strcspn(rest, "."), rest);
    if (strcmp(word, last) == 0) {
      continue;
    }
    htf_output__put(out, last[0] == '\0' ? "\n" : ",\n");
    put_name(out, depth, word);
    if (strcmp(rest, word) == 0) {
      put_field(out, &field[i]);
    } else {
      snprintf(inner, sizeof inner, "%s%s%s", section, length > 0 ? "." : "", word);
      put_section(out, inner, depth);
    }
    memcpy(last, word, sizeof last);
  }
  if (strcmp(section, "record") == 0) {
    htf_output__put(out, ",\n");
    put_line(out, depth, descent);
  }
}

// A mapping, or its kind alone where it has one, or nothing.
static void put_section(htf_output *out, const char *section, int depth) {
  char kind[2 * HTF_MAX_LABEL];
  snprintf(kind, sizeof kind, "%.200s.kind", section);
  const htf_field *field = htf_spec_field(kind);
  htf_output__put(out, "{\"anyOf\": [{\"type\": \"null\"}, ");
  if (field != NULL) {
    htf_output__put(out, "{");
    put_type(out, field);
    htf_output__put(out, "}, ");
  }
  htf_output__put(out, "{\"type\": \"object\", \"additionalProperties\": false, "
                       "\"properties\": {");
  put_properties(out, section, depth + 1);
  htf_output__put(out, "\n");
  put_line(out, depth, "}}]}");
}

// Whole keys, as an axis names them and as the file may set them too.
static void put_keys(htf_output *out) {
  int count;
  const htf_field *field = htf_spec_fields(&count);
  for (int i = 0; i < count; i++) {
    if (field[i].type != HTF_FIELD_DIGEST && strchr(field[i].key, '.') != NULL) {
      htf_output__put(out, ",\n");
      put_name(out, 2, field[i].key);
      put_field(out, &field[i]);
    }
  }
}

static const char definitions[] =
    "  \"definitions\": {\n"
    "    \"tree\": {\"anyOf\": [{\"type\": \"string\", \"minLength\": 1},\n"
    "      {\"type\": \"object\", \"additionalProperties\": false, \"minProperties\": 1,\n"
    "       \"properties\": {\"arity\": {\"type\": \"integer\", \"minimum\": 1},\n"
    "        \"depth\": {\"type\": \"integer\", \"minimum\": 1},\n"
    "        \"pattern\": {\"enum\": [\"adjacent\", \"half\", \"square\"]}}}]},\n"
    "    \"three\": {\"type\": \"array\", \"minItems\": 3, \"maxItems\": 3,\n"
    "      \"items\": {\"type\": \"number\"}},\n"
    "    \"axis\": {\"type\": \"object\", \"additionalProperties\": false,\n"
    "      \"minProperties\": 1, \"maxProperties\": 2,\n"
    "      \"properties\": {\"key\": {\"type\": \"string\"},\n"
    "        \"values\": {\"type\": \"array\", \"minItems\": 1},\n"
    "        \"linear\": {\"$ref\": \"#/definitions/three\"},\n"
    "        \"log\": {\"$ref\": \"#/definitions/three\"},\n"
    "        \"range\": {\"$ref\": \"#/definitions/three\"},\n"
    "        \"uniform\": {\"$ref\": \"#/definitions/three\"},\n"
    "        \"loguniform\": {\"$ref\": \"#/definitions/three\"},\n"
    "        \"seeds\": {\"type\": \"integer\", \"minimum\": 1},\n"
    "        \"zip\": {\"type\": \"array\", \"minItems\": 1,\n"
    "          \"items\": {\"$ref\": \"#/definitions/axis\"}}}},\n"
    "    \"axes\": {\"type\": [\"array\", \"null\"],\n"
    "      \"items\": {\"$ref\": \"#/definitions/axis\"}},\n"
    "    \"condition\": {\"type\": \"string\", \"minLength\": 1}\n"
    "  },\n";

static const char own_keys[] =
    "    \"name\": {\"type\": \"string\", \"description\": \"What the sweep is called.\"},\n"
    "    \"where\": {\"description\": \"Points that do not meet it are dropped.\",\n"
    "      \"anyOf\": [{\"$ref\": \"#/definitions/condition\"}, {\"type\": \"array\",\n"
    "        \"items\": {\"$ref\": \"#/definitions/condition\"}}]},\n"
    "    \"axes\": {\"$ref\": \"#/definitions/axes\"},\n"
    "    \"blocks\": {\"type\": \"array\", \"minItems\": 1,\n"
    "      \"items\": {\"$ref\": \"#/definitions/axes\"}},";

static void put_schema(htf_output *out, const void *of) {
  (void)of;
  htf_output__put(out, "{\n  \"$schema\": \"http://json-schema.org/draft-07/schema#\",\n"
                       "  \"title\": \"a sweep of htflow\",\n");
  htf_output__put(out, definitions);
  htf_output__put(out, "  \"type\": [\"object\", \"null\"],\n"
                       "  \"additionalProperties\": false,\n  \"properties\": {\n");
  htf_output__put(out, own_keys);
  put_properties(out, "", 2);
  put_keys(out);
  htf_output__put(out, "\n  }\n}\n");
}

htf_status htf_plan_schema(char **text) {
  return htf_output__make(put_schema, NULL, text);
}

// SPDX-License-Identifier: BSD-3-Clause
// Texts written piece by piece.
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "htflow/memory.h"
#include "output_impl.h"

void htf_output__bytes(htf_output *out, const char *bytes, size_t count) {
  for (size_t i = 0; i < count; i++, out->used++) {
    if (out->used + 1 < out->size) {
      out->text[out->used] = bytes[i];
      out->text[out->used + 1] = '\0';
    }
  }
}

void htf_output__put(htf_output *out, const char *text) {
  htf_output__bytes(out, text, strlen(text));
}

void htf_output__quoted(htf_output *out, const char *text) {
  htf_output__put(out, "\"");
  for (; *text != '\0'; text++) {
    htf_output__put(out, *text == '"' || *text == '\\' ? "\\" : "");
    htf_output__bytes(out, text, 1);
  }
  htf_output__put(out, "\"");
}

// Words of letters and digits need no quotes in YAML.
static bool is_plain(const char *text) {
  bool plain = isalpha((unsigned char)*text);
  for (; *text != '\0'; text++) {
    plain = plain && (isalnum((unsigned char)*text) || *text == ' ');
  }
  return plain;
}

void htf_output__value(htf_output *out, const htf_field *field, const char *text) {
  bool word =
      field->type == HTF_FIELD_TEXT || (field->type == HTF_FIELD_TREE && !is_plain(text));
  if (word) {
    htf_output__quoted(out, text);
  } else {
    htf_output__put(out, text);
  }
}

void htf_output__number(htf_output *out, double value) {
  char text[HTF_NUMBER_TEXT];
  htf_spec_write_number(value, text);
  htf_output__put(out, text);
}

size_t htf_output__section_length(const char *key) {
  const char *dot = strrchr(key, '.');
  return dot == NULL ? 0 : (size_t)(dot + 1 - key);
}

void htf_output__indent(htf_output *out, const char *key) {
  for (; *key != '\0'; key++) {
    htf_output__put(out, *key == '.' ? "  " : "");
  }
}

void htf_output__sections(htf_output *out, const char *key, const char *before) {
  for (size_t i = 0; i < htf_output__section_length(key); i++) {
    if (key[i] == '.' && strncmp(key, before, i + 1) != 0) {
      char section[HTF_MAX_LABEL];
      snprintf(section, sizeof section, "%.*s", (int)i, key);
      htf_output__indent(out, section);
      htf_output__put(out, section + htf_output__section_length(section));
      htf_output__put(out, ":\n");
    }
  }
}

htf_status htf_output__make(void (*write)(htf_output *out, const void *of), const void *of,
                            char **text) {
  htf_status status = HTF_OK;
  htf_output measure = {.size = 0};
  write(&measure, of);
  HTF_NEW(*text, measure.used + 1);
  htf_output out = {.text = *text, .size = measure.used + 1};
  write(&out, of);
done:
  return status;
}

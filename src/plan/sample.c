// SPDX-License-Identifier: BSD-3-Clause
// A sweep file to start from, with every key explained: written from the table.
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "htflow/memory.h"
#include "output_impl.h"

enum { WIDE = 88 };

// Words of a text in comment lines, indented as the key is.
static void put_comment(htf_output *out, const char *key, const char *text) {
  size_t margin = 2;
  for (const char *at = key; *at != '\0'; at++) {
    margin += *at == '.' ? 2 : 0;
  }
  size_t column = WIDE;
  bool first = true;
  while (*text != '\0') {
    size_t word = strcspn(text, " ");
    if (column + 1 + word > WIDE) {
      htf_output__put(out, first ? "" : "\n");
      first = false;
      htf_output__indent(out, key);
      htf_output__put(out, "#");
      column = margin - 1;
    }
    htf_output__put(out, " ");
    htf_output__bytes(out, text, word);
    column += 1 + word;
    text += word + strspn(text + word, " ");
  }
  htf_output__put(out, "\n");
}

// "a | b | c"
static void write_choices(const char *choices, char *text, size_t size) {
  size_t used = 0;
  for (; *choices != '\0' && used + 4 < size; choices++) {
    used += (size_t)snprintf(text + used, size - used, *choices == '|' ? " | " : "%c",
                             *choices);
  }
}

void htf_plan_remark(const htf_field *field, char *text, size_t size) {
  char words[HTF_MAX_TEXT] = "", low[HTF_NUMBER_TEXT], high[HTF_NUMBER_TEXT];
  const htf_field *by;
  const char *values;
  if (field->choices != NULL) {
    write_choices(field->choices, words, sizeof words - 1);
    strcat(words, ".");
  } else if (field->low < field->high) {
    htf_spec_write_number(field->low, low);
    htf_spec_write_number(field->high, high);
    bool endless = field->high > 1e15;
    snprintf(words, sizeof words, "%s %s%s%s%s.", endless ? "At least" : "From", low,
             endless ? "" : " to ", endless ? "" : high,
             field->units[0] == 's' ? " seconds" : "");
  }
  size_t used = (size_t)snprintf(text, size, "%s %s", field->help, words);
  for (int i = 0; htf_spec_need(field, i, &by, &values) && used < size; i++) {
    write_choices(values, words, sizeof words);
    used +=
        (size_t)snprintf(text + used, size - used, " Only with %s: %s.", by->key, words);
  }
}

// Whether the key stands in the sample as a comment: it would change nothing, or it names
// a file.
static bool is_off(const htf_spec *defaults, const htf_field *field) {
  return field->type == HTF_FIELD_TEXT || !htf_spec_matters(defaults, field);
}

static void put_field(htf_output *out, const htf_spec *defaults, const htf_field *field) {
  char remark[4 * HTF_MAX_TEXT];
  htf_plan_remark(field, remark, sizeof remark);
  put_comment(out, field->key, remark);
  htf_output__indent(out, field->key);
  htf_output__put(out, is_off(defaults, field) ? "# " : "");
  htf_output__put(out, field->key + htf_output__section_length(field->key));
  htf_output__put(out, ": ");
  htf_output__value(out, field, field->initial);
  htf_output__put(out, "\n");
}

static const char opening[] =
    "# A sweep of htflow: a base experiment, then axes along which it is varied. This file is\n"
    "# valid as it stands; each key below holds its default and may be left out.\n"
    "#   htflow plan FILE               checks it, and says what it would run and what it takes\n"
    "#   mpirun -n 8 htflow run FILE --out DIR    runs it, or goes on with it\n"
    "name: sample\n";

// The forms of axes, as comments.
static void put_forms(htf_output *out) {
  char line[HTF_MAX_TEXT];
  int count;
  const htf_plan_form *form = htf_plan_forms(&count);
  htf_output__put(out, "\n");
  put_comment(out, "",
              "Axes multiply in the order written, the last is the fastest; axes in "
              "a zip move together. An axis has a key and one of these forms:");
  for (int i = 0; i < count; i++) {
    snprintf(line, sizeof line, "%s: %s", form[i].name, form[i].argument);
    snprintf(line + strlen(line), sizeof line - strlen(line), "%*s%s",
             26 - (int)strlen(line), "", form[i].help);
    htf_output__put(out, "#   ");
    htf_output__put(out, line);
    htf_output__put(out, "\n");
  }
}

static const char closing[] =
    "axes:\n"
    "  - {key: init.std, log: [1e-2, 1e-1, 3]}\n"
    "  - {key: model.tree, values: [binary, flat]}\n"
    "  - {seeds: 2}\n"
    "# - zip:\n"
    "#     - {key: problem.samples, values: [512, 1024]}\n"
    "#     - {key: problem.noise, values: [0, 0.1]}\n"
    "\n"
    "# Points that do not meet a condition are dropped: comparisons of keys and values (< <= >\n"
    "# >= == != in), arithmetic, and, or, not.\n"
    "# where: init.std < 0.05 or model.tree != flat\n"
    "\n"
    "# Lists of axes, one after another, each multiplied with `axes`.\n"
    "# blocks:\n"
    "#   - [{key: model.width, values: [4, 8]}]\n"
    "#   - [{key: flow.rtol, values: [1e-4]}]\n";

static void put_sample(htf_output *out, const void *of) {
  int count;
  const htf_field *field = htf_spec_fields(&count);
  const char *before = "";
  htf_output__put(out, opening);
  for (int i = 0; i < count; i++) {
    if (field[i].type != HTF_FIELD_DIGEST) {
      size_t top = strcspn(field[i].key, ".");
      htf_output__put(out, strncmp(field[i].key, before, top + 1) != 0 ? "\n" : "");
      htf_output__sections(out, field[i].key, before);
      put_field(out, of, &field[i]);
      before = field[i].key;
    }
  }
  put_forms(out);
  htf_output__put(out, closing);
}

htf_status htf_plan_sample(char **text) {
  htf_status status = HTF_OK;
  htf_spec *defaults = NULL;
  HTF_NEW(defaults, 1);
  htf_spec_defaults(defaults);
  HTF_TRY(htf_output__make(put_sample, defaults, text));
done:
  HTF_FREE(defaults);
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
// The sweep written out: every key with its value, axes as given, always the same way.
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "htflow/memory.h"
#include "plan_impl.h"

// Text put into a buffer as far as it fits; `used` counts all of it.
typedef struct output {
  char *text;
  size_t size, used;
} output;

static void put_bytes(output *out, const char *bytes, size_t count) {
  for (size_t i = 0; i < count; i++, out->used++) {
    if (out->used + 1 < out->size) {
      out->text[out->used] = bytes[i];
      out->text[out->used + 1] = '\0';
    }
  }
}

static void put(output *out, const char *text) {
  put_bytes(out, text, strlen(text));
}

static void put_quoted(output *out, const char *text) {
  put(out, "\"");
  for (; *text != '\0'; text++) {
    put(out, *text == '"' || *text == '\\' ? "\\" : "");
    put_bytes(out, text, 1);
  }
  put(out, "\"");
}

// Words of letters and digits need no quotes in YAML.
static bool is_plain(const char *text) {
  bool plain = isalpha((unsigned char)*text);
  for (; *text != '\0'; text++) {
    plain = plain && (isalnum((unsigned char)*text) || *text == ' ');
  }
  return plain;
}

static void put_value(output *out, const htf_field *field, const char *text) {
  bool word =
      field->type == HTF_FIELD_TEXT || (field->type == HTF_FIELD_TREE && !is_plain(text));
  if (word) {
    put_quoted(out, text);
  } else {
    put(out, text);
  }
}

static void put_number(output *out, double value) {
  char text[HTF_NUMBER_TEXT];
  htf_spec_write_number(value, text);
  put(out, text);
}

// ---- axes ------------------------------------------------------------------------------

static void put_settings(output *out, const htf_plan__axis *axis, int64_t value) {
  const htf_plan__settings *settings = &axis->value[value];
  put(out, "{");
  for (int i = 0; i < settings->count; i++) {
    put(out, i == 0 ? "" : ", ");
    put(out, settings->item[i].field->key + strlen(axis->key) + 1);
    put(out, ": ");
    put_value(out, settings->item[i].field, settings->item[i].text);
  }
  put(out, "}");
}

static void put_axis_value(output *out, const htf_plan__axis *axis, int64_t value,
                           bool yaml) {
  if (axis->form == HTF_PLAN__SEEDS) {
    put_number(out, (double)value);
  } else if (axis->form != HTF_PLAN__VALUES) {
    put_number(out, axis->number[value]);
  } else if (axis->field == NULL) {
    put_settings(out, axis, value);
  } else if (yaml) {
    put_value(out, axis->field, axis->value[value].item[0].text);
  } else {
    put(out, axis->value[value].item[0].text);
  }
}

size_t htf_plan__axis_print(const htf_plan__axis *axis, int64_t value, bool yaml,
                            char *text, size_t size) {
  output out = {.text = text, .size = size};
  if (size > 0) {
    text[0] = '\0';
  }
  put_axis_value(&out, axis, value, yaml);
  return out.used;
}

static void put_axis(output *out, const htf_plan__axis *axis, const char *indent) {
  static const char *const forms[] = {"values", "linear",  "log",
                                      "range",  "uniform", "loguniform"};
  put(out, indent);
  if (axis->form == HTF_PLAN__SEEDS) {
    put(out, "- {seeds: ");
    put_number(out, (double)axis->count);
    put(out, "}\n");
    return;
  }
  put(out, "- {key: ");
  put(out, axis->key);
  put(out, ", ");
  put(out, forms[axis->form]);
  put(out, ": [");
  bool list = axis->form == HTF_PLAN__VALUES;
  for (int64_t i = 0; i < (list ? axis->count : 3); i++) {
    put(out, i == 0 ? "" : ", ");
    if (list) {
      put_axis_value(out, axis, i, true);
    } else {
      put_number(out, axis->argument[i]);
    }
  }
  put(out, "]}\n");
}

// Axes first .. first + count - 1, zips together.
static void put_axes(output *out, const htf_plan *plan, int first, int count,
                     const char *indent) {
  char inner[16];
  snprintf(inner, sizeof inner, "%s    ", indent);
  for (int i = first; i < first + count; i++) {
    int members = plan->axis[i].members;
    if (members > 1) {
      put(out, indent);
      put(out, "- zip:\n");
      for (int j = 0; j < members; j++) {
        put_axis(out, &plan->axis[i + j], inner);
      }
      i += members - 1;
    } else {
      put_axis(out, &plan->axis[i], indent);
    }
  }
}

static void put_sweep(output *out, const htf_plan *plan) {
  const htf_plan__block *first = &plan->block[0];
  int common = plan->by_blocks ? first->common : first->axes;
  put(out, plan->where.conditions > 0 ? "where:\n" : "");
  for (int i = 0; i < plan->where.conditions; i++) {
    put(out, "  - ");
    put_quoted(out, plan->where.text[i]);
    put(out, "\n");
  }
  put(out, common == 0 ? "axes: []\n" : "axes:\n");
  put_axes(out, plan, first->first, common, "  ");
  put(out, plan->by_blocks ? "blocks:\n" : "");
  for (int i = 0; i < plan->blocks && plan->by_blocks; i++) {
    const htf_plan__block *b = &plan->block[i];
    put(out, b->axes == b->common ? "  - []\n" : "  -\n");
    put_axes(out, plan, b->first + b->common, b->axes - b->common, "    ");
  }
}

// ---- the base --------------------------------------------------------------------------

static bool is_on_axis(const htf_plan *plan, const char *key) {
  bool on = false;
  for (int i = 0; i < plan->axes && !on; i++) {
    on = htf_plan__axis_touches(&plan->axis[i], htf_spec_field(key));
  }
  return on;
}

// What a data file or another key says is not said again, unless the user did.
static bool is_said(const htf_plan *plan, const htf_field *field) {
  bool files = plan->files > 0;
  bool full = plan->base.problem.task == HTF_TASK_FULL || is_on_axis(plan, "problem.task");
  bool other_model =
      plan->base.model.kind != HTF_FACTORIZATION_HTF || is_on_axis(plan, "model.kind");
  const struct {
    const char *key;
    bool open;
  } elsewhere[] = {{"problem.task", files},
                   {"problem.shape", files},
                   {"problem.samples", files || full},
                   {"problem.test", files || full},
                   {"problem.target.", files},
                   {"model.tree", other_model}};
  if (field->type == HTF_FIELD_DIGEST) {
    return false;
  }
  if (htf_plan__find(&plan->given, field) != NULL) {
    return true;
  }
  for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
    if (elsewhere[i].open &&
        strncmp(field->key, elsewhere[i].key, strlen(elsewhere[i].key)) == 0) {
      return false;
    }
  }
  return true;
}

// How many characters of a key its sections take: 8 of problem.shape.
static size_t section_length(const char *key) {
  const char *dot = strrchr(key, '.');
  return dot == NULL ? 0 : (size_t)(dot + 1 - key);
}

static void indent(output *out, const char *key) {
  for (; *key != '\0'; key++) {
    put(out, *key == '.' ? "  " : "");
  }
}

// The lines that open the sections of a key that the key before was not in.
static void put_sections(output *out, const char *key, const char *before) {
  for (size_t i = 0; i < section_length(key); i++) {
    if (key[i] == '.' && strncmp(key, before, i + 1) != 0) {
      char section[HTF_MAX_LABEL];
      snprintf(section, sizeof section, "%.*s", (int)i, key);
      indent(out, section);
      put(out, section + section_length(section));
      put(out, ":\n");
    }
  }
}

static void put_plan(output *out, const htf_plan *plan) {
  int count;
  const htf_field *field = htf_spec_fields(&count);
  const char *before = "";
  put(out, "name: ");
  put_quoted(out, plan->name);
  put(out, "\n");
  for (int i = 0; i < count; i++) {
    if (is_said(plan, &field[i])) {
      const htf_plan__setting *given = htf_plan__find(&plan->given, &field[i]);
      put_sections(out, field[i].key, before);
      indent(out, field[i].key);
      put(out, field[i].key + section_length(field[i].key));
      put(out, ": ");
      put_value(out, &field[i], given == NULL ? field[i].initial : given->text);
      put(out, "\n");
      before = field[i].key;
    }
  }
  put_sweep(out, plan);
}

htf_status htf_plan__write(htf_plan *plan) {
  htf_status status = HTF_OK;
  output measure = {.size = 0};
  put_plan(&measure, plan);
  HTF_NEW(plan->resolved, measure.used + 1);
  output out = {.text = plan->resolved, .size = measure.used + 1};
  put_plan(&out, plan);
done:
  return status;
}

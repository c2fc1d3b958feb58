// SPDX-License-Identifier: BSD-3-Clause
// The sweep written out: every key with its value, axes as given, always the same way.
#include <stdio.h>
#include <string.h>

#include "output_impl.h"

// ---- axes ------------------------------------------------------------------------------

static void put_settings(htf_output *out, const htf_plan__axis *axis, int64_t value) {
  const htf_plan__settings *settings = &axis->value[value];
  htf_output__put(out, "{");
  for (int i = 0; i < settings->count; i++) {
    htf_output__put(out, i == 0 ? "" : ", ");
    htf_output__put(out, settings->item[i].field->key + strlen(axis->key) + 1);
    htf_output__put(out, ": ");
    htf_output__value(out, settings->item[i].field, settings->item[i].text);
  }
  htf_output__put(out, "}");
}

static void put_axis_value(htf_output *out, const htf_plan__axis *axis, int64_t value,
                           bool yaml) {
  if (axis->form == HTF_PLAN__SEEDS) {
    htf_output__number(out, (double)value);
  } else if (axis->form != HTF_PLAN__VALUES) {
    htf_output__number(out, axis->number[value]);
  } else if (axis->field == NULL) {
    put_settings(out, axis, value);
  } else if (yaml) {
    htf_output__value(out, axis->field, axis->value[value].item[0].text);
  } else {
    htf_output__put(out, axis->value[value].item[0].text);
  }
}

size_t htf_plan__axis_print(const htf_plan__axis *axis, int64_t value, bool yaml,
                            char *text, size_t size) {
  htf_output out = {.text = text, .size = size};
  if (size > 0) {
    text[0] = '\0';
  }
  put_axis_value(&out, axis, value, yaml);
  return out.used;
}

static void put_axis(htf_output *out, const htf_plan__axis *axis, const char *indent) {
  int count;
  const htf_plan_form *forms = htf_plan_forms(&count);
  htf_output__put(out, indent);
  if (axis->form == HTF_PLAN__SEEDS) {
    htf_output__put(out, "- {seeds: ");
    htf_output__number(out, (double)axis->count);
    htf_output__put(out, "}\n");
    return;
  }
  htf_output__put(out, "- {key: ");
  htf_output__put(out, axis->key);
  htf_output__put(out, ", ");
  htf_output__put(out, forms[axis->form].name);
  htf_output__put(out, ": [");
  bool list = axis->form == HTF_PLAN__VALUES;
  for (int64_t i = 0; i < (list ? axis->count : 3); i++) {
    htf_output__put(out, i == 0 ? "" : ", ");
    if (list) {
      put_axis_value(out, axis, i, true);
    } else {
      htf_output__number(out, axis->argument[i]);
    }
  }
  htf_output__put(out, "]}\n");
}

// Axes first .. first + count - 1, zips together.
static void put_axes(htf_output *out, const htf_plan *plan, int first, int count,
                     const char *indent) {
  char inner[16];
  snprintf(inner, sizeof inner, "%s    ", indent);
  for (int i = first; i < first + count; i++) {
    int members = plan->axis[i].members;
    if (members > 1) {
      htf_output__put(out, indent);
      htf_output__put(out, "- zip:\n");
      for (int j = 0; j < members; j++) {
        put_axis(out, &plan->axis[i + j], inner);
      }
      i += members - 1;
    } else {
      put_axis(out, &plan->axis[i], indent);
    }
  }
}

static void put_sweep(htf_output *out, const htf_plan *plan) {
  const htf_plan__block *first = &plan->block[0];
  int common = plan->by_blocks ? first->common : first->axes;
  htf_output__put(out, plan->where.conditions > 0 ? "where:\n" : "");
  for (int i = 0; i < plan->where.conditions; i++) {
    htf_output__put(out, "  - ");
    htf_output__quoted(out, plan->where.text[i]);
    htf_output__put(out, "\n");
  }
  htf_output__put(out, common == 0 ? "axes: []\n" : "axes:\n");
  put_axes(out, plan, first->first, common, "  ");
  htf_output__put(out, plan->by_blocks ? "blocks:\n" : "");
  for (int i = 0; i < plan->blocks && plan->by_blocks; i++) {
    const htf_plan__block *b = &plan->block[i];
    htf_output__put(out, b->axes == b->common ? "  - []\n" : "  -\n");
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

static void put_plan(htf_output *out, const void *of) {
  const htf_plan *plan = of;
  int count;
  const htf_field *field = htf_spec_fields(&count);
  const char *before = "";
  htf_output__put(out, "name: ");
  htf_output__quoted(out, plan->name);
  htf_output__put(out, "\n");
  for (int i = 0; i < count; i++) {
    if (is_said(plan, &field[i])) {
      const htf_plan__setting *given = htf_plan__find(&plan->given, &field[i]);
      htf_output__sections(out, field[i].key, before);
      htf_output__indent(out, field[i].key);
      htf_output__put(out, field[i].key + htf_output__section_length(field[i].key));
      htf_output__put(out, ": ");
      htf_output__value(out, &field[i], given == NULL ? field[i].initial : given->text);
      htf_output__put(out, "\n");
      before = field[i].key;
    }
  }
  put_sweep(out, plan);
}

htf_status htf_plan__write(htf_plan *plan) {
  return htf_output__make(put_plan, plan, &plan->resolved);
}

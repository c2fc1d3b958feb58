// SPDX-License-Identifier: BSD-3-Clause
// Axes: the values that a key takes, one after another.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "htflow/memory.h"
#include "plan_impl.h"

#define MOST_SEEDS 1e12

static const htf_plan_form forms[] = {
    [HTF_PLAN__VALUES] = {"values", "[..]", "these values, of any key, or of a section"},
    [HTF_PLAN__LINEAR] = {"linear", "[from, to, n]", "n numbers, evenly spaced"},
    [HTF_PLAN__LOG] = {"log", "[from, to, n]", "n numbers, even in their logarithm"},
    [HTF_PLAN__RANGE] = {"range", "[from, to, step]",
                         "numbers a step apart, none beyond `to`"},
    [HTF_PLAN__UNIFORM] = {"uniform", "[from, to, n]",
                           "n numbers, drawn evenly by the sweep's seed"},
    [HTF_PLAN__LOGUNIFORM] = {"loguniform", "[from, to, n]",
                              "likewise, evenly in their logarithm"},
    [HTF_PLAN__SEEDS] = {"seeds", "n",
                         "n draws of the initial weights; the one form without a key"},
};
enum { FORMS = sizeof forms / sizeof *forms };

const htf_plan_form *htf_plan_forms(int *count) {
  *count = FORMS;
  return forms;
}

void htf_plan__axis_clear(htf_plan__axis *axis) {
  if (axis->value != NULL) {
    for (int64_t i = 0; i < axis->count; i++) {
      htf_plan__settings_clear(&axis->value[i]);
    }
  }
  HTF_FREE(axis->value);
  HTF_FREE(axis->number);
  axis->count = 0;
}

// ---- numbers ---------------------------------------------------------------------------

static bool is_number(const htf_field *field) {
  return field != NULL &&
         (field->type == HTF_FIELD_REAL || field->type == HTF_FIELD_INTEGER ||
          field->type == HTF_FIELD_COUNT);
}

static void store_number(htf_spec *spec, const htf_field *field, double value) {
  if (field->type == HTF_FIELD_INTEGER) {
    *(int64_t *)htf_spec_member(spec, field) = (int64_t)value;
  } else {
    *(double *)htf_spec_member(spec, field) = value;
  }
}

// Numbers lie between the ends, which decide the range; whole ones are checked one by one.
static htf_status check_numbers(htf_plan__reader *reader, const htf_plan__axis *axis) {
  htf_status status = HTF_OK;
  char text[HTF_NUMBER_TEXT];
  for (int i = 0; i < 2 && htf_plan__is_drawn(axis->form); i++) {
    htf_spec_write_number(axis->argument[i], text);
    HTF_TRY(htf_spec_set(reader->scratch, axis->field, text));
  }
  for (int64_t i = 0; i < axis->count; i++) {
    double value = axis->number[i];
    bool whole =
        value == floor(value) || (axis->field->type != HTF_FIELD_INTEGER && value < 1);
    bool end = i == 0 || i == axis->count - 1;
    if (end || (axis->field->type != HTF_FIELD_REAL && !whole)) {
      htf_spec_write_number(value, text);
      HTF_TRY(htf_spec_set(reader->scratch, axis->field, text));
    }
  }
done:
  return status;
}

static htf_status read_numbers(htf_plan__reader *reader, const htf_plan__node *node,
                               htf_plan__axis *axis) {
  htf_status status = HTF_OK;
  HTF_CHECK(is_number(axis->field), HTF_E_CONFIG,
            "%s wants a key that is a number; %s takes values: [..]",
            forms[axis->form].name, axis->key);
  bool good = node->kind == HTF_PLAN__LIST && node->count == 3;
  for (int i = 0; i < 3 && good; i++) {
    const htf_plan__node *item = node->item[i];
    good = item->kind == HTF_PLAN__SCALAR && !item->quoted &&
           htf_spec_read_number(item->text, &axis->argument[i]);
  }
  HTF_CHECK(good, HTF_E_CONFIG, "%s wants three numbers, [a, b, %s]",
            forms[axis->form].name, axis->form == HTF_PLAN__RANGE ? "step" : "n");
  HTF_TRY(htf_plan__generate(axis, reader));
  HTF_TRY(check_numbers(reader, axis));
done:
  return status;
}

static htf_status read_seeds(const htf_plan__node *node, htf_plan__axis *axis) {
  htf_status status = HTF_OK;
  char got[HTF_MAX_LABEL];
  double count;
  HTF_CHECK(node->kind == HTF_PLAN__SCALAR && !node->quoted &&
                htf_spec_read_number(node->text, &count) && count >= 1 &&
                count <= MOST_SEEDS && count == floor(count),
            HTF_E_CONFIG, "seeds wants a whole number from 1 to 1e12, got %s",
            htf_plan__describe(node, got));
  axis->count = (int64_t)count;
done:
  return status;
}

// ---- lists -----------------------------------------------------------------------------

static htf_status read_values(htf_plan__reader *reader, const htf_plan__node *node,
                              htf_plan__axis *axis) {
  htf_status status = HTF_OK;
  HTF_CHECK(node->kind == HTF_PLAN__LIST && node->count > 0, HTF_E_CONFIG,
            "values wants a list of at least one value");
  HTF_NEW(axis->value, node->count);
  axis->count = node->count;
  for (int i = 0; i < node->count; i++) {
    HTF_TRY(htf_plan__read(reader, axis->key, node->item[i], &axis->value[i]));
    HTF_TRY(htf_plan__check_twice(reader->errors, &axis->value[i]));
  }
done:
  return status;
}

// ---- one axis --------------------------------------------------------------------------

// The axis's form: the one key of the map that names one.
static htf_status find_form(htf_plan__reader *reader, const htf_plan__node *map,
                            htf_plan__axis *axis, const htf_plan__node **key,
                            const htf_plan__node **argument) {
  static const char *const names[] = {"key",     "values",     "linear", "log", "range",
                                      "uniform", "loguniform", "seeds",  "zip", NULL};
  htf_status status = HTF_OK;
  int found = 0;
  *key = *argument = NULL;
  HTF_TRY(htf_plan__check_keys(reader->errors, map));
  for (int i = 0; i < map->count; i++) {
    const htf_plan__node *name = map->item[2 * i], *value = map->item[2 * i + 1];
    int form = 0;
    if (name->kind != HTF_PLAN__SCALAR) {
      continue;
    }
    while (form < FORMS && strcmp(name->text, forms[form].name) != 0) {
      form++;
    }
    if (form < FORMS) {
      axis->form = (htf_plan__form)form;
      *argument = value;
      found++;
    } else if (strcmp(name->text, "key") == 0) {
      *key = value;
    } else {
      HTF_TRY(htf_plan__unknown(reader->errors, name, NULL, names));
      found = -FORMS;
    }
  }
  if (found == 0 || found > 1) {
    HTF_TRY(htf_plan__complain(reader->errors, map->place,
                               "an axis wants one of: values, linear, log, range, "
                               "uniform, loguniform, seeds"));
  }
  if (found != 1) {
    *argument = NULL;
  }
done:
  return status;
}

// The results name an axis by its key; the seeds of the initial weights are the plain
// `seed`, so the sweep's seed has another name.
static void name_axis(htf_plan__axis *axis) {
  const char *name = axis->form == HTF_PLAN__SEEDS    ? "seed"
                     : strcmp(axis->key, "seed") == 0 ? "sweep_seed"
                                                      : axis->key;
  snprintf(axis->label, sizeof axis->label, "%s", name);
  for (char *at = axis->label; *at != '\0'; at++) {
    *at = *at == '.' ? '_' : *at;
  }
}

// Sets the axis's key and field; *good is false where there is an error.
static htf_status find_key(htf_plan__reader *reader, const htf_plan__node *map,
                           const htf_plan__node *key, htf_plan__axis *axis, bool *good) {
  htf_status status = HTF_OK;
  char got[HTF_MAX_LABEL];
  const char *name = "init.seed";
  *good = false;
  if (axis->form == HTF_PLAN__SEEDS && key != NULL) {
    HTF_TRY(htf_plan__complain(reader->errors, key->place,
                               "seeds has no key: it is an axis of init.seed"));
    goto done;
  }
  if (axis->form != HTF_PLAN__SEEDS) {
    if (key == NULL || key->kind != HTF_PLAN__SCALAR || key->text[0] == '\0') {
      HTF_TRY(htf_plan__complain(reader->errors, key == NULL ? map->place : key->place,
                                 "an axis wants a key, like {key: init.std, %s: [..]}%s%s",
                                 forms[axis->form].name, key == NULL ? "" : ", got ",
                                 key == NULL ? "" : htf_plan__describe(key, got)));
      goto done;
    }
    const htf_field *field = htf_plan__field(key->text);
    if (field == NULL &&
        (!htf_plan__is_section(key->text) || htf_plan__is_alias(key->text))) {
      HTF_TRY(htf_plan__unknown(reader->errors, key, "", NULL));
      goto done;
    }
    name = field != NULL ? field->key : key->text;
  }
  snprintf(axis->key, sizeof axis->key, "%s", name);
  axis->field = htf_spec_field(name);
  name_axis(axis);
  *good = true;
done:
  return status;
}

htf_status htf_plan__axis_read(htf_plan__reader *reader, const htf_plan__node *map,
                               htf_plan__axis *axis) {
  htf_status status = HTF_OK;
  const htf_plan__node *key, *argument;
  char got[HTF_MAX_LABEL];
  bool good;
  axis->place = map->place;
  if (map->kind != HTF_PLAN__MAP) {
    return htf_plan__complain(reader->errors, map->place,
                              "an axis wants a mapping, like {key: init.std, values: "
                              "[0.1, 0.2]}, got %s",
                              htf_plan__describe(map, got));
  }
  HTF_TRY(find_form(reader, map, axis, &key, &argument));
  if (argument == NULL) {
    goto done;
  }
  HTF_TRY(find_key(reader, map, key, axis, &good));
  if (good) {
    axis->place = argument->place;
    status = axis->form == HTF_PLAN__VALUES  ? read_values(reader, argument, axis)
             : axis->form == HTF_PLAN__SEEDS ? read_seeds(argument, axis)
                                             : read_numbers(reader, argument, axis);
    if (status != HTF_OK) {
      htf_plan__mark(reader, axis->key);
      HTF_TRY(htf_plan__note(reader->errors, argument->place, status));
      htf_plan__axis_clear(axis);
    }
  }
done:
  return status;
}

bool htf_plan__axis_touches(const htf_plan__axis *axis, const htf_field *field) {
  if (axis->form != HTF_PLAN__VALUES || axis->field != NULL) {
    return axis->field == field;
  }
  for (int64_t i = 0; i < axis->count; i++) {
    if (htf_plan__find(&axis->value[i], field) != NULL) {
      return true;
    }
  }
  return false;
}

static size_t member_size(const htf_field *field) {
  static const size_t sizes[] = {
      [HTF_FIELD_REAL] = sizeof(double),     [HTF_FIELD_INTEGER] = sizeof(int64_t),
      [HTF_FIELD_COUNT] = sizeof(double),    [HTF_FIELD_CHOICE] = sizeof(int),
      [HTF_FIELD_SHAPE] = sizeof(htf_shape), [HTF_FIELD_TREE] = sizeof(htf_tree_field),
      [HTF_FIELD_TEXT] = HTF_MAX_TEXT,       [HTF_FIELD_DIGEST] = HTF_DIGEST_TEXT,
      [HTF_FIELD_LIST] = sizeof(htf_list),   [HTF_FIELD_NAMES] = HTF_MAX_TEXT};
  return sizes[field->type];
}

// Values of a section may set different fields; those of one field all set it.
void htf_plan__axis_reset(const htf_plan__axis *axis, const htf_spec *base,
                          htf_spec *spec) {
  for (int64_t v = 0; v < axis->count && axis->field == NULL; v++) {
    for (int i = 0; i < axis->value[v].count; i++) {
      const htf_field *field = axis->value[v].item[i].field;
      memcpy(htf_spec_member(spec, field), htf_spec_member_const(base, field),
             member_size(field));
    }
  }
}

htf_status htf_plan__axis_apply(const htf_plan__axis *axis, int64_t value, htf_spec *spec) {
  htf_status status = HTF_OK;
  if (axis->form == HTF_PLAN__VALUES) {
    const htf_plan__settings *settings = &axis->value[value];
    for (int i = 0; i < settings->count; i++) {
      HTF_TRY(htf_spec_set(spec, settings->item[i].field, settings->item[i].text));
    }
  } else {
    store_number(spec, axis->field,
                 axis->form == HTF_PLAN__SEEDS ? (double)value : axis->number[value]);
  }
done:
  return status;
}

bool htf_plan__axis_place(const htf_plan__axis *axis, int64_t value, const htf_field *field,
                          htf_plan__place *place) {
  if (axis->form != HTF_PLAN__VALUES) {
    *place = axis->place;
    return axis->field == field;
  }
  const htf_plan__setting *setting = htf_plan__find(&axis->value[value], field);
  if (setting != NULL) {
    *place = setting->place;
  }
  return setting != NULL;
}

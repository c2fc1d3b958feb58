// SPDX-License-Identifier: BSD-3-Clause
// The plan: read, checked, asked.
#include "htflow/plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "htflow/memory.h"
#include "plan_impl.h"

#define MOST_RUNS 1000000000000

static htf_status copy_text(const char *text, char **copy) {
  htf_status status = HTF_OK;
  HTF_FREE(*copy);
  HTF_NEW(*copy, strlen(text) + 1);
  strcpy(*copy, text);
done:
  return status;
}

// ---- the base --------------------------------------------------------------------------

static htf_status read_name(htf_plan *plan, htf_plan__reader *reader,
                            const htf_plan__node *value) {
  htf_status status = HTF_OK;
  char got[HTF_MAX_LABEL];
  bool good = value->kind == HTF_PLAN__SCALAR && value->text[0] != '\0' &&
              strlen(value->text) < HTF_MAX_TEXT;
  for (const char *at = good ? value->text : ""; *at != '\0'; at++) {
    good = good && (unsigned char)*at >= ' ';
  }
  if (!good) {
    return htf_plan__complain(reader->errors, value->place,
                              "name wants a text of one line, got %s",
                              htf_plan__describe(value, got));
  }
  HTF_TRY(copy_text(value->text, &plan->name));
done:
  return status;
}

// One key at the top of the file, or of an override; axes are read later.
static htf_status read_key(htf_plan *plan, htf_plan__reader *reader,
                           const htf_plan__node *key, const htf_plan__node *value,
                           bool axes) {
  static const char *const names[] = {"name", "axes", NULL};
  static const char *const names_set[] = {"name", NULL};
  if (strcmp(key->text, "name") == 0) {
    return read_name(plan, reader, value);
  }
  if (axes && strcmp(key->text, "axes") == 0) {
    return HTF_OK;
  }
  if (htf_plan__field(key->text) != NULL || htf_plan__is_section(key->text)) {
    return htf_plan__read(reader, key->text, value, &plan->given);
  }
  return htf_plan__unknown(reader->errors, key, "", axes ? names : names_set);
}

static htf_status read_base(htf_plan *plan, htf_plan__reader *reader,
                            const htf_plan__node *root) {
  htf_status status = HTF_OK;
  char got[HTF_MAX_LABEL];
  if (root->kind != HTF_PLAN__MAP && !htf_plan__is_null(root)) {
    return htf_plan__complain(reader->errors, root->place,
                              "a sweep file is a mapping of keys, got %s",
                              htf_plan__describe(root, got));
  }
  HTF_TRY(htf_plan__check_keys(reader->errors, root));
  for (int i = 0; i < root->count; i++) {
    const htf_plan__node *key = root->item[2 * i], *first;
    if (htf_plan__is_new_key(root, i, &first)) {
      HTF_TRY(read_key(plan, reader, key, root->item[2 * i + 1], true));
    }
  }
  HTF_TRY(htf_plan__check_twice(reader->errors, &plan->given));
done:
  return status;
}

static htf_status read_override(htf_plan *plan, htf_plan__reader *reader,
                                const char *override) {
  htf_status status = HTF_OK;
  htf_plan__node *value = NULL;
  char name[HTF_MAX_LABEL];
  htf_plan__place place = {.override = override};
  size_t length = strcspn(override, "=");
  if (override[length] != '=' || length == 0 || length >= sizeof name) {
    return htf_plan__complain(reader->errors, place, "wants key=value");
  }
  snprintf(name, sizeof name, "%.*s", (int)length, override);
  HTF_TRY(htf_plan__parse(override + length + 1, override, reader->errors, &value));
  if (value != NULL) {
    htf_plan__node key = {.kind = HTF_PLAN__SCALAR, .place = place, .text = name};
    HTF_TRY(read_key(plan, reader, &key, value, false));
  } else {
    htf_plan__mark(reader, name);
  }
done:
  htf_plan__node_destroy(&value);
  return status;
}

// The spec that every run starts from. What a data file or another key might say is left
// open where it was not given (see HTF_PLAN__OPEN).
static htf_status make_base(htf_plan *plan) {
  htf_status status = HTF_OK;
  htf_spec *base = &plan->base;
  htf_spec_defaults(base);
  base->problem.task = HTF_PLAN__OPEN;
  base->problem.shape = (htf_shape){0};
  base->problem.samples = NAN;
  base->problem.test = NAN;
  base->model.tree.label[0] = '\0';
  for (int i = 0; i < plan->given.count; i++) {
    HTF_TRY(htf_spec_set(base, plan->given.item[i].field, plan->given.item[i].text));
  }
done:
  return status;
}

// ---- axes ------------------------------------------------------------------------------

// Two axes must not move the same field, nor be labelled alike.
static htf_status check_pair(htf_plan__reader *reader, const htf_plan__axis *one,
                             const htf_plan__axis *other) {
  htf_status status = HTF_OK;
  int count;
  const htf_field *field = htf_spec_fields(&count);
  const char *shared = strcmp(one->label, other->label) == 0 ? one->key : NULL;
  for (int i = 0; i < count && shared == NULL; i++) {
    if (htf_plan__axis_touches(one, &field[i]) &&
        htf_plan__axis_touches(other, &field[i])) {
      shared = field[i].key;
    }
  }
  if (shared != NULL) {
    HTF_TRY(htf_plan__complain(reader->errors, one->place,
                               "%s is on two axes, the other at %d:%d", shared,
                               other->place.line, other->place.column));
    htf_plan__mark(reader, shared);
  }
done:
  return status;
}

// An override of a key on an axis would have no effect.
static htf_status check_overrides(const htf_plan *plan, htf_plan__reader *reader,
                                  const htf_plan__axis *axis) {
  htf_status status = HTF_OK;
  for (int i = 0; i < plan->given.count; i++) {
    const htf_plan__setting *setting = &plan->given.item[i];
    if (setting->place.override != NULL && htf_plan__axis_touches(axis, setting->field)) {
      HTF_TRY(htf_plan__complain(reader->errors, setting->place,
                                 "%s is on the axis at %d:%d", setting->field->key,
                                 axis->place.line, axis->place.column));
    }
  }
done:
  return status;
}

static htf_status read_axes(htf_plan *plan, htf_plan__reader *reader,
                            const htf_plan__node *list) {
  htf_status status = HTF_OK;
  char got[HTF_MAX_LABEL];
  if (list->kind != HTF_PLAN__LIST) {
    return htf_plan__is_null(list) ? HTF_OK
                                   : htf_plan__complain(reader->errors, list->place,
                                                        "axes wants a list of axes, got %s",
                                                        htf_plan__describe(list, got));
  }
  HTF_NEW(plan->axis, list->count);
  for (int i = 0; i < list->count; i++) {
    htf_plan__axis *axis = &plan->axis[plan->axes];
    status = htf_plan__axis_read(reader, list->item[i], axis);
    if (status != HTF_OK || axis->count == 0) {
      htf_plan__axis_clear(axis);
      *axis = (htf_plan__axis){.count = 0};
      HTF_TRY(status);
      continue;
    }
    plan->axes++;
    HTF_TRY(check_overrides(plan, reader, axis));
    for (int j = 0; j < plan->axes - 1; j++) {
      HTF_TRY(check_pair(reader, axis, &plan->axis[j]));
    }
  }
done:
  return status;
}

// Strides from the last axis, which is the fastest, to the first.
static htf_status count_runs(htf_plan *plan) {
  htf_status status = HTF_OK;
  plan->runs = 1;
  for (int i = plan->axes - 1; i >= 0; i--) {
    plan->axis[i].stride = plan->runs;
    HTF_CHECK(plan->axis[i].count <= MOST_RUNS / plan->runs, HTF_E_CONFIG,
              "the axes multiply to more than %lld runs", (long long)MOST_RUNS);
    plan->runs *= plan->axis[i].count;
  }
done:
  return status;
}

// ---- create and destroy ----------------------------------------------------------------

static const htf_plan__node *find_axes(const htf_plan__node *root) {
  for (int i = 0; i < root->count && root->kind == HTF_PLAN__MAP; i++) {
    const htf_plan__node *key = root->item[2 * i];
    if (key->kind == HTF_PLAN__SCALAR && strcmp(key->text, "axes") == 0) {
      return root->item[2 * i + 1];
    }
  }
  return NULL;
}

static htf_status read_all(htf_plan *plan, const htf_plan_source *source,
                           htf_plan__reader *reader) {
  htf_status status = HTF_OK;
  htf_plan__node *root = NULL;
  HTF_TRY(htf_plan__parse(source->text, NULL, reader->errors, &root));
  if (root != NULL) {
    HTF_TRY(read_base(plan, reader, root));
  }
  for (int i = 0; i < source->overrides; i++) {
    HTF_TRY(read_override(plan, reader, source->override[i]));
  }
  if (root != NULL) {
    const htf_plan__node *axes = find_axes(root);
    if (axes != NULL) {
      HTF_TRY(read_axes(plan, reader, axes));
      HTF_TRY(htf_plan__note(reader->errors, axes->place, count_runs(plan)));
    } else {
      plan->runs = 1;
    }
    HTF_TRY(make_base(plan));
    HTF_TRY(htf_plan__resolve(plan, source, reader));
  }
done:
  htf_plan__node_destroy(&root);
  return status;
}

// SHA-256 of the resolved text and of the digests of the files.
static htf_status make_hash(htf_plan *plan) {
  htf_status status = HTF_OK;
  htf_digester *digester = NULL;
  HTF_TRY(htf_digester_create(&digester));
  HTF_TRY(htf_digester_feed(digester, plan->resolved, strlen(plan->resolved)));
  for (int i = 0; i < plan->files; i++) {
    const char *digest = plan->file[i].is.digest;
    HTF_TRY(htf_digester_feed(digester, digest, strlen(digest)));
  }
  for (int i = 0; i < plan->weights; i++) {
    const char *digest = plan->weight[i].is.digest;
    HTF_TRY(htf_digester_feed(digester, digest, strlen(digest)));
  }
  HTF_TRY(htf_digester_finish(digester, &plan->hash));
done:
  htf_digester_destroy(&digester);
  return status;
}

htf_status htf_plan_create(const htf_plan_source *source, htf_plan **out) {
  htf_status status = HTF_OK;
  htf_plan *plan = NULL;
  htf_plan__errors errors = {.file = source->name};
  htf_plan__reader reader = {.errors = &errors};
  int fields;
  htf_spec_fields(&fields);
  HTF_NEW(plan, 1);
  HTF_NEW(reader.scratch, 1);
  HTF_NEW(reader.broken, fields);
  htf_spec_defaults(reader.scratch);
  HTF_TRY(copy_text(source->text, &plan->text));
  HTF_TRY(copy_text("sweep", &plan->name));
  HTF_TRY(read_all(plan, source, &reader));
  HTF_TRY(htf_plan__raise(&errors));
  HTF_TRY(htf_plan__write(plan));
  HTF_TRY(make_hash(plan));
  *out = plan;
  plan = NULL;
done:
  htf_plan__forget(&errors);
  HTF_FREE(reader.scratch);
  HTF_FREE(reader.broken);
  htf_plan_destroy(&plan);
  return status;
}

void htf_plan_destroy(htf_plan **out) {
  htf_plan *plan = *out;
  if (plan == NULL) {
    return;
  }
  for (int i = 0; i < plan->axes; i++) {
    htf_plan__axis_clear(&plan->axis[i]);
  }
  for (int which = 0; which < 2; which++) {
    if (plan->newick[which] != NULL) {
      for (int64_t i = 0; i < plan->tree_group[which].combinations; i++) {
        HTF_FREE(plan->newick[which][i]);
      }
    }
    HTF_FREE(plan->newick[which]);
    htf_plan__group_clear(&plan->tree_group[which]);
  }
  htf_plan__settings_clear(&plan->given);
  HTF_FREE(plan->axis);
  HTF_FREE(plan->file);
  HTF_FREE(plan->weight);
  HTF_FREE(plan->text);
  HTF_FREE(plan->name);
  HTF_FREE(plan->resolved);
  HTF_FREE(*out);
}

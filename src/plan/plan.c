// SPDX-License-Identifier: BSD-3-Clause
// The plan: read, checked, asked.
#include "htflow/plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "htflow/memory.h"
#include "plan_impl.h"

enum { MOST_POINTS = 100000000 };

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
  static const char *const names[] = {"name", "where", "axes", "blocks", NULL};
  static const char *const names_set[] = {"name", "where", NULL};
  if (strcmp(key->text, "name") == 0) {
    return read_name(plan, reader, value);
  }
  if (strcmp(key->text, "where") == 0) {
    return htf_plan__read_where(&plan->where, reader, value);
  }
  if (axes && (strcmp(key->text, "axes") == 0 || strcmp(key->text, "blocks") == 0)) {
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
  plan->samples_unless = base->problem.samples;
  plan->test_unless = base->problem.test;
  plan->shape_unless = base->problem.shape;
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

// ---- create and destroy ----------------------------------------------------------------

static const htf_plan__node *find_key(const htf_plan__node *root, const char *name) {
  for (int i = 0; i < root->count && root->kind == HTF_PLAN__MAP; i++) {
    const htf_plan__node *key = root->item[2 * i];
    if (key->kind == HTF_PLAN__SCALAR && strcmp(key->text, name) == 0) {
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
    HTF_TRY(make_base(plan));
    reader->seed = plan->base.sweep_seed;
    HTF_TRY(htf_plan__read_axes(plan, reader, find_key(root, "axes"),
                                find_key(root, "blocks")));
    if (plan->points > 0) {
      HTF_TRY(htf_plan__resolve(plan, source, reader));
    }
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

static htf_status choose_runs(htf_plan *plan, htf_plan__errors *errors) {
  htf_status status = HTF_OK;
  htf_plan__place top = {.line = 1, .column = 1};
  HTF_TRY(htf_plan__note(errors, top, htf_plan__choose(plan)));
  if (errors->count == 0 && plan->runs == 0) {
    HTF_TRY(htf_plan__complain(errors, plan->where.place,
                               "where drops all of the sweep's %lld points",
                               (long long)plan->points));
  }
  HTF_TRY(htf_plan__raise(errors));
done:
  return status;
}

htf_status htf_plan_create(const htf_plan_source *source, htf_plan **out) {
  htf_status status = HTF_OK;
  htf_plan *plan = NULL;
  htf_plan__errors errors = {.file = source->name, .text = source->text};
  htf_plan__reader reader = {.errors = &errors};
  int fields;
  reader.most = source->most_points > 0 && source->most_points < MOST_POINTS
                    ? source->most_points
                    : MOST_POINTS;
  htf_spec_fields(&fields);
  HTF_NEW(plan, 1);
  HTF_NEW(reader.scratch, 1);
  HTF_NEW(reader.broken, fields);
  htf_spec_defaults(reader.scratch);
  HTF_TRY(copy_text(source->text, &plan->text));
  HTF_TRY(copy_text("sweep", &plan->name));
  HTF_TRY(read_all(plan, source, &reader));
  HTF_TRY(htf_plan__raise(&errors));
  HTF_TRY(htf_plan__make_columns(plan));
  HTF_TRY(choose_runs(plan, &errors));
  HTF_TRY(htf_plan__warn(plan));
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

static void clear_block(htf_plan__block *block) {
  for (int which = 0; which < 2; which++) {
    int64_t count =
        block->newick[which] == NULL ? 0 : block->tree_group[which].combinations;
    for (int64_t i = 0; i < count; i++) {
      HTF_FREE(block->newick[which][i]);
    }
    HTF_FREE(block->newick[which]);
    htf_plan__group_clear(&block->tree_group[which]);
  }
}

void htf_plan_destroy(htf_plan **out) {
  htf_plan *plan = *out;
  if (plan == NULL) {
    return;
  }
  for (int i = 0; i < plan->axes; i++) {
    htf_plan__axis_clear(&plan->axis[i]);
  }
  for (int i = 0; i < plan->blocks; i++) {
    clear_block(&plan->block[i]);
  }
  for (int i = 0; i < plan->warnings; i++) {
    HTF_FREE(plan->warning[i]);
  }
  htf_plan__settings_clear(&plan->given);
  htf_plan__where_clear(&plan->where);
  HTF_FREE(plan->axis);
  HTF_FREE(plan->block);
  HTF_FREE(plan->column);
  HTF_FREE(plan->kept);
  HTF_FREE(plan->kept_from);
  HTF_FREE(plan->warning);
  HTF_FREE(plan->file);
  HTF_FREE(plan->weight);
  HTF_FREE(plan->text);
  HTF_FREE(plan->name);
  HTF_FREE(plan->resolved);
  HTF_FREE(*out);
}

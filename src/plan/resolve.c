// SPDX-License-Identifier: BSD-3-Clause
// Whether the values of different keys fit together: trees and shapes, samples and entries,
// data files and what they give. Only axes that touch the same question are multiplied, so
// a sweep of 10^6 runs is checked by a few combinations; the trees found on the way are
// kept.
#include <stdio.h>
#include <string.h>

#include "htflow/memory.h"
#include "htflow/tree.h"
#include "plan_impl.h"

enum { MOST_COMBINATIONS = 1 << 20 };

// What is being checked: a combination of a group's values, in `spec`.
typedef struct check {
  htf_plan *plan;
  const htf_plan_source *source;
  htf_plan__reader *reader;
  htf_plan__group group;
  int64_t combination;
  htf_spec *spec;
} check;

// ---- groups of axes --------------------------------------------------------------------

void htf_plan__group_clear(htf_plan__group *group) {
  HTF_FREE(group->axis);
  group->axes = 0;
}

static bool broken(const check *c, const char *const *keys) {
  int count;
  const htf_field *first = htf_spec_fields(&count);
  for (; *keys != NULL; keys++) {
    if (c->reader->broken[htf_spec_field(*keys) - first]) {
      return true;
    }
  }
  return false;
}

static bool touches(const htf_plan__axis *axis, const char *const *keys) {
  for (; *keys != NULL; keys++) {
    if (htf_plan__axis_touches(axis, htf_spec_field(*keys))) {
      return true;
    }
  }
  return false;
}

// The axes that touch one of the keys, a NULL-ended list.
static htf_status group_create(const htf_plan *plan, const char *const *keys,
                               htf_plan__group *group) {
  htf_status status = HTF_OK;
  group->axes = 0;
  group->combinations = 1;
  HTF_NEW(group->axis, plan->axes);
  for (int i = 0; i < plan->axes; i++) {
    if (touches(&plan->axis[i], keys)) {
      group->axis[group->axes++] = i;
      HTF_CHECK(!__builtin_mul_overflow(group->combinations, plan->axis[i].count,
                                        &group->combinations) &&
                    group->combinations <= MOST_COMBINATIONS,
                HTF_E_CONFIG,
                "the axes that touch %s have more than %d combinations to check", keys[0],
                MOST_COMBINATIONS);
    }
  }
done:
  return status;
}

int64_t htf_plan__combination(const htf_plan *plan, const htf_plan__group *group,
                              int64_t index) {
  int64_t combination = 0;
  for (int i = 0; i < group->axes; i++) {
    const htf_plan__axis *axis = &plan->axis[group->axis[i]];
    combination = combination * axis->count + index / axis->stride % axis->count;
  }
  return combination;
}

// The value that an axis of the group, by its place there, has in a combination.
static int64_t value_at(const htf_plan *plan, const htf_plan__group *group,
                        int64_t combination, int which) {
  for (int i = group->axes - 1; i > which; i--) {
    combination /= plan->axis[group->axis[i]].count;
  }
  return combination % plan->axis[group->axis[which]].count;
}

static htf_status apply(check *c) {
  htf_status status = HTF_OK;
  *c->spec = c->plan->base;
  for (int i = 0; i < c->group.axes; i++) {
    HTF_TRY(htf_plan__axis_apply(&c->plan->axis[c->group.axis[i]],
                                 value_at(c->plan, &c->group, c->combination, i), c->spec));
  }
done:
  return status;
}

// Where the field got its value in this combination; false if it has its default.
static bool find_place(const check *c, const char *key, htf_plan__place *place) {
  const htf_field *field = htf_spec_field(key);
  for (int i = 0; i < c->group.axes; i++) {
    if (htf_plan__axis_place(&c->plan->axis[c->group.axis[i]],
                             value_at(c->plan, &c->group, c->combination, i), field,
                             place)) {
      return true;
    }
  }
  const htf_plan__setting *setting = htf_plan__find(&c->plan->given, field);
  if (setting != NULL) {
    *place = setting->place;
  }
  return setting != NULL;
}

// The first of the keys that is not at its default is to blame; else the file as a whole.
static htf_plan__place blame(const check *c, const char *const *keys) {
  htf_plan__place place = {.line = 1, .column = 1};
  for (; *keys != NULL; keys++) {
    if (find_place(c, *keys, &place)) {
      break;
    }
  }
  return place;
}

static void close_check(check *c) {
  htf_plan__group_clear(&c->group);
}

// Makes the group of some keys; *good is false if they cannot be checked, because there are
// errors in them or too many combinations.
static htf_status open_check(check *c, const char *const *keys, bool *good) {
  htf_status status = HTF_OK;
  *good = false;
  if (!broken(c, keys)) {
    status = group_create(c->plan, keys, &c->group);
    *good = status == HTF_OK;
    c->combination = 0;
    if (!*good) {
      htf_plan__place place = blame(c, keys);
      HTF_TRY(htf_plan__note(c->reader->errors, place, status));
    }
  }
done:
  return status;
}

// ---- data files ------------------------------------------------------------------------

static htf_status describe(check *c, const char *path) {
  static const char *const file_keys[] = {"problem.file", NULL};
  htf_status status = HTF_OK;
  htf_plan *plan = c->plan;
  htf_plan__place place = blame(c, file_keys);
  char words[HTF_MAX_TEXT];
  if (c->source->describe == NULL) {
    HTF_TRY(htf_plan__complain(c->reader->errors, place,
                               "problem.file: data files cannot be read here"));
    htf_plan__mark(c->reader, "problem.file");
    goto done;
  }
  HTF_RESIZE(plan->file, plan->files + 1);
  htf_plan__file *file = &plan->file[plan->files];
  snprintf(file->path, sizeof file->path, "%s", path);
  status = c->source->describe(c->source->context, path, &file->is);
  if (status != HTF_OK && status != HTF_E_CONFIG) {
    htf_plan__write_place(c->source->name, place, words, sizeof words);
    htf_error_prefix("%s", words);
  }
  if (status == HTF_OK) {
    plan->files++;
  } else {
    htf_plan__mark(c->reader, "problem.file");
  }
  HTF_TRY(htf_plan__note(c->reader->errors, place, status));
done:
  return status;
}

static htf_status describe_all(check *c) {
  static const char *const keys[] = {"problem.file", NULL};
  htf_status status = HTF_OK;
  bool good;
  HTF_TRY(open_check(c, keys, &good));
  for (; good && c->combination < c->group.combinations; c->combination++) {
    HTF_TRY(apply(c));
    const char *path = c->spec->problem.file;
    if (path[0] != '\0' && htf_plan__find_file(c->plan, path) == NULL) {
      HTF_TRY(describe(c, path));
    }
  }
done:
  close_check(c);
  return status;
}

// A key that says what a data file says already.
static htf_status check_given_twice(check *c, const char *key) {
  const char *keys[] = {"problem.file", key, NULL};
  htf_status status = HTF_OK;
  htf_plan__place place;
  bool good;
  bool counts = strcmp(key, "problem.samples") == 0 || strcmp(key, "problem.test") == 0;
  HTF_TRY(open_check(c, keys, &good));
  for (; good && c->combination < c->group.combinations; c->combination++) {
    HTF_TRY(apply(c));
    const htf_plan__file *file = htf_plan__find_file(c->plan, c->spec->problem.file);
    if (file != NULL && (!counts || file->is.test > 0) && find_place(c, key, &place)) {
      HTF_TRY(htf_plan__complain(c->reader->errors, place,
                                 "%s has no meaning with problem.file%s", key,
                                 counts ? ", which has a test list" : ""));
    }
  }
done:
  close_check(c);
  return status;
}

// ---- counts and trees ------------------------------------------------------------------

static htf_status check_all_counts(check *c) {
  static const char *const keys[] = {"problem.samples", "problem.test", "problem.shape",
                                     "problem.file", NULL};
  htf_status status = HTF_OK;
  bool good;
  HTF_TRY(open_check(c, keys, &good));
  for (; good && c->combination < c->group.combinations; c->combination++) {
    HTF_TRY(apply(c));
    status = htf_plan__resolve_counts(c->plan, c->spec);
    HTF_TRY(htf_plan__note(c->reader->errors, blame(c, keys), status));
  }
done:
  close_check(c);
  return status;
}

// The tree of a label in Newick with every width; *newick is the caller's to HTF_FREE.
static htf_status resolve_tree(const htf_spec *spec, int which, char **newick) {
  htf_status status = HTF_OK;
  htf_tree *tree = NULL;
  char text[HTF_MAX_NEWICK];
  bool model = which == HTF_PLAN__MODEL;
  const char *label = model ? spec->model.tree.label : spec->problem.target_tree.label;
  int64_t width = model ? spec->model.width : spec->problem.target_width;
  if (!model && spec->problem.target == HTF_TARGET_CP) {
    label = "flat";
  }
  HTF_TRY(htf_tree_from_label(label, spec->problem.shape.order, (int)width, &tree));
  HTF_TRY(htf_tree_newick(tree, text, sizeof text));
  HTF_NEW(*newick, strlen(text) + 1);
  strcpy(*newick, text);
done:
  if (status == HTF_E_CONFIG) {
    htf_error_prefix(
        "%s \"%.100s\" over %d modes: ", model ? "model.tree" : "problem.target.tree",
        label, spec->problem.shape.order);
  }
  htf_tree_destroy(&tree);
  return status;
}

static htf_status resolve_trees(check *c, int which) {
  static const char *const keys[2][6] = {
      [HTF_PLAN__MODEL] = {"model.tree", "problem.shape", "model.width", "problem.file"},
      [HTF_PLAN__TARGET] = {"problem.target.tree", "problem.shape", "problem.target.kind",
                            "problem.target.width", "problem.file"}};
  htf_status status = HTF_OK;
  bool good;
  HTF_TRY(open_check(c, keys[which], &good));
  if (!good) {
    goto done;
  }
  HTF_NEW(c->plan->newick[which], c->group.combinations);
  c->plan->tree_group[which].combinations = c->group.combinations;
  for (; c->combination < c->group.combinations; c->combination++) {
    HTF_TRY(apply(c));
    bool file = c->spec->problem.file[0] != '\0';
    // Wrong counts have been complained of; the shape is there all the same.
    status = htf_plan__resolve_counts(c->plan, c->spec);
    htf_error_clear();
    if (status == HTF_E_MEMORY) {
      goto done;
    }
    if (which == HTF_PLAN__MODEL || !file) {
      status = resolve_tree(c->spec, which, &c->plan->newick[which][c->combination]);
      HTF_TRY(htf_plan__note(c->reader->errors, blame(c, keys[which]), status));
    }
    status = HTF_OK;
  }
done:
  if (status == HTF_OK && good) {
    htf_plan__group_clear(&c->plan->tree_group[which]);
    c->plan->tree_group[which] = c->group;
    c->group = (htf_plan__group){0};
  }
  close_check(c);
  return status;
}

htf_status htf_plan__resolve(htf_plan *plan, const htf_plan_source *source,
                             htf_plan__reader *reader) {
  static const char *const said_by_file[] = {"problem.shape",       "problem.samples",
                                             "problem.test",        "problem.target.kind",
                                             "problem.target.tree", "problem.target.width",
                                             "problem.target.norm"};
  htf_status status = HTF_OK;
  check c = {.plan = plan, .source = source, .reader = reader};
  HTF_NEW(c.spec, 1);
  HTF_TRY(describe_all(&c));
  for (size_t i = 0; i < sizeof said_by_file / sizeof *said_by_file; i++) {
    if (plan->files > 0) {
      HTF_TRY(check_given_twice(&c, said_by_file[i]));
    }
  }
  HTF_TRY(check_all_counts(&c));
  HTF_TRY(resolve_trees(&c, HTF_PLAN__MODEL));
  HTF_TRY(resolve_trees(&c, HTF_PLAN__TARGET));
done:
  HTF_FREE(c.spec);
  return status;
}

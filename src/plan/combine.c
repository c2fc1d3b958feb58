// SPDX-License-Identifier: BSD-3-Clause
// Combinations of the values of some axes. Only axes that touch the same question are
// multiplied, so a sweep of 10^6 points is checked by a few combinations.
#include <stdio.h>

#include "htflow/memory.h"
#include "plan_impl.h"

enum { MOST_COMBINATIONS = 1 << 20 };

void htf_plan__group_clear(htf_plan__group *group) {
  HTF_FREE(group->axis);
  group->axes = 0;
}

static bool broken(const htf_plan__check *c) {
  int count;
  const htf_field *first = htf_spec_fields(&count);
  for (const char *const *keys = c->keys; *keys != NULL; keys++) {
    if (c->reader->broken[htf_spec_field(*keys) - first]) {
      return true;
    }
  }
  return false;
}

// Whether an axis, or one that moves with it, touches one of the keys.
static bool touches(const htf_plan__axis *axis, const char *const *keys) {
  for (; *keys != NULL; keys++) {
    for (int i = 0; i < axis->members; i++) {
      if (htf_plan__axis_touches(&axis[i], htf_spec_field(*keys))) {
        return true;
      }
    }
  }
  return false;
}

static bool is_named(const htf_plan__axis *axis, const htf_plan__where *where) {
  int count;
  const htf_field *field = htf_spec_fields(&count);
  for (int f = 0; f < count; f++) {
    for (int i = 0; i < axis->members && htf_plan__where_names(where, &field[f]); i++) {
      if (htf_plan__axis_touches(&axis[i], &field[f])) {
        return true;
      }
    }
  }
  return false;
}

// Takes an axis of the block into a group; false if there are too many combinations then.
static bool join(htf_plan__group *group, const htf_plan *plan, int axis) {
  group->axis[group->axes++] = axis;
  return !__builtin_mul_overflow(group->combinations, plan->axis[axis].count,
                                 &group->combinations) &&
         group->combinations <= MOST_COMBINATIONS;
}

// The axes of a block that touch one of the keys, a NULL-ended list.
static htf_status group_create(const htf_plan *plan, int block, const char *const *keys,
                               htf_plan__group *group) {
  htf_status status = HTF_OK;
  const htf_plan__block *b = &plan->block[block];
  group->axes = 0;
  group->combinations = 1;
  HTF_NEW(group->axis, b->axes);
  for (int i = b->first; i < b->first + b->axes; i++) {
    if (touches(&plan->axis[i], keys)) {
      HTF_CHECK(join(group, plan, i), HTF_E_CONFIG,
                "the axes that touch %s have more than %d combinations to check", keys[0],
                MOST_COMBINATIONS);
    }
  }
done:
  return status;
}

int64_t htf_plan__combination(const htf_plan *plan, const htf_plan__group *group,
                              int64_t local) {
  int64_t combination = 0;
  for (int i = 0; i < group->axes; i++) {
    const htf_plan__axis *axis = &plan->axis[group->axis[i]];
    combination = combination * axis->count + local / axis->stride % axis->count;
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

static htf_status apply(const htf_plan *plan, const htf_plan__group *group,
                        int64_t combination, htf_spec *spec) {
  htf_status status = HTF_OK;
  for (int i = 0; i < group->axes; i++) {
    const htf_plan__axis *axis = &plan->axis[group->axis[i]];
    for (int j = 0; j < axis->members; j++) {
      HTF_TRY(htf_plan__axis_apply(&axis[j], value_at(plan, group, combination, i), spec));
    }
  }
done:
  return status;
}

// Where the field got its value in this combination; false if it has its default.
bool htf_plan__find_place(const htf_plan__check *c, const char *key,
                          htf_plan__place *place) {
  const htf_field *field = htf_spec_field(key);
  for (int i = 0; i < c->group.axes; i++) {
    const htf_plan__axis *axis = &c->plan->axis[c->group.axis[i]];
    for (int j = 0; j < axis->members; j++) {
      if (htf_plan__axis_place(&axis[j], value_at(c->plan, &c->group, c->combination, i),
                               field, place)) {
        return true;
      }
    }
  }
  const htf_plan__setting *setting = htf_plan__find(&c->plan->given, field);
  if (setting != NULL) {
    *place = setting->place;
  }
  return setting != NULL;
}

htf_plan__place htf_plan__blame(const htf_plan__check *c) {
  htf_plan__place place = {.line = 1, .column = 1};
  for (const char *const *keys = c->keys; *keys != NULL; keys++) {
    if (htf_plan__find_place(c, *keys, &place)) {
      break;
    }
  }
  return place;
}

htf_status htf_plan__open_check(htf_plan__check *c, const char *const *keys, bool *good) {
  htf_status status = HTF_OK;
  *good = false;
  c->keys = keys;
  c->combination = 0;
  if (!broken(c)) {
    status = group_create(c->plan, c->block, keys, &c->group);
    *good = status == HTF_OK;
    if (!*good) {
      HTF_TRY(htf_plan__note(c->reader->errors, htf_plan__blame(c), status));
    }
  }
done:
  return status;
}

void htf_plan__close_check(htf_plan__check *c) {
  htf_plan__group_clear(&c->group);
}

// ---- what `where` drops ----------------------------------------------------------------

// Whether some point of this combination is kept: the axes that `where` names are gone
// through as well. Where they are too many, one is held to be; and none where a condition
// could not be read, which must be put right first.
static htf_status is_kept(htf_plan__check *c, bool *kept) {
  htf_status status = HTF_OK;
  const htf_plan *plan = c->plan;
  const htf_plan__block *b = &plan->block[c->block];
  htf_plan__group rest = {.combinations = 1};
  htf_spec *spec = NULL;
  *kept = false;
  if (plan->where.broken) {
    return status;
  }
  HTF_NEW(spec, 1);
  HTF_NEW(rest.axis, b->axes);
  for (int i = b->first; i < b->first + b->axes && !*kept; i++) {
    bool in = false;
    for (int j = 0; j < c->group.axes; j++) {
      in = in || c->group.axis[j] == i;
    }
    if (!in && is_named(&plan->axis[i], &plan->where)) {
      *kept = !join(&rest, plan, i);
    }
  }
  for (int64_t i = 0; i < rest.combinations && !*kept; i++) {
    *spec = plan->base;
    HTF_TRY(apply(plan, &c->group, c->combination, spec));
    HTF_TRY(apply(plan, &rest, i, spec));
    status = htf_plan__resolve_counts(plan, spec);
    if (status == HTF_E_CONFIG) { // said where counts are checked
      htf_error_clear();
      status = HTF_OK;
    }
    HTF_TRY(status);
    *kept = htf_plan__where_holds(&plan->where, spec);
  }
done:
  htf_plan__group_clear(&rest);
  HTF_FREE(spec);
  return status;
}

// An error of this combination, if there is one, is told unless no point has it.
static htf_status tell(htf_plan__check *c, htf_status found) {
  htf_status status = HTF_OK;
  char words[HTF_MAX_TEXT];
  bool kept = true;
  bool drops = c->plan->where.conditions > 0 || c->plan->where.broken;
  if (found == HTF_E_CONFIG && drops) {
    snprintf(words, sizeof words, "%s", htf_error_message());
    htf_error_clear();
    HTF_TRY(is_kept(c, &kept));
    return kept ? htf_plan__complain(c->reader->errors, htf_plan__blame(c), "%s", words)
                : HTF_OK;
  }
  HTF_TRY(htf_plan__note(c->reader->errors, htf_plan__blame(c), found));
done:
  return status;
}

// ---- walking ---------------------------------------------------------------------------

htf_status htf_plan__walk(htf_plan__check *c, htf_plan__visit *visit) {
  htf_status status = HTF_OK;
  for (; c->combination < c->group.combinations; c->combination++) {
    *c->spec = c->plan->base;
    HTF_TRY(apply(c->plan, &c->group, c->combination, c->spec));
    HTF_TRY(tell(c, visit(c)));
  }
done:
  return status;
}

htf_status htf_plan__each(htf_plan__check *c, const char *const *keys,
                          htf_plan__visit *visit) {
  htf_status status = HTF_OK;
  bool good;
  for (c->block = 0; c->block < c->plan->blocks; c->block++) {
    HTF_TRY(htf_plan__open_check(c, keys, &good));
    if (good) {
      HTF_TRY(htf_plan__walk(c, visit));
    }
    htf_plan__close_check(c);
  }
done:
  htf_plan__close_check(c);
  return status;
}

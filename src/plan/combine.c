// SPDX-License-Identifier: BSD-3-Clause
// Combinations of the values of some axes. Only axes that touch the same question are
// multiplied, so a sweep of 10^6 runs is checked by a few combinations.
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

static htf_status apply(htf_plan__check *c) {
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
bool htf_plan__find_place(const htf_plan__check *c, const char *key,
                          htf_plan__place *place) {
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
    status = group_create(c->plan, keys, &c->group);
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

htf_status htf_plan__walk(htf_plan__check *c, htf_plan__visit *visit) {
  htf_status status = HTF_OK;
  for (; c->combination < c->group.combinations; c->combination++) {
    HTF_TRY(apply(c));
    status = visit(c);
    HTF_TRY(htf_plan__note(c->reader->errors, htf_plan__blame(c), status));
  }
done:
  return status;
}

htf_status htf_plan__each(htf_plan__check *c, const char *const *keys,
                          htf_plan__visit *visit) {
  htf_status status = HTF_OK;
  bool good;
  HTF_TRY(htf_plan__open_check(c, keys, &good));
  if (good) {
    HTF_TRY(htf_plan__walk(c, visit));
  }
done:
  htf_plan__close_check(c);
  return status;
}

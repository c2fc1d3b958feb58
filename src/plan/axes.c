// SPDX-License-Identifier: BSD-3-Clause
// Lists of axes: zips, blocks, and how many points there are.
#include <stdio.h>
#include <string.h>

#include "htflow/memory.h"
#include "plan_impl.h"

enum { MOST_BLOCKS = 1000 };

// ---- whether they go together ----------------------------------------------------------

// Two axes of a block must not move the same field, nor be labelled alike.
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

// ---- one axis, one zip -----------------------------------------------------------------

// Adds the axis of a node to the block that is being read; *added says whether it is good.
static htf_status add_axis(htf_plan *plan, htf_plan__reader *reader,
                           const htf_plan__node *node, bool *added) {
  htf_status status = HTF_OK;
  htf_plan__block *block = &plan->block[plan->blocks - 1];
  if ((plan->axes & (plan->axes - 1)) == 0) {
    HTF_RESIZE(plan->axis, plan->axes == 0 ? 1 : 2 * plan->axes);
  }
  htf_plan__axis *axis = &plan->axis[plan->axes];
  *axis = (htf_plan__axis){.members = 1};
  status = htf_plan__axis_read(reader, node, axis);
  *added = status == HTF_OK && axis->count > 0;
  if (!*added) {
    htf_plan__axis_clear(axis);
    goto done;
  }
  plan->axes++;
  block->axes++;
  HTF_TRY(check_overrides(plan, reader, axis));
  for (int i = block->first; i < plan->axes - 1; i++) {
    HTF_TRY(check_pair(reader, axis, &plan->axis[i]));
  }
done:
  return status;
}

// The axes of a zip stand one after another; the first one counts them.
static htf_status add_zip(htf_plan *plan, htf_plan__reader *reader,
                          const htf_plan__node *list) {
  htf_status status = HTF_OK;
  char got[HTF_MAX_LABEL];
  int first = plan->axes;
  bool added;
  if (list->kind != HTF_PLAN__LIST || list->count == 0) {
    return htf_plan__complain(
        reader->errors, list->place, "zip wants a list of axes that move together, got %s",
        list->kind == HTF_PLAN__LIST ? "an empty one" : htf_plan__describe(list, got));
  }
  for (int i = 0; i < list->count; i++) {
    HTF_TRY(add_axis(plan, reader, list->item[i], &added));
    int last = plan->axes - 1;
    if (added && last > first) {
      plan->axis[first].members++;
      plan->axis[last].members = 0;
      if (plan->axis[last].count != plan->axis[first].count) {
        HTF_TRY(htf_plan__complain(
            reader->errors, plan->axis[last].place,
            "axes of a zip move together: %s has %lld values, %s has %lld",
            plan->axis[last].key, (long long)plan->axis[last].count, plan->axis[first].key,
            (long long)plan->axis[first].count));
        htf_plan__mark(reader, plan->axis[last].key);
        htf_plan__axis_clear(&plan->axis[last]);
        plan->axis[first].members--;
        plan->block[plan->blocks - 1].axes--;
        plan->axes--;
      }
    }
  }
done:
  return status;
}

static const htf_plan__node *zip_of(const htf_plan__node *node) {
  for (int i = 0; i < node->count && node->kind == HTF_PLAN__MAP; i++) {
    const htf_plan__node *key = node->item[2 * i];
    if (key->kind == HTF_PLAN__SCALAR && strcmp(key->text, "zip") == 0) {
      return node->item[2 * i + 1];
    }
  }
  return NULL;
}

static htf_status add_item(htf_plan *plan, htf_plan__reader *reader,
                           const htf_plan__node *node) {
  bool added;
  const htf_plan__node *zip = zip_of(node);
  if (zip == NULL) {
    return add_axis(plan, reader, node, &added);
  }
  if (node->count > 1) {
    return htf_plan__complain(reader->errors, node->place,
                              "zip stands alone: - zip: [{..}, {..}]");
  }
  return add_zip(plan, reader, zip);
}

// ---- lists and blocks ------------------------------------------------------------------

// A list of axes, or nothing.
static htf_status add_list(htf_plan *plan, htf_plan__reader *reader, const char *name,
                           const htf_plan__node *list) {
  htf_status status = HTF_OK;
  char got[HTF_MAX_LABEL];
  if (list->kind != HTF_PLAN__LIST) {
    return htf_plan__is_null(list)
               ? HTF_OK
               : htf_plan__complain(reader->errors, list->place,
                                    "%s wants a list of axes, got %s", name,
                                    htf_plan__describe(list, got));
  }
  for (int i = 0; i < list->count; i++) {
    HTF_TRY(add_item(plan, reader, list->item[i]));
  }
done:
  return status;
}

// A block has the file's `axes`, which are slower, and its own.
static htf_status add_block(htf_plan *plan, htf_plan__reader *reader,
                            const htf_plan__node *axes, const htf_plan__node *own) {
  htf_status status = HTF_OK;
  HTF_RESIZE(plan->block, plan->blocks + 1);
  htf_plan__block *block = &plan->block[plan->blocks];
  *block = (htf_plan__block){.first = plan->axes};
  plan->blocks++;
  if (axes != NULL) {
    HTF_TRY(add_list(plan, reader, "axes", axes));
  }
  block->common = block->axes;
  if (own != NULL) {
    HTF_TRY(add_list(plan, reader, "a block", own));
  }
done:
  return status;
}

// Strides from the last axis, which is the fastest, to the first.
static htf_status count_points(htf_plan *plan, const htf_plan__reader *reader,
                               htf_plan__block *block) {
  htf_status status = HTF_OK;
  block->start = plan->points;
  block->points = 1;
  for (int i = block->first + block->axes - 1; i >= block->first; i--) {
    int leader = i;
    while (plan->axis[leader].members == 0) {
      leader--;
    }
    for (int j = leader; j <= i; j++) {
      plan->axis[j].stride = block->points;
    }
    HTF_CHECK(plan->axis[leader].count <= reader->most / block->points, HTF_E_CONFIG,
              "the axes multiply to more than %lld points", (long long)reader->most);
    block->points *= plan->axis[leader].count;
    i = leader;
  }
  HTF_CHECK(plan->points + block->points <= reader->most, HTF_E_CONFIG,
            "the blocks add up to more than %lld points", (long long)reader->most);
  plan->points += block->points;
done:
  return status;
}

htf_status htf_plan__read_axes(htf_plan *plan, htf_plan__reader *reader,
                               const htf_plan__node *axes, const htf_plan__node *blocks) {
  htf_status status = HTF_OK;
  char got[HTF_MAX_LABEL];
  bool list = blocks != NULL && blocks->kind == HTF_PLAN__LIST && blocks->count > 0;
  if (blocks != NULL && !list) {
    HTF_TRY(htf_plan__complain(
        reader->errors, blocks->place, "blocks wants a list of lists of axes, got %s",
        blocks->kind == HTF_PLAN__LIST ? "an empty one" : htf_plan__describe(blocks, got)));
  } else if (list && blocks->count > MOST_BLOCKS) {
    HTF_TRY(htf_plan__complain(reader->errors, blocks->place, "more than %d blocks",
                               MOST_BLOCKS));
    list = false;
  }
  for (int i = 0; i < (list ? blocks->count : 1); i++) {
    HTF_TRY(add_block(plan, reader, axes, list ? blocks->item[i] : NULL));
  }
  plan->by_blocks = list;
  const htf_plan__node *blame = list ? blocks : axes;
  for (int i = 0; i < plan->blocks; i++) {
    status = count_points(plan, reader, &plan->block[i]);
    if (status == HTF_E_CONFIG) {
      plan->points = 0;
      return htf_plan__note(reader->errors,
                            blame != NULL ? blame->place : (htf_plan__place){1, 1, NULL},
                            status);
    }
  }
done:
  return status;
}

// ---- columns ---------------------------------------------------------------------------

// The axes of all blocks by their labels. A common axis is the same in every block; others
// of one label add up their values.
htf_status htf_plan__make_columns(htf_plan *plan) {
  htf_status status = HTF_OK;
  HTF_NEW(plan->column, plan->axes);
  for (int b = 0; b < plan->blocks; b++) {
    const htf_plan__block *block = &plan->block[b];
    for (int i = 0; i < block->axes; i++) {
      htf_plan__axis *axis = &plan->axis[block->first + i];
      int at = 0;
      while (at < plan->columns && strcmp(plan->column[at].label, axis->label) != 0) {
        at++;
      }
      htf_plan__column *column = &plan->column[at];
      if (at == plan->columns) {
        *column = (htf_plan__column){axis->label, axis->field, 0};
        plan->columns++;
      }
      bool same = b > 0 && i < block->common;
      axis->column = at;
      axis->offset = same ? plan->axis[i].offset : column->count;
      column->count += same ? 0 : axis->count;
    }
  }
done:
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
// What the user should know of a plan that is no error.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "htflow/memory.h"
#include "plan_impl.h"

static HTF_PRINTF(2, 3) htf_status warn(htf_plan *plan, const char *format, ...) {
  htf_status status = HTF_OK;
  char text[HTF_MAX_TEXT], *copy = NULL;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  HTF_RESIZE(plan->warning, plan->warnings + 1);
  HTF_NEW(copy, strlen(text) + 1);
  strcpy(copy, text);
  plan->warning[plan->warnings++] = copy;
done:
  return status;
}

// Whether some value that the field takes, on axes or in the base, is one that is needed.
// Each field is looked at by itself.
static htf_status can_be(const htf_plan *plan, const htf_field *field, const char *values,
                         htf_spec *scratch, bool *found) {
  htf_status status = HTF_OK;
  char text[HTF_MAX_TEXT];
  bool moves = false;
  *found = false;
  for (int i = 0; i < plan->axes && !*found; i++) {
    const htf_plan__axis *axis = &plan->axis[i];
    bool touches = htf_plan__axis_touches(axis, field);
    moves = moves || (touches && plan->blocks == 1 && axis->field == field);
    for (int64_t v = 0; v < axis->count && touches && !*found; v++) {
      *scratch = plan->base;
      HTF_TRY(htf_plan__axis_apply(axis, v, scratch));
      htf_spec_print(scratch, field, text, sizeof text);
      *found = htf_plan__is_word_of(values, text);
    }
  }
  if (!moves && !*found) {
    htf_spec_print(&plan->base, field, text, sizeof text);
    *found = htf_plan__is_word_of(values, text);
  }
done:
  return status;
}

bool htf_plan__is_word_of(const char *words, const char *word) {
  size_t length = strlen(word);
  for (const char *at = words; *at != '\0'; at += strspn(at, "|")) {
    size_t here = strcspn(at, "|");
    if (here == length && strncmp(at, word, length) == 0) {
      return true;
    }
    at += here;
  }
  return false;
}

static bool is_given(const htf_plan *plan, const htf_field *field) {
  bool given = htf_plan__find(&plan->given, field) != NULL;
  for (int i = 0; i < plan->axes && !given; i++) {
    given = htf_plan__axis_touches(&plan->axis[i], field);
  }
  return given;
}

// "gd, momentum or adam"
static void list_words(const char *words, char *text, size_t size) {
  size_t used = 0;
  for (const char *at = words; *at != '\0' && used < size; at += strspn(at, "|")) {
    size_t here = strcspn(at, "|");
    const char *between = at == words ? "" : strchr(at, '|') == NULL ? " or " : ", ";
    used += (size_t)snprintf(text + used, size - used, "%s%.*s", between, (int)here, at);
    at += here;
  }
}

// A given key that changes no run.
static htf_status warn_of(htf_plan *plan, const htf_field *field, htf_spec *scratch) {
  htf_status status = HTF_OK;
  const htf_field *by;
  const char *values;
  char words[HTF_MAX_TEXT] = "";
  bool found = true;
  for (int i = 0; found && htf_spec_need(field, i, &by, &values); i++) {
    HTF_TRY(can_be(plan, by, values, scratch, &found));
  }
  if (!found) {
    list_words(values, words, sizeof words);
    HTF_TRY(warn(plan, "%s changes nothing: it takes %s %s", field->key, by->key, words));
  }
done:
  return status;
}

htf_status htf_plan__warn(htf_plan *plan) {
  htf_status status = HTF_OK;
  htf_spec *scratch = NULL;
  int count;
  const htf_field *field = htf_spec_fields(&count);
  HTF_NEW(scratch, 1);
  for (int i = 0; i < count; i++) {
    if (is_given(plan, &field[i])) {
      HTF_TRY(warn_of(plan, &field[i], scratch));
    }
  }
  if (plan->duplicates > 0) {
    HTF_TRY(warn(plan,
                 "%lld of %lld points are the same run as an earlier one, and are "
                 "run once",
                 (long long)plan->duplicates, (long long)(plan->points - plan->excluded)));
  }
done:
  HTF_FREE(scratch);
  return status;
}

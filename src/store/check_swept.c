// SPDX-License-Identifier: BSD-3-Clause
// What the checker must know of a run's parameters: the tolerance of a method that follows
// the flow, where the loss has no kinks, and whether the model's root is frozen. Of the
// resolved sweep, but where they are on an axis.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_impl.h"
#include "hdf5_impl.h"
#include "htflow/memory.h"

enum { VALUE = 64 };

// The value of a key of a section in a resolved sweep; "" if it has none there. A resolved
// sweep has a line a key, two spaces below its section.
static void find_key(const char *sweep, const char *section, const char *key,
                     char value[VALUE]) {
  char head[VALUE];
  snprintf(head, sizeof head, "\n%s:\n", section);
  const char *line = strstr(sweep, head);
  value[0] = '\0';
  for (line = line != NULL ? strchr(line + 1, '\n') : NULL;
       line != NULL && strncmp(line, "\n  ", 3) == 0; line = strchr(line + 1, '\n')) {
    size_t length = strlen(key);
    if (strncmp(line + 3, key, length) == 0 && line[3 + length] == ':') {
      sscanf(line + 3 + length, ": %63s", value);
      return;
    }
  }
}

// The value of a key in an axis' text, "{kind: cp, width: 3}"; left as it is if it has
// none.
static void find_in_map(const char *map, const char *key, char value[VALUE]) {
  size_t length = strlen(key);
  for (const char *at = strpbrk(map, "{,"); at != NULL; at = strpbrk(at, "{,")) {
    at += 1 + strspn(at + 1, " ");
    if (strncmp(at, key, length) == 0 && at[length] == ':') {
      sscanf(at + length, ": %63[^ ,}]", value);
      return;
    }
  }
}

// A parameter of all runs: as the base has it, by an axis of its own, or by one of its
// section.
typedef struct parameter {
  const char *key;
  char base[VALUE];
  htf_check__texts own, section;
} parameter;

static htf_status read_axis(const htf_reader__file *group, const char *name,
                            htf_check__texts *texts) {
  htf_status status = HTF_OK;
  if (htf_reader__exists(group->at, name)) {
    HTF_TRY(htf_check__read_texts(group, name, texts));
  }
done:
  return status;
}

static htf_status read_parameter(const htf_reader__file *group, const char *sweep,
                                 const char *section, const char *key, bool text,
                                 parameter *p) {
  htf_status status = HTF_OK;
  char name[VALUE];
  p->key = key;
  find_key(sweep, section, key, p->base);
  snprintf(name, sizeof name, "%s_%s", section, key);
  if (text) {
    HTF_TRY(read_axis(group, name, &p->own));
  }
  HTF_TRY(read_axis(group, section, &p->section));
done:
  return status;
}

static void drop_parameter(parameter *p) {
  htf_check__drop_texts(&p->own);
  htf_check__drop_texts(&p->section);
}

static void value_of(const parameter *p, int64_t run, char value[VALUE]) {
  memcpy(value, p->base, VALUE);
  if (p->section.text != NULL && run < p->section.count) {
    find_in_map(htf_check__text(&p->section, run), p->key, value);
  }
  if (p->own.text != NULL && run < p->own.count) {
    snprintf(value, VALUE, "%s", htf_check__text(&p->own, run));
  }
}

static bool is_one_of(const char *value, const char *const *names, int count) {
  for (int i = 0; i < count; i++) {
    if (strcmp(value, names[i]) == 0) {
      return true;
    }
  }
  return false;
}

static void describe_run(const parameter *method, const parameter *rtol,
                         const parameter *loss, const parameter *kind, const double *rtols,
                         int64_t run, htf_check__runs *runs) {
  static const char *const flows[] = {"bdf", "adams", "erk"}, *const frozen[] = {"cp",
                                                                                 "mf"};
  char value[VALUE], number[VALUE];
  value_of(method, run, value);
  value_of(rtol, run, number);
  double own = rtols != NULL ? rtols[run] : number[0] != '\0' ? strtod(number, NULL) : NAN;
  bool flow = is_one_of(value, flows, 3);
  value_of(loss, run, value);
  runs->rtol[run] = flow && strcmp(value, "l1") != 0 ? own : NAN;
  value_of(kind, run, value);
  runs->frozen[run] = is_one_of(value, frozen, 2);
}

htf_status htf_check__parameters(const htf_check__state *state,
                                 const htf_reader__file *group, htf_check__runs *runs) {
  htf_status status = HTF_OK;
  htf_check__texts sweep = {0};
  parameter method = {0}, rtol = {0}, loss = {0}, kind = {0};
  double *rtols = NULL;
  const char *text = "";
  if (H5Aexists(state->file.at, "sweep_resolved") > 0) {
    HTF_TRY(htf_check__attribute_texts(state->file.at, "sweep_resolved", &sweep));
    HTF_CHECK(sweep.count == 1, HTF_E_DATA, "attribute sweep_resolved is not one text");
    text = htf_check__text(&sweep, 0);
  }
  HTF_TRY(read_parameter(group, text, "flow", "method", true, &method));
  HTF_TRY(read_parameter(group, text, "flow", "rtol", false, &rtol));
  HTF_TRY(read_parameter(group, text, "loss", "kind", true, &loss));
  HTF_TRY(read_parameter(group, text, "model", "kind", true, &kind));
  if (htf_reader__exists(group->at, "flow_rtol")) {
    HTF_TRY(htf_check__read_column(group, "flow_rtol", HTF_READER_NUMBERS, runs->count,
                                   NULL, (void **)&rtols));
  }
  for (int64_t i = 0; i < runs->count; i++) {
    describe_run(&method, &rtol, &loss, &kind, rtols, i, runs);
  }
done:
  HTF_FREE(rtols);
  drop_parameter(&method);
  drop_parameter(&rtol);
  drop_parameter(&loss);
  drop_parameter(&kind);
  htf_check__drop_texts(&sweep);
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
// htflow explain: all that is known of one run of a sweep directory.
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_impl.h"
#include "htflow/clock.h"
#include "htflow/journal.h"
#include "htflow/memory.h"
#include "progress_impl.h"

static const char *const meanings[] = {
#define MEANING(name, text, meaning) [HTF_STOP_##name] = meaning,
    HTF_STOP_REASON_TABLE(MEANING)
#undef MEANING
};

// ---- which run --------------------------------------------------------------------------

typedef struct search {
  const char *text;
  int64_t found;
  int count;
} search;

static htf_status compare_identity(void *context, int64_t run, const htf_spec *spec,
                                   const htf_digest *identity) {
  search *s = context;
  char text[HTF_DIGEST_TEXT];
  (void)spec;
  htf_digest_text(identity, text);
  if (strncmp(text, s->text, strlen(s->text)) == 0) {
    s->found = run;
    s->count++;
  }
  return HTF_OK;
}

// An index from 0, or the beginning of an identity.
static htf_status find_run(const htf_plan *plan, const char *text, int64_t *run) {
  htf_status status = HTF_OK;
  char *end;
  search s = {.text = text};
  long long index = strtoll(text, &end, 10);
  if (isdigit((unsigned char)text[0]) && *end == '\0' && strlen(text) < 12) {
    HTF_CHECK(index < htf_plan_runs(plan), HTF_E_USAGE,
              "no run %lld: the sweep has %lld, from 0", index,
              (long long)htf_plan_runs(plan));
    *run = index;
    return HTF_OK;
  }
  HTF_CHECK(
      strlen(text) >= 4 && strspn(text, "0123456789abcdef") == strlen(text), HTF_E_USAGE,
      "%s: wants a run's index, or the first 4 or more characters of its identity", text);
  HTF_TRY(htf_cli__identities(plan, compare_identity, &s));
  HTF_CHECK(s.count > 0, HTF_E_USAGE, "no run's identity begins with %s", text);
  HTF_CHECK(s.count == 1, HTF_E_USAGE, "%d runs' identities begin with %s", s.count, text);
  *run = s.found;
done:
  return status;
}

// ---- the run alone, as a sweep file -----------------------------------------------------

static void print_quoted(FILE *out, const char *text) {
  fputc('"', out);
  for (; *text != '\0'; text++) {
    fprintf(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
  }
  fputc('"', out);
}

// As in a sweep file; of a whole section the label has underscores for dots.
static const char *axis_key(const htf_plan *plan, int axis, char key[HTF_MAX_LABEL]) {
  const htf_field *field = htf_plan_axis_field(plan, axis);
  snprintf(key, HTF_MAX_LABEL, "%s",
           field != NULL ? field->key : htf_plan_axis_label(plan, axis));
  for (char *at = key; field == NULL && *at != '\0'; at++) {
    *at = *at == '_' ? '.' : *at;
  }
  return key;
}

static void print_axis(FILE *out, const char *key, const htf_field *field,
                       const char *text) {
  bool words = field != NULL &&
               (field->type == HTF_FIELD_TEXT || field->type == HTF_FIELD_TREE) &&
               text[0] != '{';
  fprintf(out, "  - {key: %s, values: [", key);
  if (words) {
    print_quoted(out, text);
  } else {
    fprintf(out, "%s", text);
  }
  fprintf(out, "]}\n");
}

// The resolved sweep up to its axes, each of which then has this run's value alone.
static void print_alone(FILE *out, const htf_plan *plan, int64_t run) {
  const char *text = htf_plan_resolved(plan);
  char value[HTF_MAX_NEWICK], key[HTF_MAX_LABEL];
  while (*text != '\0' && strncmp(text, "axes:", 5) != 0 &&
         strncmp(text, "where:", 6) != 0 && strncmp(text, "blocks:", 7) != 0) {
    size_t line = strcspn(text, "\n");
    fprintf(out, "%.*s\n", (int)line, text);
    text += line + (text[line] == '\n');
  }
  fprintf(out, htf_plan_axes(plan) > 0 ? "axes:\n" : "axes: []\n");
  for (int axis = 0; axis < htf_plan_axes(plan); axis++) {
    int64_t at = htf_plan_axis_at(plan, axis, run);
    const htf_field *field = htf_plan_axis_field(plan, axis);
    htf_plan_axis_text(plan, axis, at, value, sizeof value);
    if (at >= 0) {
      print_axis(out, axis_key(plan, axis, key), field, value);
    }
  }
}

// As text, having checked that it means this very run.
static htf_status write_alone(const htf_plan *plan, int64_t run, char **text) {
  htf_status status = HTF_OK;
  htf_plan *alone = NULL;
  htf_spec spec;
  htf_digest wanted, got;
  size_t size = 0;
  char *buffer = NULL;
  FILE *out = open_memstream(&buffer, &size);
  HTF_CHECK(out != NULL, HTF_E_MEMORY, "no memory for a sweep file");
  print_alone(out, plan, run);
  HTF_CHECK(fclose(out) == 0, HTF_E_MEMORY, "no memory for a sweep file");
  HTF_TRY(htf_cli__text_plan("the run alone", buffer, &alone));
  HTF_TRY(htf_plan_spec(plan, run, &spec));
  HTF_TRY(htf_spec_identity(&spec, &wanted));
  HTF_TRY(htf_plan_spec(alone, 0, &spec));
  HTF_TRY(htf_spec_identity(&spec, &got));
  HTF_CHECK(htf_plan_runs(alone) == 1 && memcmp(&wanted, &got, sizeof got) == 0,
            HTF_E_INTERNAL, "the sweep file of run %lld means another:\n%s", (long long)run,
            buffer);
  *text = buffer;
  buffer = NULL;
done:
  free(buffer);
  htf_plan_destroy(&alone);
  return status;
}

// ---- what is said -----------------------------------------------------------------------

typedef struct subject {
  const char *directory;
  const htf_plan *plan;
  htf_archive *archive;
  htf_archive_writer *writer;
  int64_t run;
  htf_digest identity;
  htf_archive_place place;
} subject;

static void print_point(const subject *s) {
  char value[HTF_MAX_NEWICK], key[HTF_MAX_LABEL];
  for (int axis = 0; axis < htf_plan_axes(s->plan); axis++) {
    int64_t at = htf_plan_axis_at(s->plan, axis, s->run);
    htf_plan_axis_text(s->plan, axis, at, value, sizeof value);
    printf("  %-22s %s\n", axis_key(s->plan, axis, key), value);
  }
}

static void print_record(const subject *s, const htf_record *record) {
  char date[32], wall[32];
  htf_clock_format(record->timing.started, date, sizeof date);
  printf("%s: %s\n", htf_run_state_text(record->state),
         record->message[0] != '\0' ? record->message : meanings[record->stop_reason]);
  printf("  on                     %s, rank %lld, journal %s\n", record->timing.host,
         (long long)record->timing.rank, s->writer[s->place.writer].name);
  printf("  started                %s, took %s, %s of processor time\n", date,
         htf_cli__duration(record->timing.wall, wall),
         htf_cli__duration(record->timing.cpu, (char[32]){0}));
  printf("  attempts               %lld, records in the journals %lld\n",
         (long long)record->timing.attempts, (long long)s->place.records);
#define PRINT_REAL(name)                             printf("  %-22s %.9g\n", #name, record->name);
#define PRINT_INTEGER(name)                          printf("  %-22s %lld\n", #name, (long long)record->name);
#define PRINT(type, name, units, long_name, comment) PRINT_##type(name)
  HTF_RECORD_SCALAR_TABLE(PRINT)
#undef PRINT
#undef PRINT_INTEGER
#undef PRINT_REAL
  printf("  %-22s %lld\n  %-22s %lld\n", "samples", (long long)record->samples,
         "weights kept", (long long)record->weight_count);
}

static void print_checkpoint(const subject *s) {
  char date[32];
  if (s->place.state == HTF_RUN_PENDING) {
    printf("pending: it has no record yet\n");
  }
  if (s->place.checkpoint >= 0) {
    htf_clock_format(s->place.checkpoint_at, date, sizeof date);
    printf("  checkpoint             of %s, in journal %s: htflow run goes on from it\n",
           date, s->writer[s->place.checkpoint].name);
  }
}

static htf_status print_all(const subject *s) {
  htf_status status = HTF_OK;
  char text[HTF_DIGEST_TEXT];
  htf_record record;
  htf_record_init(&record);
  htf_digest_text(&s->identity, text);
  printf("run %lld of %lld of %s, identity %s\n", (long long)s->run,
         (long long)htf_plan_runs(s->plan), htf_plan_name(s->plan), text);
  print_point(s);
  if (s->place.state != HTF_RUN_PENDING) {
    HTF_TRY(htf_archive_get(s->archive, &s->identity, &record));
    print_record(s, &record);
  }
  print_checkpoint(s);
  printf("alone, elsewhere, to the same bits:\n"
         "  htflow explain %s %lld --yaml > run-%lld.yaml\n"
         "  htflow run run-%lld.yaml --out run-%lld\n",
         s->directory, (long long)s->run, (long long)s->run, (long long)s->run,
         (long long)s->run);
  if (s->place.state == HTF_RUN_FAILED) {
    printf("again, here, with all that failed: htflow run with --retry-failed\n");
  }
done:
  htf_record_clear(&record);
  return status;
}

static htf_status explain(const char *directory, const char *which, bool yaml) {
  htf_status status = HTF_OK;
  htf_plan *plan = NULL;
  char *alone = NULL;
  htf_spec spec;
  subject s = {.directory = directory};
  HTF_TRY(htf_cli__directory_plan(directory, &plan));
  s.plan = plan;
  HTF_TRY(find_run(plan, which, &s.run));
  HTF_TRY(write_alone(plan, s.run, &alone));
  if (yaml) {
    printf("%s", alone);
    goto done;
  }
  HTF_TRY(htf_plan_spec(plan, s.run, &spec));
  HTF_TRY(htf_spec_identity(&spec, &s.identity));
  HTF_TRY(htf_archive_observe(directory, &s.archive));
  HTF_NEW(s.writer, htf_archive_writers(s.archive));
  htf_archive_list_writers(s.archive, s.writer);
  s.place = htf_archive_find(s.archive, &s.identity);
  HTF_TRY(print_all(&s));
done:
  free(alone); // open_memstream's own
  HTF_FREE(s.writer);
  htf_archive_close(&s.archive);
  htf_plan_destroy(&plan);
  return status;
}

htf_status htf_cli__explain(int argc, char **argv, int *exit_code) {
  htf_status status = HTF_OK;
  const char *operand[2];
  bool yaml = false, help;
  htf_cli_option options[] = {
      {"yaml", NULL, "print a sweep file of this run alone", .flag = &yaml}};
  htf_cli_usage usage = {
      "explain DIR RUN [--yaml]",
      "One run of a sweep directory: its parameters, state, node, attempts, why it ended,\n"
      "its checkpoint, and how to rerun it alone. RUN is its index, as in /runs of the\n"
      "results, or the beginning of its identity. Only looks, as `status` does.",
      options, 1, 2};
  HTF_TRY(htf_cli__parse(&usage, argc, argv, operand, &help));
  if (help) {
    goto done;
  }
  HTF_TRY(explain(operand[0], operand[1], yaml));
  *exit_code = 0;
done:
  return status;
}

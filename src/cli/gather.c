// SPDX-License-Identifier: BSD-3-Clause
// Journals -> results.h5: what the plan knows, what the archive holds, what the probe's
// table says of it, handed to the results writer.
#include <stdio.h>
#include <string.h>

#include "cli_impl.h"
#include "htflow/clock.h"
#include "htflow/journal.h"
#include "htflow/log.h"
#include "htflow/memory.h"
#include "htflow/probe.h"
#include "htflow/results.h"
#include "htflow/sweep.h"
#include "htflow/version.h"

typedef struct gathering {
  const htf_plan *plan;
  htf_archive *archive;
  htf_spec spec;
  char text[HTF_MAX_NEWICK];
  char which[HTF_MAX_LABEL]; // weights the runs kept
} gathering;

static htf_status axis_value(void *context, int axis, int64_t run, double *number,
                             const char **text) {
  htf_status status = HTF_OK;
  gathering *g = context;
  const htf_field *field = htf_plan_axis_field(g->plan, axis);
  HTF_TRY(htf_plan_spec(g->plan, run, &g->spec));
  *number = field != NULL ? htf_spec_number(&g->spec, field) : 0;
  htf_plan_axis_text(g->plan, axis, htf_plan_axis_at(g->plan, axis, run), g->text,
                     sizeof g->text);
  *text = g->text;
done:
  return status;
}

static htf_status identity(void *context, int64_t run, htf_digest *digest) {
  htf_status status = HTF_OK;
  gathering *g = context;
  HTF_TRY(htf_plan_spec(g->plan, run, &g->spec));
  HTF_TRY(htf_spec_identity(&g->spec, digest));
done:
  return status;
}

static htf_status record(void *context, int64_t run, htf_record *out) {
  htf_status status = HTF_OK;
  gathering *g = context;
  htf_digest digest;
  HTF_TRY(identity(context, run, &digest));
  if (htf_archive_state(g->archive, &digest) != HTF_RUN_PENDING) {
    HTF_TRY(htf_archive_get(g->archive, &digest, out));
  }
done:
  return status;
}

static htf_status shape(void *context, int64_t run, htf_shape *out) {
  htf_status status = HTF_OK;
  gathering *g = context;
  HTF_TRY(htf_plan_spec(g->plan, run, &g->spec));
  *out = g->spec.problem.shape;
done:
  return status;
}

// Numbers as numbers; choices, trees, shapes and whole sections as texts.
static void describe_axes(const htf_plan *plan, htf_results_axis *axes) {
  for (int i = 0; i < htf_plan_axes(plan); i++) {
    const htf_field *field = htf_plan_axis_field(plan, i);
    axes[i].label = htf_plan_axis_label(plan, i);
    axes[i].long_name = field != NULL ? field->help : "section of the sweep file";
    axes[i].units = field != NULL && field->units[0] != '\0' ? field->units : "1";
    bool real =
        field != NULL && (field->type == HTF_FIELD_REAL || field->type == HTF_FIELD_COUNT);
    bool integer = field != NULL && field->type == HTF_FIELD_INTEGER;
    axes[i].kind = real      ? HTF_RESULTS_REAL
                   : integer ? HTF_RESULTS_INTEGER
                             : HTF_RESULTS_TEXT;
  }
}

// Which weights the runs kept: one word for all, that of the first run.
static htf_status name_weights(gathering *g) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_plan_spec(g->plan, 0, &g->spec));
  htf_spec_print(&g->spec, htf_spec_field("record.weights"), g->which, sizeof g->which);
done:
  return status;
}

enum { FIXED = 10, MOST = 32 };

static int list_attributes(const htf_plan *plan, const char *hash, const char *seed,
                           const char *list[MOST][2]) {
  const char *fixed[FIXED][2] = {
      {"title", htf_plan_name(plan)},
      {"source", "htflow"},
      {"htflow_version", htf_version()},
      {"htflow_commit", htf_version_commit()},
      {"compiler", htf_version_compiler()},
      {"compiler_flags", htf_version_flags()},
      {"sweep", htf_plan_text(plan)},
      {"sweep_resolved", htf_plan_resolved(plan)},
      {"plan_hash", hash},
      {"seed", seed},
  };
  memcpy(list, fixed, sizeof fixed);
  int libraries, used = FIXED;
  const htf_cli_library *library = htf_cli__libraries(&libraries);
  for (int i = 0; i < libraries; i++) {
    list[used][0] = library[i].name;
    list[used++][1] = library[i].version();
  }
  return used;
}

htf_status htf_cli__gather(const htf_plan *plan, const char *directory, const char *path) {
  htf_status status = HTF_OK;
  gathering g = {.plan = plan};
  htf_results_axis *axes = NULL;
  const char *attributes[MOST][2];
  char hash[HTF_DIGEST_TEXT], seed[32], date[32], ranks[32], checksum_text[HTF_DIGEST_TEXT];
  htf_digest checksum;
  HTF_TRY(htf_archive_open(directory, &g.archive));
  HTF_NEW(axes, htf_plan_axes(plan));
  describe_axes(plan, axes);
  HTF_TRY(name_weights(&g));
  htf_digest_text(htf_plan_hash(plan), hash);
  snprintf(seed, sizeof seed, "%lld", (long long)htf_plan_seed(plan));
  snprintf(ranks, sizeof ranks, "%d", htf_sweep_ranks());
  htf_clock_format(htf_clock_date(), date, sizeof date);
  const char *timing[][2] = {{"gathered", date}, {"ranks", ranks}};
  htf_results_source source = {.runs = htf_plan_runs(plan),
                               .axes = htf_plan_axes(plan),
                               .axis = axes,
                               .axis_value = axis_value,
                               .identity = identity,
                               .record = record,
                               .shape = shape,
                               .context = &g,
                               .which_weights = g.which,
                               .attribute = attributes,
                               .timing_attributes = 2,
                               .timing_attribute = timing};
  source.attributes = list_attributes(plan, hash, seed, attributes);
  source.variable = htf_observable_variables();
  source.variables = HTF_OBSERVABLES;
  HTF_TRY(htf_results_write(path, &source, &checksum));
  htf_digest_text(&checksum, checksum_text);
  htf_log(HTF_LOG_INFO, "cli", "content_checksum %s", checksum_text);
  printf("%s\n", path);
done:
  HTF_FREE(axes);
  htf_archive_close(&g.archive);
  return status;
}

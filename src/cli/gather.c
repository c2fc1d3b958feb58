// SPDX-License-Identifier: BSD-3-Clause
// htflow gather: journals -> results.h5. What the plan knows, what the archive holds, what
// the probe's table says of it, handed to the results writer.
//
// Rank 0 reads, lays out and writes; the other ranks compress, and rank 0 what they have no
// time for. That is half of the work: two ranks take 0.6 of the time of one, and beyond
// three rank 0 is what all wait for (10^4 runs of 50 KB, bench_gather). HDF5's own parallel
// writing of filtered chunks is collective: every rank would have to read its part of the
// records, and then wait for all others at each write.
#include <stdio.h>
#include <string.h>

#include "cli_impl.h"
#include "htflow/clock.h"
#include "htflow/journal.h"
#include "htflow/log.h"
#include "htflow/memory.h"
#include "htflow/results.h"
#include "htflow/run.h"
#include "htflow/sweep.h"
#include "htflow/version.h"

typedef struct gathering {
  const htf_plan *plan;
  htf_archive *archive;
  int64_t state[3]; // how many runs are in each htf_run_state
  htf_spec spec;
  char text[HTF_MAX_NEWICK];
  char which[HTF_MAX_LABEL]; // weights the runs kept
  htf_crew *crew;
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
    status = htf_archive_get(g->archive, &digest, out);
    if (status == HTF_E_DATA) { // damaged: the run counts as not done
      htf_log(HTF_LOG_WARN, "cli", "%s", htf_error_message());
      htf_error_clear();
      status = HTF_OK;
    }
    HTF_TRY(status);
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

// ---- the ranks --------------------------------------------------------------------------

_Static_assert((int)HTF_RESULTS_MORE >= (int)HTF_CREW_MORE, "replies have room");

static htf_status offer(void *context, int slot, const void *task, size_t count,
                        void *reply, bool *taken) {
  return htf_crew_offer(context, slot, task, count, reply, taken);
}

static htf_status fetch(void *context, bool wait, int *slot, size_t *made) {
  return htf_crew_fetch(context, wait, slot, made);
}

typedef struct company {
  htf_status (*lead)(void *context, htf_crew *crew);
  void *context;
  htf_results_encoder *encoder; // of a rank that helps
} company;

static htf_status lead_company(void *context, htf_crew *crew) {
  company *c = context;
  return c->lead(c->context, crew);
}

static htf_status encode(void *context, const void *task, size_t count, void *reply,
                         size_t *made) {
  htf_status status = HTF_OK;
  company *c = context;
  if (c->encoder == NULL) {
    HTF_TRY(htf_results_encoder_create(&c->encoder));
  }
  HTF_TRY(htf_results_encode(c->encoder, task, count, reply, made));
done:
  return status;
}

htf_status htf_cli__gathering(htf_status (*lead)(void *context, htf_crew *crew),
                              void *context) {
  company c = {.lead = lead, .context = context};
  htf_status status = htf_crew_run(&(htf_crew_job){lead_company, encode, &c});
  htf_results_encoder_destroy(&c.encoder);
  return status;
}

// ---- the file ---------------------------------------------------------------------------

enum { FIXED = 10, MOST = 32 };

static int list_attributes(const htf_plan *plan, const char *given, const char *hash,
                           const char *seed, const char *list[MOST][2]) {
  const char *fixed[FIXED][2] = {
      {"title", htf_plan_name(plan)},
      {"source", "htflow"},
      {"htflow_version", htf_version()},
      {"htflow_commit", htf_version_commit()},
      {"compiler", htf_version_compiler()},
      {"compiler_flags", htf_version_flags()},
      {"sweep", given},
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

static htf_status count_states(gathering *g) {
  htf_status status = HTF_OK;
  htf_digest digest;
  for (int64_t run = 0; run < htf_plan_runs(g->plan); run++) {
    HTF_TRY(identity(g, run, &digest));
    g->state[htf_archive_state(g->archive, &digest)]++;
  }
done:
  return status;
}

static htf_status write_results(gathering *g, const char *given, const char *path) {
  htf_status status = HTF_OK;
  const htf_plan *plan = g->plan;
  htf_results_axis *axes = NULL;
  const char *attributes[MOST][2];
  char hash[HTF_DIGEST_TEXT], seed[32], date[32], ranks[32], checksum_text[HTF_DIGEST_TEXT];
  htf_digest checksum;
  HTF_NEW(axes, htf_plan_axes(plan));
  describe_axes(plan, axes);
  HTF_TRY(name_weights(g));
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
                               .context = g,
                               .which_weights = g->which,
                               .attribute = attributes,
                               .timing_attributes = 2,
                               .timing_attribute = timing};
  htf_results_helpers helpers = {g->crew, offer, fetch};
  source.helpers = &helpers;
  source.attributes = list_attributes(plan, given, hash, seed, attributes);
  source.variable = htf_run_variables(&source.variables);
  HTF_TRY(htf_results_write(path, &source, &checksum));
  htf_digest_text(&checksum, checksum_text);
  htf_log(HTF_LOG_INFO, "cli", "content_checksum %s", checksum_text);
  printf("%s\n", path);
done:
  HTF_FREE(axes);
  return status;
}

htf_status htf_cli__gather(const htf_plan *plan, const char *directory, const char *path,
                           htf_crew *crew) {
  htf_status status = HTF_OK;
  gathering g = {.plan = plan, .crew = crew};
  char *given = NULL;
  HTF_TRY(htf_cli__given_text(directory, &given));
  HTF_TRY(htf_archive_open(directory, &g.archive));
  HTF_TRY(write_results(&g, given, path));
done:
  HTF_FREE(given);
  htf_archive_close(&g.archive);
  return status;
}

// ---- the command ------------------------------------------------------------------------

typedef struct request {
  const char *directory, *path;
  bool partial;
  int exit_code;
} request;

static htf_status gather(void *context, htf_crew *crew) {
  htf_status status = HTF_OK;
  request *r = context;
  gathering g = {.crew = crew};
  htf_plan *plan = NULL;
  char *given = NULL;
  HTF_TRY(htf_cli__directory_plan(r->directory, &plan));
  HTF_TRY(htf_cli__given_text(r->directory, &given));
  g.plan = plan;
  HTF_TRY(htf_archive_observe(r->directory, &g.archive));
  HTF_TRY(count_states(&g));
  int64_t pending = g.state[HTF_RUN_PENDING], failed = g.state[HTF_RUN_FAILED];
  HTF_CHECK(r->partial || pending == 0, HTF_E_STOPPED,
            "%s: %lld of %lld runs are not done; go on with them by htflow run, or gather "
            "what there is with --partial",
            r->directory, (long long)pending, (long long)htf_plan_runs(plan));
  htf_log(HTF_LOG_INFO, "cli", "%lld runs done, %lld failed, %lld pending",
          (long long)g.state[HTF_RUN_DONE], (long long)failed, (long long)pending);
  HTF_TRY(write_results(&g, given, r->path));
  r->exit_code = failed > 0 ? HTF_EXIT_SOME_FAILED : 0;
done:
  HTF_FREE(given);
  htf_archive_close(&g.archive);
  htf_plan_destroy(&plan);
  return status;
}

htf_status htf_cli__gather_command(int argc, char **argv, int *exit_code) {
  htf_status status = HTF_OK;
  const char *directory, *output = NULL;
  char path[HTF_MAX_TEXT];
  bool partial = false, help;
  htf_cli_option options[] = {
      {"output", "FILE.h5", "the file to write (default: DIR/results.h5)", .value = &output,
       .letter = 'o'},
      {"partial", NULL, "though runs are pending: they are in it as such",
       .flag = &partial},
  };
  htf_cli_usage usage = {
      "gather DIR [-o FILE.h5] [--partial]",
      "Writes one results file from the journals of a sweep directory, as `run` does at its\n"
      "end. Only looks at the journals: with --partial at any time, beside a live sweep. The\n"
      "same records give the same file, but for /timings, on any number of ranks: under\n"
      "mpirun the others help to compress it, of whom three are enough.\n"
      "Exit code 4 if some runs failed, 5 if some are pending.",
      options, 2, 1};
  HTF_TRY(htf_cli__open(&argc, &argv));
  HTF_TRY(htf_cli__parse(&usage, argc, argv, &directory, &help));
  if (help) {
    goto done;
  }
  snprintf(path, sizeof path, "%s/results.h5", directory);
  request r = {directory, output != NULL ? output : path, partial, 0};
  HTF_TRY(htf_cli__gathering(gather, &r));
  *exit_code = r.exit_code;
done:
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
// htflow plan: what a sweep file means, without running it.
#include "htflow/plan.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_impl.h"
#include "htflow/cost.h"
#include "htflow/memory.h"
#include "htflow/sweep.h"
#include "predict_impl.h"
#include "rowcost_impl.h"
#include "sbatch_impl.h"

enum { COUNTS = 32, MOST_RANKS = 1000000 };
// The most ranks are suggested that work this share of their time.
static const double worthwhile = 0.8;

// What so many ranks would take over what is left.
typedef struct outlook {
  int64_t ranks;
  double makespan, efficiency;
} outlook;

typedef struct view {
  const char *path, *directory;
  const htf_plan *plan;
  htf_cli_prediction p;
  htf_cli_row_cost row;
  int outlooks;
  outlook outlook[COUNTS];
  int suggested; // of them
} view;

// ---- ranks -----------------------------------------------------------------------------

static htf_status read_ranks(const char *text, view *v) {
  htf_status status = HTF_OK;
  for (const char *at = text; *at != '\0';) {
    char number[32];
    double ranks;
    size_t length = strcspn(at, ",");
    snprintf(number, sizeof number, "%.*s", length < sizeof number ? (int)length : 0, at);
    HTF_TRY(htf_cli__number("ranks", number, 1, MOST_RANKS, &ranks));
    HTF_CHECK(ranks == floor(ranks) && v->outlooks < COUNTS, HTF_E_USAGE,
              "--ranks %s: wants at most %d whole numbers, like 1,8,64", text, COUNTS);
    v->outlook[v->outlooks++].ranks = (int64_t)ranks;
    at += length + (at[length] == ',');
  }
done:
  return status;
}

// Powers of two while there are runs for them, up to 8192, and 10000.
static void choose_ranks(view *v) {
  int64_t ranks = 1;
  for (; ranks <= 8192 && ranks < 2 * v->p.left; ranks *= 2) {
    v->outlook[v->outlooks++].ranks = ranks;
  }
  if (ranks < 2 * v->p.left || v->outlooks == 0) { // there are more runs, or none
    v->outlook[v->outlooks++].ranks = ranks > 1 ? 10000 : 1;
  }
}

// The first of many ranks only serves, as the dispatch has it (sweep.h).
static htf_status look_out(view *v) {
  htf_status status = HTF_OK;
  for (int i = 0; i < v->outlooks; i++) {
    outlook *o = &v->outlook[i];
    int64_t workers = o->ranks - (o->ranks >= HTF_SWEEP_SERVE_ONLY);
    HTF_TRY(htf_cost_makespan(v->p.seconds, v->p.left, workers, &o->makespan));
    double capacity = o->makespan * (double)o->ranks;
    o->efficiency = capacity > 0 ? v->p.total / capacity : 0;
    bool better = o->efficiency >= worthwhile && o->ranks > v->outlook[v->suggested].ranks;
    v->suggested = better ? i : v->suggested;
  }
done:
  return status;
}

// ---- texts -----------------------------------------------------------------------------

static void write_seconds(double seconds, char *text, size_t size) {
  if (seconds < 120) {
    snprintf(text, size, "%.3g s", seconds);
  } else if (seconds < 7200) {
    snprintf(text, size, "%.3g min", seconds / 60);
  } else if (seconds < 1e6) {
    snprintf(text, size, "%.3g h", seconds / 3600);
  } else {
    snprintf(text, size, "%.3g days", seconds / 86400);
  }
}

static void write_bytes(double bytes, char *text, size_t size) {
  static const char *const units[] = {"B", "KB", "MB", "GB", "TB"};
  int unit = 0;
  for (; bytes >= 1000 && unit < 4; bytes /= 1000) {
    unit++;
  }
  snprintf(text, size, "%.3g %s", bytes, units[unit]);
}

// "init_std=0.1 seed=3"
static void write_point(const htf_plan *plan, int64_t run, char *text, size_t size) {
  size_t used = (size_t)snprintf(text, size, "%s", "");
  for (int axis = 0; axis < htf_plan_axes(plan) && used < size; axis++) {
    char value[HTF_MAX_LABEL];
    htf_plan_axis_text(plan, axis, htf_plan_axis_at(plan, axis, run), value, sizeof value);
    used += (size_t)snprintf(text + used, size - used, "%s%s=%s", axis > 0 ? " " : "",
                             htf_plan_axis_label(plan, axis), value);
  }
}

static htf_cli_request request(const view *v) {
  const outlook *o = &v->outlook[v->suggested];
  return htf_cli__request(o->ranks, o->makespan, v->p.bytes_most);
}

static void write_sbatch(const view *v, char *text, size_t size) {
  char options[128];
  htf_cli_request wanted = request(v);
  htf_cli__request_text(&wanted, options, sizeof options);
  snprintf(text, size, "sbatch %s jobs/sweep.sbatch %s %s", options, v->path,
           v->directory != NULL ? v->directory : "DIR");
}

// ---- as text ---------------------------------------------------------------------------

static void print_axis(const htf_plan *plan, int axis) {
  int64_t count = htf_plan_axis_count(plan, axis);
  printf("  %-16s %lld values:", htf_plan_axis_label(plan, axis), (long long)count);
  for (int64_t v = 0; v < count; v++) {
    char text[128];
    if (count > 8 && v == 4) {
      printf(" ..");
      v = count - 2;
    }
    htf_plan_axis_text(plan, axis, v, text, sizeof text);
    printf(" %s", text);
  }
  printf("\n");
}

static void print_runs(const htf_plan *plan) {
  int64_t runs = htf_plan_runs(plan);
  char text[1024];
  printf("%s: %lld runs\n", htf_plan_name(plan), (long long)runs);
  if (htf_plan_points(plan) != runs) {
    printf("  of %lld points; where drops %lld, %lld are equal to earlier ones\n",
           (long long)htf_plan_points(plan), (long long)htf_plan_excluded(plan),
           (long long)htf_plan_duplicates(plan));
  }
  if (htf_plan_blocks(plan) > 0) {
    printf("  in %d blocks\n", htf_plan_blocks(plan));
  }
  for (int axis = 0; axis < htf_plan_axes(plan); axis++) {
    print_axis(plan, axis);
  }
  if (htf_plan_axes(plan) > 0) {
    write_point(plan, 0, text, sizeof text);
    printf("first run          %s\n", text);
    write_point(plan, runs - 1, text, sizeof text);
    printf("last run           %s\n", text);
  }
}

static void print_prediction(const view *v) {
  const htf_cli_prediction *p = &v->p;
  char total[32], longest[32];
  write_seconds(p->total, total, sizeof total);
  write_seconds(p->longest, longest, sizeof longest);
  if (v->directory != NULL) {
    printf("finished           %lld runs in %s; they took %.2f times the prediction, which "
           "is corrected\n",
           (long long)p->finished, v->directory, p->correction);
  }
  printf("predicted          %.3g gradients, %.3g Hessian-vector products: %.3g "
         "core-hours (%s), the longest run %s\n",
         p->gradients, p->products, p->total / 3600, total, longest);
  if (p->measured > 0) {
    printf("                   by short runs of %d of %d sizes here; a factor of two "
           "either way is usual\n",
           p->measured, p->sizes);
  } else {
    printf("                   at 5 GFLOP/s: no short run could be made here\n");
  }
}

// A row of observables, and the share of what takes most of it.
static void print_row(const htf_cli_row_cost *row) {
  int most = 0;
  for (int i = 0; i < HTF_COSTS; i++) {
    most = row->part[i] > row->part[most] ? i : most;
  }
  printf("one row            at most %.3g Mflop, %.3g gradients; %.0f %% of it: %s\n",
         row->all * 1e-6, row->gradient > 0 ? row->all / row->gradient : 0,
         row->all > 0 ? 100 * row->part[most] / row->all : 0,
         htf_observable_cost_text(most));
}

static void print_text(const view *v) {
  char hash[HTF_DIGEST_TEXT], text[1024], bytes[32], most[32];
  htf_digest_text(htf_plan_hash(v->plan), hash);
  print_runs(v->plan);
  printf("parameters a run   %lld to %lld\n", (long long)v->p.parameters_least,
         (long long)v->p.parameters_most);
  write_bytes(v->p.bytes_usual, bytes, sizeof bytes);
  write_bytes(v->p.bytes_most, most, sizeof most);
  printf("memory a rank      about %s, at most %s, beside the program's own\n", bytes,
         most);
  printf("one gradient       at most %.3g Mflop\n", v->p.gradient_most * 1e-6);
  print_row(&v->row);
  print_prediction(v);
  printf("ranks              ranks   makespan  efficiency\n");
  for (int i = 0; i < v->outlooks; i++) {
    const outlook *o = &v->outlook[i];
    write_seconds(o->makespan, text, sizeof text);
    printf("                   %5lld %10s  %8.0f %%\n", (long long)o->ranks, text,
           100 * o->efficiency);
  }
  write_bytes(v->p.output, bytes, sizeof bytes);
  printf("output             at most %s of records, in one journal file a rank and one "
         "results.h5\n",
         bytes);
  write_sbatch(v, text, sizeof text);
  printf("on a cluster       %s\n", text);
  printf("                   (--sbatch FILE writes a job script with all of that in it)\n");
  printf("plan hash          %s\n", hash);
}

// ---- as JSON ---------------------------------------------------------------------------

static json_t *axes_json(const htf_plan *plan) {
  json_t *axes = json_array();
  for (int axis = 0; axis < htf_plan_axes(plan); axis++) {
    json_t *values = json_array();
    for (int64_t v = 0; v < htf_plan_axis_count(plan, axis); v++) {
      char text[HTF_MAX_NEWICK];
      htf_plan_axis_text(plan, axis, v, text, sizeof text);
      json_array_append_new(values, json_string(text));
    }
    json_array_append_new(
        axes,
        json_pack("{ss so}", "label", htf_plan_axis_label(plan, axis), "values", values));
  }
  return axes;
}

static json_t *point_json(const htf_plan *plan, int64_t run) {
  json_t *point = json_object();
  for (int axis = 0; axis < htf_plan_axes(plan); axis++) {
    char text[HTF_MAX_NEWICK];
    htf_plan_axis_text(plan, axis, htf_plan_axis_at(plan, axis, run), text, sizeof text);
    json_object_set_new(point, htf_plan_axis_label(plan, axis), json_string(text));
  }
  return point;
}

static json_t *warnings_json(const htf_plan *plan) {
  json_t *warnings = json_array();
  for (int i = 0; i < htf_plan_warnings(plan); i++) {
    json_array_append_new(warnings, json_string(htf_plan_warning(plan, i)));
  }
  return warnings;
}

static json_t *ranks_json(const view *v) {
  json_t *ranks = json_array();
  for (int i = 0; i < v->outlooks; i++) {
    const outlook *o = &v->outlook[i];
    json_array_append_new(ranks,
                          json_pack("{sI sf sf}", "ranks", (json_int_t)o->ranks, "makespan",
                                    o->makespan, "efficiency", o->efficiency));
  }
  return ranks;
}

static void print_json(const view *v) {
  char hash[HTF_DIGEST_TEXT], sbatch[1024];
  const htf_plan *plan = v->plan;
  const htf_cli_prediction *p = &v->p;
  htf_digest_text(htf_plan_hash(plan), hash);
  write_sbatch(v, sbatch, sizeof sbatch);
  json_t *all = json_pack(
      "{ss sI sI sI sI so so so so}", "name", htf_plan_name(plan), "runs",
      (json_int_t)htf_plan_runs(plan), "points", (json_int_t)htf_plan_points(plan),
      "excluded", (json_int_t)htf_plan_excluded(plan), "duplicates",
      (json_int_t)htf_plan_duplicates(plan), "axes", axes_json(plan), "first",
      point_json(plan, 0), "last", point_json(plan, htf_plan_runs(plan) - 1), "warnings",
      warnings_json(plan));
  json_t *more = json_pack(
      "{sI sI sf sf sf sf sI sI sf sf sf sf sf si si sf so sf ss ss}", "parameters_least",
      (json_int_t)p->parameters_least, "parameters_most", (json_int_t)p->parameters_most,
      "bytes_a_rank_usual", p->bytes_usual, "bytes_a_rank", p->bytes_most,
      "flops_a_gradient", p->gradient_most, "flops_a_row", v->row.all, "finished",
      (json_int_t)p->finished, "left", (json_int_t)p->left, "correction", p->correction,
      "gradients", p->gradients, "products", p->products, "core_seconds", p->total,
      "longest_seconds", p->longest, "sizes", p->sizes, "sizes_measured", p->measured,
      "nanoseconds_a_flop", p->nanoseconds, "ranks", ranks_json(v), "bytes_of_records",
      p->output, "sbatch", sbatch, "plan_hash", hash);
  json_object_update(all, more);
  json_decref(more);
  json_dumpf(all, stdout, JSON_INDENT(2));
  printf("\n");
  json_decref(all);
}

// ---- the command -----------------------------------------------------------------------

// `job`: what --sbatch wants, with all but the request filled in.
static htf_status show(view *v, const char *ranks, bool json, htf_cli_job *job) {
  htf_status status = HTF_OK;
  if (ranks != NULL) {
    HTF_TRY(read_ranks(ranks, v));
  }
  HTF_TRY(htf_cli__predict(v->plan, v->directory, &v->p));
  HTF_TRY(htf_cli__row_costs(v->plan, &v->row));
  if (v->outlooks == 0) {
    choose_ranks(v);
  }
  HTF_TRY(look_out(v));
  if (job->path != NULL) {
    job->request = request(v);
    HTF_TRY(htf_cli__write_job(job));
  } else {
    json ? print_json(v) : print_text(v);
  }
done:
  htf_cli__prediction_clear(&v->p);
  return status;
}

htf_status htf_cli__plan(int argc, char **argv, int *exit_code) {
  htf_status status = HTF_OK;
  bool json = false, resolved = false, help;
  const char *ranks = NULL;
  htf_cli_list set = {.count = 0};
  htf_plan *plan = NULL;
  view v = {.path = NULL};
  htf_cli_job job = {.set = &set};
  htf_cli_option options[] = {
      {"set", "KEY=VALUE", "change the base experiment; may be repeated", .list = &set},
      {"out", "DIR", "a sweep directory, whose finished runs correct the prediction",
       .value = &v.directory},
      {"ranks", "N,N,..", "predict for these numbers of ranks", .value = &ranks},
      {"resolved", NULL, "print the sweep with every default written out",
       .flag = &resolved},
      {"sbatch", "FILE", "write a SLURM job script for DIR instead, to FILE or - (stdout)",
       .value = &job.path},
      {"site", "FILE", "with --sbatch: the site.conf to paste into it", .value = &job.site},
      {"json", NULL, "print JSON", .flag = &json},
  };
  htf_cli_usage usage = {
      "plan SWEEP.yaml [options]",
      "Checks a sweep file and prints what it would run and what that takes: axes,\n"
      "parameters, memory, computing time, output. Writes nothing but with --sbatch: the job\n"
      "that runs it, with ranks, time and memory of the prediction.",
      options, sizeof options / sizeof *options, 1};
  (void)exit_code;
  HTF_TRY(htf_cli__parse(&usage, argc, argv, &v.path, &help));
  if (help) {
    goto done;
  }
  HTF_TRY(htf_cli__open_plan(v.path, &set, &plan));
  if (resolved) {
    printf("%s", htf_plan_resolved(plan));
    goto done;
  }
  HTF_CHECK((job.path == NULL && job.site == NULL) || v.directory != NULL, HTF_E_USAGE,
            "--sbatch wants --out DIR, and --site wants both");
  v.plan = plan;
  job.sweep = v.path;
  job.directory = v.directory;
  if (job.path != NULL && access(v.directory, F_OK) != 0) {
    v.directory = NULL; // the job will make it
  }
  HTF_TRY(show(&v, ranks, json, &job));
done:
  htf_plan_destroy(&plan);
  return status;
}

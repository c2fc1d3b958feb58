// SPDX-License-Identifier: BSD-3-Clause
// htflow plan: what a sweep file means, without running it.
#include "htflow/plan.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli_impl.h"
#include "htflow/memory.h"

// Sizes over the runs of a sweep. Runs with the same tree, shape and samples are of one
// size, so few are worked out.
typedef struct summary {
  int64_t runs, parameters_least, parameters_most;
  double bytes_most, flops_most, output;
} summary;

// Bytes of a run's record: every column of every sample, and the weights if kept.
static double record_bytes(const htf_spec *spec, const htf_cli_size *size) {
  int interior = 0;
  for (const char *c = spec->model.tree.newick; *c != '\0'; c++) {
    interior += *c == ')';
  }
  double partitions = (double)(interior - 1 + spec->problem.shape.order);
  double row = 12 + 3 * (double)interior * (double)spec->record.components +
               partitions * (2 + (double)spec->record.singular_values);
  double weights = spec->record.weights != HTF_KEEP_NONE ? (double)size->parameters : 0;
  double rows = spec->record.every > 0 ? (double)(spec->stop.steps / spec->record.every + 2)
                                       : (double)spec->record.points;
  return 8 * (rows * row + weights);
}

static htf_status summarise(const htf_plan *plan, summary *s) {
  htf_status status = HTF_OK;
  htf_spec spec, last;
  htf_cli_size size;
  memset(&last, 0, sizeof last);
  *s = (summary){.runs = htf_plan_runs(plan), .parameters_least = INT64_MAX};
  for (int64_t i = 0; i < s->runs; i++) {
    HTF_TRY(htf_plan_spec(plan, i, &spec));
    bool alike = i > 0 && htf_cli__same_size(&spec, &last);
    if (!alike) {
      HTF_TRY(htf_cli__size(&spec, &size));
      last = spec;
    }
    s->parameters_least =
        size.parameters < s->parameters_least ? size.parameters : s->parameters_least;
    s->parameters_most =
        size.parameters > s->parameters_most ? size.parameters : s->parameters_most;
    s->bytes_most = fmax(s->bytes_most, size.bytes);
    s->flops_most = fmax(s->flops_most, size.flops);
    s->output += record_bytes(&spec, &size);
  }
done:
  return status;
}

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

static void print_text(const htf_plan *plan, const summary *s) {
  char hash[HTF_DIGEST_TEXT];
  htf_digest_text(htf_plan_hash(plan), hash);
  printf("%s: %lld runs\n", htf_plan_name(plan), (long long)s->runs);
  for (int axis = 0; axis < htf_plan_axes(plan); axis++) {
    print_axis(plan, axis);
  }
  printf("parameters a run   %lld to %lld\n", (long long)s->parameters_least,
         (long long)s->parameters_most);
  printf("memory a rank      about %.3g MB beside the program's own\n",
         s->bytes_most * 1e-6);
  printf("one gradient       at most %.3g Mflop\n", s->flops_most * 1e-6);
  printf(
      "output             at most %.3g MB of records, in one journal file a rank and one "
      "results.h5\n",
      s->output * 1e-6);
  printf("plan hash          %s\n", hash);
}

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

static void print_json(const htf_plan *plan, const summary *s) {
  char hash[HTF_DIGEST_TEXT];
  htf_digest_text(htf_plan_hash(plan), hash);
  json_t *all = json_pack("{ss sI so sI sI sf sf sf ss}", "name", htf_plan_name(plan),
                          "runs", (json_int_t)s->runs, "axes", axes_json(plan),
                          "parameters_least", (json_int_t)s->parameters_least,
                          "parameters_most", (json_int_t)s->parameters_most, "bytes_a_rank",
                          s->bytes_most, "flops_a_gradient", s->flops_most,
                          "bytes_of_records", s->output, "plan_hash", hash);
  json_dumpf(all, stdout, JSON_INDENT(2));
  printf("\n");
  json_decref(all);
}

htf_status htf_cli__plan(int argc, char **argv, int *exit_code) {
  htf_status status = HTF_OK;
  bool json = false, resolved = false, help;
  htf_cli_list set = {.count = 0};
  htf_plan *plan = NULL;
  const char *path;
  summary s;
  htf_cli_option options[] = {
      {"set", "KEY=VALUE", "change the base experiment; may be repeated", .list = &set},
      {"resolved", NULL, "print the sweep with every default written out",
       .flag = &resolved},
      {"json", NULL, "print JSON", .flag = &json},
  };
  htf_cli_usage usage = {
      "plan SWEEP.yaml [options]",
      "Checks a sweep file and prints what it would run: axes, parameters, "
      "memory,\noutput. Writes nothing.",
      options, 3, 1};
  (void)exit_code;
  HTF_TRY(htf_cli__parse(&usage, argc, argv, &path, &help));
  if (help) {
    goto done;
  }
  HTF_TRY(htf_cli__open_plan(path, &set, &plan));
  if (resolved) {
    printf("%s", htf_plan_resolved(plan));
    goto done;
  }
  HTF_TRY(summarise(plan, &s));
  json ? print_json(plan, &s) : print_text(plan, &s);
done:
  htf_plan_destroy(&plan);
  return status;
}

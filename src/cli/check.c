// SPDX-License-Identifier: BSD-3-Clause
// htflow check: is a file what it says, and what do its runs say of the theory?
#include "htflow/check.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "cli_impl.h"
#include "htflow/guard.h"

// Runs that are told one by one unless all are asked for.
enum { SHOWN = 20 };

typedef struct tally {
  json_t *findings, *laws; // NULL: print
  bool all;                // every run
  int bad;                 // errors, and laws broken
  int64_t runs, fits;      // with samples; of nodes
  double drift, residual, exponent_off;
} tally;

// ---- findings -------------------------------------------------------------------------

static void report(void *context, htf_check_severity severity, const char *what,
                   const char *text) {
  tally *t = context;
  t->bad += severity != HTF_CHECK_WARNING;
  if (t->findings != NULL) {
    json_array_append_new(t->findings, json_pack("{ss ss ss}", "severity",
                                                 htf_check_severity_text(severity), "what",
                                                 what, "finding", text));
  } else {
    printf("%-8s %s: %s\n", htf_check_severity_text(severity), what, text);
  }
}

// ---- laws -----------------------------------------------------------------------------

// The name of an interior node, by its number among those.
static void name_node(const htf_tree *tree, int interior, char name[HTF_TREE_TEXT]) {
  int node = 0;
  for (int seen = -1; node < htf_tree_nodes(tree); node++) {
    seen += htf_tree_children(tree, node) > 0;
    if (seen == interior) {
      break;
    }
  }
  if (htf_tree_node_name(tree, node, name, HTF_TREE_TEXT) != HTF_OK) {
    HTF_ASSERT(false); // HTF_TREE_TEXT holds any name
  }
}

static void print_law(const htf_check_law *law) {
  char name[HTF_TREE_TEXT];
  printf("run %lld: drift %.3g, law residual %.3g\n", (long long)law->run, law->drift,
         law->residual);
  for (int i = 0; i < law->fits; i++) {
    const htf_check_fit *fit = &law->fit[i];
    name_node(law->tree, fit->node, name);
    if (isnan(fit->exponent)) {
      printf("  %-16s exponent not defined: %lld balanced points\n", name,
             (long long)fit->points);
    } else {
      printf("  %-16s exponent %.4f of %.4f, factor %.4f, %lld points\n", name,
             fit->exponent, fit->expected, fit->factor, (long long)fit->points);
    }
  }
  for (int i = 0; i < law->learnt_count; i++) {
    const htf_check_learnt *l = &law->learnt[i];
    name_node(law->tree, l->node, name);
    printf("  %-16s component %d learnt %s, arc length %.4g, time %.6g, norm %.4g\n", name,
           l->component, l->sample == 0 ? "from the start" : "then", l->arc_length, l->time,
           l->norm);
  }
}

static json_t *real(double value) {
  return isfinite(value) ? json_real(value) : json_null();
}

static json_t *law_json(const htf_check_law *law) {
  char name[HTF_TREE_TEXT];
  json_t *fits = json_array(), *learnt = json_array();
  for (int i = 0; i < law->fits; i++) {
    const htf_check_fit *f = &law->fit[i];
    name_node(law->tree, f->node, name);
    json_array_append_new(fits,
                          json_pack("{ss so sf so sI}", "node", name, "exponent",
                                    real(f->exponent), "expected", f->expected, "factor",
                                    real(f->factor), "points", (json_int_t)f->points));
  }
  for (int i = 0; i < law->learnt_count; i++) {
    const htf_check_learnt *l = &law->learnt[i];
    name_node(law->tree, l->node, name);
    json_array_append_new(learnt,
                          json_pack("{ss si sI so so so}", "node", name, "component",
                                    l->component, "sample", (json_int_t)l->sample,
                                    "arc_length", real(l->arc_length), "time",
                                    real(l->time), "norm", real(l->norm)));
  }
  return json_pack("{sI so so so so so}", "run", (json_int_t)law->run,
                   "unbalancedness_drift", real(law->drift), "law_residual",
                   real(law->residual), "exponent_off", real(law->exponent_off),
                   "exponents", fits, "learnt", learnt);
}

static double most(double a, double b) {
  return b <= a || isnan(b) ? a : b;
}

static void tell_law(void *context, const htf_check_law *law) {
  tally *t = context;
  if (t->laws != NULL) {
    json_array_append_new(t->laws, law_json(law));
  } else if (t->all || t->runs < SHOWN) {
    print_law(law);
  }
  t->runs++;
  for (int i = 0; i < law->fits; i++) {
    t->fits += !isnan(law->fit[i].exponent);
  }
  t->drift = most(t->drift, law->drift);
  t->residual = most(t->residual, law->residual);
  t->exponent_off = most(t->exponent_off, law->exponent_off);
}

// ---- together -------------------------------------------------------------------------

static void summarise(const tally *t, const char *path) {
  if (t->runs > SHOWN && !t->all) {
    printf("%lld more runs: --all tells each\n", (long long)t->runs - SHOWN);
  }
  if (t->runs > 0) {
    printf(
        "%lld runs: conserved quantities drifted by at most %.3g, residual of the law at "
        "most %.3g",
        (long long)t->runs, t->drift, t->residual);
    t->fits > 0 ? printf(", exponents off by at most %.3g at %lld nodes\n", t->exponent_off,
                         (long long)t->fits)
                : printf(", no exponent defined\n");
  }
  if (t->bad == 0) {
    printf("%s is sound\n", path);
  }
}

static void print_json(const tally *t) {
  json_t *all = json_pack(
      "{sO sO s{sI so so so sI}}", "findings", t->findings, "runs", t->laws, "summary",
      "runs", (json_int_t)t->runs, "unbalancedness_drift", real(t->drift), "law_residual",
      real(t->residual), "exponent_off", t->fits > 0 ? real(t->exponent_off) : json_null(),
      "exponents", (json_int_t)t->fits);
  json_dumpf(all, stdout, JSON_INDENT(2));
  printf("\n");
  json_decref(all);
}

typedef struct request {
  const char *path;
  bool json;
  tally *tally;
} request;

// In a process of its own, since HDF5 may crash on a damaged file: it prints, and tells
// how many findings there were.
static htf_status check(void *context) {
  htf_status status = HTF_OK;
  const request *r = context;
  HTF_TRY(htf_check_file(r->path, report, tell_law, r->tally));
  r->json ? print_json(r->tally) : summarise(r->tally, r->path);
done:
  fflush(stdout);
  return status;
}

static htf_status send(void *context, FILE *out) {
  const request *r = context;
  return htf_guard_put(out, &r->tally->bad, sizeof r->tally->bad);
}

static htf_status receive(void *context, FILE *in) {
  const request *r = context;
  return htf_guard_get(in, &r->tally->bad, sizeof r->tally->bad);
}

htf_status htf_cli__check(int argc, char **argv, int *exit_code) {
  htf_status status = HTF_OK;
  bool json = false, help;
  const char *path;
  tally t = {.findings = NULL};
  htf_cli_option options[] = {
      {"json", NULL, "print JSON: findings, each run's laws, a summary", .flag = &json},
      {"all", NULL, "tell the laws of every run, not of the first 20", .flag = &t.all}};
  htf_cli_usage usage = {
      "check FILE.h5|FILE.tns [--all] [--json]",
      "Validates a results, problem or weights file against its layout, and the physics in\n"
      "a results file: conserved quantities, losses that fall under exact flow, the exact\n"
      "law of local components and the power of their growth, 2 - 2/K. Prints every\n"
      "finding, and of each run what it says of these laws and in which order components\n"
      "were learnt; exit code 7 if there is any finding but warnings.",
      options, 2, 1};
  HTF_TRY(htf_cli__parse(&usage, argc, argv, &path, &help));
  if (help) {
    goto done;
  }
  t.findings = json ? json_array() : NULL;
  t.laws = json ? json_array() : NULL;
  request r = {path, json, &t};
  HTF_TRY(htf_file_guarded(path, &(htf_guard){.work = check,
                                              .send = send,
                                              .receive = receive,
                                              .context = &r,
                                              .seconds = 1e-6}));
  *exit_code = t.bad > 0 ? htf_status_exit_code(HTF_E_DATA) : 0;
done:
  json_decref(t.findings);
  json_decref(t.laws);
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
// htflow-results(5): the results file, from the tables that it is written by.
#include <string.h>

#include "htflow/event.h"
#include "htflow/record.h"
#include "htflow/results.h"
#include "htflow/run.h"
#include "manual_impl.h"
#include "roff_impl.h"

// Flags: what their numbers stand for.
static const htf_manual_row states[] = {
#define ROW(name, text, meaning) {text, meaning},
    HTF_RUN_STATE_TABLE(ROW)};
static const htf_manual_row reasons[] = {HTF_STOP_REASON_TABLE(ROW)};
static const htf_manual_row kinds[] = {HTF_EVENT_KIND_TABLE(ROW)
#undef ROW
};

static const htf_manual_row dimensions[] = {
    {"run", "runs of the sweep; in a class, indices into /runs of those it has"},
    {"sample", "samples along a trajectory; a run has the first `samples` of them"},
    {"node", "interior nodes of the tree, by name"},
    {"partition", "all nodes but the root, by name: their modes against all others"},
    {"component", "local components of a node, the largest first"},
    {"value", "singular values, the largest first"},
    {"vector", "weight vectors of all local components"},
    {"tolerance", "the tolerances of numerical_rank"},
    {"entry", "the entries of record.entries"},
    {"cut", "the sets of modes of record.partitions"},
    {"event", "events of a run in the order of time"},
};

// Root attributes that gather puts there, beside the libraries' names.
static const htf_manual_row attributes[] = {
    {"Conventions", "CF-1.10"},
    {"title", "name of the sweep"},
    {"source", "htflow"},
    {"htflow_version, htflow_commit, compiler, compiler_flags", "what wrote it"},
    {"sweep, sweep_resolved",
     "the sweep file as given, and with every default written out"},
    {"plan_hash", "SHA-256 of what the sweep means: equal for equal runs"},
    {"seed", "of the sweep"},
    {"content_checksum",
     "SHA-256 over all variables outside /timings; the same for the same "
     "sweep on any number of ranks and after any interruption. "
     "htflow/results.h says how to compute it anew"},
};

static void put_list(const htf_roff *roff, const htf_manual_row *row, size_t count) {
  for (size_t i = 0; i < count; i++) {
    htf_roff__item(roff, row[i].name, row[i].text);
  }
}

#define PUT_LIST(roff, table) put_list(roff, table, sizeof(table) / sizeof *(table))

// "the long name [1]; a comment"
static void put_meaning(const htf_roff *roff, const char *long_name, const char *units,
                        const char *comment) {
  char text[2 * HTF_MAX_TEXT];
  bool plain = strcmp(units, "1") == 0;
  snprintf(text, sizeof text, "%s%s%s%s: %s", long_name, plain ? "" : " [",
           plain ? "" : units, plain ? "" : "]", comment);
  htf_roff__text(roff, text);
}

static void put_head(const htf_roff *roff, const char *name, const char *type) {
  fputs(".TP\n", roff->out);
  htf_roff__put(roff, 'B', name);
  fputc(' ', roff->out);
  htf_roff__put(roff, 'R', type);
  fputc('\n', roff->out);
}

static void put_table(const htf_roff *roff, bool (*tell)(int i, htf_results_variable *v)) {
  htf_results_variable v;
  for (int i = 0; tell(i, &v); i++) {
    put_head(roff, v.name, v.type);
    put_meaning(roff, v.long_name, v.units, v.comment);
  }
}

static void put_columns(const htf_roff *roff) {
  int count;
  const htf_variable *v = htf_run_variables(&count);
  for (int i = 0; i < count; i++) {
    char shape[HTF_MAX_LABEL] = "(run";
    for (int d = 0; d < v[i].rank; d++) {
      strcat(strcat(shape, ", "), v[i].dims[d]);
    }
    put_head(roff, v[i].name, strcat(shape, ")"));
    put_meaning(roff, v[i].long_name, v[i].units, v[i].comment);
  }
}

static void put_root(const htf_roff *roff) {
  char names[HTF_MAX_TEXT] = "";
  int count;
  const htf_cli_library *library = htf_cli__libraries(&count);
  for (int i = 0; i < count; i++) {
    strcat(strcat(names, i > 0 ? ", " : ""), library[i].name);
  }
  htf_roff__section(roff, "ATTRIBUTES");
  htf_roff__text(roff, "Of the root group:");
  PUT_LIST(roff, attributes);
  htf_roff__item(roff, names, "versions of the libraries, and the kernels of BLAS");
}

static void put_groups(const htf_roff *roff) {
  htf_roff__section(roff, "GROUPS");
  htf_roff__subsection(roff, "/runs");
  htf_roff__text(roff,
                 "One row a run, in the order of the sweep. Each swept key is a variable, "
                 "its dots written as underscores (init_std, model_tree, seed); attribute "
                 "`coordinates` names them. Beside them:");
  put_table(roff, htf_results_runs_variable);
  htf_roff__subsection(roff, "/trajectories/<class>");
  htf_roff__text(roff,
                 "Runs of one mode tree and widths are a class, named c0, c1, .. in the "
                 "order of their first run; its attributes are `tree` (Newick) and "
                 "`nodes` (the names of all nodes, which are their modes joined by _). "
                 "`run` holds indices into /runs, `samples` how many samples each has. "
                 "The rest of a row is NaN. A class has those of the following that its "
                 "runs recorded:");
  put_columns(roff);
  htf_roff__subsection(roff, "/weights/<class>");
  htf_roff__text(roff,
                 "The weights that record.weights keeps; attribute `which` says which. "
                 "w_<node> (run, row_<node>, column_<node>) is the matrix of a node.");
  htf_roff__subsection(roff, "/timings");
  htf_roff__text(roff, "All that may differ between two executions of a sweep; attributes "
                       "`gathered` (when) and `ranks` (by how many).");
  put_table(roff, htf_results_timings_variable);
}

static const char example[] =
    "from htflow import open_results\n"
    "results = open_results(\"scale/results.h5\")\n"
    "results.runs.final_train_loss.groupby(\"init_std\").median()\n"
    "results.trajectories[\"c0\"].local_component_norm\n";

htf_status htf_manual__write_results(FILE *out) {
  htf_roff roff = {out, NULL};
  htf_roff__title(&roff, "htflow-results", 5);
  htf_roff__section(&roff, "NAME");
  htf_roff__text(&roff, "htflow-results - the results file of htflow");
  htf_roff__section(&roff, "SYNOPSIS");
  htf_roff__request(&roff, ".I DIR/results.h5");
  htf_roff__section(&roff, "DESCRIPTION");
  htf_roff__text(
      &roff,
      "All that a sweep found, in one HDF5 file that is netCDF-4 as well: it opens in xarray, "
      "h5py, ncdump and h5dump. Every axis has a dimension scale; every variable says what it "
      "is in long_name, units and comment. Texts are UTF-8, missing reals are NaN, and words "
      "are flags with flag_values and flag_meanings. Variables are compressed, and each chunk "
      "has a checksum.");
  put_root(&roff);
  htf_roff__section(&roff, "DIMENSIONS");
  PUT_LIST(&roff, dimensions);
  put_groups(&roff);
  htf_roff__section(&roff, "FLAGS");
  htf_roff__subsection(&roff, "status");
  PUT_LIST(&roff, states);
  htf_roff__subsection(&roff, "stop_reason");
  PUT_LIST(&roff, reasons);
  htf_roff__subsection(&roff, "event_kind");
  PUT_LIST(&roff, kinds);
  htf_roff__section(&roff, "EXAMPLES");
  htf_roff__text(&roff, "With the Python package that comes with htflow:");
  htf_roff__verbatim(&roff, example);
  htf_roff__section(&roff, "SEE ALSO");
  htf_roff__request(&roff, ".BR htflow (1),\n.BR htflow\\-gather (1),\n.BR htflow\\-check "
                           "(1),\n.BR htflow\\-sweep (5)");
  return HTF_OK;
}

// SPDX-License-Identifier: BSD-3-Clause
// The pages of section 1: htflow(1), and one a command from its options.
#include <stdlib.h>
#include <string.h>

#include "manual_impl.h"
#include "roff_impl.h"

// ---- what pages share -------------------------------------------------------------------

static void put_rows(const htf_roff *roff, const char *section, const htf_manual_row *row,
                     int count) {
  htf_roff__section(roff, section);
  for (int i = 0; i < count; i++) {
    htf_roff__item(roff, row[i].name, row[i].text);
  }
}

// Of one command, or of all.
static void put_exits_and_variables(const htf_roff *roff, const char *command) {
  int exits, variables;
  const htf_manual_row *exit_row = htf_manual__exits(&exits);
  const htf_manual_variable *v = htf_manual__variables(&variables);
  put_rows(roff, "EXIT STATUS", exit_row, exits);
  htf_roff__section(roff, "ENVIRONMENT");
  for (int i = 0; i < variables; i++) {
    if (command == NULL || v[i].of == NULL || htf_spec_names_hold(v[i].of, command)) {
      htf_roff__item(roff, v[i].name, v[i].text);
    }
  }
}

static void put_files(const htf_roff *roff) {
  int files;
  const htf_manual_row *file = htf_manual__files(&files);
  put_rows(roff, "FILES", file, files);
}

// Those of one command, or of all.
static void put_examples(const htf_roff *roff, const char *command) {
  int count;
  const htf_manual_example *example = htf_manual__examples(&count);
  bool first = true;
  htf_roff__section(roff, "EXAMPLES");
  for (int i = 0; i < count; i++) {
    if (command == NULL || strcmp(example[i].command, command) == 0) {
      char line[HTF_MAX_TEXT];
      snprintf(line, sizeof line, "%s\n", example[i].line);
      htf_roff__request(roff, first ? "." : ".PP");
      first = false;
      htf_roff__text(roff, example[i].text);
      htf_roff__verbatim(roff, line);
    }
  }
}

// The other pages, by section and name as manuals have it: (1), then (5).
static void put_references(const htf_roff *roff, const char *own) {
  int commands, formats;
  const htf_cli_entry *entry = htf_cli__commands(&commands);
  const htf_manual_format *format = htf_manual__formats(&formats);
  bool all = strcmp(own, "htflow") == 0;
  htf_roff__section(roff, "SEE ALSO");
  if (!all) {
    htf_roff__request(roff, ".BR htflow (1),");
  }
  for (int i = 0; i < commands && all; i++) {
    fprintf(roff->out, ".BR htflow\\-%s (1),\n", entry[i].name);
  }
  for (int i = 0; i < formats; i++) {
    fprintf(roff->out, ".BR htflow\\-%s (5)%s\n", format[i].name,
            i + 1 < formats ? "," : "");
  }
}

// ---- a command --------------------------------------------------------------------------

enum { PLACES = 48 };

typedef struct page {
  FILE *out;
  const htf_cli_entry *entry;
} page;

// Bold what is typed as it stands, italic what is filled in: in a synopsis, or before an
// option's description.
static void put_usage(const htf_roff *roff, const char *text) {
  while (*text != '\0') {
    size_t length = strcspn(text, " []|="), gap = strspn(text + length, " []|=");
    char word[HTF_MAX_LABEL], between[16];
    snprintf(word, sizeof word, "%.*s", (int)length, text);
    snprintf(between, sizeof between, "%.*s", (int)gap, text + length);
    bool typed = word[0] == '-' ||
                 (word[0] >= 'a' && word[0] <= 'z' && strcmp(word, "options") != 0);
    if (length > 0) {
      htf_roff__put(roff, typed ? 'B' : 'I', word);
    }
    fputs(between, roff->out);
    text += length + gap;
  }
}

static void put_synopsis(const htf_roff *roff, const char *synopsis) {
  htf_roff__section(roff, "SYNOPSIS");
  htf_roff__put(roff, 'B', "htflow");
  fputc(' ', roff->out);
  put_usage(roff, synopsis);
  fputc('\n', roff->out);
}

static void put_option(const htf_roff *roff, const htf_cli_option *option) {
  char left[HTF_MAX_LABEL];
  fputs(".TP\n", roff->out);
  if (option->letter != 0) {
    snprintf(left, sizeof left, "-%c", option->letter);
    htf_roff__put(roff, 'B', left);
    fputs(", ", roff->out);
  }
  snprintf(left, sizeof left, "--%s", option->name);
  htf_roff__put(roff, 'B', left);
  if (option->argument != NULL) {
    fputc(' ', roff->out);
    put_usage(roff, option->argument);
  }
  fputc('\n', roff->out);
  htf_roff__text(roff, option->help);
}

static void put_options(const htf_roff *roff, const htf_cli_usage *usage) {
  htf_roff__section(roff, "OPTIONS");
  for (int i = 0; i < usage->count; i++) {
    put_option(roff, &usage->options[i]);
  }
  htf_roff__item(roff, "--help", "Print synopsis and options.");
}

// Whether the command works on a sweep directory.
static bool wants_directory(const char *const *place) {
  for (; *place != NULL; place++) {
    if (strcmp(*place, "DIR") == 0) {
      return true;
    }
  }
  return false;
}

static void put_command(void *context, const htf_cli_usage *usage) {
  const page *p = context;
  char operand[HTF_CLI_OPERANDS][HTF_MAX_LABEL], name[HTF_MAX_LABEL];
  const char *place[PLACES + 1] = {NULL};
  int places = htf_cli__operands(usage, operand);
  for (int i = 0; i < places; i++) {
    place[i] = operand[i];
  }
  for (int i = 0; i < usage->count && places < PLACES; i++) {
    if (usage->options[i].argument != NULL) {
      place[places++] = usage->options[i].argument;
    }
  }
  htf_roff roff = {p->out, place};
  snprintf(name, sizeof name, "htflow-%s", p->entry->name);
  htf_roff__title(&roff, name, 1);
  htf_roff__section(&roff, "NAME");
  fprintf(p->out, "htflow\\-%s \\- ", p->entry->name);
  htf_roff__text(&roff, p->entry->help);
  put_synopsis(&roff, usage->synopsis);
  htf_roff__section(&roff, "DESCRIPTION");
  htf_roff__text(&roff, usage->summary);
  put_options(&roff, usage);
  put_exits_and_variables(&roff, p->entry->name);
  if (wants_directory(place)) {
    put_files(&roff);
  }
  put_examples(&roff, p->entry->name);
  put_references(&roff, p->entry->name);
}

// ---- htflow(1) --------------------------------------------------------------------------

static const char *const about[] = {
    "One YAML file, htflow-sweep(5), names a base experiment and axes along which it is "
    "varied: mode tree, depth, width, initialisation scale, seeds, and any other key. The "
    "runs of the sweep are shared out over the ranks of MPI. Each run integrates d theta/dt "
    "= - grad L(theta), theta the weights of a hierarchical tensor factorization and L its "
    "mean loss, to a given tolerance by an implicit method, or takes the steps of a descent, "
    "and measures on its way what the theory speaks of: local component norms, singular "
    "values of every matricization, conserved quantities.",
    "What the runs found is gathered into one file, htflow-results(5). A sweep that is "
    "stopped or killed goes on by the same command, and its results are the same, bit for "
    "bit but for timings, on any number of ranks."};

static void put_htflow(FILE *out) {
  static const char *const place[] = {"COMMAND", "DIR", NULL};
  htf_roff roff = {out, place};
  int commands;
  const htf_cli_entry *entry = htf_cli__commands(&commands);
  htf_roff__title(&roff, "htflow", 1);
  htf_roff__section(&roff, "NAME");
  htf_roff__text(&roff, "htflow - " HTF_MANUAL_WHATIS);
  put_synopsis(&roff, "COMMAND [options]");
  htf_roff__request(&roff, ".br");
  fputs("\\fBmpirun\\fR \\fB\\-n\\fR \\fIN\\fR ", out);
  fputs("\\fBhtflow run\\fR \\fISWEEP.yaml\\fR \\fB\\-\\-out\\fR \\fIDIR\\fR\n", out);
  htf_roff__section(&roff, "DESCRIPTION");
  htf_roff__text(&roff, about[0]);
  htf_roff__paragraph(&roff, about[1]);
  htf_roff__section(&roff, "COMMANDS");
  for (int i = 0; i < commands; i++) {
    fprintf(out, ".TP\n.BR htflow\\-%s (1)\n", entry[i].name);
    htf_roff__text(&roff, entry[i].help);
  }
  htf_roff__section(&roff, "OPTIONS");
  htf_roff__item(&roff, "--help", "List the commands; behind a command, its options.");
  htf_roff__item(&roff, "--version", "As `version` does: version, git commit, libraries.");
  put_exits_and_variables(&roff, NULL);
  put_files(&roff);
  htf_roff__item(
      &roff, "PREFIX/share/htflow",
      "Example sweeps, to be run in that directory, where their data are; job "
      "scripts for SLURM; the Python package for analysis. PREFIX is where htflow was "
      "installed.");
  put_examples(&roff, NULL);
  htf_roff__section(&roff, "CITING");
  htf_roff__text(&roff,
                 "`htflow version --cite` prints how to cite htflow, and the paper whose "
                 "theory it measures: Razin, Maman and Cohen, Implicit Regularization in "
                 "Hierarchical Tensor Factorization and Deep Convolutional Neural "
                 "Networks, ICML 2022, arXiv:2201.11729.");
  put_references(&roff, "htflow");
}

// ---- a page -----------------------------------------------------------------------------

htf_status htf_manual__write(const char *topic, FILE *out) {
  htf_status status = HTF_OK;
  int formats;
  const htf_manual_format *format = htf_manual__formats(&formats);
  if (strcmp(topic, "htflow") == 0) {
    put_htflow(out);
    return HTF_OK;
  }
  for (int i = 0; i < formats; i++) {
    if (strcmp(topic, format[i].name) == 0) {
      return format[i].write(out);
    }
  }
  page p = {out, htf_cli__find(topic)};
  HTF_CHECK(p.entry != NULL, HTF_E_USAGE,
            "no page %s; there are htflow, sweep, results and one a command", topic);
  HTF_TRY(htf_cli__describe(p.entry, put_command, &p));
done:
  return status;
}

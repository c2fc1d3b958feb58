// SPDX-License-Identifier: BSD-3-Clause
// htflow help: the table of what can be recorded, as the sweep file names it; man pages and
// completion.
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli_impl.h"
#include "htflow/observable.h"
#include "htflow/sweep.h"
#include "manual_impl.h"

static const char *when_text(int i) {
  static const char *const texts[] = {[HTF_WHEN_ALWAYS] = "always",
                                      [HTF_WHEN_STANDARD] = "standard",
                                      [HTF_WHEN_ASKED] = "asked"};
  return texts[htf_observable_get_when(i)];
}

// "[sample, node, component]".
static void shape_text(const htf_variable *v, char *text, size_t size) {
  size_t used = (size_t)snprintf(text, size, "[");
  for (int i = 0; i < v->rank && used < size; i++) {
    used +=
        (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : "", v->dims[i]);
  }
  if (used < size) {
    snprintf(text + used, size - used, "]");
  }
}

static void print_table(void) {
  char shape[128];
  printf(
      "record.observables: [standard] records those marked always and standard; name\n"
      "others to add them: [standard, sharpness]. [] keeps only what is always there.\n\n");
  for (int i = 0; i < HTF_OBSERVABLES; i++) {
    const htf_variable *v = &htf_observable_variables()[i];
    shape_text(v, shape, sizeof shape);
    printf("%s %s (%s)\n", v->name, shape, when_text(i));
    printf("    ");
    htf_cli__print_words(4, 4, v->comment);
    printf("    costs %s\n", htf_observable_cost_text(htf_observable_get_cost(i)));
  }
}

static void print_json(void) {
  json_t *all = json_array();
  for (int i = 0; i < HTF_OBSERVABLES; i++) {
    const htf_variable *v = &htf_observable_variables()[i];
    json_t *shape = json_array();
    for (int d = 0; d < v->rank; d++) {
      json_array_append_new(shape, json_string(v->dims[d]));
    }
    json_array_append_new(all,
                          json_pack("{ss ss ss ss ss so ss}", "name", v->name, "long_name",
                                    v->long_name, "formula", v->comment, "units", v->units,
                                    "recorded", when_text(i), "shape", shape, "cost",
                                    htf_observable_cost_text(htf_observable_get_cost(i))));
  }
  json_dumpf(all, stdout, JSON_INDENT(2));
  printf("\n");
  json_decref(all);
}

// One of these at most: a page, a completion, or all of them as files.
typedef struct papers {
  const char *page, *shell, *share;
} papers;

static htf_status write_papers(const papers *p) {
  return p->page != NULL    ? htf_manual__write(p->page, stdout)
         : p->shell != NULL ? htf_completion__write(p->shell, stdout)
                            : htf_manual__install(p->share);
}

static htf_status tell(const char *topic, bool json) {
  htf_status status = HTF_OK;
  char *argv[] = {(char[]){"help"}, (char[]){"--help"}, NULL};
  int exit_code;
  if (strcmp(topic, "observables") == 0) {
    json ? print_json() : print_table();
    return HTF_OK;
  }
  const htf_cli_entry *entry = htf_cli__find(topic);
  HTF_CHECK(entry != NULL, HTF_E_USAGE,
            "no help on %s; htflow help observables, or htflow help COMMAND", topic);
  HTF_TRY(entry->command(2, argv, &exit_code));
done:
  return status;
}

htf_status htf_cli__help(int argc, char **argv, int *exit_code) {
  htf_status status = HTF_OK;
  bool json = false, help;
  const char *topic = NULL;
  papers p = {NULL, NULL, NULL};
  htf_cli_option options[] = {
      {"json", NULL, "print the observables as JSON", .flag = &json},
      {"man", "htflow|sweep|results|COMMAND",
       "print a man page: of htflow, of the sweep file, of the results file, of a command",
       .value = &p.page},
      {"completion", "bash|zsh|fish", "print completion for a shell", .value = &p.shell},
      {"papers", "DIR",
       "write all man pages and completions where share/ of a prefix is DIR",
       .value = &p.share},
  };
  htf_cli_usage usage = {
      "help [observables|COMMAND] [options]",
      "Tells the options of COMMAND, as `htflow COMMAND --help` does, or lists what\n"
      "record.observables can name: shape, formula, whether it is recorded anyway, and what\n"
      "it costs. Man pages and completion come from the same tables as the program.",
      options, sizeof options / sizeof *options, -1};
  (void)exit_code;
  HTF_TRY(htf_cli__parse(&usage, argc, argv, &topic, &help));
  if (help) {
    goto done;
  }
  int wishes = (topic != NULL) + (p.page != NULL) + (p.shell != NULL) + (p.share != NULL);
  HTF_CHECK(wishes == 1, HTF_E_USAGE, "usage: htflow %s", usage.synopsis);
  if (htf_sweep_launched() == 0) { // of several ranks one is enough
    HTF_TRY(topic != NULL ? tell(topic, json) : write_papers(&p));
  }
done:
  return status;
}

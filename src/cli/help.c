// SPDX-License-Identifier: BSD-3-Clause
// htflow help observables: the table of what can be recorded, as the sweep file names it.
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli_impl.h"
#include "htflow/observable.h"

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

// Words of the text over as many lines as it takes, each after four spaces.
static void print_wrapped(const char *text) {
  enum { WIDTH = 86 };
  while (*text != '\0') {
    size_t length = strlen(text), line = length;
    if (length > WIDTH) {
      for (line = WIDTH; line > 0 && text[line] != ' '; line--) {
      }
    }
    printf("    %.*s\n", (int)line, text);
    text += line + (text[line] == ' ');
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
    print_wrapped(v->comment);
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

htf_status htf_cli__help(int argc, char **argv, int *exit_code) {
  htf_status status = HTF_OK;
  bool json = false, help;
  const char *topic;
  htf_cli_option options[] = {{"json", NULL, "print JSON", .flag = &json}};
  htf_cli_usage usage = {"help observables [--json]",
                         "Lists what record.observables can name: shape, formula, whether "
                         "it is recorded\nanyway, and what it costs.",
                         options, 1, 1};
  (void)exit_code;
  HTF_TRY(htf_cli__parse(&usage, argc, argv, &topic, &help));
  if (help) {
    goto done;
  }
  HTF_CHECK(strcmp(topic, "observables") == 0, HTF_E_USAGE,
            "no help on %s; htflow help observables, or htflow COMMAND --help", topic);
  json ? print_json() : print_table();
done:
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
// Command lines: one table an option list, for reading and for help.
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_impl.h"
#include "htflow/memory.h"
#include "htflow/sweep.h"
#include "manual_impl.h"

enum { WIDTH = 90 };

void htf_cli__print_words(int column, int indent, const char *text) {
  const char *gap = "";
  for (text += strspn(text, " \n"); *text != '\0'; text += strspn(text, " \n")) {
    int length = (int)strcspn(text, " \n");
    if (gap[0] != '\0' && column + 1 + length > WIDTH) {
      printf("\n%*s", indent, "");
      column = indent;
      gap = "";
    }
    printf("%s%.*s", gap, length, text);
    column += length + (gap[0] != '\0');
    gap = " ";
    text += length;
  }
  printf("\n");
}

static void print_option(const char *left, const char *help) {
  enum { HELP = 25 };
  int column = printf("  %-22s", left);
  if (column >= HELP) {
    printf("\n");
    column = 0;
  }
  printf("%*s", HELP - column, "");
  htf_cli__print_words(HELP, HELP, help);
}

// The synopsis begins with the command's name.
static void print_examples(const char *synopsis) {
  int count;
  const htf_manual_example *example = htf_manual__examples(&count);
  size_t length = strcspn(synopsis, " ");
  const char *heading = "\nexamples:\n";
  for (int i = 0; i < count; i++) {
    if (strlen(example[i].command) == length &&
        strncmp(example[i].command, synopsis, length) == 0) {
      printf("%s  %s\n", heading, example[i].line);
      heading = "";
    }
  }
}

static void print_help(void *context, const htf_cli_usage *usage) {
  (void)context;
  printf("usage: htflow %s\n\n%s\n\noptions:\n", usage->synopsis, usage->summary);
  for (int i = 0; i < usage->count; i++) {
    const htf_cli_option *o = &usage->options[i];
    char left[64];
    char letter[8] = "";
    if (o->letter != 0) {
      snprintf(letter, sizeof letter, "-%c, ", o->letter);
    }
    snprintf(left, sizeof left, "%s--%s%s%s", letter, o->name,
             o->argument != NULL ? " " : "", o->argument != NULL ? o->argument : "");
    print_option(left, o->help);
  }
  print_option("--help", "this text");
  print_examples(usage->synopsis);
}

// How a usage that is asked for is shown; `context` is its own.
static struct {
  htf_cli_show *show;
  void *context;
} teller = {print_help, NULL};

htf_status htf_cli__describe(const htf_cli_entry *entry, htf_cli_show *show,
                             void *context) {
  char name[HTF_MAX_LABEL], help[] = "--help", *argv[] = {name, help, NULL};
  int exit_code;
  snprintf(name, sizeof name, "%s", entry->name);
  teller.show = show;
  teller.context = context;
  htf_status status = entry->command(2, argv, &exit_code);
  teller.show = print_help;
  return status;
}

htf_status htf_cli__open(int *argc, char ***argv) {
  return teller.show == print_help ? htf_sweep_open(argc, argv) : HTF_OK;
}

static htf_status apply(const htf_cli_option *option, const char *value) {
  htf_status status = HTF_OK;
  if (option->flag != NULL) {
    *option->flag = true;
  } else if (option->value != NULL) {
    *option->value = value;
  } else {
    HTF_CHECK(option->list->count < HTF_CLI_LIST, HTF_E_USAGE, "--%s more than %d times",
              option->name, HTF_CLI_LIST);
    option->list->item[option->list->count++] = value;
  }
done:
  return status;
}

// getopt_long returns letters, and 1 for an operand; options are numbered beyond those.
enum { FIRST = 256 };

static const htf_cli_option *option_of(const htf_cli_usage *usage, int found) {
  for (int i = 0; found < FIRST && i < usage->count; i++) {
    if (usage->options[i].letter == found) {
      return &usage->options[i];
    }
  }
  return &usage->options[found - FIRST];
}

htf_status htf_cli__parse(const htf_cli_usage *usage, int argc, char **argv,
                          const char **operands, bool *help) {
  htf_status status = HTF_OK;
  struct option *table = NULL;
  char letters[64] = "-:h";
  int given = 0, found;
  *help = false;
  HTF_NEW(table, usage->count + 2);
  for (int i = 0; i < usage->count; i++) {
    const htf_cli_option *o = &usage->options[i];
    table[i] = (struct option){o->name, o->argument != NULL, NULL, FIRST + i};
    if (o->letter != 0) {
      size_t used = strlen(letters);
      snprintf(letters + used, sizeof letters - used, "%c%s", o->letter,
               o->argument != NULL ? ":" : "");
    }
  }
  table[usage->count] = (struct option){"help", no_argument, NULL, FIRST + usage->count};
  optind = 0;
  opterr = 0;
  while ((found = getopt_long(argc, argv, letters, table, NULL)) != -1) {
    HTF_CHECK(found != '?', HTF_E_USAGE, "unknown option %s; see htflow %s --help",
              argv[optind - 1], argv[0]);
    HTF_CHECK(found != ':', HTF_E_USAGE, "option %s needs a value", argv[optind - 1]);
    if (found == 1) {
      HTF_CHECK(given < abs(usage->operands), HTF_E_USAGE, "unexpected argument %s",
                optarg);
      operands[given++] = optarg;
    } else if (found == 'h' || found == FIRST + usage->count) {
      *help = true;
    } else {
      HTF_TRY(apply(option_of(usage, found), optarg));
    }
  }
  for (; optind < argc; optind++) { // after "--"
    HTF_CHECK(given < abs(usage->operands), HTF_E_USAGE, "unexpected argument %s",
              argv[optind]);
    operands[given++] = argv[optind];
  }
  HTF_CHECK(*help || given == usage->operands || usage->operands < 0, HTF_E_USAGE,
            "usage: htflow %s", usage->synopsis);
  if (*help && htf_sweep_launched() == 0) {
    teller.show(teller.context, usage);
  }
done:
  HTF_FREE(table);
  return status;
}

// In a synopsis an option without a bracket behind it is followed by its argument.
int htf_cli__operands(const htf_cli_usage *usage,
                      char name[HTF_CLI_OPERANDS][HTF_MAX_LABEL]) {
  const char *word = usage->synopsis + strcspn(usage->synopsis, " ");
  int count = 0;
  bool skip = false;
  for (word += strspn(word, " "); *word != '\0'; word += strspn(word, " ")) {
    size_t length = strcspn(word, " "), open = strspn(word, "[");
    bool option = word[open] == '-', rest = strncmp(word, "[options]", length) == 0;
    if (!option && !rest && !skip) {
      HTF_ASSERT(count < HTF_CLI_OPERANDS);
      snprintf(name[count++], HTF_MAX_LABEL, "%.*s", (int)strcspn(word + open, " ]"),
               word + open);
    }
    skip = option && word[length - 1] != ']';
    word += length;
  }
  HTF_ASSERT(count == abs(usage->operands));
  return count;
}

htf_status htf_cli__number(const char *option, const char *text, double low, double high,
                           double *number) {
  htf_status status = HTF_OK;
  char *end;
  *number = strtod(text, &end);
  HTF_CHECK(end != text && *end == '\0' && *number >= low && *number <= high, HTF_E_USAGE,
            "--%s %s: wants a number from %g to %g", option, text, low, high);
done:
  return status;
}

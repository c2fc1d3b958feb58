// SPDX-License-Identifier: BSD-3-Clause
// Completion for fish: a line an option.
#include <string.h>

#include "completion_impl.h"

static const char fixed[] =
    "# SPDX-License-Identifier: BSD-3-Clause\n"
    "# Written by `htflow help --completion fish` from htflow's own tables: not to be edited.\n"
    "\n"
    "# _htflow_add words W .. | directories | files ENDING .. | keys\n"
    "function _htflow_add\n"
    "  set -l current (commandline -ct)\n"
    "  switch $argv[1]\n"
    "    case words\n"
    "      printf '%s\\n' $argv[2..-1]\n"
    "    case directories\n"
    "      __fish_complete_directories \"$current\"\n"
    "    case files\n"
    "      set -l endings (string join '|' $argv[2..-1])\n"
    "      test -n \"$endings\"; or set endings '.*'\n"
    "      __fish_complete_path \"$current\" |\n"
    "        string match -r --entire \"(?:/|\\.(?:$endings))(?:\\t.*)?\\$\"\n"
    "    case keys\n"
    "      if string match -q '*=*' -- $current\n"
    "        set -l key (string replace -r '=.*' '' -- $current)\n"
    "        printf \"$key=%s\\n\" (_htflow_choices $key)\n"
    "      else\n"
    "        _htflow_keys\n"
    "      end\n"
    "  end\n"
    "end\n"
    "\n"
    "# Whether no command is there yet; whether it is that one.\n"
    "function _htflow_first\n"
    "  test (count (commandline -opc)) = 1\n"
    "end\n"
    "\n"
    "function _htflow_in\n"
    "  set -l words (commandline -opc)\n"
    "  test (count $words) -ge 2; and test $words[2] = $argv[1]\n"
    "end\n"
    "\n"
    "# _htflow_at COMMAND N OPTION ..: whether the word to come is operand N, from 0, the\n"
    "# options being those that want a value\n"
    "function _htflow_at\n"
    "  _htflow_in $argv[1]; or return 1\n"
    "  set -l words (commandline -opc)\n"
    "  set -l operand 0\n"
    "  set -l value no\n"
    "  for word in $words\n"
    "    if test $value = yes\n"
    "      set value no\n"
    "    else if contains -- $word $argv[3..-1]\n"
    "      set value yes\n"
    "    else if not string match -q -- '-*' $word\n"
    "      set operand (math $operand + 1)\n"
    "    end\n"
    "  end\n"
    "  test $operand = (math $argv[2] + 2) # behind htflow and the command\n"
    "end\n"
    "\n"
    "complete -c htflow -f\n"
    "complete -c htflow -n _htflow_first -l help -d 'list the commands'\n"
    "complete -c htflow -n _htflow_first -l version -d 'what this is'\n";

static void put_keys(FILE *out) {
  fputs("\nfunction _htflow_keys\n  printf '%s\\n'", out);
  htf_completion__put_keys(out, " \\\n    ", "=");
  fputs("\nend\n\nfunction _htflow_choices # KEY\n  switch $argv[1]\n", out);
  htf_completion__put_choices(out, "    case ", "\n      printf '%s\\n' ", "\n");
  fputs("  end\nend\n\n", out);
}

static void put_option(htf_completion *c, const htf_cli_option *option) {
  fprintf(c->out, "complete -c htflow -n '_htflow_in %s' -l %s", c->command, option->name);
  if (option->letter != 0) {
    fprintf(c->out, " -s %c", option->letter);
  }
  fputs(" -d '", c->out);
  htf_completion__put_quoted(c->out, option->help, "\\");
  fputs(option->argument != NULL ? "' -x" : "'", c->out);
  if (option->argument != NULL && htf_completion__knows(option->argument)) {
    fputs(" -a '(", c->out);
    htf_completion__put_calls(c->out, "_htflow_add", option->argument);
    fputs(")'", c->out);
  }
  fputc('\n', c->out);
}

static void put_operand(htf_completion *c, const htf_cli_usage *usage, int number,
                        const char *name) {
  fprintf(c->out, "complete -c htflow -n '_htflow_at %s %d", c->command, number);
  for (int i = 0; i < usage->count; i++) {
    const htf_cli_option *o = &usage->options[i];
    if (o->argument != NULL) {
      fprintf(c->out, " --%s", o->name);
      if (o->letter != 0) {
        fprintf(c->out, " -%c", o->letter);
      }
    }
  }
  fputs("' -a '(", c->out);
  htf_completion__put_calls(c->out, "_htflow_add", name);
  fputs(")'\n", c->out);
}

static void put_usage(htf_completion *c, const htf_cli_usage *usage) {
  char operand[HTF_CLI_OPERANDS][HTF_MAX_LABEL];
  int count = htf_cli__operands(usage, operand);
  const htf_cli_entry *entry = htf_cli__find(c->command);
  fprintf(c->out, "complete -c htflow -n _htflow_first -a %s -d '", c->command);
  htf_completion__put_quoted(c->out, entry->help, "\\");
  fputs("'\n", c->out);
  for (int i = 0; i < usage->count; i++) {
    put_option(c, &usage->options[i]);
  }
  fprintf(c->out,
          "complete -c htflow -n '_htflow_in %s' -l help -d 'synopsis and options'\n",
          c->command);
  for (int i = 0; i < count; i++) {
    if (htf_completion__knows(operand[i])) {
      put_operand(c, usage, i, operand[i]);
    }
  }
}

htf_status htf_completion__fish(FILE *out) {
  htf_completion completion = {.out = out, .put = put_usage};
  fputs(fixed, out);
  put_keys(out);
  return htf_completion__each(&completion);
}

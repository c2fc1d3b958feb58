// SPDX-License-Identifier: BSD-3-Clause
// Completion for zsh, by its own _arguments.

#include "completion_impl.h"

static const char head[] =
    "#compdef htflow\n"
    "# SPDX-License-Identifier: BSD-3-Clause\n"
    "# Written by `htflow help --completion zsh` from htflow's own tables: not to be edited.\n"
    "\n"
    "# _htflow_add words W .. | directories | files ENDING .. | keys\n"
    "_htflow_add() {\n"
    "  local kind=$1\n"
    "  shift\n"
    "  case $kind in\n"
    "    words) compadd -- \"$@\" ;;\n"
    "    directories) _files -/ ;;\n"
    "    files) if (( $# )); then _files -g \"${(j: :)${@/#/*.}}\"; else _files; fi ;;\n"
    "    keys)\n"
    "      if compset -P 1 '*='; then\n"
    "        _htflow_choices \"${${IPREFIX%=}##*=}\"\n"
    "      else\n"
    "        _htflow_keys\n"
    "      fi\n"
    "      ;;\n"
    "  esac\n"
    "}\n";

static const char body[] =
    "\n"
    "_htflow() {\n"
    "  local curcontext=$curcontext state line\n"
    "  typeset -A opt_args\n"
    "  _arguments -C '(- *)--help[list the commands]' '(- *)--version[what this is]' \\\n"
    "    '1:command:->command' '*::argument:->rest'\n"
    "  case $state in\n"
    "    command) _htflow_commands ;;\n"
    "    rest) _htflow_arguments \"$words[1]\" ;;\n"
    "  esac\n"
    "}\n"
    "\n"
    "if [ \"$funcstack[1]\" = _htflow ]; then\n"
    "  _htflow \"$@\"\n"
    "else\n"
    "  compdef _htflow htflow\n"
    "fi\n";

static void put_commands(FILE *out) {
  int count;
  const htf_cli_entry *entry = htf_cli__commands(&count);
  fputs("\n_htflow_commands() {\n  local -a commands=(\n", out);
  for (int i = 0; i < count; i++) {
    fprintf(out, "    '%s:", entry[i].name);
    htf_completion__put_quoted(out, entry[i].help, "\\");
    fputs("'\n", out);
  }
  fputs("  )\n  _describe -t commands command commands\n}\n", out);
}

static void put_keys(FILE *out) {
  fputs("\n_htflow_keys() {\n  compadd -S = --", out);
  htf_completion__put_keys(out, " \\\n    ", "");
  fputs("\n}\n\n_htflow_choices() { # KEY\n  case $1 in\n", out);
  htf_completion__put_choices(out, "    ", ") compadd -- ", " ;;\n");
  fputs("  esac\n}\n", out);
}

// :DIR:{_htflow_add directories}, or a blank for what is not known.
static void put_action(FILE *out, const char *argument) {
  if (argument == NULL) {
    return;
  }
  fprintf(out, ":%s:%s", argument, htf_completion__knows(argument) ? "{" : " ");
  htf_completion__put_calls(out, "_htflow_add", argument);
  fputs(htf_completion__knows(argument) ? "}" : "", out);
}

// '*--set=[help]:KEY=VALUE:{_htflow_add keys}'
static void put_name(FILE *out, const htf_cli_option *option, const char *name) {
  fprintf(out, " \\\n        '%s%s[", option->list != NULL ? "*" : "", name);
  htf_completion__put_quoted(out, option->help, "[]:\\");
  fputc(']', out);
  put_action(out, option->argument);
  fputc('\'', out);
}

static void put_option(FILE *out, const htf_cli_option *option) {
  char name[HTF_MAX_LABEL];
  snprintf(name, sizeof name, "--%s%s", option->name, option->argument != NULL ? "=" : "");
  put_name(out, option, name);
  if (option->letter != 0) {
    snprintf(name, sizeof name, "-%c%s", option->letter,
             option->argument != NULL ? "+" : "");
    put_name(out, option, name);
  }
}

static void put_usage(htf_completion *c, const htf_cli_usage *usage) {
  char operand[HTF_CLI_OPERANDS][HTF_MAX_LABEL];
  int count = htf_cli__operands(usage, operand);
  fprintf(c->out, "    %s)\n      _arguments '(- *)--help[synopsis and options]'",
          c->command);
  for (int i = 0; i < usage->count; i++) {
    put_option(c->out, &usage->options[i]);
  }
  for (int i = 0; i < count; i++) {
    fprintf(c->out, " \\\n        '%d", i + 1);
    put_action(c->out, operand[i]);
    fputc('\'', c->out);
  }
  fputs("\n      ;;\n", c->out);
}

htf_status htf_completion__zsh(FILE *out) {
  htf_status status = HTF_OK;
  htf_completion completion = {.out = out, .put = put_usage};
  fputs(head, out);
  put_commands(out);
  put_keys(out);
  fputs("\n_htflow_arguments() { # COMMAND\n  case $1 in\n", out);
  HTF_TRY(htf_completion__each(&completion));
  fputs("  esac\n}\n", out);
  fputs(body, out);
done:
  return status;
}

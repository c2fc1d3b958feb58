// SPDX-License-Identifier: BSD-3-Clause
// Completion for bash: needs no other script, only bash 4.3 or later.
#include <string.h>

#include "completion_impl.h"

// `=` ends a word for readline, so that --set init.kind=gaussian comes as three.
static const char fixed[] =
    "# SPDX-License-Identifier: BSD-3-Clause\n"
    "# Written by `htflow help --completion bash` from htflow's own tables: not to be edited.\n"
    "\n"
    "# _htflow_add words W .. | directories | files ENDING .. | keys: what fits $cur\n"
    "_htflow_add() {\n"
    "  local kind=$1 file ending key\n"
    "  shift\n"
    "  case $kind in\n"
    "    words)\n"
    "      while IFS= read -r file; do COMPREPLY+=(\"$file\"); done \\\n"
    "        < <(compgen -W \"$*\" -- \"$cur\")\n"
    "      ;;\n"
    "    directories)\n"
    "      compopt -o filenames 2>/dev/null\n"
    "      while IFS= read -r file; do COMPREPLY+=(\"$file\"); done \\\n"
    "        < <(compgen -d -- \"$cur\")\n"
    "      ;;\n"
    "    files)\n"
    "      compopt -o filenames 2>/dev/null\n"
    "      while IFS= read -r file; do\n"
    "        if [[ $# == 0 || -d $file ]]; then\n"
    "          COMPREPLY+=(\"$file\")\n"
    "        else\n"
    "          for ending; do [[ $file != *.\"$ending\" ]] || COMPREPLY+=(\"$file\"); done\n"
    "        fi\n"
    "      done < <(compgen -f -- \"$cur\")\n"
    "      ;;\n"
    "    keys)\n"
    "      if [[ $cur == *=* ]]; then\n"
    "        key=${cur%%=*} cur=${cur#*=}\n"
    "        _htflow_add words $(_htflow_choices \"$key\")\n"
    "        _htflow_prefix \"$key=\"\n"
    "      else\n"
    "        compopt -o nospace 2>/dev/null\n"
    "        _htflow_add words \"$(_htflow_keys)\"\n"
    "      fi\n"
    "      ;;\n"
    "  esac\n"
    "}\n"
    "\n"
    "# What stands before the word for us, but not where readline ends words at `=`.\n"
    "_htflow_prefix() {\n"
    "  [[ $COMP_WORDBREAKS == *=* ]] || COMPREPLY=(\"${COMPREPLY[@]/#/$1}\")\n"
    "}\n"
    "\n"
    "_htflow() {\n"
    "  local cur word option= operand=0 i words=() options takes\n"
    "  COMPREPLY=()\n"
    "  for ((i = 1; i <= COMP_CWORD; i++)); do\n"
    "    if [[ $i -gt 1 && (${COMP_WORDS[i]} == = || ${COMP_WORDS[i - 1]} == =) ]]; then\n"
    "      words[-1]+=${COMP_WORDS[i]}\n"
    "    else\n"
    "      words+=(\"${COMP_WORDS[i]}\")\n"
    "    fi\n"
    "  done\n"
    "  cur=${words[-1]}\n"
    "  if [[ ${#words[@]} == 1 ]]; then\n"
    "    _htflow_add words \"$(_htflow_commands)\" --help --version\n"
    "    return\n"
    "  fi\n"
    "  _htflow_options \"${words[0]}\"\n"
    "  for word in \"${words[@]:1:${#words[@]}-2}\"; do\n"
    "    if [[ -n $option ]]; then\n"
    "      option=\n"
    "    elif [[ \" $takes \" == *\" $word \"* ]]; then\n"
    "      option=$word\n"
    "    elif [[ $word != -* ]]; then\n"
    "      operand=$((operand + 1))\n"
    "    fi\n"
    "  done\n"
    "  if [[ -n $option ]]; then\n"
    "    _htflow_value \"${words[0]}\" \"$option\"\n"
    "  elif [[ $cur == --*=* ]]; then\n"
    "    option=${cur%%=*} cur=${cur#*=}\n"
    "    _htflow_value \"${words[0]}\" \"$option\"\n"
    "    _htflow_prefix \"$option=\"\n"
    "  elif [[ $cur == -* ]]; then\n"
    "    _htflow_add words \"$options\"\n"
    "  else\n"
    "    _htflow_value \"${words[0]}\" \"$operand\"\n"
    "  fi\n"
    "}\n"
    "\n"
    "complete -F _htflow htflow\n";

static void put_commands(FILE *out) {
  int count;
  const htf_cli_entry *entry = htf_cli__commands(&count);
  fputs("\n_htflow_commands() {\n  echo \"", out);
  for (int i = 0; i < count; i++) {
    fprintf(out, "%s%s", i > 0 ? " " : "", entry[i].name);
  }
  fputs("\"\n}\n", out);
}

static void put_keys(FILE *out) {
  fputs("\n_htflow_keys() {\n  echo \"\\\n", out);
  htf_completion__put_keys(out, "    ", "=\\\n");
  fputs("\"\n}\n\n_htflow_choices() { # KEY\n  case $1 in\n", out);
  htf_completion__put_choices(out, "    ", ") echo \"", "\" ;;\n");
  fputs("  esac\n}\n", out);
}

// Sets $options, and $takes: those that want a value.
static void put_options(htf_completion *c, const htf_cli_usage *usage) {
  fprintf(c->out, "    %s)\n      options='", c->command);
  for (int i = 0; i < usage->count; i++) {
    fprintf(c->out, "--%s ", usage->options[i].name);
  }
  fputs("--help'\n      takes='", c->out);
  for (int i = 0; i < usage->count; i++) {
    const htf_cli_option *o = &usage->options[i];
    if (o->argument != NULL) {
      fprintf(c->out, " --%s", o->name);
      if (o->letter != 0) {
        fprintf(c->out, " -%c", o->letter);
      }
    }
  }
  fputs("'\n      ;;\n", c->out);
}

static void put_value(htf_completion *c, const char *name, char letter,
                      const char *argument) {
  fprintf(c->out, "    '%s %s'", c->command, name);
  if (letter != 0) {
    fprintf(c->out, " | '%s -%c'", c->command, letter);
  }
  fputs(") ", c->out);
  htf_completion__put_calls(c->out, "_htflow_add", argument);
  fputs(" ;;\n", c->out);
}

static void put_values(htf_completion *c, const htf_cli_usage *usage) {
  char operand[HTF_CLI_OPERANDS][HTF_MAX_LABEL], name[HTF_MAX_LABEL];
  int count = htf_cli__operands(usage, operand);
  for (int i = 0; i < count; i++) {
    snprintf(name, sizeof name, "%d", i);
    put_value(c, name, 0, operand[i]);
  }
  for (int i = 0; i < usage->count; i++) {
    if (usage->options[i].argument != NULL) {
      snprintf(name, sizeof name, "--%s", usage->options[i].name);
      put_value(c, name, usage->options[i].letter, usage->options[i].argument);
    }
  }
}

htf_status htf_completion__bash(FILE *out) {
  htf_status status = HTF_OK;
  htf_completion completion = {.out = out, .put = put_options};
  fputs(fixed, out);
  put_commands(out);
  put_keys(out);
  fputs("\n_htflow_options() { # COMMAND\n  case $1 in\n", out);
  HTF_TRY(htf_completion__each(&completion));
  fputs("  esac\n}\n\n_htflow_value() { # COMMAND, an option or the number of an operand\n"
        "  case \"$1 $2\" in\n",
        out);
  completion.put = put_values;
  HTF_TRY(htf_completion__each(&completion));
  fputs("  esac\n}\n", out);
done:
  return status;
}

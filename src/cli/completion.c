// SPDX-License-Identifier: BSD-3-Clause
// What completion scripts share, whatever the shell.
#include <ctype.h>
#include <string.h>

#include "completion_impl.h"

// ---- words ------------------------------------------------------------------------------

void htf_completion__put_words(FILE *out, const char *choices) {
  for (; *choices != '\0'; choices++) {
    fputc(*choices == '|' ? ' ' : *choices, out);
  }
}

void htf_completion__put_quoted(FILE *out, const char *text, const char *escaped) {
  for (; *text != '\0'; text++) {
    if (*text == '\'') {
      fputs("'\\''", out);
    } else {
      fprintf(out, "%s%c", strchr(escaped, *text) != NULL ? "\\" : "", *text);
    }
  }
}

void htf_completion__put_keys(FILE *out, const char *before, const char *after) {
  int count;
  const htf_field *field = htf_spec_fields(&count);
  for (int i = 0; i < count; i++) {
    if (field[i].type != HTF_FIELD_DIGEST) {
      fprintf(out, "%s%s%s", before, field[i].key, after);
    }
  }
}

void htf_completion__put_choices(FILE *out, const char *before, const char *between,
                                 const char *after) {
  int count;
  const htf_field *field = htf_spec_fields(&count);
  for (int i = 0; i < count; i++) {
    if (field[i].choices != NULL) {
      fprintf(out, "%s%s%s", before, field[i].key, between);
      htf_completion__put_words(out, field[i].choices);
      fputs(after, out);
    }
  }
}

// ---- what an argument may be ------------------------------------------------------------

typedef enum kind { ANYTHING, WORD, DIRECTORY, ANY_FILE, ENDING, KEY, COMMAND } kind;

static kind kind_of(const char *name) {
  return strcmp(name, "DIR") == 0                                 ? DIRECTORY
         : strcmp(name, "FILE") == 0                              ? ANY_FILE
         : strcmp(name, "KEY=VALUE") == 0                         ? KEY
         : strcmp(name, "COMMAND") == 0                           ? COMMAND
         : islower((unsigned char)name[0])                        ? WORD
         : strchr(name, '.') != NULL && strchr(name, ',') == NULL ? ENDING
                                                                  : ANYTHING;
}

static void put_commands(FILE *out) {
  int count;
  const htf_cli_entry *entry = htf_cli__commands(&count);
  for (int i = 0; i < count; i++) {
    fprintf(out, " %s", entry[i].name);
  }
}

// One call for all alternatives of a kind, if there are any; *calls counts.
static void put_call(FILE *out, const char *call, const char *argument, kind wanted,
                     int *calls) {
  static const char *const verbs[] = {[WORD] = "words",     [DIRECTORY] = "directories",
                                      [ANY_FILE] = "files", [ENDING] = "files",
                                      [KEY] = "keys",       [COMMAND] = "words"};
  bool begun = false;
  for (const char *at = argument; *at != '\0'; at += strspn(at, "|")) {
    char name[HTF_MAX_LABEL];
    size_t length = strcspn(at, "|");
    snprintf(name, sizeof name, "%.*s", (int)length, at);
    at += length;
    if (kind_of(name) != wanted) {
      continue;
    }
    if (!begun) {
      fprintf(out, "%s%s %s", (*calls)++ > 0 ? "; " : "", call, verbs[wanted]);
      begun = true;
    }
    if (wanted == WORD) {
      fprintf(out, " %s", name);
    } else if (wanted == ENDING) {
      fprintf(out, " %s", strrchr(name, '.') + 1);
    } else if (wanted == COMMAND) {
      put_commands(out);
    }
  }
}

void htf_completion__put_calls(FILE *out, const char *call, const char *argument) {
  int calls = 0;
  for (kind k = WORD; k <= COMMAND; k++) {
    put_call(out, call, argument, k, &calls);
  }
}

bool htf_completion__knows(const char *argument) {
  bool known = false;
  for (const char *at = argument; *at != '\0'; at += strspn(at, "|")) {
    char name[HTF_MAX_LABEL];
    size_t length = strcspn(at, "|");
    snprintf(name, sizeof name, "%.*s", (int)length, at);
    known = known || kind_of(name) != ANYTHING;
    at += length;
  }
  return known;
}

// ---- all commands -----------------------------------------------------------------------

static void show(void *context, const htf_cli_usage *usage) {
  htf_completion *completion = context;
  completion->put(completion, usage);
}

htf_status htf_completion__each(htf_completion *completion) {
  htf_status status = HTF_OK;
  int count;
  const htf_cli_entry *entry = htf_cli__commands(&count);
  for (int i = 0; i < count; i++) {
    completion->command = entry[i].name;
    HTF_TRY(htf_cli__describe(&entry[i], show, completion));
  }
done:
  return status;
}

htf_status htf_completion__write(const char *shell, FILE *out) {
  htf_status status = HTF_OK;
  bool bash = strcmp(shell, "bash") == 0, zsh = strcmp(shell, "zsh") == 0;
  HTF_CHECK(bash || zsh || strcmp(shell, "fish") == 0, HTF_E_USAGE,
            "no completion for %s; there is one for bash, zsh and fish", shell);
  HTF_TRY(bash  ? htf_completion__bash(out)
          : zsh ? htf_completion__zsh(out)
                : htf_completion__fish(out));
done:
  return status;
}

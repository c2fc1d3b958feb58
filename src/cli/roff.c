// SPDX-License-Identifier: BSD-3-Clause
// Text as the source of a man page.
#include "roff_impl.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "htflow/spec.h"
#include "htflow/version.h"

// Source lines hold at most so many letters; with escapes they seldom exceed 80 bytes.
enum { WIDTH = 62 };

void htf_roff__title(const htf_roff *roff, const char *name, int section) {
  fprintf(
      roff->out,
      ".\\\" SPDX-License-Identifier: BSD-3-Clause\n.\\\" Written by htflow from its own "
      "tables: not to be edited.\n.TH ");
  for (const char *at = name; *at != '\0'; at++) {
    fputc(toupper((unsigned char)*at), roff->out);
  }
  fprintf(roff->out, " %d \"%s\" \"htflow %s\" \"htflow manual\"\n", section,
          htf_version_date(), htf_version());
}

void htf_roff__section(const htf_roff *roff, const char *name) {
  fprintf(roff->out, ".SH %s\n", name);
}

void htf_roff__subsection(const htf_roff *roff, const char *name) {
  fprintf(roff->out, ".SS %s\n", name);
}

void htf_roff__request(const htf_roff *roff, const char *request) {
  fprintf(roff->out, "%s\n", request);
}

// A byte as roff shows it. Every `-` is the ASCII one, so that what is copied works.
static void put_byte(const htf_roff *roff, char byte) {
  const char *escaped = byte == '\\'   ? "\\e"
                        : byte == '-'  ? "\\-"
                        : byte == '\'' ? "\\(aq"
                        : byte == '`'  ? "\\(ga"
                        : byte == '^'  ? "\\(ha"
                        : byte == '~'  ? "\\(ti"
                                       : NULL;
  if (escaped != NULL) {
    fputs(escaped, roff->out);
  } else {
    fputc(byte, roff->out);
  }
}

static void put_bytes(const htf_roff *roff, const char *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    put_byte(roff, bytes[i]);
  }
}

void htf_roff__put(const htf_roff *roff, char font, const char *text) {
  fprintf(roff->out, "\\f%c", font);
  put_bytes(roff, text, strlen(text));
  fputs("\\fR", roff->out);
}

// ---- words ------------------------------------------------------------------------------

static bool is_place(const htf_roff *roff, const char *word, size_t length) {
  for (int i = 0; roff->place != NULL && roff->place[i] != NULL; i++) {
    if (strlen(roff->place[i]) == length && strncmp(roff->place[i], word, length) == 0) {
      return true;
    }
  }
  return false;
}

static bool is_key(const char *word, size_t length) {
  char key[HTF_MAX_LABEL];
  snprintf(key, sizeof key, "%.*s", length < sizeof key ? (int)length : 0, word);
  return strchr(key, '.') != NULL && htf_spec_field(key) != NULL;
}

// "htflow(1)", "htflow-sweep(5)".
static bool is_page(const char *word, size_t length) {
  return length > 3 && strncmp(word, "htflow", 6) == 0 && word[length - 3] == '(' &&
         word[length - 1] == ')';
}

// Within a word hyphens between letters stay hyphens, where a line may be broken.
static void put_plain(const htf_roff *roff, const char *word, size_t length) {
  for (size_t i = 0; i < length; i++) {
    bool hyphen = word[i] == '-' && i > 0 && i + 1 < length &&
                  isalpha((unsigned char)word[i - 1]) &&
                  isalpha((unsigned char)word[i + 1]);
    if (hyphen) {
      fputc('-', roff->out);
    } else {
      put_byte(roff, word[i]);
    }
  }
}

static void put_styled(const htf_roff *roff, char font, const char *word, size_t length) {
  fprintf(roff->out, "\\f%c", font);
  put_bytes(roff, word, length);
  fputs("\\fR", roff->out);
}

// A word between blanks: punctuation before it, what it is, punctuation behind it.
static void put_word(const htf_roff *roff, const char *word, size_t length) {
  size_t front = 0, end = length;
  bool quoted = length > 2 && word[0] == '`' && memchr(word + 1, '`', length - 1) != NULL;
  if (quoted) {
    size_t inner = (size_t)((const char *)memchr(word + 1, '`', length - 1) - word) - 1;
    put_styled(roff, 'B', word + 1, inner);
    put_plain(roff, word + inner + 2, length - inner - 2);
    return;
  }
  while (front < length && strchr("([\"", word[front]) != NULL) {
    front++;
  }
  while (end > front && strchr(",.;:?!)]\"", word[end - 1]) != NULL) {
    end--;
  }
  size_t core = end - front;
  const char *at = word + front;
  if (is_page(at, core + 1)) { // whose bracket was taken for punctuation
    put_plain(roff, word, front);
    put_styled(roff, 'B', at, core - 2);
    put_plain(roff, at + core - 2, length - front - core + 2);
    return;
  }
  char font = core > 2 && at[0] == '-' && at[1] == '-' ? 'B'
              : is_place(roff, at, core)               ? 'I'
              : is_key(at, core)                       ? 'B'
                                                       : 'R';
  if (font == 'R') {
    put_plain(roff, word, length);
  } else {
    put_plain(roff, word, front);
    put_styled(roff, font, at, core);
    put_plain(roff, word + end, length - end);
  }
}

// A `quotation` of several words counts as one.
static size_t word_length(const char *text) {
  size_t length = strcspn(text, " \n");
  const char *close = text[0] == '`' ? strchr(text + 1, '`') : NULL;
  if (close != NULL) {
    length = (size_t)(close - text);
    length += strcspn(close, " \n");
  }
  return length;
}

void htf_roff__text(const htf_roff *roff, const char *text) {
  size_t column = 0;
  bool ended = false;
  for (text += strspn(text, " \n"); *text != '\0'; text += strspn(text, " \n")) {
    size_t length = word_length(text);
    bool sentence = ended && isupper((unsigned char)*text);
    if (column > 0 && (sentence || column + 1 + length > WIDTH)) {
      fputc('\n', roff->out);
      column = 0;
    } else if (column > 0) {
      fputc(' ', roff->out);
      column++;
    }
    if (column == 0 && (*text == '.' || *text == '\'')) {
      fputs("\\&", roff->out);
    }
    put_word(roff, text, length);
    column += length;
    ended = strchr(".?!", text[length - 1]) != NULL;
    text += length;
  }
  fputc('\n', roff->out);
}

// ---- paragraphs -------------------------------------------------------------------------

void htf_roff__paragraph(const htf_roff *roff, const char *text) {
  fputs(".PP\n", roff->out);
  htf_roff__text(roff, text);
}

void htf_roff__item(const htf_roff *roff, const char *term, const char *text) {
  fputs(".TP\n", roff->out);
  htf_roff__put(roff, 'B', term);
  fputc('\n', roff->out);
  htf_roff__text(roff, text);
}

void htf_roff__verbatim(const htf_roff *roff, const char *text) {
  fputs(".PP\n.RS 4\n.EX\n", roff->out);
  for (const char *at = text; *at != '\0'; at++) {
    bool start = at == text || at[-1] == '\n';
    if (start && (*at == '.' || *at == '\'')) {
      fputs("\\&", roff->out);
    }
    put_byte(roff, *at);
  }
  fputs(".EE\n.RE\n", roff->out);
}

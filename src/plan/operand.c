// SPDX-License-Identifier: BSD-3-Clause
// Operands of conditions: numbers, texts, keys, and arithmetic (the grammar: condition.c).
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "condition_impl.h"
#include "htflow/memory.h"

enum { MOST_TERMS = 4096 };

// ---- errors ----------------------------------------------------------------------------

htf_plan__place htf_condition__spot(const htf_condition__parser *p, int offset) {
  htf_plan__place place = p->node->place;
  const char *line = p->reader->errors->text;
  if (line == NULL || place.override != NULL) {
    return place;
  }
  for (int i = 1; i < place.line && line != NULL; i++) {
    line = strchr(line, '\n');
    line = line == NULL ? NULL : line + 1;
  }
  int column = place.column + p->node->quoted;
  size_t length = strlen(p->text);
  bool here = line != NULL && strnlen(line, (size_t)column) == (size_t)column &&
              strncmp(line + column - 1, p->text, length) == 0;
  if (here) {
    place.column = column + offset;
  }
  return place;
}

htf_status htf_condition__fail(htf_condition__parser *p, int offset, const char *words) {
  if (p->failed) {
    return HTF_OK;
  }
  p->failed = true;
  return htf_plan__complain(p->reader->errors, htf_condition__spot(p, offset), "where: %s",
                            words);
}

htf_status htf_condition__fail_here(htf_condition__parser *p, const char *wanted) {
  char words[HTF_MAX_TEXT];
  size_t length = strcspn(p->at, " \t\n");
  if (*p->at == '\0') {
    snprintf(words, sizeof words, "wants %s at its end", wanted);
  } else {
    snprintf(words, sizeof words, "wants %s, got \"%.*s\"", wanted,
             length < 40 ? (int)length : 40, p->at);
  }
  return htf_condition__fail(p, (int)(p->at - p->text), words);
}

htf_status htf_condition__fail_word(htf_condition__parser *p, const htf_plan__term *term) {
  if (p->failed) {
    return HTF_OK;
  }
  p->failed = true;
  htf_plan__node key = {.kind = HTF_PLAN__SCALAR,
                        .place = htf_condition__spot(p, term->at),
                        .text = term->text};
  return htf_plan__unknown(p->reader->errors, &key, "", NULL);
}

// ---- terms -----------------------------------------------------------------------------

htf_plan__term *htf_condition__term_at(const htf_condition__parser *p, int term) {
  return &p->where->term[term];
}

htf_status htf_condition__add_term(htf_condition__parser *p, htf_plan__term term,
                                   int *number) {
  htf_status status = HTF_OK;
  htf_plan__where *w = p->where;
  *number = 0; // any, after an error
  if (w->terms >= MOST_TERMS) {
    HTF_TRY(htf_condition__fail(p, term.at, "too long"));
  } else {
    if (w->terms == w->room) {
      HTF_RESIZE(w->term, w->room == 0 ? 16 : 2 * w->room);
      w->room = w->room == 0 ? 16 : 2 * w->room;
    }
    w->term[w->terms] = term;
    *number = w->terms++;
    return HTF_OK;
  }
done:
  HTF_FREE(term.text);
  return status;
}

htf_status htf_condition__want(htf_condition__parser *p, int term, htf_plan__type type) {
  static const char *const names[] = {"a number", "a text", "a condition"};
  char words[HTF_MAX_LABEL];
  const htf_plan__term *t = htf_condition__term_at(p, term);
  if (p->failed || t->type == type) {
    return HTF_OK;
  }
  if (t->bare) {
    return htf_condition__fail_word(p, t);
  }
  snprintf(words, sizeof words, "wants %s here, this is %s", names[type], names[t->type]);
  return htf_condition__fail(p, t->at, words);
}

// ---- words -----------------------------------------------------------------------------

void htf_condition__skip_space(htf_condition__parser *p) {
  p->at += strspn(p->at, " \t\n\r");
}

static bool is_letter(char c) {
  return isalnum((unsigned char)c) || c == '_' || c == '.';
}

bool htf_condition__take(htf_condition__parser *p, const char *symbol) {
  size_t length = strlen(symbol);
  htf_condition__skip_space(p);
  if (strncmp(p->at, symbol, length) != 0 ||
      (isalpha((unsigned char)symbol[0]) && is_letter(p->at[length]))) {
    return false;
  }
  p->at += length;
  return true;
}

htf_status htf_condition__expect(htf_condition__parser *p, const char *symbol) {
  char wanted[16];
  snprintf(wanted, sizeof wanted, "%s", symbol);
  return p->failed || htf_condition__take(p, symbol) ? HTF_OK
                                                     : htf_condition__fail_here(p, wanted);
}

// ---- primaries -------------------------------------------------------------------------

static htf_status read_signed(htf_condition__parser *p, int *term);

static htf_status copy(const char *from, size_t length, char **text) {
  htf_status status = HTF_OK;
  HTF_NEW(*text, length + 1);
  memcpy(*text, from, length);
done:
  return status;
}

static htf_status read_number(htf_condition__parser *p, int *term) {
  char text[HTF_NUMBER_TEXT];
  htf_plan__term t = {.operation = HTF_PLAN__NUMBER, .left = -1, .right = -1};
  size_t length = 0;
  while (is_letter(p->at[length]) ||
         ((p->at[length] == '-' || p->at[length] == '+') && length > 0 &&
          (p->at[length - 1] == 'e' || p->at[length - 1] == 'E'))) {
    length++;
  }
  snprintf(text, sizeof text, "%.*s", (int)(length < sizeof text ? length : 0), p->at);
  if (!htf_spec_read_number(text, &t.number)) {
    return htf_condition__fail_here(p, "a number");
  }
  t.at = (int)(p->at - p->text);
  p->at += length;
  return htf_condition__add_term(p, t, term);
}

static htf_status read_quoted(htf_condition__parser *p, int *term) {
  htf_status status = HTF_OK;
  htf_plan__term t = {.operation = HTF_PLAN__TEXT,
                      .type = HTF_PLAN__A_TEXT,
                      .left = -1,
                      .right = -1,
                      .at = (int)(p->at - p->text)};
  const char *end = strchr(p->at + 1, *p->at);
  if (end == NULL) {
    return htf_condition__fail(p, t.at, "this text does not end");
  }
  HTF_TRY(copy(p->at + 1, (size_t)(end - p->at - 1), &t.text));
  p->at = end + 1;
  HTF_TRY(htf_condition__add_term(p, t, term));
done:
  return status;
}

static htf_status read_word(htf_condition__parser *p, int *term) {
  htf_status status = HTF_OK;
  char key[HTF_MAX_LABEL];
  size_t length = 0;
  htf_plan__term t = {.left = -1, .right = -1, .at = (int)(p->at - p->text)};
  while (is_letter(p->at[length])) {
    length++;
  }
  snprintf(key, sizeof key, "%.*s", length < sizeof key ? (int)length : 0, p->at);
  t.field = htf_plan__field(key);
  if (t.field != NULL) {
    bool number = t.field->type == HTF_FIELD_REAL || t.field->type == HTF_FIELD_INTEGER ||
                  t.field->type == HTF_FIELD_COUNT;
    t.operation = HTF_PLAN__KEY;
    t.type = number ? HTF_PLAN__A_NUMBER : HTF_PLAN__A_TEXT;
  } else {
    t.operation = HTF_PLAN__TEXT;
    t.type = HTF_PLAN__A_TEXT;
    t.bare = true;
    HTF_TRY(copy(p->at, length, &t.text));
  }
  p->at += length;
  HTF_TRY(htf_condition__add_term(p, t, term));
done:
  return status;
}

static htf_status read_call(htf_condition__parser *p, htf_plan__operation function,
                            int *term) {
  htf_status status = HTF_OK;
  htf_plan__term t = {.operation = function, .right = -1, .at = (int)(p->at - p->text)};
  HTF_TRY(htf_condition__expect(p, "("));
  HTF_TRY(htf_condition__read_or(p, &t.left));
  HTF_TRY(htf_condition__expect(p, ")"));
  if (!p->failed) {
    HTF_TRY(htf_condition__want(p, t.left, HTF_PLAN__A_NUMBER));
    HTF_TRY(htf_condition__add_term(p, t, term));
  }
done:
  return status;
}

static htf_status read_primary(htf_condition__parser *p, int *term) {
  static const struct {
    const char *name;
    htf_plan__operation function;
  } functions[] = {{"abs", HTF_PLAN__ABS},
                   {"sqrt", HTF_PLAN__SQRT},
                   {"log10", HTF_PLAN__LOG10},
                   {"floor", HTF_PLAN__FLOOR}};
  static const char *const reserved[] = {"and", "or", "not", "in"};
  htf_status status = HTF_OK;
  htf_condition__skip_space(p);
  const char *start = p->at;
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    if (htf_condition__take(p, functions[i].name)) {
      return read_call(p, functions[i].function, term);
    }
  }
  for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
    if (htf_condition__take(p, reserved[i])) {
      p->at = start;
      return htf_condition__fail_here(p, "a key or a value");
    }
  }
  if (htf_condition__take(p, "(")) {
    HTF_TRY(htf_condition__read_or(p, term));
    HTF_TRY(htf_condition__expect(p, ")"));
  } else if (*p->at == '"' || *p->at == '\'') {
    HTF_TRY(read_quoted(p, term));
  } else if (isdigit((unsigned char)*p->at) || *p->at == '.') {
    HTF_TRY(read_number(p, term));
  } else if (isalpha((unsigned char)*p->at)) {
    HTF_TRY(read_word(p, term));
  } else {
    HTF_TRY(htf_condition__fail_here(p, "a key or a value"));
  }
done:
  return status;
}

// ---- arithmetic ------------------------------------------------------------------------

htf_status htf_condition__add_pair(htf_condition__parser *p, htf_plan__operation operation,
                                   int *left, int right) {
  htf_status status = HTF_OK;
  if (!p->failed) {
    htf_plan__term t = {.operation = operation,
                        .left = *left,
                        .right = right,
                        .at = htf_condition__term_at(p, *left)->at};
    HTF_TRY(htf_condition__want(p, *left, HTF_PLAN__A_NUMBER));
    HTF_TRY(htf_condition__want(p, right, HTF_PLAN__A_NUMBER));
    HTF_TRY(htf_condition__add_term(p, t, left));
  }
done:
  return status;
}

static htf_status read_power(htf_condition__parser *p, int *term) {
  htf_status status = HTF_OK;
  int right = 0;
  HTF_TRY(read_primary(p, term));
  if (!p->failed && htf_condition__take(p, "**")) {
    HTF_TRY(read_signed(p, &right));
    HTF_TRY(htf_condition__add_pair(p, HTF_PLAN__POWER, term, right));
  }
done:
  return status;
}

static htf_status read_signed(htf_condition__parser *p, int *term) {
  htf_status status = HTF_OK;
  htf_condition__skip_space(p);
  htf_plan__term t = {
      .operation = HTF_PLAN__MINUS, .right = -1, .at = (int)(p->at - p->text)};
  if (++p->depth > HTF_CONDITION__DEEPEST) {
    HTF_TRY(htf_condition__fail(p, t.at, "nested too deep"));
  } else if (htf_condition__take(p, "-")) {
    HTF_TRY(read_signed(p, &t.left));
    if (!p->failed) {
      HTF_TRY(htf_condition__want(p, t.left, HTF_PLAN__A_NUMBER));
      HTF_TRY(htf_condition__add_term(p, t, term));
    }
  } else {
    HTF_TRY(read_power(p, term));
  }
done:
  p->depth--;
  return status;
}

static htf_status read_product(htf_condition__parser *p, int *term) {
  htf_status status = HTF_OK;
  int right = 0;
  HTF_TRY(read_signed(p, term));
  while (!p->failed) {
    htf_plan__operation operation = htf_condition__take(p, "*")   ? HTF_PLAN__MULTIPLY
                                    : htf_condition__take(p, "/") ? HTF_PLAN__DIVIDE
                                    : htf_condition__take(p, "%") ? HTF_PLAN__REMAINDER
                                                                  : HTF_PLAN__NUMBER;
    if (operation == HTF_PLAN__NUMBER) {
      break;
    }
    HTF_TRY(read_signed(p, &right));
    HTF_TRY(htf_condition__add_pair(p, operation, term, right));
  }
done:
  return status;
}

htf_status htf_condition__read_sum(htf_condition__parser *p, int *term) {
  htf_status status = HTF_OK;
  int right = 0;
  HTF_TRY(read_product(p, term));
  while (!p->failed) {
    bool plus = htf_condition__take(p, "+");
    if (!plus && !htf_condition__take(p, "-")) {
      break;
    }
    HTF_TRY(read_product(p, &right));
    HTF_TRY(
        htf_condition__add_pair(p, plus ? HTF_PLAN__ADD : HTF_PLAN__SUBTRACT, term, right));
  }
done:
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
// Inside the reading of conditions: what operands (operand.c) and comparisons (condition.c)
// share.
#pragma once

#include "plan_impl.h"

enum { HTF_CONDITION__DEEPEST = 64 };

typedef struct htf_condition__parser {
  htf_plan__where *where;
  htf_plan__reader *reader;
  const htf_plan__node *node;
  const char *text, *at;
  int depth;
  bool failed; // an error was found, and told
} htf_condition__parser;

// The place of an offset in the node's text, if the text stands in the file as it is.
htf_plan__place htf_condition__spot(const htf_condition__parser *p, int offset);
// Complains, once a condition: at an offset; of what stands at the parser's place; of a
// word that is no key.
htf_status htf_condition__fail(htf_condition__parser *p, int offset, const char *words);
htf_status htf_condition__fail_here(htf_condition__parser *p, const char *wanted);
htf_status htf_condition__fail_word(htf_condition__parser *p, const htf_plan__term *term);

htf_plan__term *htf_condition__term_at(const htf_condition__parser *p, int term);
// Takes the term over, with its text. Its number is 0 after an error.
htf_status htf_condition__add_term(htf_condition__parser *p, htf_plan__term term,
                                   int *number);
// Complains where a term is not of this type.
htf_status htf_condition__want(htf_condition__parser *p, int term, htf_plan__type type);
// Adds an operation on two numbers; *left becomes it.
htf_status htf_condition__add_pair(htf_condition__parser *p, htf_plan__operation operation,
                                   int *left, int right);

void htf_condition__skip_space(htf_condition__parser *p);
// Whether the symbol or word comes next; it is then taken.
bool htf_condition__take(htf_condition__parser *p, const char *symbol);
htf_status htf_condition__expect(htf_condition__parser *p, const char *symbol);

htf_status htf_condition__read_sum(htf_condition__parser *p, int *term);
htf_status htf_condition__read_or(htf_condition__parser *p, int *term);

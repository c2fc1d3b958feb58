// SPDX-License-Identifier: BSD-3-Clause
// Conditions of `where`, read by recursive descent:
//
//   or          = and { "or" and }
//   and         = not { "and" not }
//   not         = "not" not | comparison
//   comparison  = sum [ "==" sum | "!=" sum | [ "not" ] "in" "[" sum { "," sum } "]"
//                     | order sum { order sum } ]          order = < <= > >=
//   sum         = product { ("+" | "-") product }
//   product     = signed { ("*" | "/" | "%") signed }
//   signed      = "-" signed | power
//   power       = primary [ "**" signed ]
//   primary     = number | key | word | "text" | 'text' | "(" or ")"
//               | ("abs" | "sqrt" | "log10" | "floor") "(" or ")"
//
// A key is a number, or a text: choices, trees (as the plan prints them), files, shapes. A
// word that is no key is a text, where a text is wanted.
#include "condition_impl.h"

// ---- comparisons -----------------------------------------------------------------------

// Where a choice is compared with a text, the text must be one of them; both become
// numbers, as terms of their own: another comparison may share the old ones.
static htf_status settle_choice(htf_condition__parser *p, int *key, int *text) {
  htf_status status = HTF_OK;
  htf_plan__term k = *htf_condition__term_at(p, *key),
                 t = *htf_condition__term_at(p, *text);
  if (p->failed || k.operation != HTF_PLAN__KEY || t.operation != HTF_PLAN__TEXT ||
      k.field->type != HTF_FIELD_CHOICE) {
    return HTF_OK;
  }
  status = htf_spec_set(p->reader->scratch, k.field, t.text);
  if (status != HTF_OK) {
    p->failed = true;
    return htf_plan__note(p->reader->errors, htf_condition__spot(p, t.at), status);
  }
  k.type = HTF_PLAN__A_NUMBER;
  HTF_TRY(htf_condition__add_term(p, k, key));
  t = (htf_plan__term){.operation = HTF_PLAN__NUMBER,
                       .left = -1,
                       .right = -1,
                       .number = htf_spec_number(p->reader->scratch, k.field),
                       .at = t.at};
  HTF_TRY(htf_condition__add_term(p, t, text));
done:
  return status;
}

// Two terms that are compared must be of one type; a bare word must have a key of texts
// beside it.
static htf_status settle(htf_condition__parser *p, int *left, int *right) {
  htf_status status = HTF_OK;
  HTF_TRY(settle_choice(p, left, right));
  HTF_TRY(settle_choice(p, right, left));
  if (p->failed) {
    goto done;
  }
  const htf_plan__term *l = htf_condition__term_at(p, *left),
                       *r = htf_condition__term_at(p, *right);
  if (l->bare && (r->operation != HTF_PLAN__KEY || r->type != HTF_PLAN__A_TEXT)) {
    HTF_TRY(htf_condition__fail_word(p, l));
  } else if (r->bare && (l->operation != HTF_PLAN__KEY || l->type != HTF_PLAN__A_TEXT)) {
    HTF_TRY(htf_condition__fail_word(p, r));
  } else if (l->type == HTF_PLAN__A_TRUTH) {
    HTF_TRY(htf_condition__want(p, *left, HTF_PLAN__A_NUMBER));
  } else {
    HTF_TRY(htf_condition__want(p, *right, l->type));
  }
done:
  return status;
}

// Adds what two terms make; *term becomes it. Nothing after an error.
static htf_status add_truth(htf_condition__parser *p, htf_plan__operation operation,
                            int left, int right, int *term) {
  if (p->failed) {
    return HTF_OK;
  }
  htf_plan__term t = {operation, HTF_PLAN__A_TRUTH, left, right,
                      .at = htf_condition__term_at(p, left)->at};
  return htf_condition__add_term(p, t, term);
}

static htf_status add_equal(htf_condition__parser *p, int left, int right, int *term) {
  htf_status status = HTF_OK;
  if (!p->failed) {
    HTF_TRY(settle(p, &left, &right));
    HTF_TRY(add_truth(p, HTF_PLAN__EQUAL, left, right, term));
  }
done:
  return status;
}

// sum { order sum }: each pair must hold.
static htf_status read_orders(htf_condition__parser *p, int *term, bool *found) {
  htf_status status = HTF_OK;
  int left = *term, right = 0, both = 0;
  *found = false;
  while (!p->failed) {
    htf_plan__operation order = htf_condition__take(p, "<=")   ? HTF_PLAN__LESS_EQUAL
                                : htf_condition__take(p, ">=") ? HTF_PLAN__GREATER_EQUAL
                                : htf_condition__take(p, "<")  ? HTF_PLAN__LESS
                                : htf_condition__take(p, ">")  ? HTF_PLAN__GREATER
                                                               : HTF_PLAN__NUMBER;
    if (order == HTF_PLAN__NUMBER) {
      break;
    }
    HTF_TRY(htf_condition__read_sum(p, &right));
    both = left;
    HTF_TRY(htf_condition__add_pair(p, order, &both, right));
    if (!p->failed) {
      htf_condition__term_at(p, both)->type = HTF_PLAN__A_TRUTH;
    }
    if (*found) {
      HTF_TRY(add_truth(p, HTF_PLAN__AND, *term, both, term));
    } else {
      *term = both;
    }
    *found = true;
    left = right;
  }
done:
  return status;
}

// x in [a, b] is x == a or x == b.
static htf_status read_list(htf_condition__parser *p, int *term) {
  htf_status status = HTF_OK;
  int left = *term, item = 0, equal = 0;
  bool first = true;
  HTF_TRY(htf_condition__expect(p, "["));
  do {
    HTF_TRY(p->failed ? HTF_OK : htf_condition__read_sum(p, &item));
    HTF_TRY(add_equal(p, left, item, &equal));
    if (first) {
      *term = equal;
    } else {
      HTF_TRY(add_truth(p, HTF_PLAN__OR, *term, equal, term));
    }
    first = false;
  } while (!p->failed && htf_condition__take(p, ","));
  HTF_TRY(htf_condition__expect(p, "]"));
done:
  return status;
}

static htf_status read_comparison(htf_condition__parser *p, int *term) {
  htf_status status = HTF_OK;
  bool found, negative = false;
  int right = 0;
  HTF_TRY(htf_condition__read_sum(p, term));
  HTF_TRY(read_orders(p, term, &found));
  if (found || p->failed) {
    goto done;
  }
  const char *before = p->at;
  if (htf_condition__take(p, "==") || htf_condition__take(p, "!=")) {
    negative = p->at[-2] == '!';
    HTF_TRY(htf_condition__read_sum(p, &right));
    HTF_TRY(add_equal(p, *term, right, term));
  } else {
    negative = htf_condition__take(p, "not");
    if (!htf_condition__take(p, "in")) {
      p->at = before;
      goto done;
    }
    HTF_TRY(read_list(p, term));
  }
  if (negative) {
    HTF_TRY(add_truth(p, HTF_PLAN__NOT, *term, -1, term));
  }
done:
  return status;
}

// ---- conditions ------------------------------------------------------------------------

static htf_status read_not(htf_condition__parser *p, int *term) {
  htf_status status = HTF_OK;
  htf_plan__term t = {HTF_PLAN__NOT, HTF_PLAN__A_TRUTH, 0, -1, .at = 0};
  htf_condition__skip_space(p);
  t.at = (int)(p->at - p->text);
  if (++p->depth > HTF_CONDITION__DEEPEST) {
    HTF_TRY(htf_condition__fail(p, t.at, "nested too deep"));
  } else if (htf_condition__take(p, "not")) {
    HTF_TRY(read_not(p, &t.left));
    if (!p->failed) {
      HTF_TRY(htf_condition__want(p, t.left, HTF_PLAN__A_TRUTH));
      HTF_TRY(htf_condition__add_term(p, t, term));
    }
  } else {
    HTF_TRY(read_comparison(p, term));
  }
done:
  p->depth--;
  return status;
}

// `operand` joined by a word: the same for `and` and `or`.
static htf_status read_joined(htf_condition__parser *p, const char *word,
                              htf_plan__operation operation,
                              htf_status (*operand)(htf_condition__parser *, int *),
                              int *term) {
  htf_status status = HTF_OK;
  int right = 0;
  HTF_TRY(operand(p, term));
  while (!p->failed && htf_condition__take(p, word)) {
    HTF_TRY(operand(p, &right));
    if (!p->failed) {
      HTF_TRY(htf_condition__want(p, *term, HTF_PLAN__A_TRUTH));
      HTF_TRY(htf_condition__want(p, right, HTF_PLAN__A_TRUTH));
    }
    HTF_TRY(add_truth(p, operation, *term, right, term));
  }
done:
  return status;
}

static htf_status read_and(htf_condition__parser *p, int *term) {
  return read_joined(p, "and", HTF_PLAN__AND, read_not, term);
}

htf_status htf_condition__read_or(htf_condition__parser *p, int *term) {
  return read_joined(p, "or", HTF_PLAN__OR, read_and, term);
}

htf_status htf_plan__read_condition(htf_plan__where *where, htf_plan__reader *reader,
                                    const htf_plan__node *node, int *root, bool *good) {
  htf_status status = HTF_OK;
  htf_condition__parser p = {
      .where = where, .reader = reader, .node = node, .text = node->text, .at = node->text};
  *root = 0;
  HTF_TRY(htf_condition__read_or(&p, root));
  htf_condition__skip_space(&p);
  if (!p.failed && *p.at != '\0') {
    HTF_TRY(htf_condition__fail_here(&p, "and, or, or the end"));
  }
  HTF_TRY(p.failed ? HTF_OK : htf_condition__want(&p, *root, HTF_PLAN__A_TRUTH));
done:
  *good = status == HTF_OK && !p.failed;
  return status;
}

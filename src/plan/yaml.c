// SPDX-License-Identifier: BSD-3-Clause
// YAML text -> nodes that know where they stand. libfyaml's parser gives events; its own
// words about syntax errors are collected, never printed.
#include <libfyaml.h>
#include <stdio.h>
#include <string.h>

#include "htflow/memory.h"
#include "plan_impl.h"

enum { DEPTH = 32, ANCHORS = 256 };

typedef struct anchor {
  char name[HTF_MAX_LABEL];
  htf_plan__node *node; // owned: one of its owners
} anchor;

typedef struct parser {
  htf_plan__errors *errors;
  const char *text, *override;
  struct fy_diag *diag;
  struct fy_parser *fy;
  struct fy_event *event; // the current one; NULL at the end or after a syntax error
  bool bad;               // an error was found that is not libfyaml's
  int anchors;
  anchor *anchor; // [ANCHORS]
} parser;

// ---- events ----------------------------------------------------------------------------

static void step(parser *p) {
  if (p->event != NULL) {
    fy_parser_event_free(p->fy, p->event);
  }
  p->event = fy_parser_parse(p->fy);
}

// A quoted scalar's mark stands behind its quote, an alias's behind its star.
static htf_plan__place place_here(const parser *p) {
  htf_plan__place place = {.override = p->override};
  const struct fy_mark *mark = fy_event_start_mark(p->event);
  if (mark != NULL && mark->line >= 0) {
    place.line = mark->line + 1;
    place.column = mark->column + 1;
  }
  if (p->event->type == FYET_ALIAS) {
    place.column--;
  } else if (p->event->type == FYET_SCALAR) {
    enum fy_scalar_style style = fy_token_scalar_style(p->event->scalar.value);
    place.column -= style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
  }
  return place;
}

static htf_status refuse(parser *p, const char *words) {
  p->bad = true;
  return htf_plan__complain(p->errors, place_here(p), "%s", words);
}

static void copy_name(struct fy_token *token, char name[HTF_MAX_LABEL]) {
  size_t length = 0;
  const char *text = fy_token_get_text(token, &length);
  snprintf(name, HTF_MAX_LABEL, "%.*s", text == NULL ? 0 : (int)length, text);
}

static htf_status take_scalar(parser *p, htf_plan__node *node) {
  htf_status status = HTF_OK;
  size_t length = 0;
  const char *text = fy_token_get_text(p->event->scalar.value, &length);
  if (text == NULL) {
    length = 0;
  }
  if (length > 0 && memchr(text, '\0', length) != NULL) {
    HTF_TRY(refuse(p, "a text must not hold the character 0"));
  }
  HTF_NEW(node->text, length + 1);
  if (length > 0) {
    memcpy(node->text, text, length);
  }
  node->quoted = fy_token_scalar_style(p->event->scalar.value) != FYSS_PLAIN;
done:
  return status;
}

static htf_status remember(parser *p, const char *name, htf_plan__node *node) {
  htf_status status = HTF_OK;
  if (p->anchor == NULL) {
    HTF_NEW(p->anchor, ANCHORS);
  }
  HTF_CHECK(p->anchors < ANCHORS, HTF_E_CONFIG, "more than %d anchors", ANCHORS);
  node->owners++;
  p->anchor[p->anchors].node = node;
  memcpy(p->anchor[p->anchors].name, name, HTF_MAX_LABEL);
  p->anchors++;
done:
  return status;
}

// An anchor counts from its node's end on, so that no node can hold itself.
static htf_status take_alias(parser *p, htf_plan__node **out) {
  htf_status status = HTF_OK;
  char name[HTF_MAX_LABEL];
  copy_name(p->event->alias.anchor, name);
  for (int i = p->anchors - 1; i >= 0; i--) {
    if (strcmp(p->anchor[i].name, name) == 0) {
      *out = p->anchor[i].node;
      (*out)->owners++;
      goto done;
    }
  }
  p->bad = true;
  HTF_TRY(htf_plan__complain(p->errors, place_here(p), "no anchor &%s before this alias",
                             name));
done:
  return status;
}

static htf_status take_node(parser *p, int depth, htf_plan__node **out);

// The items up to the end event, which stays current.
static htf_status take_items(parser *p, int depth, htf_plan__node *node) {
  htf_status status = HTF_OK;
  enum fy_event_type end =
      node->kind == HTF_PLAN__MAP ? FYET_MAPPING_END : FYET_SEQUENCE_END;
  int items = 0, room = 0;
  for (step(p); p->event != NULL && p->event->type != end && !p->bad; step(p)) {
    if (items == room) {
      room = room == 0 ? 8 : 2 * room;
      HTF_RESIZE(node->item, room);
    }
    HTF_TRY(take_node(p, depth + 1, &node->item[items]));
    if (node->item[items] == NULL) {
      break;
    }
    items++;
    node->count = node->kind == HTF_PLAN__MAP ? items / 2 : items;
  }
done:
  // A key whose value did not come is no pair.
  if (node->kind == HTF_PLAN__MAP && items % 2 == 1) {
    htf_plan__node_destroy(&node->item[items - 1]);
  }
  return status;
}

// A null value has no mark of its own; it gets its key's, or its list's.
static void give_places(htf_plan__node *node) {
  for (int i = 0; i < node->count; i++) {
    bool map = node->kind == HTF_PLAN__MAP;
    htf_plan__node *item = node->item[map ? 2 * i + 1 : i];
    if (item->place.line == 0) {
      item->place = map ? node->item[2 * i]->place : node->place;
    }
  }
}

// The node that begins with the current event; its last event is then current. *out is NULL
// after an error.
static htf_status take_node(parser *p, int depth, htf_plan__node **out) {
  htf_status status = HTF_OK;
  htf_plan__node *node = NULL;
  char name[HTF_MAX_LABEL] = "";
  *out = NULL;
  if (p->event->type == FYET_ALIAS) {
    return take_alias(p, out);
  }
  if (fy_event_get_tag_token(p->event) != NULL) {
    return refuse(p, "tags have no meaning here");
  }
  if (depth > DEPTH) {
    return refuse(p, "nested too deep");
  }
  htf_plan__kind kind = p->event->type == FYET_MAPPING_START    ? HTF_PLAN__MAP
                        : p->event->type == FYET_SEQUENCE_START ? HTF_PLAN__LIST
                                                                : HTF_PLAN__SCALAR;
  HTF_TRY(htf_plan__node_create(kind, place_here(p), &node));
  if (fy_event_get_anchor_token(p->event) != NULL) {
    copy_name(fy_event_get_anchor_token(p->event), name);
  }
  if (kind == HTF_PLAN__SCALAR) {
    HTF_TRY(take_scalar(p, node));
  } else {
    HTF_TRY(take_items(p, depth, node));
    give_places(node);
  }
  if (p->event != NULL && !p->bad) {
    if (name[0] != '\0') {
      htf_plan__place place = node->place;
      HTF_TRY(htf_plan__note(p->errors, place, remember(p, name, node)));
    }
    *out = node;
    node = NULL;
  }
done:
  htf_plan__node_destroy(&node);
  return status;
}

// ---- the document ----------------------------------------------------------------------

// YAML is UTF-8; libfyaml reads other bytes as empty texts.
static bool find_bad_byte(const char *text, htf_plan__place *place) {
  const unsigned char *at = (const unsigned char *)text;
  place->line = place->column = 1;
  while (*at != '\0') {
    int extra = *at < 0x80                  ? 0
                : *at >= 0xC2 && *at < 0xE0 ? 1
                : *at >= 0xE0 && *at < 0xF0 ? 2
                : *at >= 0xF0 && *at < 0xF5 ? 3
                                            : -1;
    bool control = (*at < 0x20 && strchr("\t\n\r", *at) == NULL) || *at == 0x7F;
    if (extra < 0 || control) {
      return true;
    }
    place->column++;
    if (*at == '\n') {
      place->line++;
      place->column = 1;
    }
    at++;
    for (; extra > 0; extra--, at++) {
      if ((*at & 0xC0) != 0x80) {
        return true;
      }
    }
  }
  return false;
}

static htf_status open_parser(parser *p, const char *text) {
  htf_status status = HTF_OK;
  struct fy_diag_cfg diag;
  fy_diag_cfg_default(&diag);
  diag.fp = NULL;
  p->diag = fy_diag_create(&diag);
  HTF_CHECK(p->diag != NULL, HTF_E_MEMORY, "no memory for a YAML parser");
  fy_diag_set_collect_errors(p->diag, true);
  struct fy_parse_cfg parse = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG |
                                        FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE,
                               .diag = p->diag};
  p->fy = fy_parser_create(&parse);
  HTF_CHECK(p->fy != NULL, HTF_E_MEMORY, "no memory for a YAML parser");
  HTF_CHECK(fy_parser_set_string(p->fy, text, strlen(text)) == 0, HTF_E_MEMORY,
            "no memory for a YAML parser");
done:
  return status;
}

static void close_parser(parser *p) {
  if (p->event != NULL) {
    fy_parser_event_free(p->fy, p->event);
  }
  if (p->fy != NULL) {
    fy_parser_destroy(p->fy);
  }
  if (p->diag != NULL) {
    fy_diag_destroy(p->diag);
  }
  for (int i = 0; i < p->anchors; i++) {
    htf_plan__node_destroy(&p->anchor[i].node);
  }
  HTF_FREE(p->anchor);
}

// libfyaml puts the end of a text that ends without a newline on a line that is not there.
static htf_plan__place keep_inside(const parser *p, int line, int column) {
  int last = 1;
  const char *start = p->text;
  for (const char *at = p->text; *at != '\0'; at++) {
    if (*at == '\n') {
      last++;
      start = at + 1;
    }
  }
  if (line > last) {
    line = last;
    column = (int)strlen(start) + 1;
  }
  return (htf_plan__place){line, column, p->override};
}

static htf_status collect(parser *p) {
  htf_status status = HTF_OK;
  void *at = NULL;
  const struct fy_diag_error *error;
  while ((error = fy_diag_errors_iterate(p->diag, &at)) != NULL) {
    htf_plan__place place = keep_inside(p, error->line, error->column);
    HTF_TRY(htf_plan__complain(p->errors, place, "YAML: %s", error->msg));
    p->bad = true;
  }
  if (fy_parser_get_stream_error(p->fy) && !p->bad) {
    htf_plan__place place = {1, 1, p->override};
    HTF_TRY(htf_plan__complain(p->errors, place, "YAML: not readable"));
    p->bad = true;
  }
done:
  return status;
}

static htf_status take_document(parser *p, htf_plan__node **root) {
  htf_status status = HTF_OK;
  for (step(p); p->event != NULL && !p->bad; step(p)) {
    switch (p->event->type) {
    case FYET_SCALAR:
    case FYET_SEQUENCE_START:
    case FYET_MAPPING_START:
    case FYET_ALIAS:
      HTF_TRY(take_node(p, 0, root));
      break;
    case FYET_DOCUMENT_START:
      if (*root != NULL) {
        HTF_TRY(refuse(p, "a second document; a sweep file has one"));
      }
      break;
    default:
      break;
    }
    if (p->event == NULL) {
      break;
    }
  }
done:
  return status;
}

htf_status htf_plan__parse(const char *text, const char *override, htf_plan__errors *errors,
                           htf_plan__node **out) {
  htf_status status = HTF_OK;
  htf_plan__node *root = NULL;
  parser p = {.errors = errors, .text = text, .override = override};
  htf_plan__place place = {.override = override};
  *out = NULL;
  if (find_bad_byte(text, &place)) {
    HTF_TRY(htf_plan__complain(errors, place, "not a character of UTF-8 text"));
    goto done;
  }
  HTF_TRY(open_parser(&p, text));
  HTF_TRY(take_document(&p, &root));
  HTF_TRY(collect(&p));
  if (!p.bad && root == NULL) {
    place = (htf_plan__place){1, 1, override};
    HTF_TRY(htf_plan__node_create(HTF_PLAN__SCALAR, place, &root));
    HTF_NEW(root->text, 1);
  }
  if (!p.bad) {
    *out = root;
    root = NULL;
  }
done:
  htf_plan__node_destroy(&root);
  close_parser(&p);
  return status;
}

const char *htf_plan_library(void) {
  static char text[48];
  snprintf(text, sizeof text, "libfyaml %s", fy_library_version());
  return text;
}

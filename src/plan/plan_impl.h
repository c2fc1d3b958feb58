// SPDX-License-Identifier: BSD-3-Clause
// Inside the plan: text -> nodes -> settings and axes -> a checked plan.
#pragma once

#include <stdbool.h>

#include "htflow/cost.h"
#include "htflow/model.h"
#include "htflow/plan.h"

// ---- where the user wrote something, and what is wrong there ---------------------------

// A place in the sweep file, from 1; or an override's text; or neither (line 0).
typedef struct htf_plan__place {
  int line, column;
  const char *override; // borrowed from the source
} htf_plan__place;

typedef struct htf_plan__error {
  htf_plan__place place;
  char *text;
} htf_plan__error;

enum { HTF_PLAN__ERRORS = 100 }; // kept; more are only counted

typedef struct htf_plan__errors {
  const char *file, *text; // its name and content, to show lines of; text may be NULL
  int count, more;
  htf_plan__error error[HTF_PLAN__ERRORS];
} htf_plan__errors;

// Adds an error, once for the same words at the same place. Raises HTF_E_MEMORY only.
htf_status htf_plan__complain(htf_plan__errors *errors, htf_plan__place place,
                              const char *format, ...) HTF_PRINTF(3, 4);
// Turns a failed status of kind HTF_E_CONFIG into an error at this place, with the words of
// the error slot; hands on any other status.
htf_status htf_plan__note(htf_plan__errors *errors, htf_plan__place place,
                          htf_status status);
// Writes "file:line:column: " or "--set key=value: ".
void htf_plan__write_place(const char *file, htf_plan__place place, char *text,
                           size_t size);
// Raises HTF_E_CONFIG with all errors in the order of the file, if there are any.
htf_status htf_plan__raise(htf_plan__errors *errors);
void htf_plan__forget(htf_plan__errors *errors);

// ---- YAML ------------------------------------------------------------------------------

typedef enum htf_plan__kind {
  HTF_PLAN__SCALAR,
  HTF_PLAN__LIST,
  HTF_PLAN__MAP
} htf_plan__kind;

typedef struct htf_plan__node htf_plan__node;
struct htf_plan__node {
  htf_plan__kind kind;
  htf_plan__place place;
  int owners;            // an alias shares the node of its anchor
  bool quoted;           // of a scalar
  char *text;            // of a scalar
  int count;             // items of a list, pairs of a map
  htf_plan__node **item; // of a map: key, value, key, value, ..
};

// A node without content, of one owner.
htf_status htf_plan__node_create(htf_plan__kind kind, htf_plan__place place,
                                 htf_plan__node **out);
// The one document of the text, whose syntax errors go to `errors`; *root is NULL then. No
// document is a scalar of no text. `override` is kept in places.
htf_status htf_plan__parse(const char *text, const char *override, htf_plan__errors *errors,
                           htf_plan__node **root);
void htf_plan__node_destroy(htf_plan__node **node);
bool htf_plan__is_null(const htf_plan__node *node);
// What a node is, for messages: "\"text\"", "a list", "a mapping", "nothing".
const char *htf_plan__describe(const htf_plan__node *node, char text[HTF_MAX_LABEL]);

// ---- settings --------------------------------------------------------------------------

// A field given a value: text that htf_spec_set has accepted.
typedef struct htf_plan__setting {
  const htf_field *field;
  char *text;
  htf_plan__place place; // of the value
} htf_plan__setting;

typedef struct htf_plan__settings {
  int count;
  htf_plan__setting *item;
} htf_plan__settings;

void htf_plan__settings_clear(htf_plan__settings *settings);
// The setting of a field, the last one; or NULL.
const htf_plan__setting *htf_plan__find(const htf_plan__settings *settings,
                                        const htf_field *field);

typedef struct htf_plan__reader {
  htf_plan__errors *errors;
  htf_spec *scratch; // where values are tried
  bool *broken;      // [fields] those with an error: checks that need them are left out
  int64_t seed;      // the sweep's, for axes that are drawn
  int64_t most;      // points
} htf_plan__reader;

// The field of a key, or of another spelling of it, that the user may set; or NULL.
const htf_field *htf_plan__field(const char *key);
// Whether a key is a section that holds fields, or another spelling of one.
bool htf_plan__is_section(const char *key);
// Whether it is a section of other spellings only, under which no field is found.
bool htf_plan__is_alias(const char *section);
// Complains of fields that are set twice.
htf_status htf_plan__check_twice(htf_plan__errors *errors,
                                 const htf_plan__settings *settings);
// Marks every field at or below a key as broken.
void htf_plan__mark(htf_plan__reader *reader, const char *key);
// The best suggestion so far for a wrong name, and a list of what there is.
typedef struct htf_plan__suggestion {
  const char *wrong;
  int distance;
  char best[HTF_MAX_LABEL], list[HTF_MAX_TEXT];
} htf_plan__suggestion;

void htf_plan__consider(htf_plan__suggestion *suggestion, const char *name);
// Complains of an unknown key below a section ("" for the top), suggesting near ones;
// `extra` lists further names that are valid there, NULL at its end.
htf_status htf_plan__unknown(htf_plan__errors *errors, const htf_plan__node *key,
                             const char *section, const char *const *extra);
// Whether the key of a pair is a scalar that stands in no pair before; if it does, *first
// is the key there, else NULL.
bool htf_plan__is_new_key(const htf_plan__node *map, int pair,
                          const htf_plan__node **first);
// Complains of keys of a map that are no scalars or stand there twice.
htf_status htf_plan__check_keys(htf_plan__errors *errors, const htf_plan__node *map);
// Adds the settings that a value at this key makes: one for a field, any number for a
// section, whose kind alone will do.
htf_status htf_plan__read(htf_plan__reader *reader, const char *key,
                          const htf_plan__node *value, htf_plan__settings *settings);

// Reads a tree, {arity: 4, pattern: half} or a scalar, as the label that it is built from,
// "arity 4 half". *good is false after an error.
htf_status htf_plan__read_tree(htf_plan__reader *reader, const htf_field *field,
                               const htf_plan__node *node, char *text, size_t size,
                               bool *good);

// ---- axes ------------------------------------------------------------------------------

typedef enum htf_plan__form {
  HTF_PLAN__VALUES,
  HTF_PLAN__LINEAR,
  HTF_PLAN__LOG,
  HTF_PLAN__RANGE,
  HTF_PLAN__UNIFORM,
  HTF_PLAN__LOGUNIFORM,
  HTF_PLAN__SEEDS
} htf_plan__form;

typedef struct htf_plan__axis {
  char key[HTF_MAX_LABEL], label[HTF_MAX_LABEL];
  const htf_field *field; // NULL where the key is a section
  htf_plan__place place;
  htf_plan__form form;
  int members; // axes that move together from this one on: 1, a zip's, 0 inside of one
  int column;  // of plan->column; its values are those from `offset` on
  int64_t offset;
  int64_t count;
  int64_t stride;            // points of the block from one value to the next
  double argument[3];        // of numbers
  double *number;            // [count] of numbers
  htf_plan__settings *value; // [count] of values
} htf_plan__axis;

// Fills an empty axis from its node; count stays 0 where it has an error.
htf_status htf_plan__axis_read(htf_plan__reader *reader, const htf_plan__node *node,
                               htf_plan__axis *axis);
void htf_plan__axis_clear(htf_plan__axis *axis);
bool htf_plan__axis_touches(const htf_plan__axis *axis, const htf_field *field);
// Puts back what any value of the axis may have changed; puts a value into the spec.
void htf_plan__axis_reset(const htf_plan__axis *axis, const htf_spec *base, htf_spec *spec);
htf_status htf_plan__axis_apply(const htf_plan__axis *axis, int64_t value, htf_spec *spec);
// Where the value sets the field; false if it does not.
bool htf_plan__axis_place(const htf_plan__axis *axis, int64_t value, const htf_field *field,
                          htf_plan__place *place);
// The numbers of an axis by its form and arguments, drawn from the sweep's seed where they
// are drawn; spaced ones to 15 digits.
htf_status htf_plan__generate(htf_plan__axis *axis, const htf_plan__reader *reader);
bool htf_plan__is_drawn(htf_plan__form form);
// Reads the file's axes and blocks, either of which may be NULL, and counts points, none
// where there are too many.
htf_status htf_plan__read_axes(htf_plan *plan, htf_plan__reader *reader,
                               const htf_plan__node *axes, const htf_plan__node *blocks);
htf_status htf_plan__make_columns(htf_plan *plan);

// ---- where -----------------------------------------------------------------------------

typedef enum htf_plan__operation {
  HTF_PLAN__NUMBER,
  HTF_PLAN__TEXT,
  HTF_PLAN__KEY,
  HTF_PLAN__MINUS,
  HTF_PLAN__ABS,
  HTF_PLAN__SQRT,
  HTF_PLAN__LOG10,
  HTF_PLAN__FLOOR,
  HTF_PLAN__NOT, // the last that takes one operand
  HTF_PLAN__ADD,
  HTF_PLAN__SUBTRACT,
  HTF_PLAN__MULTIPLY,
  HTF_PLAN__DIVIDE,
  HTF_PLAN__REMAINDER,
  HTF_PLAN__POWER,
  HTF_PLAN__LESS,
  HTF_PLAN__LESS_EQUAL,
  HTF_PLAN__GREATER,
  HTF_PLAN__GREATER_EQUAL,
  HTF_PLAN__EQUAL,
  HTF_PLAN__AND,
  HTF_PLAN__OR
} htf_plan__operation;

typedef enum htf_plan__type {
  HTF_PLAN__A_NUMBER,
  HTF_PLAN__A_TEXT,
  HTF_PLAN__A_TRUTH
} htf_plan__type;

typedef struct htf_plan__term {
  htf_plan__operation operation;
  htf_plan__type type;
  int left, right; // operands, terms before this one; -1 for none
  double number;
  char *text;
  const htf_field *field;
  bool bare; // a text without quotes, which may be meant for a key
  int at;    // where in the condition's text
} htf_plan__term;

// Conditions that a point must meet, all of them, as texts and as terms (where.c).
typedef struct htf_plan__where {
  int conditions, terms, room;
  char **text;          // [conditions]
  int *root;            // [conditions] its last term
  htf_plan__term *term; // [terms]
  htf_plan__place place;
  bool broken; // one could not be read; it was told
} htf_plan__where;

// Adds the conditions of a node, a text or a list of texts.
htf_status htf_plan__read_where(htf_plan__where *where, htf_plan__reader *reader,
                                const htf_plan__node *node);
// One condition, read from its text; places count from the node's text. Not `good`: what is
// wrong with it was told, and `root` means nothing.
htf_status htf_plan__read_condition(htf_plan__where *where, htf_plan__reader *reader,
                                    const htf_plan__node *node, int *root, bool *good);
void htf_plan__where_clear(htf_plan__where *where);
bool htf_plan__where_names(const htf_plan__where *where, const htf_field *field);
// Whether a spec meets all conditions.
bool htf_plan__where_holds(const htf_plan__where *where, const htf_spec *spec);

// ---- the plan --------------------------------------------------------------------------

// The axes of a block that touch some fields, and their combinations. Of a zip, the first
// axis stands for all.
typedef struct htf_plan__group {
  int axes;
  int *axis; // [axes]
  int64_t combinations;
} htf_plan__group;

// Axes that are multiplied; the points of blocks are numbered one after another.
typedef struct htf_plan__block {
  int first, axes; // in plan->axis
  int common;      // so many of them, the first ones, are those of the file's `axes`
  int64_t start, points;
  htf_plan__group tree_group[2]; // of the model's tree, of the target's
  char **newick[2];              // [combinations], "" where there is no target
} htf_plan__block;

// The axes of one label.
typedef struct htf_plan__column {
  const char *label;
  const htf_field *field;
  int64_t count;
} htf_plan__column;

typedef struct htf_plan__file {
  char path[HTF_MAX_TEXT];
  htf_plan_file is;
} htf_plan__file;

typedef struct htf_plan__weights {
  char path[HTF_MAX_TEXT];
  int64_t run;
  htf_plan_weights is;
} htf_plan__weights;

// What stands in the base for a task that was not given. (For counts that were not given it
// is NAN, for a shape order 0, for the model's tree "".)
enum { HTF_PLAN__OPEN = -1 };

struct htf_plan {
  char *text, *name, *resolved;
  htf_digest hash;
  htf_spec base;
  htf_plan__settings given;           // what the file's base and the overrides set
  double samples_unless, test_unless; // counts, and a shape, where none was given
  htf_shape shape_unless;
  int axes;
  htf_plan__axis *axis;
  int blocks;
  htf_plan__block *block;
  bool by_blocks; // as the file has it
  int columns;
  htf_plan__column *column;
  htf_plan__where where;
  int64_t points, runs; // before and after points were dropped
  int64_t excluded, duplicates;
  uint64_t *kept;     // bits of points; NULL if all are kept
  int64_t *kept_from; // kept points before each chunk of them (walk.c)
  int files;
  htf_plan__file *file;
  int weights;
  htf_plan__weights *weight;
  int warnings;
  char **warning;
};

enum { HTF_PLAN__MODEL, HTF_PLAN__TARGET };

// ---- whether it all fits together ------------------------------------------------------

// What is being checked: a combination of a group's values, in `spec`.
typedef struct htf_plan__check {
  htf_plan *plan;
  const htf_plan_source *source;
  htf_plan__reader *reader;
  const char *const *keys; // what the check is about, NULL at the end
  int block;
  htf_plan__group group; // the axes that touch them
  int64_t combination;
  htf_spec *spec;
} htf_plan__check;

// Looks at one combination; HTF_E_CONFIG is an error of the sweep file's, at the place of
// the first key that was given.
typedef htf_status htf_plan__visit(htf_plan__check *check);

// Visits every combination of the axes that touch the keys, block by block; none if there
// are errors in them or too many combinations. Errors of points that `where` drops are
// none.
htf_status htf_plan__each(htf_plan__check *check, const char *const *keys,
                          htf_plan__visit *visit);
// The same of one block, in steps: *good says whether there is something to walk over.
htf_status htf_plan__open_check(htf_plan__check *check, const char *const *keys,
                                bool *good);
htf_status htf_plan__walk(htf_plan__check *check, htf_plan__visit *visit);
void htf_plan__close_check(htf_plan__check *check);
// Where the key got its value in this combination; false if it has its default.
bool htf_plan__find_place(const htf_plan__check *check, const char *key,
                          htf_plan__place *place);
// The place of the first of the check's keys that was given; else the file's beginning.
htf_plan__place htf_plan__blame(const htf_plan__check *check);

// Asks for data files and holds them against their keys; for weights files, last of all.
htf_status htf_plan__check_files(htf_plan__check *check);
htf_status htf_plan__check_weights(htf_plan__check *check);
// Keys that cannot go together.
htf_status htf_plan__check_rules(htf_plan__check *check);
// Checks every combination of values that can fail, asks for files, and resolves all trees.
htf_status htf_plan__resolve(htf_plan *plan, const htf_plan_source *source,
                             htf_plan__reader *reader);

// The data file of this path, the weights of this path and run; or NULL.
const htf_plan__file *htf_plan__find_file(const htf_plan *plan, const char *path);
const htf_plan__weights *htf_plan__find_weights(const htf_plan *plan, const char *path,
                                                int64_t run);
// The task of a spec: as given, or as its file says.
int htf_plan__task(const htf_plan *plan, const htf_spec *spec);
// The file whose lists of samples serve that task; NULL where samples are drawn.
const htf_plan__file *htf_plan__lists(const htf_plan *plan, const htf_spec *spec);
// Puts the shape into the spec; and with it task, counts, norm and digest.
void htf_plan__resolve_shape(const htf_plan *plan, htf_spec *spec);
htf_status htf_plan__resolve_counts(const htf_plan *plan, htf_spec *spec);
// The model of a spec of this shape, on the tree of this text.
htf_status htf_plan__model(const htf_spec *spec, const char *newick, htf_model **model);

// Tuples of a node's modes; rows of its tables in a run: all tuples where every entry
// counts, all samples where they are vectors, else how many are distinct on average.
double htf_plan__tuples(const htf_spec *spec, const htf_tree *tree, int node);
double htf_plan__rows(const htf_spec *spec, const htf_tree *tree, int node);
// Bytes of working memory, at most and usual; core: the evaluation has one
// (src/model/core.c).
void htf_plan__memory(const htf_spec *spec, const htf_model *model, bool core,
                      htf_cost *cost);
// That what record.entries and record.partitions name fits (record.c).
htf_status htf_plan__check_record(htf_plan__check *check);
// The label of the model's tree: as given, or that of its kind; "" for a chain.
const char *htf_plan__model_label(const htf_spec *spec);
// A tree in Newick with every width, the shape being there; the caller's to HTF_FREE.
htf_status htf_plan__resolve_tree(const htf_spec *spec, int which, char **newick);
// Which combination of a group's axes a point of its block has.
int64_t htf_plan__combination(const htf_plan *plan, const htf_plan__group *group,
                              int64_t local);
void htf_plan__group_clear(htf_plan__group *group);

// ---- points and runs -------------------------------------------------------------------

// Decides which points are runs: those that `where` keeps, and of equal ones the first.
htf_status htf_plan__choose(htf_plan *plan);
bool htf_plan__is_kept(const htf_plan *plan, int64_t point);
int64_t htf_plan__point(const htf_plan *plan, int64_t run);
int htf_plan__block_of(const htf_plan *plan, int64_t point);
// Puts trees and digests into the spec of a point of a block, whose axes are applied and
// whose counts are resolved.
void htf_plan__put_rest(const htf_plan *plan, int block, int64_t local, htf_spec *spec);
// Whether "a|b|c" has this word.
bool htf_plan__is_word_of(const char *words, const char *word);
// Says which given keys matter to no run.
htf_status htf_plan__warn(htf_plan *plan);

// Writes plan->resolved.
htf_status htf_plan__write(htf_plan *plan);
// Writes a value of an axis, as much as fits; returns its whole length. `yaml` quotes what
// YAML would read otherwise.
size_t htf_plan__axis_print(const htf_plan__axis *axis, int64_t value, bool yaml,
                            char *text, size_t size);

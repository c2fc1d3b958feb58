// SPDX-License-Identifier: BSD-3-Clause
// Inside the plan: text -> nodes -> settings and axes -> a checked plan.
#pragma once

#include <stdbool.h>

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
  const char *file;
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
  HTF_PLAN__SEEDS
} htf_plan__form;

typedef struct htf_plan__axis {
  char key[HTF_MAX_LABEL], label[HTF_MAX_LABEL];
  const htf_field *field; // NULL where the key is a section
  htf_plan__place place;
  htf_plan__form form;
  int64_t count;
  int64_t stride;            // runs from one value to the next
  double argument[3];        // of linear, log, range
  double *number;            // [count] of linear, log, range
  htf_plan__settings *value; // [count] of values
} htf_plan__axis;

// Fills an empty axis from its node; count stays 0 where it has an error.
htf_status htf_plan__axis_read(htf_plan__reader *reader, const htf_plan__node *node,
                               htf_plan__axis *axis);
void htf_plan__axis_clear(htf_plan__axis *axis);
bool htf_plan__axis_touches(const htf_plan__axis *axis, const htf_field *field);
// Puts a value of the axis into the spec.
htf_status htf_plan__axis_apply(const htf_plan__axis *axis, int64_t value, htf_spec *spec);
// Where the value sets the field; false if it does not.
bool htf_plan__axis_place(const htf_plan__axis *axis, int64_t value, const htf_field *field,
                          htf_plan__place *place);
// linear, log or range of three arguments: the numbers, to 15 digits.
htf_status htf_plan__generate(htf_plan__form form, const double argument[3], int64_t *count,
                              double **number);

// ---- the plan --------------------------------------------------------------------------

// The axes that touch some fields, and their combinations.
typedef struct htf_plan__group {
  int axes;
  int *axis; // [axes]
  int64_t combinations;
} htf_plan__group;

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
  htf_plan__settings given; // what the file's base and the overrides set
  int axes;
  htf_plan__axis *axis;
  int64_t runs;
  int files;
  htf_plan__file *file;
  int weights;
  htf_plan__weights *weight;
  htf_plan__group tree_group[2]; // of the model's tree, of the target's
  char **newick[2];              // [combinations], "" where there is no target
};

enum { HTF_PLAN__MODEL, HTF_PLAN__TARGET };

// ---- whether it all fits together ------------------------------------------------------

// What is being checked: a combination of a group's values, in `spec`.
typedef struct htf_plan__check {
  htf_plan *plan;
  const htf_plan_source *source;
  htf_plan__reader *reader;
  const char *const *keys; // what the check is about, NULL at the end
  htf_plan__group group;   // the axes that touch them
  int64_t combination;
  htf_spec *spec;
} htf_plan__check;

// Looks at one combination; HTF_E_CONFIG is an error of the sweep file's, at the place of
// the first key that was given.
typedef htf_status htf_plan__visit(htf_plan__check *check);

// Visits every combination of the axes that touch the keys; none if there are errors in
// them or too many combinations.
htf_status htf_plan__each(htf_plan__check *check, const char *const *keys,
                          htf_plan__visit *visit);
// The same in steps: *good says whether there is something to walk over.
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
htf_status htf_plan__resolve_shape(const htf_plan *plan, htf_spec *spec);
htf_status htf_plan__resolve_counts(const htf_plan *plan, htf_spec *spec);
// The label of the model's tree: as given, or that of its kind; "" for a chain.
const char *htf_plan__model_label(const htf_spec *spec);
// A tree in Newick with every width, the shape being there; the caller's to HTF_FREE.
htf_status htf_plan__resolve_tree(const htf_spec *spec, int which, char **newick);
// Which combination of a group's axes a run has.
int64_t htf_plan__combination(const htf_plan *plan, const htf_plan__group *group,
                              int64_t index);
void htf_plan__group_clear(htf_plan__group *group);

// Writes plan->resolved.
htf_status htf_plan__write(htf_plan *plan);
// Writes a value of an axis, as much as fits; returns its whole length. `yaml` quotes what
// YAML would read otherwise.
size_t htf_plan__axis_print(const htf_plan__axis *axis, int64_t value, bool yaml,
                            char *text, size_t size);

// SPDX-License-Identifier: BSD-3-Clause
// spec.h: a run to do (room: ledger).
//
// A spec is every parameter of one run, resolved: no defaults left open, counts instead of
// fractions, mode trees written out with their widths. It is a plain value without
// pointers: copy it, compare it, print it. The table of fields below is the one place where
// a parameter is described: the sweep file's reader, its help, its sample, its resolved
// text and the run's identity are all read from it.
//
// Identity: the SHA-256 of the schema version and of the fields that make a run what it is,
// as canonical text, in the table's order, leaving out those that hold their default and
// those that do not matter beside the others (htf_spec_matters). So a new parameter with a
// default keeps the identity of every older run. A tree counts with
// its Newick, which holds every width; its label, the width keys and a file's path are no
// part of it (the file's content is).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "htflow/digest.h"
#include "htflow/door.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

// Raised when the meaning of a field or a default changes: every identity changes with it.
enum { HTF_SPEC_SCHEMA = 2 };

enum {
  HTF_MAX_ORDER = 64,
  HTF_MAX_TEXT = 1024,
  HTF_MAX_NEWICK = 2048,
  HTF_MAX_LABEL = 128,
  HTF_MAX_LIST = 64
};

// Each enumerator is the place of its name in the field's choices. Numbers are stored, so a
// new one comes last.
typedef enum htf_task { HTF_TASK_COMPLETION, HTF_TASK_SENSING, HTF_TASK_FULL } htf_task;
typedef enum htf_target_kind { HTF_TARGET_HTF, HTF_TARGET_CP } htf_target_kind;
typedef enum htf_factorization {
  HTF_FACTORIZATION_HTF,
  HTF_FACTORIZATION_CP,
  HTF_FACTORIZATION_MF
} htf_factorization;
typedef enum htf_init_kind {
  HTF_INIT_GAUSSIAN,
  HTF_INIT_BALANCED,
  HTF_INIT_UNBALANCED,
  HTF_INIT_ORTHOGONAL,
  HTF_INIT_IDENTITY,
  HTF_INIT_FILE
} htf_init_kind;
typedef enum htf_loss_kind { HTF_LOSS_L2, HTF_LOSS_L1, HTF_LOSS_HUBER } htf_loss_kind;
typedef enum htf_method {
  HTF_METHOD_BDF,
  HTF_METHOD_GD,
  HTF_METHOD_ADAMS,
  HTF_METHOD_ERK,
  HTF_METHOD_MOMENTUM,
  HTF_METHOD_GROUPRMSPROP,
  HTF_METHOD_ADAM
} htf_method;
typedef enum htf_krylov { HTF_KRYLOV_GMRES, HTF_KRYLOV_PCG } htf_krylov;
typedef enum htf_preconditioner {
  HTF_PRECONDITIONER_GAUSS_NEWTON,
  HTF_PRECONDITIONER_NONE
} htf_preconditioner;
typedef enum htf_table {
  HTF_TABLE_DORMAND_PRINCE,
  HTF_TABLE_CASH_KARP,
  HTF_TABLE_BOGACKI_SHAMPINE,
  HTF_TABLE_FEHLBERG,
  HTF_TABLE_ZONNEVELD
} htf_table;
typedef enum htf_spacing {
  HTF_SPACING_ARC,
  HTF_SPACING_LOG,
  HTF_SPACING_STEP,
  HTF_SPACING_LOSS,
  HTF_SPACING_GROWTH
} htf_spacing;
typedef enum htf_event_scale {
  HTF_EVENT_SCALE_TENSOR,
  HTF_EVENT_SCALE_ABSOLUTE
} htf_event_scale;
typedef enum htf_keep {
  HTF_KEEP_NONE,
  HTF_KEEP_FINAL,
  HTF_KEEP_BEST,
  HTF_KEEP_FIRST
} htf_keep;

// Mode sizes D_1 .. D_N.
typedef struct htf_shape {
  int order;
  int64_t size[HTF_MAX_ORDER];
} htf_shape;

// A mode tree as the user wrote it, and in Newick with every width once resolved (""
// before).
typedef struct htf_tree_field {
  char label[HTF_MAX_NEWICK];
  char newick[HTF_MAX_NEWICK];
} htf_tree_field;

// Numbers, in the order given.
typedef struct htf_list {
  int count;
  double value[HTF_MAX_LIST];
} htf_list;

typedef struct htf_spec {
  int64_t sweep_seed;
  struct {
    int task;         // htf_task
    htf_shape shape;  // mode sizes
    double samples;   // training samples; as resolved, a whole number
    double test;      // held-out samples; likewise
    double noise;     // standard deviation added to the training values
    double input_std; // of the entries of sensing vectors; 0: 1/sqrt(D_n)
    int64_t seed;     // which draw of target, mask and noise
    int target;       // htf_target_kind
    htf_tree_field target_tree;
    int64_t target_width;
    double target_norm;      // Frobenius norm; 0: the square root of the number of entries
    char file[HTF_MAX_TEXT]; // data instead of a planted target; "" for none
    char file_digest[HTF_DIGEST_TEXT]; // SHA-256 of that file
  } problem;
  struct {
    int kind; // htf_factorization
    htf_tree_field tree;
    int64_t width; // of the nodes that the tree's text leaves without a width
    int64_t depth; // how many factors a matrix factorization has
  } model;
  struct {
    int kind; // htf_init_kind
    double std, mean;
    double width_exponent;             // variances times R_v^-width_exponent
    double unbalance;                  // of an unbalanced start: model.h's delta
    int64_t seed;                      // which draw of the initial weights
    char file[HTF_MAX_TEXT];           // weights to start from; "" for none
    char file_digest[HTF_DIGEST_TEXT]; // SHA-256 of that file
    int64_t run; // whose weights, of a results file; -1 for a weights file
  } init;
  struct {
    int kind;     // htf_loss_kind
    double delta; // where a Huber loss turns linear
  } loss;
  struct {
    int method; // htf_method
    double rtol, lr, beta;
    int krylov;         // htf_krylov
    int preconditioner; // htf_preconditioner
    int64_t krylov_dimension;
    int table; // htf_table
  } flow;
  struct {
    double loss, gradient_norm, time, wall;
    int64_t steps;
  } stop;
  struct {
    int64_t points, components, singular_values;
    int64_t every;  // steps of a descent between samples; 0: by points and spacing
    int spacing;    // htf_spacing
    htf_list times; // of samples; none: by points and spacing, or every
    int weights;    // htf_keep
    char observables[HTF_MAX_TEXT]; // names of observable.h, for htf_observable_read
    char entries[HTF_MAX_TEXT];     // index tuples whose predictions are recorded
    char partitions[HTF_MAX_TEXT];  // modes whose matricizations are, beside the tree's
  } record;
  struct {
    htf_list component;  // levels of local component norms
    int component_scale; // htf_event_scale
    htf_list loss;       // levels of the training loss
    double plateau;      // 0: none looked for
    double rank;         // tolerance of numerical ranks; 0: none looked at
  } events;
} htf_spec;

typedef enum htf_field_type {
  HTF_FIELD_REAL,    // double
  HTF_FIELD_INTEGER, // int64_t
  HTF_FIELD_COUNT,   // double: a count, or a fraction below 1
  HTF_FIELD_CHOICE,  // int, an index into `choices`
  HTF_FIELD_SHAPE,   // htf_shape
  HTF_FIELD_TREE,    // htf_tree_field
  HTF_FIELD_TEXT,    // char[HTF_MAX_TEXT]
  HTF_FIELD_DIGEST,  // char[HTF_DIGEST_TEXT]; not for the user to set
  HTF_FIELD_LIST,    // htf_list, each of its numbers within low and high
  // char[HTF_MAX_TEXT], "a,b": names out of `choices`, each at most once, in their order;
  // where choices is NULL, any words of letters, digits and _ + . -, in the order given.
  HTF_FIELD_NAMES,
} htf_field_type;

typedef struct htf_field {
  const char *key; // dotted, as in the sweep file
  htf_field_type type;
  size_t offset;       // of the member in htf_spec
  double low, high;    // the closed range of a number, or of a shape's or list's entries
  const char *choices; // "a|b|c" for HTF_FIELD_CHOICE and HTF_FIELD_NAMES, else NULL
  const char *initial; // the default, as text
  const char *units;   // "" where there are none
  const char *help;    // one sentence
  bool identity;       // part of the run's identity
} htf_field;

// The table, and how many rows it has.
const htf_field *htf_spec_fields(int *count);
// The row of a key, or NULL.
const htf_field *htf_spec_field(const char *key);
// The member of `spec` that a row describes.
void *htf_spec_member(htf_spec *spec, const htf_field *field);
const void *htf_spec_member_const(const htf_spec *spec, const htf_field *field);

// The spec with every field at its default.
void htf_spec_defaults(htf_spec *spec);
// Sets a field from text: a number, a choice's name, "[8, 8]" for a shape, "[0.1, 1]" or
// "[a, b]" for a list of numbers or names ("[]" for none, "a" for one), a label for a tree
// (whether it is one, the plan finds out; its Newick becomes ""). Raises HTF_E_CONFIG with
// what is wrong and what would be right; the spec is then as it was.
htf_status htf_spec_set(htf_spec *spec, const htf_field *field, const char *text);
// Writes a field as canonical text (doubles with the fewest digits that read back the
// same), a tree as its label; at most `size` bytes with the final zero. htf_spec_set reads
// it back to the same value.
void htf_spec_print(const htf_spec *spec, const htf_field *field, char *text, size_t size);
// The same as a number where the field is one (choices too); NAN for shapes, trees, texts
// and lists.
double htf_spec_number(const htf_spec *spec, const htf_field *field);

// Name number i of an HTF_FIELD_NAMES member; false if it has not so many. And whether it
// has that name.
bool htf_spec_name_at(const char *names, int i, char name[HTF_MAX_LABEL]);
bool htf_spec_names_hold(const char *names, const char *name);

// ---- what makes a run --------------------------------------------------------------

// Whether a field changes the run at all: flow.lr does not where flow.method is bdf. One
// that does not is no part of the identity, so that it makes no second run of the same.
bool htf_spec_matters(const htf_spec *spec, const htf_field *field);
// What that takes, need number i of the field: another field and the values, "a|b", of
// which it must have one. False if the field has not so many; most have none.
bool htf_spec_need(const htf_field *field, int i, const htf_field **by,
                   const char **values);

// The run's identity. The trees must be resolved. Raises HTF_E_INTERNAL.
htf_status htf_spec_identity(const htf_spec *spec, htf_digest *identity);

// Identities of many specs, one after another: what one has in common with the one before
// is not printed again, so that the runs of a plan in their order take less than half of
// the time.
typedef struct htf_spec_series htf_spec_series;
htf_status htf_spec_series_create(htf_spec_series **series);
void htf_spec_series_destroy(htf_spec_series **series);
// As htf_spec_identity.
htf_status htf_spec_series_identity(htf_spec_series *series, const htf_spec *spec,
                                    htf_digest *identity);

// A short digest of the same parameters, for finding equal runs among millions of one
// plan: equal for equal identities, different for others but for a chance of 2^-128. Never
// stored.
typedef struct htf_fingerprint {
  uint64_t word[2];
} htf_fingerprint;
htf_fingerprint htf_spec_fingerprint(const htf_spec *spec);

// ---- text -----------------------------------------------------------------------------

enum { HTF_NUMBER_TEXT = 32 };

// The finite number that the whole text is, as YAML writes decimal numbers. False if it is
// none, or beyond a double.
bool htf_spec_read_number(const char *text, double *value);
// The number with the fewest digits, 15 to 17, that read back the same.
void htf_spec_write_number(double value, char text[HTF_NUMBER_TEXT]);
// How far `wrong` is from a name: the least number of letters put in, left out, changed or
// swapped with their neighbour. A name is worth suggesting if htf_spec_resembles.
int htf_spec_distance(const char *wrong, const char *name);
bool htf_spec_resembles(const char *wrong, const char *name);

HTF_END_DOOR

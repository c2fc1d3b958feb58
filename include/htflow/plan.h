// SPDX-License-Identifier: BSD-3-Clause
// plan.h: a sweep file, checked, as an ordered list of specs (room: plan; design.md section
// 4).
//
// A sweep file (YAML 1.2) is a base experiment and axes. The plan holds the base spec and
// the axes, and makes the spec of any index on demand: a sweep of 10^6 runs costs no more
// memory than one of ten, but for one bit a point. Axes multiply in the order written, the
// last fastest; axes in a `zip` move together. `blocks`, lists of axes, are put one after
// another, each multiplied with the file's `axes`, which are slower. `where`, conditions
// over keys (condition.c has the grammar), drops points; and of points that are the same
// run (spec.h, identity) all but the first are dropped. What is left is numbered from 0:
// these are the runs.
//
// Axes of `uniform` and `loguniform` are drawn from the sweep's seed by a stream of their
// own key: more draws keep the earlier ones.
//
// Pure: a plan reads no file but the text it is given. What a data file is (its shape and
// digest), and what a weights file is, it asks through callbacks.
//
// Errors in the sweep file are the user's: all of them come at once in the error slot's
// message, one a line as `file:line:column: message` (or `--set key=value: message`), in
// the order of the file, with the nearest valid name where a name is unknown, and the
// status is HTF_E_CONFIG. (HTF_E_DATA where a callback raised it.) Keys that exclude each
// other are errors; one that another key makes meaningless is none, since it may stand
// beside an axis.
//
// A data file gives the shape, and stands instead of a target. It gives the task too; one
// that is given must be the file's, but that a tensor serves every task. Of a file's two
// lists of samples both are taken. One list is split: `problem.test` of its samples (none,
// if not given) are held out, and `problem.samples` of the rest (all, if not given) are
// trained on; so are the entries of a tensor where the task is completion. Sensing a
// planted target, or a tensor, draws any number of measurements; full trains on all entries
// and holds out none.
//
// The model's tree is as given, for cp flat, for mf the chain of its depth.
//
// Weights to start from must be of the run's own tree and shape.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "htflow/door.h"
#include "htflow/spec.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

typedef struct htf_plan htf_plan;

// What a plan needs to know of a data file: the task that it is for, its shape, how many
// samples it lists for that task, whether it holds the tensor as a whole, its digest.
typedef struct htf_plan_file {
  int task; // htf_task; full needs a tensor
  htf_shape shape;
  int64_t train, test;
  bool tensor;
  char digest[HTF_DIGEST_TEXT];
} htf_plan_file;

// And of weights: what they are weights of (a tree as htf_tree_newick writes it), and the
// file's digest. What matters of the kind is whether the root has weights: a cp and an mf
// of the same tree are alike.
typedef struct htf_plan_weights {
  int kind; // htf_factorization
  char newick[HTF_MAX_NEWICK];
  htf_shape shape;
  char digest[HTF_DIGEST_TEXT];
} htf_plan_weights;

typedef struct htf_plan_source {
  const char *name; // of the sweep file, for messages
  const char *text;
  // `--set key=value` texts, applied in order after the file's base and before its axes.
  int overrides;
  const char *const *override;
  // Describes a data file, into zeroed memory; the path as written in the sweep file. May
  // be NULL where no sweep names a file.
  htf_status (*describe)(void *context, const char *path, htf_plan_file *file);
  // The same of a weights file (run -1), or of the weights of one run in a results file.
  htf_status (*describe_weights)(void *context, const char *path, int64_t run,
                                 htf_plan_weights *weights);
  void *context;
  int64_t most_points; // more are refused; 0 for 10^8, which is the most there can be
} htf_plan_source;

// Reads, checks and resolves. Raises HTF_E_CONFIG, HTF_E_DATA, HTF_E_IO, HTF_E_MEMORY.
htf_status htf_plan_create(const htf_plan_source *source, htf_plan **plan);
void htf_plan_destroy(htf_plan **plan);

const char *htf_plan_name(const htf_plan *plan); // `name:`, borrowed
int64_t htf_plan_seed(const htf_plan *plan);     // `seed:`
int64_t htf_plan_runs(const htf_plan *plan);     // how many
// Points of the axes before any was dropped, and how many were: by `where`, and as equal
// (by their identity) to an earlier one.
int64_t htf_plan_points(const htf_plan *plan);
int64_t htf_plan_excluded(const htf_plan *plan);
int64_t htf_plan_duplicates(const htf_plan *plan);
// What the user should know and is no error, such as given keys that change no run;
// borrowed.
int htf_plan_warnings(const htf_plan *plan);
const char *htf_plan_warning(const htf_plan *plan, int i);
// The spec of run `index`, resolved. Raises HTF_E_CONFIG where the point does not fit
// together (a tree that does not fit its shape); htf_plan_create has checked every value of
// every axis, and every combination that can go wrong.
htf_status htf_plan_spec(const htf_plan *plan, int64_t index, htf_spec *spec);

// Visits the specs of all runs in order, each borrowed for the call; several times as fast
// as asking for one after another. Hands on what the visit raises.
typedef htf_status htf_plan_visit(void *context, int64_t index, const htf_spec *spec);
htf_status htf_plan_each(const htf_plan *plan, htf_plan_visit *visit, void *context);

// Blocks of axes, 0 where the file has none. Axes, of all blocks: the label is the
// variable's name in the results (`init_std`, `model_tree`, `seed`).
int htf_plan_blocks(const htf_plan *plan);
int htf_plan_axes(const htf_plan *plan);
const char *htf_plan_axis_label(const htf_plan *plan, int axis);
// What it sweeps; NULL where the key is a whole section, whose values are texts like
// "{kind: htf, width: 2}".
const htf_field *htf_plan_axis_field(const htf_plan *plan, int axis);
int64_t htf_plan_axis_count(const htf_plan *plan, int axis);
// Which value of the axis run `index` has, -1 where its block has no such axis; and that
// value as text, of -1 the base's.
int64_t htf_plan_axis_at(const htf_plan *plan, int axis, int64_t index);
void htf_plan_axis_text(const htf_plan *plan, int axis, int64_t value, char *text,
                        size_t size);

// The sweep with every default written out, as YAML that gives the same plan: borrowed. And
// the plan's hash, the SHA-256 of that text followed by the digests of data and weights
// files: two sweep files with the same one mean the same runs.
const char *htf_plan_resolved(const htf_plan *plan);
const htf_digest *htf_plan_hash(const htf_plan *plan);
// The sweep file's text as given, borrowed.
const char *htf_plan_text(const htf_plan *plan);

// ---- for who writes one ---------------------------------------------------------------

// A commented sweep file with every key at its default, valid as it stands; and the JSON
// Schema of sweep files. Both come from the table of spec.h; the caller's to HTF_FREE.
htf_status htf_plan_sample(char **text);
htf_status htf_plan_schema(char **text);

// What a field takes, in words ("a whole number"); and all that users are told of it, in
// sentences: what it is, its range or its choices, and which keys it needs.
const char *htf_plan_wants(const htf_field *field);
void htf_plan_remark(const htf_field *field, char *text, size_t size);

// A form of axis, `name: argument` beside its key; static.
typedef struct htf_plan_form {
  const char *name, *argument, *help;
} htf_plan_form;
const htf_plan_form *htf_plan_forms(int *count);

// The YAML library and its version.
const char *htf_plan_library(void);

HTF_END_DOOR

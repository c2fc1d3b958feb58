// SPDX-License-Identifier: BSD-3-Clause
// check_impl.h: what the parts of the checker share.
#pragma once

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

#include "htflow/check.h"
#include "htflow/door.h"
#include "manifest_impl.h"
#include "reader_impl.h"

// A check under way.
typedef struct htf_check__state {
  htf_reader__file file;
  htf_check_report report;
  htf_check_law_report law; // NULL: nobody asks
  void *context;
} htf_check__state;

void htf_check__say(const htf_check__state *state, htf_check_severity severity,
                    const char *what, const char *format, ...) HTF_PRINTF(4, 5);
// Reports what a reader raised about the file's content, and is done with it; passes on
// what is no fault of the content.
htf_status htf_check__absorb(const htf_check__state *state, const char *what,
                             htf_status status);

// The places where one rule is broken. Starts zeroed; said once, at the end.
typedef struct htf_check__tally {
  int64_t count;
  char first[256];
} htf_check__tally;

void htf_check__note(htf_check__tally *tally, const char *format, ...) HTF_PRINTF(2, 3);
void htf_check__tell(const htf_check__state *state, htf_check_severity severity,
                     const char *what, const htf_check__tally *tally);

// Calls `each` with every link of a group, in order of names. Raises what `each` raises.
htf_status htf_check__links(hid_t group,
                            htf_status (*each)(void *context, const char *name),
                            void *context);

// Texts of a dataset or an attribute, as HDF5 gives them.
typedef struct htf_check__texts {
  int64_t count;
  char **text; // [count]; NULL is ""
} htf_check__texts;

// All texts of a dataset of one dimension, and of an attribute. Raise HTF_E_DATA.
htf_status htf_check__read_texts(const htf_reader__file *file, const char *name,
                                 htf_check__texts *texts);
htf_status htf_check__attribute_texts(hid_t object, const char *name,
                                      htf_check__texts *texts);
void htf_check__drop_texts(htf_check__texts *texts);
const char *htf_check__text(const htf_check__texts *texts, int64_t i);

// All numbers of a dataset of one dimension; *values is the caller's to HTF_FREE. Raises
// HTF_E_DATA, also for another length than `count` (-1: any, and then *length says which).
htf_status htf_check__read_column(const htf_reader__file *file, const char *name,
                                  htf_reader__type type, int64_t count, int64_t *length,
                                  void **values);

// What /runs says, one element a run. What could not be read is NULL.
typedef struct htf_check__runs {
  int64_t count;
  int64_t *state, *reason, *row, *steps;
  double *train_loss, *flow_time, *drift;
  htf_check__texts trajectory;
  double *rtol; // of runs that follow a flow of smooth loss, NAN of others
  bool *frozen; // whether the root's weights are (cp, mf)
} htf_check__runs;

htf_status htf_check__read_runs(const htf_check__state *state, htf_check__runs *runs);
// Fills `rtol` and `frozen` of the runs of the group /runs.
htf_status htf_check__parameters(const htf_check__state *state,
                                 const htf_reader__file *group, htf_check__runs *runs);
void htf_check__drop_runs(htf_check__runs *runs);
// /runs against its table, and within itself.
htf_status htf_check__runs_group(const htf_check__state *state, htf_check__runs *runs);
// Every dataset: its type, scales and attributes; and content_checksum.
htf_status htf_check__layout(const htf_check__state *state);
// Whether a run is known to have failed.
bool htf_check__failed(const htf_check__runs *runs, int64_t run);
// The attributes `tree` and `nodes` of a class's group, and its scales of nodes.
htf_status htf_check__class_names(const htf_reader__file *group);
// The class `name` of the group /trajectories, `parent`.
htf_status htf_check__trajectory(const htf_check__state *state, const htf_check__runs *runs,
                                 hid_t parent, const char *name);
// The laws in the class of this group, which is at `path`; passes each run's to state->law.
htf_status htf_check__physics(const htf_check__state *state, const htf_check__runs *runs,
                              const htf_reader__file *group, const char *path);
// All of /trajectories and /weights, against /runs.
htf_status htf_check__classes(const htf_check__state *state, const htf_check__runs *runs);

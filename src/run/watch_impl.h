// SPDX-License-Identifier: BSD-3-Clause
// watch_impl.h: what is watched for events (event.h): quantities of a state, each against a
// level, as log(quantity / level), so that a crossing is a change of sign and a tolerance
// on it is relative.
//
// The quantities come in groups, all of one being worked out together:
//   COMPONENT  the k-th largest local component norm of a node. Cost: theta's size.
//   LOSS       the training loss. Cost: a forward evaluation, none at the state that was
//              asked for last.
//   PLATEAU    |grad L| |theta| / L: minus the relative change of the loss for a relative
//              change of the weights along the flow, since dL/ds = -|grad L|, s being arc
//              length. Cost: a gradient, likewise.
//   RANK       the k-th singular value of a node's matricization. Cost: all spectra.
#pragma once

#include "htflow/event.h"
#include "htflow/model.h"
#include "htflow/problem.h"
#include "htflow/spec.h"
#include "objective_impl.h"

typedef enum htf_watch_group {
  HTF_WATCH_COMPONENT,
  HTF_WATCH_LOSS,
  HTF_WATCH_PLATEAU,
  HTF_WATCH_RANK,
  HTF_WATCH_GROUPS
} htf_watch_group;

typedef struct htf_watch {
  htf_watch_group group;
  htf_event_kind up, down;        // of a crossing from below, from above
  int node, partition, component; // -1: of none
  double level;
  double before; // log(quantity / level) at the end of the last step
  int64_t found; // crossings so far
} htf_watch;

typedef struct htf_watched htf_watched;

// The watches of a spec, of a model on a problem; borrows all. Raises HTF_E_MEMORY.
htf_status htf_watch__create(const htf_spec *spec, const htf_model *model,
                             const htf_problem *problem, htf_objective *objective,
                             htf_watched **watched);
void htf_watch__destroy(htf_watched **watched);
// The watches, ordered by group; borrowed.
htf_watch *htf_watch__list(const htf_watched *watched, int *count);
// How many of the largest components of each node are watched: record.components, or as
// many as the widest node has.
int htf_watch__components(const htf_watched *watched);
// Works out a group's quantities at theta. Raises HTF_E_MEMORY, HTF_E_NUMERIC (spectra.h).
htf_status htf_watch__measure(htf_watched *watched, htf_watch_group group,
                              const double *theta);
// log(quantity / level) of a watch as last measured; -INFINITY for a quantity of 0.
double htf_watch__read(const htf_watched *watched, const htf_watch *watch);
// The norm that a local component of a node would have if it alone made a balanced tensor
// of the data's size: ||W*||^(K_v / M), where every one of the M weight matrices has one
// vector, all of the same norm, and ||W*|| is the root mean square of the training values
// times the square root of the number of entries.
double htf_watch__scale(const htf_model *model, const htf_problem *problem, int node);

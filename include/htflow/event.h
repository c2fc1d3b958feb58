// SPDX-License-Identifier: BSD-3-Clause
// event.h: what happened in a run, and when (room: ledger).
//
// An event is a crossing inside a step, found by root finding to the tolerance of the run.
// A record keeps its events in the order of time, as columns over a dimension of their own,
// `event`, and for each local component when it was activated: when its norm first rose
// above the level watched. Time since then is time - activation_time, to be taken with the
// low parts where the clock is long.
#pragma once

#include <stdint.h>

#include "htflow/door.h"
#include "htflow/variable.h"

HTF_BEGIN_DOOR

// name in files, meaning. The numbers, from 0 in this order, are stored: only append.
#define HTF_EVENT_KIND_TABLE(X)                                                            \
  X(NONE, "none", "no event: the rest of a run's row")                                     \
  X(COMPONENT_RISE, "component_rise", "a local component norm rose above a level")         \
  X(COMPONENT_FALL, "component_fall", "it fell below the level")                           \
  X(LOSS_FALL, "loss_fall", "the training loss fell below a level")                        \
  X(LOSS_RISE, "loss_rise", "it rose above the level")                                     \
  X(PLATEAU_BEGIN, "plateau_begin", "moving on ceased to lower the loss")                  \
  X(PLATEAU_END, "plateau_end", "moving on lowers the loss again")                         \
  X(RANK_RISE, "rank_rise", "the numerical rank of a matricization rose")                  \
  X(RANK_FALL, "rank_fall", "it fell")

typedef enum htf_event_kind {
#define HTF_ENUM(name, text, meaning) HTF_EVENT_##name,
  HTF_EVENT_KIND_TABLE(HTF_ENUM)
#undef HTF_ENUM
} htf_event_kind;

// member, long name, comment: the columns event_<member>, all of them doubles in a record.
#define HTF_EVENT_TABLE(X)                                                                  \
  X(kind, "kind of the event", "none where a run has fewer events than another")            \
  X(time, "flow time of the event",                                                         \
    "event_time + event_time_low is the flow time exactly (double-double)")                 \
  X(time_low, "low part of the flow time of the event", "see event_time")                   \
  X(arc_length, "arc length of the weights at the event", "see arc_length")                 \
  X(step, "accepted steps", "steps that were complete at the event")                        \
  X(node, "interior node of the event", "index along node; NaN where it is of none")        \
  X(partition, "partition of the event", "index along partition; NaN where it is of none")  \
  X(component, "local component of the event",                                              \
    "index along component: 0 is the largest of the node; of a rank, that of the singular " \
    "value which passed the level; NaN where it is of none")                                \
  X(level, "level of the event", "what was crossed")                                        \
  X(value, "value at the event",                                                            \
    "of what crossed the level: the level but for the tolerance; an excess where it was "   \
    "beyond it already")                                                                    \
  X(train_loss, "training loss at the event", "mean loss over the training samples")

typedef struct htf_event {
#define HTF_MEMBER(member, long_name, comment) double member;
  HTF_EVENT_TABLE(HTF_MEMBER)
#undef HTF_MEMBER
} htf_event;

enum {
#define HTF_ENUM(member, long_name, comment) HTF_EVENT_COLUMN_##member,
  HTF_EVENT_TABLE(HTF_ENUM) HTF_EVENT_COLUMNS
#undef HTF_ENUM
};

// Descriptors: the event_<member> in the table's order, then the activations; static.
const htf_variable *htf_event_variables(int *count);

HTF_END_DOOR

// SPDX-License-Identifier: BSD-3-Clause
// events_impl.h: the events of a run (event.h) as it goes.
#pragma once

#include "htflow/bytes.h"
#include "htflow/flow.h"
#include "htflow/record.h"
#include "scene_impl.h"
#include "watch_impl.h"

typedef struct htf_events htf_events;

// Borrows all. `tolerance` is that of log(quantity / level). Raises HTF_E_MEMORY.
htf_status htf_events__create(const htf_spec *spec, const htf_scene *scene,
                              htf_objective *objective, double tolerance,
                              htf_events **events);
void htf_events__destroy(htf_events **events);

// Looks at the start, before the first step.
htf_status htf_events__start(htf_events *events, const double *theta);
// Looks for what the step just made crossed, as far as `fraction` of it.
htf_status htf_events__step(htf_events *events, htf_flow *flow, double fraction);
// All that is remembered, of or for a checkpoint.
htf_status htf_events__visit(htf_events *events, htf_bytes *bytes);
// Their columns, and how many there are, into the record.
htf_status htf_events__finish(const htf_events *events, htf_record *record);

// SPDX-License-Identifier: BSD-3-Clause
// recorder_impl.h: which states of a run are measured, and the rows kept (see run.h for the
// progress coordinate and the thinning).
#pragma once

#include "htflow/bytes.h"
#include "htflow/flow.h"
#include "htflow/probe.h"
#include "htflow/record.h"
#include "htflow/spec.h"
#include "objective_impl.h"
#include "scene_impl.h"

typedef struct htf_recorder htf_recorder;

// Borrows all it is given. Raises HTF_E_MEMORY.
htf_status htf_recorder__create(const htf_spec *spec, const htf_scene *scene,
                                htf_probe *probe, htf_objective *objective,
                                htf_recorder **recorder);
void htf_recorder__destroy(htf_recorder **recorder);

// Measures the start, before the first step.
htf_status htf_recorder__start(htf_recorder *recorder, const double *theta);
// Measures what the step just made passed, as far as `fraction` of it.
htf_status htf_recorder__step(htf_recorder *recorder, htf_flow *flow, double fraction);
// All that the recorder and its probe remember, of or for a checkpoint. When reading, the
// recorder must be fresh.
htf_status htf_recorder__visit(htf_recorder *recorder, htf_bytes *bytes);
// Measures the last state, `fraction` into the last step (0 if no step was made), and
// writes columns, final scalars and the weights asked for into the record.
htf_status htf_recorder__finish(htf_recorder *recorder, htf_flow *flow, double fraction,
                                htf_record *record);

// SPDX-License-Identifier: BSD-3-Clause
// progress_impl.h: the coordinate s along which samples are even (run.h tells which there
// are): from 0 at the start, never falling.
#pragma once

#include "htflow/bytes.h"
#include "htflow/flow.h"
#include "htflow/model.h"
#include "htflow/spec.h"
#include "objective_impl.h"
#include "scene_impl.h"

typedef struct htf_progress htf_progress;

// Borrows all. Raises HTF_E_MEMORY.
htf_status htf_progress__create(const htf_spec *spec, const htf_scene *scene,
                                htf_objective *objective, htf_progress **progress);
void htf_progress__destroy(htf_progress **progress);
// From theta, before the first step. Returns the first distance of samples: fine enough for
// the shortest of runs, since thinning only coarsens.
double htf_progress__start(htf_progress *progress, const double *theta);
// Takes in the step just made, and tells s at its end. Raises what looking into it raises.
htf_status htf_progress__step(htf_progress *progress, htf_flow *flow, double *s);
// The fraction of that step at which the coordinate is s, which must lie within it.
htf_status htf_progress__locate(htf_progress *progress, htf_flow *flow, double s,
                                double *fraction);
// All that is remembered, of or for a checkpoint.
htf_status htf_progress__visit(htf_progress *progress, htf_bytes *bytes);

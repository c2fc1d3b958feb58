// SPDX-License-Identifier: BSD-3-Clause
// scene_impl.h: what a spec says a run is made of: the problem, the model, the loss, and
// the weights it starts from.
#pragma once

#include "htflow/loss.h"
#include "htflow/model.h"
#include "htflow/problem.h"
#include "htflow/run.h"

typedef struct htf_scene {
  htf_problem *problem;
  htf_model *model;
  htf_loss loss;
  double *theta; // [parameters], the start; then room for any state inside a step
} htf_scene;

// Into a zeroed scene. Raises what planting, loading and creating raise.
htf_status htf_scene__set_up(const htf_spec *spec, const htf_run_hooks *hooks,
                             htf_scene *scene);
void htf_scene__tear_down(htf_scene *scene);

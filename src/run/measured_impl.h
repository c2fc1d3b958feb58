// SPDX-License-Identifier: BSD-3-Clause
// measured_impl.h: what a spec's `record` section asks to be measured.
#pragma once

#include <stdbool.h>

#include "htflow/probe.h"
#include "htflow/spec.h"
#include "scene_impl.h"

// Whether measuring takes Hessian-vector products.
bool htf_measured__needs_hessian(const htf_spec *spec);
// The probe of a scene. Raises what htf_probe_create raises; HTF_E_CONFIG for an entry or a
// partition that does not fit the shape.
htf_status htf_measured__probe(const htf_spec *spec, const htf_scene *scene,
                               htf_probe **probe);

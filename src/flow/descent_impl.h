// SPDX-License-Identifier: BSD-3-Clause
// descent_impl.h: what the descents share. They make nothing of their own (flow->method),
// and a restart changes nothing, since all they remember is carried.
#pragma once

#include "flow_impl.h"

// Checks lr.
htf_status htf_flow__descent_create(htf_flow *flow);
void htf_flow__descent_destroy(htf_flow *flow);
htf_status htf_flow__descent_restart(htf_flow *flow);
// The chord.
htf_status htf_flow__descent_interpolate(htf_flow *flow, double fraction, double *y);

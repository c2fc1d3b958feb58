// SPDX-License-Identifier: BSD-3-Clause
// flight_impl.h: a run in flight, and its checkpoint.
#pragma once

#include "events_impl.h"
#include "htflow/digest.h"
#include "htflow/flow.h"
#include "htflow/probe.h"
#include "htflow/run.h"
#include "objective_impl.h"
#include "recorder_impl.h"
#include "scene_impl.h"

typedef struct htf_flight {
  const htf_spec *spec;
  const htf_run_hooks *hooks;
  htf_digest identity;
  double begun, begun_cpu; // this execution, by the clocks
  double used, used_cpu;   // seconds, by the executions before
  double started;          // the first of them, seconds since 1970
  htf_scene scene;
  htf_objective *objective;
  htf_probe *probe;
  htf_recorder *recorder;
  htf_events *events;
  double tolerance;         // relative, of what is looked for inside a step
  htf_flow_options options; // of the flow, with where it begins
  int64_t carry_size;
  double *carry; // [carry_size], of where it begins; NULL but on the way to bytes and back
  htf_flow *flow;
  double fraction;      // of the last step at which the run ends
  double scale, lowest; // training loss: what is large, the lowest so far
  bool outside;         // what failed is not the run but what surrounds it
} htf_flight;

// Sets up what spec and hooks say: at the start, or where hooks->resume left. Raises what
// planting, loading and creating raise; with `outside` what htf_flight__unpack does.
htf_status htf_flight__set_up(htf_flight *flight);
void htf_flight__tear_down(htf_flight *flight);

// Whether the method follows the flow, so that states within a step are states of the run.
bool htf_flight__follows(const htf_flight *flight);

// After a step: whether the run has come to rest (stationary.c says what that is). Spoils
// scene.theta. Raises HTF_E_MEMORY.
htf_status htf_flight__rests(htf_flight *flight, bool *rests);

// Seconds used by this and earlier executions.
double htf_flight__wall(const htf_flight *flight);
double htf_flight__cpu(const htf_flight *flight);

// The checkpoint of a flight at a boundary; *bytes is the caller's to HTF_FREE. Raises
// HTF_E_MEMORY.
htf_status htf_flight__pack(htf_flight *flight, uint8_t **bytes, size_t *count);
// Takes up hooks->resume, into a flight that is set up but for its flow. Raises HTF_E_DATA
// where these are not the bytes of a checkpoint of this spec; the flight is then spoilt.
htf_status htf_flight__unpack(htf_flight *flight);

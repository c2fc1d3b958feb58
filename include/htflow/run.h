// SPDX-License-Identifier: BSD-3-Clause
// run.h: one spec in, one record out (room: run). Here model, problem, flow and probe meet.
//
// Serial, and deterministic: the record depends on the spec and the BLAS kernels alone, but
// for its timing. A run that cannot go on (the integrator fails, a value overflows, it
// cannot be set up) is no error: it ends in a record with state FAILED and a message, with
// all that was measured until then.
//
// Samples are taken along a progress coordinate s (record.spacing):
//   arc     the arc length of theta
//   log     log2(1 + t / t_1), t_1 the end of the first step
//   step    the number of accepted steps
//   loss    log(L(0) / L), L the lowest training loss so far
//   growth  summed over steps: the largest gain of log(1 + sigma / sigma_0) among the
//   largest
//           local component norms of all nodes, sigma_0 being the node's largest at the
//           start, and |d theta| / |theta|. A component that rises from the level of the
//           start is resolved however low that is, where arc length sees it only once it
//           has grown to the distance of two samples.
// They lie at
// multiples of a unit; when `record.points` of them are held, every second one is dropped
// and the unit doubles, so a run of unknown length is covered evenly. The last state is
// always sampled. With `record.every`
// samples lie at multiples of that many steps, and all are kept; with `record.times` at
// these times, and all are kept.
//
// Rest. A flow by bdf ends where nothing moves any more but by rounding (`stationary`): at
// a minimum above stop.loss, say. Its steps grow without bound there, and each adds the
// rounding of the gradient times its length, always the same way. A plateau, on which
// weights wait to rise however long, is no rest: src/run/stationary.c says what is.
//
// Drift. A flow whose conserved quantities drift by more than 500 rtol, and a hundredth of
// one for each step (htf_record_most_drift says it whole), has become another one, and
// fails, as one whose loss rises does: unless its loss is l1, whose gradient jumps.
//
// Checkpoints. Every so many accepted steps the flow begins anew, from its state and what
// its method carries on (flow.h; by bdf six more vectors of its parameters), and only there
// can a run be left and taken up later, to the same record bit for bit but for its timing.
// These boundaries are the run's own: whether a checkpoint is written at them changes
// nothing. Wall time used by earlier executions counts for stop.wall. The bytes of a
// checkpoint carry a version, the identity of the spec and a digest of themselves.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "htflow/door.h"
#include "htflow/problem.h"
#include "htflow/record.h"
#include "htflow/spec.h"
#include "htflow/status.h"
#include "htflow/variable.h"

HTF_BEGIN_DOOR

// What to do at a boundary: go on; hand out a checkpoint and go on, or leave.
typedef enum htf_run_choice { HTF_RUN_GO_ON, HTF_RUN_SAVE, HTF_RUN_LEAVE } htf_run_choice;

// What a run asks of its surroundings. Each may be NULL.
typedef struct htf_run_hooks {
  // The problem of spec->problem.file; needed if the spec names one.
  htf_status (*load)(void *context, const htf_spec *spec, htf_problem **problem);
  // Weights of spec->init.file into theta; needed if the run starts from a file.
  htf_status (*weights)(void *context, const htf_spec *spec, const htf_model *model,
                        double *theta);
  // Called after every accepted step; true ends the run here and now: no record, no
  // checkpoint.
  bool (*interrupt)(void *context);
  // Called at every boundary of the flow that the run passes.
  htf_run_choice (*boundary)(void *context);
  // Takes the checkpoint that `boundary` asked for, borrowed for the call; needed with it.
  // Whatever it raises ends the run and is forwarded.
  htf_status (*save)(void *context, const uint8_t *bytes, size_t count);
  void *context;
  // The checkpoint from which to go on, borrowed for the call; NULL: from the start.
  const uint8_t *resume;
  size_t resume_count;
} htf_run_hooks;

// Runs. `record` is an initialised empty record and filled, identity and timing too (not
// rank and attempts, which are the caller's). Raises HTF_E_STOPPED if interrupted or told
// to leave, HTF_E_DATA for a checkpoint that is damaged or of another spec, HTF_E_MEMORY,
// and what saving raises; the record is then empty.
htf_status htf_run_execute(const htf_spec *spec, const htf_run_hooks *hooks,
                           htf_record *record);

// Descriptors of all columns a record may have: the observables, the events; static.
const htf_variable *htf_run_variables(int *count);

// The model of a spec, for those who read its weights. Raises HTF_E_CONFIG, HTF_E_MEMORY.
htf_status htf_run_model(const htf_spec *spec, htf_model **model);
// The planted target of the spec's problem: its model, its weights (the caller's to
// HTF_FREE), and the factor that scales its entries. Raises HTF_E_DATA if the problem comes
// from a file, and what planting raises.
htf_status htf_run_target(const htf_spec *spec, htf_model **model, double **theta,
                          double *scale);

HTF_END_DOOR

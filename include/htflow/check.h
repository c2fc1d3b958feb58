// SPDX-License-Identifier: BSD-3-Clause
// check.h: whether a file is what it says (room: store; layouts: files.h, results.h and
// design.md section 5).
//
// The root attribute `kind` tells a problem file or a weights file; a file without it must
// be a results file, and one whose name ends in .tns is a problem.
//
// Of problem and weights files: whatever their readers refuse (the first of it, in their
// words), and what they would never look at.
//
// Of results files:
// - groups, variables, attributes, types and dimension scales that the layout promises;
// - content_checksum, recomputed from every byte it covers;
// - states and reasons that exist and go together; runs and rows of trajectories that point
//   at each other; the names of a class's nodes; the numbers of /runs against the last
//   sample;
// - samples: time (with time_low), arc_length and step that never fall, numbers where a run
//   has samples and none beyond;
// - the weights that runs kept;
// - physics, of runs whose method follows the flow to a tolerance (bdf, adams, erk): the
//   training loss falls, and the conserved quantities drift by at most 1000 rtol. A loss
//   may rise by 10 rtol sqrt(L L_0): an error of rtol in the tensor, of norm about
//   sqrt(L_0), moves a squared residual L by twice their product. Method and tolerance are
//   /runs/flow_method and flow_rtol where they are swept, else those of the resolved sweep
//   in the root attribute sweep_resolved; where neither tells, nothing is said of physics.
//
// Nothing is printed. A rule that is broken in many places of a dataset is one finding: the
// first place, and how many more there are.
#pragma once

#include "htflow/door.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

typedef enum htf_check_severity {
  HTF_CHECK_ERROR,   // not what the layout promises, or against itself
  HTF_CHECK_PHYSICS, // against a law that exact flow keeps
  HTF_CHECK_WARNING, // nothing that a reader stumbles over
} htf_check_severity;

// A finding: `what` is the object in the file ("/runs/status", "/" for the whole), `text`
// says what is wrong with it. Both are borrowed during the call.
typedef void (*htf_check_report)(void *context, htf_check_severity severity,
                                 const char *what, const char *text);

// What a severity is called: "error", "physics", "warning".
const char *htf_check_severity_text(htf_check_severity severity);

// Reports every finding; a sound file has none. Raises HTF_E_IO if the file cannot be read
// at all, HTF_E_MEMORY. Memory: one dataset's row, or /runs without its texts.
htf_status htf_check_file(const char *path, htf_check_report report, void *context);

HTF_END_DOOR

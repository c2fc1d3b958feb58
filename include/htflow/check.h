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
//   training loss falls, and the conserved quantities drift by no more than
//   htf_record_most_drift; nothing is said of an l1 loss, whose gradient jumps. A loss
//   may rise by 10 rtol sqrt(L L_0): an error of rtol in the tensor, of norm about
//   sqrt(L_0), moves a squared residual L by twice their product. Method and tolerance are
//   /runs/flow_method and flow_rtol where they are swept, else those of the resolved sweep
//   in the root attribute sweep_resolved; where neither tells, nothing is said of these;
// - physics, of all runs, whose law is one of the gradient and not of the method: the
//   residual of the exact law, and the rates of local components against their norms and
//   drives (htf_check_law).
//
// Nothing is printed. A rule that is broken in many places of a dataset is one finding: the
// first place, and how many more there are.
#pragma once

#include <stdint.h>

#include "htflow/door.h"
#include "htflow/status.h"
#include "htflow/tree.h"

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

// ---- the law in a run -----------------------------------------------------------------

// At an interior node: the fit of log(rate / drive) = log(factor K) + exponent log sigma to
// the recorded components, K its vectors. In a balanced model exponent and factor are
// 2 - 2/K and 1. Least squares over the points where the theorem holds to a hundredth: the
// unbalancedness magnitude is at most a tenth of sigma^(2/K). `factor` is with the expected
// exponent. Not defined, and NAN, with fewer than 5 such points or less than a decade of
// sigma among them. Off by 0.1 in the exponent or in log factor is a finding.
typedef struct htf_check_fit {
  int node; // of the interior ones, in node order
  int64_t points;
  double exponent, expected, factor;
} htf_check_fit;

// A component, the r-th largest of its node, is learnt at the first sample from which its
// norm has half of its last value; those count whose last value is at least a tenth of the
// largest at their node.
typedef struct htf_check_learnt {
  int node, component;
  int64_t sample;
  double time, arc_length, norm; // there; the last norm
} htf_check_learnt;

// What a run's samples say of the theory (theory.md section 3). NAN where columns that it
// takes are not recorded.
typedef struct htf_check_law {
  int64_t run;
  const htf_tree *tree;
  double drift;        // of the conserved quantities, over the largest ||w||^2
  double residual;     // largest of the exact law, over the samples
  double exponent_off; // largest | exponent - expected | over the nodes that have a fit
  int fits, learnt_count;
  htf_check_fit *fit;       // [fits]
  htf_check_learnt *learnt; // [learnt_count] in the order they were learnt
} htf_check_law;

// Called for each run with samples, class by class; borrowed during the call.
typedef void (*htf_check_law_report)(void *context, const htf_check_law *law);

// Reports every finding; a sound file has none. Raises HTF_E_IO if the file cannot be read
// at all, HTF_E_MEMORY. Memory: one dataset's row, or /runs without its texts.
// `law` may be NULL.
htf_status htf_check_file(const char *path, htf_check_report report,
                          htf_check_law_report law, void *context);

HTF_END_DOOR

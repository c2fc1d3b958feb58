// SPDX-License-Identifier: BSD-3-Clause
// variable.h: how a stored quantity describes itself (room: ledger).
//
// The probe's table of observables and the record's table of scalars are lists of these;
// the store writes them as attributes (CF conventions) and dimension scales without knowing
// what any of them means.
#pragma once

#include "htflow/door.h"

HTF_BEGIN_DOOR

enum { HTF_VARIABLE_DIMS = 3 };

typedef struct htf_variable {
  const char *name;                    // as in the file: local_component_norm
  const char *long_name;               // for an axis of a figure: "local component norm"
  const char *units;                   // "1" where there are none
  const char *comment;                 // the formula and where it comes from
  int rank;                            // how many dimensions beyond `run`
  const char *dims[HTF_VARIABLE_DIMS]; // their names: {"sample", "node", "component"}
  // What the numbers 0, 1, .. stand for, NULL behind the last; 0 where there is none. NULL
  // for what is a quantity.
  const char *const *flags;
} htf_variable;

HTF_END_DOOR

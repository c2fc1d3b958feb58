// SPDX-License-Identifier: BSD-3-Clause
// entries.h: an end tensor written out piece by piece (room: model; theory.md section 1).
//
// For tensors that are too large to be held: any run of entries in row-major order. The
// leading modes are fixed, one after another, and the rest is the whole end tensor of a
// smaller model: the same tree, where the leaf of a fixed mode has one row, that of its
// index. Such a block has some ten thousand entries, and what is asked for in order is
// worked out once. Cost: about 2 R an entry, R the width of the root, and the tables of the
// smaller model once a block.
//
// The same entry has the same bits, whichever run of entries it is asked for in.
#pragma once

#include <stdint.h>

#include "htflow/door.h"
#include "htflow/model.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

typedef struct htf_entries htf_entries;

// Of the model with these weights, each entry times `scale`; borrowed both. Raises
// HTF_E_MEMORY, with the bytes for a tensor of more than 2^60 entries.
htf_status htf_entries_create(const htf_model *model, const double *theta, double scale,
                              htf_entries **entries);
void htf_entries_destroy(htf_entries **entries);

// Entries first .. first + count - 1 of [D_1, .., D_N], row-major. The context is an
// htf_entries: this serves where a tensor is to be read. Raises nothing so far.
htf_status htf_entries_read(void *entries, int64_t first, int64_t count, double *out);

HTF_END_DOOR

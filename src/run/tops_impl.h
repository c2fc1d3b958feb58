// SPDX-License-Identifier: BSD-3-Clause
// tops_impl.h: the largest local component norms of every interior node, as logarithms,
// which no number of factors can overflow. Cost: theta's size.
#pragma once

#include "htflow/model.h"
#include "htflow/spec.h"

typedef struct htf_tops htf_tops;

// Of each node the record.components largest, or as many as the widest node has. Borrows
// the model. Raises HTF_E_MEMORY.
htf_status htf_tops__create(const htf_spec *spec, const htf_model *model, htf_tops **tops);
void htf_tops__destroy(htf_tops **tops);
// log sigma at theta, [interior nodes, count], largest first, -INFINITY where a node has no
// more; borrowed until the next call. And how many numbers these are.
const double *htf_tops__measure(htf_tops *tops, const double *theta);
int64_t htf_tops__size(const htf_tops *tops);
int htf_tops__count(const htf_tops *tops);

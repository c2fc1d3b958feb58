// SPDX-License-Identifier: BSD-3-Clause
// cost.h: what a run will take, before it is run (room: plan; theory.md sections 5 and 6).
//
// Two parts. *Sizes* follow from the tree, the shape, the samples and the method: the
// parameters, the floating-point operations of one gradient and of one Hessian-vector
// product, the bytes of working memory. *Counts*, how many gradients and products the run
// will take, are an estimate from its method, tolerance, start and width, whose constants
// were fitted to measured runs (cost.c says which); they are right to a factor of about
// two, and better once corrected by runs that are done.
//
// Seconds are operations over rates, and the rates are the machine's: the caller measures
// them, or takes those of finished runs.
#pragma once

#include <stdint.h>

#include "htflow/door.h"
#include "htflow/spec.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

// Entries of a target that is held whole, at most.
enum { HTF_COST_DENSE = 1 << 20 };

typedef struct htf_cost {
  int size;           // which sizes: runs of one number have the same ones, 0 came first
  int64_t parameters; // length of theta
  double bytes;       // of working memory, beside the program's own; rather too many
  double usual;       // of these, without a narrow valley or a checkpoint (memory.c)
  double gradient;    // floating-point operations of a loss and its gradient
  double product;     // of one Hessian-vector product
  double gradients, products; // how many of each the run takes, estimated
  double steps;               // and accepted steps
} htf_cost;

// Remembers sizes, so that each is worked out once: asking costs below a microsecond.
typedef struct htf_cost_table htf_cost_table;

// An empty one. Raises HTF_E_MEMORY.
htf_status htf_cost_table_create(htf_cost_table **table);
void htf_cost_table_destroy(htf_cost_table **table);
// How many different sizes were met, at most those of the specs asked about.
int htf_cost_table_sizes(const htf_cost_table *table);

// The cost of a resolved spec. Raises HTF_E_MEMORY, HTF_E_CONFIG where there is no model of
// the spec.
htf_status htf_cost_predict(htf_cost_table *table, const htf_spec *spec, htf_cost *cost);

// All the floating-point operations of the run: gradients and products. What is handed out
// longest first is ordered by it.
double htf_cost_flops(const htf_cost *cost);

// Rows of observables that the run measures, more than it keeps.
double htf_cost_rows(const htf_spec *spec, const htf_cost *cost);

// How long `workers` take over runs that last so many seconds each, handed out in this
// order as workers become free: simulated, O(runs log workers). Raises HTF_E_MEMORY.
htf_status htf_cost_makespan(const double *seconds /* [runs] */, int64_t runs,
                             int64_t workers, double *makespan);

HTF_END_DOOR

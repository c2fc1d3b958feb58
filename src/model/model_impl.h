// SPDX-License-Identifier: BSD-3-Clause
// What the files behind model.h share.
#pragma once

#include "htflow/model.h"

// Squared norms of the vectors of node v's components, norms2 [R_v, K_v]: within a row the
// children's columns in order, then the row of W^(v) unless it is frozen.
void htf_model__node_norms2(const htf_model *model, int node, const double *theta,
                            double *norms2);

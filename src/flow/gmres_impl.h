// SPDX-License-Identifier: BSD-3-Clause
// gmres_impl.h: the linear systems of bdf's Newton iteration, (I - gamma J) x = r, by
// SUNDIALS' GMRES: for J that is not symmetric.
#pragma once

#include "krylov_impl.h"

typedef struct htf_flow_gmres htf_flow_gmres;

// flow->method begins with an htf_flow_sundials. Raises HTF_E_MEMORY.
htf_status htf_flow__gmres_create(htf_flow *flow, htf_flow_gmres **gmres);
void htf_flow__gmres_destroy(htf_flow_gmres **gmres);
// As htf_flow__krylov_solve, to a residual of `tolerance`; never indefinite.
htf_status htf_flow__gmres_solve(htf_flow_gmres *gmres, const double *y, double gamma,
                                 double tolerance, double *r, double *z, double *x,
                                 htf_flow_solved *solved);

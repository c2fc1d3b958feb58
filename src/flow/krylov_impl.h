// SPDX-License-Identifier: BSD-3-Clause
// krylov_impl.h: the linear systems of bdf's Newton iteration, (I - gamma J) x = b with J
// symmetric, by preconditioned conjugate gradients.
#pragma once

#include <sundials/sundials_linearsolver.h>

#include "flow_impl.h"

// A solver for CVODE; `cvode` is asked for gamma and for where J is taken. NULL: no memory.
SUNLinearSolver htf_flow__krylov_create(htf_flow *flow, void *cvode);
// Forgets the preconditioner: what follows depends on nothing before.
void htf_flow__krylov_restart(SUNLinearSolver solver);
// Whether Newton's iteration may end with the last solution (krylov.c says when not).
bool htf_flow__krylov_settles(SUNLinearSolver solver);

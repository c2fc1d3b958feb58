// SPDX-License-Identifier: BSD-3-Clause
// krylov_impl.h: the linear systems of bdf's Newton iteration, (I - gamma J) x = r with J
// symmetric, or its Gauss-Newton part, by preconditioned conjugate gradients.
#pragma once

#include "flow_impl.h"

typedef struct htf_flow_krylov_solver htf_flow_krylov_solver;

htf_status htf_flow__krylov_create(htf_flow *flow, htf_flow_krylov_solver **solver);
void htf_flow__krylov_destroy(htf_flow_krylov_solver **solver);
// What came of a system.
typedef enum htf_flow_solved {
  HTF_FLOW_UNSOLVED,   // it takes more products than allowed
  HTF_FLOW_INDEFINITE, // the matrix is not positive definite
  HTF_FLOW_SOLVED
} htf_flow_solved;

// (I - gamma J(y)) x = r, with this matrix for J, to an error of `tolerance` in the
// Euclidean norm and of `energy` in that of the system's matrix. valley: J changes much
// from system to system, so that nothing of an earlier one is relied on (bdf_newton.c).
typedef struct htf_flow_linear {
  const double *y;
  htf_flow_matrix matrix;
  double gamma, tolerance, energy;
  bool valley;
} htf_flow_linear;

// x [size] += the solution; where the matrix is INDEFINITE, what conjugate gradients came
// to. r [size] is spoilt, z [size] is work. *energy: r' M^-1 r of the r given, about what x
// lacked in the norm of the matrix, squared.
htf_status htf_flow__krylov_solve(htf_flow_krylov_solver *solver,
                                  const htf_flow_linear *system, double *r, double *z,
                                  double *x, htf_flow_solved *solved, double *energy);
// Forgets the preconditioner: what follows depends on nothing before.
void htf_flow__krylov_restart(htf_flow_krylov_solver *solver);

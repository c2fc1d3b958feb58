// SPDX-License-Identifier: BSD-3-Clause
#include "gmres_impl.h"

#include <string.h>

#include <sunlinsol/sunlinsol_spgmr.h>

#include "htflow/memory.h"
#include "sundials_impl.h"

struct htf_flow_gmres {
  htf_flow *flow;
  htf_flow_sundials *shared;
  N_Vector left, right; // shells of x and r
  SUNLinearSolver solver;
  const double *y; // where J is taken
  double gamma;
};

static int multiply(void *data, N_Vector v, N_Vector product) {
  htf_flow_gmres *g = data;
  const double *from = N_VGetArrayPointer(v);
  double *to = N_VGetArrayPointer(product);
  if (g->shared->failure != HTF_OK) {
    return -1;
  }
  htf_status status = htf_flow__product(g->flow, HTF_FLOW_JACOBIAN, g->y, from, to);
  for (int64_t i = 0; i < g->flow->system.size; i++) {
    to[i] = from[i] - g->gamma * to[i];
  }
  return htf_flow__judge(g->shared, status);
}

// It keeps all its vectors, of which more than size serve nothing.
static htf_status make(htf_flow_gmres *g) {
  htf_status status = HTF_OK;
  int64_t size = g->flow->system.size;
  int most = g->flow->options.krylov_dimension;
  most = most < size ? most : (int)size;
  g->left = htf_flow__vector(g->shared, size);
  g->right = htf_flow__vector(g->shared, size);
  HTF_CHECK(g->left != NULL && g->right != NULL, HTF_E_MEMORY, "no memory for a vector");
  g->solver = SUNLinSol_SPGMR(g->left, SUN_PREC_NONE, most, g->shared->context);
  HTF_CHECK(g->solver != NULL &&
                SUNLinSolSetATimes_SPGMR(g->solver, g, multiply) == SUNLS_SUCCESS &&
                SUNLinSolInitialize_SPGMR(g->solver) == SUNLS_SUCCESS,
            HTF_E_MEMORY, "no memory for a linear solver");
  HTF_TRY(g->shared->failure);
done:
  return status;
}

htf_status htf_flow__gmres_create(htf_flow *flow, htf_flow_gmres **out) {
  htf_status status = HTF_OK;
  htf_flow_gmres *g = NULL;
  HTF_NEW(g, 1);
  g->flow = flow;
  g->shared = flow->method;
  HTF_TRY(make(g));
  *out = g;
  g = NULL;
done:
  htf_flow__gmres_destroy(&g);
  return status;
}

void htf_flow__gmres_destroy(htf_flow_gmres **out) {
  htf_flow_gmres *g = *out;
  if (g == NULL) {
    return;
  }
  if (g->solver != NULL) {
    SUNLinSolFree(g->solver);
  }
  if (g->right != NULL) {
    N_VDestroy(g->right);
  }
  if (g->left != NULL) {
    N_VDestroy(g->left);
  }
  HTF_FREE(*out);
}

htf_status htf_flow__gmres_solve(htf_flow_gmres *g, const double *y, double gamma,
                                 double tolerance, double *r, double *z, double *x,
                                 htf_flow_solved *solved) {
  htf_status status = HTF_OK;
  int64_t size = g->flow->system.size;
  g->y = y;
  g->gamma = gamma;
  N_VSetArrayPointer(z, g->left);
  N_VSetArrayPointer(r, g->right);
  memset(z, 0, (size_t)size * sizeof *z);
  SUNLinSolSetZeroGuess_SPGMR(g->solver, true);
  int flag = SUNLinSolSolve_SPGMR(g->solver, NULL, g->left, g->right, tolerance);
  HTF_TRY(g->shared->failure);
  // One that merely came nearer (SUNLS_RES_REDUCED) is not solved.
  *solved = flag == SUNLS_SUCCESS ? HTF_FLOW_SOLVED : HTF_FLOW_UNSOLVED;
  for (int64_t i = 0; *solved && i < size; i++) {
    x[i] += z[i];
  }
done:
  return status;
}

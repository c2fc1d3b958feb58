// SPDX-License-Identifier: BSD-3-Clause
// Backward differentiation of order 1 to 5 by CVODE, matrix-free.
#include <cvode/cvode.h>
#include <sunlinsol/sunlinsol_spgmr.h>
#include <sunnonlinsol/sunnonlinsol_newton.h>

#include "cvode_impl.h"
#include "htflow/memory.h"
#include "krylov_impl.h"

// Settings, by evaluations of f and J v on small CP and deep matrix flows, rtol 1e-3 to
// 1e-8. Altogether 15 to 20 % fewer than with CVODE's own, at the same drift of the
// conserved quantities, and rejected steps become rare.
//
// With the exact Jacobian at the prediction Newton's error is quadratic in the correction,
// so the first iterate stands unless the local error is more than half the tolerance
// (NEWTON); the linear residual is kept at LINEAR times that, what matters for the error
// test. The step is left alone only where it would change by -10 to +20 %: smaller when the
// error asks for it, not after a rejection, and growing before the solver's own residual
// holds the estimate up.
static const double NEWTON = 0.5, LINEAR = 0.02, KEEP_ABOVE = 0.9, KEEP_BELOW = 1.2;

static int multiply(N_Vector v, N_Vector product, realtype t, N_Vector y, N_Vector dy,
                    void *data, N_Vector scratch) {
  (void)t, (void)dy, (void)scratch;
  htf_flow *flow = data;
  htf_flow_sundials *s = flow->method;
  const double *at = N_VGetArrayPointer(y), *along = N_VGetArrayPointer(v);
  double *to = N_VGetArrayPointer(product);
  return s->failure != HTF_OK ? -1
                              : htf_flow__judge(s, htf_flow__product(flow, at, along, to));
}

static htf_status guess_step(htf_flow *flow, double *step) {
  htf_status status = HTF_OK;
  double *slope = NULL;
  HTF_NEW(slope, 2 * flow->system.size);
  double *bend = slope + flow->system.size;
  HTF_TRY(htf_flow__derivative(flow, flow->state, slope));
  HTF_TRY(htf_flow__product(flow, flow->state, slope, bend));
  *step = htf_flow__first_step(flow, slope, bend);
done:
  HTF_FREE(slope);
  return status;
}

// A solution that asks for a step shorter than the shortest blows up; one that could make a
// longer one than the longest stands. From its share of the last step a restart costs about
// 11, 31, 47 evaluations more than going on at rtol 1e-4, 1e-6, 1e-8, where a step costs 6,
// 5, 4. Ten times less or more costs the same, the whole step 50 % more.
static const htf_flow_cvode_kind kind = {.name = "bdf",
                                         .formula = CV_BDF,
                                         .most_order = 5,
                                         .shortest = 1e-40,
                                         .longest = 1e50,
                                         .restart_share = 0.001,
                                         .guess_step = guess_step};

static htf_status check_options(const htf_flow *flow) {
  htf_status status = HTF_OK;
  const htf_flow_options *o = &flow->options;
  HTF_CHECK(o->krylov == HTF_FLOW_GMRES || o->krylov == HTF_FLOW_PCG, HTF_E_CONFIG,
            "there is no Krylov method %d", (int)o->krylov);
  HTF_CHECK(o->krylov_dimension > 0, HTF_E_CONFIG,
            "krylov_dimension is %d, must be positive", o->krylov_dimension);
  HTF_CHECK(flow->system.jacobian != NULL, HTF_E_CONFIG,
            "bdf needs the product of the Jacobian with a vector");
done:
  return status;
}

// CVODE takes the first iterate of a solve that merely came nearer, and its error estimate
// does not see what is missing: with too few Krylov vectors a flow then leaves its plateau
// at the wrong time and says nothing. A solve that has not converged has failed, and the
// step shrinks.
static int solve_fully(SUNLinearSolver solver, SUNMatrix none, N_Vector x, N_Vector right,
                       realtype tolerance) {
  int flag = SUNLinSolSolve_SPGMR(solver, none, x, right, tolerance);
  return flag == SUNLS_RES_REDUCED ? SUNLS_CONV_FAIL : flag;
}

// GMRES keeps all its vectors, of which more than size serve nothing.
static SUNLinearSolver make_solver(htf_flow *flow, htf_flow_cvode *c) {
  htf_flow_sundials *s = &c->shared;
  int most = flow->options.krylov_dimension;
  if (flow->options.krylov == HTF_FLOW_PCG) {
    return htf_flow__krylov_create(flow, c->cvode);
  }
  most = most < flow->system.size ? most : (int)flow->system.size;
  return SUNLinSol_SPGMR(s->vector, SUN_PREC_NONE, most, s->context);
}

// CVODE's test of Newton's iteration, which it passes by no chance unless the last solution
// may stand.
static int judge(SUNNonlinearSolver newton, N_Vector total, N_Vector change,
                 realtype tolerance, N_Vector weight, void *data) {
  htf_flow_cvode *c = data;
  double share = htf_flow__krylov_settles(c->linear) ? 1 : 1e-30;
  return c->converged(newton, total, change, share * tolerance, weight, c->cvode);
}

static htf_status make_newton(htf_flow_cvode *c) {
  htf_status status = HTF_OK;
  c->nonlinear = SUNNonlinSol_Newton(c->shared.vector, c->shared.context);
  HTF_CHECK(c->nonlinear != NULL && CVodeSetNonlinearSolver(c->cvode, c->nonlinear) == 0,
            HTF_E_MEMORY, "no memory for a nonlinear solver");
  const struct _SUNNonlinearSolverContent_Newton *newton = c->nonlinear->content;
  c->converged = newton->CTest;
  SUNNonlinSolSetConvTestFn(c->nonlinear, judge, c);
done:
  return status;
}

static htf_status create(htf_flow *flow) {
  htf_status status = HTF_OK;
  HTF_TRY(check_options(flow));
  HTF_TRY(htf_flow__cvode_create(flow, &kind));
  htf_flow_cvode *c = flow->method;
  c->linear = make_solver(flow, c);
  HTF_CHECK(c->linear != NULL, HTF_E_MEMORY, "no memory for a linear solver");
  if (flow->options.krylov == HTF_FLOW_GMRES) {
    c->linear->ops->solve = solve_fully;
  }
  HTF_CHECK(CVodeSetLinearSolver(c->cvode, c->linear, NULL) == 0 &&
                CVodeSetJacTimes(c->cvode, NULL, multiply) == 0 &&
                CVodeSetNonlinConvCoef(c->cvode, NEWTON) == 0 &&
                CVodeSetEpsLin(c->cvode, LINEAR) == 0 &&
                CVodeSetEtaFixedStepBounds(c->cvode, KEEP_ABOVE, KEEP_BELOW) == 0,
            HTF_E_MEMORY, "CVODE cannot be set up: %s", c->shared.complaint);
  if (flow->options.krylov == HTF_FLOW_PCG) {
    HTF_TRY(make_newton(c));
  }
  HTF_TRY(c->shared.failure);
done:
  return status;
}

static htf_status restart(htf_flow *flow) {
  htf_flow_cvode *c = flow->method;
  if (flow->options.krylov == HTF_FLOW_PCG) {
    htf_flow__krylov_restart(c->linear);
  }
  return htf_flow__cvode_restart(flow);
}

const htf_flow_row htf_flow__bdf = {
    .segment_steps = 500, // restarts then cost 0.4 to 2.5 % of all evaluations
    .create = create,
    .destroy = htf_flow__cvode_destroy,
    .restart = restart,
    .step = htf_flow__cvode_step,
    .interpolate = htf_flow__cvode_interpolate,
};

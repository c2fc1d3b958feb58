// SPDX-License-Identifier: BSD-3-Clause
// Adams-Moulton of order 1 to 12 by CVODE, with functional iteration: explicit but for a
// few evaluations a step, no Jacobian.
#include <cvode/cvode.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>

#include "cvode_impl.h"

// Anderson's acceleration of the iteration: none.
enum { ACCELERATION = 0 };

// step^12 stays within a double. A restart costs a few evaluations at most from a first
// step of anything between 1e-4 of the last one and all of it.
static const htf_flow_cvode_kind kind = {.name = "adams",
                                         .formula = CV_ADAMS,
                                         .most_order = 12,
                                         .shortest = 1e-24,
                                         .longest = 1e24,
                                         .restart_share = 0.01,
                                         .guess_step = htf_flow__guess_step};

static htf_status create(htf_flow *flow) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_flow__cvode_create(flow, &kind));
  htf_flow_cvode *c = flow->method;
  c->nonlinear = SUNNonlinSol_FixedPoint(c->shared.vector, ACCELERATION, c->shared.context);
  HTF_CHECK(c->nonlinear != NULL, HTF_E_MEMORY, "no memory for the iteration");
  HTF_CHECK(CVodeSetNonlinearSolver(c->cvode, c->nonlinear) == 0, HTF_E_MEMORY,
            "CVODE cannot be set up: %s", c->shared.complaint);
  HTF_TRY(c->shared.failure);
done:
  return status;
}

const htf_flow_row htf_flow__adams = {
    .segment_steps = 500,
    .create = create,
    .destroy = htf_flow__cvode_destroy,
    .restart = htf_flow__cvode_restart,
    .step = htf_flow__cvode_step,
    .interpolate = htf_flow__cvode_interpolate,
};

// SPDX-License-Identifier: BSD-3-Clause
// Explicit Runge-Kutta pairs by ARKODE's ERKStep.
//
// Of the tables of SUNDIALS 6.4.1 only some: a table whose last stage lies at the end of
// the step without being the solution there has that stage taken for the next step's first
// (llnl/sundials issue 311), which costs it its order. tests/flow compares each table
// offered with its own formula, step by step.
#include <math.h>
#include <string.h>

#include <arkode/arkode_erkstep.h>

#include "htflow/memory.h"
#include "sundials_impl.h"

// Steps stay in this range. A solution that asks for a shorter one blows up; one that could
// make a longer one stands.
static const double SHORTEST = 1e-40, LONGEST = 1e50;
// A step into a point that callbacks refuse is tried again as this share of it.
static const double CUT = 0.25;

// Degrees of interpolants: ARKODE's, from values and slopes at the ends, and one more.
enum { QUADRATIC = 2, CUBIC = 3, QUARTIC = 4 };

// The degree is that of the error estimate's formula: so the interpolant is off by the same
// power of the step as what is kept below the tolerance.
static const struct {
  ARKODE_ERKTableID number;
  int degree;
} tables[] = {
    [HTF_FLOW_DORMAND_PRINCE] = {ARKODE_DORMAND_PRINCE_7_4_5, QUARTIC},
    [HTF_FLOW_CASH_KARP] = {ARKODE_CASH_KARP_6_4_5, QUARTIC},
    [HTF_FLOW_BOGACKI_SHAMPINE] = {ARKODE_BOGACKI_SHAMPINE_4_2_3, QUADRATIC},
    [HTF_FLOW_FEHLBERG] = {ARKODE_FEHLBERG_6_4_5, QUARTIC},
    [HTF_FLOW_ZONNEVELD] = {ARKODE_ZONNEVELD_5_3_4, CUBIC},
};

enum { TABLES = sizeof tables / sizeof *tables };

typedef struct erk {
  htf_flow_sundials shared;
  void *arkode;
  double *taylor;  // [QUARTIC + 1, size], of the step just made: h^k y^(k) / k!
  int order;       // of taylor; -1 where it is not filled
  int degree;      // of ARKODE's interpolant
  double proposed; // the next step, before any error test
  int64_t cuts;    // steps tried again for refused points
} erk;

// ---- life

static htf_status check_options(const htf_flow *flow) {
  htf_status status = HTF_OK;
  const htf_flow_options *o = &flow->options;
  HTF_CHECK(o->fixed_step == 0 || (o->fixed_step >= SHORTEST && o->fixed_step <= LONGEST),
            HTF_E_CONFIG, "fixed_step is %g, must be 0 or in [%g, %g]", o->fixed_step,
            SHORTEST, LONGEST);
  if (o->fixed_step == 0) {
    HTF_TRY(htf_flow__check_rtol(flow));
  }
  HTF_CHECK((int)o->table >= 0 && (int)o->table < TABLES, HTF_E_CONFIG,
            "there is no Runge-Kutta table %d", (int)o->table);
done:
  return status;
}

static htf_status create(htf_flow *flow) {
  htf_status status = HTF_OK;
  HTF_TRY(check_options(flow));
  if (flow->options.fixed_step > 0) {
    flow->options.rtol = 1; // ARKODE still wants weights that rounding stays below
  }
  HTF_TRY(htf_flow__sundials_create(flow, sizeof(erk)));
  erk *e = flow->method;
  HTF_NEW(e->taylor, (QUARTIC + 1) * flow->system.size);
  int degree = tables[flow->options.table].degree;
  e->degree = degree < CUBIC ? degree : CUBIC;
  e->arkode = ERKStepCreate(htf_flow__derive, 0, e->shared.vector, e->shared.context);
  HTF_CHECK(e->arkode != NULL, HTF_E_MEMORY, "no memory for ARKODE");
  HTF_CHECK(ERKStepSetErrHandlerFn(e->arkode, htf_flow__hear, flow) == 0 &&
                ERKStepSetUserData(e->arkode, flow) == 0 &&
                ERKStepSetTableNum(e->arkode, tables[flow->options.table].number) == 0 &&
                ERKStepWFtolerances(e->arkode, htf_flow__weigh) == 0 &&
                ERKStepSetInterpolantDegree(e->arkode, e->degree) == 0 &&
                ERKStepSetMaxNumSteps(e->arkode, -1) == 0 &&
                ERKStepSetMaxHnilWarns(e->arkode, -1) == 0 &&
                ERKStepSetMinStep(e->arkode, SHORTEST) == 0 &&
                ERKStepSetMaxStep(e->arkode, LONGEST) == 0,
            HTF_E_MEMORY, "ARKODE cannot be set up: %s", e->shared.complaint);
  HTF_TRY(e->shared.failure);
done:
  return status;
}

static void destroy(htf_flow *flow) {
  erk *e = flow->method;
  if (e != NULL) {
    ERKStepFree(&e->arkode);
    HTF_FREE(e->taylor);
    htf_flow__sundials_destroy(flow);
  }
}

// ---- steps

static int64_t count_undone(erk *e) {
  long errors = 0;
  ERKStepGetNumErrTestFails(e->arkode, &errors);
  return e->shared.undone + errors + e->cuts;
}

// Makes ARKODE forget all but the state and the step it is to try.
static htf_status begin_at(htf_flow *flow, erk *e, double step) {
  htf_status status = HTF_OK;
  double fixed = flow->options.fixed_step;
  e->shared.undone = count_undone(e) - e->cuts;
  e->proposed = step;
  N_VSetArrayPointer(flow->state, e->shared.vector);
  HTF_CHECK(ERKStepReInit(e->arkode, htf_flow__derive, 0, e->shared.vector) == 0 &&
                (fixed > 0 ? ERKStepSetFixedStep(e->arkode, fixed)
                           : ERKStepSetInitStep(e->arkode, step)) == 0,
            HTF_E_INTERNAL, "ARKODE cannot restart: %s", e->shared.complaint);
  HTF_TRY(e->shared.failure);
done:
  return status;
}

static htf_status restart(htf_flow *flow) {
  htf_status status = HTF_OK;
  erk *e = flow->method;
  double step = flow->last_step;
  if (step == 0 && flow->options.fixed_step == 0) {
    HTF_TRY(htf_flow__guess_step(flow, &step));
  }
  e->shared.refusals = 0;
  HTF_TRY(begin_at(flow, e, fmin(LONGEST, fmax(SHORTEST, step))));
done:
  return status;
}

// ERKStep gives up where a stage is refused: it begins again, with a shorter step.
static htf_status cut(htf_flow *flow, erk *e) {
  htf_status status = HTF_OK;
  double step = CUT * e->proposed;
  if (flow->options.fixed_step > 0 || step < SHORTEST) {
    HTF_TRY(htf_flow__no_step(flow));
  }
  HTF_TRY(htf_flow__check_refusals(flow));
  e->cuts++;
  HTF_TRY(begin_at(flow, e, step));
done:
  return status;
}

static htf_status step(htf_flow *flow, double *next, double *length) {
  htf_status status = HTF_OK;
  erk *e = flow->method;
  htf_flow_sundials *s = &e->shared;
  double clock;
  int flag;
  htf_flow__begin_step(s);
  e->order = -1;
  do {
    int64_t refusals = s->refusals;
    N_VSetArrayPointer(next, s->vector);
    flag = ERKStepEvolve(e->arkode, LONGEST, s->vector, &clock, ARK_ONE_STEP);
    flow->counts.rejected = count_undone(e);
    HTF_TRY(s->failure);
    HTF_CHECK(flag != ARK_MEM_FAIL, HTF_E_MEMORY, "no memory for ARKODE: %s", s->complaint);
    if (flag < 0 && s->refusals == refusals) {
      flow->failure = HTF_FLOW_STEP_SIZE;
      HTF_TRY(htf_flow__no_step(flow));
    }
    if (flag < 0) {
      HTF_TRY(cut(flow, e));
    }
  } while (flag < 0);
  HTF_TRY(htf_flow__check_refusals(flow));
  ERKStepGetCurrentStep(e->arkode, &e->proposed);
  ERKStepGetLastStep(e->arkode, &s->length);
  *length = s->length;
done:
  return status;
}

// ---- inside a step

// y(fraction) = sum_k taylor_k (fraction - 1)^k, around the end of the step.
static void sum_taylor(const htf_flow *flow, const erk *e, double fraction, double *y) {
  int64_t size = flow->system.size;
  memcpy(y, e->taylor + e->order * size, (size_t)size * sizeof *y);
  for (int k = e->order - 1; k >= 0; k--) {
    const double *row = e->taylor + k * size;
    for (int64_t i = 0; i < size; i++) {
      y[i] = row[i] + (fraction - 1) * y[i];
    }
  }
}

// Where the rows hold y^(k).
static void scale_taylor(const htf_flow *flow, erk *e) {
  int64_t size = flow->system.size;
  double factor = 1;
  for (int k = 0; k <= e->degree; k++) {
    double *row = e->taylor + k * size;
    factor *= k == 0 ? 1 : e->shared.length / k;
    for (int64_t i = 0; i < size; i++) {
      row[i] *= factor;
    }
  }
  e->order = e->degree;
}

// The cubic p through values and slopes at both ends is made a quartic by the slope at one
// point more, s = -1/3 from the end in units of the step: added is
//   c s^2 (1 + s)^2,  c = (h f(p(s)) - p'(s)) / (2 s (1 + s) (1 + 2 s)).
static htf_status add_quartic(htf_flow *flow, erk *e, double *point) {
  htf_status status = HTF_OK;
  const double at = -1.0 / 3, share = 1 / (2 * at * (1 + at) * (1 + 2 * at));
  int64_t size = flow->system.size;
  double *two = e->taylor + 2 * size, *three = two + size, *four = three + size;
  const double *one = e->taylor + size;
  sum_taylor(flow, e, 1 + at, point);
  e->order = -1;
  HTF_TRY(htf_flow__derivative(flow, point, four));
  for (int64_t i = 0; i < size; i++) {
    double slope = one[i] + at * (2 * two[i] + at * 3 * three[i]);
    double c = share * (e->shared.length * four[i] - slope);
    two[i] += c;
    three[i] += 2 * c;
    four[i] = c;
  }
  e->order = QUARTIC;
done:
  return status;
}

// scratch [size].
static htf_status fill_taylor(htf_flow *flow, erk *e, double *scratch) {
  htf_status status = HTF_OK;
  htf_flow_sundials *s = &e->shared;
  double end;
  ERKStepGetCurrentTime(e->arkode, &end);
  for (int k = 0; k <= e->degree; k++) {
    N_VSetArrayPointer(e->taylor + k * flow->system.size, s->vector);
    HTF_CHECK(ERKStepGetDky(e->arkode, end, k, s->vector) == 0, HTF_E_INTERNAL,
              "ARKODE's interpolant: %s", s->complaint);
  }
  HTF_TRY(s->failure);
  scale_taylor(flow, e);
  if (tables[flow->options.table].degree == QUARTIC) {
    HTF_TRY(add_quartic(flow, e, scratch));
  }
done:
  return status;
}

static htf_status interpolate(htf_flow *flow, double fraction, double *y) {
  htf_status status = HTF_OK;
  erk *e = flow->method;
  if (e->order < 0) {
    HTF_TRY(fill_taylor(flow, e, y));
  }
  sum_taylor(flow, e, fraction, y);
done:
  return status;
}

const htf_flow_row htf_flow__erk = {
    .segment_steps = 500,
    .create = create,
    .destroy = destroy,
    .restart = restart,
    .step = step,
    .interpolate = interpolate,
};

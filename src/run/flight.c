// SPDX-License-Identifier: BSD-3-Clause
// A run set up, from its spec or its checkpoint: the flow of minus the training gradient.
#include "flight_impl.h"

#include "htflow/clock.h"
#include "htflow/memory.h"
#include "measured_impl.h"

// Of what a descent crosses on the chord of a step.
static const double DESCENT_TOLERANCE = 1e-9;

// f = - grad L and J v = - H v, for the flow. What is not finite is a numerical failure, to
// which the method may answer with a smaller step.
static htf_status check_finite(const double *x, int64_t n, const char *what) {
  htf_status status = HTF_OK;
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    sum += x[i] * 0; // NAN if any is infinite or NAN
  }
  HTF_CHECK(sum == 0, HTF_E_NUMERIC, "%s is not finite", what);
done:
  return status;
}

static htf_status derivative(void *context, const double *y, double *dy) {
  htf_flight *r = context;
  int64_t n = htf_model_parameters(r->scene.model);
  const double *gradient = htf_objective__gradient(r->objective, y);
  for (int64_t i = 0; i < n; i++) {
    dy[i] = -gradient[i];
  }
  return check_finite(dy, n, "the gradient");
}

static htf_status negate(const htf_flight *r, double *product, const char *what) {
  int64_t n = htf_model_parameters(r->scene.model);
  for (int64_t i = 0; i < n; i++) {
    product[i] = -product[i];
  }
  return check_finite(product, n, what);
}

static htf_status jacobian(void *context, const double *y, const double *v,
                           double *product) {
  htf_flight *r = context;
  htf_objective__product(r->objective, y, v, product);
  return negate(r, product, "a Hessian-vector product");
}

static htf_status gauss_newton(void *context, const double *y, const double *v,
                               double *product) {
  htf_flight *r = context;
  htf_objective__gauss_newton(r->objective, y, v, product);
  return negate(r, product, "a Gauss-Newton product");
}

static htf_status prepare(void *context, const double *y, double gamma) {
  htf_flight *r = context;
  return htf_objective__prepare(r->objective, y, gamma);
}

static htf_status scale(void *context, double gamma) {
  htf_flight *r = context;
  return htf_objective__scale(r->objective, gamma);
}

static htf_status precondition(void *context, const double *x, double *z) {
  htf_flight *r = context;
  htf_objective__precondition(r->objective, x, z);
  return HTF_OK;
}

static double cost(void *context) {
  const htf_flight *r = context;
  return htf_objective__prepare_cost(r->objective);
}

static void forget(void *context) {
  htf_flight *r = context;
  htf_objective__forget(r->objective);
}

static const htf_flow_preconditioner stiff = {prepare, scale, precondition, cost, forget};

static void fill_options(htf_flight *r) {
  static const htf_flow_method methods[] = {
      [HTF_METHOD_BDF] = HTF_FLOW_BDF,
      [HTF_METHOD_GD] = HTF_FLOW_GD,
      [HTF_METHOD_ADAMS] = HTF_FLOW_ADAMS,
      [HTF_METHOD_ERK] = HTF_FLOW_ERK,
      [HTF_METHOD_MOMENTUM] = HTF_FLOW_MOMENTUM,
      [HTF_METHOD_GROUPRMSPROP] = HTF_FLOW_GROUPRMSPROP,
      [HTF_METHOD_ADAM] = HTF_FLOW_ADAM,
  };
  static const htf_flow_table tables[] = {
      [HTF_TABLE_DORMAND_PRINCE] = HTF_FLOW_DORMAND_PRINCE,
      [HTF_TABLE_CASH_KARP] = HTF_FLOW_CASH_KARP,
      [HTF_TABLE_BOGACKI_SHAMPINE] = HTF_FLOW_BOGACKI_SHAMPINE,
      [HTF_TABLE_FEHLBERG] = HTF_FLOW_FEHLBERG,
      [HTF_TABLE_ZONNEVELD] = HTF_FLOW_ZONNEVELD,
  };
  r->options = (htf_flow_options){
      .method = methods[r->spec->flow.method],
      .rtol = r->spec->flow.rtol,
      .krylov = r->spec->flow.krylov == HTF_KRYLOV_PCG ? HTF_FLOW_PCG : HTF_FLOW_GMRES,
      .krylov_dimension = (int)r->spec->flow.krylov_dimension,
      .table = tables[r->spec->flow.table],
      .lr = r->spec->flow.lr,
      .beta = r->spec->flow.beta,
  };
}

static htf_status make_flow(htf_flight *r) {
  htf_status status = HTF_OK;
  htf_flow_system system = {.size = htf_model_parameters(r->scene.model),
                            .context = r,
                            .derivative = derivative,
                            .jacobian = jacobian,
                            .gauss_newton = gauss_newton};
  system.preconditioner = htf_objective__preconditions(r->objective) ? &stiff : NULL;
  fill_options(r);
  r->carry_size = htf_flow_carry_size(r->options.method, system.size);
  if (r->hooks->resume != NULL) {
    HTF_NEW(r->carry, r->carry_size);
    r->outside = true;
    HTF_TRY(htf_flight__unpack(r));
    r->outside = false;
  }
  HTF_TRY(htf_flow_create(&system, &r->options, r->scene.theta, &r->flow));
done:
  HTF_FREE(r->carry);
  return status;
}

bool htf_flight__follows(const htf_flight *r) {
  int method = r->spec->flow.method;
  return method == HTF_METHOD_BDF || method == HTF_METHOD_ADAMS || method == HTF_METHOD_ERK;
}

htf_status htf_flight__set_up(htf_flight *r) {
  htf_status status = HTF_OK;
  bool bdf = r->spec->flow.method == HTF_METHOD_BDF;
  htf_objective_use use = {
      .second_order = bdf || htf_measured__needs_hessian(r->spec),
      .preconditioner = bdf && r->spec->flow.krylov == HTF_KRYLOV_PCG &&
                        r->spec->flow.preconditioner == HTF_PRECONDITIONER_GAUSS_NEWTON,
  };
  HTF_TRY(htf_spec_identity(r->spec, &r->identity));
  HTF_TRY(htf_scene__set_up(r->spec, r->hooks, &r->scene));
  const htf_scene *s = &r->scene;
  HTF_TRY(htf_objective__create(s->model, s->problem, s->loss, use, &r->objective));
  HTF_TRY(htf_measured__probe(r->spec, s, &r->probe));
  htf_problem_forget_indices(s->problem);
  r->tolerance = htf_flight__follows(r) ? r->spec->flow.rtol : DESCENT_TOLERANCE;
  HTF_TRY(htf_events__create(r->spec, s, r->objective, r->tolerance, &r->events));
  HTF_TRY(htf_recorder__create(r->spec, s, r->probe, r->objective, &r->recorder));
  HTF_TRY(make_flow(r));
done:
  return status;
}

void htf_flight__tear_down(htf_flight *r) {
  htf_recorder__destroy(&r->recorder);
  htf_events__destroy(&r->events);
  htf_flow_destroy(&r->flow);
  htf_probe_destroy(&r->probe);
  htf_objective__destroy(&r->objective);
  htf_scene__tear_down(&r->scene);
}

double htf_flight__wall(const htf_flight *r) {
  return r->used + (htf_clock_now() - r->begun);
}

double htf_flight__cpu(const htf_flight *r) {
  return r->used_cpu + (htf_clock_cpu() - r->begun_cpu);
}

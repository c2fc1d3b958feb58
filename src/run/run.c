// SPDX-License-Identifier: BSD-3-Clause
// The life of a run: set up, step until something ends it, write the record.
#include "htflow/run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "htflow/clock.h"
#include "htflow/flow.h"
#include "htflow/memory.h"
#include "htflow/probe.h"
#include "objective_impl.h"
#include "recorder_impl.h"
#include "scene_impl.h"

typedef struct run {
  const htf_spec *spec;
  const htf_run_hooks *hooks;
  double start; // wall clock
  htf_scene scene;
  htf_objective *objective;
  htf_probe *probe;
  htf_flow *flow;
  htf_recorder *recorder;
  double fraction; // of the last step at which the run ends
} run;

// ---- set-up ---------------------------------------------------------------------------

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
  run *r = context;
  int64_t n = htf_model_parameters(r->scene.model);
  const double *gradient = htf_objective__gradient(r->objective, y);
  for (int64_t i = 0; i < n; i++) {
    dy[i] = -gradient[i];
  }
  return check_finite(dy, n, "the gradient");
}

static htf_status jacobian(void *context, const double *y, const double *v,
                           double *product) {
  run *r = context;
  int64_t n = htf_model_parameters(r->scene.model);
  htf_objective__product(r->objective, y, v, product);
  for (int64_t i = 0; i < n; i++) {
    product[i] = -product[i];
  }
  return check_finite(product, n, "a Hessian-vector product");
}

static htf_status make_flow(run *r) {
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
  htf_flow_system system = {.size = htf_model_parameters(r->scene.model),
                            .context = r,
                            .derivative = derivative,
                            .jacobian = jacobian};
  htf_flow_options options = {
      .method = methods[r->spec->flow.method],
      .rtol = r->spec->flow.rtol,
      .krylov = r->spec->flow.krylov == HTF_KRYLOV_PCG ? HTF_FLOW_PCG : HTF_FLOW_GMRES,
      .krylov_dimension = (int)r->spec->flow.krylov_dimension,
      .table = tables[r->spec->flow.table],
      .lr = r->spec->flow.lr,
      .beta = r->spec->flow.beta,
  };
  return htf_flow_create(&system, &options, r->scene.theta, &r->flow);
}

static htf_status set_up(run *r, htf_record *record) {
  htf_status status = HTF_OK;
  bool second_order = r->spec->flow.method == HTF_METHOD_BDF;
  htf_probe_options measured = {
      .components = (int)r->spec->record.components,
      .singular_values = (int)r->spec->record.singular_values,
  };
  HTF_TRY(htf_spec_identity(r->spec, &record->identity));
  memcpy(record->tree, r->spec->model.tree.newick, sizeof record->tree);
  HTF_TRY(htf_scene__set_up(r->spec, r->hooks, &r->scene));
  const htf_scene *s = &r->scene;
  HTF_TRY(
      htf_objective__create(s->model, s->problem, s->loss, second_order, &r->objective));
  HTF_TRY(htf_probe_create(s->model, s->problem, s->loss, &measured, &r->probe));
  HTF_TRY(make_flow(r));
  HTF_TRY(htf_recorder__create(r->spec, r->probe, r->objective,
                               htf_model_parameters(s->model), &r->recorder));
done:
  return status;
}

static void tear_down(run *r) {
  htf_recorder__destroy(&r->recorder);
  htf_flow_destroy(&r->flow);
  htf_probe_destroy(&r->probe);
  htf_objective__destroy(&r->objective);
  htf_scene__tear_down(&r->scene);
}

// ---- stepping -------------------------------------------------------------------------

static double norm_of(const double *x, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    sum += x[i] * x[i];
  }
  return sqrt(sum);
}

// What ends the run at its present state, HTF_STOP_NONE if nothing does.
static htf_stop_reason due(run *r) {
  const double *theta = htf_flow_state(r->flow);
  double limit = r->spec->stop.gradient_norm;
  double loss = htf_objective__value(r->objective, theta);
  if (!isfinite(loss)) {
    return HTF_STOP_OVERFLOW;
  }
  if (loss <= r->spec->stop.loss) {
    return HTF_STOP_LOSS;
  }
  if (htf_flow_now(r->flow).high >= r->spec->stop.time) {
    return HTF_STOP_TIME;
  }
  if (limit > 0 && norm_of(htf_objective__gradient(r->objective, theta),
                           htf_model_parameters(r->scene.model)) <= limit) {
    return HTF_STOP_GRADIENT;
  }
  if (htf_flow_get_counts(r->flow).steps >= r->spec->stop.steps) {
    return HTF_STOP_STEPS;
  }
  if (htf_clock_now() - r->start >= r->spec->stop.wall) {
    return HTF_STOP_WALL;
  }
  return HTF_STOP_NONE;
}

static htf_status judge(run *r, htf_stop_reason *reason) {
  htf_status status = HTF_OK;
  *reason = due(r);
  HTF_CHECK(*reason != HTF_STOP_OVERFLOW, HTF_E_NUMERIC,
            "the training loss is not finite after %lld steps",
            (long long)htf_flow_get_counts(r->flow).steps);
done:
  return status;
}

// The flow time asked for lies within the last step: the run ends there.
static htf_status end_in_time(run *r) {
  htf_flow_time end = {r->spec->stop.time, 0};
  if (htf_flow_time_compare(end, htf_flow_now(r->flow)) < 0) {
    return htf_flow_find_time(r->flow, end, &r->fraction);
  }
  return HTF_OK;
}

static htf_status step(run *r, htf_stop_reason *reason) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_flow_step(r->flow));
  r->fraction = 1;
  HTF_TRY(judge(r, reason));
  if (*reason == HTF_STOP_TIME) {
    HTF_TRY(end_in_time(r));
  }
  HTF_TRY(htf_recorder__step(r->recorder, r->flow, r->fraction));
  HTF_CHECK(r->hooks->interrupt == NULL || *reason != HTF_STOP_NONE ||
                !r->hooks->interrupt(r->hooks->context),
            HTF_E_STOPPED, "interrupted after %lld steps",
            (long long)htf_flow_get_counts(r->flow).steps);
done:
  return status;
}

static htf_status integrate(run *r, htf_stop_reason *reason) {
  htf_status status = HTF_OK;
  HTF_TRY(judge(r, reason));
  HTF_TRY(htf_recorder__start(r->recorder, r->scene.theta));
  while (*reason == HTF_STOP_NONE) {
    HTF_TRY(step(r, reason));
  }
done:
  return status;
}

// ---- the record -----------------------------------------------------------------------

static void fail(htf_record *record, htf_stop_reason reason) {
  record->state = HTF_RUN_FAILED;
  record->stop_reason = (int)reason;
  snprintf(record->message, sizeof record->message, "%s", htf_error_message());
  htf_error_clear();
}

static htf_status conclude(run *r, htf_stop_reason reason, htf_record *record) {
  htf_status status = HTF_OK;
  htf_flow_counts counts = htf_flow_get_counts(r->flow);
  record->steps = counts.steps;
  record->gradients = counts.derivatives;
  record->jacobian_products = counts.products;
  HTF_TRY(htf_recorder__finish(r->recorder, r->flow, r->fraction, record));
  if (record->state != HTF_RUN_FAILED) {
    record->state = HTF_RUN_DONE;
    record->stop_reason = (int)reason;
  }
done:
  return status;
}

// A failure of the machine, not of the run.
static bool fatal(htf_status status) {
  return status == HTF_E_MEMORY || status == HTF_E_STOPPED;
}

htf_status htf_run_execute(const htf_spec *spec, const htf_run_hooks *hooks,
                           htf_record *record) {
  run r = {.spec = spec, .hooks = hooks, .start = htf_clock_now(), .fraction = 1};
  double cpu = htf_clock_cpu();
  htf_stop_reason reason = HTF_STOP_NONE;
  record->timing.started = htf_clock_date();
  htf_status status = set_up(&r, record);
  if (status == HTF_OK) {
    status = integrate(&r, &reason);
  }
  if (status != HTF_OK && !fatal(status)) {
    bool stepping = status == HTF_E_NUMERIC && r.recorder != NULL;
    if (reason == HTF_STOP_NONE) {
      reason = stepping ? HTF_STOP_INTEGRATOR : HTF_STOP_ERROR;
    }
    fail(record, reason);
    status = HTF_OK;
  }
  if (status == HTF_OK && r.recorder != NULL) {
    status = conclude(&r, reason, record);
  }
  tear_down(&r);
  if (status != HTF_OK) {
    htf_record_clear(record);
    return status;
  }
  gethostname(record->timing.host, sizeof record->timing.host - 1);
  record->timing.wall = htf_clock_now() - r.start;
  record->timing.cpu = htf_clock_cpu() - cpu;
  return HTF_OK;
}

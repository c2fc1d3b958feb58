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

typedef struct run {
  const htf_spec *spec;
  const htf_run_hooks *hooks;
  double start; // wall clock
  htf_problem *problem;
  htf_model *model;
  double *theta; // [parameters], the start
  htf_objective *objective;
  htf_probe *probe;
  htf_flow *flow;
  htf_recorder *recorder;
  double fraction; // of the last step at which the run ends
} run;

// ---- set-up ---------------------------------------------------------------------------

htf_status htf_run_model(const htf_spec *spec, htf_model **model) {
  htf_status status = HTF_OK;
  htf_tree *tree = NULL;
  HTF_TRY(htf_tree_parse(spec->model.tree.newick, 0, &tree));
  HTF_TRY(htf_model_create(HTF_MODEL_HTF, tree, spec->problem.shape.size, model));
done:
  htf_tree_destroy(&tree);
  return status;
}

static htf_status plant(const htf_spec *spec, htf_problem **problem) {
  htf_status status = HTF_OK;
  htf_tree *tree = NULL;
  HTF_TRY(htf_tree_parse(spec->problem.target_tree.newick, 0, &tree));
  htf_plant recipe = {
      .order = spec->problem.shape.order,
      .shape = spec->problem.shape.size,
      .kind = spec->problem.target == HTF_TARGET_CP ? HTF_MODEL_CP : HTF_MODEL_HTF,
      .tree = tree,
      .norm = spec->problem.target_norm,
      .train = (int64_t)spec->problem.samples,
      .test = (int64_t)spec->problem.test,
      .noise = spec->problem.noise,
      .seed = (uint64_t)spec->sweep_seed,
      .draw = (uint64_t)spec->problem.seed,
  };
  HTF_TRY(htf_problem_plant(&recipe, problem));
done:
  htf_tree_destroy(&tree);
  return status;
}

static htf_status make_problem(run *r) {
  htf_status status = HTF_OK;
  if (r->spec->problem.file[0] == '\0') {
    HTF_TRY(plant(r->spec, &r->problem));
  } else {
    HTF_CHECK(r->hooks->load != NULL, HTF_E_INTERNAL, "nobody can load %s",
              r->spec->problem.file);
    HTF_TRY(r->hooks->load(r->hooks->context, r->spec, &r->problem));
  }
done:
  return status;
}

static htf_status initialise(run *r) {
  htf_status status = HTF_OK;
  htf_random stream = htf_random_open((uint64_t)r->spec->sweep_seed, HTF_RANDOM_INIT,
                                      (uint64_t)r->spec->init.seed);
  HTF_NEW(r->theta, htf_model_parameters(r->model));
  htf_model_gaussian(r->model, &stream, r->spec->init.std, r->theta);
  if (r->spec->init.kind == HTF_INIT_BALANCED) {
    HTF_TRY(htf_model_balance(r->model, r->theta));
  }
done:
  return status;
}

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
  int64_t n = htf_model_parameters(r->model);
  const double *gradient = htf_objective__gradient(r->objective, y);
  for (int64_t i = 0; i < n; i++) {
    dy[i] = -gradient[i];
  }
  return check_finite(dy, n, "the gradient");
}

static htf_status jacobian(void *context, const double *y, const double *v,
                           double *product) {
  run *r = context;
  int64_t n = htf_model_parameters(r->model);
  htf_objective__product(r->objective, y, v, product);
  for (int64_t i = 0; i < n; i++) {
    product[i] = -product[i];
  }
  return check_finite(product, n, "a Hessian-vector product");
}

static htf_status make_flow(run *r) {
  htf_flow_system system = {.size = htf_model_parameters(r->model),
                            .context = r,
                            .derivative = derivative,
                            .jacobian = jacobian};
  htf_flow_options options = {
      .method = r->spec->flow.method == HTF_METHOD_GD ? HTF_FLOW_GD : HTF_FLOW_BDF,
      .rtol = r->spec->flow.rtol,
      .krylov = r->spec->flow.krylov == HTF_KRYLOV_PCG ? HTF_FLOW_PCG : HTF_FLOW_GMRES,
      .krylov_dimension = (int)r->spec->flow.krylov_dimension,
      .lr = r->spec->flow.lr,
  };
  return htf_flow_create(&system, &options, r->theta, &r->flow);
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
  HTF_TRY(make_problem(r));
  HTF_TRY(htf_run_model(r->spec, &r->model));
  HTF_TRY(initialise(r));
  HTF_TRY(htf_objective__create(r->model, r->problem, htf_loss_l2(), second_order,
                                &r->objective));
  HTF_TRY(htf_probe_create(r->model, r->problem, htf_loss_l2(), &measured, &r->probe));
  HTF_TRY(make_flow(r));
  HTF_TRY(htf_recorder__create(r->spec, r->probe, r->objective,
                               htf_model_parameters(r->model), &r->recorder));
done:
  return status;
}

static void tear_down(run *r) {
  htf_recorder__destroy(&r->recorder);
  htf_flow_destroy(&r->flow);
  htf_probe_destroy(&r->probe);
  htf_objective__destroy(&r->objective);
  HTF_FREE(r->theta);
  htf_model_destroy(&r->model);
  htf_problem_destroy(&r->problem);
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
                           htf_model_parameters(r->model)) <= limit) {
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
  HTF_TRY(htf_recorder__start(r->recorder, r->theta));
  HTF_TRY(judge(r, reason));
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

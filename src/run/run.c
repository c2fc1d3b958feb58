// SPDX-License-Identifier: BSD-3-Clause
// The life of a run: step until something ends it, write the record.
#include "htflow/run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "flight_impl.h"
#include "htflow/clock.h"
#include "htflow/memory.h"

// ---- stepping -------------------------------------------------------------------------

// The loss of predicting zero.
static double zero_loss(const htf_scene *scene) {
  htf_samples train = htf_problem_train(scene->problem);
  const double zero = 0;
  double sum = 0;
  for (int64_t k = 0; k < train.count; k++) {
    sum += htf_loss_value(scene->loss, 1, &zero, &train.values[k]);
  }
  return sum / (double)train.count;
}

// Whether what exact flow keeps is kept. An l1 loss has no gradient where it matters, and
// chatters.
static bool conserves(const htf_flight *r) {
  return htf_flight__follows(r) && r->spec->loss.kind != HTF_LOSS_L1;
}

// Under exact flow the loss falls. A local error of rtol |theta| moves the predictions by
// some rtol of their size, and so sqrt(L) by some rtol sqrt(S), S being the loss of the
// start or of predicting zero. htflow check takes ten of these for too much; a run that is
// off by a hundred has left the flow.
static bool rises(htf_flight *r, double loss) {
  double share = 100 * r->tolerance;
  if (htf_flow_get_counts(r->flow).steps == 0) {
    r->lowest = loss;
    r->scale = fmax(loss, zero_loss(&r->scene));
  }
  double limit = 2 * share * sqrt(r->lowest * r->scale) + share * share * r->scale;
  bool rose = conserves(r) && loss > r->lowest + limit;
  r->lowest = fmin(r->lowest, loss);
  return rose;
}

static bool drifts(htf_flight *r) {
  double most = htf_record_most_drift(r->tolerance, htf_flow_get_counts(r->flow).steps);
  return conserves(r) && htf_probe_drift(r->probe, htf_flow_state(r->flow)) > most;
}

// What ends the run at its present state, HTF_STOP_NONE if nothing does.
static htf_stop_reason due(htf_flight *r) {
  const double *theta = htf_flow_state(r->flow);
  double limit = r->spec->stop.gradient_norm;
  double loss = htf_objective__value(r->objective, theta);
  if (!isfinite(loss)) {
    return HTF_STOP_OVERFLOW;
  }
  if (rises(r, loss)) {
    return HTF_STOP_LOSS_RISE;
  }
  if (drifts(r)) {
    return HTF_STOP_DRIFT;
  }
  if (loss <= r->spec->stop.loss) {
    return HTF_STOP_LOSS;
  }
  if (htf_flow_now(r->flow).high >= r->spec->stop.time) {
    return HTF_STOP_TIME;
  }
  if (limit > 0 && htf_objective__norm(htf_objective__gradient(r->objective, theta),
                                       htf_model_parameters(r->scene.model)) <= limit) {
    return HTF_STOP_GRADIENT;
  }
  if (htf_flow_get_counts(r->flow).steps >= r->spec->stop.steps) {
    return HTF_STOP_STEPS;
  }
  if (htf_flight__wall(r) >= r->spec->stop.wall) {
    return HTF_STOP_WALL;
  }
  return HTF_STOP_NONE;
}

static htf_status judge(htf_flight *r, htf_stop_reason *reason) {
  htf_status status = HTF_OK;
  long long steps = htf_flow_get_counts(r->flow).steps;
  bool rests = false;
  *reason = due(r);
  if (*reason == HTF_STOP_NONE) {
    HTF_TRY(htf_flight__rests(r, &rests));
    *reason = rests ? HTF_STOP_STATIONARY : HTF_STOP_NONE;
  }
  if (*reason == HTF_STOP_OVERFLOW || *reason == HTF_STOP_LOSS_RISE ||
      *reason == HTF_STOP_DRIFT) {
    r->fraction = steps > 0 ? 0 : 1; // the last good state began this step
  }
  HTF_CHECK(*reason != HTF_STOP_OVERFLOW, HTF_E_NUMERIC,
            "the training loss is not finite after %lld steps", steps);
  HTF_CHECK(*reason != HTF_STOP_LOSS_RISE, HTF_E_NUMERIC,
            "the training loss rose to %.9g after %lld steps, from %.9g, at rtol %g",
            htf_objective__value(r->objective, htf_flow_state(r->flow)), steps, r->lowest,
            r->spec->flow.rtol);
  HTF_CHECK(
      *reason != HTF_STOP_DRIFT, HTF_E_NUMERIC,
      "conserved quantities drifted by %.3g of the largest after %lld steps, at rtol %g",
      htf_probe_drift(r->probe, htf_flow_state(r->flow)), steps, r->spec->flow.rtol);
done:
  return status;
}

// log(L / stop.loss) at a fraction of the last step, its root moved to where L is below.
static htf_status read_loss(void *context, double fraction, double *reading) {
  htf_status status = HTF_OK;
  htf_flight *r = context;
  htf_flow_time time;
  double arc, *theta = r->scene.theta;
  HTF_TRY(htf_flow_interpolate(r->flow, fraction, theta, &time, &arc));
  *reading = log(htf_objective__value(r->objective, theta) / r->spec->stop.loss);
  *reading += r->tolerance;
done:
  return status;
}

// The flow passed the loss asked for within the last step, and ends there. A descent knows
// no state between two of its own, nor do losses of 0 or a rising one.
static htf_status end_in_loss(htf_flight *r) {
  htf_status status = HTF_OK;
  htf_flow_bracket step = {.low = 0, .high = 1};
  if (htf_flight__follows(r)) {
    HTF_TRY(read_loss(r, 0, &step.at_low));
    HTF_TRY(read_loss(r, 1, &step.at_high));
    if (step.at_low > 0 && step.at_high < 0 && isfinite(step.at_high)) {
      HTF_TRY(htf_flow_find_root(step, r->tolerance, read_loss, r, &r->fraction));
    }
  }
done:
  return status;
}

// The flow time asked for lies within the last step: the run ends there, unless it has by
// the loss before.
static htf_status end_in_time(htf_flight *r, htf_stop_reason *reason) {
  htf_status status = HTF_OK;
  htf_flow_time end = {r->spec->stop.time, 0};
  double fraction = 1;
  if (htf_flow_time_compare(end, htf_flow_now(r->flow)) <= 0) {
    HTF_TRY(htf_flow_find_time(r->flow, end, &fraction));
    if (*reason == HTF_STOP_TIME || fraction < r->fraction) {
      *reason = HTF_STOP_TIME;
      r->fraction = fraction;
    }
  }
done:
  return status;
}

static htf_status save(htf_flight *r) {
  htf_status status = HTF_OK;
  uint8_t *bytes = NULL;
  size_t count = 0;
  HTF_CHECK(r->hooks->save != NULL, HTF_E_INTERNAL, "nobody takes a checkpoint");
  HTF_TRY(htf_flight__pack(r, &bytes, &count));
  HTF_TRY(r->hooks->save(r->hooks->context, bytes, count));
done:
  HTF_FREE(bytes);
  return status;
}

// What the surroundings want after a step that does not end the run.
static htf_status heed(htf_flight *r) {
  htf_status status = HTF_OK;
  const htf_run_hooks *hooks = r->hooks;
  long long steps = htf_flow_get_counts(r->flow).steps;
  r->outside = true;
  HTF_CHECK(hooks->interrupt == NULL || !hooks->interrupt(hooks->context), HTF_E_STOPPED,
            "interrupted after %lld steps", steps);
  if (hooks->boundary != NULL && htf_flow_at_boundary(r->flow)) {
    htf_run_choice choice = hooks->boundary(hooks->context);
    if (choice != HTF_RUN_GO_ON) {
      HTF_TRY(save(r));
    }
    HTF_CHECK(choice != HTF_RUN_LEAVE, HTF_E_STOPPED, "left after %lld steps", steps);
  }
  r->outside = false;
done:
  return status;
}

static htf_status step(htf_flight *r, htf_stop_reason *reason) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_flow_step(r->flow));
  r->fraction = 1;
  HTF_TRY(judge(r, reason));
  if (*reason == HTF_STOP_LOSS) {
    HTF_TRY(end_in_loss(r));
  }
  HTF_TRY(end_in_time(r, reason));
  HTF_TRY(htf_events__step(r->events, r->flow, r->fraction));
  HTF_TRY(htf_recorder__step(r->recorder, r->flow, r->fraction));
  if (*reason == HTF_STOP_NONE) {
    HTF_TRY(heed(r));
  }
done:
  return status;
}

static htf_status integrate(htf_flight *r, htf_stop_reason *reason) {
  htf_status status = HTF_OK;
  if (r->hooks->resume == NULL) {
    HTF_TRY(judge(r, reason));
    HTF_TRY(htf_recorder__start(r->recorder, r->scene.theta));
    HTF_TRY(htf_events__start(r->events, r->scene.theta));
  }
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

static htf_status conclude(htf_flight *r, htf_stop_reason reason, htf_record *record) {
  htf_status status = HTF_OK;
  htf_flow_counts counts = htf_flow_get_counts(r->flow);
  record->steps = counts.steps;
  record->gradients = counts.derivatives;
  record->jacobian_products = counts.products;
  HTF_TRY(htf_recorder__finish(r->recorder, r->flow, r->fraction, record));
  HTF_TRY(htf_events__finish(r->events, record));
  if (record->state != HTF_RUN_FAILED) {
    record->state = HTF_RUN_DONE;
    record->stop_reason = (int)reason;
  }
done:
  return status;
}

// What ended a run that raised `status`, and had no reason yet.
static htf_stop_reason reason_of(const htf_flight *r, htf_status status) {
  static const htf_stop_reason reasons[] = {
      [HTF_FLOW_NO_FAILURE] = HTF_STOP_ERROR,
      [HTF_FLOW_STEP_SIZE] = HTF_STOP_STEP_SIZE,
      [HTF_FLOW_CONVERGENCE] = HTF_STOP_CONVERGENCE,
      [HTF_FLOW_NOT_FINITE] = HTF_STOP_OVERFLOW,
  };
  bool stepping = status == HTF_E_NUMERIC && r->flow != NULL;
  return stepping ? reasons[htf_flow_get_failure(r->flow)] : HTF_STOP_ERROR;
}

// A failure of the machine, not of the run.
static bool fatal(const htf_flight *r, htf_status status) {
  return status == HTF_E_MEMORY || r->outside;
}

htf_status htf_run_execute(const htf_spec *spec, const htf_run_hooks *hooks,
                           htf_record *record) {
  htf_flight r = {.spec = spec,
                  .hooks = hooks,
                  .begun = htf_clock_now(),
                  .begun_cpu = htf_clock_cpu(),
                  .started = htf_clock_date(),
                  .fraction = 1};
  htf_stop_reason reason = HTF_STOP_NONE;
  htf_status status = htf_flight__set_up(&r);
  if (status == HTF_OK) {
    status = integrate(&r, &reason);
  }
  if (status != HTF_OK && !fatal(&r, status)) {
    if (reason == HTF_STOP_NONE) {
      reason = reason_of(&r, status);
    }
    fail(record, reason);
    status = HTF_OK;
  }
  if (status == HTF_OK && r.flow != NULL) {
    status = conclude(&r, reason, record);
  }
  htf_flight__tear_down(&r);
  if (status != HTF_OK) {
    htf_record_clear(record);
    return status;
  }
  record->identity = r.identity;
  memcpy(record->tree, spec->model.tree.newick, sizeof record->tree);
  gethostname(record->timing.host, sizeof record->timing.host - 1);
  record->timing.started = r.started;
  record->timing.wall = htf_flight__wall(&r);
  record->timing.cpu = htf_flight__cpu(&r);
  return HTF_OK;
}

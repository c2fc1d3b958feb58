// SPDX-License-Identifier: BSD-3-Clause
// Keys that cannot go together, whichever axes they are on. A key that another one makes
// meaningless is no error, so that it can stand beside an axis; what would be a run other
// than the one asked for, is.
#include <math.h>

#include "plan_impl.h"

// Measurements that the run draws itself, not those of a file.
static bool draws_measurements(const htf_plan *plan, const htf_spec *spec) {
  return htf_plan__task(plan, spec) == HTF_TASK_SENSING &&
         htf_plan__lists(plan, spec) == NULL;
}

static htf_status check_samples(htf_plan__check *c) {
  htf_status status = HTF_OK;
  double samples = c->spec->problem.samples;
  HTF_CHECK(htf_plan__task(c->plan, c->spec) != HTF_TASK_FULL || isnan(samples),
            HTF_E_CONFIG,
            "problem.samples has no meaning with problem.task full, which trains on every "
            "entry once");
  HTF_CHECK(!draws_measurements(c->plan, c->spec) || !(0 < samples && samples < 1),
            HTF_E_CONFIG,
            "problem.samples is %.15g, a fraction of what? sensing draws any number of "
            "measurements: give a count",
            samples);
done:
  return status;
}

static htf_status check_test(htf_plan__check *c) {
  htf_status status = HTF_OK;
  double test = c->spec->problem.test;
  HTF_CHECK(!draws_measurements(c->plan, c->spec) || !(0 < test && test < 1), HTF_E_CONFIG,
            "problem.test is %.15g, a fraction of what? sensing draws any number of "
            "measurements: give a count",
            test);
done:
  return status;
}

static htf_status check_needless_weights(htf_plan__check *c) {
  htf_status status = HTF_OK;
  HTF_CHECK(c->spec->init.file[0] == '\0' || c->spec->init.kind == HTF_INIT_FILE,
            HTF_E_CONFIG,
            "init.file has no meaning without init.kind file; on an axis both go together: "
            "{key: init, values: [{kind: file, file: ..}, ..]}");
done:
  return status;
}

static htf_status check_missing_weights(htf_plan__check *c) {
  htf_status status = HTF_OK;
  HTF_CHECK(c->spec->init.file[0] != '\0' || c->spec->init.kind != HTF_INIT_FILE,
            HTF_E_CONFIG, "init.kind file wants init.file, the weights to start from");
done:
  return status;
}

static htf_status check_kinks(htf_plan__check *c) {
  htf_status status = HTF_OK;
  int method = c->spec->flow.method;
  bool smooth = method == HTF_METHOD_BDF || method == HTF_METHOD_ADAMS;
  HTF_CHECK(
      c->spec->loss.kind != HTF_LOSS_L1 || !smooth, HTF_E_CONFIG,
      "loss.kind l1 does not go with flow.method %s: its gradient jumps where an error "
      "is zero, and an implicit or multistep method cannot follow it; take huber, or "
      "erk or a descent",
      method == HTF_METHOD_BDF ? "bdf" : "adams");
done:
  return status;
}

static htf_status check_every(htf_plan__check *c) {
  htf_status status = HTF_OK;
  static const char *const flows[] = {
      [HTF_METHOD_BDF] = "bdf", [HTF_METHOD_ADAMS] = "adams", [HTF_METHOD_ERK] = "erk"};
  int method = c->spec->flow.method;
  bool flow =
      method == HTF_METHOD_BDF || method == HTF_METHOD_ADAMS || method == HTF_METHOD_ERK;
  HTF_CHECK(
      c->spec->record.every == 0 || !flow, HTF_E_CONFIG,
      "record.every counts the steps of a descent, which all have one length; those of "
      "flow.method %s do not: take record.points and record.spacing",
      flows[method]);
done:
  return status;
}

htf_status htf_plan__check_rules(htf_plan__check *c) {
  static const struct {
    htf_plan__visit *visit;
    const char *keys[4]; // the first that is given is to blame
  } rules[] = {
      {check_samples, {"problem.samples", "problem.task", "problem.file"}},
      {check_test, {"problem.test", "problem.task", "problem.file"}},
      {check_needless_weights, {"init.file", "init.kind"}},
      {check_missing_weights, {"init.kind", "init.file"}},
      {check_kinks, {"loss.kind", "flow.method"}},
      {check_every, {"record.every", "flow.method"}},
  };
  htf_status status = HTF_OK;
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    HTF_TRY(htf_plan__each(c, rules[i].keys, rules[i].visit));
  }
done:
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
// Runs that cannot go on: why, and what is left of them.
#include <stdint.h>

#include "run_test.h"

static void expect_failure(const htf_record *record, htf_stop_reason reason,
                           const char *text) {
  cr_assert(eq(int, record->state, HTF_RUN_FAILED));
  cr_assert(eq(int, record->stop_reason, reason), "%s: %s",
            htf_stop_reason_text(record->stop_reason), record->message);
  cr_assert(strstr(record->message, text) != NULL, "%s", record->message);
}

// The last good state: its loss, and its weights.
static void expect_state(const htf_record *record) {
  cr_assert(isfinite(record->final_train_loss));
  cr_assert(ge(i64, record->samples, 1));
  cr_assert(lt(i64, 0, record->weight_count));
  for (int64_t i = 0; i < record->weight_count; i++) {
    cr_assert(isfinite(record->weights[i]));
  }
}

// One training sample, whose hooks may change it under the run.
typedef struct sample {
  double value;
  double *held; // the problem's own
  int64_t calls, when;
  double then;
} sample;

static htf_status load(void *context, const htf_spec *spec, htf_problem **problem) {
  static const int64_t indices[] = {0, 0, 0};
  sample *s = context;
  htf_samples train = {.count = 1, .indices = indices, .values = &s->value};
  htf_status status = htf_problem_create(3, spec->problem.shape.size, train,
                                         (htf_samples){0}, NULL, problem);
  s->held = (double *)(uintptr_t)htf_problem_train(*problem).values;
  return status;
}

static bool change(void *context) {
  sample *s = context;
  if (++s->calls == s->when) {
    *s->held = s->then;
  }
  return false;
}

static htf_record run_sample(htf_spec *spec, sample *s) {
  htf_run_hooks hooks = {.load = load, .interrupt = change, .context = s};
  htf_record record;
  htf_record_init(&record);
  set(spec, "problem.file", "made.h5");
  set(spec, "stop.loss", "0");
  set(spec, "init.std", "0.5");
  cr_assert(eq(int, htf_run_execute(spec, &hooks, &record), HTF_OK));
  return record;
}

Test(failure, a_descent_that_overflows_keeps_the_state_before) {
  htf_spec spec = small_spec();
  set(&spec, "flow.method", "gd");
  set(&spec, "flow.lr", "1e3");
  set(&spec, "init.std", "1");
  htf_record record = run_spec(&spec);
  expect_failure(&record, HTF_STOP_OVERFLOW, "not finite");
  expect_state(&record);
  const double *loss = column(&record, "train_loss");
  cr_assert(eq(dbl, record.final_train_loss, loss[record.samples - 1]));
  htf_record_clear(&record);
}

Test(failure, a_loss_beyond_a_double_at_the_start_leaves_no_sample) {
  htf_spec spec = small_spec();
  set(&spec, "init.std", "1e90");
  htf_record record = run_spec(&spec);
  expect_failure(&record, HTF_STOP_OVERFLOW, "not finite after 0 steps");
  cr_assert(eq(i64, record.samples, 0));
  htf_record_clear(&record);
}

// The data become another problem's, far away: the loss jumps.
Test(failure, a_loss_that_rises_under_the_flow_ends_the_run_before_it) {
  const char *methods[] = {"bdf", "adams", "erk"};
  for (int m = 0; m < 3; m++) {
    htf_spec spec = small_spec();
    sample s = {.value = 1, .when = 30, .then = -50};
    set(&spec, "flow.method", methods[m]);
    htf_record record = run_sample(&spec, &s);
    expect_failure(&record, HTF_STOP_LOSS_RISE, "the training loss rose to");
    expect_state(&record);
    cr_assert(eq(i64, record.steps, 31));
    htf_record_clear(&record);
  }
}

// Steps as long as stability allows, by a pair of low order at a coarse tolerance: what is
// conserved drifts, and the loss tells nothing of it.
Test(failure, a_flow_that_does_not_conserve_ends_before_it_is_another) {
  for (int seed = 0; seed < 4; seed++) {
    htf_spec spec = drifting_spec("0.1");
    spec.init.seed = seed;
    htf_record record = run_spec(&spec);
    expect_failure(&record, HTF_STOP_DRIFT, "conserved quantities drifted by 0.");
    expect_state(&record);
    const double *drift = column(&record, "unbalancedness_drift");
    cr_assert(eq(dbl, record.unbalancedness_drift, drift[record.samples - 1]));
    cr_assert(le(dbl, record.unbalancedness_drift, 0.75)); // of the last good state
    cr_assert(le(dbl, 0.5, record.unbalancedness_drift));
    cr_assert(lt(dbl, record.final_train_loss, column(&record, "train_loss")[0]));
    htf_record_clear(&record);
  }
}

// A descent follows no flow; an l1 loss chatters.
Test(failure, what_is_not_conserved_may_drift) {
  const struct {
    const char *key, *value;
    double drift; // at least; where a flow would end it is 0.75 at rtol 0.1, 5e-6 at 1e-9
  } changes[] = {{"flow.method", "gd", 0.01}, {"loss.kind", "l1", 0.75}};
  for (int c = 0; c < 2; c++) {
    htf_spec spec = drifting_spec("0.1");
    set(&spec, "flow.lr", "0.5");
    set(&spec, changes[c].key, changes[c].value);
    htf_record record = run_spec(&spec);
    cr_assert(eq(int, record.stop_reason, HTF_STOP_STEPS), "%s", record.message);
    cr_assert(lt(dbl, changes[c].drift, record.unbalancedness_drift));
    htf_record_clear(&record);
  }
}

// From step 30 on nothing can be evaluated: every step is refused, however short.
Test(failure, a_flow_that_meets_values_not_finite_says_overflow) {
  const char *methods[] = {"bdf", "adams", "erk"};
  for (int m = 0; m < 3; m++) {
    htf_spec spec = small_spec();
    sample s = {.value = 1, .when = 30, .then = NAN};
    set(&spec, "flow.method", methods[m]);
    htf_record record = run_sample(&spec, &s);
    expect_failure(&record, HTF_STOP_OVERFLOW, "finite");
    cr_assert(eq(i64, record.steps, 30));
    cr_assert(eq(i64, record.weight_count > 0, 1));
    htf_record_clear(&record);
  }
}

// Data of 1e30 move the weights within times of 1e-30 and less, those of 1e42 below the
// shortest of steps.
Test(failure, a_flow_that_finds_no_step_says_whether_by_error_or_by_solves) {
  const struct {
    const char *method;
    double value;
    htf_stop_reason reason;
  } cases[] = {{"bdf", 1e30, HTF_STOP_STEP_SIZE},
               {"erk", 1e30, HTF_STOP_STEP_SIZE},
               {"bdf", 1e42, HTF_STOP_CONVERGENCE},
               {"adams", 1e30, HTF_STOP_CONVERGENCE}};
  for (int m = 0; m < 4; m++) {
    htf_spec spec = small_spec();
    sample s = {.value = cases[m].value};
    set(&spec, "flow.method", cases[m].method);
    htf_record record = run_sample(&spec, &s);
    expect_failure(&record, cases[m].reason, "no step from time");
    expect_state(&record);
    cr_assert(m > 1 || record.steps > 50);
    htf_record_clear(&record);
  }
}

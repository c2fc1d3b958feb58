// SPDX-License-Identifier: BSD-3-Clause
// Predictions corrected by runs that are done.
#include <math.h>
#include <string.h>

#include "cli_impl.h"
#include "htflow/journal.h"
#include "htflow/memory.h"
#include "predict_impl.h"

enum { MOST_READ = 2000, VALUES = 64, PASSES = 8 };

// Finished runs that were read: their number, and the logarithm of real over predicted
// seconds. Effects are sums over axes of a number for the run's value there; an axis of
// more values than VALUES has none.
typedef struct evidence {
  const htf_plan *plan;
  const double *seconds; // predicted, by run
  bool *done;            // by run
  htf_archive *archive;
  int64_t finished, every; // of the finished runs, each so many is read
  int count, room;
  int64_t *run;
  double *ratio, mean;
  int axes;
  double *effect; // [axes, VALUES]
} evidence;

static htf_status look_up(void *context, int64_t run, const htf_spec *spec,
                          const htf_digest *identity) {
  evidence *e = context;
  (void)spec;
  e->done[run] = htf_archive_state(e->archive, identity) != HTF_RUN_PENDING;
  e->finished += e->done[run];
  return HTF_OK;
}

static htf_status read_run(evidence *e, int64_t run) {
  htf_status status = HTF_OK;
  htf_record record;
  htf_spec *spec = NULL;
  htf_digest identity;
  htf_record_init(&record);
  HTF_NEW(spec, 1);
  HTF_TRY(htf_plan_spec(e->plan, run, spec));
  HTF_TRY(htf_spec_identity(spec, &identity));
  HTF_TRY(htf_archive_get(e->archive, &identity, &record));
  if (record.state == HTF_RUN_DONE && record.timing.cpu > 0 && e->seconds[run] > 0) {
    e->run[e->count] = run;
    e->ratio[e->count++] = log(record.timing.cpu / e->seconds[run]);
  }
done:
  htf_record_clear(&record);
  HTF_FREE(spec);
  return status;
}

static htf_status read_some(evidence *e) {
  htf_status status = HTF_OK;
  int64_t met = 0, step = e->finished / MOST_READ + 1;
  HTF_NEW(e->run, MOST_READ + 1);
  HTF_NEW(e->ratio, MOST_READ + 1);
  for (int64_t run = 0; run < htf_plan_runs(e->plan) && e->count < MOST_READ; run++) {
    if (e->done[run] && met++ % step == 0) {
      HTF_TRY(read_run(e, run));
    }
  }
done:
  return status;
}

// The effect of an axis at a run; NULL where it has none.
static double *effect_at(const evidence *e, int axis, int64_t run) {
  int64_t value = htf_plan_axis_at(e->plan, axis, run);
  bool has = value >= 0 && htf_plan_axis_count(e->plan, axis) <= VALUES;
  return has ? &e->effect[axis * VALUES + value] : NULL;
}

static double predict(const evidence *e, int64_t run) {
  double sum = e->mean;
  for (int axis = 0; axis < e->axes; axis++) {
    const double *effect = effect_at(e, axis, run);
    sum += effect != NULL ? *effect : 0;
  }
  return sum;
}

// The effects of one axis, the others being held: means of what is left over, as if one
// more run had left nothing.
static void fit_axis(evidence *e, int axis) {
  double sum[VALUES] = {0};
  int met[VALUES] = {0};
  for (int i = 0; i < e->count; i++) {
    double *effect = effect_at(e, axis, e->run[i]);
    if (effect != NULL) {
      int64_t value = effect - &e->effect[axis * VALUES];
      sum[value] += e->ratio[i] - predict(e, e->run[i]) + *effect;
      met[value]++;
    }
  }
  for (int value = 0; value < VALUES; value++) {
    e->effect[axis * VALUES + value] = sum[value] / (met[value] + 1);
  }
}

static htf_status fit(evidence *e) {
  htf_status status = HTF_OK;
  e->axes = htf_plan_axes(e->plan);
  HTF_NEW(e->effect, e->axes * VALUES);
  for (int i = 0; i < e->count; i++) {
    e->mean += e->ratio[i] / e->count;
  }
  for (int pass = 0; pass < PASSES; pass++) {
    for (int axis = 0; axis < e->axes; axis++) {
      fit_axis(e, axis);
    }
  }
done:
  return status;
}

htf_status htf_cli__correct(const htf_plan *plan, const char *directory, bool *done,
                            double *seconds, htf_cli_prediction *p) {
  htf_status status = HTF_OK;
  evidence e = {.plan = plan, .seconds = seconds, .done = done};
  HTF_TRY(htf_archive_open(directory, &e.archive));
  HTF_TRY(htf_cli__identities(plan, look_up, &e));
  p->finished = e.finished;
  HTF_TRY(read_some(&e));
  if (e.count > 0) {
    HTF_TRY(fit(&e));
    p->correction = exp(e.mean);
    for (int64_t run = 0; run < htf_plan_runs(plan); run++) {
      seconds[run] *= exp(predict(&e, run));
    }
  }
done:
  HTF_FREE(e.run);
  HTF_FREE(e.ratio);
  HTF_FREE(e.effect);
  htf_archive_close(&e.archive);
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
#include "progress_impl.h"

#include <float.h>
#include <math.h>

#include "htflow/memory.h"
#include "tops_impl.h"

struct htf_progress {
  const htf_spec *spec;
  const htf_model *model;
  htf_objective *objective;
  htf_spacing spacing;
  int64_t parameters;
  double *theta;     // the scene's, inside a step
  double s, before;  // at the end of the step just made, at its beginning
  double first_end;  // log: end of the first step, the unit of time
  double first_loss; // loss: at the start
  // growth
  htf_tops *tops;
  double *lift, *lift_before; // [size], at the end of the step, at its beginning
  double *floor;              // [size], log of the largest norm of the node at the start
  double norm;                // of theta at the beginning of the step
};

// ---- life -----------------------------------------------------------------------------

static htf_status prepare_growth(htf_progress *p) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_tops__create(p->spec, p->model, &p->tops));
  HTF_NEW(p->lift, htf_tops__size(p->tops));
  HTF_NEW(p->lift_before, htf_tops__size(p->tops));
  HTF_NEW(p->floor, htf_tops__size(p->tops));
done:
  return status;
}

htf_status htf_progress__create(const htf_spec *spec, const htf_scene *scene,
                                htf_objective *objective, htf_progress **out) {
  htf_status status = HTF_OK;
  htf_progress *p = NULL;
  HTF_NEW(p, 1);
  p->spec = spec;
  p->model = scene->model;
  p->theta = scene->theta;
  p->objective = objective;
  p->parameters = htf_model_parameters(scene->model);
  p->spacing =
      spec->record.every > 0 ? HTF_SPACING_STEP : (htf_spacing)spec->record.spacing;
  if (p->spacing == HTF_SPACING_GROWTH) {
    HTF_TRY(prepare_growth(p));
  }
  *out = p;
  p = NULL;
done:
  htf_progress__destroy(&p);
  return status;
}

void htf_progress__destroy(htf_progress **out) {
  htf_progress *p = *out;
  if (p != NULL) {
    htf_tops__destroy(&p->tops);
    HTF_FREE(p->lift);
    HTF_FREE(p->lift_before);
    HTF_FREE(p->floor);
    HTF_FREE(*out);
  }
}

// ---- growth ---------------------------------------------------------------------------

// lift = log(1 + sigma / floor), of the largest components.
static void measure_lift(htf_progress *p, const double *theta) {
  const double *top = htf_tops__measure(p->tops, theta);
  for (int64_t i = 0; i < htf_tops__size(p->tops); i++) {
    double above = top[i] - p->floor[i];
    p->lift[i] = above > 0 ? above + log1p(exp(-above)) : log1p(exp(above));
  }
}

static void start_growth(htf_progress *p, const double *theta) {
  const double *top = htf_tops__measure(p->tops, theta);
  int components = htf_tops__count(p->tops);
  for (int64_t i = 0; i < htf_tops__size(p->tops); i++) {
    p->floor[i] = fmax(top[i - i % components], log(DBL_MIN));
  }
  measure_lift(p, theta);
}

// What s gains from the beginning of the step to a state in it at this distance.
static double gain(htf_progress *p, const double *theta, double way) {
  double most = 0;
  measure_lift(p, theta);
  for (int64_t i = 0; i < htf_tops__size(p->tops); i++) {
    most = fmax(most, p->lift[i] - p->lift_before[i]);
  }
  return most + (p->norm > 0 ? way / p->norm : way);
}

static htf_status step_growth(htf_progress *p, htf_flow *flow) {
  htf_status status = HTF_OK;
  htf_flow_time time;
  double begun, *kept = p->lift_before;
  HTF_TRY(htf_flow_interpolate(flow, 0, p->theta, &time, &begun));
  p->norm = htf_objective__norm(p->theta, p->parameters);
  p->lift_before = p->lift;
  p->lift = kept;
  p->s += gain(p, htf_flow_state(flow), htf_flow_arc(flow) - begun);
done:
  return status;
}

// ---- inside a step --------------------------------------------------------------------

typedef struct look {
  htf_progress *progress;
  htf_flow *flow;
  double target, begun;
} look;

static htf_status read_growth(void *context, double fraction, double *value) {
  htf_status status = HTF_OK;
  look *l = context;
  htf_progress *p = l->progress;
  htf_flow_time time;
  double arc;
  HTF_TRY(htf_flow_interpolate(l->flow, fraction, p->theta, &time, &arc));
  *value = p->before + gain(p, p->theta, arc - l->begun) - l->target;
done:
  return status;
}

static htf_status read_loss(void *context, double fraction, double *value) {
  htf_status status = HTF_OK;
  look *l = context;
  htf_progress *p = l->progress;
  htf_flow_time time;
  double arc;
  HTF_TRY(htf_flow_interpolate(l->flow, fraction, p->theta, &time, &arc));
  *value = log(p->first_loss / htf_objective__value(p->objective, p->theta)) - l->target;
done:
  return status;
}

// A thousandth of the distance of two samples is near enough.
static htf_status search(htf_progress *p, htf_flow *flow, double s, htf_flow_scalar *read,
                         double *fraction) {
  htf_status status = HTF_OK;
  look l = {.progress = p, .flow = flow, .target = s};
  htf_flow_bracket step = {.low = 0, .high = 1};
  htf_flow_time time;
  HTF_TRY(htf_flow_interpolate(flow, 0, p->theta, &time, &l.begun));
  HTF_TRY(read(&l, 0, &step.at_low));
  HTF_TRY(read(&l, 1, &step.at_high));
  *fraction = step.at_low >= 0 ? 0 : 1;
  if (step.at_low < 0 && step.at_high > 0) {
    HTF_TRY(htf_flow_find_root(step, 1e-9, read, &l, fraction));
  }
  if (p->spacing == HTF_SPACING_GROWTH) {
    measure_lift(p, htf_flow_state(flow));
  }
done:
  return status;
}

static htf_status find_log_time(const htf_progress *p, htf_flow *flow, double s,
                                double *fraction) {
  htf_flow_time time = {p->first_end * expm1(s * M_LN2), 0};
  if (htf_flow_time_compare(time, htf_flow_now(flow)) > 0) {
    time = htf_flow_now(flow); // rounding of the logarithm at the step's very end
  }
  return htf_flow_find_time(flow, time, fraction);
}

// ---- verbs ----------------------------------------------------------------------------

double htf_progress__start(htf_progress *p, const double *theta) {
  double size = htf_objective__norm(theta, p->parameters);
  p->first_loss = htf_objective__value(p->objective, theta);
  switch (p->spacing) {
  case HTF_SPACING_ARC:
    return size > 0 ? size / 64 : 1.0 / 64; // a start of zeros has no scale of its own
  case HTF_SPACING_LOG:
    return 0.125;
  case HTF_SPACING_LOSS:
    return 1.0 / 64;
  case HTF_SPACING_GROWTH:
    start_growth(p, theta);
    return 1.0 / 32;
  default:
    return p->spec->record.every > 0 ? (double)p->spec->record.every : 1;
  }
}

htf_status htf_progress__step(htf_progress *p, htf_flow *flow, double *s) {
  htf_status status = HTF_OK;
  p->before = p->s;
  if (p->first_end == 0) {
    p->first_end = htf_flow_now(flow).high;
  }
  switch (p->spacing) {
  case HTF_SPACING_ARC:
    p->s = htf_flow_arc(flow);
    break;
  case HTF_SPACING_LOG:
    p->s = log2(1 + htf_flow_now(flow).high / p->first_end);
    break;
  case HTF_SPACING_LOSS: {
    double loss = htf_objective__value(p->objective, htf_flow_state(flow));
    p->s = fmax(p->s, log(p->first_loss / loss));
    break;
  }
  case HTF_SPACING_GROWTH:
    HTF_TRY(step_growth(p, flow));
    break;
  default:
    p->s = (double)htf_flow_get_counts(flow).steps;
  }
  *s = p->s;
done:
  return status;
}

htf_status htf_progress__locate(htf_progress *p, htf_flow *flow, double s,
                                double *fraction) {
  switch (p->spacing) {
  case HTF_SPACING_ARC:
    return htf_flow_find_arc(flow, s, p->theta, fraction);
  case HTF_SPACING_LOG:
    return find_log_time(p, flow, s, fraction);
  case HTF_SPACING_LOSS:
    return search(p, flow, s, read_loss, fraction);
  case HTF_SPACING_GROWTH:
    return search(p, flow, s, read_growth, fraction);
  default:
    *fraction = 1;
    return HTF_OK;
  }
}

htf_status htf_progress__visit(htf_progress *p, htf_bytes *bytes) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_bytes_real(bytes, &p->s));
  HTF_TRY(htf_bytes_real(bytes, &p->first_end));
  HTF_TRY(htf_bytes_real(bytes, &p->first_loss));
  if (p->spacing == HTF_SPACING_GROWTH) {
    HTF_TRY(htf_bytes_reals(bytes, htf_tops__size(p->tops), p->lift));
    HTF_TRY(htf_bytes_reals(bytes, htf_tops__size(p->tops), p->floor));
  }
done:
  return status;
}

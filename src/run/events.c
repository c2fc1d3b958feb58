// SPDX-License-Identifier: BSD-3-Clause
#include "events_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "htflow/memory.h"

// Of each watch the first so many crossings are kept: a descent may oscillate about a level
// for ever.
enum { MOST = 32 };
// The slope of a plateau is looked at where its mean over the step is within this factor of
// the level, or on the other side of it than it was.
static const double NEAR = 4;

struct htf_events {
  htf_objective *objective;
  htf_watched *watched;
  htf_watch *watch; // [watches], of `watched`
  int watches;
  int64_t parameters;
  double tolerance;
  double *theta; // the scene's, inside a step
  double *after; // [watches], log(quantity / level) at the end of the step
  htf_event *event;
  int64_t count, capacity;
  int64_t interior, components; // [interior, components] activations each:
  double *time, *time_low, *arc;
  double last_loss, last_arc; // at the end of the last step
};

// ---- life -----------------------------------------------------------------------------

static htf_status make_activations(htf_events *e) {
  htf_status status = HTF_OK;
  int64_t size = e->interior * e->components;
  HTF_NEW(e->time, size);
  HTF_NEW(e->time_low, size);
  HTF_NEW(e->arc, size);
  for (int64_t i = 0; i < size; i++) {
    e->time[i] = e->time_low[i] = e->arc[i] = NAN;
  }
done:
  return status;
}

htf_status htf_events__create(const htf_spec *spec, const htf_scene *scene,
                              htf_objective *objective, double tolerance,
                              htf_events **out) {
  htf_status status = HTF_OK;
  htf_events *e = NULL;
  const htf_tree *tree = htf_model_tree(scene->model);
  HTF_NEW(e, 1);
  e->objective = objective;
  e->parameters = htf_model_parameters(scene->model);
  e->theta = scene->theta;
  e->tolerance = tolerance;
  e->interior = htf_tree_nodes(tree) - htf_tree_order(tree);
  HTF_TRY(htf_watch__create(spec, scene->model, scene->problem, objective, &e->watched));
  e->components = spec->events.component.count > 0 ? htf_watch__components(e->watched) : 0;
  e->watch = htf_watch__list(e->watched, &e->watches);
  HTF_NEW(e->after, e->watches);
  HTF_TRY(make_activations(e));
  *out = e;
  e = NULL;
done:
  htf_events__destroy(&e);
  return status;
}

void htf_events__destroy(htf_events **out) {
  htf_events *e = *out;
  if (e != NULL) {
    htf_watch__destroy(&e->watched);
    HTF_FREE(e->after);
    HTF_FREE(e->event);
    HTF_FREE(e->time);
    HTF_FREE(e->time_low);
    HTF_FREE(e->arc);
    HTF_FREE(*out);
  }
}

// ---- one event ------------------------------------------------------------------------

static double index_of(int i) {
  return i < 0 ? NAN : i;
}

// A component is active from its first rise above any level. Within a step they are met in
// any order.
static void activate(htf_events *e, const htf_watch *w, htf_flow_time time, double arc) {
  int64_t i = w->node * e->components + w->component;
  if (isnan(e->time[i]) || arc < e->arc[i]) {
    e->time[i] = time.high;
    e->time_low[i] = time.low;
    e->arc[i] = arc;
  }
}

// The state at which it happens is `theta`.
static htf_status add(htf_events *e, htf_watch *w, bool rises, double reading,
                      const double *theta, htf_flow_time time, double arc, int64_t step) {
  htf_status status = HTF_OK;
  if (e->count == e->capacity) {
    HTF_RESIZE(e->event, 2 * e->capacity + 16);
    e->capacity = 2 * e->capacity + 16;
  }
  e->event[e->count++] = (htf_event){
      .kind = rises ? w->up : w->down,
      .time = time.high,
      .time_low = time.low,
      .arc_length = arc,
      .step = (double)step,
      .node = index_of(w->node),
      .partition = index_of(w->partition),
      .component = index_of(w->component),
      .level = w->level,
      .value = w->level * exp(reading),
      .train_loss = htf_objective__value(e->objective, theta),
  };
  w->found++;
  if (w->group == HTF_WATCH_COMPONENT && rises) {
    activate(e, w, time, arc);
  }
done:
  return status;
}

// ---- inside a step --------------------------------------------------------------------

typedef struct look {
  htf_events *events;
  const htf_watch *watch;
  htf_flow *flow;
  htf_flow_time time;
  double arc;
} look;

// The watch's reading a fraction into the step; the state is left in events->theta.
static htf_status read_at(void *context, double fraction, double *reading) {
  htf_status status = HTF_OK;
  look *l = context;
  htf_events *e = l->events;
  HTF_TRY(htf_flow_interpolate(l->flow, fraction, e->theta, &l->time, &l->arc));
  HTF_TRY(htf_watch__measure(e->watched, l->watch->group, e->theta));
  *reading = htf_watch__read(e->watched, l->watch);
done:
  return status;
}

// Where in the step a reading that was `before` at its beginning becomes `after`. One whose
// sign had changed already, unseen, changed it at the beginning.
static htf_status find(look *l, double before, double after, double *fraction) {
  htf_status status = HTF_OK;
  htf_flow_bracket bracket = {0, 1, before, after};
  *fraction = 0;
  if (l->watch->group == HTF_WATCH_PLATEAU) {
    HTF_TRY(read_at(l, 0, &bracket.at_low)); // `before` is of some earlier step
  }
  if ((bracket.at_low > 0) != (after > 0)) {
    HTF_TRY(htf_flow_find_root(bracket, l->events->tolerance, read_at, l, fraction));
  }
done:
  return status;
}

static htf_status cross(htf_events *e, htf_watch *w, htf_flow *flow, double after,
                        double limit) {
  htf_status status = HTF_OK;
  look l = {.events = e, .watch = w, .flow = flow};
  double fraction, reading;
  HTF_TRY(find(&l, w->before, after, &fraction));
  if (fraction <= limit && w->found < MOST) {
    int64_t steps = htf_flow_get_counts(flow).steps;
    HTF_TRY(read_at(&l, fraction, &reading));
    HTF_TRY(add(e, w, after > 0, reading, e->theta, l.time, l.arc,
                fraction < 1 ? steps - 1 : steps));
  }
done:
  return status;
}

// ---- the end of a step ----------------------------------------------------------------

// |theta| times the mean slope of log L over the step just made.
static bool slope_is_near(const htf_events *e, const htf_watch *w, const htf_flow *flow,
                          double loss) {
  const double *theta = htf_flow_state(flow);
  double sum = 0, way = htf_flow_arc(flow) - e->last_arc;
  for (int64_t i = 0; i < e->parameters; i++) {
    sum += theta[i] * theta[i];
  }
  double slope = fabs(log(loss / e->last_loss)) / way * sqrt(sum) / w->level;
  bool near = slope > 1 / NEAR && slope < NEAR;
  return isfinite(slope) && (near || (slope > 1) != (w->before > 0));
}

// The readings at the end of the step into `after`. A plateau's slope is taken as before
// where it cannot have changed sides.
static htf_status read_all(htf_events *e, const htf_flow *flow, double loss) {
  htf_status status = HTF_OK;
  bool measured[HTF_WATCH_GROUPS] = {false};
  for (int i = 0; i < e->watches; i++) {
    const htf_watch *w = &e->watch[i];
    e->after[i] = w->before;
    if (w->group == HTF_WATCH_PLATEAU && !slope_is_near(e, w, flow, loss)) {
      continue;
    }
    if (!measured[w->group]) {
      HTF_TRY(htf_watch__measure(e->watched, w->group, htf_flow_state(flow)));
      measured[w->group] = true;
    }
    e->after[i] = htf_watch__read(e->watched, w);
  }
done:
  return status;
}

static int by_time(const void *left, const void *right) {
  const htf_event *a = left, *b = right;
  int order = (a->arc_length > b->arc_length) - (a->arc_length < b->arc_length);
  return order != 0 ? order : (a->level > b->level) - (a->level < b->level);
}

htf_status htf_events__step(htf_events *e, htf_flow *flow, double limit) {
  htf_status status = HTF_OK;
  int64_t first = e->count;
  double loss = htf_objective__value(e->objective, htf_flow_state(flow));
  HTF_TRY(read_all(e, flow, loss));
  for (int i = 0; i < e->watches; i++) {
    htf_watch *w = &e->watch[i];
    if ((e->after[i] > 0) != (w->before > 0)) {
      HTF_TRY(cross(e, w, flow, e->after[i], limit));
    }
    w->before = e->after[i];
  }
  e->last_loss = loss;
  e->last_arc = htf_flow_arc(flow);
  if (e->count > first) {
    qsort(e->event + first, (size_t)(e->count - first), sizeof *e->event, by_time);
  }
done:
  return status;
}

// What is above its level from the start is active from there; a run may begin on a
// plateau.
htf_status htf_events__start(htf_events *e, const double *theta) {
  htf_status status = HTF_OK;
  const htf_flow_time zero = {0, 0};
  e->last_loss = htf_objective__value(e->objective, theta);
  for (int i = 0; i < e->watches; i++) {
    htf_watch *w = &e->watch[i];
    if (i == 0 || w->group != e->watch[i - 1].group) {
      HTF_TRY(htf_watch__measure(e->watched, w->group, theta));
    }
    w->before = htf_watch__read(e->watched, w);
    if (w->group == HTF_WATCH_COMPONENT && w->before > 0) {
      activate(e, w, zero, 0);
    }
    if (w->group == HTF_WATCH_PLATEAU && w->before <= 0) {
      HTF_TRY(add(e, w, false, w->before, theta, zero, 0, 0));
    }
  }
done:
  return status;
}

// ---- bytes and columns ----------------------------------------------------------------

static htf_status visit_list(htf_events *e, htf_bytes *bytes) {
  htf_status status = HTF_OK;
  int64_t most = (int64_t)MOST * e->watches;
  HTF_TRY(htf_bytes_bounded(bytes, 0, most, &e->count));
  if (e->count > e->capacity) {
    HTF_RESIZE(e->event, e->count);
    e->capacity = e->count;
  }
  HTF_TRY(htf_bytes_raw(bytes, e->event, (size_t)e->count * sizeof *e->event));
done:
  return status;
}

htf_status htf_events__visit(htf_events *e, htf_bytes *bytes) {
  htf_status status = HTF_OK;
  int64_t size = e->interior * e->components;
  HTF_TRY(visit_list(e, bytes));
  for (int i = 0; i < e->watches; i++) {
    HTF_TRY(htf_bytes_real(bytes, &e->watch[i].before));
    HTF_TRY(htf_bytes_bounded(bytes, 0, MOST, &e->watch[i].found));
  }
  HTF_TRY(htf_bytes_reals(bytes, size, e->time));
  HTF_TRY(htf_bytes_reals(bytes, size, e->time_low));
  HTF_TRY(htf_bytes_reals(bytes, size, e->arc));
  HTF_TRY(htf_bytes_real(bytes, &e->last_loss));
  HTF_TRY(htf_bytes_real(bytes, &e->last_arc));
done:
  return status;
}

static htf_status write_events(const htf_events *e, htf_record *record) {
  htf_status status = HTF_OK;
  static const size_t offsets[] = {
#define OFFSET(member, long_name, comment) offsetof(htf_event, member),
      HTF_EVENT_TABLE(OFFSET)
#undef OFFSET
  };
  int count;
  const htf_variable *variables = htf_event_variables(&count);
  record->events = e->count;
  for (int i = 0; i < HTF_EVENT_COLUMNS && e->count > 0; i++) {
    htf_column *column;
    HTF_TRY(htf_record_add_column(record, variables[i].name, 1, &e->count, &column));
    for (int64_t k = 0; k < e->count; k++) {
      memcpy(&column->data[k], (const char *)&e->event[k] + offsets[i], sizeof(double));
    }
  }
done:
  return status;
}

htf_status htf_events__finish(const htf_events *e, htf_record *record) {
  htf_status status = HTF_OK;
  const double *activations[] = {e->time, e->time_low, e->arc};
  int64_t dims[] = {e->interior, e->components};
  int count;
  const htf_variable *variables = htf_event_variables(&count);
  HTF_TRY(write_events(e, record));
  for (int i = 0; i < 3 && e->components > 0; i++) {
    htf_column *column;
    const char *name = variables[HTF_EVENT_COLUMNS + i].name;
    HTF_TRY(htf_record_add_column(record, name, 2, dims, &column));
    memcpy(column->data, activations[i],
           (size_t)(dims[0] * dims[1]) * sizeof *column->data);
  }
done:
  return status;
}

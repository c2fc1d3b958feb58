// SPDX-License-Identifier: BSD-3-Clause
// What all methods share: the life of a flow, segments, sums of time and arc length, and
// the search inside a step.
#include "htflow/flow.h"

#include <math.h>
#include <string.h>

#include "flow_impl.h"
#include "htflow/memory.h"

static const htf_flow_row *const table[] = {
    [HTF_FLOW_BDF] = &htf_flow__bdf,
    [HTF_FLOW_GD] = &htf_flow__gd,
    [HTF_FLOW_ADAMS] = &htf_flow__adams,
    [HTF_FLOW_ERK] = &htf_flow__erk,
    [HTF_FLOW_MOMENTUM] = &htf_flow__momentum,
    [HTF_FLOW_GROUPRMSPROP] = &htf_flow__grouprmsprop,
    [HTF_FLOW_ADAM] = &htf_flow__adam,
};

enum { METHODS = sizeof table / sizeof *table };

// ---- arithmetic shared with the methods

// The first component that is not finite, or -1.
static int64_t find_bad(const double *x, int64_t size) {
  int bad = 0;
  for (int64_t i = 0; i < size; i++) {
    bad |= !isfinite(x[i]);
  }
  int64_t i = 0;
  while (bad && isfinite(x[i])) {
    i++;
  }
  return bad ? i : -1;
}

htf_status htf_flow__derivative(htf_flow *flow, const double *y, double *dy) {
  htf_status status = HTF_OK;
  flow->counts.derivatives++;
  HTF_TRY(flow->system.derivative(flow->system.context, y, dy));
  int64_t bad = find_bad(dy, flow->system.size);
  HTF_CHECK(bad < 0, HTF_E_NUMERIC, "component %lld of the derivative is %g",
            (long long)bad, dy[bad]);
done:
  return status;
}

htf_status htf_flow__product(htf_flow *flow, htf_flow_matrix matrix, const double *y,
                             const double *v, double *product) {
  htf_status status = HTF_OK;
  const htf_flow_system *system = &flow->system;
  flow->counts.products++;
  HTF_TRY(matrix == HTF_FLOW_JACOBIAN
              ? system->jacobian(system->context, y, v, product)
              : system->gauss_newton(system->context, y, v, product));
  int64_t bad = find_bad(product, flow->system.size);
  HTF_CHECK(bad < 0, HTF_E_NUMERIC, "component %lld of a Jacobian product is %g",
            (long long)bad, product[bad]);
done:
  return status;
}

double htf_flow__rms(const double *x, int64_t size) {
  double sum = 0;
  for (int64_t i = 0; i < size; i++) {
    sum += x[i] * x[i];
  }
  return sqrt(sum / (double)size);
}

static double distance(const double *a, const double *b, int64_t size) {
  double sum = 0;
  for (int64_t i = 0; i < size; i++) {
    sum += (a[i] - b[i]) * (a[i] - b[i]);
  }
  return sqrt(sum);
}

// ---- life

static htf_status check_options(const htf_flow_system *system,
                                const htf_flow_options *options) {
  htf_status status = HTF_OK;
  HTF_ASSERT(system->size > 0 && system->derivative != NULL);
  HTF_CHECK((int)options->method >= 0 && (int)options->method < METHODS, HTF_E_CONFIG,
            "there is no method %d", (int)options->method);
  HTF_CHECK(options->segment_steps >= 0, HTF_E_CONFIG,
            "segment_steps is %lld, must not be negative",
            (long long)options->segment_steps);
  const htf_flow_start *start = &options->start;
  HTF_CHECK(isfinite(start->last_step) && start->last_step >= 0, HTF_E_CONFIG,
            "the last step is %g, must not be negative", start->last_step);
  HTF_CHECK(isfinite(start->arc) && isfinite(start->time.high) && isfinite(start->time.low),
            HTF_E_CONFIG, "the start is at time %g, arc %g, which must be finite",
            start->time.high, start->arc);
done:
  return status;
}

int64_t htf_flow_carry_size(htf_flow_method method, int64_t size) {
  HTF_ASSERT((int)method >= 0 && (int)method < METHODS);
  return table[method]->carry_vectors * size + table[method]->carry_scalars;
}

static htf_status take_carry(htf_flow *flow) {
  htf_status status = HTF_OK;
  const double *from = flow->options.start.carry;
  int64_t size = htf_flow_carry_size(flow->options.method, flow->system.size);
  flow->options.start.carry = NULL; // the caller's, until now only
  flow->carry_size = size;
  HTF_NEW(flow->carry, size);
  if (!flow->row->carry_in_place) {
    HTF_NEW(flow->next_carry, size);
  }
  if (from != NULL) {
    int64_t bad = find_bad(from, size);
    HTF_CHECK(bad < 0, HTF_E_NUMERIC, "element %lld of the carry is %g", (long long)bad,
              from[bad]);
    memcpy(flow->carry, from, (size_t)size * sizeof *from);
  }
done:
  return status;
}

htf_status htf_flow_create(const htf_flow_system *system, const htf_flow_options *options,
                           const double *y, htf_flow **out) {
  htf_status status = HTF_OK;
  htf_flow *flow = NULL;
  HTF_TRY(check_options(system, options));
  int64_t bad = find_bad(y, system->size);
  HTF_CHECK(bad < 0, HTF_E_NUMERIC, "component %lld of the first state is %g",
            (long long)bad, y[bad]);
  HTF_NEW(flow, 1);
  flow->system = *system;
  flow->options = *options;
  flow->row = table[options->method];
  if (flow->options.segment_steps == 0) {
    flow->options.segment_steps = flow->row->segment_steps;
  }
  flow->time = options->start.time;
  flow->arc = options->start.arc;
  flow->last_step = options->start.last_step;
  HTF_NEW(flow->state, system->size);
  HTF_NEW(flow->before, system->size);
  memcpy(flow->state, y, (size_t)system->size * sizeof *y);
  HTF_TRY(take_carry(flow));
  HTF_TRY(flow->row->create(flow));
  *out = flow;
  flow = NULL;
done:
  htf_flow_destroy(&flow);
  return status;
}

void htf_flow_destroy(htf_flow **flow) {
  if (*flow != NULL) {
    (*flow)->row->destroy(*flow);
    HTF_FREE((*flow)->state);
    HTF_FREE((*flow)->before);
    HTF_FREE((*flow)->carry);
    HTF_FREE((*flow)->next_carry);
    HTF_FREE(*flow);
  }
}

// ---- steps

static void swap(double **a, double **b) {
  double *kept = *a;
  *a = *b;
  *b = kept;
}

// Makes the next state, which lies in `before`, the state, and likewise the carry.
static void accept(htf_flow *flow, double length) {
  swap(&flow->state, &flow->before);
  if (!flow->row->carry_in_place) {
    swap(&flow->carry, &flow->next_carry);
  }
  flow->time_before = flow->time;
  flow->time = htf_flow_time_add(flow->time, length);
  flow->arc_before = flow->arc;
  flow->arc += distance(flow->state, flow->before, flow->system.size);
  flow->last_step = length;
  flow->counts.steps++;
  flow->left--;
  flow->made = true;
}

htf_status htf_flow_step(htf_flow *flow) {
  htf_status status = HTF_OK;
  double length;
  flow->failure = HTF_FLOW_NO_FAILURE;
  if (flow->left == 0) {
    HTF_TRY(flow->row->restart(flow));
    flow->left = flow->options.segment_steps;
    flow->counts.segments++;
  }
  flow->made = false;
  HTF_TRY(flow->row->step(flow, flow->before, &length));
  int64_t bad = find_bad(flow->before, flow->system.size);
  HTF_CHECK(bad < 0, HTF_E_NUMERIC, "component %lld of the state becomes %g",
            (long long)bad, flow->before[bad]);
  bad = find_bad(flow->next_carry, flow->row->carry_in_place ? 0 : flow->carry_size);
  HTF_CHECK(bad < 0, HTF_E_NUMERIC, "element %lld of what the method carries becomes %g",
            (long long)bad, flow->next_carry[bad]);
  accept(flow, length);
done:
  if (status != HTF_OK) {
    flow->left = 0; // what the method remembers may be spoilt
    if (flow->row->carry_in_place) {
      memset(flow->carry, 0, (size_t)flow->carry_size * sizeof *flow->carry);
    }
    if (status == HTF_E_NUMERIC && flow->failure == HTF_FLOW_NO_FAILURE) {
      flow->failure = HTF_FLOW_NOT_FINITE;
    }
  }
  return status;
}

htf_flow_failure htf_flow_get_failure(const htf_flow *flow) {
  return flow->failure;
}

const double *htf_flow_state(const htf_flow *flow) {
  return flow->state;
}

htf_flow_time htf_flow_now(const htf_flow *flow) {
  return flow->time;
}

double htf_flow_arc(const htf_flow *flow) {
  return flow->arc;
}

double htf_flow_last_step(const htf_flow *flow) {
  return flow->last_step;
}

const double *htf_flow_carry(const htf_flow *flow) {
  return flow->carry;
}

bool htf_flow_at_boundary(const htf_flow *flow) {
  return flow->left == 0;
}

htf_flow_counts htf_flow_get_counts(const htf_flow *flow) {
  htf_flow_counts a = flow->options.start.counts, b = flow->counts;
  return (htf_flow_counts){.steps = a.steps + b.steps,
                           .derivatives = a.derivatives + b.derivatives,
                           .products = a.products + b.products,
                           .prepared = a.prepared + b.prepared,
                           .segments = a.segments + b.segments,
                           .rejected = a.rejected + b.rejected};
}

// ---- inside a step

static htf_status look(htf_flow *flow, double fraction, double *y) {
  htf_status status = HTF_OK;
  if (fraction <= 0 || fraction >= 1) {
    memcpy(y, fraction <= 0 ? flow->before : flow->state,
           (size_t)flow->system.size * sizeof *y);
  } else {
    HTF_TRY(flow->row->interpolate(flow, fraction, y));
  }
done:
  return status;
}

static double elapsed(const htf_flow *flow, double fraction) {
  if (fraction <= 0 || fraction >= 1) {
    return fraction <= 0 ? 0 : flow->last_step;
  }
  return flow->row->elapsed == NULL ? fraction * flow->last_step
                                    : flow->row->elapsed(flow, fraction);
}

htf_status htf_flow_interpolate(htf_flow *flow, double fraction, double *y,
                                htf_flow_time *time, double *arc) {
  htf_status status = HTF_OK;
  HTF_CHECK(flow->made, HTF_E_INTERNAL, "no step to look into");
  HTF_CHECK(fraction >= 0 && fraction <= 1, HTF_E_INTERNAL,
            "fraction is %g, must be in [0, 1]", fraction);
  HTF_TRY(look(flow, fraction, y));
  *time = fraction < 1 ? htf_flow_time_add(flow->time_before, elapsed(flow, fraction))
                       : flow->time;
  *arc = fraction < 1 ? flow->arc_before + distance(y, flow->before, flow->system.size)
                      : flow->arc;
done:
  return status;
}

typedef struct way {
  htf_flow *flow;
  double *y; // [size]
  double target;
} way;

// |y(s) - y(0)| - target.
static htf_status go(void *context, double fraction, double *value) {
  htf_status status = HTF_OK;
  const way *w = context;
  HTF_TRY(look(w->flow, fraction, w->y));
  *value = distance(w->y, w->flow->before, w->flow->system.size) - w->target;
done:
  return status;
}

htf_status htf_flow_find_arc(htf_flow *flow, double arc, double *y, double *fraction) {
  htf_status status = HTF_OK;
  HTF_CHECK(flow->made, HTF_E_INTERNAL, "no step to look into");
  HTF_CHECK(arc >= flow->arc_before && arc <= flow->arc, HTF_E_INTERNAL,
            "arc length %.17g is not in [%.17g, %.17g]", arc, flow->arc_before, flow->arc);
  double whole = flow->arc - flow->arc_before;
  way w = {flow, y, arc - flow->arc_before};
  htf_flow_bracket bracket = {0, 1, -w.target, whole - w.target};
  *fraction = arc == flow->arc ? 1 : 0;
  if (w.target > 0 && arc < flow->arc) {
    HTF_TRY(htf_flow_find_root(bracket, 1e-12 * whole, go, &w, fraction));
  }
done:
  return status;
}

typedef struct wait {
  const htf_flow *flow;
  double target;
} wait;

// elapsed(s) - target.
static htf_status pass(void *context, double fraction, double *value) {
  const wait *w = context;
  *value = elapsed(w->flow, fraction) - w->target;
  return HTF_OK;
}

htf_status htf_flow_find_time(htf_flow *flow, htf_flow_time time, double *fraction) {
  htf_status status = HTF_OK;
  htf_flow_time before = flow->time_before;
  HTF_CHECK(flow->made, HTF_E_INTERNAL, "no step to look into");
  HTF_CHECK(htf_flow_time_compare(before, time) <= 0 &&
                htf_flow_time_compare(time, flow->time) <= 0,
            HTF_E_INTERNAL, "time %.17g + %g is not in [%.17g + %g, %.17g + %g]", time.high,
            time.low, before.high, before.low, flow->time.high, flow->time.low);
  // The high parts of near times subtract exactly.
  double passed = (time.high - before.high) + (time.low - before.low);
  *fraction = fmin(1, fmax(0, passed / flow->last_step));
  if (flow->row->elapsed != NULL && *fraction > 0 && *fraction < 1) {
    wait w = {flow, passed};
    htf_flow_bracket bracket = {0, 1, -passed, flow->last_step - passed};
    HTF_TRY(htf_flow_find_root(bracket, 1e-15 * flow->last_step, pass, &w, fraction));
  }
done:
  return status;
}

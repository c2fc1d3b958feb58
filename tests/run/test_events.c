// SPDX-License-Identifier: BSD-3-Clause
// Events: what is found, and where.
#include "htflow/event.h"
#include "run_test.h"

static const char *const methods[][3] = {
    {"bdf", "flow.rtol", "1e-7"}, {"erk", "flow.rtol", "1e-7"}, {"gd", "flow.lr", "0.02"}};

static htf_spec event_spec(const char *const method[3]) {
  htf_spec spec = small_spec();
  set(&spec, "flow.method", method[0]);
  set(&spec, method[1], method[2]);
  set(&spec, "init.std", "0.2");
  set(&spec, "stop.steps", "20000");
  set(&spec, "events.loss", "[0.5, 0.1, 0.01]");
  return spec;
}

static double at(const htf_record *record, const char *name, int64_t event) {
  return column(record, name)[event];
}

// The event of this kind, node and component number `nth`; -1 if there is none.
static int64_t find(const htf_record *record, htf_event_kind kind, int node,
                    int component) {
  for (int64_t k = 0; k < record->events; k++) {
    bool here = node < 0 || (at(record, "event_node", k) == node &&
                             at(record, "event_component", k) == component);
    if (at(record, "event_kind", k) == kind && here) {
      return k;
    }
  }
  return -1;
}

Test(events, are_in_the_order_of_time_within_the_run) {
  for (int m = 0; m < 3; m++) {
    htf_spec spec = event_spec(methods[m]);
    htf_record record = run_spec(&spec);
    cr_assert(ge(i64, record.events, 5), "%s", methods[m][0]);
    for (int64_t k = 1; k < record.events; k++) {
      cr_assert(ge(dbl, at(&record, "event_time", k), at(&record, "event_time", k - 1)));
      cr_assert(ge(dbl, at(&record, "event_arc_length", k),
                   at(&record, "event_arc_length", k - 1)));
    }
    cr_assert(le(dbl, at(&record, "event_time", record.events - 1), record.flow_time));
    cr_assert(le(dbl, at(&record, "event_step", record.events - 1), (double)record.steps));
    htf_record_clear(&record);
  }
}

// What crossed is at its level, to the tolerance of the run (1e-7; descents 1e-9).
Test(events, hold_the_level_to_the_tolerance_of_the_run) {
  for (int m = 0; m < 3; m++) {
    htf_spec spec = event_spec(methods[m]);
    htf_record record = run_spec(&spec);
    int exact = 0;
    for (int64_t k = 0; k < record.events; k++) {
      double ratio = at(&record, "event_value", k) / at(&record, "event_level", k);
      int kind = (int)at(&record, "event_kind", k);
      bool plateau = kind == HTF_EVENT_PLATEAU_BEGIN || kind == HTF_EVENT_PLATEAU_END;
      cr_assert(plateau || fabs(ratio - 1) < 1.01e-7, "%s: %d, %g", methods[m][0], kind,
                ratio - 1);
      exact += !plateau;
      if (kind == HTF_EVENT_LOSS_FALL) {
        double loss = at(&record, "event_train_loss", k);
        cr_assert(epsilon_eq(dbl, loss / at(&record, "event_level", k), 1, 1.01e-7));
      }
    }
    cr_assert(ge(int, exact, 5));
    htf_record_clear(&record);
  }
}

// A run that is told to end at the event's time ends in the event's state.
Test(events, are_where_the_flow_has_the_level) {
  htf_spec spec = event_spec(methods[0]);
  htf_record record = run_spec(&spec);
  int64_t event = find(&record, HTF_EVENT_LOSS_FALL, -1, -1);
  char text[HTF_NUMBER_TEXT];
  cr_assert(ge(i64, event, 0));
  htf_spec_write_number(at(&record, "event_time", event), text);
  set(&spec, "stop.time", text);
  htf_record cut = run_spec(&spec);
  cr_assert(eq(int, cut.stop_reason, HTF_STOP_TIME));
  cr_assert(epsilon_eq(dbl, cut.final_train_loss, 0.5, 1e-6));
  htf_record_clear(&record);
  htf_record_clear(&cut);
}

// Sampled densely, the same norm passes the same level between the same two samples.
Test(events, components_rise_between_the_samples_that_say_so) {
  htf_spec spec = event_spec(methods[0]);
  set(&spec, "record.points", "100000");
  set(&spec, "record.spacing", "step");
  htf_record record = run_spec(&spec);
  const htf_column *norm = htf_record_find(&record, "local_component_norm");
  int64_t nodes = norm->dims[1], components = norm->dims[2];
  int found = 0;
  for (int64_t i = 0; i < nodes * components; i++) {
    int64_t node = i / components, component = i % components, k;
    int64_t event = find(&record, HTF_EVENT_COMPONENT_RISE, (int)node, (int)component);
    double active = column(&record, "activation_time")[i];
    if (event < 0) {
      cr_assert(isnan(active) || active == 0);
      continue;
    }
    double level = at(&record, "event_level", event),
           time = at(&record, "event_time", event);
    for (k = 1; norm->data[k * nodes * components + i] < level; k++) {
    }
    cr_assert(eq(dbl, active, time));
    cr_assert(le(dbl, column(&record, "time")[k - 1], time));
    cr_assert(ge(dbl, column(&record, "time")[k], time));
    found++;
  }
  cr_assert(ge(int, found, 2));
  htf_record_clear(&record);
}

// From a small start: on the first plateau, then learning, |grad L| |theta| / L being below
// and above the level.
Test(events, plateaus_begin_and_end_where_the_slope_says) {
  htf_spec spec = event_spec(methods[0]);
  set(&spec, "init.std", "0.02");
  set(&spec, "record.points", "100000");
  set(&spec, "record.spacing", "step");
  htf_record record = run_spec(&spec);
  int64_t ends = 0, first = find(&record, HTF_EVENT_PLATEAU_BEGIN, -1, -1);
  cr_assert(eq(i64, first, 0));
  cr_assert(eq(dbl, at(&record, "event_time", first), 0));
  for (int64_t k = 1; k < record.events; k++) {
    int kind = (int)at(&record, "event_kind", k);
    if (kind == HTF_EVENT_PLATEAU_END || kind == HTF_EVENT_PLATEAU_BEGIN) {
      cr_assert(epsilon_eq(dbl, at(&record, "event_value", k), 0.1, 1e-6));
      cr_assert(eq(int, kind == HTF_EVENT_PLATEAU_END, ends % 2 == 0)); // by turns
      ends++;
    }
  }
  cr_assert(ge(i64, ends, 1));
  const double *loss = column(&record, "train_loss"), *time = column(&record, "time");
  int64_t end = find(&record, HTF_EVENT_PLATEAU_END, -1, -1), k = 0;
  while (time[k] < at(&record, "event_time", end)) {
    k++;
  }
  cr_assert(lt(dbl, 0.95 * loss[0], loss[k])); // nothing has been learnt before
  htf_record_clear(&record);
}

Test(events, ranks_change_where_a_singular_value_passes_the_tolerance) {
  htf_spec spec = event_spec(methods[0]);
  set(&spec, "init.std", "0.05");
  set(&spec, "events.rank", "0.05");
  set(&spec, "record.points", "100000");
  set(&spec, "record.spacing", "step");
  htf_record record = run_spec(&spec);
  const htf_column *s = htf_record_find(&record, "singular_value");
  int64_t partitions = s->dims[1], values = s->dims[2], found = 0;
  const double *time = column(&record, "time");
  for (int64_t k = 0; k < record.events; k++) {
    int kind = (int)at(&record, "event_kind", k);
    if (kind != HTF_EVENT_RANK_RISE && kind != HTF_EVENT_RANK_FALL) {
      continue;
    }
    int64_t next = 0;
    while (time[next] < at(&record, "event_time", k)) {
      next++;
    }
    int64_t row = (int64_t)at(&record, "event_partition", k) * values;
    int64_t i = row + (int64_t)at(&record, "event_component", k);
    const double *before = s->data + (next - 1) * partitions * values;
    const double *after = s->data + next * partitions * values;
    cr_assert(eq(int, before[i] > 0.05 * before[row], kind == HTF_EVENT_RANK_FALL));
    cr_assert(eq(int, after[i] > 0.05 * after[row], kind == HTF_EVENT_RANK_RISE));
    found++;
  }
  cr_assert(ge(i64, found, 3));
  htf_record_clear(&record);
}

// They look, and touch nothing: the flow takes the same steps to the same weights.
Test(events, change_nothing_else) {
  for (int m = 0; m < 3; m += 2) {
    htf_spec spec = event_spec(methods[m]);
    set(&spec, "events.rank", "0.01");
    htf_record with = run_spec(&spec);
    set(&spec, "events.rank", "0");
    set(&spec, "events.plateau", "0");
    set(&spec, "events.loss", "[]");
    set(&spec, "events.component", "[]");
    htf_record without = run_spec(&spec);
    cr_assert(eq(i64, without.events, 0));
    cr_assert(htf_record_find(&without, "event_kind") == NULL);
    cr_assert(htf_record_find(&without, "activation_time") == NULL);
    cr_assert(eq(i64, with.gradients, without.gradients));
    cr_assert(eq(i64, with.steps, without.steps));
    cr_assert(memcmp(with.weights, without.weights,
                     (size_t)with.weight_count * sizeof(double)) == 0);
    htf_record_clear(&with);
    htf_record_clear(&without);
  }
}

// A descent that oscillates about a level for ever: some are kept, not all.
Test(events, of_one_watch_are_bounded) {
  htf_spec spec = small_spec();
  set(&spec, "flow.method", "momentum");
  set(&spec, "flow.beta", "0.999");
  set(&spec, "flow.lr", "0.05");
  set(&spec, "init.std", "0.5");
  set(&spec, "stop.loss", "0");
  set(&spec, "stop.steps", "20000");
  set(&spec, "events.component", "[]");
  set(&spec, "events.plateau", "0");
  set(&spec, "events.loss", "[0.3]");
  htf_record record = run_spec(&spec);
  cr_assert(lt(i64, 4, record.events));
  cr_assert(le(i64, record.events, 32));
  htf_record_clear(&record);
}

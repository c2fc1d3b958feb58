// SPDX-License-Identifier: BSD-3-Clause
// What holds for every method: segments, the inside of a step, faults, memory.
#include <string.h>

#include "htflow/memory.h"
#include "systems.h"

static const htf_flow_options methods[] = {
    {.method = HTF_FLOW_BDF, .rtol = 1e-6, .krylov_dimension = 60},
    {.method = HTF_FLOW_BDF, .rtol = 1e-4, .krylov = HTF_FLOW_PCG, .krylov_dimension = 60},
    {.method = HTF_FLOW_GD, .lr = 1e-3},
    {.method = HTF_FLOW_ADAMS, .rtol = 1e-6},
    {.method = HTF_FLOW_ERK, .rtol = 1e-6, .table = HTF_FLOW_DORMAND_PRINCE},
    {.method = HTF_FLOW_ERK, .rtol = 1e-6, .table = HTF_FLOW_CASH_KARP},
    {.method = HTF_FLOW_ERK, .rtol = 1e-4, .table = HTF_FLOW_BOGACKI_SHAMPINE},
    {.method = HTF_FLOW_ERK, .rtol = 1e-6, .table = HTF_FLOW_FEHLBERG},
    {.method = HTF_FLOW_ERK, .rtol = 1e-6, .table = HTF_FLOW_ZONNEVELD},
    {.method = HTF_FLOW_ERK, .fixed_step = 1e-3},
    {.method = HTF_FLOW_MOMENTUM, .lr = 1e-3, .beta = 0.9},
    {.method = HTF_FLOW_GROUPRMSPROP, .lr = 1e-3},
    {.method = HTF_FLOW_ADAM, .lr = 1e-3},
};
enum { METHODS = sizeof methods / sizeof *methods, SIZE = 5 };

static const double rates[SIZE] = {0.5, 1, 3, 10, 100};
static const double first[SIZE] = {1, -0.5, 2, 0.25, 1};

static htf_flow_system stiff_system(system_context *context) {
  *context = (system_context){.size = SIZE, .rates = rates};
  return (htf_flow_system){SIZE, context, stiff, stiff_product, NULL, NULL};
}

static bool same(int m, const htf_flow *a, const htf_flow *b) {
  htf_flow_time s = htf_flow_now(a), t = htf_flow_now(b);
  int64_t carried = htf_flow_carry_size(methods[m].method, SIZE);
  return memcmp(htf_flow_state(a), htf_flow_state(b), SIZE * sizeof(double)) == 0 &&
         memcmp(htf_flow_carry(a), htf_flow_carry(b), (size_t)carried * sizeof(double)) ==
             0 &&
         s.high == t.high && s.low == t.low && htf_flow_arc(a) == htf_flow_arc(b) &&
         htf_flow_last_step(a) == htf_flow_last_step(b);
}

Test(flow, begins_at_the_state_given_and_at_zero) {
  for (int m = 0; m < METHODS; m++) {
    system_context context;
    htf_flow_system system = stiff_system(&context);
    htf_flow *flow = start_flow(&system, &methods[m], first);
    cr_assert(eq(int, memcmp(htf_flow_state(flow), first, sizeof first), 0));
    cr_assert(eq(dbl, htf_flow_now(flow).high, 0));
    cr_assert(eq(dbl, htf_flow_arc(flow), 0));
    cr_assert(htf_flow_at_boundary(flow));
    htf_flow_destroy(&flow);
    cr_assert(flow == NULL);
    htf_flow_destroy(&flow);
  }
}

Test(flow, two_runs_are_the_same_to_the_bit) {
  for (int m = 0; m < METHODS; m++) {
    system_context ours, theirs;
    htf_flow_system one = stiff_system(&ours), two = stiff_system(&theirs);
    htf_flow *a = start_flow(&one, &methods[m], first);
    htf_flow *b = start_flow(&two, &methods[m], first);
    for (int i = 0; i < 100; i++) {
      step_flow(a);
      step_flow(b);
      cr_assert(same(m, a, b));
    }
    htf_flow_destroy(&a);
    htf_flow_destroy(&b);
  }
}

// The promise checkpoints rest on: flow b knows of flow a what a boundary says, no more.
Test(flow, carries_on_from_a_boundary_to_the_same_bits) {
  for (int m = 0; m < METHODS; m++) {
    system_context ours, theirs;
    htf_flow_system one = stiff_system(&ours), two = stiff_system(&theirs);
    htf_flow_options options = methods[m];
    options.segment_steps = 50;
    htf_flow *a = start_flow(&one, &options, first);
    for (int i = 0; i < 100; i++) {
      step_flow(a);
      cr_assert(eq(int, htf_flow_at_boundary(a), i % 50 == 49));
    }
    options.start =
        (htf_flow_start){htf_flow_now(a), htf_flow_arc(a), htf_flow_last_step(a),
                         htf_flow_carry(a), htf_flow_get_counts(a)};
    htf_flow *b = start_flow(&two, &options, htf_flow_state(a));
    cr_assert(same(m, a, b));
    for (int i = 0; i < 125; i++) {
      step_flow(a);
      step_flow(b);
      cr_assert(same(m, a, b), "method %d, step %d", m, i);
    }
    htf_flow_counts whole = htf_flow_get_counts(a), pieces = htf_flow_get_counts(b);
    cr_assert(eq(i64, whole.steps, pieces.steps));
    cr_assert(eq(i64, whole.derivatives, pieces.derivatives));
    cr_assert(eq(i64, whole.products, pieces.products));
    cr_assert(eq(i64, whole.rejected, pieces.rejected));
    cr_assert(eq(i64, whole.segments, pieces.segments));
    cr_assert(eq(i64, whole.segments, 5));
    htf_flow_destroy(&a);
    htf_flow_destroy(&b);
  }
}

Test(flow, looking_into_a_step_changes_nothing) {
  for (int m = 0; m < METHODS; m++) {
    system_context ours, theirs;
    htf_flow_system one = stiff_system(&ours), two = stiff_system(&theirs);
    htf_flow_options options = methods[m];
    options.segment_steps = 50;
    htf_flow *a = start_flow(&one, &options, first);
    htf_flow *b = start_flow(&two, &options, first);
    for (int i = 0; i < 120; i++) {
      double y[SIZE], arc;
      htf_flow_time time;
      step_flow(a);
      step_flow(b);
      cr_assert(eq(int, htf_flow_interpolate(a, 0.3, y, &time, &arc), HTF_OK));
      cr_assert(same(m, a, b));
    }
    htf_flow_destroy(&a);
    htf_flow_destroy(&b);
  }
}

Test(flow, finds_arcs_and_times_where_interpolation_puts_them) {
  for (int m = 0; m < METHODS; m++) {
    system_context context;
    htf_flow_system system = stiff_system(&context);
    htf_flow_options options = methods[m];
    options.segment_steps = 50; // looks across boundaries as well
    htf_flow *flow = start_flow(&system, &options, first);
    for (int i = 0; i < 100; i++) {
      double from = htf_flow_arc(flow);
      htf_flow_time begin = htf_flow_now(flow), time;
      step_flow(flow);
      double whole = htf_flow_arc(flow) - from, length = htf_flow_last_step(flow);
      for (int k = 0; k <= 4; k++) {
        double y[SIZE], arc, fraction,
            want = fmin(from + whole * k / 4, htf_flow_arc(flow));
        cr_assert(eq(int, htf_flow_find_arc(flow, want, y, &fraction), HTF_OK));
        cr_assert(eq(int, htf_flow_interpolate(flow, fraction, y, &time, &arc), HTF_OK));
        // The search ends at 1e-12 of the step; arcs are rounded on top.
        cr_assert(epsilon_eq(dbl, arc, want, 2e-12 * whole + 1e-15 * want));
        htf_flow_time moment = htf_flow_time_add(begin, length * k / 4);
        cr_assert(eq(int, htf_flow_find_time(flow, moment, &fraction), HTF_OK));
        cr_assert(epsilon_eq(dbl, fraction, k / 4.0, 1e-15));
        cr_assert(eq(int, htf_flow_interpolate(flow, fraction, y, &time, &arc), HTF_OK));
        double off = (time.high - moment.high) + (time.low - moment.low);
        cr_assert(le(dbl, fabs(off), 1e-15 * length));
      }
    }
    htf_flow_destroy(&flow);
  }
}

Test(flow, ends_of_a_step_are_its_states) {
  for (int m = 0; m < METHODS; m++) {
    system_context context;
    htf_flow_system system = stiff_system(&context);
    htf_flow *flow = start_flow(&system, &methods[m], first);
    for (int i = 0; i < 30; i++) {
      double before[SIZE], y[SIZE], arc, from = htf_flow_arc(flow);
      htf_flow_time begin = htf_flow_now(flow), time;
      memcpy(before, htf_flow_state(flow), sizeof before);
      step_flow(flow);
      cr_assert(eq(int, htf_flow_interpolate(flow, 0, y, &time, &arc), HTF_OK));
      cr_assert(eq(int, memcmp(y, before, sizeof y), 0));
      cr_assert(eq(int, htf_flow_time_compare(time, begin), 0));
      cr_assert(eq(dbl, arc, from));
      cr_assert(eq(int, htf_flow_interpolate(flow, 1, y, &time, &arc), HTF_OK));
      cr_assert(eq(int, memcmp(y, htf_flow_state(flow), sizeof y), 0));
      cr_assert(eq(int, htf_flow_time_compare(time, htf_flow_now(flow)), 0));
      cr_assert(eq(dbl, arc, htf_flow_arc(flow)));
    }
    htf_flow_destroy(&flow);
  }
}

Test(flow, there_is_nothing_to_look_into_outside_a_step) {
  system_context context;
  htf_flow_system system = stiff_system(&context);
  htf_flow *flow = start_flow(&system, &methods[0], first);
  double y[SIZE], arc, fraction;
  htf_flow_time time = {0, 0};
  cr_assert(eq(int, htf_flow_interpolate(flow, 1, y, &time, &arc), HTF_E_INTERNAL));
  cr_assert(eq(int, htf_flow_find_arc(flow, 0, y, &fraction), HTF_E_INTERNAL));
  cr_assert(eq(int, htf_flow_find_time(flow, time, &fraction), HTF_E_INTERNAL));
  step_flow(flow);
  step_flow(flow);
  double arc_now = htf_flow_arc(flow);
  cr_assert(eq(int, htf_flow_interpolate(flow, 1.5, y, &time, &arc), HTF_E_INTERNAL));
  cr_assert(eq(int, htf_flow_interpolate(flow, -0.5, y, &time, &arc), HTF_E_INTERNAL));
  cr_assert(eq(int, htf_flow_interpolate(flow, NAN, y, &time, &arc), HTF_E_INTERNAL));
  cr_assert(eq(int, htf_flow_find_arc(flow, 0, y, &fraction), HTF_E_INTERNAL));
  cr_assert(eq(int, htf_flow_find_arc(flow, 2 * arc_now, y, &fraction), HTF_E_INTERNAL));
  cr_assert(
      eq(int, htf_flow_find_time(flow, (htf_flow_time){0, 0}, &fraction), HTF_E_INTERNAL));
  time = htf_flow_time_add(htf_flow_now(flow), htf_flow_last_step(flow));
  cr_assert(eq(int, htf_flow_find_time(flow, time, &fraction), HTF_E_INTERNAL));
  htf_flow_destroy(&flow);
}

Test(flow, counts_what_it_calls) {
  for (int m = 0; m < METHODS; m++) {
    system_context context;
    htf_flow_system system = stiff_system(&context);
    htf_flow *flow = start_flow(&system, &methods[m], first);
    for (int i = 0; i < 50; i++) {
      step_flow(flow);
    }
    htf_flow_counts counts = htf_flow_get_counts(flow);
    cr_assert(eq(i64, counts.steps, 50));
    cr_assert(eq(i64, counts.derivatives, context.calls));
    cr_assert(eq(i64, counts.products, context.products));
    cr_assert(eq(i64, counts.segments, 1));
    htf_flow_destroy(&flow);
  }
}

Test(flow, refuses_options_out_of_range) {
  system_context context;
  htf_flow_system system = stiff_system(&context);
  htf_flow_options good = bdf_options(1e-6), bad[10];
  for (int i = 0; i < 10; i++) {
    bad[i] = good;
  }
  bad[0].rtol = 1e-14;
  bad[1].rtol = 0.2;
  bad[2].rtol = NAN;
  bad[3].krylov_dimension = 0;
  bad[4].krylov = (htf_flow_krylov)7;
  bad[5].method = (htf_flow_method)99;
  bad[6].segment_steps = -1;
  bad[7].start.last_step = -1;
  bad[8].start.time.high = INFINITY;
  bad[9].segment_steps = 49;
  htf_flow *flow = NULL;
  for (int i = 0; i < 10; i++) {
    cr_assert(eq(int, htf_flow_create(&system, &bad[i], first, &flow), HTF_E_CONFIG), "%d",
              i);
  }
  htf_flow_system blind = system;
  blind.jacobian = NULL;
  cr_assert(eq(int, htf_flow_create(&blind, &good, first, &flow), HTF_E_CONFIG));
  double wild[SIZE] = {1, NAN};
  cr_assert(eq(int, htf_flow_create(&system, &good, wild, &flow), HTF_E_NUMERIC));
  cr_assert(flow == NULL);
}

// M = I.
static htf_status look_away(void *context, const double *y, double gamma) {
  return context != NULL && y != NULL && gamma > 0 ? HTF_OK : HTF_E_NUMERIC;
}

static htf_status scale_nothing(void *context, double gamma) {
  return context != NULL && gamma > 0 ? HTF_OK : HTF_E_NUMERIC;
}

static htf_status copy(void *context, const double *r, double *z) {
  const system_context *c = context;
  memcpy(z, r, (size_t)c->size * sizeof *z);
  return HTF_OK;
}

static double cost_nothing(void *context) {
  return context != NULL ? 0 : NAN;
}

Test(flow, every_failed_allocation_is_reported_and_leaks_nothing) {
  int64_t blocks = htf_memory_blocks();
  for (int m = 0; m < METHODS; m++) {
    system_context context;
    const htf_flow_preconditioner m_is_one = {look_away, scale_nothing, copy, cost_nothing,
                                              NULL};
    htf_flow_system system = stiff_system(&context);
    system.preconditioner = &m_is_one;
    htf_status status = HTF_E_MEMORY;
    int nth = 0;
    while (status != HTF_OK) {
      htf_flow *flow = NULL;
      htf_memory_fail_at(++nth);
      status = htf_flow_create(&system, &methods[m], first, &flow);
      for (int i = 0; i < 3 && status == HTF_OK; i++) {
        double y[SIZE], arc;
        htf_flow_time time;
        status = htf_flow_step(flow);
        if (status == HTF_OK) {
          status = htf_flow_interpolate(flow, 0.5, y, &time, &arc);
        }
      }
      htf_memory_fail_at(0);
      cr_assert(status == HTF_OK || status == HTF_E_MEMORY);
      htf_flow_destroy(&flow);
      cr_assert(eq(i64, htf_memory_blocks(), blocks));
    }
    cr_assert(lt(int, 4, nth)); // a flow is at least itself and three vectors
  }
}

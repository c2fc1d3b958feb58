// SPDX-License-Identifier: BSD-3-Clause
// How methods with error control fail: bdf, adams and erk.
#include <string.h>

#include <criterion/redirect.h>

#include "systems.h"

static const htf_flow_options methods[] = {
    {.method = HTF_FLOW_BDF, .rtol = 1e-6, .krylov_dimension = 60},
    {.method = HTF_FLOW_ADAMS, .rtol = 1e-6},
    {.method = HTF_FLOW_ERK, .rtol = 1e-6, .table = HTF_FLOW_DORMAND_PRINCE},
    {.method = HTF_FLOW_ERK, .rtol = 1e-6, .table = HTF_FLOW_CASH_KARP},
};
enum { METHODS = sizeof methods / sizeof *methods };

// Which of a system's callbacks a method calls: f, and J v.
static int callbacks_of(int m) {
  return methods[m].method == HTF_FLOW_BDF ? 2 : 1;
}

static int64_t *fault_of(system_context *context, int callback) {
  return callback == 0 ? &context->fault_call : &context->fault_product;
}

// Steps until one fails and returns how; the state before it.
static htf_status run_into_failure(htf_flow *flow, int64_t most, double *last) {
  htf_status status = HTF_OK;
  while (status == HTF_OK) {
    *last = htf_flow_state(flow)[0];
    cr_assert(lt(i64, htf_flow_get_counts(flow).steps, most));
    status = htf_flow_step(flow);
  }
  return status;
}

Test(failure, a_solution_that_blows_up_is_numeric, .init = cr_redirect_stderr) {
  for (int m = 0; m < METHODS; m++) {
    system_context context = {0};
    htf_flow_system system = {1, &context, explode, explode_product, NULL, NULL};
    double y = 1, last, shortest = methods[m].method == HTF_FLOW_ADAMS ? 1e-24 : 1e-40;
    htf_flow *flow = start_flow(&system, &methods[m], &y);
    htf_status status = run_into_failure(flow, 20000, &last);
    cr_assert(eq(int, status, HTF_E_NUMERIC));
    cr_assert(strstr(htf_error_message(), "no step from time") != NULL, "%s",
              htf_error_message());
    cr_assert(eq(dbl, htf_flow_state(flow)[0], last));
    cr_assert(lt(dbl, 1e-6 / shortest * 1e-4, last));
    cr_assert(ge(dbl, htf_flow_last_step(flow), shortest));
    cr_assert(epsilon_eq(dbl, htf_flow_now(flow).high, 1, 1e-3));
    htf_flow_destroy(&flow);
  }
  cr_assert_stderr_eq_str("", "SUNDIALS is quiet");
}

Test(failure, a_refused_point_costs_a_smaller_step_only) {
  for (int m = 0; m < METHODS; m++) {
    for (int callback = 0; callback < callbacks_of(m); callback++) {
      system_context context = {.rate = 1, .size = 1, .fault = HTF_E_NUMERIC};
      *fault_of(&context, callback) = 23;
      htf_flow_system system = {1, &context, decay, decay_product, NULL, NULL};
      double y = 1;
      htf_flow *flow = start_flow(&system, &methods[m], &y);
      htf_error_clear();
      follow(flow, 3, &y);
      cr_assert(lt(i64, 23, callback == 0 ? context.calls : context.products));
      cr_assert(ge(i64, htf_flow_get_counts(flow).rejected, 1));
      cr_assert(epsilon_eq(dbl, y * exp(3), 1, 1e-4));
      cr_assert(eq(int, (int)strlen(htf_error_message()), 0));
      htf_flow_destroy(&flow);
    }
  }
}

static void refuse_for_good(int m, int callback) {
  system_context context = {
      .rate = 1, .size = 1, .fault_stays = true, .fault = HTF_E_NUMERIC};
  *fault_of(&context, callback) = 15;
  htf_flow_system system = {1, &context, decay, decay_product, NULL, NULL};
  double y = 1, last, arc;
  htf_flow_time time;
  htf_flow *flow = start_flow(&system, &methods[m], &y);
  cr_assert(eq(int, run_into_failure(flow, 2000, &last), HTF_E_NUMERIC));
  cr_assert(strstr(htf_error_message(), "planted at call 15") != NULL);
  cr_assert(eq(dbl, htf_flow_state(flow)[0], last));
  cr_assert(lt(dbl, last, 1));
  cr_assert(eq(int, htf_flow_interpolate(flow, 0.5, &y, &time, &arc), HTF_E_INTERNAL));
  cr_assert(htf_flow_at_boundary(flow));
  *fault_of(&context, callback) = 0; // mended: goes on where it was
  double end = htf_flow_now(flow).high + 1;
  while (htf_flow_now(flow).high < end) {
    step_flow(flow);
  }
  double exact = exp(-htf_flow_now(flow).high);
  cr_assert(epsilon_eq(dbl, htf_flow_state(flow)[0] / exact, 1, 1e-4));
  cr_assert(eq(i64, htf_flow_get_counts(flow).segments, 2));
  htf_flow_destroy(&flow);
}

Test(failure, a_point_refused_for_good_is_numeric, .init = cr_redirect_stderr) {
  for (int m = 0; m < METHODS; m++) {
    for (int callback = 0; callback < callbacks_of(m); callback++) {
      refuse_for_good(m, callback);
    }
  }
  cr_assert_stderr_eq_str("", "SUNDIALS is quiet");
}

Test(failure, other_failures_of_callbacks_are_forwarded_as_they_were) {
  htf_status kinds[] = {HTF_E_IO, HTF_E_MEMORY, HTF_E_STOPPED};
  for (int m = 0; m < METHODS; m++) {
    for (int k = 0; k < 3 * callbacks_of(m); k++) {
      system_context context = {.rate = 1, .size = 1, .fault = kinds[k % 3]};
      *fault_of(&context, k / 3) = 12;
      htf_flow_system system = {1, &context, decay, decay_product, NULL, NULL};
      double y = 1, last;
      htf_flow *flow = start_flow(&system, &methods[m], &y);
      cr_assert(eq(int, run_into_failure(flow, 2000, &last), kinds[k % 3]));
      cr_assert(strstr(htf_error_message(), "planted at call 12") != NULL);
      cr_assert(eq(dbl, htf_flow_state(flow)[0], last));
      htf_flow_destroy(&flow);
    }
  }
}

static htf_status silent_nan(void *context, const double *y, double *dy) {
  dy[0] = y[0] > 1.5 ? NAN : y[0];
  return count_call(context);
}

static htf_status growth_product(void *context, const double *y, const double *v,
                                 double *product) {
  product[0] = y[0] > 1.5 ? NAN : v[0];
  return count_product(context);
}

// From afar, and from where the edge is nearer than the first step's guess looks.
Test(failure, a_value_not_finite_counts_as_refused_whatever_the_callback_says) {
  const double begins[] = {1, 1.495, 1.4999999};
  for (int m = 0; m < METHODS; m++) {
    for (int k = 0; k < 3; k++) {
      system_context context = {0};
      htf_flow_system system = {1, &context, silent_nan, growth_product, NULL, NULL};
      double y = begins[k], last;
      htf_flow *flow = start_flow(&system, &methods[m], &y);
      cr_assert(eq(int, run_into_failure(flow, 10000, &last), HTF_E_NUMERIC));
      cr_assert(le(dbl, htf_flow_state(flow)[0], 1.5));
      cr_assert(lt(dbl, 1.5 - 1e-6, htf_flow_state(flow)[0])); // by ever shorter steps
      cr_assert(lt(dbl, begins[k], htf_flow_state(flow)[0]));
      htf_flow_destroy(&flow);
    }
  }
}

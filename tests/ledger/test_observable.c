// SPDX-License-Identifier: BSD-3-Clause
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "htflow/observable.h"
#include "htflow/spec.h"

Test(observable, every_row_describes_itself_and_has_a_name_of_its_own) {
  const htf_variable *v = htf_observable_variables();
  for (int i = 0; i < HTF_OBSERVABLES; i++) {
    cr_assert(strlen(v[i].long_name) > 0 && strlen(v[i].comment) > 0);
    cr_assert(strlen(htf_observable_cost_text(htf_observable_get_cost(i))) > 0);
    cr_assert(eq(str, (char *)v[i].dims[0], "sample"));
    for (int j = 0; j < i; j++) {
      cr_assert(ne(str, (char *)v[i].name, (char *)v[j].name));
    }
  }
}

static uint64_t set_of(const char *text) {
  htf_spec spec;
  htf_spec_defaults(&spec);
  if (text != NULL) {
    cr_assert(htf_spec_set(&spec, htf_spec_field("record.observables"), text) == HTF_OK,
              "%s", htf_error_message());
  }
  return htf_observable_read(spec.record.observables);
}

Test(observable, sets_are_names_and_standard_and_all) {
  uint64_t always = htf_observable_set(HTF_WHEN_ALWAYS), one = 1,
           standard = htf_observable_set(HTF_WHEN_STANDARD),
           sharp = always | one << HTF_OBSERVABLE_sharpness,
           nuclear = standard | one << HTF_OBSERVABLE_nuclear_norm,
           every = (one << HTF_OBSERVABLES) - 1;
  cr_assert(eq(u64, set_of(NULL), standard));
  cr_assert(eq(u64, set_of("[]"), always));
  cr_assert(eq(u64, set_of("[all]"), every));
  cr_assert(eq(u64, set_of("[sharpness]"), sharp));
  cr_assert(eq(u64, set_of("[nuclear_norm, standard]"), nuclear));
}

Test(observable, what_expensive_ones_cost_is_only_paid_where_asked_for) {
  uint64_t standard = htf_observable_set(HTF_WHEN_STANDARD);
  for (int i = 0; i < HTF_OBSERVABLES; i++) {
    if (htf_observable_get_cost(i) == HTF_COST_HESSIAN) {
      cr_assert(eq(u64, standard >> i & 1, 0), "%s", htf_observable_variables()[i].name);
    }
  }
}

// SPDX-License-Identifier: BSD-3-Clause
// The identities of all runs of a plan.
#include "cli_impl.h"

typedef struct tour {
  htf_spec_series *series;
  htf_cli_identity_visit *visit;
  void *context;
} tour;

static htf_status visit(void *context, int64_t run, const htf_spec *spec) {
  htf_status status = HTF_OK;
  const tour *t = context;
  htf_digest identity;
  HTF_TRY(htf_spec_series_identity(t->series, spec, &identity));
  HTF_TRY(t->visit(t->context, run, spec, &identity));
done:
  return status;
}

htf_status htf_cli__identities(const htf_plan *plan, htf_cli_identity_visit *show,
                               void *context) {
  htf_status status = HTF_OK;
  tour t = {.visit = show, .context = context};
  HTF_TRY(htf_spec_series_create(&t.series));
  HTF_TRY(htf_plan_each(plan, visit, &t));
done:
  htf_spec_series_destroy(&t.series);
  return status;
}

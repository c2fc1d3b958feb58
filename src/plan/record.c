// SPDX-License-Identifier: BSD-3-Clause
// That what record.entries and record.partitions name is there, and is not too dear.
#include "htflow/memory.h"
#include "htflow/observable.h"
#include "htflow/spectra.h"
#include "plan_impl.h"

static htf_status visit_entries(htf_plan__check *c) {
  htf_status status = HTF_OK;
  int64_t entry[HTF_MAX_ORDER];
  int count = htf_observable_count(c->spec->record.entries);
  htf_plan__resolve_shape(c->plan, c->spec);
  for (int i = 0; i < count; i++) {
    HTF_TRY(htf_observable_entry(c->spec, i, entry));
  }
done:
  return status;
}

// A tree that does not fit is complained of where the trees are resolved.
static htf_status find_model(htf_plan__check *c, htf_model **model) {
  htf_status status = HTF_OK;
  char *newick = NULL;
  HTF_TRY(htf_plan__resolve_tree(c->spec, HTF_PLAN__MODEL, &newick));
  HTF_TRY(htf_plan__model(c->spec, newick, model));
done:
  HTF_FREE(newick);
  if (status == HTF_E_CONFIG) {
    htf_error_clear();
    status = HTF_OK;
  }
  return status;
}

static htf_status visit_partitions(htf_plan__check *c) {
  htf_status status = HTF_OK;
  htf_model *model = NULL;
  int count = htf_observable_count(c->spec->record.partitions);
  if (count == 0) {
    return HTF_OK;
  }
  htf_plan__resolve_shape(c->plan, c->spec);
  HTF_TRY(find_model(c, &model));
  for (int i = 0; model != NULL && i < count; i++) {
    uint64_t modes;
    double flops;
    HTF_TRY(htf_observable_partition(c->spec, i, &modes));
    HTF_TRY(htf_spectra_choice_cost(model, modes, &flops));
  }
done:
  htf_model_destroy(&model);
  return status;
}

htf_status htf_plan__check_record(htf_plan__check *c) {
  static const char *const entries[] = {"record.entries", "problem.shape", "problem.file",
                                        NULL};
  static const char *const partitions[] = {
      "record.partitions", "model.tree",  "model.kind",   "problem.shape",
      "model.width",       "model.depth", "problem.file", NULL};
  htf_status status = HTF_OK;
  HTF_TRY(htf_plan__each(c, entries, visit_entries));
  HTF_TRY(htf_plan__each(c, partitions, visit_partitions));
done:
  return status;
}

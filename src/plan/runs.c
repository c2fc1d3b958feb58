// SPDX-License-Identifier: BSD-3-Clause
// What a plan answers: the spec of each run, and what it knows of itself.
#include <stdio.h>
#include <string.h>

#include "htflow/plan.h"
#include "plan_impl.h"

// The trees with every width; and where the model's was not given, what it is called.
static void put_trees(const htf_plan *plan, int64_t index, htf_spec *spec) {
  for (int which = 0; which < 2; which++) {
    int64_t at = htf_plan__combination(plan, &plan->tree_group[which], index);
    const char *newick = plan->newick[which][at];
    htf_tree_field *tree =
        which == HTF_PLAN__MODEL ? &spec->model.tree : &spec->problem.target_tree;
    snprintf(tree->newick, sizeof tree->newick, "%s", newick == NULL ? "" : newick);
  }
  if (spec->model.tree.label[0] == '\0') {
    const char *label = htf_plan__model_label(spec);
    snprintf(spec->model.tree.label, sizeof spec->model.tree.label, "%s",
             label[0] == '\0' ? spec->model.tree.newick : label);
  }
}

htf_status htf_plan_spec(const htf_plan *plan, int64_t index, htf_spec *spec) {
  htf_status status = HTF_OK;
  HTF_ASSERT(0 <= index && index < plan->runs);
  *spec = plan->base;
  for (int i = 0; i < plan->axes; i++) {
    HTF_TRY(htf_plan__axis_apply(&plan->axis[i], htf_plan_axis_at(plan, i, index), spec));
  }
  HTF_TRY(htf_plan__resolve_counts(plan, spec));
  put_trees(plan, index, spec);
  if (spec->init.kind == HTF_INIT_FILE) {
    const htf_plan__weights *weights =
        htf_plan__find_weights(plan, spec->init.file, spec->init.run);
    HTF_ASSERT(weights != NULL);
    memcpy(spec->init.file_digest, weights->is.digest, HTF_DIGEST_TEXT);
  }
done:
  return status;
}

// ---- queries ---------------------------------------------------------------------------

const char *htf_plan_name(const htf_plan *plan) {
  return plan->name;
}

int64_t htf_plan_seed(const htf_plan *plan) {
  return plan->base.sweep_seed;
}

int64_t htf_plan_runs(const htf_plan *plan) {
  return plan->runs;
}

int htf_plan_axes(const htf_plan *plan) {
  return plan->axes;
}

const char *htf_plan_axis_label(const htf_plan *plan, int axis) {
  return plan->axis[axis].label;
}

const htf_field *htf_plan_axis_field(const htf_plan *plan, int axis) {
  return plan->axis[axis].field;
}

int64_t htf_plan_axis_count(const htf_plan *plan, int axis) {
  return plan->axis[axis].count;
}

int64_t htf_plan_axis_at(const htf_plan *plan, int axis, int64_t index) {
  return index / plan->axis[axis].stride % plan->axis[axis].count;
}

void htf_plan_axis_text(const htf_plan *plan, int axis, int64_t value, char *text,
                        size_t size) {
  htf_plan__axis_print(&plan->axis[axis], value, false, text, size);
}

const char *htf_plan_resolved(const htf_plan *plan) {
  return plan->resolved;
}

const htf_digest *htf_plan_hash(const htf_plan *plan) {
  return &plan->hash;
}

const char *htf_plan_text(const htf_plan *plan) {
  return plan->text;
}

// SPDX-License-Identifier: BSD-3-Clause
// What a plan answers: the spec of each run, and what it knows of itself.
#include <stdio.h>
#include <string.h>

#include "htflow/plan.h"
#include "plan_impl.h"

static void put_text(char to[HTF_MAX_NEWICK], const char *text) {
  memcpy(to, text, strlen(text) + 1); // newicks and labels are shorter
}

// The trees with every width; and where the model's was not given, what it is called.
static void put_trees(const htf_plan *plan, int block, int64_t local, htf_spec *spec) {
  const htf_plan__block *b = &plan->block[block];
  for (int which = 0; which < 2; which++) {
    int64_t at = htf_plan__combination(plan, &b->tree_group[which], local);
    const char *newick = b->newick[which][at];
    htf_tree_field *tree =
        which == HTF_PLAN__MODEL ? &spec->model.tree : &spec->problem.target_tree;
    put_text(tree->newick, newick == NULL ? "" : newick);
  }
  if (spec->model.tree.label[0] == '\0') {
    const char *label = htf_plan__model_label(spec);
    put_text(spec->model.tree.label, label[0] == '\0' ? spec->model.tree.newick : label);
  }
}

void htf_plan__put_rest(const htf_plan *plan, int block, int64_t local, htf_spec *spec) {
  put_trees(plan, block, local, spec);
  if (spec->init.kind == HTF_INIT_FILE) {
    const htf_plan__weights *weights =
        htf_plan__find_weights(plan, spec->init.file, spec->init.run);
    HTF_ASSERT(weights != NULL);
    memcpy(spec->init.file_digest, weights->is.digest, HTF_DIGEST_TEXT);
  }
}

htf_status htf_plan_spec(const htf_plan *plan, int64_t index, htf_spec *spec) {
  htf_status status = HTF_OK;
  HTF_ASSERT(0 <= index && index < plan->runs);
  int64_t point = htf_plan__point(plan, index);
  int block = htf_plan__block_of(plan, point);
  const htf_plan__block *b = &plan->block[block];
  point -= b->start;
  *spec = plan->base;
  for (int i = b->first; i < b->first + b->axes; i++) {
    const htf_plan__axis *axis = &plan->axis[i];
    HTF_TRY(htf_plan__axis_apply(axis, point / axis->stride % axis->count, spec));
  }
  HTF_TRY(htf_plan__resolve_counts(plan, spec));
  htf_plan__put_rest(plan, block, point, spec);
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

int64_t htf_plan_points(const htf_plan *plan) {
  return plan->points;
}

int64_t htf_plan_excluded(const htf_plan *plan) {
  return plan->excluded;
}

int64_t htf_plan_duplicates(const htf_plan *plan) {
  return plan->duplicates;
}

int htf_plan_warnings(const htf_plan *plan) {
  return plan->warnings;
}

const char *htf_plan_warning(const htf_plan *plan, int i) {
  return plan->warning[i];
}

int htf_plan_blocks(const htf_plan *plan) {
  return plan->by_blocks ? plan->blocks : 0;
}

int htf_plan_axes(const htf_plan *plan) {
  return plan->columns;
}

const char *htf_plan_axis_label(const htf_plan *plan, int axis) {
  return plan->column[axis].label;
}

const htf_field *htf_plan_axis_field(const htf_plan *plan, int axis) {
  return plan->column[axis].field;
}

int64_t htf_plan_axis_count(const htf_plan *plan, int axis) {
  return plan->column[axis].count;
}

int64_t htf_plan_axis_at(const htf_plan *plan, int axis, int64_t index) {
  int64_t point = htf_plan__point(plan, index);
  const htf_plan__block *b = &plan->block[htf_plan__block_of(plan, point)];
  for (int i = b->first; i < b->first + b->axes; i++) {
    const htf_plan__axis *a = &plan->axis[i];
    if (a->column == axis) {
      return a->offset + (point - b->start) / a->stride % a->count;
    }
  }
  return -1;
}

// What the base says of a column that a block does not have.
static void print_base(const htf_plan *plan, const htf_field *field, char *text,
                       size_t size) {
  if (field == NULL) {
    snprintf(text, size, "{}");
  } else if (htf_spec_member_const(&plan->base, field) == &plan->base.model.tree) {
    snprintf(text, size, "%s", htf_plan__model_label(&plan->base));
  } else {
    htf_spec_print(&plan->base, field, text, size);
  }
}

void htf_plan_axis_text(const htf_plan *plan, int axis, int64_t value, char *text,
                        size_t size) {
  for (int i = 0; i < plan->axes && value >= 0; i++) {
    const htf_plan__axis *a = &plan->axis[i];
    if (a->column == axis && a->offset <= value && value < a->offset + a->count) {
      htf_plan__axis_print(a, value - a->offset, false, text, size);
      return;
    }
  }
  print_base(plan, plan->column[axis].field, text, size);
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

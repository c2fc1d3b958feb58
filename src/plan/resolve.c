// SPDX-License-Identifier: BSD-3-Clause
// Whether the values of different keys fit together, and the mode trees of all runs.
#include <stdio.h>
#include <string.h>

#include "htflow/memory.h"
#include "htflow/tree.h"
#include "plan_impl.h"

// ---- trees -----------------------------------------------------------------------------

const char *htf_plan__model_label(const htf_spec *spec) {
  static const char *const otherwise[] = {[HTF_FACTORIZATION_HTF] = "binary",
                                          [HTF_FACTORIZATION_CP] = "flat",
                                          [HTF_FACTORIZATION_MF] = ""};
  const char *given = spec->model.tree.label;
  return given[0] != '\0' ? given : otherwise[spec->model.kind];
}

static htf_status build_model_tree(const htf_spec *spec, htf_tree **tree) {
  htf_status status = HTF_OK;
  const char *label = htf_plan__model_label(spec);
  int order = spec->problem.shape.order, width = (int)spec->model.width;
  if (spec->model.kind == HTF_FACTORIZATION_MF) {
    HTF_CHECK(label[0] == '\0', HTF_E_CONFIG, "model.kind mf has no tree, but model.depth");
    HTF_CHECK(order == 2, HTF_E_CONFIG,
              "model.kind mf is a product of matrices: of 2 modes");
    HTF_TRY(htf_tree_chain((int)spec->model.depth, width, tree));
    goto done;
  }
  HTF_TRY(htf_tree_from_label(label, order, width, tree));
  HTF_CHECK(spec->model.kind != HTF_FACTORIZATION_CP || htf_tree_depth(*tree) == 1,
            HTF_E_CONFIG, "model.kind cp has a flat tree");
done:
  return status;
}

static htf_status build_target_tree(const htf_spec *spec, htf_tree **tree) {
  bool cp = spec->problem.target == HTF_TARGET_CP;
  return htf_tree_from_label(cp ? "flat" : spec->problem.target_tree.label,
                             spec->problem.shape.order, (int)spec->problem.target_width,
                             tree);
}

htf_status htf_plan__resolve_tree(const htf_spec *spec, int which, char **newick) {
  htf_status status = HTF_OK;
  htf_tree *tree = NULL;
  char text[HTF_MAX_NEWICK];
  bool model = which == HTF_PLAN__MODEL;
  HTF_TRY(model ? build_model_tree(spec, &tree) : build_target_tree(spec, &tree));
  HTF_TRY(htf_tree_newick(tree, text, sizeof text));
  HTF_NEW(*newick, strlen(text) + 1);
  strcpy(*newick, text);
done:
  if (status == HTF_E_CONFIG && !(model && spec->model.kind == HTF_FACTORIZATION_MF)) {
    htf_error_prefix(
        "%s \"%.100s\" over %d modes: ", model ? "model.tree" : "problem.target.tree",
        model ? htf_plan__model_label(spec) : spec->problem.target_tree.label,
        spec->problem.shape.order);
  }
  htf_tree_destroy(&tree);
  return status;
}

static htf_status visit_tree(htf_plan__check *c, int which) {
  htf_status status = HTF_OK;
  htf_plan__resolve_shape(c->plan, c->spec);
  if (which == HTF_PLAN__MODEL || c->spec->problem.file[0] == '\0') {
    HTF_TRY(htf_plan__resolve_tree(
        c->spec, which, &c->plan->block[c->block].newick[which][c->combination]));
  }
done:
  return status;
}

static htf_status visit_model_tree(htf_plan__check *c) {
  return visit_tree(c, HTF_PLAN__MODEL);
}

static htf_status visit_target_tree(htf_plan__check *c) {
  return visit_tree(c, HTF_PLAN__TARGET);
}

static htf_status resolve_trees(htf_plan__check *c, int which) {
  static const char *const keys[2][8] = {
      [HTF_PLAN__MODEL] = {"model.tree", "model.kind", "problem.shape", "model.width",
                           "model.depth", "problem.file"},
      [HTF_PLAN__TARGET] = {"problem.target.tree", "problem.shape", "problem.target.kind",
                            "problem.target.width", "problem.file"}};
  htf_status status = HTF_OK;
  htf_plan__block *block = &c->plan->block[c->block];
  bool good;
  HTF_TRY(htf_plan__open_check(c, keys[which], &good));
  if (!good) {
    goto done;
  }
  HTF_NEW(block->newick[which], c->group.combinations);
  block->tree_group[which].combinations = c->group.combinations;
  HTF_TRY(
      htf_plan__walk(c, which == HTF_PLAN__MODEL ? visit_model_tree : visit_target_tree));
  block->tree_group[which] = c->group;
  c->group = (htf_plan__group){0};
done:
  htf_plan__close_check(c);
  return status;
}

// ---- all of it -------------------------------------------------------------------------

static htf_status visit_counts(htf_plan__check *c) {
  return htf_plan__resolve_counts(c->plan, c->spec);
}

htf_status htf_plan__resolve(htf_plan *plan, const htf_plan_source *source,
                             htf_plan__reader *reader) {
  static const char *const counts[] = {"problem.samples", "problem.test", "problem.shape",
                                       "problem.file",    "problem.task", NULL};
  htf_status status = HTF_OK;
  htf_plan__check c = {.plan = plan, .source = source, .reader = reader};
  HTF_NEW(c.spec, 1);
  HTF_TRY(htf_plan__check_files(&c));
  HTF_TRY(htf_plan__check_rules(&c));
  HTF_TRY(htf_plan__each(&c, counts, visit_counts));
  for (c.block = 0; c.block < plan->blocks; c.block++) {
    HTF_TRY(resolve_trees(&c, HTF_PLAN__MODEL));
    HTF_TRY(resolve_trees(&c, HTF_PLAN__TARGET));
  }
  HTF_TRY(htf_plan__check_weights(&c));
  HTF_TRY(htf_plan__check_record(&c));
done:
  HTF_FREE(c.spec);
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
// The layout of theta.
#include "htflow/model.h"

#include <string.h>

#include "htflow/memory.h"

struct htf_model {
  htf_model_kind kind;
  htf_tree *tree;
  int64_t *shape;                // [N]
  int64_t *rows, *cols, *offset; // [nodes]
  int64_t parameters;
};

static int64_t outer_width(const htf_tree *tree, int node) {
  int parent = htf_tree_parent(tree, node);
  return parent < 0 ? 1 : htf_tree_width(tree, parent);
}

static int64_t inner_width(const htf_tree *tree, const int64_t *shape, int node) {
  const int *modes;
  bool leaf = htf_tree_children(tree, node) == 0;
  htf_tree_modes(tree, node, &modes);
  return leaf ? shape[modes[0]] : htf_tree_width(tree, node);
}

static htf_status lay_out(htf_model *model) {
  htf_status status = HTF_OK;
  const htf_tree *tree = model->tree;
  for (int v = 0; v < htf_tree_nodes(tree); v++) {
    int64_t size;
    model->rows[v] = inner_width(tree, model->shape, v);
    model->cols[v] = outer_width(tree, v);
    model->offset[v] = model->parameters;
    if (model->kind != HTF_MODEL_HTF && v == htf_tree_root(tree)) {
      model->offset[v] = -1;
      continue;
    }
    HTF_CHECK(!__builtin_mul_overflow(model->rows[v], model->cols[v], &size) &&
                  !__builtin_add_overflow(model->parameters, size, &model->parameters),
              HTF_E_CONFIG, "the model has more parameters than can be counted");
  }
done:
  return status;
}

htf_status htf_model_create(htf_model_kind kind, const htf_tree *tree, const int64_t *shape,
                            htf_model **out) {
  htf_status status = HTF_OK;
  htf_model *model = NULL;
  int order = htf_tree_order(tree), nodes = htf_tree_nodes(tree);
  for (int n = 0; n < order; n++) {
    HTF_CHECK(shape[n] > 0, HTF_E_CONFIG, "mode %d has size %lld, must be positive", n,
              (long long)shape[n]);
  }
  HTF_CHECK(kind != HTF_MODEL_MF || order == 2, HTF_E_CONFIG,
            "a matrix factorization has two modes, this tree has %d", order);
  HTF_CHECK(kind != HTF_MODEL_CP || nodes == order + 1, HTF_E_CONFIG,
            "a CP factorization needs a flat tree, this one has %d interior nodes",
            nodes - order);
  HTF_NEW(model, 1);
  model->kind = kind;
  HTF_TRY(htf_tree_copy(tree, &model->tree));
  HTF_NEW(model->shape, order);
  HTF_NEW(model->rows, nodes);
  HTF_NEW(model->cols, nodes);
  HTF_NEW(model->offset, nodes);
  memcpy(model->shape, shape, (size_t)order * sizeof *shape);
  HTF_TRY(lay_out(model));
  *out = model;
  model = NULL;
done:
  htf_model_destroy(&model);
  return status;
}

void htf_model_destroy(htf_model **model) {
  if (*model != NULL) {
    htf_tree_destroy(&(*model)->tree);
    HTF_FREE((*model)->shape);
    HTF_FREE((*model)->rows);
    HTF_FREE((*model)->cols);
    HTF_FREE((*model)->offset);
    HTF_FREE(*model);
  }
}

htf_model_kind htf_model_get_kind(const htf_model *model) {
  return model->kind;
}

const htf_tree *htf_model_tree(const htf_model *model) {
  return model->tree;
}

const int64_t *htf_model_shape(const htf_model *model) {
  return model->shape;
}

int64_t htf_model_parameters(const htf_model *model) {
  return model->parameters;
}

double htf_model_entries(const htf_model *model) {
  double entries = 1;
  for (int n = 0; n < htf_tree_order(model->tree); n++) {
    entries *= (double)model->shape[n];
  }
  return entries;
}

int64_t htf_model_rows(const htf_model *model, int node) {
  return model->rows[node];
}

int64_t htf_model_cols(const htf_model *model, int node) {
  return model->cols[node];
}

int64_t htf_model_offset(const htf_model *model, int node) {
  return model->offset[node];
}

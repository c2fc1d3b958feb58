// SPDX-License-Identifier: BSD-3-Clause
// /weights/<class>: the weight matrices that records keep, one array a node.
#include <stdio.h>
#include <string.h>

#include "class_impl.h"
#include "htflow/memory.h"

enum { NODE_NAME = HTF_MAX_ORDER * 4 };

// The arrays of a class's nodes, NULL for a node that is no weight in any of its runs.
typedef struct matrices {
  int nodes;
  htf_results__array **node; // [nodes]
} matrices;

static void drop(matrices *m) {
  for (int i = 0; m->node != NULL && i < m->nodes; i++) {
    htf_results__array_drop(&m->node[i]);
  }
  HTF_FREE(m->node);
}

static htf_status open_node(const htf_model *model, int node, htf_results__group *group,
                            htf_results__array **array) {
  htf_status status = HTF_OK;
  char name[NODE_NAME], matrix[NODE_NAME + 8], row[NODE_NAME + 8], column[NODE_NAME + 8];
  HTF_TRY(htf_tree_node_name(htf_model_tree(model), node, name, sizeof name));
  snprintf(matrix, sizeof matrix, "w_%s", name);
  snprintf(row, sizeof row, "row_%s", name);
  snprintf(column, sizeof column, "column_%s", name);
  HTF_TRY(htf_results__index_scale(group, row, "row of a weight matrix",
                                   htf_model_rows(model, node)));
  HTF_TRY(htf_results__index_scale(group, column, "column of a weight matrix",
                                   htf_model_cols(model, node)));
  htf_results__about about = {
      .name = matrix,
      .kind = HTF_ARRAY_REAL,
      .rank = 3,
      .dims = {"run", row, column},
      .units = "1",
      .long_name = "weight matrix",
      .comment = "W^(v) of this node: [R_v, R_parent(v)], a leaf's R being its mode's size "
                 "(theory.md section 1)"};
  HTF_TRY(htf_results__array_open(group, &about, array));
done:
  return status;
}

// The largest of the class's models gives the arrays their shapes.
static htf_status open_nodes(const htf_results__class *class, htf_results__group *group,
                             matrices *m) {
  htf_status status = HTF_OK;
  htf_model *largest = NULL;
  HTF_TRY(htf_model_create(HTF_MODEL_HTF, class->tree, class->shape.size, &largest));
  m->nodes = htf_tree_nodes(class->tree);
  HTF_NEW(m->node, m->nodes);
  for (int node = 0; node < m->nodes; node++) {
    if (node != htf_tree_root(class->tree) || class->root_is_weight) {
      HTF_TRY(open_node(largest, node, group, &m->node[node]));
    }
  }
done:
  htf_model_destroy(&largest);
  return status;
}

static htf_status put_run(const htf_results__class *class, const htf_results_source *source,
                          int64_t run, const htf_record *record, matrices *m) {
  htf_status status = HTF_OK;
  htf_model *model = NULL;
  htf_shape shape = {0};
  HTF_TRY(source->shape(source->context, run, &shape));
  HTF_TRY(htf_results__weights_model(class->tree, &shape, record->weight_count, &model));
  for (int node = 0; node < m->nodes; node++) {
    int64_t offset = htf_model_offset(model, node);
    int64_t dims[] = {htf_model_rows(model, node), htf_model_cols(model, node)};
    if (m->node[node] != NULL) {
      HTF_TRY(htf_results__put_reals(m->node[node], dims,
                                     offset >= 0 ? record->weights + offset : NULL));
    }
  }
done:
  htf_model_destroy(&model);
  return status;
}

htf_status htf_results__write_weights(const htf_results__classes *classes, int index,
                                      const htf_results_source *source,
                                      htf_results__layout *layout) {
  htf_status status = HTF_OK;
  const htf_results__class *class = &classes->class[index];
  const htf_results__holds what = HTF_HOLDS_WEIGHTS;
  htf_results__group *group = NULL;
  matrices m = {0};
  htf_record record;
  htf_record_init(&record);
  HTF_TRY(htf_results__class_group(class, "/weights", layout, &group));
  HTF_TRY(
      htf_results__run_scale(classes, index, what, source->runs, class->weighted, group));
  HTF_TRY(open_nodes(class, group, &m));
  int64_t run = htf_results__next_run(classes, index, what, source->runs, 0);
  while (run < source->runs) {
    HTF_TRY(source->record(source->context, run, &record));
    HTF_TRY(put_run(class, source, run, &record, &m));
    htf_record_clear(&record);
    run = htf_results__next_run(classes, index, what, source->runs, run + 1);
  }
  for (int node = 0; node < m.nodes; node++) {
    HTF_TRY(htf_results__array_flush(m.node[node]));
  }
  for (int node = 0; node < m.nodes; node++) {
    HTF_TRY(htf_results__array_close(&m.node[node]));
  }
done:
  drop(&m);
  htf_results__group_close(&group);
  htf_record_clear(&record);
  return status;
}

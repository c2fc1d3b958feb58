// SPDX-License-Identifier: BSD-3-Clause
// The first pass: which classes there are, and how large.
#include "class_impl.h"

#include <stdio.h>
#include <string.h>

#include "htflow/memory.h"
#include "weights_impl.h"

htf_status htf_results__classes_create(int64_t runs, htf_results__classes **out) {
  htf_status status = HTF_OK;
  htf_results__classes *classes = NULL;
  HTF_NEW(classes, 1);
  HTF_NEW(classes->of, runs);
  HTF_NEW(classes->holds, runs);
  for (int64_t i = 0; i < runs; i++) {
    classes->of[i] = -1;
  }
  *out = classes;
  classes = NULL;
done:
  htf_results__classes_destroy(&classes);
  return status;
}

void htf_results__classes_destroy(htf_results__classes **classes) {
  htf_results__classes *c = *classes;
  if (c != NULL) {
    for (int i = 0; i < c->count; i++) {
      htf_tree_destroy(&c->class[i].tree);
      HTF_FREE(c->class[i].extent);
    }
    HTF_FREE(c->class);
    HTF_FREE(c->of);
    HTF_FREE(c->holds);
    HTF_FREE(*classes);
  }
}

static htf_status add_class(htf_results__classes *classes, int variables,
                            const char *newick) {
  htf_status status = HTF_OK;
  HTF_RESIZE(classes->class, classes->count + 1);
  htf_results__class *class = &classes->class[classes->count++];
  memset(class, 0, sizeof *class);
  snprintf(class->name, sizeof class->name, "c%d", classes->count - 1);
  snprintf(class->newick, sizeof class->newick, "%s", newick);
  HTF_NEW(class->extent, variables * HTF_VARIABLE_DIMS);
  HTF_TRY(htf_weights__tree("the tree of a record", newick, &class->tree));
  for (int node = 0; node < htf_tree_nodes(class->tree); node++) {
    class->interior += htf_tree_children(class->tree, node) > 0;
  }
  class->shape.order = htf_tree_order(class->tree);
done:
  return status;
}

static htf_status class_of(htf_results__classes *classes, int variables, const char *newick,
                           int *index) {
  htf_status status = HTF_OK;
  for (*index = 0; *index < classes->count; ++*index) {
    if (strcmp(classes->class[*index].newick, newick) == 0) {
      return HTF_OK;
    }
  }
  HTF_TRY(add_class(classes, variables, newick));
done:
  return status;
}

static int variable_of(const htf_results_source *source, const char *name) {
  for (int i = 0; i < source->variables; i++) {
    if (strcmp(source->variable[i].name, name) == 0) {
      return i;
    }
  }
  return -1;
}

// Dimensions of these two names are as long as the tree has such nodes.
static htf_status check_nodes(const htf_results__class *class, const htf_column *column,
                              const char *dim, int64_t length) {
  htf_status status = HTF_OK;
  int partitions = htf_tree_nodes(class->tree) - 1;
  HTF_CHECK(strcmp(dim, "node") != 0 || length == class->interior, HTF_E_INTERNAL,
            "column %s has %lld nodes where the tree has %d", column->name,
            (long long)length, class->interior);
  HTF_CHECK(strcmp(dim, "partition") != 0 || length == partitions, HTF_E_INTERNAL,
            "column %s has %lld partitions where the tree has %d", column->name,
            (long long)length, partitions);
done:
  return status;
}

static htf_status enter_column(htf_results__class *class, const htf_results_source *source,
                               const htf_column *column, int64_t samples) {
  htf_status status = HTF_OK;
  int index = variable_of(source, column->name);
  HTF_CHECK(index >= 0, HTF_E_INTERNAL, "column %s has no descriptor", column->name);
  const htf_variable *variable = &source->variable[index];
  int64_t *extent = class->extent + index * HTF_VARIABLE_DIMS;
  HTF_CHECK(variable->rank == column->rank, HTF_E_INTERNAL,
            "column %s has %d dimensions, its descriptor %d", column->name, column->rank,
            variable->rank);
  bool over_samples = strcmp(variable->dims[0], "sample") == 0;
  HTF_CHECK(!over_samples || column->dims[0] == samples, HTF_E_INTERNAL,
            "column %s has %lld samples, its record %lld", column->name,
            (long long)column->dims[0], (long long)samples);
  for (int i = 0; i < column->rank; i++) {
    HTF_TRY(check_nodes(class, column, variable->dims[i], column->dims[i]));
    extent[i] = column->dims[i] > extent[i] ? column->dims[i] : extent[i];
  }
done:
  return status;
}

// HTF, or a model of frozen root where just the root's weights are missing.
htf_status htf_results__weights_model(const htf_tree *tree, const htf_shape *shape,
                                      int64_t weights, htf_model **out) {
  htf_status status = HTF_OK;
  htf_model *model = NULL;
  HTF_CHECK(shape->order == htf_tree_order(tree), HTF_E_DATA,
            "a shape of order %d for a tree of order %d", shape->order,
            htf_tree_order(tree));
  HTF_TRY(htf_model_create(HTF_MODEL_HTF, tree, shape->size, &model));
  int64_t all = htf_model_parameters(model),
          root = htf_tree_width(tree, htf_tree_root(tree));
  htf_model_kind frozen = htf_weights__frozen(tree);
  if (weights == all - root && (frozen == HTF_MODEL_MF || htf_tree_depth(tree) == 1)) {
    htf_model_destroy(&model);
    HTF_TRY(htf_model_create(frozen, tree, shape->size, &model));
  }
  HTF_CHECK(weights == htf_model_parameters(model), HTF_E_DATA,
            "%lld weights kept of a model with %lld", (long long)weights, (long long)all);
  *out = model;
  model = NULL;
done:
  htf_model_destroy(&model);
  return status;
}

static htf_status enter_weights(htf_results__class *class, const htf_results_source *source,
                                int64_t run, int64_t weights) {
  htf_status status = HTF_OK;
  htf_shape shape = {0};
  htf_model *model = NULL;
  HTF_CHECK(source->shape != NULL, HTF_E_INTERNAL, "weights kept, but no shape told");
  HTF_TRY(source->shape(source->context, run, &shape));
  HTF_TRY(htf_results__weights_model(class->tree, &shape, weights, &model));
  class->root_is_weight |= htf_model_get_kind(model) == HTF_MODEL_HTF;
  for (int n = 0; n < shape.order; n++) {
    if (shape.size[n] > class->shape.size[n]) {
      class->shape.size[n] = shape.size[n];
    }
  }
  class->weighted++;
done:
  htf_model_destroy(&model);
  return status;
}

htf_status htf_results__enter_run(htf_results__classes *classes,
                                  const htf_results_source *source, int64_t run,
                                  const htf_record *record, const char **trajectory,
                                  int64_t *row) {
  htf_status status = HTF_OK;
  int index = -1;
  *trajectory = "";
  *row = -1;
  bool columns = record->column_count > 0 && record->samples > 0;
  bool weights = record->weight_count > 0;
  if (!columns && !weights) {
    return HTF_OK;
  }
  HTF_TRY(class_of(classes, source->variables, record->tree, &index));
  htf_results__class *class = &classes->class[index];
  classes->of[run] = index;
  classes->holds[run] =
      (columns ? HTF_HOLDS_COLUMNS : 0) | (weights ? HTF_HOLDS_WEIGHTS : 0);
  if (columns) {
    for (int i = 0; i < record->column_count; i++) {
      HTF_TRY(enter_column(class, source, &record->columns[i], record->samples));
    }
    class->samples = record->samples > class->samples ? record->samples : class->samples;
    *trajectory = class->name;
    *row = class->runs++;
  }
  if (weights) {
    HTF_TRY(enter_weights(class, source, run, record->weight_count));
  }
done:
  if (status != HTF_OK) {
    htf_error_prefix("run %lld: ", (long long)run);
  }
  return status;
}

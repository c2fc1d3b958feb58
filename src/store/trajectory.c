// SPDX-License-Identifier: BSD-3-Clause
// The second pass: /trajectories/<class>, one class after another, one record at a time.
#include <stdio.h>
#include <string.h>

#include "class_impl.h"
#include "hdf5_impl.h"
#include "htflow/memory.h"

// Bytes of a node's name, which lists its modes.
enum { NODE_NAME = HTF_MAX_ORDER * 4 };

// ---- what trajectories and weights share ------------------------------------------------

int64_t htf_results__next_run(const htf_results__classes *classes, int index,
                              htf_results__holds what, int64_t runs, int64_t run) {
  while (run < runs && (classes->of[run] != index || !(classes->holds[run] & what))) {
    run++;
  }
  return run;
}

htf_status htf_results__run_scale(const htf_results__classes *classes, int index,
                                  htf_results__holds what, int64_t runs, int64_t length,
                                  htf_results__group *group) {
  htf_status status = HTF_OK;
  htf_results__array *array = NULL;
  htf_results__about about = {.name = "run",
                              .kind = HTF_ARRAY_INTEGER,
                              .rank = 1,
                              .units = "1",
                              .long_name = "run",
                              .comment = "index into /runs"};
  HTF_TRY(htf_results__scale_open(group, &about, length, &array));
  int64_t run = htf_results__next_run(classes, index, what, runs, 0);
  while (run < runs) {
    HTF_TRY(htf_results__put_integer(array, run));
    run = htf_results__next_run(classes, index, what, runs, run + 1);
  }
  HTF_TRY(htf_results__array_close(&array));
done:
  htf_results__array_drop(&array);
  return status;
}

static htf_status put_node_names(const htf_tree *tree, hid_t id) {
  htf_status status = HTF_OK;
  int nodes = htf_tree_nodes(tree);
  char(*name)[NODE_NAME] = NULL;
  const char **names = NULL;
  HTF_NEW(name, nodes);
  HTF_NEW(names, nodes);
  for (int node = 0; node < nodes; node++) {
    HTF_TRY(htf_tree_node_name(tree, node, name[node], NODE_NAME));
    names[node] = name[node];
  }
  HTF_TRY(htf_file__put_texts(id, "nodes", nodes, names));
done:
  HTF_FREE(name);
  HTF_FREE(names);
  return status;
}

htf_status htf_results__class_group(const htf_results__class *class, const char *parent,
                                    htf_results__layout *layout, htf_results__group **out) {
  htf_status status = HTF_OK;
  htf_results__group *group = NULL;
  char path[64];
  snprintf(path, sizeof path, "%s/%s", parent, class->name);
  HTF_TRY(htf_results__group_open(layout, path, true, &group));
  HTF_TRY(htf_file__put_text(group->id, "tree", class->newick));
  HTF_TRY(put_node_names(class->tree, group->id));
  *out = group;
  group = NULL;
done:
  htf_results__group_close(&group);
  return status;
}

// ---- dimensions -------------------------------------------------------------------------

// A scale of node names: `node`, the interior ones, or `partition`, all but the root.
typedef struct node_scale {
  const char *name, *long_name;
  bool (*holds)(const htf_tree *tree, int node);
} node_scale;

static bool is_interior(const htf_tree *tree, int node) {
  return htf_tree_children(tree, node) > 0;
}

static bool is_partition(const htf_tree *tree, int node) {
  return node != htf_tree_root(tree);
}

static const node_scale node_scales[] = {
    {"node", "interior node", is_interior},
    {"partition", "node whose modes stand against all others", is_partition}};

static htf_status make_node_scale(const node_scale *scale, const htf_tree *tree,
                                  int64_t length, htf_results__group *group) {
  htf_status status = HTF_OK;
  htf_results__array *array = NULL;
  char name[NODE_NAME];
  htf_results__about about = {.name = scale->name,
                              .kind = HTF_ARRAY_TEXT,
                              .rank = 1,
                              .units = "1",
                              .long_name = scale->long_name,
                              .comment = "its modes, as the tree lists them, joined by _"};
  HTF_TRY(htf_results__scale_open(group, &about, length, &array));
  for (int node = 0; node < htf_tree_nodes(tree); node++) {
    if (scale->holds(tree, node)) {
      HTF_TRY(htf_tree_node_name(tree, node, name, sizeof name));
      HTF_TRY(htf_results__put_text(array, name));
    }
  }
  HTF_TRY(htf_results__array_close(&array));
done:
  htf_results__array_drop(&array);
  return status;
}

// Whether any run of the class has elements of this variable.
static bool has_variable(const htf_results__class *class, const htf_results_source *source,
                         int index) {
  for (int i = 0; i < source->variable[index].rank; i++) {
    if (class->extent[index * HTF_VARIABLE_DIMS + i] == 0) {
      return false;
    }
  }
  return true;
}

// The most that a dimension of this name has in any variable.
static int64_t longest(const htf_results__class *class, const htf_results_source *source,
                       const char *name) {
  int64_t length = 0;
  for (int v = 0; v < source->variables; v++) {
    for (int i = 0; i < source->variable[v].rank && has_variable(class, source, v); i++) {
      int64_t extent = class->extent[v * HTF_VARIABLE_DIMS + i];
      if (strcmp(source->variable[v].dims[i], name) == 0 && extent > length) {
        length = extent;
      }
    }
  }
  return length;
}

static htf_status make_scale(const htf_results__class *class, const char *name,
                             int64_t length, htf_results__group *group) {
  for (int i = 0; i < 2; i++) {
    if (strcmp(node_scales[i].name, name) == 0) {
      return make_node_scale(&node_scales[i], class->tree, length, group);
    }
  }
  return htf_results__index_scale(group, name, name, length);
}

static htf_status make_scales(const htf_results__class *class,
                              const htf_results_source *source, htf_results__group *group) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_results__index_scale(group, "sample", "sample", class->samples));
  for (int v = 0; v < source->variables; v++) {
    for (int i = 0; i < source->variable[v].rank && has_variable(class, source, v); i++) {
      const char *name = source->variable[v].dims[i];
      if (htf_results__length(group, name) == 0) {
        HTF_TRY(make_scale(class, name, longest(class, source, name), group));
      }
    }
  }
done:
  return status;
}

// ---- columns ----------------------------------------------------------------------------

// The arrays of a class: how many samples each run has, and its columns.
typedef struct table {
  htf_results__array *samples;
  htf_results__array **column; // [variables], NULL for those no run has
  int variables;
} table;

static void drop_table(table *t) {
  htf_results__array_drop(&t->samples);
  for (int v = 0; t->column != NULL && v < t->variables; v++) {
    htf_results__array_drop(&t->column[v]);
  }
  HTF_FREE(t->column);
}

static htf_status open_column(const htf_variable *variable, htf_results__group *group,
                              htf_results__array **array) {
  htf_results__about about = {.name = variable->name,
                              .kind = HTF_ARRAY_REAL,
                              .rank = 1 + variable->rank,
                              .dims = {"run"},
                              .units = variable->units,
                              .long_name = variable->long_name,
                              .comment = variable->comment};
  for (int i = 0; i < variable->rank; i++) {
    about.dims[i + 1] = variable->dims[i];
  }
  if (variable->flags != NULL) {
    HTF_ASSERT(variable->rank == 1);
    about.kind = HTF_ARRAY_FLAG;
    about.flag = variable->flags;
    while (about.flag[about.flags] != NULL) {
      about.flags++;
    }
  }
  return htf_results__array_open(group, &about, array);
}

static htf_status open_table(const htf_results__class *class,
                             const htf_results_source *source, htf_results__group *group,
                             table *t) {
  htf_status status = HTF_OK;
  htf_results__about samples = {.name = "samples",
                                .kind = HTF_ARRAY_INTEGER,
                                .rank = 1,
                                .dims = {"run"},
                                .units = "1",
                                .long_name = "number of samples",
                                .comment = "the rest of the run's row is missing"};
  t->variables = source->variables;
  HTF_NEW(t->column, source->variables);
  HTF_TRY(htf_results__array_open(group, &samples, &t->samples));
  for (int v = 0; v < source->variables; v++) {
    if (has_variable(class, source, v)) {
      HTF_TRY(open_column(&source->variable[v], group, &t->column[v]));
    }
  }
done:
  return status;
}

static htf_status put_column(const htf_variable *variable, const htf_column *column,
                             htf_results__array *array) {
  const int64_t *dims = column != NULL ? column->dims : NULL;
  const double *data = column != NULL ? column->data : NULL;
  if (variable->flags != NULL) {
    return htf_results__put_flags(array, column != NULL ? dims[0] : 0, data);
  }
  return htf_results__put_reals(array, dims, data);
}

static htf_status put_run(const htf_results_source *source, const htf_record *record,
                          table *t) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_results__put_integer(t->samples, record->samples));
  for (int v = 0; v < t->variables; v++) {
    if (t->column[v] != NULL) {
      const htf_column *column = htf_record_find(record, source->variable[v].name);
      HTF_TRY(put_column(&source->variable[v], column, t->column[v]));
    }
  }
done:
  return status;
}

static htf_status close_table(table *t) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_results__array_flush(t->samples));
  for (int v = 0; v < t->variables; v++) {
    HTF_TRY(htf_results__array_flush(t->column[v]));
  }
  HTF_TRY(htf_results__array_close(&t->samples));
  for (int v = 0; v < t->variables; v++) {
    HTF_TRY(htf_results__array_close(&t->column[v]));
  }
done:
  return status;
}

static htf_status write_class(const htf_results__classes *classes, int index,
                              const htf_results_source *source,
                              htf_results__layout *layout) {
  htf_status status = HTF_OK;
  const htf_results__class *class = &classes->class[index];
  const htf_results__holds what = HTF_HOLDS_COLUMNS;
  htf_results__group *group = NULL;
  table t = {0};
  htf_record record;
  htf_record_init(&record);
  HTF_TRY(htf_results__class_group(class, "/trajectories", layout, &group));
  HTF_TRY(htf_results__run_scale(classes, index, what, source->runs, class->runs, group));
  HTF_TRY(make_scales(class, source, group));
  HTF_TRY(open_table(class, source, group, &t));
  int64_t run = htf_results__next_run(classes, index, what, source->runs, 0);
  while (run < source->runs) {
    HTF_TRY(source->record(source->context, run, &record));
    HTF_TRY(put_run(source, &record, &t));
    htf_record_clear(&record);
    run = htf_results__next_run(classes, index, what, source->runs, run + 1);
  }
  HTF_TRY(close_table(&t));
done:
  drop_table(&t);
  htf_results__group_close(&group);
  htf_record_clear(&record);
  return status;
}

// ---- all of them ------------------------------------------------------------------------

static htf_status open_weights(const htf_results_source *source,
                               htf_results__layout *layout, htf_results__group **group) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_results__group_open(layout, "/weights", true, group));
  if (source->which_weights != NULL) {
    HTF_TRY(htf_file__put_text((*group)->id, "which", source->which_weights));
  }
done:
  return status;
}

// /weights is there only where weights were kept.
htf_status htf_results__write_classes(const htf_results__classes *classes,
                                      const htf_results_source *source,
                                      htf_results__layout *layout) {
  htf_status status = HTF_OK;
  htf_results__group *trajectories = NULL, *weights = NULL;
  HTF_TRY(htf_results__group_open(layout, "/trajectories", true, &trajectories));
  for (int i = 0; i < classes->count; i++) {
    if (classes->class[i].runs > 0) {
      HTF_TRY(write_class(classes, i, source, layout));
    }
  }
  for (int i = 0; i < classes->count; i++) {
    if (classes->class[i].weighted > 0) {
      if (weights == NULL) {
        HTF_TRY(open_weights(source, layout, &weights));
      }
      HTF_TRY(htf_results__write_weights(classes, i, source, layout));
    }
  }
done:
  htf_results__group_close(&trajectories);
  htf_results__group_close(&weights);
  return status;
}

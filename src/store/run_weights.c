// SPDX-License-Identifier: BSD-3-Clause
// The weights that a run of a results file kept. The runs of a class share arrays as large
// as the largest of them; what lies beyond a run's own mode sizes is NAN, and so is all of
// the root's matrix where the run's root is frozen.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "hdf5_impl.h"
#include "htflow/memory.h"
#include "samples_impl.h"
#include "weights_impl.h"

enum { NAME = HTF_TREE_TEXT + 16 };

// The matrix of a node in one run's row of the class, [dims[1], dims[2]].
typedef struct slice {
  char name[NAME];
  hsize_t dims[3];
  double *values;
} slice;

static htf_status read_slice(const htf_reader__file *group, const htf_tree *tree, int node,
                             int64_t row, slice *s) {
  htf_status status = HTF_OK;
  hid_t dataset = -1;
  size_t used = (size_t)snprintf(s->name, NAME, "w_");
  HTF_TRY(htf_tree_node_name(tree, node, s->name + used, NAME - used));
  HTF_TRY(htf_reader__dataset(group, s->name, 3, &dataset, s->dims));
  HTF_TRY(htf_reader__size(group, s->name, 3, s->dims));
  HTF_NEW(s->values, s->dims[1] * s->dims[2]);
  HTF_TRY(htf_reader__row(dataset, s->name, HTF_READER_REALS, row, s->values));
done:
  htf_file__drop(&dataset);
  return status;
}

// How many rows are the run's: all up to the last that is not NAN alone.
static int64_t own_rows(const slice *s) {
  int64_t rows = 0, cols = (int64_t)s->dims[2];
  for (int64_t i = 0; i < (int64_t)(s->dims[1] * s->dims[2]); i++) {
    rows = isnan(s->values[i]) ? rows : i / cols + 1;
  }
  return rows;
}

static htf_status read_slices(const htf_reader__file *group, const htf_tree *tree,
                              int64_t row, slice *slices, htf_file_weights *weights) {
  htf_status status = HTF_OK;
  char root[NAME] = "w_";
  weights->shape.order = htf_tree_order(tree);
  HTF_TRY(htf_tree_node_name(tree, htf_tree_root(tree), root + 2, sizeof root - 2));
  for (int node = 0; node < htf_tree_nodes(tree); node++) {
    bool is_root = node == htf_tree_root(tree);
    if (!is_root || htf_reader__exists(group->at, root)) {
      HTF_TRY(read_slice(group, tree, node, row, &slices[node]));
    }
    if (htf_tree_children(tree, node) == 0) {
      const int *modes;
      htf_tree_modes(tree, node, &modes);
      int64_t rows = own_rows(&slices[node]);
      HTF_CHECK(rows > 0, HTF_E_DATA, "dataset %s: row %lld has no finite value",
                slices[node].name, (long long)row);
      weights->shape.size[modes[0]] = rows;
    }
  }
  slice *top = &slices[htf_tree_root(tree)];
  weights->kind =
      top->values == NULL || own_rows(top) == 0 ? htf_weights__frozen(tree) : HTF_MODEL_HTF;
done:
  return status;
}

static htf_status check_slice(const htf_model *model, int node, int64_t row,
                              const slice *s) {
  htf_status status = HTF_OK;
  int64_t rows = htf_model_rows(model, node), cols = htf_model_cols(model, node);
  HTF_CHECK((int64_t)s->dims[1] >= rows && (int64_t)s->dims[2] == cols, HTF_E_DATA,
            "dataset %s is %llu x %llu a run, expected %lld x %lld by the tree's widths",
            s->name, (unsigned long long)s->dims[1], (unsigned long long)s->dims[2],
            (long long)rows, (long long)cols);
  for (int64_t i = 0; i < rows * cols; i++) {
    HTF_CHECK(isfinite(s->values[i]), HTF_E_DATA, "%s[%lld, %lld, %lld] is not finite",
              s->name, (long long)row, (long long)(i / cols), (long long)(i % cols));
  }
done:
  return status;
}

// First all shapes, so that theta is no larger than what was read.
static htf_status assemble(const htf_tree *tree, int64_t row, const slice *slices,
                           htf_file_weights *weights) {
  htf_status status = HTF_OK;
  htf_model *model = NULL;
  status = htf_model_create(weights->kind, tree, weights->shape.size, &model);
  HTF_CHECK(status != HTF_E_CONFIG, HTF_E_DATA, "row %lld keeps no weights of the root",
            (long long)row);
  HTF_TRY(status);
  for (int node = 0; node < htf_tree_nodes(tree); node++) {
    if (htf_model_offset(model, node) >= 0) {
      HTF_TRY(check_slice(model, node, row, &slices[node]));
    }
  }
  weights->count = htf_model_parameters(model);
  HTF_NEW(weights->theta, weights->count);
  for (int node = 0; node < htf_tree_nodes(tree); node++) {
    int64_t offset = htf_model_offset(model, node);
    int64_t size = htf_model_rows(model, node) * htf_model_cols(model, node);
    if (offset >= 0) {
      memcpy(weights->theta + offset, slices[node].values, (size_t)size * sizeof(double));
    }
  }
done:
  htf_model_destroy(&model);
  return status;
}

htf_status htf_weights__class_row(const htf_reader__file *group, int64_t row,
                                  htf_file_weights *weights) {
  htf_status status = HTF_OK;
  htf_tree *tree = NULL;
  slice *slices = NULL;
  int nodes = 0;
  HTF_TRY(
      htf_reader__text(group->at, "class", "tree", weights->tree, sizeof weights->tree));
  HTF_TRY(htf_weights__tree("class attribute tree", weights->tree, &tree));
  nodes = htf_tree_nodes(tree);
  HTF_NEW(slices, nodes);
  HTF_TRY(read_slices(group, tree, row, slices, weights));
  HTF_TRY(assemble(tree, row, slices, weights));
done:
  for (int node = 0; slices != NULL && node < nodes; node++) {
    HTF_FREE(slices[node].values);
  }
  HTF_FREE(slices);
  htf_tree_destroy(&tree);
  return status;
}

// ---- which class ------------------------------------------------------------------------

// The row of a run in a class, -1 if it has none there.
static htf_status find_row(const htf_reader__file *group, int64_t run, int64_t *row) {
  htf_status status = HTF_OK;
  hid_t dataset = -1;
  hsize_t count = 0;
  int64_t *runs = NULL;
  *row = -1;
  HTF_TRY(htf_reader__dataset(group, "run", 1, &dataset, &count));
  HTF_TRY(htf_reader__size(group, "run", 1, &count));
  HTF_NEW(runs, count);
  HTF_TRY(htf_reader__numbers(dataset, "run", HTF_READER_INTEGERS, runs));
  for (int64_t i = 0; i < (int64_t)count && *row < 0; i++) {
    *row = runs[i] == run ? i : -1;
  }
done:
  HTF_FREE(runs);
  htf_file__drop(&dataset);
  return status;
}

static htf_status read_class(const htf_reader__file *file, hid_t parent, hsize_t index,
                             int64_t run, htf_file_weights *weights) {
  htf_status status = HTF_OK;
  htf_reader__file group = {.at = -1, .bytes = file->bytes};
  char name[64] = "";
  int64_t row = -1;
  HDF5_TRY(HTF_E_DATA, H5Lget_name_by_idx(parent, ".", H5_INDEX_NAME, H5_ITER_INC, index,
                                          name, sizeof name, H5P_DEFAULT));
  HDF5_OPEN(HTF_E_DATA, group.at, H5Gopen2(parent, name, H5P_DEFAULT));
  HTF_TRY(find_row(&group, run, &row));
  if (row >= 0) {
    HTF_TRY(htf_weights__class_row(&group, row, weights));
  }
done:
  htf_file__drop(&group.at);
  if (status != HTF_OK) {
    htf_error_prefix("/weights/%s: ", name);
  }
  return status;
}

static htf_status read_run(const htf_reader__file *file, int64_t run,
                           htf_file_weights *weights) {
  htf_status status = HTF_OK;
  hid_t parent = -1;
  H5G_info_t info = {.nlinks = 0};
  HTF_CHECK(htf_reader__exists(file->at, "weights"), HTF_E_DATA,
            "no run kept weights (no group /weights)");
  HDF5_OPEN(HTF_E_DATA, parent, H5Gopen2(file->at, "weights", H5P_DEFAULT));
  HDF5_TRY(HTF_E_DATA, H5Gget_info(parent, &info));
  for (hsize_t i = 0; i < info.nlinks && weights->theta == NULL; i++) {
    HTF_TRY(read_class(file, parent, i, run, weights));
  }
  HTF_CHECK(weights->theta != NULL, HTF_E_DATA, "run %lld kept no weights", (long long)run);
done:
  htf_file__drop(&parent);
  return status;
}

htf_status htf_file_read_run_weights(const char *path, int64_t run,
                                     htf_file_weights *weights) {
  return htf_weights__read_guarded(path, read_run, run, weights);
}

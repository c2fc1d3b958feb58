// SPDX-License-Identifier: BSD-3-Clause
// Problem files and weights files, written: plain datasets in groups, no times in them.
#include <stdio.h>
#include <unistd.h>

#include "disk_impl.h"
#include "hdf5_impl.h"
#include "htflow/memory.h"
#include "layout_impl.h"
#include "samples_impl.h"

static htf_status put(hid_t at, const char *name, hid_t type, int rank, const int64_t *dims,
                      const void *values) {
  htf_status status = HTF_OK;
  hid_t list = -1, space = -1, dataset = -1;
  hsize_t size[H5S_MAX_RANK];
  bool integers = type == H5T_STD_I64LE;
  for (int i = 0; i < rank; i++) {
    size[i] = (hsize_t)dims[i];
  }
  HDF5_OPEN(HTF_E_IO, list, H5Pcreate(H5P_DATASET_CREATE));
  HDF5_TRY(HTF_E_IO, H5Pset_obj_track_times(list, false));
  HDF5_OPEN(HTF_E_IO, space, H5Screate_simple(rank, size, NULL));
  HDF5_OPEN(HTF_E_IO, dataset,
            H5Dcreate2(at, name, type, space, H5P_DEFAULT, list, H5P_DEFAULT));
  HDF5_TRY(HTF_E_IO, H5Dwrite(dataset, integers ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE,
                              H5S_ALL, H5S_ALL, H5P_DEFAULT, values));
  HTF_TRY(htf_file__close(&dataset));
done:
  htf_file__drop(&dataset);
  htf_file__drop(&space);
  htf_file__drop(&list);
  return status;
}

// ---- problems ---------------------------------------------------------------------------

static htf_status put_list(htf_results__layout *layout, const char *path,
                           const htf_file_data *data, int64_t count, const int64_t *indices,
                           const double *inputs, const double *values) {
  htf_status status = HTF_OK;
  htf_results__group *group = NULL;
  int64_t dims[] = {count, data->shape.order, data->input_size};
  HTF_TRY(htf_results__group_open(layout, path, false, &group));
  if (data->task == HTF_TASK_SENSING) {
    HTF_TRY(put(group->id, "inputs", H5T_IEEE_F64LE, 3, dims, inputs));
  } else {
    HTF_TRY(put(group->id, "indices", H5T_STD_I64LE, 2, dims, indices));
  }
  HTF_TRY(put(group->id, "values", H5T_IEEE_F64LE, 1, dims, values));
done:
  htf_results__group_close(&group);
  return status;
}

static htf_status put_problem(htf_results__layout *layout, const void *what) {
  htf_status status = HTF_OK;
  const htf_file_data *d = what;
  const htf_shape *shape = &d->shape;
  hid_t root = htf_results__root(layout);
  int64_t order = shape->order;
  HTF_CHECK(d->tensor == NULL || order <= H5S_MAX_RANK, HTF_E_DATA,
            "a dense tensor of %lld modes; HDF5 has at most %d dimensions",
            (long long)order, H5S_MAX_RANK);
  HTF_TRY(htf_file__put_text(root, "kind", "problem"));
  HTF_TRY(htf_file__put_text(root, "task", htf_file__tasks[d->task]));
  HTF_TRY(put(root, "shape", H5T_STD_I64LE, 1, &order, shape->size));
  if (d->train > 0) {
    HTF_TRY(put_list(layout, "/train", d, d->train, d->train_indices, d->train_inputs,
                     d->train_values));
  }
  if (d->test > 0) {
    HTF_TRY(put_list(layout, "/test", d, d->test, d->test_indices, d->test_inputs,
                     d->test_values));
  }
  if (d->tensor != NULL) {
    HTF_TRY(put(root, "tensor", H5T_IEEE_F64LE, shape->order, shape->size, d->tensor));
  }
done:
  return status;
}

// ---- weights ----------------------------------------------------------------------------

typedef struct weights {
  const htf_model *model;
  const double *theta;
} weights;

static htf_status put_weights(htf_results__layout *layout, const void *what) {
  htf_status status = HTF_OK;
  const weights *w = what;
  const htf_tree *tree = htf_model_tree(w->model);
  htf_results__group *group = NULL;
  hid_t root = htf_results__root(layout);
  char text[HTF_MAX_NEWICK], name[HTF_TREE_TEXT];
  HTF_TRY(htf_tree_newick(tree, text, sizeof text));
  HTF_TRY(htf_file__put_text(root, "kind", "weights"));
  HTF_TRY(htf_file__put_text(root, "tree", text));
  HTF_TRY(htf_results__group_open(layout, "/weights", false, &group));
  for (int node = 0; node < htf_tree_nodes(tree); node++) {
    int64_t dims[] = {htf_model_rows(w->model, node), htf_model_cols(w->model, node)};
    int64_t offset = htf_model_offset(w->model, node);
    if (offset >= 0) {
      HTF_TRY(htf_tree_node_name(tree, node, name, sizeof name));
      HTF_TRY(put(group->id, name, H5T_IEEE_F64LE, 2, dims, w->theta + offset));
    }
  }
done:
  htf_results__group_close(&group);
  return status;
}

// ---- the file ---------------------------------------------------------------------------

static htf_status write_file(const char *path, htf_results__fill *fill, const void *what) {
  htf_status status = HTF_OK;
  HTF_CHECK(htf_file__ends(path, ".h5") || htf_file__ends(path, ".hdf5"), HTF_E_DATA,
            "%s: the name of a file to write ends in .h5 or .hdf5", path);
  HTF_TRY(htf_results__write_file(path, fill, what));
done:
  return status;
}

htf_status htf_file_write_problem(const char *path, const htf_file_data *data) {
  return write_file(path, put_problem, data);
}

htf_status htf_file_write_weights(const char *path, const htf_model *model,
                                  const double *theta) {
  return write_file(path, put_weights, &(weights){model, theta});
}

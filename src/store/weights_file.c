// SPDX-License-Identifier: BSD-3-Clause
// Weights files, read. The tree says which datasets there must be, the leaves' rows are the
// mode sizes, and with both a model says all shapes, before memory is asked for.
#include <stdio.h>
#include <string.h>

#include "hdf5_impl.h"
#include "htflow/memory.h"
#include "samples_impl.h"
#include "weights_impl.h"

// Bytes of "weights/" and a node's name.
enum { NAME = HTF_TREE_TEXT + 16 };

// What the model's room raises of a user's words is about a file's words here.
static htf_status as_data(htf_status status, const char *where) {
  char text[1024];
  if (status != HTF_E_CONFIG) {
    return status;
  }
  snprintf(text, sizeof text, "%s", htf_error_message());
  return htf_error_raise(HTF_E_DATA, __FILE__, __LINE__, __func__, "%s: %s", where, text);
}

htf_status htf_weights__tree(const char *where, const char *newick, htf_tree **tree) {
  return as_data(htf_tree_read(newick, tree), where);
}

htf_model_kind htf_weights__frozen(const htf_tree *tree) {
  for (int node = 0; node < htf_tree_nodes(tree); node++) {
    if (htf_tree_children(tree, node) == 1) {
      return HTF_MODEL_MF;
    }
  }
  return HTF_MODEL_CP;
}

static htf_status name_node(const htf_tree *tree, int node, char name[NAME]) {
  htf_status status = HTF_OK;
  size_t used = (size_t)snprintf(name, NAME, "weights/");
  HTF_TRY(htf_tree_node_name(tree, node, name + used, NAME - used));
done:
  return status;
}

static htf_status read_sizes(const htf_reader__file *file, const htf_tree *tree,
                             htf_shape *shape) {
  htf_status status = HTF_OK;
  hid_t dataset = -1;
  shape->order = htf_tree_order(tree);
  for (int mode = 0; mode < shape->order; mode++) {
    char name[NAME];
    hsize_t dims[2] = {0, 0};
    HTF_TRY(name_node(tree, htf_tree_leaf(tree, mode), name));
    HTF_TRY(htf_reader__dataset(file, name, 2, &dataset, dims));
    htf_file__drop(&dataset);
    HTF_CHECK(1 <= dims[0] && dims[0] <= HTF_FILE_MODE, HTF_E_DATA,
              "dataset %s has %llu rows, expected 1 to %d", name,
              (unsigned long long)dims[0], HTF_FILE_MODE);
    shape->size[mode] = (int64_t)dims[0];
  }
done:
  htf_file__drop(&dataset);
  return status;
}

// Without its root's matrix a tree is that of a model whose root is frozen, if there is
// one; else the matrix is missing.
static htf_status make_model(const htf_reader__file *file, const htf_tree *tree,
                             htf_file_weights *weights, htf_model **model) {
  htf_status status = HTF_OK;
  char root[NAME];
  HTF_TRY(name_node(tree, htf_tree_root(tree), root));
  bool frozen = !htf_reader__exists(file->at, root);
  weights->kind = frozen ? htf_weights__frozen(tree) : HTF_MODEL_HTF;
  status = htf_model_create(weights->kind, tree, weights->shape.size, model);
  HTF_CHECK(!frozen || status != HTF_E_CONFIG, HTF_E_DATA, "dataset %s is missing", root);
  HTF_TRY(as_data(status, "root attribute tree"));
done:
  return status;
}

static htf_status open_matrix(const htf_reader__file *file, const htf_model *model,
                              int node, char name[NAME], hid_t *dataset, hsize_t dims[2]) {
  htf_status status = HTF_OK;
  long long rows = htf_model_rows(model, node), cols = htf_model_cols(model, node);
  HTF_TRY(name_node(htf_model_tree(model), node, name));
  HTF_TRY(htf_reader__dataset(file, name, 2, dataset, dims));
  HTF_CHECK((long long)dims[0] == rows && (long long)dims[1] == cols, HTF_E_DATA,
            "dataset %s is %llu x %llu, expected %lld x %lld by the tree's widths", name,
            (unsigned long long)dims[0], (unsigned long long)dims[1], rows, cols);
  HTF_TRY(htf_reader__size(file, name, 2, dims));
  HTF_TRY(htf_reader__of(*dataset, name, HTF_READER_REALS));
done:
  return status;
}

// First all shapes, then all numbers.
static htf_status read_matrices(const htf_reader__file *file, const htf_model *model,
                                htf_file_weights *weights) {
  htf_status status = HTF_OK;
  hid_t dataset = -1;
  char name[NAME];
  hsize_t dims[2];
  int nodes = htf_tree_nodes(htf_model_tree(model));
  for (int node = 0; node < nodes; node++) {
    if (htf_model_offset(model, node) >= 0) {
      HTF_TRY(open_matrix(file, model, node, name, &dataset, dims));
      htf_file__drop(&dataset);
    }
  }
  weights->count = htf_model_parameters(model);
  HTF_NEW(weights->theta, weights->count);
  for (int node = 0; node < nodes; node++) {
    double *matrix = weights->theta + htf_model_offset(model, node);
    if (htf_model_offset(model, node) >= 0) {
      HTF_TRY(open_matrix(file, model, node, name, &dataset, dims));
      HTF_TRY(htf_reader__numbers(dataset, name, HTF_READER_REALS, matrix));
      HTF_TRY(htf_reader__finite(name, 2, dims, matrix));
      htf_file__drop(&dataset);
    }
  }
done:
  htf_file__drop(&dataset);
  return status;
}

// Each link of the group is a node of the tree; called by H5Literate.
static herr_t find_stranger(hid_t group, const char *name, const H5L_info_t *info,
                            void *context) {
  const htf_tree *tree = context;
  char own[HTF_TREE_TEXT];
  (void)group;
  (void)info;
  for (int node = 0; node < htf_tree_nodes(tree); node++) {
    if (htf_tree_node_name(tree, node, own, sizeof own) == HTF_OK &&
        strcmp(own, name) == 0) {
      return 0;
    }
  }
  htf_error_raise(HTF_E_DATA, __FILE__, __LINE__, __func__,
                  "dataset weights/%s is of no node of the tree", name);
  return 1;
}

static htf_status check_strangers(const htf_reader__file *file, const htf_tree *tree) {
  htf_status status = HTF_OK;
  hid_t group = -1;
  hsize_t at = 0;
  HDF5_OPEN(HTF_E_DATA, group, H5Gopen2(file->at, "weights", H5P_DEFAULT));
  herr_t found =
      H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &at, find_stranger, (void *)tree);
  HDF5_TRY(HTF_E_DATA, found);
  status = found > 0 ? HTF_E_DATA : HTF_OK;
done:
  htf_file__drop(&group);
  return status;
}

static htf_status read_all(const htf_reader__file *file, int64_t run,
                           htf_file_weights *weights) {
  htf_status status = HTF_OK;
  (void)run; // there is one
  htf_tree *tree = NULL;
  htf_model *model = NULL;
  HTF_TRY(htf_reader__expect(file->at, "kind", "weights"));
  HTF_TRY(htf_reader__text(file->at, "root", "tree", weights->tree, sizeof weights->tree));
  HTF_TRY(htf_weights__tree("root attribute tree", weights->tree, &tree));
  HTF_TRY(htf_tree_newick(tree, weights->tree, sizeof weights->tree));
  HTF_TRY(read_sizes(file, tree, &weights->shape));
  HTF_TRY(make_model(file, tree, weights, &model));
  HTF_TRY(check_strangers(file, tree));
  HTF_TRY(read_matrices(file, model, weights));
done:
  htf_model_destroy(&model);
  htf_tree_destroy(&tree);
  return status;
}

// ---- in a process of its own ------------------------------------------------------------

typedef struct reading {
  const char *path;
  htf_weights__read *read;
  int64_t run;
  htf_file_weights *weights;
} reading;

static htf_status read_file(void *context) {
  htf_status status = HTF_OK;
  reading *r = context;
  htf_reader__file file = {.at = -1};
  HTF_TRY(htf_reader__open(r->path, &file));
  HTF_TRY(r->read(&file, r->run, r->weights));
done:
  htf_reader__close(&file);
  return status;
}

static htf_status send_weights(void *context, FILE *out) {
  htf_status status = HTF_OK;
  const htf_file_weights *w = ((reading *)context)->weights;
  HTF_TRY(htf_guard_put(out, w, sizeof *w));
  HTF_TRY(htf_guard_put(out, w->theta, (size_t)w->count * sizeof *w->theta));
done:
  return status;
}

static htf_status receive_weights(void *context, FILE *in) {
  htf_status status = HTF_OK;
  htf_file_weights *w = ((reading *)context)->weights;
  HTF_TRY(htf_guard_get(in, w, sizeof *w));
  w->theta = NULL; // the pointer is the child's
  HTF_NEW(w->theta, w->count);
  HTF_TRY(htf_guard_get(in, w->theta, (size_t)w->count * sizeof *w->theta));
done:
  return status;
}

htf_status htf_weights__read_guarded(const char *path, htf_weights__read *read, int64_t run,
                                     htf_file_weights *weights) {
  htf_status status = HTF_OK;
  reading r = {path, read, run, weights};
  memset(weights, 0, sizeof *weights);
  HTF_TRY(htf_file__regular(path));
  HTF_TRY(htf_file_guarded(path, &(htf_guard){.work = read_file,
                                              .send = send_weights,
                                              .receive = receive_weights,
                                              .context = &r,
                                              .seconds = 1e-7}));
done:
  if (status != HTF_OK) {
    htf_file_weights_clear(weights);
  }
  return status;
}

htf_status htf_file_read_weights(const char *path, htf_file_weights *weights) {
  return htf_weights__read_guarded(path, read_all, -1, weights);
}

void htf_file_weights_clear(htf_file_weights *weights) {
  HTF_FREE(weights->theta);
  memset(weights, 0, sizeof *weights);
}

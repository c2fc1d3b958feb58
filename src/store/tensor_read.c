// SPDX-License-Identifier: BSD-3-Clause
// Dense tensors read: which file has one, and a run of its entries as boxes.
#include <string.h>

#include "hdf5_impl.h"
#include "htflow/files.h"
#include "htflow/memory.h"
#include "samples_impl.h"
#include "tensor_impl.h"

// ---- what a file is
// -----------------------------------------------------------------------

static htf_status find_source(const htf_reader__file *file, htf_tensor_source *source) {
  htf_status status = HTF_OK;
  char kind[64] = "results";
  if (H5Aexists(file->at, "kind") > 0) {
    HTF_TRY(htf_reader__text(file->at, "root", "kind", kind, sizeof kind));
  } else {
    HTF_CHECK(
        htf_reader__exists(file->at, "runs"), HTF_E_DATA,
        "neither a problem or weights file (no attribute kind) nor a results file (no "
        "group runs)");
  }
  *source = strcmp(kind, "problem") == 0   ? HTF_TENSOR_DENSE
            : strcmp(kind, "weights") == 0 ? HTF_TENSOR_WEIGHTS
                                           : HTF_TENSOR_RESULTS;
  HTF_CHECK(*source != HTF_TENSOR_RESULTS || strcmp(kind, "results") == 0, HTF_E_DATA,
            "root attribute kind is \"%s\", expected \"problem\" or \"weights\"", kind);
  HTF_CHECK(*source != HTF_TENSOR_DENSE || htf_reader__exists(file->at, "tensor"),
            HTF_E_DATA, "a problem without dataset tensor");
done:
  return status;
}

htf_status htf_tensor_find_source(const char *path, htf_tensor_source *source) {
  htf_status status = HTF_OK;
  htf_reader__file file = {.at = -1};
  HTF_TRY(htf_file__regular(path));
  status = htf_reader__open(path, &file);
  status = status == HTF_OK ? find_source(&file, source) : status;
  if (status != HTF_OK) {
    htf_error_prefix("%s: ", path);
  }
done:
  htf_reader__close(&file);
  return status;
}

// ---- the dataset ----------------------------------------------------------------------

void htf_tensor__drop(htf_tensor **out) {
  htf_tensor *tensor = *out;
  if (tensor != NULL) {
    htf_file__drop(&tensor->space);
    htf_file__drop(&tensor->dataset);
    htf_reader__close(&tensor->file);
    HTF_FREE(*out);
  }
}

static htf_status read_shape(const htf_reader__file *file, htf_shape *shape) {
  htf_status status = HTF_OK;
  hid_t dataset = -1;
  hsize_t order = 0;
  HTF_TRY(htf_reader__dataset(file, "shape", 1, &dataset, &order));
  HTF_CHECK(1 <= order && order <= H5S_MAX_RANK, HTF_E_DATA,
            "dataset shape has %llu modes, expected 1 to %d", (unsigned long long)order,
            H5S_MAX_RANK);
  HTF_TRY(htf_reader__numbers(dataset, "shape", HTF_READER_INTEGERS, shape->size));
  shape->order = (int)order;
done:
  htf_file__drop(&dataset);
  return status;
}

htf_status htf_tensor__dataset(htf_tensor *tensor) {
  htf_status status = HTF_OK;
  hsize_t dims[H5S_MAX_RANK] = {0};
  const htf_shape *shape = &tensor->shape;
  HTF_TRY(read_shape(&tensor->file, &tensor->shape));
  HTF_TRY(
      htf_reader__dataset(&tensor->file, "tensor", shape->order, &tensor->dataset, dims));
  for (int i = 0; i < shape->order; i++) {
    HTF_CHECK(dims[i] == (hsize_t)shape->size[i] && shape->size[i] >= 1, HTF_E_DATA,
              "dataset tensor has size %llu in mode %d, shape[%d] is %lld",
              (unsigned long long)dims[i], i, i, (long long)shape->size[i]);
  }
  HTF_TRY(htf_reader__size(&tensor->file, "tensor", shape->order, dims));
  HTF_TRY(htf_reader__of(tensor->dataset, "tensor", HTF_READER_NUMBERS));
  HDF5_OPEN(HTF_E_DATA, tensor->space, H5Dget_space(tensor->dataset));
done:
  return status;
}

static htf_status open_file(const char *path, htf_tensor *tensor) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_reader__open(path, &tensor->file));
  HTF_TRY(htf_reader__expect(tensor->file.at, "kind", "problem"));
  HTF_TRY(htf_tensor__dataset(tensor));
done:
  return status;
}

htf_status htf_tensor_open(const char *path, htf_tensor **out) {
  htf_status status = HTF_OK;
  htf_tensor *tensor = NULL;
  HTF_TRY(htf_file__regular(path));
  HTF_NEW(tensor, 1);
  tensor->file.at = tensor->dataset = tensor->space = -1;
  status = open_file(path, tensor);
  if (status != HTF_OK) {
    htf_error_prefix("%s: ", path);
    goto done;
  }
  *out = tensor;
  tensor = NULL;
done:
  htf_tensor__drop(&tensor);
  return status;
}

void htf_tensor_close(htf_tensor **tensor) {
  htf_tensor__drop(tensor);
}

const htf_shape *htf_tensor_shape(const htf_tensor *tensor) {
  return &tensor->shape;
}

// ---- boxes ------------------------------------------------------------------------------

// The largest box that begins at entry `first` and has at most `count` entries: one index
// in each mode before the `cut`, some of that one, all of those behind it.
static int64_t next_box(const htf_shape *shape, int64_t first, int64_t count,
                        hsize_t *start, hsize_t *size) {
  int64_t inner = 1;
  int cut = shape->order - 1;
  for (int mode = shape->order - 1; mode >= 0; mode--) {
    start[mode] = (hsize_t)(first % shape->size[mode]);
    first /= shape->size[mode];
    size[mode] = 1;
  }
  while (cut > 0 && start[cut] == 0 && inner * shape->size[cut] <= count) {
    size[cut] = (hsize_t)shape->size[cut];
    inner *= shape->size[cut--];
  }
  int64_t left = shape->size[cut] - (int64_t)start[cut], some = count / inner;
  size[cut] = (hsize_t)(some < left ? some : left);
  return (int64_t)size[cut] * inner;
}

htf_status htf_tensor__boxes(htf_tensor *tensor, int64_t first, int64_t count,
                             double *entries, htf_tensor__visit *visit) {
  htf_status status = HTF_OK;
  hid_t memory = -1;
  hsize_t start[H5S_MAX_RANK], size[H5S_MAX_RANK];
  while (count > 0) {
    int64_t box = next_box(&tensor->shape, first, count, start, size);
    HDF5_TRY(HTF_E_DATA,
             H5Sselect_hyperslab(tensor->space, H5S_SELECT_SET, start, NULL, size, NULL));
    HDF5_OPEN(HTF_E_DATA, memory, H5Screate_simple(1, &(hsize_t){(hsize_t)box}, NULL));
    HTF_TRY(visit(tensor, memory, entries));
    htf_file__drop(&memory);
    first += box;
    entries += box;
    count -= box;
  }
done:
  htf_file__drop(&memory);
  return status;
}

static htf_status read_box(htf_tensor *tensor, hid_t memory, double *entries) {
  htf_status status = HTF_OK;
  HTF_CHECK(H5Dread(tensor->dataset, H5T_NATIVE_DOUBLE, memory, tensor->space, H5P_DEFAULT,
                    entries) >= 0,
            HTF_E_DATA, "dataset tensor: HDF5: %s", htf_file__hdf5_text());
done:
  return status;
}

htf_status htf_tensor_read(void *tensor, int64_t first, int64_t count, double *entries) {
  return htf_tensor__boxes(tensor, first, count, entries, read_box);
}

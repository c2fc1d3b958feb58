// SPDX-License-Identifier: BSD-3-Clause
// Problem files in HDF5, read. Types and shapes are checked before memory is asked for,
// values after.
#include <stdio.h>
#include <string.h>

#include "hdf5_impl.h"
#include "htflow/memory.h"
#include "reader_impl.h"
#include "samples_impl.h"

// ---- datasets ---------------------------------------------------------------------------

static htf_status read_task(const htf_reader__file *file, int *task) {
  htf_status status = HTF_OK;
  char text[32] = "";
  HTF_TRY(htf_reader__text(file->at, "root", "task", text, sizeof text));
  for (*task = 0; *task < HTF_FILE_TASKS; ++*task) {
    if (strcmp(text, htf_file__tasks[*task]) == 0) {
      break;
    }
  }
  HTF_CHECK(*task < HTF_FILE_TASKS, HTF_E_DATA,
            "root attribute task is \"%s\", expected \"completion\", \"sensing\" or "
            "\"full\"",
            text);
done:
  return status;
}

static htf_status read_shape(const htf_reader__file *file, htf_shape *shape) {
  htf_status status = HTF_OK;
  hid_t dataset = -1;
  hsize_t order = 0;
  HTF_TRY(htf_reader__dataset(file, "shape", 1, &dataset, &order));
  HTF_CHECK(1 <= order && order <= HTF_MAX_ORDER, HTF_E_DATA,
            "dataset shape has %llu modes, expected 1 to %d", (unsigned long long)order,
            HTF_MAX_ORDER);
  HTF_TRY(htf_reader__numbers(dataset, "shape", HTF_READER_INTEGERS, shape->size));
  for (int i = 0; i < (int)order; i++) {
    HTF_CHECK(1 <= shape->size[i] && shape->size[i] <= HTF_FILE_MODE, HTF_E_DATA,
              "shape[%d] is %lld, expected 1 to %d", i, (long long)shape->size[i],
              HTF_FILE_MODE);
  }
  shape->order = (int)order;
done:
  htf_file__drop(&dataset);
  return status;
}

static htf_status check_indices(const char *name, const htf_shape *shape, int64_t count,
                                const int64_t *indices) {
  htf_status status = HTF_OK;
  for (int64_t i = 0; i < count * shape->order; i++) {
    int mode = (int)(i % shape->order);
    HTF_CHECK(0 <= indices[i] && indices[i] < shape->size[mode], HTF_E_DATA,
              "%s[%lld, %d] is %lld, expected 0 to %lld (shape[%d] is %lld)", name,
              (long long)(i / shape->order), mode, (long long)indices[i],
              (long long)(shape->size[mode] - 1), mode, (long long)shape->size[mode]);
  }
done:
  return status;
}

static htf_status read_indices(const htf_reader__file *file, const char *name,
                               const htf_shape *shape, int64_t *count, int64_t **indices) {
  htf_status status = HTF_OK;
  hid_t dataset = -1;
  hsize_t dims[2] = {0, 0};
  HTF_TRY(htf_reader__dataset(file, name, 2, &dataset, dims));
  HTF_CHECK(dims[1] == (hsize_t)shape->order, HTF_E_DATA,
            "dataset %s has %llu columns, expected %d, one a mode of shape", name,
            (unsigned long long)dims[1], shape->order);
  HTF_TRY(htf_reader__size(file, name, 2, dims));
  HTF_NEW(*indices, dims[0] * dims[1]);
  HTF_TRY(htf_reader__numbers(dataset, name, HTF_READER_INTEGERS, *indices));
  *count = (int64_t)dims[0];
  HTF_TRY(check_indices(name, shape, *count, *indices));
done:
  htf_file__drop(&dataset);
  return status;
}

// Vectors shorter than the longest mode end in zeros.
static htf_status check_padding(const char *name, const htf_shape *shape,
                                const hsize_t *dims, const double *inputs) {
  htf_status status = HTF_OK;
  const int64_t length = (int64_t)dims[2];
  for (int64_t i = 0; i < (int64_t)(dims[0] * dims[1]) * length; i++) {
    int64_t place = i % length;
    int mode = (int)(i / length % shape->order);
    HTF_CHECK(place < shape->size[mode] || inputs[i] == 0, HTF_E_DATA,
              "%s[%lld, %d, %lld] is %g, expected 0 beyond the mode's size (shape[%d] is "
              "%lld)",
              name, (long long)(i / length / shape->order), mode, (long long)place,
              inputs[i], mode, (long long)shape->size[mode]);
  }
done:
  return status;
}

static int64_t largest_mode(const htf_shape *shape) {
  int64_t most = 0;
  for (int i = 0; i < shape->order; i++) {
    most = shape->size[i] > most ? shape->size[i] : most;
  }
  return most;
}

// Cuts what lies beyond the largest mode, all zeros: [m, N, D] with D the largest D_n.
static void cut_inputs(int64_t vectors, int64_t from, int64_t to, double *inputs) {
  for (int64_t i = 0; from != to && i < vectors; i++) {
    memmove(inputs + i * to, inputs + i * from, (size_t)to * sizeof *inputs);
  }
}

static htf_status read_inputs(const htf_reader__file *file, const char *name,
                              const htf_shape *shape, int64_t *count, double **inputs) {
  htf_status status = HTF_OK;
  hid_t dataset = -1;
  hsize_t dims[3] = {0, 0, 0};
  int64_t least = largest_mode(shape);
  HTF_TRY(htf_reader__dataset(file, name, 3, &dataset, dims));
  HTF_CHECK(dims[1] == (hsize_t)shape->order, HTF_E_DATA,
            "dataset %s has %llu vectors a row, expected %d, one a mode of shape", name,
            (unsigned long long)dims[1], shape->order);
  HTF_CHECK(dims[2] >= (hsize_t)least, HTF_E_DATA,
            "dataset %s has vectors of %llu numbers, expected at least %lld, the largest "
            "mode of shape",
            name, (unsigned long long)dims[2], (long long)least);
  HTF_TRY(htf_reader__size(file, name, 3, dims));
  HTF_NEW(*inputs, dims[0] * dims[1] * dims[2]);
  HTF_TRY(htf_reader__numbers(dataset, name, HTF_READER_NUMBERS, *inputs));
  HTF_TRY(htf_reader__finite(name, 3, dims, *inputs));
  HTF_TRY(check_padding(name, shape, dims, *inputs));
  cut_inputs((int64_t)(dims[0] * dims[1]), (int64_t)dims[2], least, *inputs);
  *count = (int64_t)dims[0];
done:
  htf_file__drop(&dataset);
  return status;
}

static htf_status read_values(const htf_reader__file *file, const char *name,
                              const char *beside, int64_t count, double **values) {
  htf_status status = HTF_OK;
  hid_t dataset = -1;
  hsize_t length = 0;
  HTF_TRY(htf_reader__dataset(file, name, 1, &dataset, &length));
  HTF_CHECK((int64_t)length == count, HTF_E_DATA, "dataset %s has %llu rows, %s has %lld",
            name, (unsigned long long)length, beside, (long long)count);
  HTF_NEW(*values, length);
  HTF_TRY(htf_reader__numbers(dataset, name, HTF_READER_NUMBERS, *values));
  HTF_TRY(htf_reader__finite(name, 1, &length, *values));
done:
  htf_file__drop(&dataset);
  return status;
}

static htf_status read_tensor(const htf_reader__file *file, const htf_shape *shape,
                              double **tensor) {
  htf_status status = HTF_OK;
  hid_t dataset = -1;
  hsize_t dims[H5S_MAX_RANK] = {0}, count = 1;
  HTF_TRY(htf_reader__dataset(file, "tensor", shape->order, &dataset, dims));
  for (int i = 0; i < shape->order; i++) {
    HTF_CHECK(dims[i] == (hsize_t)shape->size[i], HTF_E_DATA,
              "dataset tensor has size %llu in mode %d, shape[%d] is %lld",
              (unsigned long long)dims[i], i, i, (long long)shape->size[i]);
  }
  HTF_TRY(htf_reader__size(file, "tensor", shape->order, dims));
  for (int i = 0; i < shape->order; i++) {
    count *= dims[i];
  }
  HTF_NEW(*tensor, count);
  HTF_TRY(htf_reader__numbers(dataset, "tensor", HTF_READER_NUMBERS, *tensor));
  HTF_TRY(htf_reader__finite("tensor", shape->order, dims, *tensor));
done:
  htf_file__drop(&dataset);
  return status;
}

static htf_status check_duplicates(const htf_file_data *data) {
  htf_status status = HTF_OK;
  int64_t row = -1, earlier = -1;
  char text[256] = "";
  HTF_TRY(htf_file__find_duplicate(data->shape.order, data->train, data->train_indices,
                                   &row, &earlier));
  if (row >= 0) {
    htf_file__print_row(data->shape.order, data->train_indices + row * data->shape.order, 0,
                        text, sizeof text);
  }
  HTF_CHECK(row < 0, HTF_E_DATA, "train/indices: rows %lld and %lld are the same entry %s",
            (long long)earlier, (long long)row, text);
done:
  return status;
}

// ---- the file ---------------------------------------------------------------------------

static htf_status read_lists(const htf_reader__file *file, htf_file_data *data) {
  htf_status status = HTF_OK;
  const htf_shape *shape = &data->shape;
  HTF_TRY(read_indices(file, "train/indices", shape, &data->train, &data->train_indices));
  HTF_CHECK(data->train > 0, HTF_E_DATA, "dataset train/indices has no rows");
  HTF_TRY(
      read_values(file, "train/values", "train/indices", data->train, &data->train_values));
  HTF_TRY(check_duplicates(data));
  if (htf_reader__exists(file->at, "test")) {
    HTF_TRY(read_indices(file, "test/indices", shape, &data->test, &data->test_indices));
    HTF_TRY(
        read_values(file, "test/values", "test/indices", data->test, &data->test_values));
  }
done:
  return status;
}

static htf_status read_measurements(const htf_reader__file *file, htf_file_data *data) {
  htf_status status = HTF_OK;
  const htf_shape *shape = &data->shape;
  data->input_size = largest_mode(shape);
  HTF_TRY(read_inputs(file, "train/inputs", shape, &data->train, &data->train_inputs));
  HTF_CHECK(data->train > 0, HTF_E_DATA, "dataset train/inputs has no rows");
  HTF_TRY(
      read_values(file, "train/values", "train/inputs", data->train, &data->train_values));
  if (htf_reader__exists(file->at, "test")) {
    HTF_TRY(read_inputs(file, "test/inputs", shape, &data->test, &data->test_inputs));
    HTF_TRY(
        read_values(file, "test/values", "test/inputs", data->test, &data->test_values));
  }
done:
  return status;
}

static htf_status read_all(const htf_reader__file *file, htf_file_data *data) {
  htf_status status = HTF_OK;
  bool tensor = htf_reader__exists(file->at, "tensor");
  HTF_TRY(htf_reader__expect(file->at, "kind", "problem"));
  HTF_TRY(read_task(file, &data->task));
  HTF_TRY(read_shape(file, &data->shape));
  if (data->task == HTF_TASK_SENSING) {
    HTF_TRY(read_measurements(file, data));
  } else if (data->task == HTF_TASK_COMPLETION &&
             (!tensor || htf_reader__exists(file->at, "train"))) {
    HTF_TRY(read_lists(file, data));
  }
  if (tensor || data->task == HTF_TASK_FULL) {
    HTF_TRY(read_tensor(file, &data->shape, &data->tensor));
  }
done:
  return status;
}

htf_status htf_file__read_hdf5(const char *path, htf_file_data *data) {
  htf_status status = HTF_OK;
  htf_reader__file file = {.at = -1};
  HTF_TRY(htf_reader__open(path, &file));
  HTF_TRY(read_all(&file, data));
done:
  htf_reader__close(&file);
  if (status != HTF_OK) {
    htf_error_prefix("%s: ", path);
  }
  return status;
}

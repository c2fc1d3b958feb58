// SPDX-License-Identifier: BSD-3-Clause
// Problem files of every task, written and read back, and refused where they are
// changed.
#include "files_test.h"

TestSuite(problem_tasks, .init = begin, .fini = end);

// Modes of sizes 2 and 3, so D = 3; two measurements to train on, one held out.
static double train_inputs[] = {1, 2, 0, 3, 4, 5, 6, 7, 0, 8, 9, 10},
              test_inputs[] = {-1, 1, 0, 2, 2, 2}, train_values[] = {0.5, -0.5},
              test_values[] = {7}, tensor[] = {1, 2, 3, 4, 5, 6};
static int64_t train_indices[] = {0, 2, 1, 1}, test_indices[] = {1, 0};

static htf_file_data data_of(int task) {
  bool sensing = task == HTF_TASK_SENSING, full = task == HTF_TASK_FULL;
  return (htf_file_data){.task = task,
                         .shape = {2, {2, 3}},
                         .train = full ? 0 : 2,
                         .test = full ? 0 : 1,
                         .train_indices = sensing || full ? NULL : train_indices,
                         .test_indices = sensing || full ? NULL : test_indices,
                         .input_size = sensing ? 3 : 0,
                         .train_inputs = sensing ? train_inputs : NULL,
                         .test_inputs = sensing ? test_inputs : NULL,
                         .train_values = full ? NULL : train_values,
                         .test_values = full ? NULL : test_values,
                         .tensor = tensor};
}

static void write_good(const htf_file_data *data) {
  name_file("p.h5");
  htf_status status = htf_file_write_problem(path, data);
  cr_assert(eq(int, status, HTF_OK), "%s", htf_error_message());
}

static void expect_array(const void *found, const void *wanted, int64_t count) {
  if (wanted == NULL || count == 0) {
    cr_assert(zero(ptr, (void *)found));
  } else {
    cr_assert(eq(int, memcmp(found, wanted, (size_t)count * 8), 0));
  }
}

static void expect_same(const htf_file_data *data) {
  htf_file_data found = read_good();
  cr_assert(eq(int, found.task, data->task));
  cr_assert(eq(int, found.shape.order, 2));
  cr_assert(eq(i64, found.shape.size[1], 3));
  cr_assert(eq(i64, found.train, data->train));
  cr_assert(eq(i64, found.test, data->test));
  cr_assert(eq(i64, found.input_size, data->input_size));
  expect_array(found.train_indices, data->train_indices, 2 * data->train);
  expect_array(found.test_indices, data->test_indices, 2 * data->test);
  expect_array(found.train_inputs, data->train_inputs, 6 * data->train);
  expect_array(found.test_inputs, data->test_inputs, 6 * data->test);
  expect_array(found.train_values, data->train_values, data->train);
  expect_array(found.test_values, data->test_values, data->test);
  expect_array(found.tensor, data->tensor, 6);
  htf_file_data_clear(&found);
}

Test(problem_tasks, are_read_as_they_were_written) {
  int64_t blocks = htf_memory_blocks();
  for (int task = HTF_TASK_COMPLETION; task <= HTF_TASK_FULL; task++) {
    htf_file_data data = data_of(task);
    write_good(&data);
    expect_same(&data);
    cr_assert(eq(int, count_names(scratch), 1));
  }
  cr_assert(eq(i64, htf_memory_blocks(), blocks));
  cr_assert(eq(i64, H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0));
}

Test(problem_tasks, of_completion_may_be_a_dense_target_alone) {
  htf_file_data data = data_of(HTF_TASK_COMPLETION);
  data.train = data.test = 0;
  write_good(&data);
  data.train_indices = data.test_indices = NULL;
  data.train_values = data.test_values = NULL;
  expect_same(&data);
  data.tensor = NULL; // neither lists nor a target
  write_good(&data);
  expect_bad(HTF_E_DATA, " dataset train/indices is missing");
}

Test(problem_tasks, may_do_without_a_target_or_held_out_samples) {
  for (int task = HTF_TASK_COMPLETION; task <= HTF_TASK_SENSING; task++) {
    htf_file_data data = data_of(task);
    data.tensor = NULL;
    data.test = 0;
    write_good(&data);
    data.test_indices = NULL;
    data.test_inputs = data.test_values = NULL;
    expect_same(&data);
  }
}

Test(problem_tasks, have_the_same_bytes_for_the_same_data) {
  char first[HTF_DIGEST_TEXT], second[HTF_DIGEST_TEXT];
  htf_file_data data = data_of(HTF_TASK_SENSING);
  write_good(&data);
  cr_assert(eq(int, htf_file_digest(path, first), HTF_OK));
  sleep(1); // no time of writing is in it
  write_good(&data);
  cr_assert(eq(int, htf_file_digest(path, second), HTF_OK));
  cr_assert(eq(str, first, second));
}

// Rewrites one number of a dataset.
static void change(const char *dataset, int64_t element, double value) {
  double values[64];
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  hid_t id = H5Dopen2(file, dataset, H5P_DEFAULT);
  H5Dread(id, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  values[element] = value;
  H5Dwrite(id, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  H5Dclose(id);
  H5Fclose(file);
}

// Puts zeros of another shape in a dataset's place; rank 0 leaves none.
static void reshape(const char *dataset, hid_t type, int rank, const hsize_t *dims) {
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  H5Ldelete(file, dataset, H5P_DEFAULT);
  if (rank > 0) {
    hid_t space = H5Screate_simple(rank, dims, NULL);
    H5Dclose(H5Dcreate2(file, dataset, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
  }
  H5Fclose(file);
}

static void expect_bad_value(int task, const char *dataset, int64_t element, double value,
                             const char *words) {
  htf_file_data data = data_of(task);
  write_good(&data);
  change(dataset, element, value);
  expect_bad(HTF_E_DATA, words);
}

static void expect_bad_shape(int task, const char *dataset, int rank, hsize_t d0,
                             hsize_t d1, hsize_t d2, const char *words) {
  htf_file_data data = data_of(task);
  write_good(&data);
  reshape(dataset, H5T_IEEE_F64LE, rank, (hsize_t[]){d0, d1, d2});
  expect_bad(HTF_E_DATA, words);
}

Test(problem_tasks, are_refused_with_the_first_bad_number) {
  expect_bad_value(HTF_TASK_SENSING, "train/inputs", 8, 0.25,
                   " train/inputs[1, 0, 2] is 0.25, expected 0 beyond the mode's size "
                   "(shape[0] is 2)");
  expect_bad_value(HTF_TASK_SENSING, "test/inputs", 4, NAN,
                   " test/inputs[0, 1, 1] is not finite");
  expect_bad_value(HTF_TASK_SENSING, "train/values", 1, INFINITY,
                   " train/values[1] is not finite");
  expect_bad_value(HTF_TASK_FULL, "tensor", 4, -INFINITY, " tensor[1, 1] is not finite");
  expect_bad_value(HTF_TASK_COMPLETION, "tensor", 5, NAN, " tensor[1, 2] is not finite");
}

Test(problem_tasks, are_refused_with_wrong_shapes) {
  const int sensing = HTF_TASK_SENSING;
  expect_bad_shape(sensing, "train/inputs", 0, 0, 0, 0, " dataset train/inputs is missing");
  expect_bad_shape(sensing, "train/inputs", 2, 2, 6, 0,
                   " dataset train/inputs has 2 dimensions, expected 3");
  expect_bad_shape(sensing, "train/inputs", 3, 2, 3, 3,
                   " dataset train/inputs has 3 vectors a row, expected 2");
  expect_bad_shape(sensing, "train/inputs", 3, 2, 2, 2,
                   " dataset train/inputs has vectors of 2 numbers, expected at least 3");
  expect_bad_shape(sensing, "train/inputs", 3, 0, 2, 3,
                   " dataset train/inputs has no rows");
  expect_bad_shape(sensing, "test/inputs", 3, 4, 2, 3,
                   " dataset test/values has 1 rows, test/inputs has 4");
  expect_bad_shape(sensing, "test/inputs", 0, 0, 0, 0, " dataset test/inputs is missing");
  expect_bad_shape(sensing, "train/inputs", 3, 2, 2, (hsize_t)1 << 40,
                   " dataset train/inputs claims 4.398e+12 numbers");
  expect_bad_shape(HTF_TASK_FULL, "tensor", 0, 0, 0, 0, " dataset tensor is missing");
  expect_bad_shape(HTF_TASK_FULL, "tensor", 2, 2, 4, 0,
                   " dataset tensor has size 4 in mode 1, shape[1] is 3");
  expect_bad_shape(HTF_TASK_FULL, "tensor", 1, 6, 0, 0,
                   " dataset tensor has 1 dimensions, expected 2");
}

// Vectors longer than the largest mode are cut to it.
Test(problem_tasks, may_have_longer_vectors_than_modes) {
  htf_file_data data = data_of(HTF_TASK_SENSING);
  data.train = 1;
  data.test = 0;
  write_good(&data);
  reshape("train/inputs", H5T_IEEE_F32LE, 3, (hsize_t[]){1, 2, 5});
  for (int i = 0; i < 3; i++) {
    change("train/inputs", i < 2 ? i : 5, 1 + i); // x_0 = (1, 2), x_1 = (3, 0, 0)
  }
  htf_file_data found = read_good();
  const double wanted[] = {1, 2, 0, 3, 0, 0};
  cr_assert(eq(i64, found.input_size, 3));
  cr_assert(eq(int, memcmp(found.train_inputs, wanted, sizeof wanted), 0));
  htf_file_data_clear(&found);
}

Test(problem_tasks, are_not_written_where_they_cannot_be) {
  htf_file_data data = data_of(HTF_TASK_FULL);
  name_file("p.tns");
  cr_assert(eq(int, htf_file_write_problem(path, &data), HTF_E_DATA));
  name_file("none/p.h5");
  cr_assert(eq(int, htf_file_write_problem(path, &data), HTF_E_IO));
  name_file("p.h5");
  data.shape.order = 33;
  cr_assert(eq(int, htf_file_write_problem(path, &data), HTF_E_DATA));
  cr_assert(eq(int, count_names(scratch), 0));
  cr_assert(eq(i64, H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0));
}

Test(problem_tasks, say_that_the_disk_is_full) {
  static double large[65536];
  htf_file_data data = {.task = HTF_TASK_FULL, .shape = {2, {256, 256}}, .tensor = large};
  if (mount("tmpfs", scratch, "tmpfs", 0, "size=128k") != 0) {
    cr_skip("mounting needs root");
  }
  name_file("p.h5");
  cr_assert(eq(int, htf_file_write_problem(path, &data), HTF_E_IO));
  cr_assert(not(zero(ptr, strstr(htf_error_message(), "No space left"))), "%s",
            htf_error_message());
  cr_assert(eq(int, count_names(scratch), 0));
  cr_assert(eq(int, umount(scratch), 0));
}

Test(problem_tasks, give_back_all_when_memory_is_short) {
  int64_t blocks = htf_memory_blocks();
  for (int task = HTF_TASK_COMPLETION; task <= HTF_TASK_FULL; task++) {
    htf_status status = HTF_E_MEMORY;
    for (int64_t nth = 1; status != HTF_OK; nth++) {
      htf_file_data data = data_of(task), found = {.train = 0};
      name_file("p.h5");
      htf_memory_fail_at(nth);
      status = htf_file_write_problem(path, &data);
      status = status == HTF_OK ? htf_file_read_problem(path, &found) : status;
      htf_memory_fail_at(0);
      cr_assert(status == HTF_OK || status == HTF_E_MEMORY, "%s", htf_error_message());
      htf_file_data_clear(&found);
      cr_assert(eq(i64, htf_memory_blocks(), blocks));
      cr_assert(eq(i64, H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0));
    }
  }
}

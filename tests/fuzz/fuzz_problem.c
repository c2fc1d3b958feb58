// SPDX-License-Identifier: BSD-3-Clause
// Problem files of every task, changed through HDF5. The first byte chooses the task.
#include "hdf5_fuzz.h"

#include "htflow/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void *sound[3];
static size_t count[3];

static void make_sound(void) {
  int64_t indices[] = {0, 0, 0, 1, 2, 1, 0, 1, 1, 1, 1, 0};
  double values[] = {1, 2, -3, 4.5}, inputs[4 * 3 * 3] = {1, 2}, tensor[12] = {1, 2, 3};
  htf_file_data d = {.task = HTF_TASK_COMPLETION,
                     .shape = {3, {2, 3, 2}},
                     .train = 3,
                     .test = 1,
                     .train_indices = indices,
                     .test_indices = indices + 9,
                     .train_values = values,
                     .test_values = values + 3};
  for (int task = 0; task < 3; task++) {
    d.task = task;
    d.train = task == HTF_TASK_FULL ? 0 : 3;
    d.test = task == HTF_TASK_FULL ? 0 : 1;
    d.tensor = task == HTF_TASK_SENSING ? NULL : tensor;
    d.input_size = 3;
    d.train_inputs = d.test_inputs = inputs;
    demand(htf_file_write_problem(fuzz_path(".h5"), &d) == HTF_OK);
    sound[task] = read_bytes(fuzz_path(".h5"), &count[task]);
  }
}

static void ignore(void *context, htf_check_severity severity, const char *what,
                   const char *text) {
  (void)severity;
  *(int *)context += strlen(what) + strlen(text) > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  input in = {data, size, 0};
  htf_file_data problem;
  int findings = 0;
  if (sound[0] == NULL) {
    htf_guard_turn(false); // to see inside
    make_sound();
  }
  int64_t blocks = htf_memory_blocks();
  unsigned task = take(&in) % 3;
  write_mutant(fuzz_path(".h5"), sound[task], count[task], &in);
  htf_status status = htf_file_read_problem(fuzz_path(".h5"), &problem);
  demand_one_of(status, HTF_E_DATA);
  htf_file_data_clear(&problem);
  demand(htf_check_file(fuzz_path(".h5"), ignore, NULL, &findings) == HTF_OK);
  demand(findings > 0 || status == HTF_OK);
  demand(htf_memory_blocks() == blocks);
  demand(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == 0);
  return 0;
}

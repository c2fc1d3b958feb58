// SPDX-License-Identifier: BSD-3-Clause
// FROSTT text. What is accepted must be a problem that is written in HDF5 and read back the
// same.
#include "files_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  htf_file_data problem, again;
  htf_guard_turn(false);
  int64_t blocks = htf_memory_blocks();
  write_bytes(fuzz_path(".tns"), data, size);
  htf_status status = htf_file_read_problem(fuzz_path(".tns"), &problem);
  demand_one_of(status, HTF_E_DATA);
  if (status == HTF_OK) {
    demand(htf_file_write_problem(fuzz_path(".h5"), &problem) == HTF_OK);
    status = htf_file_read_problem(fuzz_path(".h5"), &again);
    demand_one_of(status, HTF_E_DATA); // the text does not say that an entry stands twice
    if (status == HTF_OK) {
      size_t n = (size_t)problem.train;
      demand(again.train == problem.train && again.shape.order == problem.shape.order);
      demand(memcmp(again.train_values, problem.train_values, n * sizeof(double)) == 0);
      demand(memcmp(again.train_indices, problem.train_indices,
                    n * (size_t)problem.shape.order * sizeof(int64_t)) == 0);
    }
    htf_file_data_clear(&again);
  }
  htf_file_data_clear(&problem);
  demand(htf_memory_blocks() == blocks);
  return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
// Results files, changed through HDF5: the check and the reader of a run's weights.
#include "hdf5_fuzz.h"

#include "flow_source.h"
#include "htflow/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void *sound;
static size_t count;

static void make_sound(void) {
  htf_results_source source;
  htf_digest checksum;
  flow_source(&source);
  demand(htf_results_write(fuzz_path(".h5"), &source, &checksum) == HTF_OK);
  sound = read_bytes(fuzz_path(".h5"), &count);
}

static void ignore(void *context, htf_check_severity severity, const char *what,
                   const char *text) {
  (void)severity;
  *(int *)context += strlen(what) + strlen(text) > 0;
}

// H5DSiterate_scales of HDF5 1.10 leaves a scale open that has lost its CLASS attribute,
// and with it the file: closed here, so that the next input does not find it.
static void close_left_open(void) {
  hid_t left[64];
  ssize_t n = H5Fget_obj_ids((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL, 64, left);
  for (ssize_t i = 0; i < n; i++) {
    H5Idec_ref(left[i]);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  input in = {data, size, 0};
  htf_file_weights weights;
  int findings = 0;
  if (sound == NULL) {
    htf_guard_turn(false); // to see inside
    make_sound();
  }
  int64_t blocks = htf_memory_blocks(), run = take(&in) % 6;
  write_mutant(fuzz_path(".h5"), sound, count, &in);
  demand(htf_check_file(fuzz_path(".h5"), ignore, NULL, &findings) == HTF_OK);
  htf_status status = htf_file_read_run_weights(fuzz_path(".h5"), run, &weights);
  demand_one_of(status, HTF_E_DATA);
  htf_file_weights_clear(&weights);
  demand(htf_memory_blocks() == blocks);
  close_left_open();
  return 0;
}

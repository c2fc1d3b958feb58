// SPDX-License-Identifier: BSD-3-Clause
// Weights files, changed through HDF5. What is accepted is finite and of the tree it says.
#include "hdf5_fuzz.h"

#include "htflow/model.h"
#include "htflow/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void *sound;
static size_t count;

static void make_sound(void) {
  const int64_t shape[] = {2, 3, 2};
  double theta[64];
  htf_tree *tree = NULL;
  htf_model *model = NULL;
  for (int i = 0; i < 64; i++) {
    theta[i] = 1 + i;
  }
  demand(htf_tree_parse("((0,1)2,2)2;", 0, &tree) == HTF_OK);
  demand(htf_model_create(HTF_MODEL_HTF, tree, shape, &model) == HTF_OK);
  demand(htf_file_write_weights(fuzz_path(".h5"), model, theta) == HTF_OK);
  htf_model_destroy(&model);
  htf_tree_destroy(&tree);
  sound = read_bytes(fuzz_path(".h5"), &count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  input in = {data, size, 0};
  htf_file_weights weights;
  htf_tree *tree = NULL;
  if (sound == NULL) {
    htf_guard_turn(false); // to see inside
    make_sound();
  }
  int64_t blocks = htf_memory_blocks();
  write_mutant(fuzz_path(".h5"), sound, count, &in);
  htf_status status = htf_file_read_weights(fuzz_path(".h5"), &weights);
  demand_one_of(status, HTF_E_DATA);
  if (status == HTF_OK) {
    demand(htf_tree_read(weights.tree, &tree) == HTF_OK);
    demand(htf_tree_order(tree) == weights.shape.order && weights.count > 0);
    for (int64_t i = 0; i < weights.count; i++) {
      demand(isfinite(weights.theta[i]));
    }
    htf_tree_destroy(&tree);
  }
  htf_file_weights_clear(&weights);
  demand(htf_memory_blocks() == blocks);
  demand(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == 0);
  return 0;
}

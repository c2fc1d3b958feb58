// SPDX-License-Identifier: BSD-3-Clause
// Conditions of `where`: read, and evaluated where they are good.
#include <stdlib.h>
#include <string.h>

#include "htflow/memory.h"
#include "plan_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static htf_spec spec, scratch;
  char *text = malloc(size + 1);
  memcpy(text, data, size);
  text[size] = '\0';
  int64_t blocks = htf_memory_blocks();
  htf_spec_defaults(&spec);
  htf_spec_defaults(&scratch);
  htf_plan__where where = {0};
  htf_plan__errors errors = {.file = "s", .text = text};
  htf_plan__reader reader = {.errors = &errors, .scratch = &scratch};
  htf_plan__node node = {
      .kind = HTF_PLAN__SCALAR, .place = {.line = 1, .column = 1}, .text = text};
  htf_status status = htf_plan__read_where(&where, &reader, &node);
  if (status != HTF_OK) {
    abort();
  }
  if (errors.count == 0) {
    htf_plan__where_holds(&where, &spec);
    htf_plan__where_names(&where, htf_spec_field("init.std"));
  } else if (htf_plan__raise(&errors) != HTF_E_CONFIG) {
    abort();
  }
  htf_plan__forget(&errors);
  htf_plan__where_clear(&where);
  htf_error_clear();
  if (htf_memory_blocks() != blocks) {
    abort();
  }
  free(text);
  return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
// Packed records, as the journal holds them. What is accepted packs to the same bytes.
#include <stdlib.h>
#include <string.h>

#include "htflow/memory.h"
#include "htflow/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int good) {
  if (!good) {
    abort();
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  htf_record record;
  uint8_t *bytes = NULL;
  size_t count = 0;
  int64_t blocks = htf_memory_blocks();
  htf_record_init(&record);
  htf_status status = htf_record_unpack(data, size, &record);
  demand(status == HTF_OK || status == HTF_E_DATA || status == HTF_E_MEMORY);
  if (status == HTF_OK) {
    demand(htf_record_pack(&record, &bytes, &count) == HTF_OK);
    demand(count == size && memcmp(bytes, data, size) == 0);
    HTF_FREE(bytes);
  }
  htf_error_clear();
  htf_record_clear(&record);
  demand(htf_memory_blocks() == blocks);
  return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>

#include "htflow/memory.h"
#include "htflow/random.h"
#include "htflow/record.h"

static void fill(htf_record *record) {
  htf_column *column;
  int64_t dims[] = {2, 5};
  htf_record_init(record);
  record->identity.bytes[3] = 7;
  record->state = HTF_RUN_DONE;
  record->stop_reason = HTF_STOP_LOSS;
  strcpy(record->message, "reached");
  record->final_train_loss = 0.25;
  record->steps = 1234567890123;
  strcpy(record->tree, "((0,1)2,(2,3)2)2;");
  record->samples = 3;
  cr_assert(eq(int, htf_record_add(record, "local", 3, dims, &column), HTF_OK));
  for (int i = 0; i < 30; i++) {
    column->data[i] = i == 7 ? NAN : i;
  }
  cr_assert(eq(int, htf_record_add(record, "time", 1, NULL, &column), HTF_OK));
  record->weight_count = 2;
  record->weights = htf_memory_get(2, sizeof(double));
  record->weights[1] = -1;
  strcpy(record->timing.host, "here");
  record->timing.attempts = 2;
}

static void release(uint8_t *bytes) {
  htf_memory_release(bytes);
}

Test(record, an_empty_one_has_no_numbers) {
  htf_record record;
  htf_record_init(&record);
  cr_assert(eq(int, record.state, HTF_RUN_PENDING));
  cr_assert(isnan(record.final_train_loss));
  cr_assert(eq(i64, record.steps, 0));
  cr_assert(eq(ptr, (void *)htf_record_find(&record, "time"), NULL));
}

Test(record, survives_the_way_to_bytes_and_back) {
  int64_t before = htf_memory_blocks();
  htf_record record, back;
  uint8_t *bytes, *again;
  size_t count, count_again;
  fill(&record);
  htf_record_init(&back);
  cr_assert(eq(int, htf_record_pack(&record, &bytes, &count), HTF_OK));
  cr_assert(eq(int, htf_record_unpack(bytes, count, &back), HTF_OK));
  cr_assert(eq(str, back.message, "reached"));
  cr_assert(eq(i64, back.steps, 1234567890123));
  const htf_column *column = htf_record_find(&back, "local");
  cr_assert(eq(i64, htf_column_size(column), 30));
  cr_assert(isnan(column->data[7]) && column->data[29] == 29);
  cr_assert(eq(dbl, back.weights[1], -1));
  cr_assert(eq(int, htf_record_pack(&back, &again, &count_again), HTF_OK));
  cr_assert(count == count_again && memcmp(bytes, again, count) == 0);
  release(bytes);
  release(again);
  htf_record_clear(&record);
  htf_record_clear(&back);
  cr_assert(eq(i64, htf_memory_blocks(), before));
}

Test(record, refuses_every_truncation) {
  htf_record record, back;
  uint8_t *bytes;
  size_t count;
  fill(&record);
  int64_t before = htf_memory_blocks();
  cr_assert(eq(int, htf_record_pack(&record, &bytes, &count), HTF_OK));
  htf_record_init(&back);
  for (size_t cut = 0; cut < count; cut++) {
    cr_assert(eq(int, htf_record_unpack(bytes, cut, &back), HTF_E_DATA));
    cr_assert(eq(int, back.column_count, 0));
  }
  release(bytes);
  cr_assert(eq(i64, htf_memory_blocks(), before));
  htf_record_clear(&record);
}

// Flipped bytes may give another valid record, or be refused; never harm (run under ASan).
Test(record, reads_garbage_without_harm) {
  htf_record record, back;
  uint8_t *bytes;
  size_t count;
  htf_random stream = htf_random_open(1, HTF_RANDOM_TEST, 0);
  fill(&record);
  cr_assert(eq(int, htf_record_pack(&record, &bytes, &count), HTF_OK));
  int64_t before = htf_memory_blocks();
  int refused = 0;
  for (int trial = 0; trial < 20000; trial++) {
    size_t at = (size_t)htf_random_index(&stream, (int64_t)count);
    uint8_t kept = bytes[at];
    bytes[at] = (uint8_t)htf_random_bits(&stream);
    htf_record_init(&back);
    refused += htf_record_unpack(bytes, count, &back) != HTF_OK;
    htf_record_clear(&back);
    bytes[at] = kept;
  }
  cr_assert(refused > 1000);
  cr_assert(eq(i64, htf_memory_blocks(), before));
  release(bytes);
  htf_record_clear(&record);
}

Test(record, drift_may_grow_with_tolerance_and_steps_up_to_all_there_is) {
  cr_expect(epsilon_eq(dbl, htf_record_most_drift(1e-6, 0), 5e-4, 1e-12));
  cr_expect(epsilon_eq(dbl, htf_record_most_drift(1e-6, 100000), 1.5e-3, 1e-12));
  cr_expect(epsilon_eq(dbl, htf_record_most_drift(1e-12, 0), 5e-6, 1e-12));
  cr_expect(lt(dbl, htf_record_most_drift(0.1, 0), 1));
}

Test(record, out_of_memory_is_a_status_and_leaks_nothing) {
  htf_record record, back;
  uint8_t *bytes;
  size_t count;
  fill(&record);
  cr_assert(eq(int, htf_record_pack(&record, &bytes, &count), HTF_OK));
  int64_t before = htf_memory_blocks();
  htf_record_init(&back);
  int64_t nth = 1;
  for (;; nth++) {
    htf_memory_fail_at(nth);
    htf_status status = htf_record_unpack(bytes, count, &back);
    htf_memory_fail_at(0);
    if (status == HTF_OK) {
      break;
    }
    cr_assert(eq(int, status, HTF_E_MEMORY));
    cr_assert(eq(i64, htf_memory_blocks(), before));
  }
  cr_assert(nth > 4); // two columns, their table, the weights
  htf_record_clear(&back);
  release(bytes);
  htf_record_clear(&record);
}

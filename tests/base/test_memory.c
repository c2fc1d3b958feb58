// SPDX-License-Identifier: BSD-3-Clause
#include "htflow/memory.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdbool.h>
#include <string.h>

static bool all_zero(const void *block, size_t size) {
  const unsigned char *byte = block;
  size_t i = 0;
  while (i < size && byte[i] == 0) {
    i++;
  }
  return i == size;
}

Test(memory, blocks_are_aligned_and_zeroed) {
  for (size_t size = 0; size < 300; size++) {
    void *block = htf_memory_get(size, 1);
    cr_assert(block != NULL);
    cr_assert(eq(u64, (uintptr_t)block % 64, 0));
    cr_assert(all_zero(block, size), "%zu bytes", size);
    memset(block, 0xff, size); // so that a reused block is dirty
    htf_memory_release(block);
  }
}

Test(memory, blocks_bytes_and_peak_are_counted) {
  int64_t blocks = htf_memory_blocks(), bytes = htf_memory_bytes();
  void *a = htf_memory_get(100, 8), *b = htf_memory_get(3, 1), *none = htf_memory_get(0, 8);
  cr_assert(eq(i64, htf_memory_blocks() - blocks, 3));
  cr_assert(eq(i64, htf_memory_bytes() - bytes, 803));
  htf_memory_release(a);
  cr_assert(eq(i64, htf_memory_bytes() - bytes, 3));
  htf_memory_release(b);
  htf_memory_release(none);
  htf_memory_release(NULL);
  cr_assert(eq(i64, htf_memory_blocks(), blocks));
  cr_assert(eq(i64, htf_memory_bytes(), bytes));
  cr_assert(eq(i64, htf_memory_peak(), bytes + 803));
}

Test(memory, a_size_that_overflows_gives_no_block) {
  int64_t blocks = htf_memory_blocks();
  cr_assert(htf_memory_get(SIZE_MAX / 2 + 1, 2) == NULL); // the product is 0 mod 2^64
  cr_assert(htf_memory_get(SIZE_MAX / 8 + 2, 8) == NULL); // 8 mod 2^64
  cr_assert(htf_memory_get(SIZE_MAX, 1) == NULL);
  cr_assert(htf_memory_get(SIZE_MAX - 100, 1) == NULL); // the header would overflow it
  cr_assert(htf_memory_get((size_t)PTRDIFF_MAX + 1, 1) == NULL);
  cr_assert(htf_memory_resize(NULL, SIZE_MAX / 8 + 2, 8) == NULL);
  cr_assert(eq(i64, htf_memory_blocks(), blocks));
}

Test(memory, resizing_keeps_what_fits_and_zeroes_the_rest) {
  int64_t blocks = htf_memory_blocks(), bytes = htf_memory_bytes();
  unsigned char *x = htf_memory_resize(NULL, 10, 1);
  cr_assert(all_zero(x, 10));
  memset(x, 7, 10);
  x = htf_memory_resize(x, 1000, 1);
  for (int i = 0; i < 1000; i++) {
    cr_assert(eq(int, x[i], i < 10 ? 7 : 0));
  }
  x = htf_memory_resize(x, 5, 1);
  cr_assert(eq(int, x[4], 7));
  x = htf_memory_resize(x, 10, 1);
  cr_assert(eq(int, x[4], 7));
  cr_assert(all_zero(x + 5, 5));
  cr_assert(eq(i64, htf_memory_blocks() - blocks, 1));
  cr_assert(eq(i64, htf_memory_bytes() - bytes, 10));
  htf_memory_release(x);
}

Test(memory, a_failed_resize_leaves_the_block_as_it_was) {
  int *x = htf_memory_get(4, sizeof *x);
  x[3] = 42;
  htf_memory_fail_at(1);
  cr_assert(htf_memory_resize(x, 8, sizeof *x) == NULL);
  cr_assert(eq(int, x[3], 42));
  cr_assert(htf_memory_resize(x, SIZE_MAX, sizeof *x) == NULL);
  cr_assert(eq(int, x[3], 42));
  htf_memory_release(x);
}

Test(memory, the_nth_allocation_fails_and_only_that) {
  for (int64_t nth = 1; nth <= 5; nth++) {
    htf_memory_fail_at(nth);
    for (int64_t i = 1; i <= 10; i++) {
      void *block = htf_memory_get(1, 1);
      cr_assert(eq(int, block == NULL, i == nth));
      htf_memory_release(block);
    }
  }
  htf_memory_fail_at(1);
  htf_memory_fail_at(0);
  void *block = htf_memory_get(1, 1);
  cr_assert(block != NULL);
  htf_memory_release(block);
}

static htf_status grow(int64_t count) {
  htf_status status = HTF_OK;
  double *x = NULL;
  HTF_NEW(x, count);
  HTF_RESIZE(x, 2 * count);
  x[2 * count - 1] = 1;
done:
  HTF_FREE(x);
  cr_assert(x == NULL);
  return status;
}

Test(memory, the_macros_raise_at_every_failure_and_leak_nothing) {
  int64_t blocks = htf_memory_blocks();
  cr_assert(eq(int, grow(10), HTF_OK));
  for (int64_t nth = 1; nth <= 2; nth++) {
    htf_memory_fail_at(nth);
    cr_assert(eq(int, grow(10), HTF_E_MEMORY));
    cr_assert(eq(i64, htf_memory_blocks(), blocks));
  }
  cr_assert(eq(str, (char *)htf_error_message(), "no memory for 20 x 8 bytes"));
  cr_assert(eq(int, grow(INT64_MAX / 4), HTF_E_MEMORY));
  cr_assert(eq(i64, htf_memory_blocks(), blocks));
}

// What a large block takes is no longer there, but for what others do meanwhile.
Test(memory, what_the_machine_can_give_is_told) {
  int64_t before = htf_memory_available();
  cr_assert(lt(i64, 0, before));
  cr_assert(lt(i64, before, INT64_MAX));
  cr_assert(lt(i64, before, INT64_C(1) << 50), "%lld bytes", (long long)before);
}

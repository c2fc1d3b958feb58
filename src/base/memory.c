// SPDX-License-Identifier: BSD-3-Clause
// Counting, aligned, zeroing allocator. In front of each block stands a header of one
// alignment unit that keeps the size asked for.
#include "htflow/memory.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

static _Atomic int64_t live_blocks, live_bytes, peak_bytes, fail_countdown;

static size_t *header_of(void *block) {
  return (size_t *)(void *)((char *)block - ALIGNMENT);
}

static bool told_to_fail(void) {
  int64_t left = atomic_load(&fail_countdown);
  return left > 0 && atomic_fetch_sub(&fail_countdown, 1) == 1;
}

static void count(int64_t blocks, int64_t bytes) {
  atomic_fetch_add(&live_blocks, blocks);
  int64_t now = atomic_fetch_add(&live_bytes, bytes) + bytes;
  int64_t peak = atomic_load(&peak_bytes);
  while (now > peak && !atomic_compare_exchange_weak(&peak_bytes, &peak, now)) {
  }
}

void *htf_memory_get(size_t number, size_t size) {
  size_t bytes, total;
  if (told_to_fail() || __builtin_mul_overflow(number, size, &bytes) ||
      __builtin_add_overflow(bytes, (size_t)(2 * ALIGNMENT - 1), &total) ||
      bytes > PTRDIFF_MAX) {
    return NULL;
  }
  char *start = aligned_alloc(ALIGNMENT, total / ALIGNMENT * ALIGNMENT);
  if (start == NULL) {
    return NULL;
  }
  memset(start, 0, ALIGNMENT + bytes);
  *(size_t *)(void *)start = bytes;
  count(1, (int64_t)bytes);
  return start + ALIGNMENT;
}

void *htf_memory_resize(void *block, size_t number, size_t size) {
  void *fresh = htf_memory_get(number, size);
  if (fresh != NULL && block != NULL) {
    size_t old = *header_of(block), new = *header_of(fresh);
    memcpy(fresh, block, old < new ? old : new);
    htf_memory_release(block);
  }
  return fresh;
}

void htf_memory_release(void *block) {
  if (block != NULL) {
    count(-1, -(int64_t)*header_of(block));
    free(header_of(block));
  }
}

int64_t htf_memory_blocks(void) {
  return atomic_load(&live_blocks);
}

int64_t htf_memory_bytes(void) {
  return atomic_load(&live_bytes);
}

int64_t htf_memory_peak(void) {
  return atomic_load(&peak_bytes);
}

int64_t htf_memory_available(void) {
  char line[128];
  long long kib = 0;
  int64_t bytes = INT64_MAX;
  FILE *facts = fopen("/proc/meminfo", "re");
  while (facts != NULL && fgets(line, sizeof line, facts) != NULL) {
    if (sscanf(line, "MemAvailable: %lld kB", &kib) == 1) {
      bytes = (int64_t)kib * 1024;
    }
  }
  if (facts != NULL) {
    fclose(facts);
  }
  return bytes;
}

void htf_memory_fail_at(int64_t nth) {
  atomic_store(&fail_countdown, nth);
}

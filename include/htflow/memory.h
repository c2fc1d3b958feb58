// SPDX-License-Identifier: BSD-3-Clause
// memory.h: the one door to the heap (room: base).
//
// Blocks are aligned to 64 bytes and zeroed; sizes are checked for overflow; live blocks
// and bytes are counted, so that a test can want zero back; and the nth allocation can be
// made to fail on purpose, so that every error path can be walked.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "htflow/door.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

// A zeroed block of count x size bytes, or NULL (out of memory, overflow, or told to fail).
// count 0 gives a valid block of no bytes.
void *htf_memory_get(size_t count, size_t size);
// A block of count x size bytes that holds what `block` held, as far as it fits; the rest
// is zero. `block` may be NULL. On failure NULL, and `block` stays as it was.
void *htf_memory_resize(void *block, size_t count, size_t size);
// Gives a block back. NULL is fine.
void htf_memory_release(void *block);

// Live blocks, live bytes (as asked for), and the most bytes that ever lived at once.
int64_t htf_memory_blocks(void);
int64_t htf_memory_bytes(void);
int64_t htf_memory_peak(void);
// Bytes that the machine could still give to all processes on it (Linux's MemAvailable), or
// INT64_MAX where it does not say.
int64_t htf_memory_available(void);
// Makes the nth allocation from now fail (1: the next one); 0 ends it. For tests.
void htf_memory_fail_at(int64_t nth);

// pointer = new zeroed array of count elements, or HTF_E_MEMORY through `done:`.
#define HTF_NEW(pointer, count)                                                            \
  do {                                                                                     \
    (pointer) = htf_memory_get((size_t)(count), sizeof *(pointer));                        \
    HTF_CHECK((pointer) != NULL, HTF_E_MEMORY, "no memory for %zu x %zu bytes",            \
              (size_t)(count), sizeof *(pointer));                                         \
  } while (0)

// The array grown or cut to count elements, kept as it is on failure.
#define HTF_RESIZE(pointer, count)                                                         \
  do {                                                                                     \
    void *htf_resized_ = htf_memory_resize((pointer), (size_t)(count), sizeof *(pointer)); \
    HTF_CHECK(htf_resized_ != NULL, HTF_E_MEMORY, "no memory for %zu x %zu bytes",         \
              (size_t)(count), sizeof *(pointer));                                         \
    (pointer) = htf_resized_;                                                              \
  } while (0)

#define HTF_FREE(pointer)                                                                  \
  do {                                                                                     \
    htf_memory_release(pointer);                                                           \
    (pointer) = NULL;                                                                      \
  } while (0)

HTF_END_DOOR

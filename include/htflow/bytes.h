// SPDX-License-Identifier: BSD-3-Clause
// bytes.h: a structure to bytes and back, by one visit (room: ledger).
//
// A visit names member after member; the same calls count what they need, write it, or read
// it back, so that a format is said once. Integers are 64-bit little-endian, reals IEEE
// doubles likewise, texts are led by their length, arrays by what the visit says of it.
// Reading checks every length against what is left before it asks for memory.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "htflow/door.h"
#include "htflow/status.h"

HTF_BEGIN_DOOR

// Where a visit is. Opaque to visits.
typedef struct htf_bytes {
  const char *what; // "a record": for messages
  bool reading;
  uint8_t *to; // NULL while counting and reading
  const uint8_t *from;
  size_t size, used;
} htf_bytes;

typedef htf_status htf_bytes_visit(htf_bytes *bytes, void *object);

// The bytes of an object; *to is the caller's to HTF_FREE. `what` is a text with its
// article, borrowed for the call. Raises HTF_E_MEMORY, and what the visit raises.
htf_status htf_bytes_pack(const char *what, htf_bytes_visit *visit, void *object,
                          uint8_t **to, size_t *count);
// The object of these bytes, filled as far as the visit came. Raises HTF_E_DATA where they
// end early or late, and what the visit raises.
htf_status htf_bytes_unpack(const char *what, htf_bytes_visit *visit, const uint8_t *from,
                            size_t count, void *object);

// Whether the visit fills the object: it may then have memory to get.
bool htf_bytes_reading(const htf_bytes *bytes);

// Members. Each raises HTF_E_DATA where the bytes end before it, or hold what it may not
// be.
htf_status htf_bytes_raw(htf_bytes *bytes, void *data, size_t count);
htf_status htf_bytes_integer(htf_bytes *bytes, int64_t *value);
htf_status htf_bytes_real(htf_bytes *bytes, double *value);
// In [low, high] when read.
htf_status htf_bytes_bounded(htf_bytes *bytes, int64_t low, int64_t high, int64_t *value);
htf_status htf_bytes_int(htf_bytes *bytes, int low, int high, int *value);
htf_status htf_bytes_flag(htf_bytes *bytes, bool *value);
// text [size], with its final zero.
htf_status htf_bytes_text(htf_bytes *bytes, char *text, size_t size);
// values [count], the object's already.
htf_status htf_bytes_reals(htf_bytes *bytes, int64_t count, double *values);
// The same, into memory got for it when read; *values must then be NULL. HTF_E_MEMORY.
htf_status htf_bytes_new_reals(htf_bytes *bytes, int64_t count, double **values);
// First of a format: what it is and its version, which must be these when read.
htf_status htf_bytes_format(htf_bytes *bytes, uint64_t magic, int64_t version);

HTF_END_DOOR

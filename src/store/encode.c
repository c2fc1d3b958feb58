// SPDX-License-Identifier: BSD-3-Clause
// The filters of a chunk, shuffle, deflate and fletcher32, applied as HDF5 applies them but
// outside of it, so that any process can. Deflate is libdeflate's, which takes half of
// zlib's time for less bytes; whoever reads the file uses zlib as ever.
#include <libdeflate.h>
#include <stdio.h>
#include <string.h>

#include "encode_impl.h"
#include "htflow/memory.h"

// Of libdeflate's levels 1 to 12, the fastest that makes no larger files than zlib's 1.
enum { LEVEL = 2, CHECKSUM_BYTES = 4 };

struct htf_results_encoder {
  struct libdeflate_compressor *deflate;
  uint8_t *shuffled; // [room]
  size_t room;
};

htf_status htf_results_encoder_create(htf_results_encoder **out) {
  htf_status status = HTF_OK;
  htf_results_encoder *encoder = NULL;
  HTF_NEW(encoder, 1);
  encoder->deflate = libdeflate_alloc_compressor(LEVEL);
  HTF_CHECK(encoder->deflate != NULL, HTF_E_MEMORY, "no memory for a compressor");
  *out = encoder;
  encoder = NULL;
done:
  htf_results_encoder_destroy(&encoder);
  return status;
}

void htf_results_encoder_destroy(htf_results_encoder **encoder) {
  htf_results_encoder *e = *encoder;
  if (e != NULL) {
    libdeflate_free_compressor(e->deflate);
    HTF_FREE(e->shuffled);
    HTF_FREE(*encoder);
  }
}

// All first bytes of the elements, then all second ones, ..: [count, element] transposed.
static void shuffle(size_t count, size_t element, const uint8_t *from, uint8_t *to) {
  enum { BLOCK = 512 }; // elements whose bytes stay in the first cache
  for (size_t start = 0; start < count; start += BLOCK) {
    size_t end = start + BLOCK < count ? start + BLOCK : count;
    for (size_t byte = 0; byte < element; byte++) {
      for (size_t i = start; i < end; i++) {
        to[byte * count + i] = from[i * element + byte];
      }
    }
  }
}

static uint32_t fold(uint32_t sum) {
  return (sum & 0xffff) + (sum >> 16);
}

// Fletcher's checksum of big-endian words of 16 bits, an odd byte being the high one of a
// last word. 360 words at a time, which the sums hold without overflow.
static uint32_t fletcher32(const uint8_t *bytes, size_t count) {
  enum { WORDS = 360 };
  uint32_t low = 0, high = 0;
  size_t words = count / 2;
  for (size_t start = 0; start < words; start += WORDS) {
    size_t end = start + WORDS < words ? start + WORDS : words;
    for (size_t i = start; i < end; i++) {
      low += (uint32_t)bytes[2 * i] << 8 | bytes[2 * i + 1];
      high += low;
    }
    low = fold(low);
    high = fold(high);
  }
  if (count % 2 != 0) {
    low += (uint32_t)bytes[count - 1] << 8;
    high += low;
    low = fold(low);
    high = fold(high);
  }
  return fold(high) << 16 | fold(low);
}

static htf_status make_room(htf_results_encoder *encoder, size_t bytes) {
  htf_status status = HTF_OK;
  if (bytes > encoder->room) {
    HTF_FREE(encoder->shuffled);
    encoder->room = 0;
    HTF_NEW(encoder->shuffled, bytes);
    encoder->room = bytes;
  }
done:
  return status;
}

// What deflate does not make smaller is kept as it is.
htf_status htf_results_encode(htf_results_encoder *encoder, const void *task, size_t count,
                              void *reply, size_t *made) {
  htf_status status = HTF_OK;
  htf_results__task head;
  htf_results__reply answer = {0};
  _Static_assert(sizeof answer + CHECKSUM_BYTES <= sizeof head + HTF_RESULTS_MORE, "room");
  HTF_CHECK(count > sizeof head, HTF_E_INTERNAL, "a chunk of %zu bytes", count);
  memcpy(&head, task, sizeof head);
  size_t bytes = count - sizeof head;
  HTF_CHECK(head.element > 0 && bytes % head.element == 0, HTF_E_INTERNAL,
            "a chunk of %zu bytes in elements of %zu", bytes, (size_t)head.element);
  HTF_TRY(make_room(encoder, bytes));
  uint8_t *out = (uint8_t *)reply + sizeof answer;
  shuffle(bytes / head.element, head.element, (const uint8_t *)task + sizeof head,
          encoder->shuffled);
  size_t length =
      libdeflate_zlib_compress(encoder->deflate, encoder->shuffled, bytes, out, bytes);
  if (length == 0) {
    memcpy(out, encoder->shuffled, bytes);
    length = bytes;
    answer.skipped = 1U << HTF_RESULTS__DEFLATE;
  }
  uint32_t sum = fletcher32(out, length);
  for (int i = 0; i < CHECKSUM_BYTES; i++) {
    out[length + (size_t)i] = (uint8_t)(sum >> (8 * i)); // little-endian
  }
  memcpy(reply, &answer, sizeof answer);
  *made = sizeof answer + length + CHECKSUM_BYTES;
done:
  return status;
}

const char *htf_results_compressor(void) {
  return "libdeflate " LIBDEFLATE_VERSION_STRING;
}

// SPDX-License-Identifier: BSD-3-Clause
// Philox streams and the distributions drawn from them.
#include "htflow/random.h"

#include <Random123/philox.h>
#include <math.h>

#include "htflow/memory.h"

// The key of the generator is (seed, purpose); the index is the counter's high word, so
// that streams of one key never meet: each has 2^192 blocks of its own.
htf_random htf_random_open(uint64_t seed, htf_random_purpose purpose, uint64_t index) {
  htf_random stream = {.key = {seed, (uint64_t)purpose}, .counter = {0, 0, 0, index}};
  stream.used = 4;
  return stream;
}

uint64_t htf_random_bits(htf_random *stream) {
  if (stream->used == 4) {
    philox4x64_ctr_t counter = {
        {stream->counter[0], stream->counter[1], stream->counter[2], stream->counter[3]}};
    philox4x64_key_t key = {{stream->key[0], stream->key[1]}};
    philox4x64_ctr_t block = philox4x64(counter, key);
    for (int i = 0; i < 4; i++) {
      stream->block[i] = block.v[i];
    }
    stream->counter[0]++;
    stream->used = 0;
  }
  return stream->block[stream->used++];
}

double htf_random_uniform(htf_random *stream) {
  return (double)(htf_random_bits(stream) >> 11) * 0x1p-53;
}

int64_t htf_random_index(htf_random *stream, int64_t n) {
  HTF_ASSERT(n > 0);
  uint64_t range = (uint64_t)n;
  uint64_t excess = -range % range; // 2^64 mod n: what would be drawn too often
  uint64_t bits;
  do {
    bits = htf_random_bits(stream);
  } while (bits < excess);
  return (int64_t)(bits % range);
}

void htf_random_normal(htf_random *stream, int64_t n, double *x) {
  for (int64_t i = 0; i < n; i += 2) {
    double radius = sqrt(-2 * log1p(-htf_random_uniform(stream)));
    double angle = 2 * M_PI * htf_random_uniform(stream);
    x[i] = radius * cos(angle);
    if (i + 1 < n) {
      x[i + 1] = radius * sin(angle);
    }
  }
}

// A hash table from place to value, for the few places of a permutation that differ from
// the identity. Empty slots have key -1; the size is a power of two.
typedef struct displaced {
  int64_t size;
  int64_t *key, *value; // [size]
} displaced;

static int64_t slot_of(const displaced *d, int64_t key) {
  uint64_t h = (uint64_t)key * 0x9E3779B97F4A7C15u;
  int64_t slot = (int64_t)((h ^ h >> 32) & (uint64_t)(d->size - 1));
  while (d->key[slot] != -1 && d->key[slot] != key) {
    slot = (slot + 1) & (d->size - 1);
  }
  return slot;
}

// Fisher and Yates' shuffle of the identity, stopped after m places; only displaced places
// are kept.
htf_status htf_random_sample(htf_random *stream, int64_t n, int64_t m, int64_t *sample) {
  htf_status status = HTF_OK;
  displaced d = {.size = 16};
  HTF_ASSERT(0 <= m && m <= n);
  while (d.size < 2 * m) {
    d.size *= 2;
  }
  HTF_NEW(d.key, d.size);
  HTF_NEW(d.value, d.size);
  for (int64_t i = 0; i < d.size; i++) {
    d.key[i] = -1;
  }
  for (int64_t i = 0; i < m; i++) {
    int64_t j = i + htf_random_index(stream, n - i);
    int64_t at_i = slot_of(&d, i);
    int64_t from_i = d.key[at_i] == i ? d.value[at_i] : i;
    int64_t at_j = slot_of(&d, j);
    sample[i] = d.key[at_j] == j ? d.value[at_j] : j;
    d.key[at_j] = j; // place i is never read again, so only j is kept
    d.value[at_j] = from_i;
  }
done:
  HTF_FREE(d.key);
  HTF_FREE(d.value);
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
#include "samples_impl.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "htflow/memory.h"

// A hash of a row that whoever wrote the file cannot have foreseen, so that no file makes
// the search slow. Each step mixes as in the finaliser of splitmix64.
static uint64_t hash_row(uint64_t seed, int order, const int64_t *row) {
  uint64_t h = seed;
  for (int i = 0; i < order; i++) {
    h = (h ^ (uint64_t)row[i]) * 0xbf58476d1ce4e5b9u;
    h = (h ^ h >> 29) * 0x94d049bb133111ebu;
    h ^= h >> 32 ^ seed << 1;
  }
  return h;
}

htf_status htf_file__find_duplicate(int order, int64_t count, const int64_t *indices,
                                    int64_t *row, int64_t *earlier) {
  htf_status status = HTF_OK;
  int64_t slots = 16, *table = NULL; // row + 1, 0 for an empty slot
  size_t bytes = (size_t)order * sizeof *indices;
  uint64_t seed = 0x9e3779b97f4a7c15u;
  *row = *earlier = -1;
  while (slots < 2 * count) {
    slots *= 2;
  }
  HTF_NEW(table, slots);
  if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed) {
    seed ^= (uint64_t)(uintptr_t)table;
  }
  for (int64_t i = 0; i < count && *row < 0; i++) {
    const int64_t *own = indices + i * order;
    uint64_t slot = hash_row(seed, order, own) & (uint64_t)(slots - 1);
    while (table[slot] != 0 && *row < 0) {
      if (memcmp(indices + (table[slot] - 1) * order, own, bytes) == 0) {
        *row = i;
        *earlier = table[slot] - 1;
      }
      slot = (slot + 1) & (uint64_t)(slots - 1);
    }
    table[slot] = *row < 0 ? i + 1 : table[slot];
  }
done:
  HTF_FREE(table);
  return status;
}

void htf_file__print_row(int order, const int64_t *row, int64_t from, char *text,
                         size_t size) {
  size_t used = (size_t)snprintf(text, size, "(");
  for (int i = 0; i < order && used < size; i++) {
    used += (size_t)snprintf(text + used, size - used, "%s%lld", i > 0 ? ", " : "",
                             (long long)(row[i] + from));
  }
  if (used < size) {
    snprintf(text + used, size - used, ")");
  }
}

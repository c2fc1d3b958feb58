// SPDX-License-Identifier: BSD-3-Clause
#include "chunks_impl.h"

#include <string.h>

#include "hdf5_impl.h"
#include "htflow/memory.h"
#include "layout_impl.h"

// Chunks in the window: 16 MB with what they are encoded to, and some for each of ten
// helpers, of whom two or three keep up with one writer.
enum { WINDOW = 32 };

typedef enum place { WAITING, AWAY, ENCODED } place;

typedef struct chunk {
  place at;
  hid_t dataset;
  hsize_t offset[HTF_LAYOUT_RANK];
  uint8_t *task, *reply; // [room], [room + HTF_RESULTS_MORE]
  size_t room, count, made;
} chunk;

struct htf_results__chunks {
  const htf_results_helpers *helpers;
  htf_results_encoder *encoder; // made where the first chunk is encoded here
  int first, count;             // the window: slots first .. first + count - 1, in a ring
  chunk slot[WINDOW];
};

typedef htf_results__chunks chunks;

static int slot_of(const chunks *c, int i) {
  return (c->first + i) % WINDOW;
}

htf_status htf_results__chunks_create(chunks **out) {
  htf_status status = HTF_OK;
  HTF_NEW(*out, 1);
done:
  return status;
}

void htf_results__chunks_share(chunks *c, const htf_results_helpers *helpers) {
  c->helpers = helpers;
}

// ---- encoding ---------------------------------------------------------------------------

// Takes in one reply. *slot: whose, or -1. One that failed has come back too.
static htf_status fetch(chunks *c, bool wait, int *slot) {
  size_t made = 0;
  *slot = -1;
  htf_status status = c->helpers->fetch(c->helpers->context, wait, slot, &made);
  if (*slot >= 0) {
    c->slot[*slot].made = made;
    c->slot[*slot].at = ENCODED;
  }
  return status;
}

// Takes in what has come back, and hands out what waits, the oldest first.
static htf_status share_out(chunks *c) {
  htf_status status = HTF_OK;
  int slot = 0;
  bool taken = true;
  while (c->helpers != NULL && slot >= 0) {
    HTF_TRY(fetch(c, false, &slot));
  }
  for (int i = 0; i < c->count && c->helpers != NULL && taken; i++) {
    slot = slot_of(c, i);
    chunk *next = &c->slot[slot];
    if (next->at == WAITING) {
      HTF_TRY(c->helpers->offer(c->helpers->context, slot, next->task, next->count,
                                next->reply, &taken));
      next->at = taken ? AWAY : WAITING;
    }
  }
done:
  return status;
}

static htf_status encode(chunks *c, chunk *next) {
  htf_status status = HTF_OK;
  if (c->encoder == NULL) {
    HTF_TRY(htf_results_encoder_create(&c->encoder));
  }
  HTF_TRY(
      htf_results_encode(c->encoder, next->task, next->count, next->reply, &next->made));
  next->at = ENCODED;
done:
  return status;
}

static chunk *oldest_waiting(chunks *c) {
  for (int i = 0; i < c->count; i++) {
    if (c->slot[slot_of(c, i)].at == WAITING) {
      return &c->slot[slot_of(c, i)];
    }
  }
  return NULL;
}

// Until the oldest chunk is encoded, this process encodes what no helper has.
static htf_status encode_oldest(chunks *c) {
  htf_status status = HTF_OK;
  HTF_TRY(share_out(c));
  while (c->slot[c->first].at != ENCODED) {
    chunk *mine = oldest_waiting(c);
    int slot;
    if (mine != NULL) {
      HTF_TRY(encode(c, mine));
    } else {
      HTF_TRY(fetch(c, true, &slot));
    }
    HTF_TRY(share_out(c));
  }
done:
  return status;
}

// ---- writing ----------------------------------------------------------------------------

static htf_status write_oldest(chunks *c) {
  htf_status status = HTF_OK;
  htf_results__reply head;
  HTF_TRY(encode_oldest(c));
  chunk *oldest = &c->slot[c->first];
  HTF_CHECK(oldest->made > sizeof head, HTF_E_INTERNAL, "a chunk came back with %zu bytes",
            oldest->made);
  memcpy(&head, oldest->reply, sizeof head);
  HDF5_TRY(HTF_E_IO, H5Dwrite_chunk(oldest->dataset, H5P_DEFAULT, (uint32_t)head.skipped,
                                    oldest->offset, oldest->made - sizeof head,
                                    oldest->reply + sizeof head));
  c->first = slot_of(c, 1);
  c->count--;
done:
  return status;
}

htf_status htf_results__chunks_next(chunks *c, size_t bytes, size_t element, void **raw) {
  htf_status status = HTF_OK;
  htf_results__task head = {element};
  if (c->count == WINDOW) {
    HTF_TRY(write_oldest(c));
  }
  chunk *next = &c->slot[slot_of(c, c->count)];
  next->count = sizeof head + bytes;
  if (next->room < next->count) {
    next->room = 0;
    HTF_FREE(next->task);
    HTF_FREE(next->reply);
    HTF_NEW(next->task, next->count);
    HTF_NEW(next->reply, next->count + HTF_RESULTS_MORE);
    next->room = next->count;
  }
  memcpy(next->task, &head, sizeof head);
  *raw = next->task + sizeof head;
done:
  return status;
}

htf_status htf_results__chunks_put(chunks *c, hid_t dataset, int rank,
                                   const hsize_t *offset) {
  htf_status status = HTF_OK;
  chunk *next = &c->slot[slot_of(c, c->count++)];
  next->at = WAITING;
  next->dataset = dataset;
  memcpy(next->offset, offset, (size_t)rank * sizeof *offset);
  HTF_TRY(share_out(c));
done:
  return status;
}

htf_status htf_results__chunks_drain(chunks *c) {
  htf_status status = HTF_OK;
  while (c->count > 0) {
    HTF_TRY(write_oldest(c));
  }
done:
  return status;
}

// After an error helpers may still have chunks, and MPI their memory.
static void recall(chunks *c) {
  bool away = true;
  while (away) {
    int slot;
    away = false;
    for (int i = 0; i < c->count; i++) {
      away = away || c->slot[slot_of(c, i)].at == AWAY;
    }
    if (away && fetch(c, true, &slot) != HTF_OK && slot < 0) {
      return;
    }
  }
}

void htf_results__chunks_destroy(chunks **out) {
  chunks *c = *out;
  if (c != NULL) {
    recall(c);
    for (int i = 0; i < WINDOW; i++) {
      HTF_FREE(c->slot[i].task);
      HTF_FREE(c->slot[i].reply);
    }
    htf_results_encoder_destroy(&c->encoder);
    HTF_FREE(*out);
  }
}

// SPDX-License-Identifier: BSD-3-Clause
// A run at a boundary of its flow, to bytes and back.
//
// Bytes: magic and version, the run's identity, where the flow begins anew, the clocks,
// what the recorder and the events hold; then the SHA-256 of all that.
#include <string.h>

#include "flight_impl.h"
#include "htflow/bytes.h"
#include "htflow/memory.h"

static const uint64_t MAGIC = 0x3174706b63667468u; // "htfckpt1"
enum { VERSION = 3 };

static htf_status visit_identity(htf_bytes *b, htf_flight *f) {
  htf_status status = HTF_OK;
  htf_digest identity = f->identity;
  int64_t parameters = htf_model_parameters(f->scene.model), carry = f->carry_size;
  HTF_TRY(htf_bytes_raw(b, identity.bytes, HTF_DIGEST_BYTES));
  HTF_CHECK(memcmp(&identity, &f->identity, sizeof identity) == 0, HTF_E_DATA,
            "this checkpoint is of another run");
  HTF_TRY(htf_bytes_bounded(b, parameters, parameters, &parameters));
  HTF_TRY(htf_bytes_bounded(b, carry, carry, &carry));
done:
  return status;
}

static htf_status visit_counts(htf_bytes *b, htf_flow_counts *counts) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_bytes_bounded(b, 0, INT64_MAX, &counts->steps));
  HTF_TRY(htf_bytes_bounded(b, 0, INT64_MAX, &counts->derivatives));
  HTF_TRY(htf_bytes_bounded(b, 0, INT64_MAX, &counts->products));
  HTF_TRY(htf_bytes_bounded(b, 0, INT64_MAX, &counts->prepared));
  HTF_TRY(htf_bytes_bounded(b, 0, INT64_MAX, &counts->segments));
  HTF_TRY(htf_bytes_bounded(b, 0, INT64_MAX, &counts->rejected));
done:
  return status;
}

static htf_status visit_start(htf_bytes *b, htf_flight *f) {
  htf_status status = HTF_OK;
  htf_flow_start *start = &f->options.start;
  HTF_TRY(htf_bytes_reals(b, htf_model_parameters(f->scene.model), f->scene.theta));
  HTF_TRY(htf_bytes_reals(b, f->carry_size, f->carry));
  HTF_TRY(htf_bytes_real(b, &start->time.high));
  HTF_TRY(htf_bytes_real(b, &start->time.low));
  HTF_TRY(htf_bytes_real(b, &start->arc));
  HTF_TRY(htf_bytes_real(b, &start->last_step));
  HTF_TRY(visit_counts(b, &start->counts));
  start->carry = f->carry;
done:
  return status;
}

static htf_status visit(htf_bytes *b, void *object) {
  htf_status status = HTF_OK;
  htf_flight *f = object;
  double wall = htf_flight__wall(f), cpu = htf_flight__cpu(f);
  HTF_TRY(htf_bytes_format(b, MAGIC, VERSION));
  HTF_TRY(visit_identity(b, f));
  HTF_TRY(visit_start(b, f));
  HTF_TRY(htf_bytes_real(b, &f->scale));
  HTF_TRY(htf_bytes_real(b, &f->lowest));
  HTF_TRY(htf_bytes_real(b, &f->started));
  HTF_TRY(htf_bytes_real(b, &wall));
  HTF_TRY(htf_bytes_real(b, &cpu));
  if (htf_bytes_reading(b)) {
    f->used = wall;
    f->used_cpu = cpu;
  }
  HTF_TRY(htf_recorder__visit(f->recorder, b));
  HTF_TRY(htf_events__visit(f->events, b));
done:
  return status;
}

// Where a flow would begin that takes up this one; what it carries is the flow's.
static void note_start(htf_flight *f) {
  const htf_flow *flow = f->flow;
  size_t parameters = (size_t)htf_model_parameters(f->scene.model);
  memcpy(f->scene.theta, htf_flow_state(flow), parameters * sizeof *f->scene.theta);
  f->carry = (double *)htf_flow_carry(flow); // read from only
  f->options.start = (htf_flow_start){.time = htf_flow_now(flow),
                                      .arc = htf_flow_arc(flow),
                                      .last_step = htf_flow_last_step(flow),
                                      .carry = f->carry,
                                      .counts = htf_flow_get_counts(flow)};
}

static htf_status visit_with_digest(htf_bytes *b, void *object) {
  htf_status status = HTF_OK;
  htf_digest none = {{0}};
  HTF_TRY(visit(b, object));
  HTF_TRY(htf_bytes_raw(b, none.bytes, HTF_DIGEST_BYTES));
done:
  return status;
}

htf_status htf_flight__pack(htf_flight *f, uint8_t **bytes, size_t *count) {
  htf_status status = HTF_OK;
  uint8_t *packed = NULL;
  size_t size = 0;
  htf_digest digest;
  note_start(f);
  HTF_TRY(htf_bytes_pack("a checkpoint", visit_with_digest, f, &packed, &size));
  HTF_TRY(htf_digest_of(packed, size - HTF_DIGEST_BYTES, &digest));
  memcpy(packed + size - HTF_DIGEST_BYTES, digest.bytes, HTF_DIGEST_BYTES);
  *bytes = packed;
  *count = size;
  packed = NULL;
done:
  f->carry = NULL;
  HTF_FREE(packed);
  return status;
}

htf_status htf_flight__unpack(htf_flight *f) {
  htf_status status = HTF_OK;
  const uint8_t *bytes = f->hooks->resume;
  size_t count = f->hooks->resume_count;
  htf_digest digest;
  HTF_CHECK(count >= HTF_DIGEST_BYTES, HTF_E_DATA, "%zu bytes are no checkpoint", count);
  count -= HTF_DIGEST_BYTES;
  HTF_TRY(htf_digest_of(bytes, count, &digest));
  HTF_CHECK(memcmp(digest.bytes, bytes + count, HTF_DIGEST_BYTES) == 0, HTF_E_DATA,
            "these %zu bytes are no checkpoint, or damaged: their digest is another",
            count + HTF_DIGEST_BYTES);
  HTF_TRY(htf_bytes_unpack("a checkpoint", visit, bytes, count, f));
done:
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
#include "htflow/crew.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "htflow/memory.h"
#include "sweep_impl.h"

enum { TASK = 101, REPLY, FAILURE, DISMISSAL };

// Tasks of one worker: the one at hand, and two since rank 0 may take as long for what it
// does in between.
enum { AT_ONCE = 3 };

// What a worker says instead of a reply; it fits where that would go.
enum { WORDS = HTF_CREW_MORE - 2 * sizeof(int32_t) };
typedef struct failure {
  int32_t status;
  char message[WORDS];
} failure;
_Static_assert(sizeof(failure) <= HTF_CREW_MORE, "a failure fits into any reply");

struct htf_crew {
  int slots, out;
  MPI_Request *sent, *due; // [slots]
  int *worker;             // [slots]
  uint8_t **reply;         // [slots]
  int *load;               // [ranks]: tasks each worker has
};

// ---- rank 0 -----------------------------------------------------------------------------

static htf_status make_room(htf_crew *crew, int slot) {
  htf_status status = HTF_OK;
  if (slot >= crew->slots) {
    int slots = slot + 1;
    HTF_RESIZE(crew->sent, slots);
    HTF_RESIZE(crew->due, slots);
    HTF_RESIZE(crew->worker, slots);
    HTF_RESIZE(crew->reply, slots);
    for (int i = crew->slots; i < slots; i++) {
      crew->sent[i] = crew->due[i] = MPI_REQUEST_NULL;
    }
    crew->slots = slots;
  }
done:
  return status;
}

static int least_loaded(const htf_crew *crew) {
  int best = 1;
  for (int rank = 2; rank < htf_sweep_ranks(); rank++) {
    best = crew->load[rank] < crew->load[best] ? rank : best;
  }
  return best;
}

htf_status htf_crew_offer(htf_crew *crew, int slot, const void *task, size_t count,
                          void *reply, bool *taken) {
  htf_status status = HTF_OK;
  int worker = htf_sweep_ranks() > 1 ? least_loaded(crew) : 0;
  *taken = worker > 0 && crew->load[worker] < AT_ONCE && count < INT_MAX - HTF_CREW_MORE;
  if (*taken) {
    HTF_TRY(make_room(crew, slot));
    crew->worker[slot] = worker;
    crew->reply[slot] = reply;
    HTF_MPI(MPI_Irecv(reply, (int)count + HTF_CREW_MORE, MPI_BYTE, worker, MPI_ANY_TAG,
                      htf_sweep__world(), &crew->due[slot]));
    HTF_MPI(MPI_Isend(task, (int)count, MPI_BYTE, worker, TASK, htf_sweep__world(),
                      &crew->sent[slot]));
    crew->load[worker]++;
    crew->out++;
  }
done:
  return status;
}

static htf_status take_in(htf_crew *crew, int slot, MPI_Status *envelope, size_t *made) {
  htf_status status = HTF_OK;
  int worker = crew->worker[slot], bytes = 0;
  failure failed;
  crew->load[worker]--;
  crew->out--;
  HTF_TRY(htf_sweep__wait(&crew->sent[slot]));
  HTF_MPI(MPI_Get_count(envelope, MPI_BYTE, &bytes));
  *made = (size_t)bytes;
  if (envelope->MPI_TAG == FAILURE) {
    memcpy(&failed, crew->reply[slot], sizeof failed);
    HTF_CHECK(false, (htf_status)failed.status, "rank %d: %s", worker, failed.message);
  }
done:
  return status;
}

htf_status htf_crew_fetch(htf_crew *crew, bool wait, int *slot, size_t *made) {
  htf_status status = HTF_OK;
  int idle = 0, found = 0, index = MPI_UNDEFINED;
  MPI_Status envelope;
  *slot = -1;
  HTF_CHECK(crew->out > 0 || !wait, HTF_E_INTERNAL, "no worker has a task");
  while (crew->out > 0 && index == MPI_UNDEFINED) {
    HTF_MPI(MPI_Testany(crew->slots, crew->due, &index, &found, &envelope));
    if (!found || index == MPI_UNDEFINED) {
      index = MPI_UNDEFINED;
      if (!wait) {
        break;
      }
      htf_sweep__doze(&idle);
    }
  }
  if (index != MPI_UNDEFINED) {
    *slot = index;
    HTF_TRY(take_in(crew, index, &envelope, made));
  }
done:
  return status;
}

// ---- a worker ---------------------------------------------------------------------------

// A worker's buffers. A reply is on its way while the next is made.
typedef struct desk {
  uint8_t *task, *reply[2];
  int room, reply_room[2];
  MPI_Request sent[2];
} desk;

// Waits for the next message. *count: bytes of a task, 0 for the dismissal.
static htf_status receive(desk *d, int *count) {
  htf_status status = HTF_OK;
  MPI_Message message;
  MPI_Status envelope;
  int there = 0, idle = 0;
  while (!there) {
    HTF_MPI(MPI_Improbe(0, MPI_ANY_TAG, htf_sweep__world(), &there, &message, &envelope));
    if (!there) {
      htf_sweep__doze(&idle);
    }
  }
  HTF_MPI(MPI_Get_count(&envelope, MPI_BYTE, count));
  if (*count > d->room) {
    HTF_FREE(d->task);
    HTF_NEW(d->task, *count);
    d->room = *count;
  }
  HTF_MPI(MPI_Mrecv(d->task, *count, MPI_BYTE, &message, MPI_STATUS_IGNORE));
done:
  return status;
}

// One task at the desk's place `turn`. What the work raises goes to rank 0 as a reply.
static htf_status answer(const htf_crew_job *job, int count, desk *d, int turn) {
  htf_status status = HTF_OK;
  size_t made = sizeof(failure);
  HTF_TRY(htf_sweep__wait(&d->sent[turn]));
  if (d->reply_room[turn] < count + HTF_CREW_MORE) {
    d->reply_room[turn] = 0;
    HTF_FREE(d->reply[turn]);
    HTF_NEW(d->reply[turn], count + HTF_CREW_MORE);
    d->reply_room[turn] = count + HTF_CREW_MORE;
  }
  htf_status worked =
      job->work(job->context, d->task, (size_t)count, d->reply[turn], &made);
  if (worked != HTF_OK) {
    failure failed = {.status = (int32_t)worked};
    snprintf(failed.message, sizeof failed.message, "%s", htf_error_message());
    memcpy(d->reply[turn], &failed, sizeof failed);
    made = sizeof failed;
    htf_error_clear();
  }
  HTF_MPI(MPI_Isend(d->reply[turn], (int)made, MPI_BYTE, 0,
                    worked == HTF_OK ? REPLY : FAILURE, htf_sweep__world(),
                    &d->sent[turn]));
done:
  return status;
}

static htf_status serve(const htf_crew_job *job) {
  htf_status status = HTF_OK;
  desk d = {.sent = {MPI_REQUEST_NULL, MPI_REQUEST_NULL}};
  int count, turn = 0;
  HTF_TRY(receive(&d, &count));
  while (count > 0) {
    HTF_TRY(answer(job, count, &d, turn));
    turn = !turn;
    HTF_TRY(receive(&d, &count));
  }
  HTF_TRY(htf_sweep__wait(&d.sent[0]));
  HTF_TRY(htf_sweep__wait(&d.sent[1]));
done:
  HTF_FREE(d.task);
  HTF_FREE(d.reply[0]);
  HTF_FREE(d.reply[1]);
  return status;
}

// ---- together ---------------------------------------------------------------------------

static htf_status dismiss(void) {
  htf_status status = HTF_OK;
  for (int rank = 1; rank < htf_sweep_ranks(); rank++) {
    HTF_MPI(MPI_Send(NULL, 0, MPI_BYTE, rank, DISMISSAL, htf_sweep__world()));
  }
done:
  return status;
}

static htf_status lead(const htf_crew_job *job) {
  htf_status status = HTF_OK;
  htf_crew crew = {.slots = 0};
  HTF_NEW(crew.load, htf_sweep_ranks());
  HTF_TRY(job->lead(job->context, &crew));
  HTF_ASSERT(crew.out == 0);
done:
  HTF_FREE(crew.sent);
  HTF_FREE(crew.due);
  HTF_FREE(crew.worker);
  HTF_FREE(crew.reply);
  HTF_FREE(crew.load);
  return status;
}

// A worker that cannot serve on would be waited for, and a rank 0 without messages cannot
// dismiss anybody: both end the job.
htf_status htf_crew_run(const htf_crew_job *job) {
  htf_status status = HTF_OK, dismissed = HTF_OK;
  if (htf_sweep_rank() != 0) {
    status = serve(job);
    if (status != HTF_OK) {
      htf_sweep__abandon(status);
    }
  } else {
    status = lead(job);
    if (status == HTF_E_MPI || (dismissed = dismiss()) != HTF_OK) {
      htf_sweep__abandon(status == HTF_E_MPI ? status : dismissed);
    }
  }
  return htf_sweep_agree(status);
}

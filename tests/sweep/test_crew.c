// SPDX-License-Identifier: BSD-3-Clause
// Tasks handed to other ranks: what comes back is what was asked, whoever did it.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "htflow/crew.h"
#include "htflow/memory.h"
#include "htflow/sweep.h"
#include "mpi_test.h"

enum { SLOTS = 12, TASKS = 200, LONGEST = 300000 };

typedef struct seen {
  int rounds, by_others; // of the lead
  int worked, fail_at;   // of a worker; which of its tasks it fails at, 0 for none
  bool lead_fails;
} seen;

// Task i is i's bytes, of a length of its own; the reply their complements and one more.
static size_t length_of(int i) {
  return i % 7 == 0 ? LONGEST : 1 + (size_t)(i * 37 % 5000);
}

static htf_status work(void *context, const void *task, size_t count, void *reply,
                       size_t *made) {
  htf_status status = HTF_OK;
  seen *s = context;
  const uint8_t *in = task;
  uint8_t *out = reply;
  s->worked++;
  HTF_CHECK(s->worked != s->fail_at, HTF_E_DATA, "made to fail");
  for (size_t i = 0; i < count; i++) {
    out[i] = (uint8_t)~in[i];
  }
  out[count] = 77;
  *made = count + 1;
done:
  return status;
}

typedef struct piece {
  int task; // -1 while free
  uint8_t *in, *out;
} piece;

static void check_reply(const piece *p, size_t made) {
  size_t count = length_of(p->task), wrong = 0;
  for (size_t i = 0; i < count; i++) {
    wrong += p->out[i] != (uint8_t) ~(uint8_t)p->task;
  }
  mpi_check(made == count + 1 && wrong == 0 && p->out[count] == 77,
            "task %d: %zu bytes of %zu, %zu wrong", p->task, made, count + 1, wrong);
}

static htf_status collect(seen *s, htf_crew *crew, bool wait, piece *pieces, int *slot) {
  size_t made = 0;
  htf_status status = htf_crew_fetch(crew, wait, slot, &made);
  if (*slot >= 0) {
    if (status == HTF_OK) {
      check_reply(&pieces[*slot], made);
    }
    pieces[*slot].task = -1;
    s->by_others++;
  }
  return status;
}

static htf_status hand_out(seen *s, htf_crew *crew, piece *pieces) {
  htf_status status = HTF_OK;
  for (int task = 0, slot; task < TASKS; task++) {
    piece *p = &pieces[task % SLOTS];
    while (p->task >= 0) { // its last task is still out
      HTF_TRY(collect(s, crew, true, pieces, &slot));
    }
    bool taken = false;
    memset(p->in, (uint8_t)task, length_of(task));
    HTF_TRY(htf_crew_offer(crew, task % SLOTS, p->in, length_of(task), p->out, &taken));
    p->task = taken ? task : -1;
    mpi_check(htf_sweep_ranks() > 1 || !taken, "taken by nobody");
    HTF_TRY(collect(s, crew, false, pieces, &slot));
  }
done:
  return status;
}

static htf_status lead(void *context, htf_crew *crew) {
  htf_status status = HTF_OK;
  seen *s = context;
  piece pieces[SLOTS];
  int slot = 0;
  s->rounds++;
  for (int i = 0; i < SLOTS; i++) {
    pieces[i] =
        (piece){-1, htf_memory_get(LONGEST, 1), htf_memory_get(LONGEST + HTF_CREW_MORE, 1)};
  }
  status = hand_out(s, crew, pieces);
  while (slot >= 0) { // a lead fetches all that is out, whatever happened
    bool out = false;
    for (int i = 0; i < SLOTS; i++) {
      out = out || pieces[i].task >= 0;
    }
    slot = -1;
    if (out) {
      htf_status late = collect(s, crew, true, pieces, &slot);
      status = status == HTF_OK ? late : status;
    }
  }
  for (int i = 0; i < SLOTS; i++) {
    htf_memory_release(pieces[i].in);
    htf_memory_release(pieces[i].out);
  }
  HTF_TRY(status);
  HTF_CHECK(!s->lead_fails, HTF_E_IO, "the disk is full");
done:
  return status;
}

static htf_status run_crew(seen *s) {
  htf_sweep_open(NULL, NULL);
  int64_t blocks = htf_memory_blocks();
  htf_status status = htf_crew_run(&(htf_crew_job){lead, work, s});
  mpi_check(htf_memory_blocks() == blocks, "memory is left over");
  return status;
}

static int sum_over(MPI_Comm world, int value) {
  MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_INT, MPI_SUM, world);
  return value;
}

MPI_TEST(crew, every_task_taken_comes_back_done) {
  seen s = {.rounds = 0};
  int ranks = (MPI_Comm_size(world, &ranks), ranks);
  for (int round = 0; round < 2; round++) { // a crew can be called again
    htf_status status = run_crew(&s);
    mpi_check(status == HTF_OK, "%s", htf_error_message());
  }
  int worked = sum_over(world, s.worked), fetched = sum_over(world, s.by_others);
  mpi_check(sum_over(world, s.rounds) == 2, "the lead ran elsewhere");
  mpi_check(worked == fetched, "%d done, %d fetched", worked, fetched);
  mpi_check(ranks == 1 ? worked == 0 : worked > 0, "%d done by others", worked);
  htf_sweep_close();
}

MPI_TEST(crew, what_a_worker_raises_is_raised_everywhere) {
  int ranks = (MPI_Comm_size(world, &ranks), ranks);
  seen s = {.fail_at = 1};
  htf_status status = run_crew(&s);
  mpi_check(status == (ranks > 1 ? HTF_E_DATA : HTF_OK), "status %d", (int)status);
  mpi_check(ranks == 1 || (strstr(htf_error_message(), "rank ") != NULL &&
                           strstr(htf_error_message(), ": made to fail") != NULL),
            "%s", htf_error_message());
  htf_sweep_close();
}

MPI_TEST(crew, what_the_lead_raises_is_raised_everywhere) {
  seen s = {.lead_fails = true};
  (void)world;
  htf_status status = run_crew(&s);
  mpi_check(status == HTF_E_IO && strstr(htf_error_message(), "disk is full") != NULL, "%s",
            htf_error_message());
  htf_sweep_close();
}

MPI_TEST_MAIN

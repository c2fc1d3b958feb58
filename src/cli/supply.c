// SPDX-License-Identifier: BSD-3-Clause
// Which run is next. See supply_impl.h.
#include "supply_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_impl.h"
#include "htflow/clock.h"
#include "htflow/cost.h"
#include "htflow/journal.h"
#include "htflow/lease.h"
#include "htflow/memory.h"

enum { BLOCKS = 256, MOST_RUNS_A_BLOCK = 1024 };
static const double retry = 0.5; // seconds between looks at what others hold

typedef enum block_state { FREE, HELD, FINISHED } block_state;

typedef struct block {
  int64_t out; // runs handed out and not ended
  block_state state;
  bool drained; // all of its runs were handed out
  double tried; // when its lease was last asked for in vain
} block;

struct htf_cli_supply {
  htf_cli_supply_options options;
  htf_archive *archive;
  htf_leases *leases;
  int64_t runs, length, blocks; // length: of a block
  uint32_t *order, *place;      // [runs] run at a place, and place of a run
  float *flops;                 // [runs] by run
  uint64_t *settled, *started;  // a bit a run: nothing to do; has a checkpoint
  block *block;                 // [blocks]
  int64_t current, at;          // block being handed out (-1: none), and place in the order
  int64_t first;                // no block before it is FREE
  bool company;                 // another job was met
  int64_t failed;               // of this job's runs, since it was created
  double looked;                // when all that was left was held by others
  htf_cli_supply_counts counts;
};

static bool get(const uint64_t *bits, int64_t i) {
  return (bits[i / 64] >> (i % 64) & 1) != 0;
}

static void put(uint64_t *bits, int64_t i, bool value) {
  uint64_t bit = (uint64_t)1 << (i % 64);
  bits[i / 64] = value ? bits[i / 64] | bit : bits[i / 64] & ~bit;
}

// ---- the order ------------------------------------------------------------------------

static int longest_first(const void *left, const void *right, void *context) {
  const float *flops = context;
  uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
  return flops[a] != flops[b] ? (flops[a] < flops[b] ? 1 : -1) : (a > b) - (a < b);
}

static bool ours(const htf_cli_supply *s, int64_t run) {
  const htf_cli_supply_options *o = &s->options;
  return o->shards == 0 || run % o->shards == o->shard - 1;
}

// What the archive says of a run.
static int look_up(htf_cli_supply *s, int64_t run, const htf_digest *identity) {
  int state = htf_archive_state(s->archive, identity);
  bool again = state == HTF_RUN_FAILED && s->options.retry_failed;
  put(s->settled, run, !ours(s, run) || (state != HTF_RUN_PENDING && !again));
  put(s->started, run, htf_archive_checkpoint(s->archive, identity) != NULL);
  return state;
}

static void count_run(htf_cli_supply *s, int64_t run, int state) {
  if (!get(s->settled, run)) {
    s->counts.todo++;
    s->counts.flops += s->flops[run];
  } else if (ours(s, run)) {
    s->counts.done += state == HTF_RUN_DONE;
    s->counts.failed += state == HTF_RUN_FAILED;
  }
}

typedef struct examination {
  htf_cli_supply *supply;
  htf_cost_table *costs;
} examination;

static htf_status examine(void *context, int64_t run, const htf_spec *spec,
                          const htf_digest *identity) {
  htf_status status = HTF_OK;
  const examination *e = context;
  htf_cli_supply *s = e->supply;
  htf_cost cost;
  HTF_TRY(htf_cost_predict(e->costs, spec, &cost));
  s->flops[run] = (float)htf_cost_flops(&cost);
  s->order[run] = (uint32_t)run;
  count_run(s, run, look_up(s, run, identity));
done:
  return status;
}

static htf_status examine_all(htf_cli_supply *s) {
  htf_status status = HTF_OK;
  examination e = {.supply = s};
  HTF_TRY(htf_cost_table_create(&e.costs));
  HTF_TRY(htf_cli__identities(s->options.plan, examine, &e));
  qsort_r(s->order, (size_t)s->runs, sizeof *s->order, longest_first, s->flops);
  for (int64_t i = 0; i < s->runs; i++) {
    s->place[s->order[i]] = (uint32_t)i;
  }
done:
  htf_cost_table_destroy(&e.costs);
  return status;
}

// ---- create and destroy ---------------------------------------------------------------

static htf_status make_room(htf_cli_supply *s) {
  htf_status status = HTF_OK;
  s->runs = htf_plan_runs(s->options.plan);
  HTF_CHECK(s->runs < UINT32_MAX, HTF_E_CONFIG, "%lld runs are more than can be handed out",
            (long long)s->runs);
  s->length = s->runs / BLOCKS < 1 ? 1 : s->runs / BLOCKS;
  s->length = s->length < MOST_RUNS_A_BLOCK ? s->length : MOST_RUNS_A_BLOCK;
  s->blocks = (s->runs + s->length - 1) / s->length;
  HTF_NEW(s->order, s->runs);
  HTF_NEW(s->place, s->runs);
  HTF_NEW(s->flops, s->runs);
  HTF_NEW(s->settled, s->runs / 64 + 1);
  HTF_NEW(s->started, s->runs / 64 + 1);
  HTF_NEW(s->block, s->blocks);
done:
  return status;
}

htf_status htf_cli__supply_create(const htf_cli_supply_options *options,
                                  htf_cli_supply **out) {
  htf_status status = HTF_OK;
  htf_cli_supply *s = NULL;
  HTF_NEW(s, 1);
  s->options = *options;
  s->current = -1;
  HTF_TRY(make_room(s));
  // Joined before the journals are read: who ends later than that is company.
  HTF_TRY(htf_leases_open(options->directory, htf_plan_hash(options->plan),
                          options->patience, &s->leases));
  HTF_TRY(htf_archive_open(options->directory, &s->archive));
  HTF_TRY(examine_all(s));
  *out = s;
  s = NULL;
done:
  htf_cli__supply_destroy(&s);
  return status;
}

void htf_cli__supply_destroy(htf_cli_supply **supply) {
  htf_cli_supply *s = *supply;
  if (s != NULL) {
    htf_archive_close(&s->archive);
    htf_leases_close(&s->leases);
    HTF_FREE(s->order);
    HTF_FREE(s->place);
    HTF_FREE(s->flops);
    HTF_FREE(s->settled);
    HTF_FREE(s->started);
    HTF_FREE(s->block);
    HTF_FREE(*supply);
  }
}

htf_cli_supply_counts htf_cli__supply_count(const htf_cli_supply *s) {
  return s->counts;
}

// ---- blocks ---------------------------------------------------------------------------

static int64_t block_end(const htf_cli_supply *s, int64_t b) {
  int64_t end = (b + 1) * s->length;
  return end < s->runs ? end : s->runs;
}

// The first run of a block, from a place on, that is to be done; block_end if none is.
static int64_t first_unsettled(const htf_cli_supply *s, int64_t b, int64_t place) {
  while (place < block_end(s, b) && get(s->settled, s->order[place])) {
    place++;
  }
  return place;
}

static htf_status identity_of(const htf_cli_supply *s, int64_t run, htf_digest *identity) {
  htf_status status = HTF_OK;
  htf_spec spec;
  HTF_TRY(htf_plan_spec(s->options.plan, run, &spec));
  HTF_TRY(htf_spec_identity(&spec, identity));
done:
  return status;
}

// What others have done of a block since the journals were read.
static htf_status catch_up(htf_cli_supply *s, int64_t b) {
  htf_status status = HTF_OK;
  htf_digest identity;
  HTF_TRY(htf_archive_refresh(s->archive));
  for (int64_t i = b * s->length; i < block_end(s, b); i++) {
    int64_t run = s->order[i];
    if (!get(s->settled, run)) {
      HTF_TRY(identity_of(s, run, &identity));
      look_up(s, run, &identity);
      s->counts.flops -= get(s->settled, run) ? s->flops[run] : 0;
    }
  }
done:
  return status;
}

static void finish_if_over(htf_cli_supply *s, int64_t b) {
  block *k = &s->block[b];
  if (k->state == HELD && k->drained && k->out == 0) {
    htf_leases_release(s->leases, b);
    k->state = FINISHED;
  }
}

static htf_status enter(htf_cli_supply *s, int64_t b, bool *entered) {
  htf_status status = HTF_OK;
  bool company = false;
  HTF_TRY(htf_leases_take(s->leases, b, entered));
  s->block[b].tried = htf_clock_now();
  if (*entered) {
    s->block[b] = (block){.state = HELD};
    s->current = b;
    s->at = b * s->length;
    HTF_TRY(htf_leases_company(s->leases, &company));
    s->company = s->company || company;
    if (s->company) {
      HTF_TRY(catch_up(s, b));
    }
  }
done:
  return status;
}

// Goes to the next block that has something to do and can be had. *others: whether some
// cannot be had now.
static htf_status next_block(htf_cli_supply *s, bool *entered, bool *others) {
  htf_status status = HTF_OK;
  double now = htf_clock_now();
  *entered = *others = false;
  for (int64_t b = s->first; b < s->blocks && !*entered; b++) {
    block *k = &s->block[b];
    if (k->state == FREE && first_unsettled(s, b, b * s->length) == block_end(s, b)) {
      k->state = FINISHED;
    }
    s->first += k->state == FINISHED && b == s->first;
    if (k->state == FREE) {
      if (now - k->tried >= retry) {
        HTF_TRY(enter(s, b, entered));
      }
      *others = *others || !*entered;
    }
  }
done:
  return status;
}

// ---- the callbacks --------------------------------------------------------------------

static htf_status hand_out(htf_cli_supply *s, int64_t run, htf_sweep_grant *grant) {
  htf_status status = HTF_OK;
  htf_digest identity;
  *grant = (htf_sweep_grant){.run = run};
  if (get(s->started, run)) {
    HTF_TRY(identity_of(s, run, &identity));
    const char *writer = htf_archive_checkpoint(s->archive, &identity);
    snprintf(grant->note, sizeof grant->note, "%s", writer != NULL ? writer : "");
  }
done:
  return status;
}

// A run can be cut at the end of every segment of its flow, so none is too long to begin.
htf_status htf_cli__supply_next(htf_cli_supply *s, double left, htf_sweep_grant *grant,
                                htf_sweep_supply *how) {
  htf_status status = HTF_OK;
  bool entered = true, others = false;
  (void)left;
  htf_leases_beat(s->leases);
  *how = HTF_SWEEP_LATER;
  if (s->current < 0 && htf_clock_now() - s->looked < retry) {
    return HTF_OK;
  }
  do {
    if (s->current >= 0) {
      s->at = first_unsettled(s, s->current, s->at);
      if (s->at < block_end(s, s->current)) {
        HTF_TRY(hand_out(s, s->order[s->at++], grant));
        s->block[s->current].out++;
        *how = HTF_SWEEP_GRANTED;
        return HTF_OK;
      }
      s->block[s->current].drained = true;
      finish_if_over(s, s->current);
      s->current = -1;
    }
    HTF_TRY(next_block(s, &entered, &others));
  } while (entered);
  s->looked = others ? htf_clock_now() : 0;
  *how = others ? HTF_SWEEP_LATER : HTF_SWEEP_NONE;
done:
  return status;
}

void htf_cli__supply_ended(htf_cli_supply *s, int64_t run, htf_sweep_end how) {
  int64_t b = s->place[run] / s->length;
  s->block[b].out--;
  s->failed += how == HTF_SWEEP_FAILED;
  if (how != HTF_SWEEP_UNDONE) {
    put(s->settled, run, true);
    s->counts.flops -= s->flops[run];
  }
  finish_if_over(s, b);
}

// ---- afterwards -----------------------------------------------------------------------

typedef struct census {
  htf_cli_supply *supply;
  int64_t elsewhere, failed;
} census;

static htf_status count_again(void *context, int64_t run, const htf_spec *spec,
                              const htf_digest *identity) {
  census *c = context;
  htf_cli_supply *s = c->supply;
  (void)spec;
  int state = look_up(s, run, identity);
  count_run(s, run, state);
  c->elsewhere += !ours(s, run) && state == HTF_RUN_PENDING;
  c->failed += state == HTF_RUN_FAILED;
  return HTF_OK;
}

// Every run looked up again.
static htf_status recount(htf_cli_supply *s, int64_t *elsewhere, int64_t *failed) {
  htf_status status = HTF_OK;
  census c = {.supply = s};
  HTF_TRY(htf_archive_refresh(s->archive));
  s->counts = (htf_cli_supply_counts){0};
  HTF_TRY(htf_cli__identities(s->options.plan, count_again, &c));
  *elsewhere = c.elsewhere;
  *failed = c.failed;
done:
  return status;
}

htf_status htf_cli__supply_settle(htf_cli_supply *s, int64_t *lost, int64_t *elsewhere,
                                  int64_t *failed) {
  htf_status status = HTF_OK;
  int64_t damaged = 0;
  *lost = *elsewhere = 0;
  *failed = s->counts.failed + s->failed;
  if (s->counts.done + s->counts.failed > 0) {
    HTF_TRY(htf_archive_verify(s->archive, &damaged));
  }
  if (damaged > 0 || s->company || s->options.shards > 0) {
    *failed = 0;
    s->options.retry_failed = false; // once is enough
    HTF_TRY(recount(s, elsewhere, failed));
    *lost = s->counts.todo;
    memset(s->block, 0, (size_t)s->blocks * sizeof *s->block);
    s->current = -1;
    s->first = 0;
    s->looked = 0;
  }
done:
  return status;
}

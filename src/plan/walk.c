// SPDX-License-Identifier: BSD-3-Clause
// Point after point: the spec of each, which of them are runs, and which run is which
// point.
#include <string.h>

#include "htflow/memory.h"
#include "plan_impl.h"

enum { CHUNK = 4096, WORD = 64, MOST_RUNS = 10000000 };

// ---- one point after another -----------------------------------------------------------

// The spec of a point, changed into that of the next one by the axes that move; and what
// resolving overwrote.
typedef struct cursor {
  const htf_plan *plan;
  int block;
  int64_t local; // point of the block
  htf_spec *spec;
  htf_shape shape;
  int task;
  double samples, test, norm;
  char digest[HTF_DIGEST_TEXT];
  char label[HTF_MAX_NEWICK];
} cursor;

static void keep_open(cursor *c) {
  c->shape = c->spec->problem.shape;
  c->task = c->spec->problem.task;
  c->samples = c->spec->problem.samples;
  c->test = c->spec->problem.test;
  c->norm = c->spec->problem.target_norm;
  strcpy(c->digest, c->spec->problem.file_digest);
  strcpy(c->label, c->spec->model.tree.label);
}

static void open_again(cursor *c) {
  c->spec->problem.shape = c->shape;
  c->spec->problem.task = c->task;
  c->spec->problem.samples = c->samples;
  c->spec->problem.test = c->test;
  c->spec->problem.target_norm = c->norm;
  strcpy(c->spec->problem.file_digest, c->digest);
  c->spec->init.file_digest[0] = '\0';
  strcpy(c->spec->model.tree.label, c->label);
}

static htf_status go_to_block(cursor *c, int block) {
  htf_status status = HTF_OK;
  const htf_plan__block *b = &c->plan->block[block];
  c->block = block;
  c->local = 0;
  *c->spec = c->plan->base;
  for (int i = b->first; i < b->first + b->axes; i++) {
    HTF_TRY(htf_plan__axis_apply(&c->plan->axis[i], 0, c->spec));
  }
  keep_open(c);
done:
  return status;
}

static htf_status go_on(cursor *c) {
  htf_status status = HTF_OK;
  const htf_plan__block *b = &c->plan->block[c->block];
  c->local++;
  open_again(c);
  for (int i = b->first; i < b->first + b->axes; i++) {
    const htf_plan__axis *axis = &c->plan->axis[i];
    if (c->local % axis->stride == 0) {
      htf_plan__axis_reset(axis, &c->plan->base, c->spec);
      HTF_TRY(htf_plan__axis_apply(axis, c->local / axis->stride % axis->count, c->spec));
    }
  }
  keep_open(c);
done:
  return status;
}

typedef htf_status visitor(void *context, cursor *c, int64_t point);

static htf_status walk(const htf_plan *plan, visitor *visit, void *context) {
  htf_status status = HTF_OK;
  cursor *c = NULL;
  HTF_NEW(c, 1);
  c->plan = plan;
  HTF_NEW(c->spec, 1);
  for (int b = 0; b < plan->blocks; b++) {
    const htf_plan__block *block = &plan->block[b];
    HTF_TRY(go_to_block(c, b));
    for (int64_t i = 0; i < block->points; i++) {
      HTF_TRY(visit(context, c, block->start + i));
      if (i < block->points - 1) {
        HTF_TRY(go_on(c));
      }
    }
  }
done:
  if (c != NULL) {
    HTF_FREE(c->spec);
  }
  HTF_FREE(c);
  return status;
}

// ---- which points are runs -------------------------------------------------------------

static bool is_set(const uint64_t *bits, int64_t i) {
  return (bits[i / WORD] >> i % WORD & 1) != 0;
}

bool htf_plan__is_kept(const htf_plan *plan, int64_t point) {
  return plan->kept == NULL || is_set(plan->kept, point);
}

// Fingerprints met, in a table of twice as many slots; {0, 0} is a free one.
typedef struct choice {
  htf_plan *plan;
  int64_t slots; // a power of two
  htf_fingerprint *met;
} choice;

// Whether it was met before; it is now.
static bool meet(choice *s, htf_fingerprint f) {
  int64_t at = (int64_t)(f.word[0] & (uint64_t)(s->slots - 1));
  while ((s->met[at].word[0] | s->met[at].word[1]) != 0) {
    if (s->met[at].word[0] == f.word[0] && s->met[at].word[1] == f.word[1]) {
      return true;
    }
    at = (at + 1) & (s->slots - 1);
  }
  s->met[at] = f;
  return false;
}

// The counts come first, since conditions speak of them; where they do not fit, the point
// may be one that is dropped.
static htf_status choose(void *context, cursor *c, int64_t point) {
  htf_status status = HTF_OK, counted;
  choice *s = context;
  htf_plan *plan = s->plan;
  counted = htf_plan__resolve_counts(plan, c->spec);
  HTF_CHECK(counted == HTF_OK || (counted == HTF_E_CONFIG && plan->where.conditions > 0),
            counted, "point %lld: %s", (long long)point, htf_error_message());
  if (!htf_plan__where_holds(&plan->where, c->spec)) {
    htf_error_clear();
    plan->excluded++;
    goto done;
  }
  HTF_TRY(counted);
  htf_plan__put_rest(plan, c->block, c->local, c->spec);
  if (meet(s, htf_spec_fingerprint(c->spec))) {
    plan->duplicates++;
    goto done;
  }
  plan->kept[point / WORD] |= (uint64_t)1 << point % WORD;
  plan->runs++;
  HTF_CHECK(plan->runs <= MOST_RUNS, HTF_E_CONFIG, "more than %d runs; split the sweep",
            MOST_RUNS);
done:
  return status;
}

// How many are kept before each chunk.
static htf_status count_chunks(htf_plan *plan) {
  htf_status status = HTF_OK;
  int64_t chunks = plan->points / CHUNK + 1, before = 0;
  HTF_NEW(plan->kept_from, chunks);
  for (int64_t i = 0; i < chunks; i++) {
    plan->kept_from[i] = before;
    int64_t end = (i + 1) * CHUNK < plan->points ? (i + 1) * CHUNK : plan->points;
    for (int64_t w = i * CHUNK; w < end; w += WORD) {
      before += __builtin_popcountll(plan->kept[w / WORD]);
    }
  }
done:
  return status;
}

htf_status htf_plan__choose(htf_plan *plan) {
  htf_status status = HTF_OK;
  choice s = {.plan = plan, .slots = 16};
  while (s.slots < 2 * plan->points && s.slots < 4 * MOST_RUNS) {
    s.slots *= 2;
  }
  HTF_NEW(s.met, s.slots);
  HTF_NEW(plan->kept, plan->points / WORD + 1);
  HTF_TRY(walk(plan, choose, &s));
  if (plan->runs == plan->points) {
    HTF_FREE(plan->kept);
  } else {
    HTF_TRY(count_chunks(plan));
  }
done:
  HTF_FREE(s.met);
  return status;
}

// ---- which run is which point ----------------------------------------------------------

int64_t htf_plan__point(const htf_plan *plan, int64_t run) {
  if (plan->kept == NULL) {
    return run;
  }
  int64_t low = 0, high = plan->points / CHUNK;
  while (low < high) { // the last chunk that begins at or before the run
    int64_t middle = (low + high + 1) / 2;
    low = plan->kept_from[middle] <= run ? middle : low;
    high = plan->kept_from[middle] <= run ? high : middle - 1;
  }
  int64_t left = run - plan->kept_from[low], word = low * CHUNK / WORD;
  while (left >= __builtin_popcountll(plan->kept[word])) {
    left -= __builtin_popcountll(plan->kept[word++]);
  }
  uint64_t bits = plan->kept[word];
  for (; left > 0; left--) {
    bits &= bits - 1; // without the lowest
  }
  return word * WORD + __builtin_ctzll(bits);
}

int htf_plan__block_of(const htf_plan *plan, int64_t point) {
  int block = plan->blocks - 1;
  while (plan->block[block].start > point) {
    block--;
  }
  return block;
}

// ---- all runs --------------------------------------------------------------------------

typedef struct tour {
  const htf_plan *plan;
  htf_plan_visit *visit;
  void *context;
  int64_t run;
} tour;

static htf_status show(void *context, cursor *c, int64_t point) {
  htf_status status = HTF_OK;
  tour *t = context;
  if (htf_plan__is_kept(t->plan, point)) {
    HTF_TRY(htf_plan__resolve_counts(t->plan, c->spec));
    htf_plan__put_rest(t->plan, c->block, c->local, c->spec);
    HTF_TRY(t->visit(t->context, t->run++, c->spec));
  }
done:
  return status;
}

htf_status htf_plan_each(const htf_plan *plan, htf_plan_visit *visit, void *context) {
  tour t = {plan, visit, context, 0};
  return walk(plan, show, &t);
}

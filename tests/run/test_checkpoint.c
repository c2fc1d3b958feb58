// SPDX-License-Identifier: BSD-3-Clause
// Runs left at a boundary and taken up again.
#include <unistd.h>

#include "htflow/random.h"
#include "run_test.h"

// A record without its timing, as bytes.
typedef struct image {
  uint8_t *bytes;
  size_t count;
} image;

static void release(image *i) {
  htf_memory_release(i->bytes);
  *i = (image){NULL, 0};
}

static bool keep(image *i, const uint8_t *bytes, size_t count) {
  release(i);
  i->bytes = htf_memory_get(count, 1);
  i->count = count;
  if (i->bytes != NULL) {
    memcpy(i->bytes, bytes, count);
  }
  return i->bytes != NULL;
}

static image image_of(htf_record *record) {
  image i;
  memset(&record->timing, 0, sizeof record->timing);
  cr_assert(eq(int, htf_record_pack(record, &i.bytes, &i.count), HTF_OK));
  htf_record_clear(record);
  return i;
}

static bool same(const image *a, const image *b) {
  return a->count == b->count && memcmp(a->bytes, b->bytes, a->count) == 0;
}

// ---- leaving and going on

typedef struct leaver {
  int64_t at;   // which boundary to leave at, of those passed since the start or resumption
  int64_t seen; // boundaries passed
  bool only;    // save at every one and go on
  image last;   // what was saved
  htf_status in; // what saving raises
} leaver;

static htf_run_choice choose(void *context) {
  leaver *l = context;
  bool here = ++l->seen == l->at;
  return l->only ? HTF_RUN_SAVE : here ? HTF_RUN_LEAVE : HTF_RUN_GO_ON;
}

static htf_status save(void *context, const uint8_t *bytes, size_t count) {
  htf_status status = HTF_OK;
  leaver *l = context;
  HTF_CHECK(l->in == HTF_OK, l->in, "planted");
  HTF_CHECK(keep(&l->last, bytes, count), HTF_E_MEMORY, "no memory");
done:
  return status;
}

// From what was saved last, if anything.
static htf_status go_on(const htf_spec *spec, leaver *l, htf_record *record) {
  htf_run_hooks hooks = {.boundary = choose, .save = save, .context = l};
  image from = l->last;
  hooks.resume = from.bytes;
  hooks.resume_count = from.count;
  l->last = (image){NULL, 0};
  l->seen = 0;
  htf_record_init(record);
  htf_status status = htf_run_execute(spec, &hooks, record);
  release(&from);
  return status;
}

static int64_t count_boundaries(const htf_spec *spec, image *whole) {
  leaver l = {.at = 0};
  htf_record record;
  cr_assert(eq(int, go_on(spec, &l, &record), HTF_OK));
  *whole = image_of(&record);
  return l.seen;
}

static image cut_at(const htf_spec *spec, int64_t at) {
  leaver l = {.at = at};
  htf_record record;
  cr_assert(eq(int, go_on(spec, &l, &record), HTF_E_STOPPED));
  cr_assert(eq(int, record.column_count, 0));
  l.at = 0;
  cr_assert(eq(int, go_on(spec, &l, &record), HTF_OK), "%s", htf_error_message());
  return image_of(&record);
}

typedef struct method {
  const char *name, *key, *value; // and what makes it go on for some boundaries
} method;

static const method methods[] = {
    {"bdf", "flow.rtol", "1e-12"},      {"adams", "flow.rtol", "1e-7"},
    {"erk", "flow.table", "cash_karp"}, {"gd", "flow.lr", "0.01"},
    {"momentum", "flow.lr", "0.01"},    {"grouprmsprop", "flow.lr", "0.001"},
    {"adam", "flow.lr", "0.001"},
};
enum { METHODS = sizeof methods / sizeof *methods };

// Between two boundaries the run ends, far from the last.
static htf_spec long_spec(const method *m) {
  htf_spec spec = small_spec();
  set(&spec, "flow.method", m->name);
  set(&spec, m->key, m->value);
  set(&spec, "init.std", "0.3");
  set(&spec, "problem.noise", "0.3"); // the held-out loss turns up again, before a cut
  set(&spec, "stop.loss", "0");
  set(&spec, "stop.time", "1e90");
  set(&spec, "stop.steps", "3300");
  set(&spec, "record.points", "50");
  set(&spec, "record.weights", "best");
  set(&spec, "events.loss", "[0.5, 0.2, 0.1, 0.05, 0.01]");
  return spec;
}

Test(checkpoint, cut_at_any_boundary_a_run_of_any_method_ends_in_the_same_record) {
  for (int m = 0; m < METHODS; m++) {
    htf_spec spec = long_spec(&methods[m]);
    image whole;
    int64_t boundaries = count_boundaries(&spec, &whole);
    cr_assert(ge(i64, boundaries, 3), "%s", methods[m].name);
    for (int64_t at = 1; at <= boundaries; at++) {
      image pieces = cut_at(&spec, at);
      cr_assert(same(&whole, &pieces), "%s at %d", methods[m].name, (int)at);
      release(&pieces);
    }
    release(&whole);
  }
}

Test(checkpoint, whatever_is_recorded_goes_on) {
  const char *options[][2] = {
      {"record.spacing", "log"},
      {"record.spacing", "step"},
      {"record.spacing", "arc"},
      {"record.every", "7"},
      {"record.spacing", "loss"},
      {"record.spacing", "growth"},
      {"record.times", "[0.5, 3, 10, 30, 90, 200, 1000]"},
      {"record.weights", "none"},
      {"record.weights", "final"},
      {"events.rank", "0.01"},
      {"events.component", "[]"},
      {"record.weights", "first"},
      {"problem.test", "0"},
      {"record.points", "2"},
  };
  for (size_t o = 0; o < sizeof options / sizeof *options; o++) {
    bool every = strcmp(options[o][0], "record.every") == 0;
    htf_spec spec = long_spec(&methods[every ? 3 : 0]);
    set(&spec, options[o][0], options[o][1]);
    set(&spec, "stop.steps", "2300");
    image whole;
    int64_t boundaries = count_boundaries(&spec, &whole);
    for (int64_t at = 1; at <= boundaries; at++) {
      image pieces = cut_at(&spec, at);
      cr_assert(same(&whole, &pieces), "%s %s at %d", options[o][0], options[o][1],
                (int)at);
      release(&pieces);
    }
    release(&whole);
  }
}

// Ends that are looked for inside a step, or counted from the start.
Test(checkpoint, whatever_ends_a_run_ends_it_alike) {
  const char *ends[][2] = {
      {"stop.loss", "1e-9"}, {"stop.time", "400"}, {"stop.gradient_norm", "1e-5"}};
  for (size_t e = 0; e < sizeof ends / sizeof *ends; e++) {
    htf_spec spec = long_spec(&methods[0]);
    set(&spec, ends[e][0], ends[e][1]);
    set(&spec, "stop.steps", "100000");
    image whole, pieces;
    cr_assert(ge(i64, count_boundaries(&spec, &whole), 1), "%s", ends[e][0]);
    pieces = cut_at(&spec, 1);
    cr_assert(same(&whole, &pieces), "%s", ends[e][0]);
    release(&whole);
    release(&pieces);
  }
}

// The drift that ends it is counted from a start before the cut.
Test(checkpoint, a_run_that_drifts_ends_alike) {
  htf_spec spec = drifting_spec("0.03");
  image whole;
  int64_t boundaries = count_boundaries(&spec, &whole);
  htf_record record;
  htf_record_init(&record);
  cr_assert(eq(int, htf_record_unpack(whole.bytes, whole.count, &record), HTF_OK));
  cr_assert(eq(int, record.stop_reason, HTF_STOP_DRIFT), "%s", record.message);
  cr_assert(ge(i64, boundaries, 2));
  for (int64_t at = 1; at <= boundaries; at++) {
    image pieces = cut_at(&spec, at);
    cr_assert(same(&whole, &pieces), "at %d", (int)at);
    release(&pieces);
  }
  htf_record_clear(&record);
  release(&whole);
}

Test(checkpoint, cut_many_times_in_a_row_it_still_does) {
  htf_random stream = htf_random_open(3, HTF_RANDOM_TEST, 0);
  for (int m = 0; m < METHODS; m++) {
    htf_spec spec = long_spec(&methods[m]);
    set(&spec, "stop.steps", "4100");
    image whole;
    int64_t cuts = 0;
    count_boundaries(&spec, &whole);
    leaver l = {.at = 0};
    htf_record record;
    htf_status status;
    do {
      l.at = 1 + htf_random_index(&stream, 2);
      status = go_on(&spec, &l, &record);
      cuts += status == HTF_E_STOPPED;
    } while (status == HTF_E_STOPPED);
    cr_assert(eq(int, status, HTF_OK), "%s", htf_error_message());
    image pieces = image_of(&record);
    cr_assert(same(&whole, &pieces), "%s", methods[m].name);
    cr_assert(ge(i64, cuts, 2));
    release(&pieces);
    release(&whole);
  }
}

Test(checkpoint, writing_them_changes_nothing) {
  htf_spec spec = long_spec(&methods[0]);
  image whole;
  count_boundaries(&spec, &whole);
  leaver l = {.only = true};
  htf_record record;
  cr_assert(eq(int, go_on(&spec, &l, &record), HTF_OK));
  image saved = image_of(&record);
  cr_assert(same(&whole, &saved));
  cr_assert(lt(u64, 0, l.last.count));
  release(&l.last);
  release(&saved);
  release(&whole);
}

// ---- time

static htf_run_choice tarry(void *context) {
  usleep(400000);
  return choose(context);
}

Test(checkpoint, wall_time_used_before_counts) {
  htf_spec spec = long_spec(&methods[3]);
  set(&spec, "stop.wall", "0.3");
  leaver l = {.at = 1};
  htf_run_hooks hooks = {.boundary = tarry, .save = save, .context = &l};
  htf_record record;
  htf_record_init(&record);
  cr_assert(eq(int, htf_run_execute(&spec, &hooks, &record), HTF_E_STOPPED));
  l.at = 0;
  cr_assert(eq(int, go_on(&spec, &l, &record), HTF_OK));
  cr_assert(eq(int, record.stop_reason, HTF_STOP_WALL));
  cr_assert(eq(i64, record.steps, 1001)); // the first judged after the time was up
  cr_assert(ge(dbl, record.timing.wall, 0.4));
  htf_record_clear(&record);
}

// ---- what is refused

// Flipped, cut off, too long, of another run, of nothing.
Test(checkpoint, bytes_that_are_none_of_this_run_are_refused) {
  htf_spec spec = long_spec(&methods[3]), other = spec;
  htf_random stream = htf_random_open(4, HTF_RANDOM_TEST, 0);
  leaver l = {.at = 1};
  htf_record record;
  cr_assert(eq(int, go_on(&spec, &l, &record), HTF_E_STOPPED));
  image good = l.last;
  int64_t blocks = htf_memory_blocks();
  for (int trial = 0; trial < 60; trial++) {
    image bad = {NULL, 0};
    size_t cut = (size_t)htf_random_index(&stream, (int64_t)good.count);
    keep(&bad, good.bytes, good.count);
    bad.bytes[cut] ^= 0x10;
    if (trial >= 30) {
      keep(&bad, good.bytes, trial == 30 ? 0 : cut);
    }
    l.last = bad;
    cr_assert(eq(int, go_on(&spec, &l, &record), HTF_E_DATA), "byte %zu", cut);
    cr_assert(eq(int, record.column_count, 0));
  }
  l.last = (image){NULL, 0};
  keep(&l.last, good.bytes, good.count);
  set(&other, "init.seed", "1");
  cr_assert(eq(int, go_on(&other, &l, &record), HTF_E_DATA));
  cr_assert(strstr(htf_error_message(), "another run") != NULL);
  cr_assert(eq(i64, htf_memory_blocks(), blocks));
  release(&good);
}

Test(checkpoint, a_failure_to_save_is_forwarded) {
  htf_spec spec = long_spec(&methods[3]);
  leaver l = {.at = 1, .in = HTF_E_IO};
  htf_record record;
  cr_assert(eq(int, go_on(&spec, &l, &record), HTF_E_IO));
  cr_assert(eq(int, record.column_count, 0));
}

Test(checkpoint, out_of_memory_is_a_status_and_leaks_nothing) {
  htf_spec spec = long_spec(&methods[3]);
  set(&spec, "stop.steps", "2001"); // over two boundaries
  leaver l = {.at = 1};
  htf_record record;
  cr_assert(eq(int, go_on(&spec, &l, &record), HTF_E_STOPPED));
  image good = l.last;
  int64_t blocks = htf_memory_blocks(), nth = 1;
  for (;; nth++) {
    l = (leaver){.at = 1, .only = true};
    keep(&l.last, good.bytes, good.count);
    htf_memory_fail_at(nth);
    htf_status status = go_on(&spec, &l, &record);
    htf_memory_fail_at(0);
    if (status == HTF_OK && l.last.bytes != NULL) {
      break;
    }
    cr_assert(eq(int, status, HTF_E_MEMORY), "%s", htf_error_message());
    release(&l.last);
    cr_assert(eq(i64, htf_memory_blocks(), blocks), "allocation %d", (int)nth);
  }
  htf_record_clear(&record);
  release(&l.last);
  release(&good);
}

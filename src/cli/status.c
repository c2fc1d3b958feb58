// SPDX-License-Identifier: BSD-3-Clause
// htflow status: a sweep directory looked at from outside. It writes nothing there, and no
// writer waits for it.
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_impl.h"
#include "htflow/clock.h"
#include "htflow/cost.h"
#include "htflow/journal.h"
#include "htflow/memory.h"
#include "progress_impl.h"
#include "status_impl.h"

// A run that ended: when, and how much work it was.
typedef struct stamp {
  double date, work;
} stamp;

typedef struct writer {
  htf_archive_writer facts;
  htf_cli_activity activity;
  int64_t count[3]; // of its runs, by htf_run_state
} writer;

typedef struct overview {
  const char *directory;
  htf_plan *plan;
  htf_archive *archive;
  // of each run, known once
  htf_digest *identity; // [runs]
  double *work;         // [runs], predicted operations
  stamp *stamps;        // [runs], room for
  // what changes
  double now;
  int writers;
  writer *writer;                                // [writers]
  int64_t count[3], running, checkpoints, ended; // ended: since `session`
  double session;     // when the first living writer began; 0: none lives
  double utilisation; // of the living writers
  double work_left;
  htf_cli_pace pace;
} overview;

// ---- once -------------------------------------------------------------------------------

typedef struct survey {
  overview *o;
  htf_cost_table *costs;
} survey;

static htf_status note_run(void *context, int64_t run, const htf_spec *spec,
                           const htf_digest *identity) {
  htf_status status = HTF_OK;
  survey *s = context;
  htf_cost cost;
  s->o->identity[run] = *identity;
  HTF_TRY(htf_cost_predict(s->costs, spec, &cost));
  s->o->work[run] = htf_cost_flops(&cost);
done:
  return status;
}

static htf_status open_overview(const char *directory, overview *o) {
  htf_status status = HTF_OK;
  survey s = {.o = o};
  o->directory = directory;
  HTF_TRY(htf_cli__directory_plan(directory, &o->plan));
  HTF_NEW(o->identity, htf_plan_runs(o->plan));
  HTF_NEW(o->work, htf_plan_runs(o->plan));
  HTF_NEW(o->stamps, htf_plan_runs(o->plan));
  HTF_TRY(htf_cost_table_create(&s.costs));
  HTF_TRY(htf_cli__identities(o->plan, note_run, &s));
  HTF_TRY(htf_archive_observe(directory, &o->archive));
done:
  htf_cost_table_destroy(&s.costs);
  return status;
}

static void close_overview(overview *o) {
  htf_archive_close(&o->archive);
  htf_plan_destroy(&o->plan);
  HTF_FREE(o->identity);
  HTF_FREE(o->work);
  HTF_FREE(o->stamps);
  HTF_FREE(o->writer);
}

// ---- each time --------------------------------------------------------------------------

static htf_status look_at_writers(overview *o) {
  htf_status status = HTF_OK;
  htf_archive_writer *facts = NULL;
  double busy = 0, span = 0;
  o->writers = htf_archive_writers(o->archive);
  HTF_NEW(facts, o->writers);
  HTF_FREE(o->writer);
  HTF_NEW(o->writer, o->writers);
  htf_archive_list_writers(o->archive, facts);
  o->running = 0;
  o->session = 0;
  for (int i = 0; i < o->writers; i++) {
    writer *w = &o->writer[i];
    w->facts = facts[i];
    HTF_TRY(htf_cli__activity(o->directory, w->facts.name, &w->activity));
    const htf_cli_activity *a = &w->activity;
    if (w->facts.alive != 0 && a->opened > 0 && !a->closed) {
      o->running += a->run >= 0;
      o->session = o->session > 0 ? fmin(o->session, a->opened) : a->opened;
      busy += a->busy + (a->run >= 0 ? fmax(0, o->now - a->since) : 0);
      span += fmax(0, o->now - a->opened);
    }
  }
  o->utilisation = span > 0 ? fmin(1, busy / span) : NAN;
done:
  HTF_FREE(facts);
  return status;
}

static void look_at_runs(overview *o) {
  memset(o->count, 0, sizeof o->count);
  o->checkpoints = o->ended = 0;
  o->work_left = 0;
  for (int64_t run = 0; run < htf_plan_runs(o->plan); run++) {
    htf_archive_place place = htf_archive_find(o->archive, &o->identity[run]);
    o->count[place.state]++;
    if (place.state == HTF_RUN_PENDING) {
      o->work_left += o->work[run];
      o->checkpoints += place.checkpoint >= 0;
    } else {
      o->writer[place.writer].count[place.state]++;
      if (o->session > 0 && place.written >= o->session) {
        o->stamps[o->ended++] = (stamp){place.written, o->work[run]};
      }
    }
  }
}

static int by_date(const void *left, const void *right) {
  const stamp *a = left, *b = right;
  return (a->date > b->date) - (a->date < b->date);
}

// Runs go longest first, so the pace is that of predicted work and not of runs.
static void find_pace(overview *o) {
  double work = 0;
  if (o->ended > 0) {
    qsort(o->stamps, (size_t)o->ended, sizeof *o->stamps, by_date);
  }
  o->pace = (htf_cli_pace){.marks = 0};
  for (int64_t i = 0; i < o->ended; i++) {
    work += o->stamps[i].work;
    htf_cli__pace_note(&o->pace, o->stamps[i].date - o->session, work);
  }
  if (o->session > 0) {
    htf_cli__pace_note(&o->pace, o->now - o->session, work);
  }
}

static htf_status look(overview *o) {
  htf_status status = HTF_OK;
  o->now = htf_clock_date();
  HTF_TRY(htf_archive_refresh(o->archive));
  HTF_TRY(look_at_writers(o));
  look_at_runs(o);
  find_pace(o);
done:
  return status;
}

static double rate(const overview *o) {
  return o->session > 0 && o->now > o->session ? (double)o->ended / (o->now - o->session)
                                               : 0;
}

// ---- for people -------------------------------------------------------------------------

static const char *what_it_does(const writer *w) {
  if (w->activity.opened == 0) {
    return w->facts.alive == 1 ? "alive" : "no log";
  }
  if (w->activity.closed) {
    return "ended";
  }
  return w->facts.alive == 0   ? "died"
         : w->facts.alive == 1 ? (w->activity.run >= 0 ? "works" : "waits")
                               : "unsure";
}

static double last_sign(const writer *w) {
  return fmax(w->facts.last, w->activity.last);
}

static void print_writers(const overview *o) {
  char ago[32], run[64], time[32];
  printf("\n%-24s %-7s %8s %8s  %-20s%s\n", "writer", "state", "done", "failed",
         "last sign of life", "doing");
  for (int i = 0; i < o->writers; i++) {
    const writer *w = &o->writer[i];
    const char *what = what_it_does(w);
    run[0] = '\0';
    if (w->activity.run >= 0 && w->facts.alive != 0) {
      snprintf(run, sizeof run, "run %lld for %s", (long long)w->activity.run,
               htf_cli__duration(fmax(0, o->now - w->activity.since), time));
    } else if (w->activity.run >= 0) {
      snprintf(run, sizeof run, "died in run %lld", (long long)w->activity.run);
    }
    htf_cli__duration(fmax(0, o->now - last_sign(w)), ago);
    printf("%-24s %-7s %8lld %8lld  %s ago%*s%s\n", w->facts.name, what,
           (long long)w->count[HTF_RUN_DONE], (long long)w->count[HTF_RUN_FAILED], ago,
           16 - (int)strlen(ago), "", run);
  }
}

static void print_overview(const overview *o) {
  char left[128];
  int64_t pending = o->count[HTF_RUN_PENDING] - o->running;
  printf("%s: %lld runs in %s\n", htf_plan_name(o->plan), (long long)htf_plan_runs(o->plan),
         o->directory);
  printf("%lld done, %lld failed, %lld running, %lld pending",
         (long long)o->count[HTF_RUN_DONE], (long long)o->count[HTF_RUN_FAILED],
         (long long)o->running, (long long)(pending > 0 ? pending : 0));
  if (o->checkpoints > 0) {
    printf("; %lld to go on from a checkpoint", (long long)o->checkpoints);
  }
  printf("\n");
  if (o->session > 0) {
    printf("%.3g runs a second, utilisation %.0f %%%s\n", rate(o), 100 * o->utilisation,
           htf_cli__time_left(&o->pace, o->work_left, left));
  } else if (o->count[HTF_RUN_PENDING] > 0) {
    printf("no process works on it; htflow run goes on with it\n");
  }
  if (o->writers > 0) {
    print_writers(o);
  }
}

// ---- for programs -----------------------------------------------------------------------

static json_t *real_or_null(double value) {
  return isfinite(value) ? json_real(value) : json_null();
}

static json_t *describe_writer(const overview *o, const writer *w) {
  bool works = w->activity.run >= 0 && w->facts.alive != 0;
  return json_pack("{ss ss sI sI so so so}", "name", w->facts.name, "state",
                   what_it_does(w), "done", (json_int_t)w->count[HTF_RUN_DONE], "failed",
                   (json_int_t)w->count[HTF_RUN_FAILED], "last_sign_of_life",
                   real_or_null(last_sign(w) > 0 ? last_sign(w) : NAN), "run",
                   works ? json_integer(w->activity.run) : json_null(), "run_seconds",
                   real_or_null(works ? o->now - w->activity.since : NAN));
}

static void print_json(const overview *o) {
  double left = NAN, spread = NAN;
  json_t *writers = json_array();
  for (int i = 0; i < o->writers; i++) {
    json_array_append_new(writers, describe_writer(o, &o->writer[i]));
  }
  if (o->session == 0 || !htf_cli__pace_left(&o->pace, o->work_left, &left, &spread)) {
    left = spread = NAN;
  }
  int64_t pending = o->count[HTF_RUN_PENDING] - o->running;
  json_t *all = json_pack(
      "{ss ss sf sI sI sI sI sI sI sf so so so so}", "name", htf_plan_name(o->plan),
      "directory", o->directory, "time", o->now, "runs", (json_int_t)htf_plan_runs(o->plan),
      "done", (json_int_t)o->count[HTF_RUN_DONE], "failed",
      (json_int_t)o->count[HTF_RUN_FAILED], "running", (json_int_t)o->running, "pending",
      (json_int_t)(pending > 0 ? pending : 0), "checkpoints", (json_int_t)o->checkpoints,
      "runs_a_second", rate(o), "utilisation", real_or_null(o->utilisation), "seconds_left",
      real_or_null(left), "seconds_left_spread", real_or_null(spread), "writers", writers);
  json_dumpf(all, stdout, JSON_INDENT(2));
  printf("\n");
  json_decref(all);
}

// ---- the command ------------------------------------------------------------------------

// Until no run is left; a reader of JSON gets one object after another.
static htf_status watch(overview *o, bool json, double interval) {
  htf_status status = HTF_OK;
  bool terminal = isatty(STDOUT_FILENO);
  do {
    htf_clock_sleep(interval);
    HTF_TRY(look(o));
    if (json) {
      print_json(o);
    } else {
      printf("%s", terminal ? "\033[H\033[J" : "\n");
      print_overview(o);
    }
    HTF_CHECK(fflush(stdout) == 0, HTF_E_IO, "cannot write the output");
  } while (o->count[HTF_RUN_PENDING] > 0);
done:
  return status;
}

htf_status htf_cli__status(int argc, char **argv, int *exit_code) {
  htf_status status = HTF_OK;
  overview o = {.writers = 0};
  const char *directory, *text = NULL;
  bool json = false, watches = false, help;
  double interval = 2;
  htf_cli_option options[] = {
      {"json", NULL, "print JSON", .flag = &json},
      {"watch", NULL, "look again and again, until all runs are done", .flag = &watches},
      {"interval", "SECONDS", "between two looks (default: 2)", .value = &text},
  };
  htf_cli_usage usage = {
      "status DIR [options]",
      "How far a sweep is: runs done, failed, running and pending, pace and time left with\n"
      "its standard error, and each writer's last sign of life. Only looks: nothing is\n"
      "written to DIR and no writer waits, so it may be asked at any time, from any machine\n"
      "that sees DIR.",
      options, 3, 1};
  HTF_TRY(htf_cli__parse(&usage, argc, argv, &directory, &help));
  if (help) {
    goto done;
  }
  if (text != NULL) {
    HTF_TRY(htf_cli__number("interval", text, 0.05, 86400, &interval));
  }
  HTF_TRY(open_overview(directory, &o));
  HTF_TRY(look(&o));
  if (json) {
    print_json(&o);
  } else {
    printf("%s", watches && isatty(STDOUT_FILENO) ? "\033[H\033[J" : "");
    print_overview(&o);
  }
  if (watches && o.count[HTF_RUN_PENDING] > 0) {
    fflush(stdout);
    HTF_TRY(watch(&o, json, interval));
  }
  *exit_code = 0;
done:
  close_overview(&o);
  return status;
}

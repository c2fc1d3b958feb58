// SPDX-License-Identifier: BSD-3-Clause
// htflow run: a sweep file and a directory in, records in journals, one results.h5 out.
#include "htflow/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_impl.h"
#include "htflow/clock.h"
#include "htflow/journal.h"
#include "htflow/log.h"
#include "htflow/memory.h"
#include "htflow/sweep.h"
#include "progress_impl.h"

// Seconds a run may take, told to stop, to come to where it can be taken up again: less
// than the 30 between TERM and KILL of a scheduler.
static const double grace = 20;

typedef struct conductor {
  const char *sweep, *directory; // as given
  htf_cli_list set;
  double deadline;
  bool retry_failed;
  htf_plan *plan;
  htf_journal *journal;
  htf_cli_data data;
  int64_t *order;    // rank 0: runs to do, longest first
  double *work_left; // [todo + 1], after so many of them
  int64_t todo, next;
  htf_cli_progress progress;
  htf_cli_log *log;
} conductor;

// ---- the directory --------------------------------------------------------------------

static char *join(const char *directory, const char *name, char *path) {
  snprintf(path, HTF_MAX_TEXT, "%s/%s", directory, name);
  return path;
}

// The first line in which two texts differ, in both; for the message.
static void first_difference(const char *a, const char *b, char *left, char *right,
                             size_t size) {
  while (*a != '\0' && *b != '\0') {
    size_t la = strcspn(a, "\n"), lb = strcspn(b, "\n");
    if (la != lb || memcmp(a, b, la) != 0) {
      break;
    }
    a += la + (a[la] == '\n');
    b += lb + (b[lb] == '\n');
  }
  snprintf(left, size, "%.*s", (int)strcspn(a, "\n"), a);
  snprintf(right, size, "%.*s", (int)strcspn(b, "\n"), b);
}

// A directory that holds another plan is refused; an empty one gets this plan.
static htf_status claim(conductor *c) {
  htf_status status = HTF_OK;
  char path[HTF_MAX_TEXT], ours[256], theirs[256], *kept = NULL;
  HTF_TRY(htf_file_make_directory(c->directory));
  join(c->directory, "sweep.yaml", path);
  status = htf_file_read_text(path, &kept);
  if (status == HTF_E_IO) { // none there yet
    htf_error_clear();
    return htf_file_write_text(path, htf_plan_resolved(c->plan));
  }
  HTF_TRY(status);
  first_difference(htf_plan_resolved(c->plan), kept, ours, theirs, sizeof ours);
  HTF_CHECK(strcmp(kept, htf_plan_resolved(c->plan)) == 0, HTF_E_CONFIG,
            "%s holds another sweep: there '%s', here '%s'; choose another --out",
            c->directory, theirs, ours);
done:
  HTF_FREE(kept);
  return status;
}

// ---- what is to be done ---------------------------------------------------------------

typedef struct candidate {
  double length;
  int64_t run;
} candidate;

static int longest_first(const void *left, const void *right) {
  const candidate *a = left, *b = right;
  if (a->length != b->length) {
    return a->length < b->length ? 1 : -1;
  }
  return (a->run > b->run) - (a->run < b->run);
}

static htf_status list_todo(conductor *c) {
  htf_status status = HTF_OK;
  htf_archive *archive = NULL;
  candidate *candidates = NULL;
  htf_spec spec, last;
  htf_cli_size size;
  int64_t runs = htf_plan_runs(c->plan);
  HTF_TRY(htf_archive_open(c->directory, &archive));
  HTF_NEW(candidates, runs);
  memset(&last, 0, sizeof last);
  for (int64_t i = 0; i < runs; i++) {
    htf_digest identity;
    HTF_TRY(htf_plan_spec(c->plan, i, &spec));
    HTF_TRY(htf_spec_identity(&spec, &identity));
    int state = htf_archive_state(archive, &identity);
    c->progress.done_before += state == HTF_RUN_DONE;
    c->progress.failed_before += state == HTF_RUN_FAILED && !c->retry_failed;
    if (state == HTF_RUN_DONE || (state == HTF_RUN_FAILED && !c->retry_failed)) {
      continue;
    }
    if (c->todo == 0 || !htf_cli__same_size(&spec, &last)) {
      HTF_TRY(htf_cli__size(&spec, &size));
      last = spec;
    }
    candidates[c->todo++] = (candidate){htf_cli__length(&spec, &size), i};
  }
  qsort(candidates, (size_t)c->todo, sizeof *candidates, longest_first);
  HTF_NEW(c->order, c->todo);
  HTF_NEW(c->work_left, c->todo + 1);
  for (int64_t i = c->todo - 1; i >= 0; i--) {
    c->order[i] = candidates[i].run;
    c->work_left[i] = c->work_left[i + 1] + candidates[i].length;
  }
done:
  HTF_FREE(candidates);
  htf_archive_close(&archive);
  return status;
}

// ---- callbacks of the sweep -----------------------------------------------------------

static htf_status next(void *context, double left, htf_sweep_grant *grant,
                       htf_sweep_supply *supply) {
  conductor *c = context;
  (void)left;
  *supply = c->next < c->todo ? HTF_SWEEP_GRANTED : HTF_SWEEP_NONE;
  if (c->next < c->todo) {
    *grant = (htf_sweep_grant){.run = c->order[c->next++]};
  }
  return HTF_OK;
}

static void ended(void *context, int64_t run, htf_sweep_end how) {
  (void)context;
  (void)run;
  (void)how;
}

typedef struct surroundings {
  conductor *c;
  htf_sweep_wish (*ask)(void *token);
  void *token;
} surroundings;

static htf_status load(void *context, const htf_spec *spec, htf_problem **problem) {
  surroundings *s = context;
  return htf_cli__load(&s->c->data, spec, problem);
}

static bool interrupt(void *context) {
  surroundings *s = context;
  return s->ask(s->token) != HTF_SWEEP_GO_ON;
}

static htf_status execute(void *context, const htf_sweep_grant *grant,
                          htf_sweep_wish (*ask)(void *), void *token, htf_record *record) {
  htf_status status = HTF_OK;
  conductor *c = context;
  surroundings s = {c, ask, token};
  htf_run_hooks hooks = {
      .load = load, .weights = htf_cli__weights, .interrupt = interrupt, .context = &s};
  htf_spec spec;
  HTF_TRY(htf_plan_spec(c->plan, grant->run, &spec));
  htf_cli__log_event(c->log, "start", json_pack("{sI}", "run", (json_int_t)grant->run));
  status = htf_run_execute(&spec, &hooks, record);
  if (status == HTF_E_STOPPED) {
    htf_cli__log_event(c->log, "leave", json_pack("{sI}", "run", (json_int_t)grant->run));
  }
  HTF_TRY(status);
  record->timing.attempts = 1;
  htf_cli__log_end(c->log, grant->run, record);
done:
  return status;
}

static htf_status add(void *context, const htf_record *record, size_t *waiting) {
  htf_status status = HTF_OK;
  conductor *c = context;
  HTF_TRY(htf_journal_add(c->journal, record));
  *waiting = htf_journal_waiting(c->journal);
done:
  return status;
}

static htf_status commit(void *context) {
  conductor *c = context;
  return htf_journal_commit(c->journal);
}

static void progress(void *context, const htf_sweep_progress *now) {
  conductor *c = context;
  htf_cli__progress(&c->progress, now);
}

// ---- the conduct ----------------------------------------------------------------------

// On rank 0: plan, directory, and what is left to do.
static htf_status prepare_root(conductor *c) {
  htf_status status = HTF_OK;
  if (htf_sweep_rank() == 0) {
    HTF_TRY(htf_cli__open_plan(c->sweep, &c->set, &c->plan));
    HTF_TRY(claim(c));
    HTF_TRY(list_todo(c));
  }
done:
  return status;
}

// On every rank: the same plan, from rank 0's resolved text, and a journal of its own.
static htf_status prepare(conductor *c) {
  htf_status status = HTF_OK;
  void *text = NULL;
  int64_t count = 0;
  HTF_TRY(htf_sweep_agree(prepare_root(c)));
  if (htf_sweep_rank() == 0) {
    text = (void *)htf_plan_resolved(c->plan);
    count = (int64_t)strlen(text) + 1;
  }
  HTF_TRY(htf_sweep_share(&text, &count));
  if (htf_sweep_rank() != 0) {
    status = htf_cli__text_plan("sweep.yaml", text, &c->plan);
    htf_memory_release(text);
  }
  if (status == HTF_OK) {
    status = htf_journal_open(c->directory, NULL, htf_plan_hash(c->plan), &c->journal);
  }
  if (status == HTF_OK) {
    status = htf_cli__log_open(c->directory, htf_journal_writer(c->journal), &c->log);
  }
  HTF_TRY(htf_sweep_agree(status));
done:
  return status;
}

static htf_status conclude(conductor *c, const htf_sweep_outcome *o, int *exit_code) {
  htf_status status = HTF_OK;
  char path[HTF_MAX_TEXT];
  htf_journal_close(&c->journal);
  HTF_TRY(htf_sweep_agree(HTF_OK)); // every journal is closed
  if (htf_sweep_rank() == 0) {
    double capacity = o->elapsed * (double)htf_sweep_ranks();
    htf_log(
        HTF_LOG_INFO, "run",
        "%lld done and %lld failed in %.1f s on %d ranks, utilisation %.0f %%; %lld done "
        "before",
        (long long)o->done, (long long)o->failed, o->elapsed, htf_sweep_ranks(),
        capacity > 0 ? 100 * o->busy / capacity : 0, (long long)c->progress.done_before);
    if (o->stopped) {
      htf_log(HTF_LOG_WARN, "run", "stopped early; the same command goes on from here");
      *exit_code = htf_status_exit_code(HTF_E_STOPPED);
    } else {
      status =
          htf_cli__gather(c->plan, c->directory, join(c->directory, "results.h5", path));
      *exit_code = o->failed + c->progress.failed_before > 0 ? HTF_EXIT_SOME_FAILED : 0;
    }
  }
  HTF_TRY(htf_sweep_agree(status));
done:
  return status;
}

static htf_status conduct(conductor *c, int *exit_code) {
  htf_status status = HTF_OK;
  htf_sweep_outcome outcome = {.done = 0};
  htf_sweep_catch_signals();
  HTF_TRY(prepare(c));
  c->progress.runs = htf_plan_runs(c->plan);
  c->progress.deadline = c->deadline;
  c->progress.work_left = c->work_left;
  htf_sweep_job job = {.todo = c->todo,
                       .deadline = c->deadline,
                       .grace = grace,
                       .next = next,
                       .ended = ended,
                       .execute = execute,
                       .add = add,
                       .commit = commit,
                       .progress = progress,
                       .context = c};
  HTF_TRY(htf_sweep_run(&job, &outcome));
  HTF_TRY(conclude(c, &outcome, exit_code));
done:
  htf_journal_close(&c->journal);
  htf_cli__forget(&c->data);
  htf_plan_destroy(&c->plan);
  htf_cli__log_close(&c->log);
  HTF_FREE(c->order);
  HTF_FREE(c->work_left);
  return status;
}

htf_status htf_cli__run(int argc, char **argv, int *exit_code) {
  htf_status status = HTF_OK;
  conductor c = {.todo = 0};
  const char *deadline = NULL;
  bool help, open = false;
  htf_cli_option options[] = {
      {"out", "DIR", "the sweep directory; made if missing", .value = &c.directory},
      {"set", "KEY=VALUE", "change the base experiment; may be repeated", .list = &c.set},
      {"deadline", "SECONDS", "stop after this long, to be resumed", .value = &deadline},
      {"retry-failed", NULL, "run failed runs again", .flag = &c.retry_failed},
  };
  htf_cli_usage usage = {
      "run SWEEP.yaml --out DIR [options]",
      "Runs a sweep, or goes on with it if DIR holds it, and gathers DIR/results.h5. Under\n"
      "mpirun or srun the ranks share the runs. SIGTERM, SIGINT, SIGUSR1, SIGUSR2 and\n"
      "--deadline stop it: finished runs are kept, the exit code is 5, and the same command\n"
      "goes on.",
      options, 4, 1};
  HTF_TRY(htf_sweep_open(&argc, &argv)); // first, so that one rank speaks for all
  open = true;
  HTF_TRY(htf_cli__parse(&usage, argc, argv, &c.sweep, &help));
  if (help) {
    goto done;
  }
  HTF_CHECK(c.directory != NULL && c.directory[0] != '\0', HTF_E_USAGE,
            "run wants --out DIR");
  if (deadline != NULL) {
    HTF_TRY(htf_cli__number("deadline", deadline, 1e-3, 1e9, &c.deadline));
  }
  HTF_TRY(conduct(&c, exit_code));
done:
  if (open) {
    htf_sweep_close();
  }
  return status;
}

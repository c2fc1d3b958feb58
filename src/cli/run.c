// SPDX-License-Identifier: BSD-3-Clause
// htflow run: a sweep file and a directory in, records in journals, one results.h5 out.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "htflow/clock.h"
#include "htflow/log.h"
#include "htflow/memory.h"
#include "progress_impl.h"
#include "run_impl.h"
#include "supply_impl.h"

// Seconds a run may take, told to stop, to come to the end of its segment: less than the 30
// between TERM and KILL of a scheduler. And what is left of a SLURM job's time for that and
// for closing.
static const double grace = 20, reserve = 60;

typedef struct conductor {
  const char *sweep, *directory; // as given
  const char *ready;             // file to write once every rank is at work, or NULL
  htf_cli_list set, reuse;
  double deadline, patience, checkpoint;
  int64_t most_failed, shard, shards;
  bool retry_failed, grow;
  htf_plan *plan;
  htf_cli_worker worker;
  htf_cli_supply *supply; // on rank 0
  int64_t todo;
  htf_cli_progress progress;
} conductor;

// ---- callbacks of the sweep -----------------------------------------------------------

static htf_status next(void *context, double left, htf_sweep_grant *grant,
                       htf_sweep_supply *supply) {
  conductor *c = context;
  return htf_cli__supply_next(c->supply, left, grant, supply);
}

static void ended(void *context, int64_t run, htf_sweep_end how) {
  conductor *c = context;
  htf_cli__supply_ended(c->supply, run, how);
}

static htf_status execute(void *context, const htf_sweep_grant *grant,
                          htf_sweep_wish (*ask)(void *), void *token, htf_record *record) {
  conductor *c = context;
  return htf_cli__execute(&c->worker, grant, ask, token, record);
}

static htf_status add(void *context, const htf_record *record, size_t *waiting) {
  conductor *c = context;
  return htf_cli__add(&c->worker, record, waiting);
}

static htf_status commit(void *context) {
  conductor *c = context;
  return htf_journal_commit(c->worker.journal);
}

static void progress(void *context, const htf_sweep_progress *now) {
  conductor *c = context;
  c->progress.work_left = htf_cli__supply_count(c->supply).flops;
  htf_cli__progress(&c->progress, now);
}

// ---- the conduct ----------------------------------------------------------------------

// On rank 0: the plan, and a directory that is this plan's.
static htf_status prepare_root(conductor *c) {
  htf_status status = HTF_OK;
  if (htf_sweep_rank() == 0) {
    HTF_TRY(htf_cli__open_plan(c->sweep, &c->set, &c->plan));
    HTF_TRY(htf_cli__claim(c->plan, c->directory, c->grow));
  }
done:
  return status;
}

// On rank 0: records of other directories, what is left to do, and, since the others have
// their journals open by now, the word that signals may be forwarded (mpirun dies of one
// that comes while it starts).
static htf_status take_stock(conductor *c) {
  htf_status status = HTF_OK;
  int64_t copied;
  htf_cli_supply_options options = {.plan = c->plan,
                                    .directory = c->directory,
                                    .retry_failed = c->retry_failed,
                                    .shard = c->shard,
                                    .shards = c->shards,
                                    .patience = c->patience};
  if (htf_sweep_rank() != 0) {
    return HTF_OK;
  }
  for (int i = 0; i < c->reuse.count; i++) {
    HTF_TRY(htf_cli__reuse(c->plan, c->directory, c->reuse.item[i], c->worker.journal,
                           &copied));
    htf_log(HTF_LOG_INFO, "run", "%lld finished runs taken over from %s", (long long)copied,
            c->reuse.item[i]);
  }
  HTF_TRY(htf_cli__supply_create(&options, &c->supply));
  htf_cli_supply_counts counts = htf_cli__supply_count(c->supply);
  c->todo = counts.todo;
  c->progress.runs = htf_plan_runs(c->plan);
  c->progress.deadline = c->deadline;
  c->progress.done_before = counts.done;
  c->progress.failed_before = counts.failed;
  c->progress.work = counts.flops;
  if (c->ready != NULL) {
    HTF_TRY(htf_file_write_text(c->ready, "ready\n"));
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
    status =
        htf_journal_open(c->directory, NULL, htf_plan_hash(c->plan), &c->worker.journal);
  }
  if (status == HTF_OK) {
    status = htf_cli__log_open(c->directory, htf_journal_writer(c->worker.journal),
                               &c->worker.log);
  }
  c->worker.plan = c->plan;
  c->worker.directory = c->directory;
  c->worker.checkpoint = c->checkpoint;
  HTF_TRY(htf_sweep_agree(status));
  HTF_TRY(htf_sweep_agree(take_stock(c)));
done:
  return status;
}

// Where the sweep ends in good order: results.h5, if all of its runs are done.
static htf_status finish(conductor *c, int64_t elsewhere, int64_t failed, htf_crew *crew,
                         int *exit_code) {
  htf_status status = HTF_OK;
  char path[HTF_MAX_TEXT];
  *exit_code = failed > 0 ? HTF_EXIT_SOME_FAILED : 0;
  if (elsewhere > 0) {
    htf_log(HTF_LOG_INFO, "run",
            "this shard is done; %lld runs of others are not, and the last shard gathers",
            (long long)elsewhere);
    return HTF_OK;
  }
  snprintf(path, sizeof path, "%s/results.h5", c->directory);
  HTF_TRY(htf_cli__gather(c->plan, c->directory, path, crew));
done:
  return status;
}

static void tell_end(const conductor *c, const htf_sweep_outcome *o, int *exit_code) {
  double capacity = o->elapsed * (double)htf_sweep_ranks();
  htf_log(HTF_LOG_INFO, "run",
          "%lld done and %lld failed in %.1f s on %d ranks, utilisation %.0f %%; %lld done "
          "before",
          (long long)o->done, (long long)o->failed, o->elapsed, htf_sweep_ranks(),
          capacity > 0 ? 100 * o->busy / capacity : 0, (long long)c->progress.done_before);
  if (o->gave_up) {
    htf_log(HTF_LOG_WARN, "run", "given up after %lld failed runs", (long long)o->failed);
    *exit_code = HTF_EXIT_SOME_FAILED;
  } else if (o->stopped) {
    htf_log(HTF_LOG_WARN, "run", "stopped early; the same command goes on from here");
    *exit_code = htf_status_exit_code(HTF_E_STOPPED);
  }
}

// What rank 0 does at the end of a pass.
typedef struct ending {
  conductor *conductor;
  htf_sweep_outcome outcome;
  int64_t lost;
  int *exit_code;
} ending;

static htf_status end_pass(void *context, htf_crew *crew) {
  htf_status status = HTF_OK;
  ending *e = context;
  conductor *c = e->conductor;
  int64_t elsewhere = 0, failed = 0;
  tell_end(c, &e->outcome, e->exit_code);
  if (!e->outcome.stopped) {
    HTF_TRY(htf_cli__supply_settle(c->supply, &e->lost, &elsewhere, &failed));
    c->todo = e->lost;
    if (e->lost == 0) {
      HTF_TRY(finish(c, elsewhere, failed, crew, e->exit_code));
    }
  }
done:
  return status;
}

// One pass over what is to be done. *lost: runs to do again, since their records were found
// damaged.
static htf_status pass(conductor *c, int64_t *lost, int *exit_code) {
  htf_status status = HTF_OK;
  ending end = {.conductor = c, .exit_code = exit_code};
  htf_sweep_job job = {.todo = c->todo,
                       .most_failed = c->most_failed,
                       .deadline = c->deadline,
                       .grace = grace,
                       .next = next,
                       .ended = ended,
                       .execute = execute,
                       .add = add,
                       .commit = commit,
                       .progress = progress,
                       .context = c};
  HTF_TRY(htf_sweep_run(&job, &end.outcome));
  HTF_TRY(htf_cli__gathering(end_pass, &end));
  *lost = end.lost;
done:
  return status;
}

static htf_status conduct(conductor *c, int *exit_code) {
  htf_status status = HTF_OK;
  int64_t lost, count = sizeof lost;
  void *shared = &lost;
  HTF_TRY(prepare(c));
  do {
    HTF_TRY(pass(c, &lost, exit_code));
    HTF_TRY(htf_sweep_share(&shared, &count));
    if (htf_sweep_rank() != 0) {
      memcpy(&lost, shared, sizeof lost);
      htf_memory_release(shared);
    } else if (lost > 0) {
      htf_log(HTF_LOG_WARN, "run", "%lld runs have lost their records and are done again",
              (long long)lost);
    }
  } while (lost > 0);
done:
  htf_cli__supply_destroy(&c->supply);
  htf_journal_close(&c->worker.journal);
  htf_cli__forget(&c->worker.data);
  htf_plan_destroy(&c->plan);
  htf_cli__log_close(&c->worker.log);
  return status;
}

// ---- the command line -----------------------------------------------------------------

// The time a SLURM job has left, less what it takes to leave in order: but for jobs of a
// few minutes a minute.
static double slurm_left(void) {
  const char *text = getenv("SLURM_JOB_END_TIME");
  double end = text != NULL ? strtod(text, NULL) : 0, left = end - htf_clock_date();
  return end > 0 ? fmax(left - fmin(reserve, 0.2 * left), 1e-3) : INFINITY;
}

static htf_status read_shard(const char *text, conductor *c) {
  htf_status status = HTF_OK;
  long long shard = 0, shards = 0;
  char rest;
  bool good = text == NULL || (sscanf(text, "%lld/%lld%c", &shard, &shards, &rest) == 2 &&
                               1 <= shard && shard <= shards);
  HTF_CHECK(good, HTF_E_USAGE, "--shard %s: wants i/n with i from 1 to n", text);
  c->shard = shard;
  c->shards = shards;
done:
  return status;
}

// Options that are numbers or more than that.
typedef struct texts {
  const char *deadline, *patience, *checkpoint, *most_failed, *shard;
  bool fail_fast;
} texts;

static htf_status read_texts(const texts *t, conductor *c) {
  htf_status status = HTF_OK;
  double most_failed = 0;
  c->patience = 120;
  c->checkpoint = 60;
  if (t->deadline != NULL) {
    HTF_TRY(htf_cli__number("deadline", t->deadline, 1e-3, 1e9, &c->deadline));
  }
  if (t->patience != NULL) {
    HTF_TRY(htf_cli__number("patience", t->patience, 1, 1e6, &c->patience));
  }
  if (t->checkpoint != NULL) {
    HTF_TRY(htf_cli__number("checkpoint", t->checkpoint, 0, 1e9, &c->checkpoint));
  }
  if (t->most_failed != NULL) {
    HTF_TRY(htf_cli__number("max-fails", t->most_failed, 1, 1e9, &most_failed));
  }
  c->most_failed = t->fail_fast ? 1 : (int64_t)most_failed;
  HTF_TRY(read_shard(t->shard, c));
  double slurm = slurm_left();
  if (isfinite(slurm) && (c->deadline == 0 || slurm < c->deadline)) {
    c->deadline = slurm;
    htf_log(HTF_LOG_INFO, "run", "SLURM ends this job; stopping in %.0f s", slurm);
  }
done:
  return status;
}

htf_status htf_cli__run(int argc, char **argv, int *exit_code) {
  htf_status status = HTF_OK;
  conductor c = {.todo = 0};
  texts t = {NULL};
  bool help;
  htf_cli_option options[] = {
      {"out", "DIR", "the sweep directory; made if missing", .value = &c.directory},
      {"set", "KEY=VALUE", "change the base experiment; may be repeated", .list = &c.set},
      {"deadline", "SECONDS", "stop after this long, to be resumed", .value = &t.deadline},
      {"retry-failed", NULL, "run failed runs again", .flag = &c.retry_failed},
      {"max-fails", "N", "give up when N runs have failed", .value = &t.most_failed},
      {"fail-fast", NULL, "give up when one run has failed", .flag = &t.fail_fast},
      {"shard", "I/N", "only every N-th run, from the I-th on", .value = &t.shard},
      {"grow", NULL, "let DIR hold another sweep; runs of both are kept", .flag = &c.grow},
      {"reuse", "DIR", "take finished runs from there; repeated", .list = &c.reuse},
      {"checkpoint", "SECONDS", "how often a run is saved; 60", .value = &t.checkpoint},
      {"ready", "FILE", "written when every rank is at work: signals may come from then on",
       .value = &c.ready},
      {"patience", "SECONDS", "until a silent job is dead; 120", .value = &t.patience},
  };
  htf_cli_usage usage = {
      "run SWEEP.yaml --out DIR [options]",
      "Runs a sweep, or goes on with it if DIR holds it, and gathers DIR/results.h5. Under\n"
      "mpirun or srun the ranks share the runs; several jobs may share DIR. SIGTERM, SIGINT,\n"
      "SIGUSR1, SIGUSR2, --deadline and the end of a SLURM job's time stop it: finished runs\n"
      "are kept, runs in flight are saved at the end of their segment (or left as last saved,\n"
      "if that takes more than 20 s), the exit code is 5, and the same command goes on.",
      options, sizeof options / sizeof *options, 1};
  htf_sweep_catch_signals();            // before there is anything to lose
  HTF_TRY(htf_cli__open(&argc, &argv)); // first, so that one rank speaks for all
  HTF_TRY(htf_cli__parse(&usage, argc, argv, &c.sweep, &help));
  if (help) {
    goto done;
  }
  HTF_CHECK(c.directory != NULL && c.directory[0] != '\0', HTF_E_USAGE,
            "run wants --out DIR");
  HTF_TRY(read_texts(&t, &c));
  HTF_TRY(conduct(&c, exit_code));
done:
  return status;
}

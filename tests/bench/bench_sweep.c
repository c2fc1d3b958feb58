// SPDX-License-Identifier: BSD-3-Clause
// What it costs to hand out runs and to keep their records, without what they compute.
//
//   mpirun -n 2 bench_sweep [DIR]    (a scratch directory is made in DIR, or in /tmp)
//
// Overhead: runs that end at once, with no journal and with one (records of 1 KB), best of
// five sweeps; microseconds a run are elapsed time x ranks / runs. Utilisation: runs of
// 50 ms. CPU seconds stand beside, for machines that are shared.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "htflow/clock.h"
#include "htflow/journal.h"
#include "htflow/memory.h"
#include "htflow/sweep.h"

enum { SWEEPS = 5 };

typedef struct bench {
  int64_t runs, next, samples;
  double seconds; // of a run
  htf_journal *journal;
} bench;

static htf_status supply(void *context, double left, htf_sweep_grant *grant,
                         htf_sweep_supply *how) {
  bench *b = context;
  (void)left;
  *how = b->next < b->runs ? HTF_SWEEP_GRANTED : HTF_SWEEP_NONE;
  *grant = (htf_sweep_grant){.run = b->next};
  b->next += *how == HTF_SWEEP_GRANTED;
  return HTF_OK;
}

static void ended(void *context, int64_t run, htf_sweep_end how) {
  (void)context;
  (void)run;
  (void)how;
}

// The time is CPU time, so that a shared machine does not shorten the work.
static htf_status execute(void *context, const htf_sweep_grant *grant,
                          htf_sweep_wish (*ask)(void *), void *token, htf_record *record) {
  htf_status status = HTF_OK;
  bench *b = context;
  htf_column *column;
  double end = htf_clock_now() + b->seconds;
  while (b->seconds > 0 && htf_clock_now() < end) {
    HTF_CHECK(ask(token) == HTF_SWEEP_GO_ON, HTF_E_STOPPED, "told to stop");
    for (volatile int i = 0; i < 20000; i++) {
    }
  }
  memcpy(record->identity.bytes, &grant->run, sizeof grant->run);
  record->state = HTF_RUN_DONE;
  record->samples = b->samples;
  HTF_TRY(htf_record_add(record, "train_loss", 1, NULL, &column));
done:
  return status;
}

static htf_status add(void *context, const htf_record *record, size_t *waiting) {
  htf_status status = HTF_OK;
  bench *b = context;
  if (b->journal != NULL) {
    HTF_TRY(htf_journal_add(b->journal, record));
    *waiting = htf_journal_waiting(b->journal);
  }
done:
  return status;
}

static htf_status commit(void *context) {
  bench *b = context;
  return b->journal != NULL ? htf_journal_commit(b->journal) : HTF_OK;
}

static htf_status sweep(bench *b, htf_sweep_outcome *outcome, double *cpu) {
  htf_status status = HTF_OK;
  htf_sweep_job job = {.todo = b->runs,
                       .next = supply,
                       .ended = ended,
                       .execute = execute,
                       .add = add,
                       .commit = commit,
                       .context = b};
  double before = htf_clock_cpu();
  b->next = 0;
  HTF_TRY(htf_sweep_run(&job, outcome));
  *cpu = htf_clock_cpu() - before;
done:
  return status;
}

static htf_status measure_overhead(bench *b, const char *what) {
  htf_status status = HTF_OK;
  htf_sweep_outcome outcome;
  double cpu = 0, best = 1e30, best_cpu = 1e30;
  for (int i = 0; i < SWEEPS; i++) {
    HTF_TRY(sweep(b, &outcome, &cpu));
    best = outcome.elapsed < best ? outcome.elapsed : best;
    best_cpu = cpu < best_cpu ? cpu : best_cpu;
  }
  if (htf_sweep_rank() == 0) {
    double ranks = htf_sweep_ranks(), scale = 1e6 / (double)b->runs;
    printf("%-34s %6.1f us a run (elapsed x ranks / runs), %5.1f us CPU\n", what,
           best * ranks * scale, best_cpu * ranks * scale);
  }
done:
  return status;
}

static htf_status measure_utilisation(bench *b) {
  htf_status status = HTF_OK;
  htf_sweep_outcome outcome;
  double cpu = 0;
  HTF_TRY(sweep(b, &outcome, &cpu));
  if (htf_sweep_rank() == 0) {
    printf("%-34s %6.2f %% of elapsed x ranks is in runs\n", "utilisation, runs of 50 ms",
           100 * outcome.busy / outcome.elapsed / htf_sweep_ranks());
  }
done:
  return status;
}

static htf_status measure(const char *folder) {
  htf_status status = HTF_OK;
  static const htf_digest plan = {{1}};
  bench b = {.runs = 20000, .samples = 80};
  char directory[512], command[600];
  snprintf(directory, sizeof directory, "%s/htf-bench-sweep-%d", folder,
           (int)getppid()); // mpirun, which all ranks share
  snprintf(command, sizeof command, "mkdir -p %s", directory);
  HTF_CHECK(system(command) == 0, HTF_E_IO, "%s cannot be made", directory);
  HTF_TRY(measure_overhead(&b, "dispatch alone"));
  HTF_TRY(htf_journal_open(directory, NULL, &plan, &b.journal));
  HTF_TRY(measure_overhead(&b, "dispatch and journal"));
  b.runs = 200;
  b.seconds = 0.05;
  HTF_TRY(measure_utilisation(&b));
  HTF_TRY(htf_sweep_agree(HTF_OK));
  snprintf(command, sizeof command, "rm -rf %s", directory);
  if (htf_sweep_rank() == 0) {
    HTF_CHECK(system(command) == 0, HTF_E_IO, "%s cannot be removed", directory);
  }
done:
  htf_journal_close(&b.journal);
  return status;
}

int main(int argc, char **argv) {
  htf_status status = htf_sweep_open(&argc, &argv);
  if (status == HTF_OK) {
    status = measure(argc > 1 ? argv[1] : "/tmp");
  }
  if (status != HTF_OK) {
    fprintf(stderr, "%s\n", htf_error_message());
  }
  htf_sweep_close();
  return status != HTF_OK;
}

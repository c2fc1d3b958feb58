// SPDX-License-Identifier: BSD-3-Clause
// bench_gather DIR RUNS [gather]: journals of RUNS made-up runs of 50 KB each in DIR, and a
// results file from them; what each took, on rank 0. With `gather`, from the journals
// already there. One rank against two, and three against four, as far as there are cores:
//
//     for n in 1 2 4; do mpirun -n $n build/tests/bench_gather DIR 10000 gather; done
//
// A run has 200 samples of 10 numbers and of 3 x 7 component norms, smooth along the
// trajectory as those of a flow are, so that they compress as such do.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "htflow/clock.h"
#include "htflow/crew.h"
#include "htflow/journal.h"
#include "htflow/results.h"
#include "htflow/sweep.h"

enum { SAMPLES = 200, NODES = 3, COMPONENTS = 7, SCALARS = 10 };

static const char tree[] = "((0,1)8,(2,3)8)8;";
static const htf_results_axis axes[] = {{"run_number", "number", "1", HTF_RESULTS_INTEGER}};
static htf_variable variables[SCALARS + 1];
static char names[SCALARS][16];

static void describe(void) {
  for (int i = 0; i < SCALARS; i++) {
    snprintf(names[i], sizeof names[i], "scalar_%d", i);
    variables[i] = (htf_variable){names[i], "scalar", "1", "made up", 1, {"sample"}, NULL};
  }
  variables[SCALARS] =
      (htf_variable){"local_component_norm",          "norm", "1", "made up", 3,
                     {"sample", "node", "component"}, NULL};
}

static htf_digest identity_of(int64_t run) {
  htf_digest identity = {{0}};
  if (htf_digest_of(&run, sizeof run, &identity) != HTF_OK) {
    abort();
  }
  return identity;
}

// Components learnt one after another, each along a logistic curve.
static double norm(int64_t run, int64_t sample, int node, int component) {
  double at = 20.0 * (1 + component) + 0.01 * (double)(run % 977) + node;
  return 4 / (1 + component) / (1 + exp(-0.3 * ((double)sample - at)));
}

static htf_status fill(int64_t run, htf_record *record) {
  htf_status status = HTF_OK;
  const int64_t dims[] = {NODES, COMPONENTS};
  htf_column *column = NULL;
  record->identity = identity_of(run);
  record->state = HTF_RUN_DONE;
  record->stop_reason = HTF_STOP_LOSS;
  record->samples = SAMPLES;
  snprintf(record->tree, sizeof record->tree, "%s", tree);
  for (int v = 0; v < SCALARS; v++) {
    HTF_TRY(htf_record_add(record, names[v], 1, dims, &column));
    for (int i = 0; i < SAMPLES; i++) {
      column->data[i] = exp(-0.02 * (v + 1) * i) * (1 + 1e-3 * (double)(run % 1009));
    }
  }
  HTF_TRY(htf_record_add(record, "local_component_norm", 3, dims, &column));
  for (int64_t i = 0, k = 0; i < SAMPLES; i++) {
    for (int n = 0; n < NODES; n++) {
      for (int c = 0; c < COMPONENTS; c++) {
        column->data[k++] = norm(run, i, n, c);
      }
    }
  }
done:
  return status;
}

static htf_status write_journal(const char *directory, int64_t runs) {
  enum { GROUP = 256 };
  htf_status status = HTF_OK;
  htf_journal *journal = NULL;
  htf_record record;
  const htf_digest plan = {{1}};
  htf_record_init(&record);
  HTF_TRY(htf_journal_open(directory, "bench", &plan, &journal));
  for (int64_t run = 0; run < runs; run++) {
    HTF_TRY(fill(run, &record));
    HTF_TRY(htf_journal_add(journal, &record));
    if (run % GROUP == GROUP - 1 || run == runs - 1) {
      HTF_TRY(htf_journal_commit(journal));
    }
    htf_record_clear(&record);
  }
done:
  htf_record_clear(&record);
  htf_journal_close(&journal);
  return status;
}

static htf_status axis_value(void *context, int axis, int64_t run, double *number,
                             const char **text) {
  (void)context;
  (void)axis;
  (void)text;
  *number = (double)run;
  return HTF_OK;
}

static htf_status identity(void *context, int64_t run, htf_digest *digest) {
  (void)context;
  *digest = identity_of(run);
  return HTF_OK;
}

static htf_status record(void *context, int64_t run, htf_record *out) {
  htf_digest digest = identity_of(run);
  return htf_archive_get(context, &digest, out);
}

static htf_status offer(void *crew, int slot, const void *task, size_t count, void *reply,
                        bool *taken) {
  return htf_crew_offer(crew, slot, task, count, reply, taken);
}

static htf_status fetch(void *crew, bool wait, int *slot, size_t *made) {
  return htf_crew_fetch(crew, wait, slot, made);
}

static htf_status encode(void *context, const void *task, size_t count, void *reply,
                         size_t *made) {
  static htf_results_encoder *encoder;
  htf_status status = HTF_OK;
  (void)context;
  if (encoder == NULL) {
    HTF_TRY(htf_results_encoder_create(&encoder));
  }
  HTF_TRY(htf_results_encode(encoder, task, count, reply, made));
done:
  return status;
}

static htf_status gather(const char *directory, int64_t runs, htf_crew *crew) {
  htf_status status = HTF_OK;
  htf_results_helpers helpers = {crew, offer, fetch};
  char path[4096];
  htf_archive *archive = NULL;
  htf_digest checksum;
  snprintf(path, sizeof path, "%s/results.h5", directory);
  HTF_TRY(htf_archive_open(directory, &archive));
  htf_results_source source = {.runs = runs,
                               .axes = 1,
                               .axis = axes,
                               .axis_value = axis_value,
                               .identity = identity,
                               .record = record,
                               .context = archive,
                               .helpers = &helpers,
                               .variables = SCALARS + 1,
                               .variable = variables};
  HTF_TRY(htf_results_write(path, &source, &checksum));
done:
  htf_archive_close(&archive);
  return status;
}

static void tell(const char *what, double wall, double cpu) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("%-8s %7.1f s, %7.1f s of processor time; at most %.0f MB resident so far\n", what,
         wall, cpu, 1e-3 * (double)usage.ru_maxrss);
  fflush(stdout);
}

static htf_status measure(void *context, htf_crew *crew) {
  htf_status status = HTF_OK;
  char **argv = context;
  int64_t runs = atoll(argv[2]);
  double wall = htf_clock_now(), cpu = htf_clock_cpu();
  if (argv[3] == NULL) {
    HTF_TRY(write_journal(argv[1], runs));
    tell("journal", htf_clock_now() - wall, htf_clock_cpu() - cpu);
    wall = htf_clock_now();
    cpu = htf_clock_cpu();
  }
  HTF_TRY(gather(argv[1], runs, crew));
  tell("gather", htf_clock_now() - wall, htf_clock_cpu() - cpu);
done:
  return status;
}

int main(int argc, char **argv) {
  htf_status status = HTF_OK;
  if (argc < 3) {
    fprintf(stderr, "usage: bench_gather DIR RUNS [gather]\n");
    return 2;
  }
  describe();
  HTF_TRY(htf_sweep_open(&argc, &argv));
  HTF_TRY(htf_crew_run(&(htf_crew_job){measure, encode, argv}));
done:
  if (status != HTF_OK) {
    fprintf(stderr, "%s\n%s", htf_error_message(), htf_error_trace());
  }
  htf_sweep_close();
  return htf_status_exit_code(status);
}

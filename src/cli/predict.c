// SPDX-License-Identifier: BSD-3-Clause
// What a sweep will take: costs of all runs, seconds of this machine.
#include "predict_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "htflow/cost.h"
#include "htflow/memory.h"

enum { MEASURED = 3 };
// Seconds an operation where nothing could be measured.
static const double otherwise = 2e-10;

// What is known of a size.
typedef struct size {
  double gradient, flops; // of one gradient; of all runs of this size
  int64_t run;            // one of them
  bool tried;
  htf_cli_rates rates;
} size;

typedef struct work {
  const htf_plan *plan;
  htf_cost_table *table;
  htf_cli_prediction *p;
  int64_t runs;
  float *flops, *rows;         // [runs] operations, rows measured
  float *gradients, *products; // [runs]
  float *kept;                 // [runs] rows kept
  int *size_of;                // [runs]
  int sizes, room;
  size *size;
  int measured[MEASURED]; // of p->measured sizes
} work;

// ---- costs -----------------------------------------------------------------------------

static htf_status note_size(work *w, const htf_cost *cost, int64_t run) {
  htf_status status = HTF_OK;
  if (cost->size >= w->room) {
    w->room = w->room == 0 ? 16 : 2 * w->room;
    HTF_RESIZE(w->size, w->room);
  }
  size *s = &w->size[cost->size];
  if (cost->size == w->sizes) {
    *s = (size){.gradient = cost->gradient, .run = run};
    w->sizes++;
  }
  s->flops += htf_cost_flops(cost);
done:
  return status;
}

static double rows_kept(const htf_spec *spec) {
  return spec->record.every > 0 ? (double)spec->stop.steps / (double)spec->record.every + 2
                                : (double)spec->record.points;
}

static htf_status add_run(void *context, int64_t run, const htf_spec *spec) {
  htf_status status = HTF_OK;
  work *w = context;
  htf_cli_prediction *p = w->p;
  htf_cost cost;
  HTF_TRY(htf_cost_predict(w->table, spec, &cost));
  HTF_TRY(note_size(w, &cost, run));
  w->flops[run] = (float)htf_cost_flops(&cost);
  w->rows[run] = (float)htf_cost_rows(spec, &cost);
  w->gradients[run] = (float)cost.gradients;
  w->products[run] = (float)cost.products;
  w->size_of[run] = cost.size;
  w->kept[run] = (float)rows_kept(spec);
  p->output +=
      spec->record.weights != HTF_KEEP_NONE ? 8 * (double)cost.parameters + 4096 : 4096;
  p->parameters_least =
      cost.parameters < p->parameters_least ? cost.parameters : p->parameters_least;
  p->parameters_most =
      cost.parameters > p->parameters_most ? cost.parameters : p->parameters_most;
  p->bytes_usual = fmax(p->bytes_usual, cost.usual);
  p->bytes_most = fmax(p->bytes_most, cost.bytes);
  p->gradient_most = fmax(p->gradient_most, cost.gradient);
done:
  return status;
}

static htf_status add_up(work *w) {
  htf_status status = HTF_OK;
  HTF_NEW(w->flops, w->runs);
  HTF_NEW(w->rows, w->runs);
  HTF_NEW(w->gradients, w->runs);
  HTF_NEW(w->products, w->runs);
  HTF_NEW(w->size_of, w->runs);
  HTF_NEW(w->kept, w->runs);
  HTF_TRY(htf_cost_table_create(&w->table));
  HTF_TRY(htf_plan_each(w->plan, add_run, w));
  w->p->sizes = w->sizes;
done:
  return status;
}

// ---- rates -----------------------------------------------------------------------------

// The sizes that weigh most are measured.
static htf_status measure(work *w) {
  htf_status status = HTF_OK;
  htf_spec *spec = NULL;
  HTF_NEW(spec, 1);
  for (int i = 0; i < MEASURED && i < w->sizes; i++) {
    int heaviest = -1;
    for (int j = 0; j < w->sizes; j++) {
      bool heavier = heaviest < 0 || w->size[j].flops > w->size[heaviest].flops;
      heaviest = !w->size[j].tried && heavier ? j : heaviest;
    }
    size *s = &w->size[heaviest];
    s->tried = true;
    HTF_TRY(htf_plan_spec(w->plan, s->run, spec));
    HTF_TRY(htf_cli__calibrate(spec, s->gradient, &s->rates));
    if (s->rates.measured) {
      w->measured[w->p->measured++] = heaviest;
    }
  }
done:
  HTF_FREE(spec);
  return status;
}

// A size that was not measured takes the rates of the one nearest to it.
static void share_rates(work *w) {
  for (int i = 0; i < w->sizes; i++) {
    size *s = &w->size[i];
    double best = INFINITY;
    if (s->rates.measured) {
      continue;
    }
    s->rates = (htf_cli_rates){.flop = otherwise, .row_doubles = 100};
    for (int j = 0; j < w->p->measured; j++) {
      const size *known = &w->size[w->measured[j]];
      double apart = fabs(log(known->gradient / s->gradient));
      if (apart < best) {
        best = apart;
        s->rates = known->rates;
      }
    }
    s->rates.measured = false;
  }
}

// ---- together --------------------------------------------------------------------------

static int longest_first(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? 1 : -(x > y);
}

// The runs that are left, longest first, and their sums.
static htf_status gather_left(work *w, const bool *done, const double *seconds) {
  htf_status status = HTF_OK;
  htf_cli_prediction *p = w->p;
  double flops = 0;
  HTF_NEW(p->seconds, w->runs);
  for (int64_t run = 0; run < w->runs; run++) {
    if (!done[run]) {
      p->seconds[p->left++] = seconds[run];
      p->total += seconds[run];
      p->longest = fmax(p->longest, seconds[run]);
      p->gradients += w->gradients[run];
      p->products += w->products[run];
      flops += w->flops[run];
    }
  }
  p->nanoseconds = flops > 0 ? 1e9 * p->total / flops : 0;
  qsort(p->seconds, (size_t)p->left, sizeof *p->seconds, longest_first);
done:
  return status;
}

htf_status htf_cli__predict(const htf_plan *plan, const char *directory,
                            htf_cli_prediction *p) {
  htf_status status = HTF_OK;
  work w = {.plan = plan, .p = p, .runs = htf_plan_runs(plan)};
  double *seconds = NULL;
  bool *done = NULL;
  *p = (htf_cli_prediction){.parameters_least = INT64_MAX, .correction = 1};
  HTF_TRY(add_up(&w));
  HTF_TRY(measure(&w));
  share_rates(&w);
  HTF_NEW(seconds, w.runs);
  HTF_NEW(done, w.runs);
  for (int64_t run = 0; run < w.runs; run++) {
    const htf_cli_rates *r = &w.size[w.size_of[run]].rates;
    seconds[run] = r->setup + r->flop * w.flops[run] + r->row * w.rows[run];
    p->output += 8 * w.kept[run] * r->row_doubles;
  }
  if (directory != NULL) {
    HTF_TRY(htf_cli__correct(plan, directory, done, seconds, p));
  }
  HTF_TRY(gather_left(&w, done, seconds));
done:
  htf_cost_table_destroy(&w.table);
  HTF_FREE(w.flops);
  HTF_FREE(w.rows);
  HTF_FREE(w.gradients);
  HTF_FREE(w.products);
  HTF_FREE(w.size_of);
  HTF_FREE(w.kept);
  HTF_FREE(w.size);
  HTF_FREE(seconds);
  HTF_FREE(done);
  return status;
}

void htf_cli__prediction_clear(htf_cli_prediction *p) {
  HTF_FREE(p->seconds);
  p->left = 0;
}

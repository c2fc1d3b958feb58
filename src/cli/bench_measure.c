// SPDX-License-Identifier: BSD-3-Clause
// What `htflow bench` measures. Parts that are compared take turns, and of each the
// fastest block of calls counts, in CPU time, so that what else the machine does weighs
// little.
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_impl.h"
#include "htflow/clock.h"
#include "htflow/dense.h"
#include "htflow/evaluation.h"
#include "htflow/journal.h"
#include "htflow/memory.h"
#include "htflow/probe.h"

enum { DGEMM = 512 };

// Shortest block of calls, and how long blocks are repeated, in seconds.
static const double BLOCK = 1e-3, TURN = 0.15;

// A model at weights of standard deviation 0.1, and all that a gradient needs.
typedef struct bench {
  htf_tree *tree, *target;
  htf_model *model;
  htf_problem *problem;
  htf_samples train;
  htf_points *points;
  htf_evaluation *evaluation;
  htf_probe *probe;
  htf_loss loss;
  double *theta, *gradient, *direction, *product; // [parameters]
  double *y, *slope, *dy, *change;                // [samples]
  double *row;
  double *square; // [3, DGEMM, DGEMM]
  double *stream; // [2, streamed]
  int64_t streamed;
} bench;

static htf_status plant(bench *b, const htf_cli_workload *w, const int64_t *shape) {
  htf_status status = HTF_OK;
  double left = htf_model_entries(b->model) - (double)w->samples;
  htf_plant recipe = {.task = HTF_PROBLEM_COMPLETION,
                      .order = w->order,
                      .shape = shape,
                      .kind = HTF_MODEL_HTF,
                      .train = w->samples,
                      .test = (int64_t)fmax(0, fmin(left, (double)w->samples)),
                      .seed = 1};
  HTF_TRY(htf_tree_from_label("binary", w->order, 2, &b->target));
  recipe.tree = b->target;
  HTF_TRY(htf_problem_plant(&recipe, &b->problem));
  b->train = htf_problem_train(b->problem);
done:
  return status;
}

static htf_status set_up(bench *b, const htf_cli_workload *w) {
  htf_status status = HTF_OK;
  int64_t shape[HTF_TREE_MAX_ORDER];
  htf_probe_options measured = {.components = 10, .singular_values = 10};
  htf_random stream = htf_random_open(1, HTF_RANDOM_INIT, 0);
  for (int n = 0; n < w->order; n++) {
    shape[n] = w->mode;
  }
  HTF_TRY(htf_tree_from_label("binary", w->order, w->width, &b->tree));
  HTF_TRY(htf_model_create(HTF_MODEL_HTF, b->tree, shape, &b->model));
  HTF_TRY(plant(b, w, shape));
  HTF_TRY(htf_problem_points(b->train, b->tree, shape, &b->points));
  HTF_TRY(htf_evaluation_create(b->model, b->points, HTF_USE_HESSIAN, &b->evaluation));
  b->loss = htf_loss_l2();
  HTF_TRY(htf_probe_create(b->model, b->problem, b->loss, &measured, &b->probe));
  int64_t n = htf_model_parameters(b->model), m = b->train.count;
  HTF_NEW(b->theta, n);
  HTF_NEW(b->gradient, n);
  HTF_NEW(b->direction, n);
  HTF_NEW(b->product, n);
  HTF_NEW(b->y, m);
  HTF_NEW(b->slope, m);
  HTF_NEW(b->dy, m);
  HTF_NEW(b->change, m);
  HTF_NEW(b->row, htf_probe_row_size(b->probe));
  HTF_NEW(b->square, 3 * DGEMM * DGEMM);
  b->streamed = htf_evaluation_bytes(b->evaluation) / (2 * (int64_t)sizeof(double)) + 1;
  HTF_NEW(b->stream, 2 * b->streamed);
  htf_model_gaussian(b->model, &stream, 0.1, b->theta);
  htf_model_gaussian(b->model, &stream, 1, b->direction);
done:
  return status;
}

static void tear_down(bench *b) {
  HTF_FREE(b->theta);
  HTF_FREE(b->gradient);
  HTF_FREE(b->direction);
  HTF_FREE(b->product);
  HTF_FREE(b->y);
  HTF_FREE(b->slope);
  HTF_FREE(b->dy);
  HTF_FREE(b->change);
  HTF_FREE(b->row);
  HTF_FREE(b->square);
  HTF_FREE(b->stream);
  htf_probe_destroy(&b->probe);
  htf_evaluation_destroy(&b->evaluation);
  htf_points_destroy(&b->points);
  htf_problem_destroy(&b->problem);
  htf_model_destroy(&b->model);
  htf_tree_destroy(&b->tree);
  htf_tree_destroy(&b->target);
}

// Bytes of P [n_v, R_v] and V [n_v, R_parent] of the nodes between leaves and root.
static double tables_of(const bench *b) {
  double doubles = 0;
  for (int v = 0; v < htf_tree_root(b->tree); v++) {
    if (htf_tree_children(b->tree, v) > 0) {
      doubles += (double)htf_points_rows(b->points, v) *
                 (double)(htf_model_rows(b->model, v) + htf_model_cols(b->model, v));
    }
  }
  return 8 * doubles;
}

// ---- the parts ------------------------------------------------------------------------

static htf_status make_gradient(bench *b) {
  htf_evaluation_forward(b->evaluation, b->theta, b->y);
  htf_loss_slope(b->loss, b->train.count, b->y, b->train.values, b->slope);
  htf_evaluation_pullback(b->evaluation, b->theta, b->slope, b->gradient);
  return HTF_OK;
}

static htf_status make_product(bench *b) {
  htf_evaluation_tangent(b->evaluation, b->theta, b->direction, b->dy);
  htf_loss_curvature(b->loss, b->train.count, b->y, b->train.values, b->dy, b->change);
  htf_evaluation_second(b->evaluation, b->theta, b->direction, b->change, b->product);
  return HTF_OK;
}

static htf_status make_row(bench *b) {
  htf_probe_state state = {.theta = b->theta, .gradient = b->gradient};
  return htf_probe_measure(b->probe, &state, b->row);
}

static htf_status make_square(bench *b) {
  int64_t area = DGEMM * DGEMM;
  htf_dense_multiply(HTF_PLAIN, htf_matrix_view(b->square, DGEMM, DGEMM), HTF_PLAIN,
                     htf_matrix_view(b->square + area, DGEMM, DGEMM), 0,
                     htf_matrix_view(b->square + 2 * area, DGEMM, DGEMM));
  return HTF_OK;
}

static htf_status make_stream(bench *b) {
  const double *restrict x = b->stream;
  double *restrict y = b->stream + b->streamed;
  for (int64_t i = 0; i < b->streamed; i++) {
    y[i] += 0.5 * x[i];
  }
  return HTF_OK;
}

// The shortest time of a call, over blocks of calls; *best is lowered where this turn beats
// it. The least that is done is one call.
static htf_status take_turn(htf_status (*part)(bench *), bench *b, double *best) {
  htf_status status = HTF_OK;
  double start = htf_clock_cpu(), end = start;
  do {
    double begin = end;
    int calls = 0;
    do {
      HTF_TRY(part(b));
      calls++;
      end = htf_clock_cpu();
    } while (end - begin < BLOCK);
    *best = fmin(*best, (end - begin) / calls);
  } while (end - start < TURN);
done:
  return status;
}

htf_status htf_cli__measure(const htf_cli_workload *workload, int rounds,
                            htf_cli_speeds *speeds) {
  htf_status status = HTF_OK;
  bench b = {.tree = NULL};
  *speeds = (htf_cli_speeds){.gradient = INFINITY, .product = INFINITY, .row = INFINITY};
  HTF_TRY(set_up(&b, workload));
  speeds->parameters = htf_model_parameters(b.model);
  speeds->tables = tables_of(&b);
  speeds->evaluation = (double)htf_evaluation_bytes(b.evaluation);
  speeds->flops = htf_evaluation_flops(b.evaluation);
  speeds->traffic = htf_evaluation_traffic(b.evaluation);
  HTF_TRY(make_gradient(&b)); // what a row and a product build on
  double square = INFINITY, stream = INFINITY;
  for (int round = 0; round < rounds; round++) {
    HTF_TRY(take_turn(make_square, &b, &square));
    HTF_TRY(take_turn(make_gradient, &b, &speeds->gradient));
    HTF_TRY(take_turn(make_stream, &b, &stream));
    HTF_TRY(take_turn(make_product, &b, &speeds->product));
  }
  speeds->dgemm = 2e-9 * DGEMM * DGEMM * DGEMM / square;
  speeds->bandwidth = 24e-9 * (double)b.streamed / stream;
  HTF_TRY(take_turn(make_row, &b, &speeds->row));
done:
  tear_down(&b);
  return status;
}

// ---- the journal ----------------------------------------------------------------------

static htf_status put_records(htf_journal *journal, int64_t bytes, double *puts) {
  htf_status status = HTF_OK;
  htf_record record;
  htf_column *column;
  double begin = htf_clock_now(), seconds = 0;
  htf_record_init(&record);
  record.state = HTF_RUN_DONE;
  record.samples = bytes / (int64_t)sizeof(double) + 1;
  HTF_TRY(htf_record_add(&record, "train_loss", 1, NULL, &column));
  int64_t count = 0;
  for (; count < 10 || seconds < 2 * TURN; count++) {
    memcpy(record.identity.bytes, &count, sizeof count); // a run of its own
    HTF_TRY(htf_journal_put(journal, &record));
    seconds = htf_clock_now() - begin;
  }
  *puts = (double)count / seconds;
done:
  htf_record_clear(&record);
  return status;
}

static int erase(const char *path, const struct stat *facts, int kind, struct FTW *place) {
  (void)facts, (void)kind, (void)place;
  return remove(path);
}

htf_status htf_cli__measure_journal(const char *directory, int64_t bytes, double *puts) {
  htf_status status = HTF_OK;
  htf_journal *journal = NULL;
  htf_digest plan = {{0}};
  char path[4096];
  int length = snprintf(path, sizeof path, "%s/htflow-bench-XXXXXX", directory);
  HTF_CHECK(length < (int)sizeof path, HTF_E_IO, "%s: too long a path", directory);
  HTF_CHECK(mkdtemp(path) != NULL, HTF_E_IO, "%s: cannot make a directory", path);
  status = htf_journal_open(path, NULL, &plan, &journal);
  if (status == HTF_OK) {
    status = put_records(journal, bytes, puts);
  }
  htf_journal_close(&journal);
  nftw(path, erase, 8, FTW_DEPTH | FTW_PHYS);
done:
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
// One class of trajectories, row by row: against /runs, and against what a flow does.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check_impl.h"
#include "hdf5_impl.h"
#include "htflow/memory.h"

// The columns that are looked into; the first five must be there.
enum { TIME, TIME_LOW, ARC_LENGTH, STEP, TRAIN_LOSS, DRIFT, COLUMNS };
static const char *const column_names[COLUMNS] = {
    "time", "time_low", "arc_length", "step", "train_loss", "unbalancedness_drift"};

// Rules of rows.
enum { SAMPLES, MISSING, BEYOND, FALLS, LOSS, FINAL, POINTS, RULES };

typedef struct class {
  const htf_check__state *state;
  const htf_check__runs *runs;
  const char *name; // c0
  char path[80];    // /trajectories/c0
  htf_reader__file group;
  int64_t rows, length; // runs of the class, samples of the longest
  int64_t *run, *samples;
  hid_t column[COLUMNS];   // -1: missing
  double *values[COLUMNS]; // [length], of one run
  htf_check__tally rule[RULES];
} class;

// ---- one run's samples ------------------------------------------------------------------

// Numbers where the run has samples, and NANs beyond. A failed run may end in NANs.
static void check_extent(class *c, int64_t run, int64_t n) {
  bool failed = htf_check__failed(c->runs, run);
  for (int v = TIME; v <= TRAIN_LOSS; v++) {
    for (int64_t i = 0; c->values[v] != NULL && i < c->length; i++) {
      bool missing = isnan(c->values[v][i]);
      if (i < n && missing && !failed) {
        htf_check__note(&c->rule[MISSING], "%s is missing in run %lld at sample %lld",
                        column_names[v], (long long)run, (long long)i);
      } else if (i >= n && !missing) {
        htf_check__note(&c->rule[BEYOND],
                        "%s has a value in run %lld at sample %lld, of %lld samples",
                        column_names[v], (long long)run, (long long)i, (long long)n);
      }
    }
  }
}

// Time is the sum of two numbers: their differences are added, not they themselves.
static void check_order(class *c, int64_t run, int64_t n) {
  static const int rising[] = {TIME, ARC_LENGTH, STEP};
  for (int k = 0; k < 3; k++) {
    const double *x = c->values[rising[k]];
    const double *low = rising[k] == TIME ? c->values[TIME_LOW] : NULL;
    for (int64_t i = 1; x != NULL && i < n; i++) {
      double rise = x[i] - x[i - 1] + (low != NULL ? low[i] - low[i - 1] : 0);
      if (rise < 0) {
        htf_check__note(&c->rule[FALLS], "%s falls by %.3g in run %lld at sample %lld",
                        column_names[rising[k]], -rise, (long long)run, (long long)i);
      }
    }
  }
}

static void check_loss(class *c, int64_t run, int64_t n) {
  const double *loss = c->values[TRAIN_LOSS];
  double rtol = c->runs->rtol[run];
  for (int64_t i = 1; loss != NULL && i < n; i++) {
    double rise = loss[i] - loss[i - 1];
    if (rise > 10 * rtol * sqrt(loss[i - 1] * loss[0])) {
      htf_check__note(&c->rule[LOSS],
                      "train_loss rises from %.9g to %.9g in run %lld at sample %lld "
                      "(rtol %g)",
                      loss[i - 1], loss[i], (long long)run, (long long)i, rtol);
    }
  }
}

static void compare_last(class *c, int64_t run, int v, int64_t n, const char *name,
                         double final) {
  const double *x = c->values[v];
  if (x != NULL && x[n - 1] != final && !(isnan(final) && isnan(x[n - 1]))) {
    htf_check__note(&c->rule[FINAL], "%s of run %lld is %.17g, its last sample %.17g", name,
                    (long long)run, final, x[n - 1]);
  }
}

// The numbers of /runs are those of the last sample; a run may end within a step, and one
// that failed some steps after the last state that could be measured.
static void check_final(class *c, int64_t run, int64_t n) {
  const htf_check__runs *r = c->runs;
  if (r->train_loss != NULL) {
    compare_last(c, run, TRAIN_LOSS, n, "final_train_loss", r->train_loss[run]);
  }
  if (r->flow_time != NULL) {
    compare_last(c, run, TIME, n, "flow_time", r->flow_time[run]);
  }
  const double *step = c->values[STEP];
  double most = htf_check__failed(r, run) ? INFINITY : 1;
  if (r->steps != NULL && step != NULL &&
      fabs((double)r->steps[run] - step[n - 1]) > most) {
    htf_check__note(&c->rule[FINAL], "steps of run %lld is %lld, its last sample %.17g",
                    (long long)run, (long long)r->steps[run], step[n - 1]);
  }
  if (r->drift != NULL) {
    compare_last(c, run, DRIFT, n, "unbalancedness_drift", r->drift[run]);
  }
}

// ---- rows -------------------------------------------------------------------------------

static void check_pointers(class *c, int64_t row) {
  const htf_check__runs *r = c->runs;
  int64_t run = c->run[row];
  if (r->trajectory.text != NULL && r->row != NULL &&
      (strcmp(htf_check__text(&r->trajectory, run), c->name) != 0 || r->row[run] != row)) {
    htf_check__note(&c->rule[POINTS],
                    "run[%lld] is %lld, which /runs has in row %lld of \"%s\"",
                    (long long)row, (long long)run, (long long)r->row[run],
                    htf_check__text(&r->trajectory, run));
  }
}

static htf_status check_row(class *c, int64_t row) {
  htf_status status = HTF_OK;
  int64_t run = c->run[row], n = c->samples != NULL ? c->samples[row] : c->length;
  if (run < 0 || run >= c->runs->count) {
    htf_check__note(&c->rule[POINTS], "run[%lld] is %lld, of %lld runs", (long long)row,
                    (long long)run, (long long)c->runs->count);
    return HTF_OK;
  }
  check_pointers(c, row);
  if (n < 1 || n > c->length) {
    htf_check__note(&c->rule[SAMPLES], "samples[%lld] is %lld, expected 1 to %lld",
                    (long long)row, (long long)n, (long long)c->length);
    return HTF_OK;
  }
  for (int v = 0; v < COLUMNS; v++) {
    if (c->values[v] != NULL) {
      HTF_TRY(htf_reader__row(c->column[v], column_names[v], HTF_READER_REALS, row,
                              c->values[v]));
    }
  }
  check_extent(c, run, n);
  check_order(c, run, n);
  check_loss(c, run, n);
  check_final(c, run, n);
done:
  return status;
}

static htf_status open_column(class *c, int v) {
  htf_status status = HTF_OK;
  hsize_t dims[2] = {0, 0};
  if (v == DRIFT && !htf_reader__exists(c->group.at, column_names[v])) {
    return HTF_OK;
  }
  HTF_TRY(htf_reader__dataset(&c->group, column_names[v], 2, &c->column[v], dims));
  HTF_TRY(htf_reader__of(c->column[v], column_names[v], HTF_READER_REALS));
  HTF_CHECK((int64_t)dims[0] == c->rows && (int64_t)dims[1] == c->length, HTF_E_DATA,
            "%s is %llu x %llu, expected %lld runs x %lld samples", column_names[v],
            (unsigned long long)dims[0], (unsigned long long)dims[1], (long long)c->rows,
            (long long)c->length);
  HTF_NEW(c->values[v], c->length);
done:
  return status;
}

static htf_status open_class(class *c) {
  htf_status status = HTF_OK;
  int64_t *sample = NULL;
  HTF_TRY(htf_check__read_column(&c->group, "run", HTF_READER_INTEGERS, -1, &c->rows,
                                 (void **)&c->run));
  HTF_TRY(htf_check__read_column(&c->group, "sample", HTF_READER_INTEGERS, -1, &c->length,
                                 (void **)&sample));
  HTF_TRY(
      htf_check__absorb(c->state, c->path,
                        htf_check__read_column(&c->group, "samples", HTF_READER_INTEGERS,
                                               c->rows, NULL, (void **)&c->samples)));
  for (int v = 0; v < COLUMNS; v++) {
    HTF_TRY(htf_check__absorb(c->state, c->path, open_column(c, v)));
  }
done:
  HTF_FREE(sample);
  return status;
}

static htf_status check_class(class *c) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_check__absorb(c->state, c->path, htf_check__class_names(&c->group)));
  HTF_TRY(open_class(c));
  for (int64_t row = 0; row < c->rows; row++) {
    HTF_TRY(check_row(c, row));
  }
done:
  for (int rule = 0; rule < RULES; rule++) {
    htf_check__tell(c->state, rule == LOSS ? HTF_CHECK_PHYSICS : HTF_CHECK_ERROR, c->path,
                    &c->rule[rule]);
  }
  return status;
}

// ---- the class --------------------------------------------------------------------------

htf_status htf_check__trajectory(const htf_check__state *state, const htf_check__runs *runs,
                                 hid_t parent, const char *name) {
  htf_status status = HTF_OK;
  class c = {.state = state,
             .runs = runs,
             .name = name,
             .group = {.at = -1, .bytes = state->file.bytes},
             .column = {-1, -1, -1, -1, -1, -1}};
  snprintf(c.path, sizeof c.path, "/trajectories/%s", name);
  c.group.at = H5Gopen2(parent, name, H5P_DEFAULT);
  if (c.group.at < 0) {
    htf_check__say(state, HTF_CHECK_ERROR, c.path, "not a group");
    return HTF_OK;
  }
  HTF_TRY(htf_check__absorb(state, c.path, check_class(&c)));
  HTF_TRY(htf_check__physics(state, runs, &c.group, c.path));
done:
  for (int v = 0; v < COLUMNS; v++) {
    htf_file__drop(&c.column[v]);
    HTF_FREE(c.values[v]);
  }
  HTF_FREE(c.run);
  HTF_FREE(c.samples);
  htf_file__drop(&c.group.at);
  return status;
}

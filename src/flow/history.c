// SPDX-License-Identifier: BSD-3-Clause
#include "history_impl.h"

#include <math.h>
#include <string.h>

// Components that pass all rows together.
enum { BLOCK = 512 };

// ---- life -----------------------------------------------------------------------------

void htf_flow__history_place(htf_flow_history *history, int64_t size, double *storage) {
  history->size = size;
  for (int k = 1; k <= HTF_FLOW_ROWS; k++) {
    history->row[k] = storage + (k - 1) * size;
  }
}

// rows, order, time from 1 on, psi from 1 on.
void htf_flow__history_save(const htf_flow_history *history, double *numbers) {
  *numbers++ = history->rows;
  *numbers++ = history->order;
  memcpy(numbers, history->time + 1, HTF_FLOW_ROWS * sizeof *numbers);
  memcpy(numbers + HTF_FLOW_ROWS, history->psi + 1, (HTF_FLOW_ROWS + 1) * sizeof *numbers);
}

void htf_flow__history_load(htf_flow_history *history, const double *numbers) {
  history->rows = (int)*numbers++;
  history->order = (int)*numbers++;
  memcpy(history->time + 1, numbers, HTF_FLOW_ROWS * sizeof *numbers);
  memcpy(history->psi + 1, numbers + HTF_FLOW_ROWS, (HTF_FLOW_ROWS + 1) * sizeof *numbers);
}

// As though the steps before had been of h too, along the slope.
void htf_flow__history_begin(htf_flow_history *history, double h, const double *slope) {
  memset(history->time, 0, sizeof history->time);
  history->rows = 1;
  history->time[1] = h;
  for (int i = 1; i <= HTF_FLOW_ROWS + 1; i++) {
    history->psi[i] = i * h;
  }
  for (int64_t i = 0; i < history->size; i++) {
    history->row[1][i] = h * slope[i];
  }
}

// ---- a step ---------------------------------------------------------------------------

htf_flow_reach htf_flow__history_reach(const htf_flow_history *history, double h) {
  htf_flow_reach reach = {.psi = {0, h}, .beta = {1}};
  for (int k = 1; k <= HTF_FLOW_ROWS; k++) {
    reach.psi[k + 1] = history->psi[k] + h;
    reach.beta[k] = reach.beta[k - 1] * reach.psi[k] / history->psi[k];
    reach.g[k] = reach.g[k - 1] + 1 / reach.psi[k];
  }
  return reach;
}

static int64_t end_of(int64_t start, int64_t size) {
  return start + BLOCK < size ? start + BLOCK : size;
}

// to [size] += sum_k weight_k row_k.
static void add_rows(const htf_flow_history *history, int order, const double *weight,
                     double *to) {
  for (int64_t start = 0; start < history->size; start += BLOCK) {
    int64_t end = end_of(start, history->size);
    for (int k = 1; k <= order; k++) {
      const double *row = history->row[k];
      for (int64_t i = start; i < end; i++) {
        to[i] += weight[k] * row[i];
      }
    }
  }
}

void htf_flow__history_predict(const htf_flow_history *history, const htf_flow_reach *reach,
                               int order, const double *state, double *y) {
  memcpy(y, state, (size_t)history->size * sizeof *y);
  add_rows(history, order, reach->beta, y);
}

void htf_flow__history_predict_slope(const htf_flow_history *history,
                                     const htf_flow_reach *reach, int order,
                                     double *slope) {
  double weight[HTF_FLOW_ROWS + 1];
  for (int k = 1; k <= order; k++) {
    weight[k] = reach->g[k] * reach->beta[k];
  }
  memset(slope, 0, (size_t)history->size * sizeof *slope);
  add_rows(history, order, weight, slope);
}

void htf_flow__history_predict_time(const htf_flow_history *history,
                                    const htf_flow_reach *reach, int order, double *ahead,
                                    double *slope) {
  *ahead = *slope = 0;
  for (int k = 1; k <= order; k++) {
    double part = reach->beta[k] * history->time[k];
    *ahead += part;
    *slope += reach->g[k] * part;
  }
}

double htf_flow__history_rms(const htf_flow_history *history, int k) {
  const double *way = history->row[1], *row = history->row[k];
  double share = history->time[k] / history->time[1], sum = 0;
  for (int64_t i = 0; i < history->size; i++) {
    double off = row[i] - share * way[i];
    sum += off * off;
  }
  return sqrt(sum / (double)history->size);
}

double htf_flow__history_rms_ahead(const htf_flow_history *history, const double *state,
                                   const double *y, double time, const double *e,
                                   double e_time) {
  double share = e_time / time, sum = 0;
  for (int64_t i = 0; i < history->size; i++) {
    double off = e[i] - share * (y[i] - state[i]);
    sum += off * off;
  }
  return sqrt(sum / (double)history->size);
}

// Row order + 2 takes row order + 1 before the step.
void htf_flow__history_advance(htf_flow_history *history, const htf_flow_reach *reach,
                               int order, const double *e, double e_time) {
  double **row = history->row, *time = history->time;
  bool above = order < HTF_FLOW_ORDERS && history->rows > order;
  for (int64_t start = 0; start < history->size; start += BLOCK) {
    int64_t end = end_of(start, history->size);
    for (int64_t i = start; above && i < end; i++) {
      row[order + 2][i] = e[i] - reach->beta[order + 1] * row[order + 1][i];
    }
    memcpy(row[order + 1] + start, e + start, (size_t)(end - start) * sizeof *e);
    for (int k = order; k > 0; k--) {
      for (int64_t i = start; i < end; i++) {
        row[k][i] = row[k + 1][i] + reach->beta[k] * row[k][i];
      }
    }
  }
  if (above) {
    time[order + 2] = e_time - reach->beta[order + 1] * time[order + 1];
  }
  time[order + 1] = e_time;
  for (int k = order; k > 0; k--) {
    time[k] = time[k + 1] + reach->beta[k] * time[k];
  }
  memcpy(history->psi, reach->psi, sizeof history->psi);
  history->rows = above ? order + 2 : order + 1;
  history->order = order;
}

// ---- inside a step --------------------------------------------------------------------

// The factor of row k there, from that of row k - 1.
static double factor(const htf_flow_history *history, double fraction, int k) {
  double from_end = (fraction - 1) * history->psi[1];
  return (from_end + (k > 1 ? history->psi[k - 1] : 0)) / history->psi[k];
}

void htf_flow__history_interpolate(const htf_flow_history *history, double fraction,
                                   const double *state, double *y) {
  double weight[HTF_FLOW_ROWS + 1] = {1};
  for (int k = 1; k <= history->order; k++) {
    weight[k] = weight[k - 1] * factor(history, fraction, k);
  }
  memcpy(y, state, (size_t)history->size * sizeof *y);
  add_rows(history, history->order, weight, y);
}

double htf_flow__history_elapsed(const htf_flow_history *history, double fraction) {
  double weight = 1, time = history->time[1];
  for (int k = 1; k <= history->order; k++) {
    weight *= factor(history, fraction, k);
    time += weight * history->time[k];
  }
  return time;
}

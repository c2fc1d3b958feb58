// SPDX-License-Identifier: BSD-3-Clause
// Which way each matricization goes, and on which rank what one rank does: the memory of
// each way, its predicted time, and a schedule.
#include <limits.h>
#include <math.h>

#include "grid_impl.h"
#include "htflow/memory.h"

static const char *const words[] = {[HTF_GRID_CHOOSE] = "none",
                                    [HTF_GRID_LAPACK] = "LAPACK",
                                    [HTF_GRID_TSQR] = "TSQR",
                                    [HTF_GRID_BLOCK_CYCLIC] = "pdgesvd"};

const char *htf_grid_way_text(htf_grid_way way) {
  return words[way];
}

int64_t htf_grid_memory(int64_t entries, int ranks) {
  const int64_t small = 64 << 20;
  int64_t share = (entries + ranks - 1) / ranks * (int64_t)sizeof(double);
  return 3 * share > small ? 3 * share : small;
}

// ---- memory -----------------------------------------------------------------------------

// Work memory of LQ and dgesdd on [n, m] (work.c), in numbers.
static double lapack_work(double n, double m) {
  return 64 * n + 3 * n + fmax(m, 7 * n) + 64 * (n + fmin(m, 2 * n)) + 8 * n;
}

// Part, work (one block column and one block row, and vectors) and values of pdgesvd.
static double cyclic_numbers(const htf_grid_job *job, int ranks,
                             const htf_grid__matrix *a) {
  htf_grid__layout layout;
  int64_t rows, cols;
  if (a->cols > INT_MAX / 8 || htf_grid__lay_out(ranks, job, a, &layout) != HTF_OK) {
    return INFINITY;
  }
  htf_grid__local(a, &layout, 0, &rows, &cols);
  double own = (double)rows * (double)cols, border = (double)(rows + cols);
  double work = (double)(layout.row_block + 1) * (border + 1);
  return own > INT_MAX ? INFINITY
                       : own + fmax(work, 4. * (double)a->rows) + 6. * (double)a->cols +
                             (double)a->rows + 1;
}

double htf_grid__bytes(const htf_grid_job *job, int ranks, const htf_grid__matrix *a,
                       htf_grid_way way) {
  double n = (double)a->rows, m = (double)a->cols, share = ceil(n * m / ranks);
  int64_t entries = htf_grid__entries(a);
  double exchange = htf_grid__move_bytes(entries, ranks);
  if (way == HTF_GRID_LAPACK && m <= INT_MAX) {
    return 8 * (n * m + lapack_work(n, m) + (double)htf_grid__piece(entries, ranks));
  }
  if (way == HTF_GRID_TSQR && m >= 2 * n) {
    double own = ceil(m / ranks), work = lapack_work(n, own) + lapack_work(n, 2 * n);
    return own > INT_MAX ? INFINITY : 8 * (share + n * own + 3 * n * n + work) + exchange;
  }
  return way == HTF_GRID_BLOCK_CYCLIC
             ? 8 * (share + cyclic_numbers(job, ranks, a)) + exchange
             : INFINITY;
}

// ---- time -------------------------------------------------------------------------------

// Seconds; the rates are those of grid.h.
static const double lq_rate = 20e9, svd_rate = 8e9, cyclic_rate = 2.7e9, reading = 1.5e-9,
                    placing = 4e-9, moving = 40e-9;

static double lq_time(double n, double m) {
  double k = fmin(n, m), rate = lq_rate * n / (n + 70);
  return 2 * n * k * (fmax(n, m) - k / 3) / rate;
}

// Of [n, m] or, after an LQ, of [n, n].
static double svd_time(double n, double m) {
  return m >= 2 * n ? lq_time(n, m) + svd_time(n, n) : 4 * n * n * (m - n / 3) / svd_rate;
}

// What all ranks do together.
static double shared_time(const htf_grid__matrix *a, int ranks, htf_grid_way way) {
  double n = (double)a->rows, m = (double)a->cols, time = n * m / ranks * moving;
  if (way == HTF_GRID_TSQR) {
    return time + lq_time(n, ceil(m / ranks)) + ceil(log2(ranks)) * lq_time(n, 2 * n);
  }
  return way == HTF_GRID_LAPACK ? 0
                                : time + 4 * n * n * (m - n / 3) / (cyclic_rate * ranks);
}

// What its owner does alone.
static double own_time(const htf_grid__matrix *a, htf_grid_way way) {
  double n = (double)a->rows, m = (double)a->cols;
  return way == HTF_GRID_LAPACK ? n * m * (reading + placing) + svd_time(n, m)
         : way == HTF_GRID_TSQR ? svd_time(n, n)
                                : 0;
}

// ---- the schedule -----------------------------------------------------------------------

// Owners, the longest task first to the rank that is free first; returns when all is done.
static double schedule(int ranks, int tasks, htf_grid__task *task, int *order,
                       double *busy) {
  double together = 0, end = 0;
  bool slabs = false;
  for (int i = 0; i < tasks; i++) {
    double time = own_time(&task[i].matrix, task[i].way);
    int k = i;
    for (; k > 0 && own_time(&task[order[k - 1]].matrix, task[order[k - 1]].way) < time;
         k--) {
      order[k] = order[k - 1];
    }
    order[k] = i;
    together += shared_time(&task[i].matrix, ranks, task[i].way);
    slabs = slabs || task[i].way != HTF_GRID_LAPACK;
  }
  for (int rank = 0; rank < ranks; rank++) {
    busy[rank] = 0;
  }
  for (int i = 0; i < tasks; i++) {
    htf_grid__task *t = &task[order[i]];
    t->owner = 0;
    for (int rank = 1; rank < ranks; rank++) {
      t->owner = busy[rank] < busy[t->owner] ? rank : t->owner;
    }
    // pdgesvd leaves its values on rank 0 too.
    t->owner = t->way == HTF_GRID_BLOCK_CYCLIC ? 0 : t->owner;
    busy[t->owner] += own_time(&t->matrix, t->way);
    end = fmax(end, busy[t->owner]);
  }
  double first_read = slabs ? (double)htf_grid__entries(&task[0].matrix) * reading : 0;
  return end + together + first_read / ranks;
}

// The first way that fits, the one for one rank first.
static htf_status first_way(const htf_grid_job *job, int ranks, double memory,
                            htf_grid__task *t) {
  htf_status status = HTF_OK;
  double least = INFINITY;
  t->way = HTF_GRID_CHOOSE;
  for (int way = HTF_GRID_LAPACK; way <= HTF_GRID_BLOCK_CYCLIC; way++) {
    double bytes = htf_grid__bytes(job, ranks, &t->matrix, (htf_grid_way)way);
    bool asked = job->way == HTF_GRID_CHOOSE || job->way == (htf_grid_way)way;
    least = asked ? fmin(least, bytes) : least;
    if (asked && bytes <= memory && t->way == HTF_GRID_CHOOSE) {
      t->way = (htf_grid_way)way;
    }
  }
  HTF_CHECK(least < INFINITY, HTF_E_MEMORY,
            "a matricization of %lld x %lld cannot be done by %s on %d ranks",
            (long long)t->matrix.rows, (long long)t->matrix.cols,
            job->way == HTF_GRID_CHOOSE ? "LAPACK or ScaLAPACK" : words[job->way], ranks);
  HTF_CHECK(t->way != HTF_GRID_CHOOSE, HTF_E_MEMORY,
            "a matricization of %lld x %lld needs at least %.0f bytes on each of %d ranks, "
            "%.0f are allowed: take more ranks or allow more",
            (long long)t->matrix.rows, (long long)t->matrix.cols, least, ranks, memory);
done:
  return status;
}

htf_status htf_grid__choose(const htf_grid_job *job, int ranks, double memory, int tasks,
                            htf_grid__task *task) {
  htf_status status = HTF_OK;
  double *busy = NULL;
  int *order = NULL;
  HTF_NEW(busy, ranks);
  HTF_NEW(order, tasks);
  for (int i = 0; i < tasks; i++) {
    HTF_TRY(first_way(job, ranks, memory, &task[i]));
  }
  double end = schedule(ranks, tasks, task, order, busy);
  for (int i = 0; i < tasks && ranks > 1 && job->way == HTF_GRID_CHOOSE; i++) {
    htf_grid_way before = task[i].way;
    if (before == HTF_GRID_LAPACK &&
        htf_grid__bytes(job, ranks, &task[i].matrix, HTF_GRID_TSQR) <= memory) {
      task[i].way = HTF_GRID_TSQR;
      double now = schedule(ranks, tasks, task, order, busy);
      task[i].way = now < end ? HTF_GRID_TSQR : before;
      end = now < end ? now : end;
    }
  }
  schedule(ranks, tasks, task, order, busy);
done:
  HTF_FREE(busy);
  HTF_FREE(order);
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
// The work on all matricizations: what all ranks do together first, while the slabs are
// held, and then what each does alone.
#include "htflow/grid.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "grid_impl.h"
#include "htflow/memory.h"

// ---- the ranks --------------------------------------------------------------------------

htf_status htf_grid__check(int code, const char *what) {
  htf_status status = HTF_OK;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  if (code != MPI_SUCCESS) {
    MPI_Error_string(code, text, &length);
  }
  HTF_CHECK(code == MPI_SUCCESS, HTF_E_MPI, "%s: %s", what, text);
done:
  return status;
}

static htf_status make(htf_grid_agreement agree, htf_grid **out) {
  htf_status status = HTF_OK;
  htf_grid *grid = NULL;
  int running = 0;
  GRID_MPI(MPI_Initialized(&running));
  HTF_CHECK(running, HTF_E_MPI, "MPI is not running");
  HTF_NEW(grid, 1);
  grid->comm = MPI_COMM_NULL;
  grid->agree = agree;
  *out = grid;
done:
  return status;
}

htf_status htf_grid_open(htf_grid_agreement agree, htf_grid **out) {
  htf_status status = HTF_OK;
  htf_grid *grid = NULL;
  MPI_Comm here;
  HTF_TRY(agree(make(agree, &grid)));
  GRID_MPI(MPI_Comm_dup(MPI_COMM_WORLD, &grid->comm));
  GRID_MPI(MPI_Comm_rank(grid->comm, &grid->rank));
  GRID_MPI(MPI_Comm_size(grid->comm, &grid->ranks));
  GRID_MPI(MPI_Comm_split_type(grid->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &here));
  GRID_MPI(MPI_Comm_size(here, &grid->here));
  GRID_MPI(MPI_Comm_free(&here));
  *out = grid;
  grid = NULL;
done:
  htf_grid_close(&grid);
  return status;
}

void htf_grid_close(htf_grid **grid) {
  if (*grid != NULL) {
    if ((*grid)->comm != MPI_COMM_NULL) {
      MPI_Comm_free(&(*grid)->comm);
    }
    HTF_FREE(*grid);
  }
}

void htf_grid_spectrum_clear(htf_grid_spectrum *spectrum) {
  HTF_FREE(spectrum->values);
  memset(spectrum, 0, sizeof *spectrum);
}

// ---- the request ------------------------------------------------------------------------

typedef struct work {
  htf_grid *grid;
  const htf_grid_job *job;
  htf_grid_spectrum *spectrum;
  int64_t entries;
  double memory; // bytes that a rank may hold
  int tasks;
  htf_grid__task *task; // [partitions], of which `tasks` are used
  int *task_of;         // [partitions]
  double *slab;         // this rank's part of the tensor
} work;

static htf_status check_tensor(const htf_grid_tensor *tensor, int64_t *entries) {
  htf_status status = HTF_OK;
  double product = 1;
  HTF_CHECK(1 <= tensor->order && tensor->order <= HTF_GRID_MAX_ORDER, HTF_E_DATA,
            "a tensor of %d modes, must be 1 to %d", tensor->order, HTF_GRID_MAX_ORDER);
  *entries = 1;
  for (int mode = 0; mode < tensor->order; mode++) {
    HTF_CHECK(tensor->shape[mode] >= 1, HTF_E_DATA, "mode %d has size %lld", mode,
              (long long)tensor->shape[mode]);
    product *= (double)tensor->shape[mode];
  }
  HTF_CHECK(product <= 0x1p60, HTF_E_MEMORY, "a tensor of %.4g bytes is too large",
            8 * product);
  for (int mode = 0; mode < tensor->order; mode++) {
    *entries *= tensor->shape[mode];
  }
done:
  return status;
}

// Partitions that are equal or each other's complement share a task.
static htf_status list_tasks(work *w) {
  htf_status status = HTF_OK;
  const htf_grid_job *job = w->job;
  HTF_TRY(check_tensor(&job->tensor, &w->entries));
  HTF_NEW(w->task, job->partitions);
  HTF_NEW(w->task_of, job->partitions);
  for (int i = 0; i < job->partitions; i++) {
    htf_grid__task *fresh = &w->task[w->tasks];
    HTF_TRY(htf_grid__matricize(&job->tensor, job->partition[i], &fresh->matrix));
    int k = 0;
    while (w->task[k].matrix.part != fresh->matrix.part) {
      k++;
    }
    fresh->partition = i;
    w->task_of[i] = k;
    w->tasks += k == w->tasks;
  }
done:
  return status;
}

// What is asked for; else the default, but not more than what the ranks of a machine can
// all have. The same on all ranks.
static htf_status find_memory(work *w) {
  htf_status status = HTF_OK;
  htf_grid *grid = w->grid;
  int64_t least = htf_memory_available() / grid->here;
  GRID_MPI(MPI_Allreduce(MPI_IN_PLACE, &least, 1, MPI_INT64_T, MPI_MIN, grid->comm));
  w->memory = (double)htf_grid_memory(w->entries, grid->ranks);
  w->memory = w->job->memory > 0 ? (double)w->job->memory : fmin(w->memory, (double)least);
done:
  return status;
}

static htf_status choose(work *w) {
  htf_status status = HTF_OK;
  int ranks = w->grid->ranks;
  for (int i = 0; i < w->tasks && w->job->way == HTF_GRID_BLOCK_CYCLIC; i++) {
    htf_grid__layout layout;
    HTF_TRY(htf_grid__lay_out(ranks, w->job, &w->task[i].matrix, &layout));
  }
  HTF_TRY(htf_grid__choose(w->job, ranks, w->memory, w->tasks, w->task));
  for (int i = 0; i < w->job->partitions; i++) {
    const htf_grid__matrix *a = &w->task[w->task_of[i]].matrix;
    w->spectrum[i] = (htf_grid_spectrum){.rows = a->rows, .cols = a->cols};
    HTF_NEW(w->spectrum[i].values, a->rows);
  }
done:
  return status;
}

static htf_status prepare(work *w) {
  htf_status status = HTF_OK;
  htf_grid *grid = w->grid;
  GRID_AGREE(list_tasks(w));
  HTF_TRY(find_memory(w));
  GRID_AGREE(choose(w));
done:
  return status;
}

// ---- steps ------------------------------------------------------------------------------

static double *values_of(const work *w, const htf_grid__task *t) {
  return w->spectrum[t->partition].values;
}

static void tell(const work *w, const htf_grid__task *t, double seconds) {
  if (w->job->progress != NULL) {
    w->job->progress(w->job->context, t->partition, t->way, seconds);
  }
}

static htf_status read_slab(work *w) {
  htf_status status = HTF_OK;
  int64_t first, count, piece = htf_grid__piece(w->entries, w->grid->ranks);
  htf_grid_share(w->entries, w->grid->rank, w->grid->ranks, &first, &count);
  HTF_NEW(w->slab, count);
  for (int64_t i = 0; i < count; i += piece) {
    int64_t some = count - i < piece ? count - i : piece;
    HTF_TRY(htf_grid__read(&w->job->tensor, first + i, some, w->slab + i));
  }
done:
  return status;
}

static htf_status make_core(const work *w, htf_grid__task *t) {
  htf_status status = HTF_OK;
  if (t->owner == w->grid->rank) {
    HTF_NEW(t->core, t->matrix.rows * t->matrix.rows);
  }
done:
  return status;
}

static htf_status do_together(work *w, htf_grid__task *t) {
  htf_status status = HTF_OK;
  htf_grid *grid = w->grid;
  htf_grid__layout layout;
  double start = MPI_Wtime();
  if (grid->rank == 0) {
    tell(w, t, -1);
  }
  if (t->way == HTF_GRID_TSQR) {
    GRID_AGREE(make_core(w, t));
    HTF_TRY(htf_grid__tsqr(grid, &t->matrix, w->slab, t->owner, t->core));
  } else {
    HTF_TRY(htf_grid__lay_out(grid->ranks, w->job, &t->matrix, &layout));
    HTF_TRY(htf_grid__cyclic(grid, &t->matrix, w->slab, &layout, values_of(w, t)));
    if (grid->rank == 0) {
      tell(w, t, MPI_Wtime() - start);
    }
  }
done:
  return status;
}

static htf_status do_alone(work *w, htf_grid__task *t) {
  htf_status status = HTF_OK;
  int64_t n = t->matrix.rows, m = t->way == HTF_GRID_LAPACK ? t->matrix.cols : n;
  double start = MPI_Wtime();
  tell(w, t, -1);
  if (t->way == HTF_GRID_LAPACK) {
    HTF_NEW(t->core, n * m);
    HTF_TRY(htf_grid__read_matrix(&t->matrix, htf_grid__piece(w->entries, w->grid->ranks),
                                  t->core));
  }
  HTF_TRY(htf_grid__values(t->core, n, m, values_of(w, t)));
  tell(w, t, MPI_Wtime() - start);
done:
  HTF_FREE(t->core);
  return status;
}

// The values of what waits on this rank: the cores, and matricizations of its own.
static htf_status do_own(work *w, htf_grid_way way) {
  htf_status status = HTF_OK;
  for (int i = 0; i < w->tasks; i++) {
    htf_grid__task *t = &w->task[i];
    bool ready = way == HTF_GRID_LAPACK || t->core != NULL;
    if (t->way == way && t->owner == w->grid->rank && ready) {
      HTF_TRY(do_alone(w, t));
    }
  }
done:
  return status;
}

// ---- the whole --------------------------------------------------------------------------

static double core_bytes(const htf_grid__task *t) {
  return 8 * (double)t->matrix.rows * (double)t->matrix.rows;
}

// Cores wait for their values while there is memory, so that ranks get theirs at once.
static htf_status work_together(work *w) {
  htf_status status = HTF_OK;
  htf_grid *grid = w->grid;
  double held = 0; // by cores, at most, on any rank
  bool any = false;
  for (int i = 0; i < w->tasks; i++) {
    any = any || w->task[i].way != HTF_GRID_LAPACK;
  }
  if (!any) {
    goto done;
  }
  GRID_AGREE(read_slab(w));
  for (int i = 0; i < w->tasks; i++) {
    htf_grid__task *t = &w->task[i];
    if (t->way == HTF_GRID_LAPACK) {
      continue;
    }
    if (held > 0 &&
        htf_grid__bytes(w->job, grid->ranks, &t->matrix, t->way) + held > w->memory) {
      GRID_AGREE(do_own(w, HTF_GRID_TSQR));
      held = 0;
    }
    HTF_TRY(do_together(w, t));
    held += t->way == HTF_GRID_TSQR ? core_bytes(t) : 0;
  }
done:
  HTF_FREE(w->slab);
  return status;
}

static htf_status work_alone(work *w) {
  htf_status status = HTF_OK;
  HTF_TRY(do_own(w, HTF_GRID_TSQR));
  HTF_TRY(do_own(w, HTF_GRID_LAPACK));
done:
  return status;
}

static htf_status share(work *w) {
  htf_status status = HTF_OK;
  for (int i = 0; i < w->tasks; i++) {
    const htf_grid__task *t = &w->task[i];
    GRID_MPI(MPI_Bcast(values_of(w, t), (int)t->matrix.rows, MPI_DOUBLE, t->owner,
                       w->grid->comm));
  }
  for (int i = 0; i < w->job->partitions; i++) {
    const htf_grid__task *t = &w->task[w->task_of[i]];
    w->spectrum[i].way = t->way;
    if (t->partition != i) {
      memcpy(w->spectrum[i].values, values_of(w, t),
             (size_t)t->matrix.rows * sizeof(double));
    }
  }
done:
  return status;
}

htf_status htf_grid_spectra(htf_grid *grid, const htf_grid_job *job,
                            htf_grid_spectrum *spectrum) {
  htf_status status = HTF_OK;
  work w = {.grid = grid, .job = job, .spectrum = spectrum};
  memset(spectrum, 0, (size_t)job->partitions * sizeof *spectrum);
  HTF_TRY(prepare(&w));
  HTF_TRY(work_together(&w));
  GRID_AGREE(work_alone(&w));
  HTF_TRY(share(&w));
done:
  for (int i = 0; w.task != NULL && i < w.tasks; i++) {
    HTF_FREE(w.task[i].core);
  }
  for (int i = 0; status != HTF_OK && i < job->partitions; i++) {
    htf_grid_spectrum_clear(&spectrum[i]);
  }
  HTF_FREE(w.task);
  HTF_FREE(w.task_of);
  HTF_FREE(w.slab);
  return status;
}

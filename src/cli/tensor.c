// SPDX-License-Identifier: BSD-3-Clause
// htflow tensor: a tensor known by its factors, written out whole, each rank its part.
#include <string.h>

#include "cli_impl.h"
#include "htflow/log.h"
#include "htflow/memory.h"
#include "htflow/run.h"
#include "htflow/sweep.h"
#include "tensor_impl.h"

typedef struct writing {
  const char *source, *run, *out; // as given
  htf_cli_tensor tensor;
  char *part; // on rank 0
} writing;

// ---- a planted target -------------------------------------------------------------------

// What rank 0 tells of it; `weights.theta` numbers follow.
typedef struct told {
  htf_file_weights weights;
  double scale;
  double theta[];
} told;

// The target of one run of a sweep, as rank 0 draws it.
static htf_status draw_target(const writing *w, htf_model **model, double **theta,
                              double *scale) {
  htf_status status = HTF_OK;
  htf_plan *plan = NULL;
  htf_spec spec;
  double run = 0;
  HTF_CHECK(w->run != NULL, HTF_E_USAGE, "%s is a sweep: --run R says whose target",
            w->source);
  HTF_TRY(htf_cli__open_plan(w->source, NULL, &plan));
  HTF_TRY(htf_cli__number("run", w->run, 0, (double)(htf_plan_runs(plan) - 1), &run));
  HTF_TRY(htf_plan_spec(plan, (int64_t)run, &spec));
  HTF_TRY(htf_run_target(&spec, model, theta, scale));
done:
  htf_plan_destroy(&plan);
  return status;
}

static htf_status describe_target(const writing *w, void **bytes, int64_t *count) {
  htf_status status = HTF_OK;
  htf_model *model = NULL;
  double *theta = NULL, scale = 1;
  told *t = NULL;
  uint8_t *block = NULL;
  HTF_TRY(draw_target(w, &model, &theta, &scale));
  const htf_tree *tree = htf_model_tree(model);
  size_t numbers = (size_t)htf_model_parameters(model);
  *count = (int64_t)(sizeof *t + numbers * sizeof *theta);
  HTF_NEW(block, *count);
  t = (told *)(void *)block;
  t->scale = scale;
  t->weights.kind = htf_model_get_kind(model);
  t->weights.count = (int64_t)numbers;
  t->weights.shape.order = htf_tree_order(tree);
  memcpy(t->weights.shape.size, htf_model_shape(model),
         (size_t)htf_tree_order(tree) * sizeof *t->weights.shape.size);
  memcpy(t->theta, theta, numbers * sizeof *theta);
  HTF_TRY(htf_tree_newick(tree, t->weights.tree, sizeof t->weights.tree));
  *bytes = block;
  block = NULL;
done:
  HTF_FREE(block);
  HTF_FREE(theta);
  htf_model_destroy(&model);
  return status;
}

static htf_status take_target(writing *w, const told *t) {
  htf_status status = HTF_OK;
  w->tensor.weights = t->weights;
  w->tensor.weights.theta = NULL;
  HTF_NEW(w->tensor.weights.theta, t->weights.count);
  memcpy(w->tensor.weights.theta, t->theta, (size_t)t->weights.count * sizeof *t->theta);
  HTF_TRY(htf_cli__tensor_of_weights(&w->tensor));
  w->tensor.scale = t->scale;
done:
  return status;
}

static htf_status open_target(writing *w) {
  htf_status status = HTF_OK;
  void *bytes = NULL;
  int64_t count = 0;
  if (htf_sweep_rank() == 0) {
    status = describe_target(w, &bytes, &count);
  }
  HTF_TRY(htf_sweep_agree(status));
  HTF_TRY(htf_sweep_share(&bytes, &count));
  HTF_TRY(htf_sweep_agree(take_target(w, bytes)));
done:
  HTF_FREE(bytes);
  return status;
}

// ---- what is written
// ----------------------------------------------------------------------

static bool ends(const char *path, const char *ending) {
  size_t length = strlen(path), tail = strlen(ending);
  return length > tail && strcmp(path + length - tail, ending) == 0;
}

static htf_status open_file(writing *w) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_cli__tensor_open(w->source, w->run, &w->tensor));
  HTF_CHECK(w->tensor.model != NULL, HTF_E_USAGE, "%s holds a dense tensor already",
            w->source);
done:
  return status;
}

static htf_status open_source(writing *w) {
  htf_status status = HTF_OK;
  HTF_CHECK(w->out != NULL && w->out[0] != '\0', HTF_E_USAGE, "tensor wants --out FILE");
  if (ends(w->source, ".h5") || ends(w->source, ".hdf5")) {
    HTF_TRY(htf_sweep_agree(open_file(w)));
  } else {
    HTF_TRY(open_target(w));
  }
done:
  return status;
}

static htf_status begin(writing *w) {
  htf_status status = HTF_OK;
  if (htf_sweep_rank() == 0) {
    HTF_TRY(htf_tensor_begin(w->out, &w->tensor.shape, &w->part));
  }
done:
  return status;
}

// This rank's share of the entries, a piece at a time.
static htf_status write_part(writing *w, htf_tensor *file) {
  enum { PIECE = 1 << 16 };
  htf_status status = HTF_OK;
  htf_grid_tensor source;
  double *piece = NULL;
  int64_t entries = 1, first, count;
  HTF_TRY(htf_cli__tensor_entries(&w->tensor, &source));
  HTF_NEW(piece, PIECE);
  for (int i = 0; i < source.order; i++) {
    entries *= source.shape[i];
  }
  htf_grid_share(entries, htf_sweep_rank(), htf_sweep_ranks(), &first, &count);
  for (int64_t end = first + count; first < end; first += PIECE) {
    int64_t some = end - first < PIECE ? end - first : PIECE;
    HTF_TRY(source.read(source.context, first, some, piece));
    HTF_TRY(htf_tensor_write(file, first, some, piece));
  }
done:
  HTF_FREE(piece);
  return status;
}

static htf_status share_name(writing *w, char **name) {
  htf_status status = HTF_OK;
  int64_t count = w->part != NULL ? (int64_t)strlen(w->part) + 1 : 0;
  void *bytes = w->part;
  HTF_TRY(htf_sweep_share(&bytes, &count));
  *name = bytes;
done:
  return status;
}

// Whatever happens, all ranks close the file together.
static htf_status fill(writing *w) {
  htf_status status = HTF_OK, closed = HTF_OK;
  htf_tensor *file = NULL;
  char *name = NULL;
  HTF_TRY(share_name(w, &name));
  HTF_TRY(htf_tensor_join(name, htf_sweep_agree, &file));
  status = htf_sweep_agree(write_part(w, file));
  closed = htf_tensor_leave(&file);
  HTF_TRY(status);
  HTF_TRY(htf_sweep_agree(closed));
done:
  if (name != w->part) {
    HTF_FREE(name);
  }
  return status;
}

static htf_status finish(writing *w) {
  htf_status status = HTF_OK;
  if (htf_sweep_rank() == 0) {
    HTF_TRY(htf_tensor_finish(w->part, w->out));
    HTF_FREE(w->part);
    htf_log(HTF_LOG_INFO, "tensor", "%s is written", w->out);
  }
done:
  return status;
}

// ---- the command ----------------------------------------------------------------------

static htf_status work(writing *w) {
  htf_status status = HTF_OK;
  HTF_TRY(open_source(w));
  HTF_TRY(htf_sweep_agree(begin(w)));
  HTF_TRY(fill(w));
  HTF_TRY(htf_sweep_agree(finish(w)));
done:
  if (w->part != NULL) {
    htf_tensor_discard(w->part);
    HTF_FREE(w->part);
  }
  htf_cli__tensor_close(&w->tensor);
  return status;
}

htf_status htf_cli__tensor(int argc, char **argv, int *exit_code) {
  htf_status status = HTF_OK;
  writing w = {.part = NULL};
  bool help;
  (void)exit_code;
  htf_cli_option options[] = {
      {"out", "FILE.h5", "the problem file to write", .value = &w.out},
      {"run", "R", "whose last weights, or whose planted target", .value = &w.run},
  };
  htf_cli_usage usage = {
      "tensor WEIGHTS.h5|RESULTS.h5|SWEEP.yaml --out FILE.h5 [--run R]",
      "Writes a tensor out with all its entries, as a problem file (task full), over the\n"
      "ranks of mpirun, each its part: the end tensor of a weights file or of the weights\n"
      "that a run kept, or the planted target of a run of a sweep.",
      options, 2, 1};
  HTF_TRY(htf_cli__open(&argc, &argv)); // first, so that one rank speaks for all
  HTF_TRY(htf_cli__parse(&usage, argc, argv, &w.source, &help));
  if (!help) {
    HTF_TRY(work(&w));
  }
done:
  return status;
}

// SPDX-License-Identifier: BSD-3-Clause
// htflow rank: singular values and ranks of a tensor's matricizations, from its factors or
// from its entries.
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli_impl.h"
#include "htflow/log.h"
#include "htflow/memory.h"
#include "htflow/spectra.h"
#include "htflow/sweep.h"
#include "tensor_impl.h"

// One matricization. Its values are its own, or borrowed from the factors' spectra.
typedef struct partition {
  char name[HTF_TREE_TEXT];
  int node; // -1: no node of the tree, but an option
  int count, modes[HTF_GRID_MAX_ORDER];
  htf_grid_spectrum dense;
  const char *way;
  int64_t values;
  const double *value;
} partition;

typedef struct ranking {
  const char *path, *run, *label, *grid_text, *memory_text, *tolerance_text, *top_text;
  htf_cli_list modes;
  bool dense, json;
  double memory, tolerance, top;
  htf_cli_tensor tensor;
  htf_tree *tree;
  htf_spectra *spectra;
  int partitions;
  partition *partition;
} ranking;

// ---- what is asked for ------------------------------------------------------------------

static htf_status read_numbers(ranking *r) {
  htf_status status = HTF_OK;
  r->tolerance = 1e-6;
  if (r->tolerance_text != NULL) {
    HTF_TRY(htf_cli__number("tolerance", r->tolerance_text, 0, 1, &r->tolerance));
  }
  if (r->memory_text != NULL) {
    HTF_TRY(htf_cli__number("memory", r->memory_text, 1, 1e18, &r->memory));
  }
  r->top = 8;
  if (r->top_text != NULL) {
    HTF_TRY(htf_cli__number("top", r->top_text, 1, 1e9, &r->top));
  }
done:
  return status;
}

// A dense tensor needs a tree, or parts of its modes; factors have a tree of their own.
static htf_status find_tree(ranking *r) {
  htf_status status = HTF_OK;
  bool factored = r->tensor.model != NULL;
  HTF_CHECK(factored || r->label != NULL || r->modes.count > 0, HTF_E_USAGE,
            "%s is a dense tensor: --tree T or --modes LIST says where it is to be split",
            r->path);
  HTF_CHECK(!factored || r->dense ||
                (r->label == NULL && r->modes.count == 0 && r->grid_text == NULL),
            HTF_E_USAGE,
            "%s holds factors, with a tree of their own: --tree, --modes and --grid want "
            "--dense",
            r->path);
  if (r->label != NULL) {
    HTF_TRY(htf_cli__tree(r->label, r->tensor.shape.order, &r->tree));
  } else if (factored) {
    HTF_TRY(htf_tree_copy(htf_model_tree(r->tensor.model), &r->tree));
  }
done:
  return status;
}

static htf_status add_nodes(ranking *r) {
  htf_status status = HTF_OK;
  for (int node = 0; r->tree != NULL && node < htf_tree_root(r->tree); node++) {
    partition *p = &r->partition[r->partitions++];
    const int *modes;
    p->node = node;
    p->count = htf_tree_modes(r->tree, node, &modes);
    memcpy(p->modes, modes, (size_t)p->count * sizeof *modes);
    HTF_TRY(htf_tree_node_name(r->tree, node, p->name, sizeof p->name));
  }
done:
  return status;
}

static htf_status add_modes(ranking *r) {
  htf_status status = HTF_OK;
  for (int i = 0; i < r->modes.count; i++) {
    partition *p = &r->partition[r->partitions++];
    size_t used = 0;
    p->node = -1;
    HTF_TRY(htf_cli__modes(r->modes.item[i], r->tensor.shape.order, p->modes, &p->count));
    for (int k = 0; k < p->count; k++) {
      used += (size_t)snprintf(p->name + used, sizeof p->name - used, "%s%d",
                               k > 0 ? "_" : "", p->modes[k]);
    }
  }
done:
  return status;
}

static htf_status prepare(ranking *r) {
  htf_status status = HTF_OK;
  HTF_TRY(read_numbers(r));
  HTF_TRY(htf_cli__tensor_open(r->path, r->run, &r->tensor));
  HTF_TRY(find_tree(r));
  int nodes = r->tree != NULL ? htf_tree_nodes(r->tree) : 0;
  HTF_NEW(r->partition, nodes + r->modes.count);
  HTF_TRY(add_nodes(r));
  HTF_TRY(add_modes(r));
  HTF_CHECK(r->partitions > 0, HTF_E_USAGE, "a tensor of %d modes cannot be split",
            r->tensor.shape.order);
done:
  return status;
}

// ---- from the factors, by one rank
// --------------------------------------------------------

static htf_status use_factors(ranking *r) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_spectra_create(r->tensor.model, &r->spectra));
  HTF_TRY(htf_spectra_compute(r->spectra, r->tensor.theta));
  for (int i = 0; i < r->partitions; i++) {
    partition *p = &r->partition[i];
    p->way = "factors";
    p->values = htf_spectra_count(r->spectra, p->node);
    p->value = htf_spectra_values(r->spectra, p->node);
  }
done:
  return status;
}

// ---- from the entries, by all
// -------------------------------------------------------------

static void tell(void *context, int index, htf_grid_way way, double seconds) {
  const ranking *r = context;
  const partition *p = &r->partition[index];
  if (seconds < 0) {
    htf_log_all(HTF_LOG_INFO, "rank", "%s: begins (%s), %d of %d", p->name,
                htf_grid_way_text(way), index + 1, r->partitions);
  } else {
    htf_log_all(HTF_LOG_INFO, "rank", "%s: values after %.2f s", p->name, seconds);
  }
}

static htf_status describe_job(ranking *r, htf_grid_partition *parts, htf_grid_job *job) {
  htf_status status = HTF_OK;
  *job = (htf_grid_job){.partitions = r->partitions,
                        .partition = parts,
                        .memory = (int64_t)r->memory,
                        .progress = tell,
                        .context = r};
  for (int i = 0; i < r->partitions; i++) {
    parts[i] = (htf_grid_partition){r->partition[i].count, r->partition[i].modes};
  }
  if (r->grid_text != NULL) {
    job->way = HTF_GRID_BLOCK_CYCLIC;
    HTF_TRY(htf_cli__process_grid(r->grid_text, &job->grid_rows, &job->grid_cols));
  }
  HTF_TRY(htf_cli__tensor_entries(&r->tensor, &job->tensor));
done:
  return status;
}

static htf_status make_room(const ranking *r, htf_grid_partition **parts,
                            htf_grid_spectrum **spectra, htf_grid_job *job) {
  htf_status status = HTF_OK;
  HTF_NEW(*parts, r->partitions);
  HTF_NEW(*spectra, r->partitions);
  HTF_TRY(describe_job((ranking *)r, *parts, job));
done:
  return status;
}

static htf_status use_entries(ranking *r) {
  htf_status status = HTF_OK;
  htf_grid *grid = NULL;
  htf_grid_partition *parts = NULL;
  htf_grid_spectrum *spectra = NULL;
  htf_grid_job job;
  HTF_TRY(htf_sweep_agree(make_room(r, &parts, &spectra, &job)));
  HTF_TRY(htf_grid_open(htf_sweep_agree, &grid));
  status = htf_grid_spectra(grid, &job, spectra);
  if (status == HTF_E_DATA) {
    htf_error_prefix("%s: ", r->path);
  }
  HTF_TRY(status);
  for (int i = 0; i < r->partitions; i++) {
    partition *p = &r->partition[i];
    p->dense = spectra[i];
    p->way = htf_grid_way_text(p->dense.way);
    p->values = p->dense.rows;
    p->value = p->dense.values;
  }
  htf_log_all(HTF_LOG_DEBUG, "rank", "held at most %lld bytes",
              (long long)htf_memory_peak());
done:
  htf_grid_close(&grid);
  HTF_FREE(parts);
  HTF_FREE(spectra);
  return status;
}

// ---- what is said
// -------------------------------------------------------------------------

// errors[k] = what is lost, relative to the norm, if the first k values are kept; [values +
// 1]. Returns the norm.
static double lost(const partition *p, double *errors) {
  double largest = p->values > 0 && p->value[0] > 0 ? p->value[0] : 1, tail = 0;
  errors[p->values] = 0;
  for (int64_t i = p->values - 1; i >= 0; i--) { // the small ones first
    tail += p->value[i] / largest * (p->value[i] / largest);
    errors[i] = sqrt(tail);
  }
  double norm = errors[0];
  for (int64_t i = 0; norm > 0 && i <= p->values; i++) {
    errors[i] /= norm;
  }
  return norm * largest;
}

static json_t *describe(const ranking *r, const partition *p, const double *errors) {
  json_t *values = json_array(), *losses = json_array();
  int64_t rank = htf_spectra_numerical_rank(p->values, p->value, r->tolerance);
  int64_t shown =
      r->top_text != NULL && r->top < (double)p->values ? (int64_t)r->top : p->values;
  for (int64_t i = 0; i < shown; i++) {
    json_array_append_new(values, json_real(p->value[i]));
    json_array_append_new(losses, json_real(errors[i + 1]));
  }
  return json_pack("{so sI sf so ss}", "singular_values", values, "rank", (json_int_t)rank,
                   "truncation_error", errors[rank], "truncation_errors", losses, "way",
                   p->way);
}

static json_t *tensor_shape(const ranking *r) {
  json_t *shape = json_array();
  for (int i = 0; i < r->tensor.shape.order; i++) {
    json_array_append_new(shape, json_integer(r->tensor.shape.size[i]));
  }
  return shape;
}

static void print_json(const ranking *r, double *errors) {
  json_t *nodes = json_object(), *others = json_object();
  double norm = 0;
  for (int i = 0; i < r->partitions; i++) {
    const partition *p = &r->partition[i];
    norm = lost(p, errors);
    json_object_set_new(p->node < 0 ? others : nodes, p->name, describe(r, p, errors));
  }
  json_t *all = json_pack("{ss so sf sf si so so}", "file", r->path, "shape",
                          tensor_shape(r), "norm", norm, "tolerance", r->tolerance, "ranks",
                          htf_sweep_ranks(), "nodes", nodes, "partitions", others);
  json_dumpf(all, stdout, JSON_INDENT(2));
  printf("\n");
  json_decref(all);
}

static void print_text(const ranking *r, double *errors) {
  double norm = lost(&r->partition[0], errors);
  printf("%s: ", r->path);
  for (int i = 0; i < r->tensor.shape.order; i++) {
    printf("%s%lld", i > 0 ? " x " : "", (long long)r->tensor.shape.size[i]);
  }
  printf(", norm %.6g; rank: values above %g of the largest; lost: by keeping that many\n\n"
         "%-16s %-8s %8s %10s  largest values\n",
         norm, r->tolerance, "modes", "way", "rank", "lost");
  for (int i = 0; i < r->partitions; i++) {
    const partition *p = &r->partition[i];
    int64_t rank = htf_spectra_numerical_rank(p->values, p->value, r->tolerance);
    lost(p, errors);
    printf("%-16s %-8s %8lld %10.3g ", p->name, p->way, (long long)rank, errors[rank]);
    for (int64_t k = 0; k < p->values && (double)k < r->top; k++) {
      printf(" %.6g", p->value[k]);
    }
    printf("\n");
  }
}

static htf_status print(const ranking *r) {
  htf_status status = HTF_OK;
  double *errors = NULL;
  int64_t most = 0;
  for (int i = 0; i < r->partitions; i++) {
    most = r->partition[i].values > most ? r->partition[i].values : most;
  }
  HTF_NEW(errors, most + 1);
  (r->json ? print_json : print_text)(r, errors);
done:
  HTF_FREE(errors);
  return status;
}

// ---- the command ----------------------------------------------------------------------

// Of factors rank 0 has all the work, which is small.
static htf_status work(ranking *r) {
  htf_status status = HTF_OK;
  HTF_TRY(htf_sweep_agree(prepare(r)));
  if (r->tensor.model == NULL || r->dense) {
    HTF_TRY(use_entries(r));
  } else if (htf_sweep_rank() == 0) {
    status = use_factors(r);
  }
  status = status == HTF_OK && htf_sweep_rank() == 0 ? print(r) : status;
  HTF_TRY(htf_sweep_agree(status));
done:
  return status;
}

static void clean(ranking *r) {
  for (int i = 0; r->partition != NULL && i < r->partitions; i++) {
    htf_grid_spectrum_clear(&r->partition[i].dense);
  }
  HTF_FREE(r->partition);
  htf_spectra_destroy(&r->spectra);
  htf_tree_destroy(&r->tree);
  htf_cli__tensor_close(&r->tensor);
}

htf_status htf_cli__rank(int argc, char **argv, int *exit_code) {
  htf_status status = HTF_OK;
  ranking r = {.partitions = 0};
  bool help;
  (void)exit_code;
  htf_cli_option options[] = {
      {"tree", "binary|flat|NEWICK", "mode tree of a dense tensor, as in a sweep file",
       .value = &r.label},
      {"modes", "LIST", "one more part of the modes, like 0,2; may be repeated",
       .list = &r.modes},
      {"run", "R", "whose last weights, in a results file", .value = &r.run},
      {"dense", NULL, "form the tensor of the factors, over the ranks", .flag = &r.dense},
      {"tolerance", "X", "a rank counts values above X of the largest; 1e-6",
       .value = &r.tolerance_text},
      {"top", "N", "say only the N largest values; 8 in text, all in JSON",
       .value = &r.top_text},
      {"grid", "auto|PxQ", "by ScaLAPACK on a grid of ranks; it is slower",
       .value = &r.grid_text},
      {"memory", "BYTES", "that a rank may hold; 3 times its share of the tensor",
       .value = &r.memory_text},
      {"json", NULL, "print JSON", .flag = &r.json},
  };
  htf_cli_usage usage = {
      "rank FILE.h5 [--tree T] [options]",
      "Singular values, ranks and truncation errors of the matricizations at every node of\n"
      "a mode tree but the root: of a dense tensor (a problem file), spread over the ranks\n"
      "of mpirun, or of a weights file or the weights that a run kept, from the factors.",
      options, sizeof options / sizeof *options, 1};
  HTF_TRY(htf_cli__open(&argc, &argv)); // first, so that one rank speaks for all
  HTF_TRY(htf_cli__parse(&usage, argc, argv, &r.path, &help));
  if (!help) {
    HTF_TRY(work(&r));
  }
done:
  clean(&r);
  return status;
}

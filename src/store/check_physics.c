// SPDX-License-Identifier: BSD-3-Clause
// The columns of a class that the laws are about, read run by run.
#include <math.h>
#include <stdio.h>

#include "check_law_impl.h"
#include "hdf5_impl.h"
#include "htflow/memory.h"
#include "weights_impl.h"

enum {
  TIME,
  ARC_LENGTH,
  RESIDUAL,
  GRADIENT_NORM,
  UNBALANCEDNESS,
  NORM,
  RATE,
  DRIVE,
  COLUMNS
};
static const char *const names[COLUMNS] = {"time",
                                           "arc_length",
                                           "law_residual",
                                           "gradient_norm",
                                           "unbalancedness",
                                           "local_component_norm",
                                           "local_component_rate",
                                           "local_component_drive"};

typedef struct class {
  const htf_check__state *state;
  const htf_check__runs *runs;
  const htf_reader__file *group;
  const char *path; // /trajectories/c0
  htf_tree *tree;
  int64_t rows, length, components; // runs, samples of the longest
  int nodes, *vectors;
  int64_t *run, *samples;
  hid_t column[COLUMNS];   // -1: missing
  double *values[COLUMNS]; // of one run
} class;

static htf_status open_column(class *c, int v) {
  htf_status status = HTF_OK;
  hsize_t dims[4] = {0, 0, 1, 1};
  bool wide = v >= NORM;
  if (!htf_reader__exists(c->group->at, names[v])) {
    return HTF_OK;
  }
  HTF_TRY(htf_reader__dataset(c->group, names[v], wide ? 4 : 2, &c->column[v], dims));
  HTF_TRY(htf_reader__of(c->column[v], names[v], HTF_READER_REALS));
  HTF_TRY(htf_reader__size(c->group, names[v], wide ? 4 : 2, dims));
  bool fits = (int64_t)dims[0] == c->rows && (int64_t)dims[1] == c->length;
  if (wide && c->components == 0) {
    c->components = (int64_t)dims[3];
  }
  fits = fits && (!wide || ((int)dims[2] == c->nodes && (int64_t)dims[3] == c->components));
  HTF_CHECK(fits, HTF_E_DATA, "%s has not the shape of the others", names[v]);
  HTF_NEW(c->values[v], (int64_t)(dims[1] * dims[2] * dims[3]));
done:
  return status;
}

static htf_status open_class(class *c) {
  htf_status status = HTF_OK;
  int64_t *sample = NULL;
  char newick[HTF_MAX_NEWICK];
  HTF_TRY(htf_reader__text(c->group->at, "its", "tree", newick, sizeof newick));
  HTF_TRY(htf_weights__tree("its attribute tree", newick, &c->tree));
  c->nodes = htf_tree_nodes(c->tree) - htf_tree_order(c->tree);
  HTF_NEW(c->vectors, c->nodes);
  HTF_TRY(htf_check__read_column(c->group, "run", HTF_READER_INTEGERS, -1, &c->rows,
                                 (void **)&c->run));
  HTF_TRY(htf_check__read_column(c->group, "samples", HTF_READER_INTEGERS, c->rows, NULL,
                                 (void **)&c->samples));
  HTF_TRY(htf_check__read_column(c->group, "sample", HTF_READER_INTEGERS, -1, &c->length,
                                 (void **)&sample));
  for (int v = 0; v < COLUMNS; v++) {
    HTF_TRY(htf_check__absorb(c->state, c->path, open_column(c, v)));
  }
done:
  HTF_FREE(sample);
  return status;
}

// K_v: a vector of each child, and the row unless the root's are frozen.
static void count_vectors(class *c, int64_t run) {
  int at = 0;
  for (int v = 0; v < htf_tree_nodes(c->tree); v++) {
    bool frozen = v == htf_tree_root(c->tree) && c->runs->frozen[run];
    if (htf_tree_children(c->tree, v) > 0) {
      c->vectors[at++] = htf_tree_children(c->tree, v) + !frozen;
    }
  }
}

static htf_status check_run(class *c, int64_t row, htf_check__law_rules *rules) {
  htf_status status = HTF_OK;
  htf_check_law law = {.run = -1};
  int64_t run = c->run[row], count = c->samples[row];
  if (run < 0 || run >= c->runs->count || count < 1 || count > c->length) {
    return HTF_OK; // said of the class already
  }
  for (int v = 0; v < COLUMNS; v++) {
    if (c->values[v] != NULL) {
      HTF_TRY(htf_reader__row(c->column[v], names[v], HTF_READER_REALS, row, c->values[v]));
    }
  }
  count_vectors(c, run);
  htf_check__samples samples = {
      .run = run,
      .count = count,
      .nodes = c->nodes,
      .components = c->components,
      .vectors = c->vectors,
      .norm = c->values[NORM],
      .rate = c->values[RATE],
      .drive = c->values[DRIVE],
      .time = c->values[TIME],
      .arc_length = c->values[ARC_LENGTH],
      .residual = c->values[RESIDUAL],
      .gradient_norm = c->values[GRADIENT_NORM],
      .unbalancedness = c->values[UNBALANCEDNESS],
      .drift = c->runs->drift != NULL ? c->runs->drift[run] : NAN,
  };
  HTF_TRY(htf_check__laws(&samples, rules, &law));
  law.tree = c->tree;
  if (c->state->law != NULL) {
    c->state->law(c->state->context, &law);
  }
done:
  htf_check__drop_law(&law);
  return status;
}

htf_status htf_check__physics(const htf_check__state *state, const htf_check__runs *runs,
                              const htf_reader__file *group, const char *path) {
  htf_status status = HTF_OK;
  htf_check__law_rules rules = {.residual = {0}};
  class c = {.state = state, .runs = runs, .group = group, .path = path};
  for (int v = 0; v < COLUMNS; v++) {
    c.column[v] = -1;
  }
  HTF_TRY(open_class(&c));
  for (int64_t row = 0; row < c.rows; row++) {
    HTF_TRY(check_run(&c, row, &rules));
  }
done:
  htf_check__tell(state, HTF_CHECK_PHYSICS, path, &rules.residual);
  htf_check__tell(state, HTF_CHECK_PHYSICS, path, &rules.exponent);
  for (int v = 0; v < COLUMNS; v++) {
    htf_file__drop(&c.column[v]);
    HTF_FREE(c.values[v]);
  }
  HTF_FREE(c.run);
  HTF_FREE(c.samples);
  HTF_FREE(c.vectors);
  htf_tree_destroy(&c.tree);
  if (status == HTF_E_DATA) { // of the layout, which its own check has said
    htf_error_clear();
    status = HTF_OK;
  }
  return status;
}

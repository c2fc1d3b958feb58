// SPDX-License-Identifier: BSD-3-Clause
// What a run will take: sizes from its tree, counts from what was measured.
#include "htflow/cost.h"

#include <math.h>
#include <string.h>

#include "htflow/memory.h"
#include "htflow/model.h"
#include "plan_impl.h"

// What sizes depend on, digested; and the sizes.
typedef struct entry {
  uint64_t key[2];
  htf_cost cost; // without counts
} entry;

struct htf_cost_table {
  int sizes, room;
  entry *entry; // [room], in the order met
  int slots;    // a power of two
  int *slot;    // [slots] number of an entry, from 1; 0 is free
};

htf_status htf_cost_table_create(htf_cost_table **out) {
  htf_status status = HTF_OK;
  htf_cost_table *table = NULL;
  HTF_NEW(table, 1);
  table->slots = 16;
  HTF_NEW(table->slot, table->slots);
  *out = table;
  table = NULL;
done:
  htf_cost_table_destroy(&table);
  return status;
}

void htf_cost_table_destroy(htf_cost_table **out) {
  htf_cost_table *table = *out;
  if (table != NULL) {
    HTF_FREE(table->entry);
    HTF_FREE(table->slot);
    HTF_FREE(*out);
  }
}

int htf_cost_table_sizes(const htf_cost_table *table) {
  return table->sizes;
}

// ---- sizes -----------------------------------------------------------------------------

// Distinct rows among `samples` draws of `tuples` tuples, on average (theory.md section 6).
static double distinct(double tuples, double samples) {
  return tuples * -expm1(samples * log1p(-1 / fmax(tuples, 1 + 1e-9)));
}

double htf_plan__tuples(const htf_spec *spec, const htf_tree *tree, int node) {
  const int *modes;
  double tuples = 1;
  int count = htf_tree_modes(tree, node, &modes);
  for (int i = 0; i < count; i++) {
    tuples *= (double)spec->problem.shape.size[modes[i]];
  }
  return tuples;
}

double htf_plan__rows(const htf_spec *spec, const htf_tree *tree, int node) {
  double tuples = htf_plan__tuples(spec, tree, node);
  switch (spec->problem.task) {
  case HTF_TASK_FULL:
    return tuples;
  case HTF_TASK_SENSING:
    return spec->problem.samples;
  default:
    return node == htf_tree_root(tree) ? spec->problem.samples
                                       : distinct(tuples, spec->problem.samples);
  }
}

// One gradient: the product of the children's rows and its pullback, and three matrix
// products of [n_v, R_v] x [R_v, R_parent] (evaluation.h). A leaf of entries only copies
// rows; of vectors it has two products. Over all entries the root's is of the two groups'
// tables, [n_1, R] x [R, n_2].
static double gradient_flops(const htf_spec *spec, const htf_model *model, int node) {
  const htf_tree *tree = htf_model_tree(model);
  double rows = htf_plan__rows(spec, tree, node), in = (double)htf_model_rows(model, node),
         out = (double)htf_model_cols(model, node);
  if (htf_tree_children(tree, node) == 0) {
    return spec->problem.task == HTF_TASK_SENSING ? 4 * rows * in * out : 2 * rows * out;
  }
  return 6 * rows * in * out + 4 * (htf_tree_children(tree, node) - 1) * rows * in;
}

// What the core of a root with two interior children spares (src/model/core.c): with n_1
// the fewer rows, 6 (n_1 R_1 R_2 + R_1 Q R_2) for 6 (n_1 R_1 Q + n_2 R_2 Q), where that and
// the root's sums of m R_2 for m Q are fewer.
static double core_saving(const htf_spec *spec, const htf_model *model) {
  const htf_tree *tree = htf_model_tree(model);
  int root = htf_tree_root(tree);
  if (htf_tree_children(tree, root) != 2 || htf_model_offset(model, root) < 0 ||
      spec->problem.task == HTF_TASK_FULL) {
    return 0;
  }
  int one = htf_tree_child(tree, root, 0), other = htf_tree_child(tree, root, 1);
  double n1 = htf_plan__rows(spec, tree, one), n2 = htf_plan__rows(spec, tree, other);
  double r1 = (double)htf_model_rows(model, one), r2 = (double)htf_model_rows(model, other);
  double q = (double)htf_model_rows(model, root), m = spec->problem.samples;
  if (htf_tree_children(tree, one) == 0 || htf_tree_children(tree, other) == 0) {
    return 0;
  }
  double joined = n2 < n1 ? r1 : r2; // how wide the root's sums are then
  double with = fmin(n1, n2) * r1 * r2 + r1 * q * r2 + m * joined;
  double without = n1 * r1 * q + n2 * r2 * q + m * q;
  return with < without ? 6 * (without - with) : 0;
}

htf_status htf_plan__model(const htf_spec *spec, const char *newick, htf_model **model) {
  static const htf_model_kind kinds[] = {[HTF_FACTORIZATION_HTF] = HTF_MODEL_HTF,
                                         [HTF_FACTORIZATION_CP] = HTF_MODEL_CP,
                                         [HTF_FACTORIZATION_MF] = HTF_MODEL_MF};
  htf_status status = HTF_OK;
  htf_tree *tree = NULL;
  HTF_TRY(htf_tree_read(newick, &tree));
  HTF_TRY(htf_model_create(kinds[spec->model.kind], tree, spec->problem.shape.size, model));
done:
  htf_tree_destroy(&tree);
  return status;
}

static htf_status work_out(const htf_spec *spec, htf_cost *cost) {
  htf_status status = HTF_OK;
  htf_model *model = NULL;
  HTF_TRY(htf_plan__model(spec, spec->model.tree.newick, &model));
  cost->parameters = htf_model_parameters(model);
  cost->gradient = 0;
  double saving = core_saving(spec, model);
  htf_plan__memory(spec, model, saving > 0, cost);
  for (int node = 0; node < htf_tree_nodes(htf_model_tree(model)); node++) {
    cost->gradient += gradient_flops(spec, model, node);
  }
  cost->gradient -= saving;
  cost->product = 2 * cost->gradient; // forward over reverse: both sweeps once more, twice
done:
  htf_model_destroy(&model);
  return status;
}

// ---- remembering sizes -----------------------------------------------------------------

static void mix(uint64_t key[2], const void *bytes, size_t count) {
  const unsigned char *at = bytes;
  for (size_t i = 0; i < count; i++) {
    key[0] = (key[0] ^ at[i]) * 0x100000001B3u;
    key[1] = (key[1] + at[i] + 1) * 0x9E3779B97F4A7C15u;
    key[1] ^= key[1] >> 29;
  }
}

static void key_of(const htf_spec *spec, uint64_t key[2]) {
  const htf_shape *shape = &spec->problem.shape;
  key[0] = 0xCBF29CE484222325u;
  key[1] = 0;
  mix(key, spec->model.tree.newick, strlen(spec->model.tree.newick));
  mix(key, shape->size, (size_t)shape->order * sizeof shape->size[0]);
  mix(key, &spec->problem.samples, sizeof spec->problem.samples);
  mix(key, &spec->problem.test, sizeof spec->problem.test);
  int kinds[] = {
      spec->model.kind,  spec->problem.task,   spec->flow.method,
      spec->flow.krylov, spec->record.weights, spec->flow.preconditioner,
  };
  mix(key, kinds, sizeof kinds);
  mix(key, &spec->record.points, sizeof spec->record.points);
  mix(key, &spec->record.components, sizeof spec->record.components);
  mix(key, &spec->record.singular_values, sizeof spec->record.singular_values);
  mix(key, &spec->flow.krylov_dimension, sizeof spec->flow.krylov_dimension);
}

// The slot of a key: its entry's, or the free one where it would go.
static int *slot_of(const htf_cost_table *table, const uint64_t key[2]) {
  int at = (int)(key[0] >> 32 & (uint64_t)(table->slots - 1));
  while (table->slot[at] != 0) {
    const entry *e = &table->entry[table->slot[at] - 1];
    if (e->key[0] == key[0] && e->key[1] == key[1]) {
      break;
    }
    at = (at + 1) & (table->slots - 1);
  }
  return &table->slot[at];
}

static htf_status grow(htf_cost_table *table) {
  htf_status status = HTF_OK;
  if (table->sizes == table->room) {
    table->room = table->room == 0 ? 8 : 2 * table->room;
    HTF_RESIZE(table->entry, table->room);
  }
  if (2 * (table->sizes + 1) > table->slots) {
    HTF_FREE(table->slot);
    table->slots *= 2;
    HTF_NEW(table->slot, table->slots);
    for (int i = 0; i < table->sizes; i++) {
      *slot_of(table, table->entry[i].key) = i + 1;
    }
  }
done:
  return status;
}

static htf_status find_sizes(htf_cost_table *table, const htf_spec *spec, htf_cost *cost) {
  htf_status status = HTF_OK;
  uint64_t key[2];
  key_of(spec, key);
  int known = *slot_of(table, key);
  if (known == 0) {
    HTF_TRY(grow(table));
    *cost = (htf_cost){.size = table->sizes};
    HTF_TRY(work_out(spec, cost));
    table->entry[table->sizes] = (entry){{key[0], key[1]}, *cost};
    table->sizes++;
    *slot_of(table, key) = table->sizes;
  } else {
    *cost = table->entry[known - 1].cost;
  }
done:
  return status;
}

// ---- counts ----------------------------------------------------------------------------

// Decades that the start lies below 0.1: each is a longer first plateau.
static double decades(const htf_spec *spec) {
  return spec->init.kind == HTF_INIT_FILE ? 0 : fmax(0, -1 - log10(spec->init.std));
}

// bdf, from jobs/quickstart-scale.yaml (24 runs) and the same problem at widths 16 and 32
// and rtol 1e-4 to 1e-8 (26 runs): 420 to 680 gradients from std 0.1 at rtol 1e-6, times
// rtol to the power -0.145, and 1.2 of them more for each decade that the start is smaller.
// Products a gradient were 4 to 12 at width 32 and 32 to 54 at width 16 of one problem, 4
// to 21 in the other: they are the uncertain part. Tens of thousands of gradients of adams
// and erk, whose steps the stiffness bounds, and of a descent are those of theory.md
// section 5.
static void count(const htf_spec *spec, htf_cost *cost) {
  double most = (double)spec->stop.steps, a_step = 1, products = 0, gradients;
  double tolerance = spec->flow.rtol / 1e-6;
  switch (spec->flow.method) {
  case HTF_METHOD_BDF:
    gradients = 500 * pow(tolerance, -0.145) * (1 + 1.2 * decades(spec));
    a_step = 1.05;
    products = 6 * pow(tolerance, 0.06) * (1 + 0.75 * decades(spec));
    break;
  case HTF_METHOD_ADAMS:
    gradients = 4e4;
    a_step = 2;
    break;
  case HTF_METHOD_ERK:
    gradients = 4e4 * (1 + 0.3 * decades(spec));
    a_step = 6.5;
    break;
  default:
    gradients = 2e4 * (1 + decades(spec)) * 0.01 / spec->flow.lr;
  }
  cost->steps = fmin(gradients / a_step, most);
  cost->gradients = cost->steps * a_step;
  cost->products = products * cost->gradients;
}

// All of them up to record.points; then each doubling of the run adds half as many. With
// record.every, one every so many steps.
double htf_cost_rows(const htf_spec *spec, const htf_cost *cost) {
  double points = (double)spec->record.points, steps = cost->steps + 1;
  if (spec->record.every > 0) {
    return cost->steps / (double)spec->record.every + 2;
  }
  return steps <= points ? steps : points * (1 + 0.5 * log2(steps / points));
}

htf_status htf_cost_predict(htf_cost_table *table, const htf_spec *spec, htf_cost *cost) {
  htf_status status = HTF_OK;
  HTF_TRY(find_sizes(table, spec, cost));
  count(spec, cost);
done:
  return status;
}

double htf_cost_flops(const htf_cost *cost) {
  return cost->gradients * cost->gradient + cost->products * cost->product;
}

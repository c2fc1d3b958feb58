// SPDX-License-Identifier: BSD-3-Clause
// A model, a problem and a probe for the tests of this room.
#pragma once

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "htflow/memory.h"
#include "htflow/probe.h"
#include "htflow/random.h"

// A made scene: a model of order 3, an HTF unless told otherwise, measured on a planted
// problem of its own tree.
typedef struct scene {
  htf_tree *tree;
  htf_model *model;
  htf_problem *problem;
  htf_probe *probe;
  double theta[64], gradient[64], *row;
} scene;

static const int64_t shape[] = {3, 4, 2};
static const char newick[] = "((0,2)2,1)3;";
enum { COMPONENTS = 3, SINGULAR_VALUES = 2, TEST_SAMPLES = 5 };
static const htf_probe_options options = {.components = COMPONENTS,
                                          .singular_values = SINGULAR_VALUES};

static inline void set_up_kind(scene *s, htf_model_kind kind, const char *text) {
  htf_random stream = htf_random_open(3, HTF_RANDOM_TEST, 0);
  cr_assert(eq(int, htf_tree_parse(text, 0, &s->tree), HTF_OK));
  cr_assert(eq(int, htf_model_create(kind, s->tree, shape, &s->model), HTF_OK));
  htf_plant recipe = {.order = 3,
                      .shape = shape,
                      .kind = kind,
                      .tree = s->tree,
                      .train = 10,
                      .test = TEST_SAMPLES,
                      .seed = 7};
  cr_assert(eq(int, htf_problem_plant(&recipe, &s->problem), HTF_OK));
  cr_assert(eq(int,
               htf_probe_create(s->model, s->problem, htf_loss_l2(), &options, &s->probe),
               HTF_OK));
  htf_model_gaussian(s->model, &stream, 1, s->theta);
  htf_random_normal(&stream, htf_model_parameters(s->model), s->gradient);
  s->row = htf_memory_get((size_t)htf_probe_row_size(s->probe), sizeof(double));
}

static inline void set_up(scene *s) {
  set_up_kind(s, HTF_MODEL_HTF, newick);
}

static inline void tear_down(scene *s) {
  htf_memory_release(s->row);
  htf_probe_destroy(&s->probe);
  htf_problem_destroy(&s->problem);
  htf_model_destroy(&s->model);
  htf_tree_destroy(&s->tree);
  cr_assert(eq(i64, htf_memory_blocks(), 0));
}

static inline void measure(scene *s) {
  htf_probe_state state = {.time = 2,
                           .time_low = 1e-20,
                           .arc_length = 3,
                           .step = 4,
                           .train_loss = 5,
                           .theta = s->theta,
                           .gradient = s->gradient};
  cr_assert(eq(int, htf_probe_measure(s->probe, &state, s->row), HTF_OK));
}

static inline double *find(scene *s, const char *name) {
  const htf_variable *variables = htf_observable_variables();
  for (int i = 0; i < HTF_OBSERVABLES; i++) {
    if (htf_probe_has(s->probe, i) && strcmp(variables[i].name, name) == 0) {
      return s->row + htf_probe_offset(s->probe, i);
    }
  }
  cr_assert(false, "no observable %s", name);
  return NULL;
}

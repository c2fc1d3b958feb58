// SPDX-License-Identifier: BSD-3-Clause
// Random models at points of every form, with all that an evaluation's verbs take and give.
#pragma once

#include "htflow/evaluation.h"
#include "random_model.h"

// How points are given.
typedef enum points_form { ENTRIES, VECTORS, ALL } points_form;

// Scenes 0 .. RANDOM_SCENES - 1 have random models, those up to SCENES models made by hand.
enum { RANDOM_SCENES = 60, SCENES = RANDOM_SCENES + 9 };

typedef struct scene {
  random_model c;
  points_form form;
  int64_t m, widest;
  int64_t *indices; // of entries, and of all
  double *vectors;  // [m, N, widest]
  htf_points *points;
  htf_evaluation *evaluation;
  double *y, *e, *gradient, *direction, *dy, *de, *product;
} scene;

static inline void set_points(scene *s, points_form form, int64_t m) {
  int order = s->c.order;
  s->form = form;
  s->m = form == ALL ? s->c.entries : m;
  s->indices = htf_memory_get((size_t)(s->m * order), sizeof *s->indices);
  for (int64_t k = 0; k < s->m * order; k++) {
    s->indices[k] = htf_random_index(&s->c.stream, s->c.shape[k % order]);
  }
  for (int64_t k = 0; form == ALL && k < s->m; k++) {
    entry_index(&s->c, k, s->indices + k * order);
  }
  for (int n = 0; n < order; n++) {
    s->widest = s->c.shape[n] > s->widest ? s->c.shape[n] : s->widest;
  }
  if (form == VECTORS) {
    s->vectors = random_doubles(&s->c.stream, s->m * order * s->widest);
  }
}

static inline htf_status make_points(const scene *s, htf_points **points) {
  switch (s->form) {
  case ENTRIES:
    return htf_points_create(s->c.tree, s->c.shape, s->m, s->indices, points);
  case VECTORS:
    return htf_points_create_vectors(s->c.tree, s->c.shape, s->m, s->vectors, points);
  default:
    return htf_points_create_all(s->c.tree, s->c.shape, points);
  }
}

static inline void open_scene(scene *s, htf_evaluation_use use) {
  cr_assert(make_points(s, &s->points) == HTF_OK, "%s", htf_error_message());
  cr_assert(htf_evaluation_create(s->c.model, s->points, use, &s->evaluation) == HTF_OK);
  s->y = random_doubles(&s->c.stream, s->m);
  s->e = random_doubles(&s->c.stream, s->m);
  s->dy = random_doubles(&s->c.stream, s->m);
  s->de = random_doubles(&s->c.stream, s->m);
  s->gradient = random_doubles(&s->c.stream, s->c.parameters);
  s->direction = random_doubles(&s->c.stream, s->c.parameters);
  s->product = random_doubles(&s->c.stream, s->c.parameters);
}

static inline void close_scene(scene *s) {
  htf_evaluation_destroy(&s->evaluation);
  htf_points_destroy(&s->points);
  random_model_free(&s->c);
  HTF_FREE(s->indices);
  HTF_FREE(s->vectors);
  HTF_FREE(s->y);
  HTF_FREE(s->e);
  HTF_FREE(s->gradient);
  HTF_FREE(s->direction);
  HTF_FREE(s->dy);
  HTF_FREE(s->de);
  HTF_FREE(s->product);
}

static inline random_model model_of(const char *newick, int order, const int64_t *shape) {
  random_model c = {.stream = htf_random_open(9, HTF_RANDOM_TEST, 0), .order = order};
  htf_tree *tree = NULL;
  c.entries = 1;
  for (int n = 0; n < order; n++) {
    c.shape[n] = shape[n];
    c.entries *= shape[n];
  }
  cr_assert(htf_tree_read(newick, &tree) == HTF_OK, "%s", htf_error_message());
  cr_assert(htf_model_create(HTF_MODEL_HTF, tree, shape, &c.model) == HTF_OK);
  htf_tree_destroy(&tree);
  c.tree = htf_model_tree(c.model);
  c.parameters = htf_model_parameters(c.model);
  c.theta = random_doubles(&c.stream, c.parameters);
  return c;
}

// Number i. The random ones stand at few points (so that modes have unseen indices), at
// many (so that points are there twice) or at all entries. Then there are matrices beyond
// what is small, with rows a power of two apart and a width that needs padding, at points
// of every form; all entries of two trees out of order, with more than one panel of rows;
// and two trees whose root joins its children in a core, at points of two forms.
static inline scene random_scene(int i, htf_evaluation_use use) {
  static const int64_t wide[] = {3, 2, 3, 2, 4}, tall[] = {3, 150}, flat[] = {3, 14, 12};
  scene s = {.m = 0};
  if (i < RANDOM_SCENES) {
    s.c = random_model_make((uint64_t)i, random_kind(i));
    int64_t few = 1 + htf_random_index(&s.c.stream, 4), many = i % 12 < 6 ? 300 : 40;
    set_points(&s, (points_form)(i / 3 % 3), i % 2 == 0 ? few : many);
  } else if (i < RANDOM_SCENES + 3) {
    s.c = model_of("((0,2)256,(4,(1,(3)3)150)130)256;", 5, wide);
    set_points(&s, (points_form)(i - RANDOM_SCENES), 300);
  } else if (i == RANDOM_SCENES + 3) {
    s.c = model_of("((1)7,0)9;", 2, tall);
    set_points(&s, ALL, 0);
  } else if (i == RANDOM_SCENES + 4) {
    s.c = model_of("(2,1,0)10;", 3, flat);
    set_points(&s, ALL, 0);
  } else {
    bool unary = i < RANDOM_SCENES + 7;
    s.c =
        model_of(unary ? "(((0)3,4)5,((1,3)9,2)6)11;" : "((1,(0,3)9)6,(2,4)5)13;", 5, wide);
    set_points(&s, i % 2 == 0 ? ENTRIES : VECTORS, 100);
  }
  open_scene(&s, use);
  return s;
}

static inline naive_point point_of(const scene *s, int64_t k) {
  naive_point point = {.widest = s->widest, .index = s->indices + k * s->c.order};
  if (s->form == VECTORS) {
    point.vectors = s->vectors + k * s->c.order * s->widest;
  }
  return point;
}

static inline double *naive_values(const scene *s, const double *theta) {
  double *y = htf_memory_get((size_t)s->m, sizeof *y);
  for (int64_t k = 0; k < s->m; k++) {
    naive_values_at(&s->c, theta, NULL, htf_tree_root(s->c.tree), point_of(s, k), y + k);
  }
  return y;
}

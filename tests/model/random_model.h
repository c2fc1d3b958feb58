// SPDX-License-Identifier: BSD-3-Clause
// Random models for the tests of room model, of all kinds: trees of order 2 .. 6 and arity
// 1 .. 4, unbalanced, with nodes of non-contiguous modes, unequal mode sizes (one included)
// and widths on both sides of what kernels pad to; and the definition of the end tensor as
// a plain recursion (theory.md section 1) to hold everything against.
#pragma once

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "htflow/memory.h"
#include "htflow/model.h"

// Widths drawn are at most RANDOM_WIDTH; models made by hand may go up to RANDOM_MOST.
enum { RANDOM_ORDER = 6, RANDOM_WIDTH = 40, RANDOM_MOST = 256 };

typedef struct random_model {
  htf_random stream;
  htf_model *model;
  const htf_tree *tree;
  int order;
  int64_t shape[RANDOM_ORDER];
  int64_t parameters, entries;
  double *theta;
} random_model;

static inline double *random_doubles(htf_random *stream, int64_t n) {
  double *x = htf_memory_get((size_t)n, sizeof *x);
  htf_random_normal(stream, n, x);
  return x;
}

static inline int random_width(htf_random *stream) {
  static const int widths[] = {1, 2, 3, 5, 7, 8, 9, 16, 17, 24, RANDOM_WIDTH};
  return widths[htf_random_index(stream, 11)];
}

// The kind of model number i.
static inline htf_model_kind random_kind(int i) {
  return i % 3 == 2 ? HTF_MODEL_CP : i % 3 == 1 && i % 4 < 2 ? HTF_MODEL_MF : HTF_MODEL_HTF;
}

static inline char *random_newick(htf_random *stream, const int *modes, int n, bool flat,
                                  char *text);

// The same below the root, perhaps under unary nodes.
static inline char *random_chain(htf_random *stream, const int *modes, int n, bool flat,
                                 char *text) {
  int drawn = (int)htf_random_index(stream, 6), levels = flat || drawn > 3 ? 0 : drawn;
  text += sprintf(text, "%.*s", levels, "(((");
  text = n == 1 ? text + sprintf(text, "%d", modes[0])
                : random_newick(stream, modes, n, flat, text);
  for (int i = 0; i < levels; i++) {
    text += sprintf(text, ")%d", random_width(stream));
  }
  return text;
}

// Writes the Newick text of a random tree over modes[0 .. n - 1], returns its end.
static inline char *random_newick(htf_random *stream, const int *modes, int n, bool flat,
                                  char *text) {
  int most = n < 4 ? n : 4;
  int groups = flat ? n : 2 + (int)htf_random_index(stream, most - 1), begin = 0;
  *text++ = '(';
  for (int g = 0; g < groups; g++) {
    int left = n - begin, after = groups - g - 1;
    int size = after == 0 ? left : 1 + (int)htf_random_index(stream, left - after);
    text = random_chain(stream, modes + begin, size, flat, text);
    *text++ = g < groups - 1 ? ',' : ')';
    begin += size;
  }
  return text + sprintf(text, "%d", random_width(stream));
}

static inline random_model random_model_make(uint64_t seed, htf_model_kind kind) {
  random_model c = {.stream = htf_random_open(seed, HTF_RANDOM_TEST, 0), .entries = 1};
  int modes[RANDOM_ORDER];
  char text[256];
  htf_tree *tree = NULL;
  c.order = 2 + (int)htf_random_index(&c.stream, RANDOM_ORDER - 1);
  c.order = kind == HTF_MODEL_MF ? 2 : c.order;
  for (int n = 0; n < c.order; n++) {
    int j = (int)htf_random_index(&c.stream, n + 1);
    modes[n] = j < n ? modes[j] : n;
    modes[j] = n;
    c.shape[n] = 1 + htf_random_index(&c.stream, c.order > 4 ? 4 : 6);
    c.entries *= c.shape[n];
  }
  strcpy(random_newick(&c.stream, modes, c.order, kind == HTF_MODEL_CP, text), ";");
  cr_assert(htf_tree_read(text, &tree) == HTF_OK, "%s: %s", text, htf_error_message());
  cr_assert(htf_model_create(kind, tree, c.shape, &c.model) == HTF_OK);
  htf_tree_destroy(&tree);
  c.tree = htf_model_tree(c.model);
  c.parameters = htf_model_parameters(c.model);
  c.theta = random_doubles(&c.stream, c.parameters);
  return c;
}

static inline void random_model_free(random_model *c) {
  htf_model_destroy(&c->model);
  HTF_FREE(c->theta);
}

// A point: an index tuple [N], or one vector of each mode [N, widest].
typedef struct naive_point {
  const int64_t *index;
  const double *vectors;
  int64_t widest;
} naive_point;

// out = X W of a leaf.
static inline void naive_leaf(const random_model *c, const double *theta, int v,
                              naive_point point, double *out) {
  int64_t rows = htf_model_rows(c->model, v), cols = htf_model_cols(c->model, v);
  const double *w = theta + htf_model_offset(c->model, v);
  const int *modes;
  htf_tree_modes(c->tree, v, &modes);
  if (point.vectors == NULL) {
    memcpy(out, w + point.index[modes[0]] * cols, (size_t)cols * sizeof *out);
    return;
  }
  memset(out, 0, (size_t)cols * sizeof *out);
  for (int64_t i = 0; i < rows * cols; i++) {
    out[i % cols] += point.vectors[modes[0] * point.widest + i / cols] * w[i];
  }
}

// out[r] = <W^(v,r), the point>, for r < R_parent(v): the definition, point by point.
// root_weights [R_root] stand for frozen ones, NULL for ones.
static inline void naive_values_at(const random_model *c, const double *theta,
                                   const double *root_weights, int v, naive_point point,
                                   double *out) {
  int64_t rows = htf_model_rows(c->model, v), cols = htf_model_cols(c->model, v);
  int64_t offset = htf_model_offset(c->model, v);
  int children = htf_tree_children(c->tree, v);
  double product[RANDOM_MOST], part[RANDOM_MOST];
  if (children == 0) {
    naive_leaf(c, theta, v, point, out);
    return;
  }
  for (int i = 0; i < children; i++) {
    naive_values_at(c, theta, root_weights, htf_tree_child(c->tree, v, i), point, part);
    for (int64_t s = 0; s < rows; s++) {
      product[s] = i == 0 ? part[s] : product[s] * part[s];
    }
  }
  for (int64_t r = 0; r < cols; r++) {
    out[r] = 0;
    for (int64_t s = 0; s < rows; s++) {
      double ones = root_weights == NULL ? 1 : root_weights[s];
      out[r] += (offset < 0 ? ones : theta[offset + s * cols + r]) * product[s];
    }
  }
}

// The index of an entry of the tensor, row-major.
static inline void entry_index(const random_model *c, int64_t entry, int64_t *index) {
  for (int n = c->order - 1; n >= 0; n--) {
    index[n] = entry % c->shape[n];
    entry /= c->shape[n];
  }
}

// The whole end tensor, row-major.
static inline double *naive_tensor(const random_model *c, const double *theta,
                                   const double *root_weights) {
  double *tensor = htf_memory_get((size_t)c->entries, sizeof *tensor);
  int64_t index[RANDOM_ORDER];
  for (int64_t k = 0; k < c->entries; k++) {
    entry_index(c, k, index);
    naive_values_at(c, theta, root_weights, htf_tree_root(c->tree),
                    (naive_point){.index = index}, tensor + k);
  }
  return tensor;
}

// ---- vectors --------------------------------------------------------------------------

static inline double dot(int64_t n, const double *x, const double *y) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    sum += x[i] * y[i];
  }
  return sum;
}

static inline double norm(int64_t n, const double *x) {
  return sqrt(dot(n, x, x));
}

// ||x - y|| / ||y||, and ||x|| where y is zero.
static inline double distance(int64_t n, const double *x, const double *y) {
  double sum = 0, size = norm(n, y);
  for (int64_t i = 0; i < n; i++) {
    sum += (x[i] - y[i]) * (x[i] - y[i]);
  }
  return sqrt(sum) / (size > 0 ? size : 1);
}

// x + h d, new.
static inline double *moved(int64_t n, const double *x, double h, const double *d) {
  double *z = htf_memory_get((size_t)n, sizeof *z);
  for (int64_t i = 0; i < n; i++) {
    z[i] = x[i] + h * d[i];
  }
  return z;
}

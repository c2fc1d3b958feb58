// SPDX-License-Identifier: BSD-3-Clause
// Rows of the Jacobian's factors, point by point: which row of every table a point has, and
// E_v down from the root:
//     E_root = 1,  E_c = (E_v W^(v)^T) * product of the other children's V rows.
// Cost of a sweep over m points: a product of [m, R_parent] x [R_parent, R_v] a node.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gauss_newton_impl.h"
#include "htflow/memory.h"
#include "htflow/random.h"

// ---- which points, and their rows -----------------------------------------------------

static int ascending(const void *left, const void *right) {
  int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
  return (a > b) - (a < b);
}

htf_status htf_gauss_newton__choose(htf_gauss_newton *gn) {
  htf_status status = HTF_OK;
  int64_t count = gn->evaluation->count;
  gn->points = count < HTF_GAUSS_NEWTON_ROWS ? count : HTF_GAUSS_NEWTON_ROWS;
  gn->share = (double)count / (double)gn->points;
  if (gn->points < count) {
    htf_random stream = htf_random_open(0, HTF_RANDOM_CHOICE, 0);
    HTF_NEW(gn->point, gn->points);
    HTF_TRY(htf_random_sample(&stream, count, gn->points, gn->point));
    qsort(gn->point, (size_t)gn->points, sizeof *gn->point, ascending);
  }
done:
  return status;
}

// The rows of the root's children for row k of the root.
static int64_t root_entry(const htf_evaluation *e, int child, int64_t k) {
  int64_t row = k;
  if (e->whole) {
    int64_t second = e->side[1].n;
    row = child >= e->side[1].first ? k % second : k / second;
  }
  return e->nodes[e->root].factors[child].at[row];
}

// The rows of child i, for a block of a node's rows `at`; NULL: the root's, from `start`
// on.
static int32_t *enter(htf_gauss_newton *gn, int node, int i, int level, const int32_t *at,
                      int64_t start, int64_t rows) {
  const htf_evaluation *e = gn->evaluation;
  int32_t *to = gn->level[level].at + i * HTF_GAUSS_NEWTON_BLOCK;
  for (int64_t k = 0; k < rows; k++) {
    int64_t row = gn->point == NULL ? start + k : gn->point[start + k];
    to[k] =
        at == NULL ? (int32_t)root_entry(e, i, row) : e->nodes[node].factors[i].at[at[k]];
  }
  return to;
}

static void count_rows(htf_gauss_newton *gn, int node, int level, const int32_t *at,
                       int64_t start, int64_t rows) {
  const htf_evaluation *e = gn->evaluation;
  for (int i = 0; i < e->nodes[node].children; i++) {
    int child = htf_tree_child(e->tree, node, i);
    const int32_t *rows_of = enter(gn, node, i, level, at, start, rows);
    for (int64_t k = 0; k < rows; k++) {
      gn->nodes[child].counts[rows_of[k]] += 1;
    }
    count_rows(gn, child, level + 1, rows_of, start, rows);
  }
}

htf_status htf_gauss_newton__count(htf_gauss_newton *gn) {
  htf_status status = HTF_OK;
  int root = gn->evaluation->root;
  for (int i = 0; i < root; i++) {
    HTF_NEW(gn->nodes[i].counts, gn->nodes[i].tuples);
  }
  for (int64_t start = 0; start < gn->points; start += HTF_GAUSS_NEWTON_BLOCK) {
    count_rows(gn, root, 0, NULL, start, htf_gauss_newton__block(start, gn->points));
  }
  for (int i = 0; i < root; i++) {
    for (int64_t r = 0; r < gn->nodes[i].tuples; r++) {
      gn->nodes[i].counts[r] = sqrt(gn->nodes[i].counts[r]);
    }
  }
done:
  return status;
}

// ---- rows -----------------------------------------------------------------------------

htf_matrix htf_gauss_newton__table(const htf_gauss_newton *gn,
                                   const htf_evaluation *evaluation, int node) {
  const htf_gauss_newton__node *v = &gn->nodes[node];
  const htf_evaluation_node *from = &evaluation->nodes[node];
  if (from->inputs != NULL) {
    return htf_matrix_view(from->inputs, v->tuples, v->rows);
  }
  const htf_rows *table = from->bare ? &from->value : &from->product;
  return htf_evaluation__view(table->value, v->tuples, v->rows, table->stride);
}

htf_matrix htf_gauss_newton__weights(const htf_gauss_newton *gn, int node,
                                     const double *theta) {
  const htf_gauss_newton__node *v = &gn->nodes[node];
  return htf_matrix_view(theta + htf_model_offset(gn->evaluation->model, node), v->rows,
                         v->cols);
}

const double *htf_gauss_newton__value(const htf_gauss_newton *gn, int node, int64_t row) {
  const htf_gauss_newton__node *v = &gn->nodes[node];
  if (v->own != NULL) {
    return v->own + row * htf_gauss_newton__pad(v->cols);
  }
  const htf_rows *table = &gn->evaluation->nodes[node].value;
  return table->value + row * table->stride;
}

// Of a child whose rows are at its place in the level above: V of the k-th of the block.
static const double *value_of(const htf_gauss_newton *gn, int node, int i, int level,
                              int64_t k) {
  return htf_gauss_newton__value(gn, htf_tree_child(gn->evaluation->tree, node, i),
                                 gn->level[level].at[i * HTF_GAUSS_NEWTON_BLOCK + k]);
}

static void times(double *x, const double *y, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    x[i] *= y[i];
  }
}

// ---- a block of points ----------------------------------------------------------------

static int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}

static int depth_of(const htf_evaluation *e, int node) {
  return node == e->root ? 0 : 1 + depth_of(e, e->nodes[node].parent);
}

// Room at the level of a node, as wide as its widest.
static htf_status widen(htf_gauss_newton *gn, int node) {
  htf_status status = HTF_OK;
  const htf_evaluation *e = gn->evaluation;
  int level = depth_of(e, node);
  int64_t cols = 0, rows = 0, children = 0;
  for (int i = 0; i <= e->root; i++) {
    if (depth_of(e, i) == level) {
      cols = larger(cols, gn->nodes[i].cols);
      rows = larger(rows, e->nodes[i].children > 0 ? gn->nodes[i].rows : 0);
      children = larger(children, e->nodes[i].children);
    }
  }
  HTF_NEW(gn->level[level].env, HTF_GAUSS_NEWTON_BLOCK * cols);
  HTF_NEW(gn->level[level].pull, HTF_GAUSS_NEWTON_BLOCK * rows);
  HTF_NEW(gn->level[level].at, HTF_GAUSS_NEWTON_BLOCK * children);
done:
  return status;
}

htf_status htf_gauss_newton__open_levels(htf_gauss_newton *gn) {
  htf_status status = HTF_OK;
  const htf_evaluation *e = gn->evaluation;
  int64_t widest = 1;
  for (int i = 0; i <= e->root; i++) {
    int depth = depth_of(e, i);
    gn->levels = depth >= gn->levels ? depth + 1 : gn->levels;
    widest = larger(widest, gn->nodes[i].rows);
  }
  HTF_NEW(gn->level, gn->levels);
  for (int i = e->root; i >= 0; i--) {
    if (gn->level[depth_of(e, i)].env == NULL) {
      HTF_TRY(widen(gn, i));
    }
  }
  HTF_NEW(gn->product, HTF_GAUSS_NEWTON_BLOCK * gn->nodes[e->root].rows);
  HTF_NEW(gn->scaled, HTF_GAUSS_NEWTON_BLOCK * widest);
done:
  return status;
}

void htf_gauss_newton__close_levels(htf_gauss_newton *gn) {
  for (int i = 0; i < gn->levels && gn->level != NULL; i++) {
    HTF_FREE(gn->level[i].env);
    HTF_FREE(gn->level[i].pull);
    HTF_FREE(gn->level[i].at);
  }
  HTF_FREE(gn->level);
  HTF_FREE(gn->product);
  HTF_FREE(gn->scaled);
  gn->levels = 0;
}

// E_c of child i of a node, from the node's E W^T.
static void push_down(htf_gauss_newton *gn, int node, int i, int level, int64_t rows) {
  int64_t width = gn->nodes[node].rows;
  for (int64_t k = 0; k < rows; k++) {
    double *to = gn->level[level + 1].env + k * width;
    memcpy(to, gn->level[level].pull + k * width, (size_t)width * sizeof *to);
    for (int j = 0; j < gn->evaluation->nodes[node].children; j++) {
      if (j != i) {
        times(to, value_of(gn, node, j, level, k), width);
      }
    }
  }
}

// E W^T of the root: its weights, times the points' slopes.
static void pull_root(htf_gauss_newton *gn, const double *theta, int64_t start,
                      int64_t rows) {
  const htf_evaluation *e = gn->evaluation;
  const htf_gauss_newton__node *root = &gn->nodes[e->root];
  const double *weights = root->learnt ? theta + htf_model_offset(e->model, e->root) : NULL;
  double *env = gn->level[0].env;
  for (int64_t k = 0; k < rows; k++) {
    double *pull = gn->level[0].pull + k * root->rows;
    double *product = gn->product + k * root->rows;
    env[k] = gn->root_slope[start + k];
    for (int64_t r = 0; r < root->rows; r++) {
      pull[r] = env[k] * (root->learnt ? weights[r] : 1);
      product[r] = 1;
    }
    for (int j = 0; j < e->nodes[e->root].children; j++) {
      times(product, value_of(gn, e->root, j, 0, k), root->rows);
    }
  }
}

typedef struct descent {
  htf_gauss_newton *gn;
  const double *theta;
  int64_t start, rows;
  htf_gauss_newton__visit *visit;
} descent;

// From a node whose E stands at its level, and the rows of its P at `at`.
static void descend(const descent *d, int node, const int32_t *at, int level) {
  htf_gauss_newton *gn = d->gn;
  const htf_evaluation *e = gn->evaluation;
  const htf_gauss_newton__node *v = &gn->nodes[node];
  const htf_gauss_newton__level *l = &gn->level[level];
  int children = v->last ? 0 : e->nodes[node].children;
  for (int i = 0; i < children; i++) {
    enter(gn, node, i, level, at, d->start, d->rows);
  }
  if (node == e->root) {
    pull_root(gn, d->theta, d->start, d->rows);
  } else if (children > 0) {
    htf_dense_multiply(HTF_PLAIN, htf_matrix_view(l->env, d->rows, v->cols), HTF_TRANSPOSED,
                       htf_gauss_newton__weights(gn, node, d->theta), 0,
                       htf_matrix_view(l->pull, d->rows, v->rows));
  }
  gn->pull = l->pull;
  d->visit(gn, node, l->env, at, d->rows);
  for (int i = 0; i < children; i++) {
    push_down(gn, node, i, level, d->rows);
    descend(d, htf_tree_child(e->tree, node, i), l->at + i * HTF_GAUSS_NEWTON_BLOCK,
            level + 1);
  }
}

void htf_gauss_newton__sweep(htf_gauss_newton *gn, const double *theta, int64_t start,
                             int64_t rows, htf_gauss_newton__visit *visit) {
  const descent d = {gn, theta, start, rows, visit};
  gn->block_start = start;
  descend(&d, gn->evaluation->root, NULL, 0);
}

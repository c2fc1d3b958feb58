// SPDX-License-Identifier: BSD-3-Clause
// The tangent kernel of the points, K = sqrt(c) J J^T sqrt(c) [points, points]. By node,
//     K = sum over v of (P_v P_v^T) o (E_v E_v^T),
// with the rows that points have of P_v, and sqrt(c) in E_v. Of the nodes that are far
// below the root, where few tuples are distinct, the sum over a node v and all below it is
//     K_kl += E_v,k^T T_v(t_k, t_l) E_v,l,
// t_k the tuple of point k, with the kernel T_v(t, t') [Q, Q] of the node's V, Q =
// R_parent (gauss_newton_narrow.c). A row of a dozen nodes is one product of [1, Q] x [Q,
// tuples Q] then, and one number of K one product of length Q.
// Cost: a row of K is points (R_v + Q) for each of the nodes left, with fewer tuples than
// points these for R_v.
//
// Of the nodes left nothing is kept by node and point: P_v is the evaluation's table, and
// E_v is made a block of points at a time,
//     E_c = (E_v W^(v)^T) * product of the other children's V,
// from one array [points, R_v] for all children of v; of the root's children that is
// sqrt(c) w, and E of two is a row of the other's V.
#include "gauss_newton_kernel_impl.h"

#include <string.h>

#include "htflow/memory.h"

typedef htf_gauss_newton__part part;
typedef htf_gauss_newton__kernel kernel;

// ---- the parts ------------------------------------------------------------------------

void htf_gauss_newton__destroy_kernel(htf_gauss_newton__kernel **out) {
  kernel *k = *out;
  for (int i = 0; k != NULL && i < k->parts; i++) {
    part *p = &k->part[i];
    HTF_FREE(p->factor);
    HTF_FREE(p->env);
    HTF_FREE(p->t);
    HTF_FREE(p->order);
    HTF_FREE(p->place);
    HTF_FREE(p->start);
  }
  for (int i = 0; k != NULL && k->own != NULL && i < k->nodes; i++) { // made last
    HTF_FREE(k->at[i]);
    HTF_FREE(k->pull[i]);
    HTF_FREE(k->own[i]);
  }
  if (k != NULL) {
    HTF_FREE(k->part);
    HTF_FREE(k->part_of);
    HTF_FREE(k->at);
    HTF_FREE(k->pull);
    HTF_FREE(k->own);
    HTF_FREE(k->slope);
    HTF_FREE(k->weights);
    HTF_FREE(k->ones);
    HTF_FREE(k->each);
    HTF_FREE(k->shifted);
    HTF_FREE(k->picked);
    HTF_FREE(k->made);
    HTF_FREE(k->one);
    HTF_FREE(k->other);
    HTF_FREE(k->left);
    HTF_FREE(k->right);
    HTF_FREE(k->row);
    HTF_FREE(k->turned);
    HTF_FREE(*out);
  }
}

static int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}

// Whether the node is one with all below it; T of a leaf alone is 1 or 0.
static bool is_joined(const htf_gauss_newton *gn, int node) {
  return !gn->nodes[node].one_hot && htf_gauss_newton__is_narrow(gn, node);
}

static htf_status add_part(htf_gauss_newton *gn, int node, const double *theta) {
  htf_status status = HTF_OK;
  const htf_gauss_newton__node *v = &gn->nodes[node];
  const htf_evaluation *e = gn->evaluation;
  kernel *k = gn->kernel;
  part *p = &k->part[k->parts];
  int parent = node == e->root ? node : e->nodes[node].parent;
  p->node = node;
  p->cols = node == e->root ? v->rows : v->cols;
  p->rows = v->rows;
  p->tuples = v->tuples;
  k->part_of[node] = k->parts++;
  if (is_joined(gn, node)) {
    HTF_TRY(htf_gauss_newton__make_t(gn, node, theta, &p->t));
    HTF_NEW(p->env, gn->points * v->cols);
    HTF_NEW(p->order, gn->points);
    HTF_NEW(p->place, gn->points);
    HTF_NEW(p->start, v->tuples + 1);
    goto done;
  }
  HTF_NEW(p->factor, e->nodes[parent].children + 1);
  p->slope = parent == e->root;
  p->weights = p->slope && node != e->root && gn->nodes[e->root].learnt;
  if (node != e->root && !v->one_hot) {
    p->table = htf_gauss_newton__table(gn, k->frozen, node);
  }
  if (parent != e->root && k->pull[parent] == NULL) {
    HTF_NEW(k->pull[parent], gn->points * htf_gauss_newton__pad(v->cols));
  }
done:
  return status;
}

// The parts of a node and all below it.
static htf_status find_parts(htf_gauss_newton *gn, int node, const double *theta) {
  htf_status status = HTF_OK;
  bool narrow = is_joined(gn, node);
  gn->nodes[node].last = narrow;
  if (node != gn->evaluation->root) {
    HTF_NEW(gn->kernel->at[node], gn->points);
  }
  if (gn->nodes[node].learnt) {
    HTF_TRY(add_part(gn, node, theta));
  }
  for (int i = 0; !narrow && i < gn->evaluation->nodes[node].children; i++) {
    HTF_TRY(find_parts(gn, htf_tree_child(gn->evaluation->tree, node, i), theta));
  }
done:
  return status;
}

// A block's rows of E with T, and of E W^T, by point.
static void keep_rows(htf_gauss_newton *gn, int node, const double *env, const int32_t *at,
                      int64_t rows) {
  const htf_gauss_newton__node *v = &gn->nodes[node];
  const kernel *k = gn->kernel;
  int number = k->part_of[node];
  if (number >= 0 && k->part[number].t != NULL) {
    memcpy(k->part[number].env + gn->block_start * v->cols, env,
           (size_t)(rows * v->cols) * sizeof *env);
  }
  if (at != NULL) {
    memcpy(k->at[node] + gn->block_start, at, (size_t)rows * sizeof *at);
  }
  for (int64_t i = 0; k->pull[node] != NULL && i < rows; i++) {
    memcpy(k->pull[node] + (gn->block_start + i) * htf_gauss_newton__pad(v->rows),
           gn->pull + i * v->rows, (size_t)v->rows * sizeof *env);
  }
}

// ---- E --------------------------------------------------------------------------------

static void add_factor(part *p, const double *value, int64_t stride, const int32_t *at) {
  p->factor[p->factors++] = (htf_factor){.value = value, .stride = stride, .at = at};
}

// Its factors, for the points that K is of now.
static void aim(const kernel *k, part *p) {
  const htf_evaluation *e = k->frozen;
  int parent = p->node == e->root ? p->node : e->nodes[p->node].parent;
  p->factors = 0;
  p->env_tuples = 0;
  if (parent != e->root) {
    add_factor(p, k->pull[parent], htf_gauss_newton__pad(p->cols), k->each);
  }
  for (int i = 0; i < e->nodes[parent].children; i++) {
    int child = htf_tree_child(e->tree, parent, i);
    const htf_rows *value = &e->nodes[child].value;
    if (child != p->node) {
      const double *own = k->own[child];
      add_factor(p, own != NULL ? own : value->value,
                 own != NULL ? htf_gauss_newton__pad(p->cols) : value->stride,
                 k->at[child]);
      p->env_tuples = p->factors == 1 ? e->nodes[child].stored : 0;
    }
  }
  if (p->factors == 0) {
    add_factor(p, k->ones, 0, k->each);
  }
}

void htf_gauss_newton__make_env(const htf_gauss_newton__kernel *k,
                                const htf_gauss_newton__part *p, const int32_t *which,
                                int64_t start, int64_t rows) {
  for (int f = 0; f < p->factors; f++) {
    int32_t *picked = k->picked + f * HTF_GAUSS_NEWTON_BLOCK;
    k->shifted[f] = p->factor[f];
    k->shifted[f].at += start;
    for (int64_t i = 0; which != NULL && i < rows; i++) {
      picked[i] = p->factor[f].at[which[i]];
      k->shifted[f].at = picked;
    }
  }
  k->frozen->kernels->multiply(k->shifted, p->factors, rows, htf_gauss_newton__pad(p->cols),
                               k->made, htf_gauss_newton__pad(p->cols));
}

// ---- its diagonal ---------------------------------------------------------------------

static double square_of(const double *x, const double *weights, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    sum += x[i] * x[i] * (weights == NULL ? 1 : weights[i]);
  }
  return sum;
}

// E_k^T T(t_k, t_k) E_k.
static double within(const part *p, int64_t k, int64_t tuple) {
  int64_t q = p->cols, n = p->tuples * q;
  const double *env = p->env + k * q, *t = p->t + tuple * q * (n + 1);
  double image[HTF_GAUSS_NEWTON_NARROW], sum = 0;
  memset(image, 0, (size_t)q * sizeof *image);
  for (int64_t i = 0; i < q; i++) {
    for (int64_t j = 0; j < q; j++) {
      image[j] += env[i] * t[i * n + j];
    }
  }
  for (int64_t j = 0; j < q; j++) {
    sum += env[j] * image[j];
  }
  return sum;
}

// What the node alone adds to K_kk of a block of points.
static void add_squares(const kernel *k, const part *p, int64_t start, int64_t rows,
                        double *diagonal) {
  htf_gauss_newton__make_env(k, p, NULL, start, rows);
  for (int64_t i = 0; i < rows; i++) {
    int64_t j = start + i;
    double env = square_of(k->made + i * htf_gauss_newton__pad(p->cols),
                           p->weights ? k->weights : NULL, p->cols);
    double ahead = 1;
    if (p->table.data != NULL) {
      ahead = square_of(p->table.data + k->at[p->node][j] * p->table.stride, NULL, p->rows);
    }
    diagonal[j] += (p->slope ? k->slope[j] * k->slope[j] : 1) * ahead * env;
  }
}

static void add_diagonal(const kernel *k, const part *p, double *diagonal) {
  for (int64_t j = 0; p->t != NULL && j < k->points; j++) {
    diagonal[j] += within(p, j, k->at[p->node][j]);
  }
  for (int64_t start = 0; p->t == NULL && start < k->points;
       start += HTF_GAUSS_NEWTON_BLOCK) {
    add_squares(k, p, start, htf_gauss_newton__block(start, k->points), diagonal);
  }
}

// ---- life -----------------------------------------------------------------------------

static htf_status describe(htf_gauss_newton *gn, const double *theta) {
  htf_status status = HTF_OK;
  const htf_evaluation *e = gn->evaluation;
  const htf_gauss_newton__node *root = &gn->nodes[e->root];
  kernel *k = gn->kernel;
  k->nodes = e->root + 1;
  k->points = gn->points;
  HTF_NEW(k->part, k->nodes);
  HTF_NEW(k->part_of, k->nodes);
  HTF_NEW(k->at, k->nodes);
  HTF_NEW(k->pull, k->nodes);
  HTF_NEW(k->own, k->nodes);
  HTF_NEW(k->slope, gn->points);
  HTF_NEW(k->each, gn->points);
  HTF_NEW(k->weights, root->rows);
  HTF_NEW(k->ones, htf_gauss_newton__pad(root->rows));
  for (int64_t j = 0; j < gn->points; j++) {
    k->slope[j] = gn->root_slope[j];
    k->each[j] = (int32_t)j;
  }
  for (int64_t r = 0; r < root->rows; r++) {
    double w = root->learnt ? theta[htf_model_offset(e->model, e->root) + r] : 1;
    k->weights[r] = w * w;
    k->ones[r] = 1;
  }
  for (int i = 0; i < k->nodes; i++) {
    k->part_of[i] = -1;
  }
done:
  return status;
}

// Room for the rows of E, and its factors.
static htf_status aim_all(kernel *k) {
  htf_status status = HTF_OK;
  int most = 1;
  int64_t widest = 1;
  for (int i = 0; i < k->parts; i++) {
    part *p = &k->part[i];
    if (p->t == NULL) {
      aim(k, p);
      most = p->factors > most ? p->factors : most;
      widest = larger(widest, larger(p->cols, p->rows));
    }
  }
  if (k->made == NULL) {
    HTF_NEW(k->shifted, most);
    HTF_NEW(k->picked, HTF_GAUSS_NEWTON_BLOCK * most);
    HTF_NEW(k->made, HTF_GAUSS_NEWTON_BLOCK * htf_gauss_newton__pad(widest));
  }
done:
  return status;
}

htf_status htf_gauss_newton__make_kernel(htf_gauss_newton *gn, const double *theta,
                                         const htf_evaluation *frozen, double *diagonal,
                                         htf_gauss_newton__kernel **out) {
  htf_status status = HTF_OK;
  kernel *k = NULL;
  HTF_NEW(k, 1);
  gn->kernel = k;
  k->frozen = frozen;
  HTF_TRY(describe(gn, theta));
  HTF_TRY(find_parts(gn, gn->evaluation->root, theta));
  for (int64_t start = 0; start < gn->points; start += HTF_GAUSS_NEWTON_BLOCK) {
    int64_t rows = htf_gauss_newton__block(start, gn->points);
    htf_gauss_newton__sweep(gn, theta, start, rows, keep_rows);
  }
  for (int i = 0; i < k->nodes; i++) {
    k->own[i] = gn->nodes[i].own;
    gn->nodes[i].own = NULL;
  }
  HTF_TRY(aim_all(k));
  memset(diagonal, 0, (size_t)gn->points * sizeof *diagonal);
  for (int i = 0; i < k->parts; i++) {
    add_diagonal(k, &k->part[i], diagonal);
  }
  *out = k;
  k = NULL;
done:
  for (int i = 0; i <= gn->evaluation->root; i++) {
    gn->nodes[i].last = false;
  }
  htf_gauss_newton__destroy_kernel(&k);
  gn->kernel = NULL;
  return status;
}

// ---- the points that K is of ----------------------------------------------------------

// The rows of an array [., cols] that stand at `order` [points], in this order.
static htf_status pick(const int64_t *order, int64_t points, int64_t cols, double **rows) {
  htf_status status = HTF_OK;
  double *picked = NULL;
  HTF_NEW(picked, points * cols);
  for (int64_t k = 0; k < points; k++) {
    memcpy(picked + k * cols, *rows + order[k] * cols, (size_t)cols * sizeof *picked);
  }
  HTF_FREE(*rows);
  *rows = picked;
done:
  return status;
}

static htf_status pick_at(const int64_t *order, int64_t points, int32_t **at) {
  htf_status status = HTF_OK;
  int32_t *picked = NULL;
  HTF_NEW(picked, points);
  for (int64_t k = 0; k < points; k++) {
    picked[k] = (*at)[order[k]];
  }
  HTF_FREE(*at);
  *at = picked;
done:
  return status;
}

// Points by tuple, and E in this order.
static htf_status sort_part(part *p, const int32_t *at, int64_t points) {
  htf_status status = HTF_OK;
  for (int64_t k = 0; k < points; k++) {
    p->start[at[k] + 1]++;
  }
  for (int64_t t = 0; t < p->tuples; t++) {
    p->start[t + 1] += p->start[t];
  }
  for (int64_t k = 0; k < points; k++) {
    p->place[k] = p->start[at[k]]++;
    p->order[p->place[k]] = k;
  }
  for (int64_t t = p->tuples; t > 0; t--) {
    p->start[t] = p->start[t - 1];
  }
  p->start[0] = 0;
  HTF_TRY(pick(p->order, points, p->cols, &p->env));
done:
  return status;
}

// Room for a block of rows.
static htf_status make_room(kernel *k) {
  htf_status status = HTF_OK;
  int64_t widest = 1, longest = 1;
  for (int i = 0; i < k->parts; i++) {
    const part *p = &k->part[i];
    longest = p->t != NULL ? larger(longest, p->tuples * p->cols) : longest;
    widest = larger(widest, larger(p->cols, p->rows));
  }
  int64_t tall = larger(k->points, HTF_GAUSS_NEWTON_BLOCK);
  HTF_NEW(k->one, HTF_GAUSS_NEWTON_BLOCK * tall);
  HTF_NEW(k->other, HTF_GAUSS_NEWTON_BLOCK * tall);
  HTF_NEW(k->left, HTF_GAUSS_NEWTON_BLOCK * widest);
  HTF_NEW(k->right, HTF_GAUSS_NEWTON_BLOCK * widest);
  HTF_NEW(k->row, HTF_GAUSS_NEWTON_BLOCK * longest);
  HTF_NEW(k->turned, HTF_GAUSS_NEWTON_BLOCK * longest);
done:
  return status;
}

htf_status htf_gauss_newton__choose_rows(htf_gauss_newton__kernel *k, const int64_t *order,
                                         int64_t points) {
  htf_status status = HTF_OK;
  k->points = points;
  HTF_TRY(pick(order, points, 1, &k->slope));
  for (int i = 0; i < k->nodes; i++) {
    int number = k->part_of[i];
    if (k->at[i] != NULL) {
      HTF_TRY(pick_at(order, points, &k->at[i]));
    }
    if (k->pull[i] != NULL) {
      HTF_TRY(
          pick(order, points, htf_gauss_newton__pad(k->part[number].rows), &k->pull[i]));
    }
    if (number >= 0 && k->part[number].t != NULL) {
      HTF_TRY(pick(order, points, k->part[number].cols, &k->part[number].env));
      HTF_TRY(sort_part(&k->part[number], k->at[i], points));
    }
  }
  HTF_TRY(aim_all(k));
  HTF_TRY(make_room(k));
done:
  return status;
}

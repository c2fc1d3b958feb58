// SPDX-License-Identifier: BSD-3-Clause
// Partitions that are no node of the tree, from triangular factors.
//
// A node is pure if all its modes are on one side, else mixed; the mixed nodes hang
// together. What stands outside the smallest subtree that holds all mixed nodes below its
// root t is on one side too, and is the environment of t. At a mixed node v
//
//   A_v[r, (i, j)] = P_in[r, i] P_out[r, j] prod over mixed children c of A_c W^(c),
//
// P_in and P_out the triangular factors of the Khatri-Rao products of its pure children
// (and at t of W^(t) F_t), no wider than R_v each. The matrix is sum_r A_t[r, (i, j)]: its
// rows and columns are orthonormal combinations of the matricization's.
//
// Cost: R_v a b at v, a and b the two sides' columns, which multiply with every mixed
// child; then an SVD. So two sides that meet at one node cost R^3, as a node of the tree
// does, and every further mixed node a factor of R^2.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "htflow/memory.h"
#include "spectra_impl.h"

typedef htf_spectra__factor factor;

// Most numbers and operations that a partition may take.
static const double HELD = 0x1p25, FLOPS = 2e11;

enum { OUT, IN, SIDES };

// Of a mixed node: the products of its pure parts, none where `cols` is 0, and A_v.
typedef struct piece {
  factor side[SIDES];  // [R_v, ..]
  int64_t cols[SIDES]; // b and a, of A_v
  double *data;        // [R_v, a b] A_v, not of t
  factor moved;        // [R_parent, a b] W^(v)^T A_v, not of t
} piece;

struct htf_spectra__cut {
  uint64_t modes;
  int top;                 // t
  int outside;             // the side of what is outside t
  piece *piece;            // [nodes]; those of nodes that are not mixed are empty
  double *row[2], *matrix; // [a b] each, a and b of t
  htf_dense_work *work;
};

// ---- sides ----------------------------------------------------------------------------

// Of a node that is pure; -1 of a mixed one.
static int side_of(const htf_tree *tree, uint64_t modes, int v) {
  uint64_t own = htf_spectra__modes(tree, v);
  return (own & modes) == own ? IN : (own & modes) == 0 ? OUT : -1;
}

// The only child of v that is not on `side`, if it is mixed; -1 if there is none such. Of
// no side yet (-1), the others must agree on one.
static int next_top(const htf_tree *tree, uint64_t modes, int v, int *side) {
  int mixed = -1, count = 0, found = *side;
  for (int i = 0; i < htf_tree_children(tree, v); i++) {
    int child = htf_tree_child(tree, v, i), own = side_of(tree, modes, child);
    if (own < 0) {
      mixed = child;
      count++;
    } else if (found >= 0 && own != found) {
      return -1;
    } else {
      found = own;
    }
  }
  if (count == 1) {
    *side = found;
  }
  return count == 1 ? mixed : -1;
}

static int find_top(const htf_tree *tree, uint64_t modes, int *outside) {
  int top = htf_tree_root(tree), next;
  *outside = -1;
  while ((next = next_top(tree, modes, top, outside)) >= 0) {
    top = next;
  }
  *outside = *outside < 0 ? OUT : *outside; // of the root nothing is outside: one column
  return top;
}

static bool is_below(const htf_tree *tree, int v, int top) {
  while (v >= 0 && v != top) {
    v = htf_tree_parent(tree, v);
  }
  return v == top;
}

static bool is_mixed(const htf_tree *tree, uint64_t modes, int v, int top) {
  return side_of(tree, modes, v) < 0 && is_below(tree, v, top);
}

// ---- shapes and need ------------------------------------------------------------------

// Columns of the two sides of each mixed node: of its pure parts alone, and of A_v.
// Doubles, since they may be too large for anything else.
typedef struct widths {
  double pure[SIDES], all[SIDES];
} widths;

static widths widths_of(const htf_model *model, const htf_spectra__shape *shape,
                        uint64_t modes, int v, int top, int outside, const widths *below) {
  const htf_tree *tree = htf_model_tree(model);
  double rows = (double)htf_model_rows(model, v);
  widths w = {.pure = {0, 0}, .all = {1, 1}};
  for (int i = 0; i < htf_tree_children(tree, v); i++) {
    int child = htf_tree_child(tree, v, i), side = side_of(tree, modes, child);
    for (int k = 0; side < 0 && k < SIDES; k++) {
      w.all[k] *= below[child].all[k];
    }
    if (side >= 0) {
      w.pure[side] = fmin(fmax(w.pure[side], 1) * (double)shape[child].frame, rows);
    }
  }
  if (v == top) {
    double env = fmin((double)shape[v].environment, rows);
    w.pure[outside] = fmin(fmax(w.pure[outside], 1) * env, rows);
  }
  for (int k = 0; k < SIDES; k++) {
    w.all[k] *= fmax(w.pure[k], 1);
  }
  return w;
}

// Calls for all mixed nodes, children first, and adds up what they take.
static htf_spectra__need plan(const htf_model *model, const htf_spectra__shape *shape,
                              uint64_t modes, int top, int outside, widths *w) {
  const htf_tree *tree = htf_model_tree(model);
  htf_spectra__need need = {0, 0, 1, 1};
  for (int v = 0; v <= top; v++) {
    if (is_mixed(tree, modes, v, top)) {
      double rows = (double)htf_model_rows(model, v),
             cols = (double)htf_model_cols(model, v);
      w[v] = widths_of(model, shape, modes, v, top, outside, w);
      double both = w[v].all[IN] * w[v].all[OUT];
      need.flops += 3 * rows * both + (v != top ? 2 * rows * cols * both : 0);
      need.held += v != top ? (rows + cols) * both : 3 * both;
    }
  }
  need.rows = w[top].all[IN];
  need.cols = w[top].all[OUT];
  need.flops += htf_spectra__svd_flops(need.rows, need.cols);
  return need;
}

htf_spectra__need htf_spectra__cut_need(const htf_model *model,
                                        const htf_spectra__shape *shape, uint64_t modes) {
  widths w[2 * HTF_TREE_MAX_ORDER];
  int outside, top = find_top(htf_model_tree(model), modes, &outside);
  memset(w, 0, sizeof w);
  return plan(model, shape, modes, top, outside, w);
}

// ---- life -----------------------------------------------------------------------------

htf_status htf_spectra__cut_check(const htf_model *model, uint64_t modes,
                                  htf_spectra__need need) {
  htf_status status = HTF_OK;
  char names[HTF_TREE_TEXT] = "";
  uint64_t all =
      htf_spectra__modes(htf_model_tree(model), htf_tree_root(htf_model_tree(model)));
  double rows = htf_spectra__tuples(model, modes),
         cols = htf_spectra__tuples(model, all & ~modes);
  for (int n = 0; n < htf_tree_order(htf_model_tree(model)); n++) {
    if (modes >> n & 1) {
      size_t used = strlen(names);
      snprintf(names + used, sizeof names - used, "%s%d", used > 0 ? "_" : "", n);
    }
  }
  HTF_CHECK(need.held <= HELD && need.flops <= FLOPS, HTF_E_CONFIG,
            "no cut of the tree exposes the modes %s cheaply: a matrix of %.3g x %.3g, "
            "%.3g operations and %.3g bytes each time; the dense way takes one of %.3g x "
            "%.3g, %.3g operations and %.3g bytes",
            names, need.rows, need.cols, need.flops, 8 * need.held, rows, cols,
            htf_spectra__svd_flops(rows, cols), 8 * rows * cols);
done:
  return status;
}

static htf_status get_memory(const htf_model *model, const widths *w, bool top, int v,
                             piece *p) {
  htf_status status = HTF_OK;
  int64_t rows = htf_model_rows(model, v), cols = htf_model_cols(model, v);
  for (int k = 0; k < SIDES; k++) {
    p->side[k] = (factor){.rows = rows, .cols = (int64_t)w->pure[k]};
    p->cols[k] = (int64_t)w->all[k];
    HTF_NEW(p->side[k].data, rows * p->side[k].cols);
  }
  if (!top) {
    HTF_NEW(p->data, rows * p->cols[IN] * p->cols[OUT]);
    p->moved = (factor){.rows = cols, .cols = p->cols[IN] * p->cols[OUT]};
    HTF_NEW(p->moved.data, cols * p->moved.cols);
  }
done:
  return status;
}

static htf_status get_all(const htf_model *model, const htf_spectra__shape *shape,
                          htf_spectra__cut *c) {
  htf_status status = HTF_OK;
  const htf_tree *tree = htf_model_tree(model);
  widths *w = NULL;
  HTF_NEW(w, htf_tree_nodes(tree));
  HTF_TRY(htf_spectra__cut_check(model, c->modes,
                                 plan(model, shape, c->modes, c->top, c->outside, w)));
  for (int v = 0; v <= c->top; v++) {
    if (is_mixed(tree, c->modes, v, c->top)) {
      HTF_TRY(get_memory(model, &w[v], v == c->top, v, &c->piece[v]));
    }
  }
  int64_t a = c->piece[c->top].cols[IN], b = c->piece[c->top].cols[OUT], both = a * b;
  HTF_TRY(htf_dense_work_create(a, b, &c->work));
  HTF_NEW(c->matrix, both);
  HTF_NEW(c->row[0], both);
  HTF_NEW(c->row[1], both);
done:
  HTF_FREE(w);
  return status;
}

htf_status htf_spectra__cut_create(const htf_spectra__factors *factors,
                                   const htf_spectra__shape *shape, uint64_t modes,
                                   htf_spectra__cut **out) {
  htf_status status = HTF_OK;
  htf_spectra__cut *c = NULL;
  HTF_NEW(c, 1);
  c->modes = modes;
  c->top = find_top(factors->tree, modes, &c->outside);
  HTF_NEW(c->piece, c->top + 1);
  HTF_TRY(get_all(factors->model, shape, c));
  *out = c;
  c = NULL;
done:
  htf_spectra__cut_destroy(&c);
  return status;
}

void htf_spectra__cut_destroy(htf_spectra__cut **out) {
  htf_spectra__cut *c = *out;
  if (c == NULL) {
    return;
  }
  for (int v = 0; c->piece != NULL && v <= c->top; v++) {
    HTF_FREE(c->piece[v].side[OUT].data);
    HTF_FREE(c->piece[v].side[IN].data);
    HTF_FREE(c->piece[v].data);
    HTF_FREE(c->piece[v].moved.data);
  }
  HTF_FREE(c->piece);
  HTF_FREE(c->row[0]);
  HTF_FREE(c->row[1]);
  HTF_FREE(c->matrix);
  htf_dense_work_destroy(&c->work);
  HTF_FREE(*out);
}

int64_t htf_spectra__cut_count(const htf_spectra__cut *c) {
  const piece *top = &c->piece[c->top];
  return htf_spectra__smaller(top->cols[IN], top->cols[OUT]);
}

// ---- values ---------------------------------------------------------------------------

// One more factor into a side's product, which has none yet where cols is 0.
static void enter(htf_spectra__factors *f, factor more, factor *side) {
  if (side->cols > 0) {
    htf_spectra__multiply(f, *side, more, side);
  } else {
    side->cols = more.cols;
    htf_spectra__keep(htf_spectra__view(more), more.exponent, side);
  }
}

// W^(t) F_t^T, triangular, into the factors' prefix, which is free once they are computed.
static factor outside_of(htf_spectra__factors *f, int top, const double *theta) {
  factor env = f->environment[top];
  htf_matrix w = htf_spectra__weights(f, top, theta),
             moved = htf_matrix_view(f->panel, w.rows, env.cols);
  htf_dense_multiply(HTF_PLAIN, w, HTF_PLAIN, htf_spectra__view(env), 0, moved);
  if (moved.cols > moved.rows) {
    htf_dense_lq(f->work, moved);
  }
  f->prefix.rows = moved.rows;
  f->prefix.cols = htf_spectra__smaller(moved.rows, moved.cols);
  htf_spectra__keep(moved, env.exponent, &f->prefix);
  return f->prefix;
}

static void enter_pure(htf_spectra__cut *c, htf_spectra__factors *f, int v,
                       const double *theta) {
  piece *p = &c->piece[v];
  p->side[OUT].cols = p->side[IN].cols = 0;
  for (int i = 0; i < htf_tree_children(f->tree, v); i++) {
    int child = htf_tree_child(f->tree, v, i), side = side_of(f->tree, c->modes, child);
    if (side >= 0) {
      enter(f, f->frame[child], &p->side[side]);
    }
  }
  if (v == c->top) {
    enter(f, outside_of(f, v, theta), &p->side[c->outside]);
  }
}

// (i, j) and (k, l) to (i k, j l).
static void interleave(const double *x, int64_t a, int64_t b, const double *y, int64_t k,
                       int64_t l, double *to) {
  for (int64_t i = 0; i < a * k; i++) {
    const double *left = x + i / k * b, *right = y + i % k * l;
    for (int64_t j = 0; j < b; j++) {
      for (int64_t n = 0; n < l; n++) {
        *to++ = left[j] * right[n];
      }
    }
  }
}

// Row r of A_v: borrowed until the next.
static const double *row_of(htf_spectra__cut *c, const htf_tree *tree, int v, int64_t r) {
  const piece *p = &c->piece[v];
  int64_t cols[SIDES] = {p->side[OUT].cols, p->side[IN].cols}, a = 1, b = 1;
  double *now = c->row[0], *next = c->row[1];
  now[0] = 1;
  for (int side = 0; side < SIDES; side++) {
    if (cols[side] > 0) {
      int64_t k = side == IN ? cols[side] : 1, l = side == OUT ? cols[side] : 1;
      interleave(now, a, b, p->side[side].data + r * cols[side], k, l, next);
      double *spare = now;
      now = next;
      next = spare;
      a *= k;
      b *= l;
    }
  }
  for (int i = 0; i < htf_tree_children(tree, v); i++) {
    const piece *q = &c->piece[htf_tree_child(tree, v, i)];
    if (q->moved.data != NULL) {
      interleave(now, a, b, q->moved.data + r * q->moved.cols, q->cols[IN], q->cols[OUT],
                 next);
      double *spare = now;
      now = next;
      next = spare;
      a *= q->cols[IN];
      b *= q->cols[OUT];
    }
  }
  return now;
}

static int exponent_of(const htf_spectra__cut *c, const htf_tree *tree, int v) {
  const piece *p = &c->piece[v];
  int exponent = 0;
  for (int side = 0; side < SIDES; side++) {
    exponent += p->side[side].cols > 0 ? p->side[side].exponent : 0;
  }
  for (int i = 0; i < htf_tree_children(tree, v); i++) {
    exponent += c->piece[htf_tree_child(tree, v, i)].moved.exponent;
  }
  return exponent;
}

// A mixed node below the top.
static void rise(htf_spectra__cut *c, htf_spectra__factors *f, int v, const double *theta) {
  piece *p = &c->piece[v];
  int64_t both = p->moved.cols;
  htf_matrix w = htf_spectra__weights(f, v, theta);
  for (int64_t r = 0; r < w.rows; r++) {
    memcpy(p->data + r * both, row_of(c, f->tree, v, r), (size_t)both * sizeof(double));
  }
  htf_dense_multiply(HTF_TRANSPOSED, w, HTF_PLAIN, htf_matrix_view(p->data, w.rows, both),
                     0, htf_spectra__view(p->moved));
  htf_spectra__keep(htf_spectra__view(p->moved), exponent_of(c, f->tree, v), &p->moved);
}

htf_status htf_spectra__cut_values(htf_spectra__cut *c, htf_spectra__factors *f,
                                   const double *theta, double *values) {
  const piece *top = &c->piece[c->top];
  int64_t a = top->cols[IN], b = top->cols[OUT];
  for (int v = 0; v <= c->top; v++) {
    if (is_mixed(f->tree, c->modes, v, c->top)) {
      enter_pure(c, f, v, theta);
      if (v != c->top) {
        rise(c, f, v, theta);
      }
    }
  }
  memset(c->matrix, 0, (size_t)(a * b) * sizeof *c->matrix);
  for (int64_t r = 0; r < htf_model_rows(f->model, c->top); r++) {
    const double *row = row_of(c, f->tree, c->top, r);
    for (int64_t i = 0; i < a * b; i++) {
      c->matrix[i] += row[i];
    }
  }
  return htf_spectra__decompose(c->work, htf_matrix_view(c->matrix, a, b),
                                exponent_of(c, f->tree, c->top), htf_spectra__cut_count(c),
                                values);
}

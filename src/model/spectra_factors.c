// SPDX-License-Identifier: BSD-3-Clause
// Triangular factors of every matricization: frames up, environments down.
//
// All factors are held transposed, one component a row: the triangular factor of a matrix
// with R columns is L [R, k], lower trapezoidal, and the Khatri-Rao product of two has as
// row r the outer product of their rows r.
#include <math.h>

#include "htflow/memory.h"
#include "spectra_impl.h"

typedef htf_spectra__factor factor;

// A panel of a Khatri-Rao product has at least PANEL R columns, unless that is all.
enum { PANEL = 4 };

static int64_t smaller(int64_t a, int64_t b) {
  return htf_spectra__smaller(a, b);
}

static int64_t larger(int64_t a, int64_t b) {
  return htf_spectra__larger(a, b);
}

htf_matrix htf_spectra__view(factor f) {
  return htf_matrix_view(f.data, f.rows, f.cols);
}

// ---- shapes ---------------------------------------------------------------------------

// From the leaves up: a node's frame, and the suffixes of its children.
static void shape_up(const htf_model *model, htf_spectra__shape *shape, int v) {
  const htf_tree *tree = htf_model_tree(model);
  int64_t rows = htf_model_rows(model, v), cols = htf_model_cols(model, v), inner = rows;
  int last = htf_tree_children(tree, v) - 1;
  for (int i = last; i >= 0; i--) {
    htf_spectra__shape *child = &shape[htf_tree_child(tree, v, i)];
    inner = i == last ? child->frame : smaller(child->frame * inner, rows);
    child->suffix = inner;
  }
  shape[v].frame = smaller(inner, cols);
}

// From the root down: the environments of v's children.
static void shape_down(const htf_model *model, htf_spectra__shape *shape, int v) {
  const htf_tree *tree = htf_model_tree(model);
  int64_t rows = htf_model_rows(model, v), before = smaller(shape[v].environment, rows);
  int children = htf_tree_children(tree, v);
  for (int i = 0; i < children; i++) {
    htf_spectra__shape *child = &shape[htf_tree_child(tree, v, i)];
    int64_t after = i < children - 1 ? shape[htf_tree_child(tree, v, i + 1)].suffix : 1;
    child->environment = smaller(before * after, rows);
    before = smaller(before * child->frame, rows);
  }
}

void htf_spectra__shapes(const htf_model *model, htf_spectra__shape *shape) {
  int nodes = htf_tree_nodes(htf_model_tree(model));
  for (int v = 0; v < nodes; v++) {
    shape_up(model, shape, v);
  }
  shape[nodes - 1].environment = 1;
  for (int v = nodes - 1; v >= 0; v--) {
    shape_down(model, shape, v);
  }
}

// ---- memory ---------------------------------------------------------------------------

static int last_child(const htf_spectra__factors *s, int v) {
  int parent = htf_tree_parent(s->tree, v);
  return htf_tree_child(s->tree, parent, htf_tree_children(s->tree, parent) - 1);
}

// Of a node other than the root, which has no frame.
static htf_status get_memory(htf_spectra__factors *s, const htf_spectra__shape *shape,
                             int v) {
  htf_status status = HTF_OK;
  factor *frame = &s->frame[v], *suffix = &s->suffix[v], *env = &s->environment[v];
  int64_t cols = htf_model_cols(s->model, v); // R_parent
  *frame = (factor){.rows = cols, .cols = shape->frame};
  *suffix = (factor){.rows = cols, .cols = shape->suffix};
  *env = (factor){.rows = cols, .cols = shape->environment};
  HTF_NEW(frame->data, frame->rows * frame->cols);
  HTF_NEW(env->data, env->rows * env->cols);
  if (v == last_child(s, v)) {
    suffix->data = frame->data;
  } else {
    HTF_NEW(suffix->data, suffix->rows * suffix->cols);
  }
done:
  return status;
}

static htf_status get_work(htf_spectra__factors *s) {
  htf_status status = HTF_OK;
  int64_t widest = 1, most = 1;
  for (int v = 0; v <= s->root; v++) {
    int64_t rows = htf_model_rows(s->model, v), cols = htf_model_cols(s->model, v);
    if (htf_tree_children(s->tree, v) > 0) {
      widest = larger(widest, rows);
    } else {
      most = larger(most, rows * cols);
    }
  }
  int64_t columns = (PANEL + 2) * widest;
  HTF_NEW(s->panel, larger(widest * columns, most));
  HTF_NEW(s->prefix.data, widest * widest);
  for (int v = 0; v < s->root; v++) {
    columns = larger(columns, htf_model_rows(s->model, v)); // a leaf of a large mode
  }
  HTF_TRY(htf_dense_work_create(widest, columns, &s->work));
  if (htf_model_offset(s->model, s->root) < 0) {
    int64_t rows = htf_model_rows(s->model, s->root);
    HTF_NEW(s->ones, rows);
    for (int64_t r = 0; r < rows; r++) {
      s->ones[r] = 1;
    }
  }
done:
  return status;
}

htf_status htf_spectra__factors_create(const htf_model *model,
                                       const htf_spectra__shape *shape,
                                       htf_spectra__factors **out) {
  htf_status status = HTF_OK;
  htf_spectra__factors *s = NULL;
  const htf_tree *tree = htf_model_tree(model);
  int nodes = htf_tree_nodes(tree);
  HTF_NEW(s, 1);
  s->model = model;
  s->tree = tree;
  s->root = htf_tree_root(tree);
  HTF_NEW(s->frame, nodes);
  HTF_NEW(s->suffix, nodes);
  HTF_NEW(s->environment, nodes);
  s->environment[s->root] = (factor){.rows = 1, .cols = 1};
  HTF_NEW(s->environment[s->root].data, 1);
  s->environment[s->root].data[0] = 1;
  for (int v = 0; v < s->root; v++) {
    HTF_TRY(get_memory(s, &shape[v], v));
  }
  HTF_TRY(get_work(s));
  *out = s;
  s = NULL;
done:
  htf_spectra__factors_destroy(&s);
  return status;
}

void htf_spectra__factors_destroy(htf_spectra__factors **out) {
  htf_spectra__factors *s = *out;
  if (s == NULL) {
    return;
  }
  for (int v = 0; s->environment != NULL && v <= s->root; v++) {
    if (s->suffix[v].data != s->frame[v].data) {
      HTF_FREE(s->suffix[v].data);
    }
    HTF_FREE(s->frame[v].data);
    HTF_FREE(s->environment[v].data);
  }
  HTF_FREE(s->frame);
  HTF_FREE(s->suffix);
  HTF_FREE(s->environment);
  HTF_FREE(s->prefix.data);
  HTF_FREE(s->ones);
  HTF_FREE(s->panel);
  htf_dense_work_destroy(&s->work);
  HTF_FREE(*out);
}

// ---- factors --------------------------------------------------------------------------

// The first columns of a matrix as a factor, its largest entry brought to [1/2, 1) by a
// power of two.
void htf_spectra__keep(htf_matrix a, int exponent, factor *out) {
  double largest = 0;
  int scale = 0;
  for (int64_t r = 0; r < out->rows; r++) {
    for (int64_t j = 0; j < out->cols; j++) {
      largest = fmax(largest, fabs(a.data[r * a.stride + j]));
    }
  }
  if (largest > 0 && isfinite(largest)) {
    frexp(largest, &scale);
  }
  for (int64_t r = 0; r < out->rows; r++) {
    for (int64_t j = 0; j < out->cols; j++) {
      out->data[r * out->cols + j] = ldexp(a.data[r * a.stride + j], -scale);
    }
  }
  out->exponent = exponent + scale;
}

// Columns [first, last) x all of the Khatri-Rao product, of the rows from `first` on (above
// them it is zero), to the panel from column `at` on.
static void fill_panel(htf_spectra__factors *s, factor outer, factor inner, int64_t first,
                       int64_t last, int64_t stride, int64_t at) {
  for (int64_t r = first; r < outer.rows; r++) {
    const double *x = outer.data + r * outer.cols, *y = inner.data + r * inner.cols;
    double *row = s->panel + r * stride + at;
    for (int64_t i = first; i < last; i++) {
      for (int64_t j = 0; j < inner.cols; j++) {
        *row++ = x[i] * y[j];
      }
    }
  }
}

// The factor L [R, min(R, k l)] of the Khatri-Rao product of outer [R, k], lower
// trapezoidal, and inner [R, l]; `out` may be `inner`. Panel by panel,
//
//   [ L 0 ] = [ L panel ] Q^T,  on the rows that the panel reaches.
//
// Cost 2/3 R^4 and a fifth of that again for L, at k = l = R.
void htf_spectra__multiply(htf_spectra__factors *s, factor outer, factor inner,
                           factor *out) {
  int64_t rows = outer.rows, stride = (PANEL + 2) * rows;
  int64_t step = (PANEL * rows + inner.cols - 1) / inner.cols, first = 0;
  HTF_ASSERT(inner.rows == rows && inner.cols <= rows && outer.cols <= rows);
  while (first < outer.cols) {
    int64_t last = smaller(first + step, outer.cols);
    int64_t corner = first * stride + first; // where the trailing L begins
    int64_t at = first == 0 ? 0 : rows, cols = at - first + (last - first) * inner.cols;
    fill_panel(s, outer, inner, first, last, stride, at);
    htf_matrix trailing = {s->panel + corner, rows - first, cols, stride};
    htf_dense_lq(s->work, trailing);
    first = last;
  }
  factor product = {.rows = rows, .cols = smaller(rows, outer.cols * inner.cols)};
  product.data = out->data;
  htf_matrix panel = {s->panel, rows, product.cols, stride};
  htf_spectra__keep(panel, outer.exponent + inner.exponent, &product);
  *out = product;
}

// W^(v) [R_v, R_parent].
htf_matrix htf_spectra__weights(const htf_spectra__factors *s, int v, const double *theta) {
  int64_t offset = htf_model_offset(s->model, v);
  return htf_matrix_view(offset < 0 ? s->ones : theta + offset, htf_model_rows(s->model, v),
                         htf_model_cols(s->model, v));
}

// ---- up -------------------------------------------------------------------------------

static void transpose(htf_matrix a, double *to) {
  for (int64_t i = 0; i < a.rows; i++) {
    for (int64_t j = 0; j < a.cols; j++) {
      to[j * a.rows + i] = a.data[i * a.stride + j];
    }
  }
}

// The frame of v from those of its children.
static void rise(htf_spectra__factors *s, int v, const double *theta) {
  int children = htf_tree_children(s->tree, v);
  htf_matrix w = htf_spectra__weights(s, v, theta),
             moved = htf_matrix_view(s->panel, w.cols, w.rows);
  int exponent = 0;
  for (int i = children - 1; i >= (v == s->root ? 1 : 0); i--) {
    int child = htf_tree_child(s->tree, v, i);
    if (i == children - 1) {
      s->suffix[child].exponent = s->frame[child].exponent;
    } else {
      factor behind = s->suffix[htf_tree_child(s->tree, v, i + 1)];
      htf_spectra__multiply(s, s->frame[child], behind, &s->suffix[child]);
    }
  }
  if (v == s->root) {
    return;
  }
  if (children == 0) {
    transpose(w, s->panel);
  } else {
    factor all = s->suffix[htf_tree_child(s->tree, v, 0)];
    moved.cols = moved.stride = all.cols;
    exponent = all.exponent;
    htf_dense_multiply(HTF_TRANSPOSED, w, HTF_PLAIN, htf_spectra__view(all), 0, moved);
  }
  htf_dense_lq(s->work, moved);
  htf_spectra__keep(moved, exponent, &s->frame[v]);
}

// ---- down -----------------------------------------------------------------------------

// The environments of v's children from that of v.
static void descend(htf_spectra__factors *s, int v, const double *theta) {
  int children = htf_tree_children(s->tree, v);
  factor env = s->environment[v];
  htf_matrix w = htf_spectra__weights(s, v, theta),
             moved = htf_matrix_view(s->panel, w.rows, env.cols);
  htf_dense_multiply(HTF_PLAIN, w, HTF_PLAIN, htf_spectra__view(env), 0, moved);
  if (moved.cols > moved.rows) {
    htf_dense_lq(s->work, moved);
  }
  s->prefix.rows = moved.rows;
  s->prefix.cols = smaller(moved.rows, moved.cols);
  htf_spectra__keep(moved, env.exponent, &s->prefix);
  for (int i = 0; i < children - 1; i++) {
    int child = htf_tree_child(s->tree, v, i);
    factor behind = s->suffix[htf_tree_child(s->tree, v, i + 1)];
    htf_spectra__multiply(s, behind, s->prefix, &s->environment[child]);
    htf_spectra__multiply(s, s->frame[child], s->prefix, &s->prefix);
  }
  htf_spectra__keep(htf_spectra__view(s->prefix), s->prefix.exponent,
                    &s->environment[htf_tree_child(s->tree, v, children - 1)]);
}

// ---- all ------------------------------------------------------------------------------

void htf_spectra__factors_compute(htf_spectra__factors *s, const double *theta) {
  for (int v = 0; v <= s->root; v++) {
    rise(s, v, theta);
  }
  for (int v = s->root; v >= 0; v--) {
    if (htf_tree_children(s->tree, v) > 0) {
      descend(s, v, theta);
    }
  }
}

// Those of B_v F_v^T [k_v, f_v].
htf_status htf_spectra__factors_values(htf_spectra__factors *s, int v, int64_t count,
                                       double *values) {
  factor frame = s->frame[v], env = s->environment[v];
  htf_matrix m = htf_matrix_view(s->panel, frame.cols, env.cols);
  htf_dense_multiply(HTF_TRANSPOSED, htf_spectra__view(frame), HTF_PLAIN,
                     htf_spectra__view(env), 0, m);
  return htf_spectra__decompose(s->work, m, frame.exponent + env.exponent, count, values);
}

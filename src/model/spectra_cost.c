// SPDX-License-Identifier: BSD-3-Clause
// What the spectra of a model cost, by either way, from shapes alone: floating-point
// operations, leading terms.
#include <math.h>

#include "spectra_impl.h"

// L of [rows, cols] = L Q.
static double lq_flops(double rows, double cols) {
  double small = fmin(rows, cols), large = fmax(rows, cols);
  return 2 * small * small * (large - small / 3);
}

// Singular values alone.
double htf_spectra__svd_flops(double rows, double cols) {
  double small = fmin(rows, cols);
  return lq_flops(rows, cols) + 8. / 3 * small * small * small;
}

// ---- factored -------------------------------------------------------------------------

// The Khatri-Rao product of k columns, lower trapezoidal, and l: column i of the first
// reaches rows - i rows. A fifth again for the factor that panels carry along.
static double product_flops(double rows, double k, double l) {
  double left = fmax(rows - k, 0);
  return 2.4 / 3 * l * (rows * rows * rows - left * left * left);
}

static double up_flops(const htf_model *model, const htf_spectra__shape *shape, int v) {
  const htf_tree *tree = htf_model_tree(model);
  double rows = (double)htf_model_rows(model, v), cols = (double)htf_model_cols(model, v);
  double inner = rows, flops = 0;
  for (int i = htf_tree_children(tree, v) - 1; i >= 0; i--) {
    double k = (double)shape[htf_tree_child(tree, v, i)].frame;
    bool last = i == htf_tree_children(tree, v) - 1;
    flops += last ? 0 : product_flops(rows, k, inner);
    inner = last ? k : fmin(k * inner, rows);
  }
  return flops + 2 * rows * cols * inner + lq_flops(cols, inner);
}

static double down_flops(const htf_model *model, const htf_spectra__shape *shape, int v) {
  const htf_tree *tree = htf_model_tree(model);
  double rows = (double)htf_model_rows(model, v), cols = (double)htf_model_cols(model, v);
  double before = fmin((double)shape[v].environment, rows);
  double flops = 2 * rows * cols * (double)shape[v].environment;
  for (int i = 0; i < htf_tree_children(tree, v) - 1; i++) {
    int child = htf_tree_child(tree, v, i), next = htf_tree_child(tree, v, i + 1);
    double k = (double)shape[child].frame;
    flops += product_flops(rows, (double)shape[next].suffix, before);
    flops += product_flops(rows, k, before);
    before = fmin(before * k, rows);
  }
  return flops;
}

double htf_spectra__factored_flops(const htf_model *model,
                                   const htf_spectra__shape *shape) {
  const htf_tree *tree = htf_model_tree(model);
  int root = htf_tree_root(tree);
  double flops = down_flops(model, shape, root);
  for (int v = 0; v < root; v++) {
    double k = (double)shape[v].frame, f = (double)shape[v].environment;
    flops += up_flops(model, shape, v);
    flops += htf_tree_children(tree, v) > 0 ? down_flops(model, shape, v) : 0;
    flops += 2 * k * f * (double)htf_model_cols(model, v) + htf_spectra__svd_flops(k, f);
  }
  return flops;
}

// ---- whole ----------------------------------------------------------------------------

double htf_spectra__whole_flops(const htf_model *model) {
  const htf_tree *tree = htf_model_tree(model);
  double entries = htf_model_entries(model), flops = 0;
  for (int v = 0; v < htf_tree_nodes(tree); v++) {
    const int *modes;
    double tuples = 1;
    int count = htf_tree_modes(tree, v, &modes);
    for (int i = 0; i < count; i++) {
      tuples *= (double)htf_model_shape(model)[modes[i]];
    }
    double rows = (double)htf_model_rows(model, v), cols = (double)htf_model_cols(model, v);
    flops += htf_tree_children(tree, v) > 0 ? 2 * tuples * rows * cols : 0;
    flops +=
        v != htf_tree_root(tree) ? htf_spectra__svd_flops(tuples, entries / tuples) : 0;
  }
  return flops;
}

// Operations of narrow factors are slower than those of large matrices. Measured on an EPYC
// (Zen 5) for 18 models: the rate falls like 1 / (1 + 100 / R) with the largest width R,
// from 17 GFLOP/s at 512 to 1 at 16; what is whole runs at 7 to 20, and goes through memory
// once more. The rule then picks the faster way wherever one is by a fifth.
bool htf_spectra__prefers_whole(const htf_model *model, const htf_spectra__shape *shape) {
  const htf_tree *tree = htf_model_tree(model);
  double entries = htf_model_entries(model), widest = 1;
  for (int v = 0; v < htf_tree_nodes(tree); v++) {
    widest = fmax(widest, (double)htf_model_cols(model, v));
  }
  double whole = 1.5 * htf_spectra__whole_flops(model) + 8 * entries,
         factored = (1 + 100 / widest) * htf_spectra__factored_flops(model, shape);
  return entries <= HTF_SPECTRA__ENTRIES && whole < factored;
}

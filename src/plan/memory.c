// SPDX-License-Identifier: BSD-3-Clause
// The working memory of a run, from its sizes: what stands throughout, and what building
// a preconditioner, measuring a row, or copying all rows at the end takes for a while.
//
// Of chance are how many rows are distinct (rows_of), the order that bdf comes to, and the
// pairs of the preconditioner (gauss_newton.h). Two figures, therefore. The usual one takes
// pairs that runs came to. The other is what a run may come to at most: in a narrow valley
// as many pairs as are allowed, or M by the points with every point a pivot (8 m^2 bytes;
// the problem of order 4, mode 16, width 512, 2,048 samples takes 1,984 of them, that of
// order 16 of tests/bench/evaluations.py 896); and a checkpoint written, or taken up.
#include <math.h>

#include "htflow/gauss_newton.h"
#include "htflow/tree.h"
#include "plan_impl.h"

// The preconditioner's pairs at most on the five problems of theory.md section 5, rtol 1e-4
// and 1e-6, and as a share of the parameters; points of a block; small matrices
// that an evaluation keeps transposed.
enum { PAIRS = 420, BLOCK = 64, KEPT = 256, SMALL = 128 * 128 };
static const double PAIRS_A_PARAMETER = 0.2;
// Pairs allowed, and points for M to be by them (src/run/objective.c); tuples times width
// up to which a node and all below it have one table (gauss_newton_impl.h).
enum { MOST_PAIRS = 1000, MOST_POINTS = 2500, NARROW = 512 };
// Vectors of GMRES that solves are taken to need at most; what else there is, as a share.
enum { BASIS = 60 };
static const double REST = 0.05;

typedef struct sizes {
  const htf_spec *spec;
  const htf_model *model;
  const htf_tree *tree;
  double parameters;
  bool second;         // Hessian-vector products
  bool preconditioned; // by the Gauss-Newton matrix
  bool core;           // of the evaluation (src/model/core.c)
} sizes;

// ---- rows and columns ------------------------------------------------------------------

static double padded(double width) {
  return 8 * ceil(width / 8);
}

// How far apart rows of this width lie in an evaluation (src/model/tables.c).
static double stride(double width) {
  double most = padded(width);
  return fmod(most, 32) == 0 ? most + 8 : most;
}

static double rows_of(const sizes *s, int node) {
  return (double)htf_model_rows(s->model, node);
}

static double cols_of(const sizes *s, int node) {
  return (double)htf_model_cols(s->model, node);
}

static int depth_of(const sizes *s, int node) {
  int depth = 0;
  for (int v = node; v != htf_tree_root(s->tree); v = htf_tree_parent(s->tree, v)) {
    depth++;
  }
  return depth;
}

static bool interior(const sizes *s, int node) {
  return htf_tree_children(s->tree, node) > 0;
}

// ---- vectors of the parameters' size ---------------------------------------------------

// Of the flow: the states at both ends of a step, and what the method holds.
static double flow_vectors(const sizes *s) {
  const htf_spec *spec = s->spec;
  double basis = fmin(BASIS, fmin((double)spec->flow.krylov_dimension, s->parameters));
  switch (spec->flow.method) {
  case HTF_METHOD_BDF: // history 6, the correction, r, z, p, and secants: 10 of floats, q
    return 2 + 9 + (spec->flow.krylov == HTF_KRYLOV_GMRES ? 3 + basis : 1) +
           (s->preconditioned ? 6 : 0);
  case HTF_METHOD_ADAMS: // history 13, CVODE's 3, the iteration's 2
    return 2 + 18;
  case HTF_METHOD_ERK: // stages 7, the interpolant's 5, ARKODE's
    return 2 + 20;
  case HTF_METHOD_ADAM:
    return 2 + 6;
  case HTF_METHOD_MOMENTUM:
    return 2 + 3;
  default:
    return 2 + 1;
  }
}

// And of the run: the objective's theta and gradient, a state inside a step, weights kept.
static double run_vectors(const sizes *s) {
  int kept = s->spec->record.weights;
  bool early = kept == HTF_KEEP_BEST || kept == HTF_KEEP_FIRST;
  return 3 + (kept != HTF_KEEP_NONE) + early;
}

// ---- an evaluation ---------------------------------------------------------------------

// Tables of an interior node below the root that is R wide and its V Q: values alone; or
// with their adjoints; or with the derivatives of all these.
static double node_doubles(const sizes *s, double n, double r, double q) {
  double flipped = r * q <= SMALL ? r * q : 0;
  return s->second ? n * (3 * stride(r) + 4 * stride(q)) + 2 * flipped
                   : n * (stride(r) + 2 * stride(q)) + flipped;
}

static double leaf_doubles(const sizes *s, double n, int node) {
  bool vectors = s->spec->problem.task == HTF_TASK_SENSING;
  bool direct = !vectors && fmod(cols_of(s, node), 8) == 0;
  double stored = vectors ? n : rows_of(s, node);
  return direct ? 0 : (s->second ? 4 : 2) * stored * stride(cols_of(s, node));
}

// M, A, T of the core with all their derivatives, and the one table of the second child.
static double core_doubles(const sizes *s) {
  int root = htf_tree_root(s->tree), one = htf_tree_child(s->tree, root, 0),
      other = htf_tree_child(s->tree, root, 1);
  bool swapped =
      htf_plan__rows(s->spec, s->tree, other) < htf_plan__rows(s->spec, s->tree, one);
  int left = swapped ? other : one, right = swapped ? one : other;
  double r1 = rows_of(s, left), r2 = rows_of(s, right), q = rows_of(s, root);
  double n1 = htf_plan__rows(s->spec, s->tree, left),
         n2 = htf_plan__rows(s->spec, s->tree, right);
  double flipped = q * r2 <= SMALL ? q * r2 : 0, orders = s->second ? 2 : 1;
  return node_doubles(s, n1, r1, r2) + orders * (2 * n2 * stride(r2)) +
         orders * (2 * r1 * r2 + r1 * q + flipped) + r1 * q;
}

static double training_doubles(const sizes *s) {
  int root = htf_tree_root(s->tree);
  double doubles = 0, most = 0, m = s->spec->problem.samples;
  for (int v = 0; v < root; v++) {
    double n = htf_plan__rows(s->spec, s->tree, v), r = rows_of(s, v);
    bool joined = s->core && htf_tree_parent(s->tree, v) == root;
    doubles += !interior(s, v) ? leaf_doubles(s, n, v)
               : joined        ? 0
                               : node_doubles(s, n, r, cols_of(s, v));
    most = interior(s, v) ? fmax(most, n * stride(r)) : most;
    if (htf_tree_parent(s->tree, v) == root && !s->core) { // the root's sums
      doubles +=
          (s->spec->problem.task == HTF_TASK_FULL ? 4 : s->second) * n * rows_of(s, root);
    }
  }
  doubles += s->core ? core_doubles(s) : 0;
  doubles += most + 256 * stride(rows_of(s, root));
  return doubles + (s->second ? 6 : 4) * m; // y, slopes, their changes
}

// Tables of values alone, at `n_v` rows a node.
static double value_doubles(const sizes *s, bool all) {
  double doubles = 0, most = 0;
  for (int v = 0; v < htf_tree_root(s->tree); v++) {
    double n = all ? htf_plan__tuples(s->spec, s->tree, v)
                   : fmin(htf_plan__tuples(s->spec, s->tree, v), s->spec->problem.test);
    doubles += interior(s, v) ? n * stride(cols_of(s, v)) : leaf_doubles(s, n, v) / 4;
    most = interior(s, v) ? fmax(most, n * stride(rows_of(s, v))) : most;
  }
  return doubles + most;
}

// ---- the preconditioner ----------------------------------------------------------------

// Room for a block of points from the root down, and counts of all of them.
static double block_doubles(const sizes *s) {
  double doubles = 0, widest = 1;
  double points = fmin(s->spec->problem.samples, HTF_GAUSS_NEWTON_ROWS);
  for (int v = 0; v <= htf_tree_root(s->tree); v++) {
    bool first = true; // of its level
    for (int w = htf_tree_root(s->tree); w > v; w--) {
      first = first && depth_of(s, w) != depth_of(s, v);
    }
    widest = fmax(widest, rows_of(s, v));
    doubles += first ? BLOCK * (rows_of(s, v) + cols_of(s, v)) : 0;
    doubles += htf_plan__rows(s->spec, s->tree, v);
  }
  return doubles + BLOCK * (rows_of(s, htf_tree_root(s->tree)) + 2 * widest) + points;
}

static double usual_pairs(const sizes *s) {
  return fmin(PAIRS, PAIRS_A_PARAMETER * s->parameters);
}

// Eigenvectors that a node may keep on both sides.
static double kept_vectors(const sizes *s) {
  double doubles = 0;
  for (int v = 0; v <= htf_tree_root(s->tree); v++) {
    double r = interior(s, v) ? rows_of(s, v) : 0, q = cols_of(s, v);
    doubles += fmin(r, KEPT) * r + fmin(q, KEPT) * q;
  }
  return doubles;
}

// G, and what is kept of the eigenvectors, half of those that may be.
static double standing_doubles(const sizes *s, double pairs) {
  return pairs * pairs + kept_vectors(s) / 2;
}

// While it is built: the Gram matrices and what finding the eigenvectors of the widest
// takes; or what stands then, and P in the vectors kept. V of two nodes where the
// evaluation has a core.
static double building_doubles(const sizes *s, double pairs) {
  double whole = 0, work = 0, ahead = 0, own = 0;
  for (int v = 0; v <= htf_tree_root(s->tree); v++) {
    double r = interior(s, v) ? rows_of(s, v) : 0, q = cols_of(s, v);
    double n = htf_plan__rows(s->spec, s->tree, v);
    whole += r * r + q * q;
    work = fmax(work, 2 * fmax(r * r, q * q));
    ahead += v < htf_tree_root(s->tree) ? n * fmin(r, KEPT) / 2 : 0;
    own += s->core && htf_tree_parent(s->tree, v) == htf_tree_root(s->tree) ? n * q : 0;
  }
  double features = (BLOCK + 4) * pairs;
  return own + block_doubles(s) +
         fmax(whole + work, standing_doubles(s, pairs) + ahead + features);
}

// ---- in a narrow valley ----------------------------------------------------------------

// Where as many are stiff as are allowed, or as there are points, M is by these.
static double most_pairs(const sizes *s) {
  double m = s->spec->problem.samples, most = fmin(MOST_PAIRS, s->parameters);
  return m <= MOST_POINTS ? fmin(most, m) : most;
}

static bool by_points(const sizes *s) {
  double m = s->spec->problem.samples;
  return m <= MOST_POINTS && s->parameters > most_pairs(s);
}

// With as many pairs as may be: every eigenvector is kept, with its rows; G of the last
// preconditioner stands beside.
static double many_pairs_doubles(const sizes *s) {
  double pairs = most_pairs(s), rows = 0, energies = 0;
  for (int v = 0; v <= htf_tree_root(s->tree); v++) {
    double r = interior(s, v) ? rows_of(s, v) : 0, q = cols_of(s, v);
    double kept = interior(s, v) ? fmin(r, KEPT) : rows_of(s, v);
    double n = v < htf_tree_root(s->tree) ? htf_plan__rows(s->spec, s->tree, v) : 0;
    rows += n * (fmin(r, KEPT) / 2 + (r > 0 ? fmin(q, KEPT) : 0));
    energies += 2 * kept * fmin(q, KEPT);
  }
  return building_doubles(s, pairs) + pairs * pairs + kept_vectors(s) / 2 + rows + energies;
}

// A node and all below it that are one table.
static bool narrow(const sizes *s, int node) {
  double n = interior(s, node) ? htf_plan__rows(s->spec, s->tree, node) : rows_of(s, node);
  bool small = node != htf_tree_root(s->tree) && n * cols_of(s, node) <= NARROW &&
               (!interior(s, node) || n * rows_of(s, node) <= NARROW) &&
               (interior(s, node) || s->spec->problem.task != HTF_TASK_SENSING);
  for (int i = 0; small && i < htf_tree_children(s->tree, node); i++) {
    small = narrow(s, htf_tree_child(s->tree, node, i));
  }
  return small;
}

// What K of a node and those below it is made of, by point: which row of its table; E W^T
// above nodes alone; E and the table of a narrow one.
static double kernel_doubles(const sizes *s, int node) {
  double m = s->spec->problem.samples, q = cols_of(s, node), doubles = m / 2;
  double n = interior(s, node) ? htf_plan__rows(s->spec, s->tree, node) : rows_of(s, node);
  if (interior(s, node) && narrow(s, node)) {
    return doubles + m * (q + 3) + n * q * n * q;
  }
  doubles += interior(s, node) && node != htf_tree_root(s->tree)
                 ? m * padded(rows_of(s, node))
                 : 0;
  for (int i = 0; i < htf_tree_children(s->tree, node); i++) {
    doubles += kernel_doubles(s, htf_tree_child(s->tree, node, i));
  }
  return doubles;
}

// What a narrow node's table is made of, and blocks of its rows.
static double narrow_doubles(const sizes *s) {
  double most = 0;
  for (int v = 0; v < htf_tree_root(s->tree); v++) {
    double n = interior(s, v) && narrow(s, v) ? htf_plan__rows(s->spec, s->tree, v) : 0;
    double r = n * rows_of(s, v), q = n * cols_of(s, v);
    most = fmax(most, 2 * r * r + q * r + 2 * BLOCK * q);
  }
  return most;
}

// M by the points: theta and an evaluation there; K and U from their diagonals on, every
// point a pivot; what K is made of, of the widest node twice while the points are chosen;
// blocks of its rows, and what a narrow node's table is made of.
static double by_points_doubles(const sizes *s) {
  double m = s->spec->problem.samples, widest = 1, own = 0, indices = 0;
  int root = htf_tree_root(s->tree);
  for (int v = 0; v <= root; v++) {
    double n = htf_plan__rows(s->spec, s->tree, v), q = cols_of(s, v);
    widest = fmax(widest, fmax(padded(rows_of(s, v)), padded(q)));
    own += s->core && htf_tree_parent(s->tree, v) == root ? n * padded(q) : 0;
    indices += 3 * n;
  }
  return s->parameters + training_doubles(s) + indices + 8 * m + m * (m + 2 * BLOCK) +
         kernel_doubles(s, root) + own + m * widest + BLOCK * (3 * m + 3 * widest) +
         narrow_doubles(s) + block_doubles(s);
}

// Vectors of a checkpoint: the state, and what the method carries from step to step.
static double checkpoint_vectors(const sizes *s) {
  switch (s->spec->flow.method) {
  case HTF_METHOD_BDF:
    return 1 + 6;
  case HTF_METHOD_ADAM:
    return 1 + 2;
  default:
    return 1 + 1;
  }
}

// ---- rows ------------------------------------------------------------------------------

// While one is measured. held: the tensor is known, and formed.
static double row_doubles(const sizes *s, bool held) {
  double all = held ? htf_model_entries(s->model) + value_doubles(s, true) : 0;
  return fmax(all, value_doubles(s, false));
}

// All that are kept, of the standard observables.
static double kept_doubles(const sizes *s) {
  double doubles = 12, values = (double)s->spec->record.singular_values;
  for (int v = 0; v <= htf_tree_root(s->tree); v++) {
    double components = fmin((double)s->spec->record.components, rows_of(s, v));
    doubles += interior(s, v) ? 3 * components : 0;
    doubles += values > 0 ? 3 + fmin(values, cols_of(s, v)) : 0;
  }
  return doubles * (double)s->spec->record.points;
}

static double spectra_doubles(const sizes *s) {
  double doubles = 0;
  for (int v = 0; v < htf_tree_root(s->tree); v++) {
    doubles += 3 * cols_of(s, v) * cols_of(s, v);
  }
  return s->spec->record.singular_values > 0 ? doubles : 0;
}

// ---- all of it -------------------------------------------------------------------------

// Indices of rows, of points as of their evaluation: some 10 integers of a training row and
// 4 of a held-out one; the samples' values, with theirs; vectors twice.
static double sample_doubles(const sizes *s) {
  const htf_spec *spec = s->spec;
  double m = spec->problem.samples, test = spec->problem.test, vectors = 0, indices = 0;
  bool sensing = spec->problem.task == HTF_TASK_SENSING;
  for (int n = 0; n < spec->problem.shape.order && sensing; n++) {
    vectors += 2 * (double)spec->problem.shape.size[n];
  }
  for (int v = 0; v <= htf_tree_root(s->tree); v++) {
    indices += 5 * htf_plan__rows(spec, s->tree, v) +
               2 * fmin(htf_plan__tuples(spec, s->tree, v), test);
  }
  return m * (3 + vectors) + test * (3 + vectors) + indices;
}

// Of a run that meets with nothing: preconditioners of so many pairs, rows.
static double usual_doubles(const sizes *s, bool held) {
  double standing = s->preconditioned ? standing_doubles(s, usual_pairs(s)) : 0;
  double passing = standing + fmax(row_doubles(s, held), kept_doubles(s));
  return s->preconditioned ? fmax(passing, building_doubles(s, usual_pairs(s))) : passing;
}

// Of one that comes into a narrow valley, and leaves a checkpoint there. One that is taken
// up is held until the run ends.
static double most_doubles(const sizes *s, bool held) {
  double checkpoint = checkpoint_vectors(s) * s->parameters + kept_doubles(s);
  double passing = fmax(row_doubles(s, held), checkpoint), valley = 0;
  if (s->preconditioned) {
    valley = many_pairs_doubles(s);
    valley = by_points(s) ? fmax(valley, by_points_doubles(s)) : valley;
  }
  return checkpoint + valley + passing;
}

void htf_plan__memory(const htf_spec *spec, const htf_model *model, bool core,
                      htf_cost *cost) {
  const sizes s = {
      .spec = spec,
      .model = model,
      .tree = htf_model_tree(model),
      .parameters = (double)htf_model_parameters(model),
      .second = spec->flow.method == HTF_METHOD_BDF,
      .preconditioned = spec->flow.method == HTF_METHOD_BDF &&
                        spec->flow.krylov == HTF_KRYLOV_PCG &&
                        spec->flow.preconditioner == HTF_PRECONDITIONER_GAUSS_NEWTON,
      .core = core,
  };
  bool held = htf_model_entries(model) <= HTF_COST_DENSE;
  double doubles = s.parameters * (flow_vectors(&s) + run_vectors(&s)) +
                   training_doubles(&s) + sample_doubles(&s) + spectra_doubles(&s) +
                   kept_doubles(&s) + (held ? htf_model_entries(model) : 0);
  cost->usual = 8 * (1 + REST) * (doubles + usual_doubles(&s, held)) + 16384;
  cost->bytes = 8 * (1 + REST) * (doubles + most_doubles(&s, held)) + 16384;
}

// SPDX-License-Identifier: BSD-3-Clause
// The working memory of a run, from its sizes: what stands throughout, and what building
// a preconditioner, measuring a row, or copying all rows at the end takes for a while.
//
// Of chance are how many rows are distinct (rows_of), the order that bdf comes to, and the
// pairs of the preconditioner (gauss_newton.h). Left out: of a run that comes into a narrow
// valley it is by the points there, which takes 16 m bytes a pivot, 100 MB at most, a
// second evaluation, and 8 m bytes for each column of the larger nodes.
#include <math.h>

#include "htflow/cost.h"
#include "htflow/gauss_newton.h"
#include "htflow/tree.h"
#include "plan_impl.h"

// The preconditioner's pairs at most on the five problems of theory.md section 5, rtol 1e-4
// and 1e-6, and as a share of the parameters; points of a block; small matrices
// that an evaluation keeps transposed.
enum { PAIRS = 420, BLOCK = 64, KEPT = 256, SMALL = 128 * 128 };
static const double PAIRS_A_PARAMETER = 0.2;
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

// How far apart rows of this width lie in an evaluation (src/model/tables.c).
static double stride(double width) {
  double padded = 8 * ceil(width / 8);
  return fmod(padded, 32) == 0 ? padded + 8 : padded;
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
  case HTF_METHOD_BDF: // history 6, the correction, r, z, p
    return 2 + 9 + (spec->flow.krylov == HTF_KRYLOV_GMRES ? 3 + basis : 1);
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

// G, and what is kept of the eigenvectors.
static double standing_doubles(const sizes *s) {
  double pairs = fmin(PAIRS, PAIRS_A_PARAMETER * s->parameters), doubles = pairs * pairs;
  for (int v = 0; v <= htf_tree_root(s->tree); v++) {
    double r = interior(s, v) ? rows_of(s, v) : 0, q = cols_of(s, v);
    doubles += fmin(r, KEPT) * r / 2 + fmin(q, KEPT) * q / 2;
  }
  return doubles;
}

// While it is built: the Gram matrices and what finding the eigenvectors of the widest
// takes; or what stands then, and P in the vectors kept. V of two nodes where the
// evaluation has a core.
static double building_doubles(const sizes *s) {
  double whole = 0, work = 0, ahead = 0, own = 0;
  for (int v = 0; v <= htf_tree_root(s->tree); v++) {
    double r = interior(s, v) ? rows_of(s, v) : 0, q = cols_of(s, v);
    double n = htf_plan__rows(s->spec, s->tree, v);
    whole += r * r + q * q;
    work = fmax(work, 2 * fmax(r * r, q * q));
    ahead += v < htf_tree_root(s->tree) ? n * fmin(r, KEPT) / 2 : 0;
    own += s->core && htf_tree_parent(s->tree, v) == htf_tree_root(s->tree) ? n * q : 0;
  }
  double features = (BLOCK + 4) * fmin(PAIRS, PAIRS_A_PARAMETER * s->parameters);
  return own + block_doubles(s) +
         fmax(whole + work, standing_doubles(s) + ahead + features);
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

double htf_plan__memory(const htf_spec *spec, const htf_model *model, bool core) {
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
  double standing = s.preconditioned ? standing_doubles(&s) : 0;
  double passing = standing + fmax(row_doubles(&s, held), kept_doubles(&s));
  if (s.preconditioned) {
    passing = fmax(passing, building_doubles(&s));
  }
  double doubles = s.parameters * (flow_vectors(&s) + run_vectors(&s)) +
                   training_doubles(&s) + sample_doubles(&s) + spectra_doubles(&s) +
                   kept_doubles(&s) + (held ? htf_model_entries(model) : 0) + passing;
  return 8 * (1 + REST) * doubles + 16384;
}

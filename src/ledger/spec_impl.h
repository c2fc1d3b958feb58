// SPDX-License-Identifier: BSD-3-Clause
// The table of a run's parameters.
#pragma once

#include "htflow/spec.h"

// Integers a double holds exactly; larger ones could not be put into a results file's axis.
#define WHOLE 9007199254740992.0
// What a size, a scale or a bound may be, so that its square is still a double.
#define SMALL 1e-100
#define LARGE 1e100

// key, member, type, low, high, choices, default, units, identity, help. Defaults are
// canonical text: identity compares with them.
#define FIELD(key, member, type, low, high, choices, initial, units, identity, help)       \
  {                                                                                        \
    key, HTF_FIELD_##type, offsetof(htf_spec, member), low, high, choices, initial, units, \
        help, identity                                                                     \
  }

static const htf_field fields[] = {
    FIELD("seed", sweep_seed, INTEGER, 0, WHOLE, NULL, "1", "", true,
          "Seed of the sweep: with problem.seed or init.seed it keys every random "
          "draw."),
    // problem
    FIELD("problem.task", problem.task, CHOICE, 0, 0, "completion", "completion", "", true,
          "What is observed of the target: single entries (completion)."),
    FIELD("problem.shape", problem.shape, SHAPE, 1, 2147483647.0, NULL, "[8, 8, 8, 8]", "",
          true, "Mode sizes of the tensor."),
    FIELD("problem.samples", problem.samples, COUNT, 0, WHOLE, NULL, "1024", "", true,
          "Training samples: a count, or a fraction below 1 of all entries, rounded down. "
          "With problem.file: allowed where the file has no test list, of the entries of "
          "its training list; all but the held-out ones if it is not given."),
    FIELD("problem.test", problem.test, COUNT, 0, WHOLE, NULL, "1024", "", true,
          "Held-out samples: a count, or a fraction below 1 of all entries, rounded down. "
          "With problem.file: allowed where the file has no test list, and taken out of "
          "its training list; none if it is not given."),
    FIELD("problem.noise", problem.noise, REAL, 0, LARGE, NULL, "0", "1", true,
          "Standard deviation of the Gaussian noise added to training values."),
    FIELD("problem.seed", problem.seed, INTEGER, 0, WHOLE, NULL, "0", "", true,
          "Which draw of target, mask and noise."),
    FIELD("problem.target.kind", problem.target, CHOICE, 0, 0, "htf|cp", "htf", "", true,
          "Factorization that the planted target is drawn from; cp has a flat tree."),
    FIELD("problem.target.tree", problem.target_tree, TREE, 0, 0, NULL, "binary", "", true,
          "Mode tree of an htf target: binary, flat, {arity: 4, pattern: half}, "
          "{depth: 2} or Newick."),
    FIELD("problem.target.width", problem.target_width, INTEGER, 1, 1e6, NULL, "2", "",
          false, "Local components at each interior node of the target's tree."),
    FIELD("problem.target.norm", problem.target_norm, REAL, 0, LARGE, NULL, "0", "1", true,
          "Frobenius norm of the target; 0 for the square root of the number of "
          "entries."),
    FIELD("problem.file", problem.file, TEXT, 0, 0, NULL, "", "", false,
          "Data instead of a planted target: a problem file (.h5) or FROSTT text "
          "(.tns), which give shape and values."),
    FIELD("problem.file_digest", problem.file_digest, DIGEST, 0, 0, NULL, "", "", true,
          "SHA-256 of problem.file."),
    // model and its start
    FIELD("model.kind", model.kind, CHOICE, 0, 0, "htf", "htf", "", true,
          "The factorization that is trained."),
    FIELD("model.tree", model.tree, TREE, 0, 0, NULL, "binary", "", true,
          "Mode tree: binary, flat, {arity: 4, pattern: half}, {depth: 2} or Newick, "
          "where the label of an interior node is its width."),
    FIELD("model.width", model.width, INTEGER, 1, 1e6, NULL, "16", "", false,
          "Local components at each interior node that model.tree gives no width."),
    FIELD("init.kind", init.kind, CHOICE, 0, 0, "gaussian|balanced", "gaussian", "", true,
          "Initial weights: independent normal numbers, or these balanced at once."),
    FIELD("init.std", init.std, REAL, SMALL, LARGE, NULL, "0.1", "1", true,
          "Standard deviation of the initial weights."),
    FIELD("init.seed", init.seed, INTEGER, 0, WHOLE, NULL, "0", "", true,
          "Which draw of the initial weights."),
    // the flow
    FIELD("loss.kind", loss.kind, CHOICE, 0, 0, "l2", "l2", "", true,
          "Loss of one sample: the squared error (l2)."),
    FIELD("flow.method", flow.method, CHOICE, 0, 0, "bdf|gd", "bdf", "", true,
          "Gradient flow by backward differentiation (bdf), or gradient descent (gd)."),
    FIELD("flow.rtol", flow.rtol, REAL, 1e-13, 0.1, NULL, "1e-6", "1", true,
          "Local error of a bdf step, relative to the weights' root mean square."),
    FIELD("flow.lr", flow.lr, REAL, SMALL, LARGE, NULL, "0.01", "1", true, "Step of gd."),
    FIELD("flow.krylov", flow.krylov, CHOICE, 0, 0, "gmres|pcg", "pcg", "", true,
          "Linear solver in bdf's Newton iteration."),
    FIELD("flow.krylov_dimension", flow.krylov_dimension, INTEGER, 1, 1e4, NULL, "500", "",
          true, "Most Krylov vectors of one linear solve of bdf."),
    FIELD("stop.loss", stop.loss, REAL, 0, LARGE, NULL, "5e-5", "1", true,
          "Stop when the training loss is at most this."),
    FIELD("stop.gradient_norm", stop.gradient_norm, REAL, 0, LARGE, NULL, "0", "1", true,
          "Stop when the norm of the gradient is at most this."),
    FIELD("stop.time", stop.time, REAL, SMALL, LARGE, NULL, "1000000000000", "1", true,
          "Stop at this flow time."),
    FIELD("stop.steps", stop.steps, INTEGER, 1, WHOLE, NULL, "1000000", "", true,
          "Stop after this many accepted steps."),
    FIELD("stop.wall", stop.wall, REAL, 1e-3, 1e9, NULL, "3600", "s", true,
          "Stop after this much computing time. The one bound that depends on the "
          "machine."),
    // what is kept
    FIELD("record.points", record.points, INTEGER, 2, 1e6, NULL, "200", "", true,
          "Most samples kept of a run: when there are more, every second one goes."),
    FIELD("record.components", record.components, INTEGER, 0, 1e6, NULL, "10", "", true,
          "Most local components recorded at each node."),
    FIELD("record.spacing", record.spacing, CHOICE, 0, 0, "arc|log|step", "arc", "", true,
          "Samples are even in arc length of the weights, log of time, or accepted "
          "steps."),
    FIELD("record.weights", record.weights, CHOICE, 0, 0, "none|final|best", "final", "",
          true, "Weights kept of a run: none, the last, or those of least held-out loss."),
};

enum { FIELDS = sizeof fields / sizeof *fields };

// SPDX-License-Identifier: BSD-3-Clause
// The table of a run's parameters.
#pragma once

#include "htflow/observable.h"
#include "htflow/spec.h"

// Integers a double holds exactly; larger ones could not be put into a results file's axis.
#define WHOLE 9007199254740992.0
// What a size, a scale or a bound may be, so that its square is still a double.
#define SMALL     1e-100
#define LARGE     1e100
#define BELOW_ONE 0x1.fffffffffffffp-1
// Matrices of a chain; its text stays shorter than a tree's may be.
#define DEPTH 64

// key, member, type, low, high, choices, default, units, identity, help. Defaults are
// canonical text: identity compares with them.
#define FIELD(key, member, type, low, high, choices, initial, units, identity, help)       \
  {                                                                                        \
    key, HTF_FIELD_##type, offsetof(htf_spec, member), low, high, choices, initial, units, \
        help, identity                                                                     \
  }

#define OR_NAME(name, when, shape, cost, long_name, formula) "|" #name

static const htf_field fields[] = {
    FIELD("seed", sweep_seed, INTEGER, 0, WHOLE, NULL, "1", "", true,
          "Seed of the sweep: with problem.seed or init.seed it keys every random "
          "draw."),
    // problem
    FIELD("problem.task", problem.task, CHOICE, 0, 0, "completion|sensing|full",
          "completion", "", true,
          "What is observed of the target: single entries (completion), products with "
          "random rank-one tensors (sensing), or every entry once (full)."),
    FIELD("problem.shape", problem.shape, SHAPE, 1, 2147483647.0, NULL, "[8, 8, 8, 8]", "",
          true, "Mode sizes of the tensor."),
    FIELD("problem.samples", problem.samples, COUNT, 0, WHOLE, NULL, "1024", "", true,
          "Training samples: a count, or a fraction below 1 of all entries, rounded down; "
          "for sensing a count, for full not to be given: all entries. "
          "With problem.file: allowed where the file has no test list, of the entries of "
          "its training list; all but the held-out ones if it is not given."),
    FIELD("problem.test", problem.test, COUNT, 0, WHOLE, NULL, "1024", "", true,
          "Held-out samples: a count, or a fraction below 1 of all entries, rounded down; "
          "for sensing a count, for full none. "
          "With problem.file: allowed where the file has no test list, and taken out of "
          "its training list; none if it is not given."),
    FIELD("problem.noise", problem.noise, REAL, 0, LARGE, NULL, "0", "1", true,
          "Standard deviation of the Gaussian noise added to training values."),
    FIELD("problem.input_std", problem.input_std, REAL, 0, LARGE, NULL, "0", "1", true,
          "Standard deviation of the entries of sensing vectors; 0 for one over the square "
          "root of the mode's size."),
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
    FIELD("model.kind", model.kind, CHOICE, 0, 0, "htf|cp|mf", "htf", "", true,
          "The factorization that is trained: hierarchical on a mode tree (htf), sum of "
          "rank-one tensors (cp: flat tree, no output weights), or product of matrices "
          "(mf: two modes)."),
    FIELD("model.tree", model.tree, TREE, 0, 0, NULL, "binary", "", true,
          "Mode tree: binary, flat, {arity: 4, pattern: half}, {depth: 2} or Newick, "
          "where the label of an interior node is its width."),
    FIELD("model.width", model.width, INTEGER, 1, 1e6, NULL, "16", "", false,
          "Local components at each interior node that model.tree gives no width."),
    FIELD("model.depth", model.depth, INTEGER, 2, DEPTH, NULL, "3", "", false,
          "How many matrices an mf is the product of."),
    FIELD(
        "init.kind", init.kind, CHOICE, 0, 0,
        "gaussian|balanced|unbalanced|orthogonal|identity|file", "gaussian", "", true,
        "Initial weights: independent normal numbers (gaussian), these balanced at once "
        "(balanced) or to init.unbalance (unbalanced), matrices with orthonormal rows or "
        "columns or ones on the diagonal, times init.std (orthogonal, identity), or those "
        "of init.file (file)."),
    FIELD("init.std", init.std, REAL, SMALL, LARGE, NULL, "0.1", "1", true,
          "Standard deviation of the initial weights."),
    FIELD("init.mean", init.mean, REAL, -LARGE, LARGE, NULL, "0", "1", true,
          "Mean of the initial weights."),
    FIELD("init.width_exponent", init.width_exponent, REAL, -100, 100, NULL, "0", "1", true,
          "The variance of a node's initial weights is init.std squared times the node's "
          "width (of a leaf its mode's size) to minus this power."),
    FIELD("init.unbalance", init.unbalance, REAL, 0, LARGE, NULL, "0", "1", true,
          "How far unbalanced weights are from balanced ones: in each local component one "
          "vector is longer by a factor of one plus this, another shorter."),
    FIELD("init.seed", init.seed, INTEGER, 0, WHOLE, NULL, "0", "", true,
          "Which draw of the initial weights."),
    FIELD("init.file", init.file, TEXT, 0, 0, NULL, "", "", false,
          "Weights to start from, with init.kind file: a weights file, or a results file "
          "with init.run."),
    FIELD("init.file_digest", init.file_digest, DIGEST, 0, 0, NULL, "", "", true,
          "SHA-256 of init.file."),
    FIELD("init.run", init.run, INTEGER, -1, WHOLE, NULL, "-1", "", true,
          "Which run's weights to start from, of a results file; -1 for a weights file."),
    // the flow
    FIELD("loss.kind", loss.kind, CHOICE, 0, 0, "l2|l1|huber", "l2", "", true,
          "Loss of one sample: the squared error (l2), the absolute error (l1), or squared "
          "up to loss.delta and linear beyond (huber)."),
    FIELD("loss.delta", loss.delta, REAL, SMALL, LARGE, NULL, "1", "1", true,
          "Error at which a huber loss turns linear."),
    FIELD("flow.method", flow.method, CHOICE, 0, 0,
          "bdf|gd|adams|erk|momentum|grouprmsprop|adam", "bdf", "", true,
          "Gradient flow by backward differentiation (bdf), Adams' formulas (adams) or an "
          "explicit Runge-Kutta method (erk); or a descent: plain (gd), with momentum, "
          "grouprmsprop or adam."),
    FIELD("flow.rtol", flow.rtol, REAL, 1e-13, 0.1, NULL, "1e-6", "1", true,
          "Local error of a step of bdf, adams or erk, relative to the weights' root mean "
          "square."),
    FIELD("flow.lr", flow.lr, REAL, SMALL, LARGE, NULL, "0.01", "1", true,
          "Step of a descent."),
    FIELD("flow.beta", flow.beta, REAL, 0, BELOW_ONE, NULL, "0.9", "1", true,
          "What momentum keeps of its last step."),
    FIELD("flow.krylov", flow.krylov, CHOICE, 0, 0, "gmres|pcg", "pcg", "", true,
          "Linear solver in bdf's Newton iteration."),
    FIELD("flow.preconditioner", flow.preconditioner, CHOICE, 0, 0, "gauss_newton|none",
          "gauss_newton", "", true,
          "What bdf's conjugate gradients are preconditioned by: the stiff part of the "
          "Gauss-Newton matrix (gauss_newton), or nothing (none)."),
    FIELD("flow.krylov_dimension", flow.krylov_dimension, INTEGER, 1, 1e4, NULL, "500", "",
          true, "Most Krylov vectors of one linear solve of bdf."),
    FIELD("flow.table", flow.table, CHOICE, 0, 0,
          "dormand_prince|cash_karp|bogacki_shampine|fehlberg|zonneveld", "dormand_prince",
          "", true,
          "Runge-Kutta pair of erk: of order 5 (dormand_prince, cash_karp, fehlberg), 4 "
          "(zonneveld) or 3 (bogacki_shampine)."),
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
    FIELD("record.singular_values", record.singular_values, INTEGER, 0, 1e6, NULL, "10", "",
          true, "Most singular values recorded of each matricization."),
    FIELD(
        "record.every", record.every, INTEGER, 0, WHOLE, NULL, "0", "", true,
        "For a descent: a sample every so many steps, all kept whatever record.points and "
        "record.spacing say; 0 for these."),
    FIELD(
        "record.spacing", record.spacing, CHOICE, 0, 0, "arc|log|step|loss|growth",
        "growth", "", true,
        "Samples are even in arc length of the weights (arc), log of time (log), accepted "
        "steps (step), log of the training loss (loss), or growth of the local components: "
        "the log of the fastest of them, and relative arc length (growth), which resolves "
        "the rise of each from however small a start."),
    FIELD("record.times", record.times, LIST, SMALL, LARGE, NULL, "[]", "1", true,
          "Flow times of samples, all kept, whatever record.points, record.spacing and "
          "record.every say; none for these."),
    FIELD("record.weights", record.weights, CHOICE, 0, 0, "none|final|best|first", "final",
          "", true,
          "Weights kept of a run: none, the last, those of least held-out loss, or the "
          "first."),
    FIELD("record.observables", record.observables, NAMES, 0, 0,
          "standard|all" HTF_OBSERVABLE_TABLE(OR_NAME), "[standard]", "", true,
          "What is measured at each sample: observables by name, with standard or all for "
          "whole sets; htflow help observables lists them and what they cost."),
    FIELD("record.entries", record.entries, NAMES, 0, 0, NULL, "[]", "", true,
          "Entries of the tensor whose predictions are recorded, each its indices from 0 "
          "joined by _: [0_0_0_0, 1_2_3_4]."),
    FIELD("record.partitions", record.partitions, NAMES, 0, 0, NULL, "[]", "", true,
          "Sets of modes, beside the tree's nodes, whose matricization's singular values "
          "are recorded, each its modes joined by _: [0_2, 1_3]."),
    // events
    FIELD(
        "events.component", events.component, LIST, SMALL, LARGE, NULL, "[0.1]", "1", true,
        "Levels whose crossing by one of the record.components largest local component "
        "norms of a node is an event; the least one tells when the component is activated. "
        "None costs nothing."),
    FIELD(
        "events.component_scale", events.component_scale, CHOICE, 0, 0, "tensor|absolute",
        "tensor", "", true,
        "Unit of events.component: the norm that a component of the node would have if it "
        "alone made a balanced tensor of the data's size (tensor), or 1 (absolute)."),
    FIELD("events.loss", events.loss, LIST, SMALL, LARGE, NULL, "[]", "1", true,
          "Levels whose crossing by the training loss is an event."),
    FIELD(
        "events.plateau", events.plateau, REAL, 0, LARGE, NULL, "0.1", "1", true,
        "A plateau is where |grad L| |theta| / L is below this: moving the weights by a "
        "hundredth of their norm, the way they go, lowers the loss by less than this many "
        "hundredths. 0: no plateaus are looked for."),
    FIELD(
        "events.rank", events.rank, REAL, 0, BELOW_ONE, NULL, "0", "1", true,
        "Singular values of a node's matricization count for its numerical rank above this "
        "share of the largest, and a change of that rank is an event. 0: none. It costs "
        "the spectra of all nodes at each step."),
};

enum { FIELDS = sizeof fields / sizeof *fields };

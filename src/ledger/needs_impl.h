// SPDX-License-Identifier: BSD-3-Clause
// Which parameters have a meaning only beside some values of another one.
//
// Where the other one has none of these values, the parameter changes nothing: it is left
// out of the run's identity, and the plan says that it is ignored. So a row is a promise of
// the code that reads the spec.
#pragma once

static const struct {
  const char *key;
  const char *by;     // a choice, or a number
  const char *values; // "a|b" of the choice; one value of the number
} needs[] = {
    {"problem.input_std", "problem.task", "sensing"},
    {"init.std", "init.kind", "gaussian|balanced|unbalanced|orthogonal|identity"},
    {"init.mean", "init.kind", "gaussian|balanced|unbalanced"},
    {"init.width_exponent", "init.kind", "gaussian|balanced|unbalanced"},
    {"init.unbalance", "init.kind", "unbalanced"},
    {"init.seed", "init.kind", "gaussian|balanced|unbalanced|orthogonal"},
    {"init.file", "init.kind", "file"},
    {"init.file_digest", "init.kind", "file"},
    {"init.run", "init.kind", "file"},
    {"loss.delta", "loss.kind", "huber"},
    {"flow.rtol", "flow.method", "bdf|adams|erk"},
    {"flow.lr", "flow.method", "gd|momentum|grouprmsprop|adam"},
    {"flow.beta", "flow.method", "momentum"},
    {"flow.krylov", "flow.method", "bdf"},
    {"flow.preconditioner", "flow.method", "bdf"},
    {"flow.preconditioner", "flow.krylov", "pcg"},
    {"flow.krylov_dimension", "flow.method", "bdf"},
    {"flow.table", "flow.method", "erk"},
    {"record.points", "record.every", "0"},
    {"record.spacing", "record.every", "0"},
};

enum { NEEDS = sizeof needs / sizeof *needs };

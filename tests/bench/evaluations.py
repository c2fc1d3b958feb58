#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Gradients and Hessian-vector products to loss 1e-4, the five problems of theory.md section 5.

    tests/bench/evaluations.py [--problems 1,2,3,4,5] [--seeds 3] [--wall 300] [--set KEY=VALUE]..

Counts do not depend on the machine; computing time is printed beside them. The target is an
htf of width 2 on the binary tree whose entries have mean square 1. With --set one compares,
say flow.preconditioner=none. Needs a built htflow (build/, or HTF_BUILD).
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

import h5py

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("HTF_BUILD", ROOT / "build")) / "bin" / "htflow"

# order, mode, width, samples, std; at rtol 1e-4 at most (at 1e-6: 1.6 times as many)
PROBLEMS = [
    ((4, 8, 16, 1024, 0.1), 1000),
    ((4, 8, 64, 2048, 0.03), 1200),
    ((4, 8, 64, 2048, 0.01), 1400),
    ((8, 4, 32, 2048, 0.1), 700),
    ((16, 2, 16, 2048, 0.2), None),
]
SWEEP = """\
seed: 1
problem: {{shape: {shape}, samples: {samples}, test: 100}}
model: {{width: {width}}}
init: {{std: {std}}}
flow: {{rtol: {rtol}}}
stop: {{loss: 1e-4, time: 1e40, wall: {wall}}}
record: {{points: 20, components: 2, singular_values: 0, weights: none}}
axes: [{{seeds: {seeds}}}]
"""


def run(problem, rtol, options):
    """Results of one problem's seeds: a dictionary of arrays."""
    order, mode, width, samples, std = problem
    text = SWEEP.format(shape=[mode] * order, width=width, samples=samples, std=std, rtol=rtol,
                        wall=options.wall, seeds=options.seeds)
    with tempfile.TemporaryDirectory() as folder:
        sweep = pathlib.Path(folder) / "sweep.yaml"
        sweep.write_text(text)
        changes = [word for change in options.set for word in ("--set", change)]
        done = subprocess.run([PROGRAM, "run", sweep, "--out", f"{folder}/out", *changes],
                              capture_output=True, text=True)
        if done.returncode not in (0, 4):
            sys.exit(done.stderr)
        with h5py.File(f"{folder}/out/results.h5") as file:
            found = {name: file["runs"][name][:] for name in
                     ("gradients", "jacobian_products", "unbalancedness_drift",
                      "final_train_loss", "flow_time")}
            found["seconds"] = file["timings/cpu"][:]
    return found


def main():
    """Print a line for each problem and tolerance."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", default="1,2,3,4,5")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--wall", type=float, default=300)
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    print("order mode width samples  std  rtol   evaluations (gradients + products)     "
          "at most  drift/rtol  loss   flow time  seconds")
    for number in options.problems.split(","):
        problem, most = PROBLEMS[int(number) - 1]
        for rtol, factor in (("1e-4", 1), ("1e-6", 1.6)):
            found = run(problem, rtol, options)
            total = found["gradients"] + found["jacobian_products"]
            counts = " ".join(f"{t} ({g}+{p})" for t, g, p in zip(
                total, found["gradients"], found["jacobian_products"]))
            bound = "-" if most is None else f"{most * factor:.0f}"
            print("%d %d %d %d %g" % problem, rtol, f" mean {total.mean():.0f}:", counts,
                  f" {bound}", f" {found['unbalancedness_drift'].max() / float(rtol):.1f}",
                  f" {found['final_train_loss'].max():.1e}", f" {found['flow_time'][0]:.3g}",
                  " " + " ".join(f"{s:.2f}" for s in found["seconds"]), flush=True)


if __name__ == "__main__":
    main()

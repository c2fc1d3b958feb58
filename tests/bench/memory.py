#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The memory of a run against its tables and parameters.

    tests/bench/memory.py [--problems 1,2,3,4,5]

Runs each of the five problems of theory.md section 6 to loss 1e-4, 400 steps at most, and
prints the most bytes that the run asked the allocator for at once (tests/bench/run_memory.c),
beside the model's parameters, the tables P and V of its nodes, and the evaluation's own
memory; what `htflow plan` predicts; and the floor: what an implicit, matrix-free method of
order 5 cannot do without, 12 vectors of the parameters' size (a history of 6, the states at
both ends of a step, the correction, and conjugate gradients' residual, direction and what is
preconditioned) and an evaluation that gives Hessian-vector products.
Needs a built htflow (build/, or HTF_BUILD). Takes a minute and a half.
"""
import argparse
import json
import os
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HTF_BUILD", ROOT / "build"))
# order, mode, width, samples, std
PROBLEMS = ((4, 16, 512, 2048, 0.1), (4, 8, 64, 2048, 0.03), (4, 8, 16, 1024, 0.1),
            (8, 4, 32, 2048, 0.1), (16, 2, 16, 2048, 0.2))
VECTORS = 12
SWEEP = """\
seed: 1
problem: {{shape: {shape}, samples: {samples}, test: {test}}}
model: {{width: {width}}}
init: {{std: {std}}}
flow: {{rtol: 1e-4}}
stop: {{loss: 1e-4, time: 1e40, steps: 400}}
record: {{points: 20, components: 2, singular_values: 0, weights: none}}
"""


def output(*command):
    """What a program prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def measure(order, mode, width, samples, std, folder):
    """Bytes that a run of this problem held at most, and predicted: usual, and at most."""
    path = pathlib.Path(folder) / "sweep.yaml"
    path.write_text(SWEEP.format(shape=[mode] * order, samples=samples, width=width, std=std,
                                 test=min(samples, mode ** order - samples)))
    _, held, usual, most, _ = map(float, output(BUILD / "tests" / "run_memory", path).split())
    return held, usual, most


def sizes(problem, folder):
    """Bytes of parameters, tables and evaluation, as htflow bench says."""
    done = output(BUILD / "bin" / "htflow", "bench", "--json", "--rounds", "1", "--out", folder,
                  "--problem", ",".join(map(str, problem)))
    found = json.loads(done)["problems"][0]
    return [found[key] for key in ("parameter_bytes", "table_bytes", "evaluation_bytes")]


def main():
    """Print a line for each problem."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", default="1,2,3,4,5")
    options = parser.parse_args()
    print(f"{'problem':>17}  {'run MB':>7}  {'parameters':>10}  {'tables':>7}  {'evaluation':>10}"
          f"  run / (parameters + tables)  floor  predicted / run, at most")
    with tempfile.TemporaryDirectory() as folder:
        for number in options.problems.split(","):
            *problem, std = PROBLEMS[int(number) - 1]
            parameters, tables, evaluation = sizes(problem, folder)
            held, usual, most = measure(*problem, std, folder)
            unit, floor = parameters + tables, VECTORS * parameters + evaluation
            print(f"{', '.join(map(str, problem)):>17}  {held / 1e6:7.2f}  {parameters / 1e6:10.3f}"
                  f"  {tables / 1e6:7.3f}  {evaluation / 1e6:10.3f}  {held / unit:27.1f}"
                  f"  {floor / unit:5.1f}  {usual / held:15.2f}  {most / held:7.2f}")


if __name__ == "__main__":
    main()

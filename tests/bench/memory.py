#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The memory of a run against its tables and parameters.

    tests/bench/memory.py

Runs each of the five problems of theory.md section 6 for sixty steps of exact flow and
prints the most memory that the program ever held beyond what it takes for a run of three
parameters, beside the model's parameters, the tables P and V of its nodes, and the
evaluation's own memory. Small runs hide beneath the program's peak at its end, when it
gathers. Needs a built htflow (build/, or HTF_BUILD). Takes half a minute.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("HTF_BUILD", ROOT / "build")) / "bin" / "htflow"
PROBLEMS = ((4, 16, 512, 2048), (4, 8, 64, 2048), (4, 8, 16, 1024), (8, 4, 32, 2048),
            (16, 2, 16, 2048))
SWEEP = """\
name: memory
problem: {{shape: {shape}, samples: {samples}, test: {test},
          target: {{kind: htf, tree: binary, width: {rank}}}}}
model: {{tree: binary, width: {width}}}
init: {{std: 0.1}}
stop: {{loss: 0, steps: 60}}
record: {{points: 10, singular_values: 0}}
"""


def most_memory(order, mode, width, samples):
    """Bytes that a run of this problem held at most, as the system counted."""
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "sweep.yaml"
        path.write_text(SWEEP.format(shape=[mode] * order, samples=samples, width=width,
                                     test=min(samples, mode ** order - samples),
                                     rank=min(width, 2)))
        child = subprocess.Popen([PROGRAM, "run", path, "--out", path.with_suffix("")],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        if status != 0:
            sys.exit(f"{PROGRAM} run ended with status {status}")
        return 1024 * usage.ru_maxrss


def sizes(problem, directory):
    """Bytes of parameters, tables and evaluation, as htflow bench says."""
    done = subprocess.run([PROGRAM, "bench", "--json", "--rounds", "1", "--out", directory,
                           "--problem", ",".join(map(str, problem))], check=True,
                          capture_output=True, text=True)
    found = json.loads(done.stdout)["problems"][0]
    return [found[key] for key in ("parameter_bytes", "table_bytes", "evaluation_bytes")]


def main():
    least = most_memory(2, 2, 1, 3)
    print(f"{'problem':>17}  {'run MB':>7}  {'parameters':>10}  {'tables':>7}"
          f"  {'evaluation':>10}  run / (parameters + tables)")
    with tempfile.TemporaryDirectory() as directory:
        for problem in PROBLEMS:
            parameters, tables, evaluation = sizes(problem, directory)
            run = most_memory(*problem) - least
            print(f"{'%d, %d, %d, %d' % problem:>17}  {run / 1e6:7.2f}  {parameters / 1e6:10.3f}"
                  f"  {tables / 1e6:7.3f}  {evaluation / 1e6:10.3f}"
                  f"  {run / (parameters + tables):5.1f}")


if __name__ == "__main__":
    main()

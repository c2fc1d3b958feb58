#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The cost of one gradient against the number of samples and against the order.

    tests/bench/linear_cost.py [PICTURE.png] [--rounds 2]

Runs `htflow bench` over problems whose tables' rows are as good as all distinct, prints
milliseconds and how far they lie from a straight line, and draws both into PICTURE.png
(default: data/pictures/linear.png). Needs a built htflow (build/, or HTF_BUILD), NumPy and
Matplotlib, which jobs/setup.sh installs. Takes half a minute.
"""
import argparse
import json
import os
import pathlib
import subprocess
import tempfile

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("HTF_BUILD", ROOT / "build")) / "bin" / "htflow"
WIDTH = 16

# What grows, and the problems (order, mode, width, samples) by it. Order 2 has no node
# between leaves and root and lies off the line, as do odd orders, whose trees are uneven.
SAMPLES = {m: (6, 200, WIDTH, m) for m in (512, 1024, 1536, 2048, 3072, 4096)}
ORDERS = {n: (n, 64, WIDTH, 1024) for n in (4, 6, 8, 10)}


def milliseconds(problems, rounds):
    """Milliseconds of a gradient of each problem."""
    with tempfile.TemporaryDirectory() as directory:
        command = [PROGRAM, "bench", "--json", "--rounds", str(rounds), "--out", directory]
        for problem in problems:
            command += ["--problem", ",".join(map(str, problem))]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return np.array([found["gradient_ms"] for found in json.loads(done.stdout)["problems"]])


def report(name, sizes, times):
    """Print a series; return the straight line through it, all relative errors weighed
    alike."""
    line = np.polyfit(sizes, times, 1, w=1 / times)
    errors = np.polyval(line, sizes) / times - 1
    for size, time, error in zip(sizes, times, errors):
        print(f"{name:7} {size:5}  {time:8.4f} ms  line {100 * error:+5.1f} %")
    print(f"{name}: {1e3 * line[0]:.3g} us each, {1e3 * line[1]:.3g} us besides\n")
    return line


def draw(axis, name, sizes, times, line, title):
    """Measured times and the line through them."""
    ends = np.array([0, sizes[-1]])
    axis.plot(ends, np.polyval(line, ends), color="#D55E00", linewidth=1,
              label="straight line")
    axis.plot(sizes, times, "o", markersize=4, color="#0072B2", label="measured")
    axis.set(xlabel=name, ylabel="one gradient (ms)", title=title, xlim=(0, None),
             ylim=(0, None))
    axis.legend(frameon=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", nargs="?", type=pathlib.Path,
                        default=ROOT / "data" / "pictures" / "linear.png")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()

    plt.rcParams.update({"font.size": 8, "axes.titlesize": 8, "axes.spines.top": False,
                         "axes.spines.right": False, "figure.constrained_layout.use": True})
    figure, axes = plt.subplots(1, 2, figsize=(6.4, 2.6))
    for axis, name, problems, title in (
            (axes[0], "samples", SAMPLES, f"order 6, mode size 200, width {WIDTH}"),
            (axes[1], "order", ORDERS, f"mode size 64, width {WIDTH}, 1,024 samples")):
        sizes = np.array(list(problems))
        times = milliseconds(problems.values(), options.rounds)
        draw(axis, name, sizes, times, report(name, sizes, times), title)
    figure.savefig(options.picture, dpi=110)
    print(options.picture)


if __name__ == "__main__":
    main()

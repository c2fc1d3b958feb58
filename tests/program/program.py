# SPDX-License-Identifier: BSD-3-Clause
"""The program as a user drives it."""
import os
import pathlib
import sqlite3
import subprocess

import h5py

BUILD = pathlib.Path(os.environ.get("HTF_BUILD", pathlib.Path(__file__).parents[2] / "build"))
PROGRAM = BUILD / "bin" / "htflow"

SWEEP = """\
name: small
seed: 3
problem:
  shape: [4, 5, 3]
  samples: 40
  test: 10
  target: {kind: htf, tree: "((0,2)2,1)2;", norm: 8}
model: {tree: binary, width: 5}
stop: {loss: 1e-3}
record: {points: 20, components: 3, weights: final}
axes:
  - {key: model.tree, values: [binary, flat]}
  - {key: init.std, log: [0.1, 0.4, 2]}
  - {seeds: 2}
"""


def command(*arguments, ranks=None):
    """The command line of htflow, under mpirun if a number of ranks is given."""
    launcher = ["mpirun", "-n", str(ranks)] if ranks else []
    return [*launcher, str(PROGRAM), *map(str, arguments)]


def htflow(*arguments, ranks=None, timeout=120):
    """Run htflow to its end; text of stdout and stderr, and the exit code."""
    return subprocess.run(command(*arguments, ranks=ranks), capture_output=True, text=True,
                          timeout=timeout, stdin=subprocess.DEVNULL)


def write(path, text):
    """Write a text file and return its path."""
    path.write_text(text)
    return path


def checksum(directory):
    """content_checksum of a sweep directory's results."""
    with h5py.File(pathlib.Path(directory) / "results.h5") as file:
        return file.attrs["content_checksum"]


def checkpoints(out):
    """How many runs the journals of a sweep directory hold half done."""
    count = 0
    for path in out.glob("journal/*.sqlite"):
        with sqlite3.connect(path, timeout=30) as db:
            count += db.execute("SELECT count(*) FROM checkpoint").fetchone()[0]
        db.close()
    return count

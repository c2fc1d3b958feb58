# SPDX-License-Identifier: BSD-3-Clause
"""Results of the program itself, for the tests of the analysis package."""
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PROGRAM = pathlib.Path(os.environ.get("HTF_BUILD", ROOT / "build")) / "bin" / "htflow"
sys.path.insert(0, str(ROOT / "analysis"))

BASE = """\
problem: {shape: [4, 4, 4], samples: 48, test: 16, target: {tree: flat, width: 2, norm: 8}}
model: {tree: binary, width: 4}
stop: {loss: 1e-4}
record: {points: 60, components: 4, weights: best}
"""
SWEEP = BASE + """\
axes:
  - {key: model.tree, values: [binary, flat]}
  - {key: init.std, values: [0.05, 0.2]}
  - {seeds: 2}
"""


def program(*words, code=0):
    """Run htflow; its standard output."""
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == code, done.stderr
    return done.stdout


def run_sweep(folder, text, *more, code=0):
    """Run a sweep in a folder; the path of its results."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sweep.yaml").write_text(text)
    program("run", folder / "sweep.yaml", "--out", folder / "out", *more, code=code)
    if "--shard" in more:
        program("gather", folder / "out", "--partial", code=code)
    return folder / "out" / "results.h5"


@pytest.fixture(scope="session")
def path(tmp_path_factory):
    """Results of a small sweep over tree, scale and seeds."""
    return run_sweep(tmp_path_factory.mktemp("sweep"), SWEEP)


@pytest.fixture(scope="session")
def mixed(tmp_path_factory):
    """Results of descents: of 16 runs 8 pending, and of each lr, tree 2 done or 2 failed."""
    text = BASE.replace("stop: {loss: 1e-4}", "stop: {loss: 1e-4, steps: 300}") + """\
flow: {method: gd}
axes:
  - {key: flow.lr, values: [0.1, 1e6]}
  - {key: model.tree, values: [binary, flat]}
  - {seeds: 4}
"""
    return run_sweep(tmp_path_factory.mktemp("mixed"), text, "--shard", "1/2", code=4)

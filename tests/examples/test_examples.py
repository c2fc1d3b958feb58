# SPDX-License-Identifier: BSD-3-Clause
"""The examples in C, built as a user builds them against an installed htflow, and run."""
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HTF_BUILD", ROOT / "build"))


def output(*command, **more):
    done = subprocess.run(command, text=True, capture_output=True, **more)
    assert done.returncode == 0 and "warning" not in done.stderr, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    prefix = tmp_path_factory.mktemp("prefix")
    output("cmake", "--install", BUILD, "--prefix", prefix)
    return prefix


@pytest.fixture
def source(prefix, tmp_path):
    """A copy of an example as it is installed."""
    def copy(name):
        output("cp", "-r", prefix / "share/doc/htflow/examples" / name, tmp_path / name)
        return tmp_path / name
    return copy


def test_gradient_by_make_and_pkg_config(prefix, source):
    folder = source("gradient")
    output("make", cwd=folder, env={**os.environ, "PKG_CONFIG_PATH": f"{prefix}/lib/pkgconfig"})
    told = output(folder / "gradient")
    weights, loss = re.match(r"(\d+) weights, loss ([\d.]+)\n", told).groups()
    # Leaves 4 x 6 x 8, interior nodes 2 x 8 x 8, the root 8.
    assert int(weights) == 328 and 0.5 < float(loss) < 2
    apart = [float(found) for found in re.findall(r"apart (\S+)", told)]
    assert len(apart) == 2 and max(apart) < 1e-6


def test_flow_by_cmake(prefix, source):
    folder = source("flow")
    output("cmake", "-G", "Ninja", "-S", folder, "-B", folder / "build",
           f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_C_FLAGS=-Wall -Wextra")
    output("cmake", "--build", folder / "build")
    told = output(folder / "build/flow")
    learnt = re.findall(r"learnt: component (\d) of interior node (\d)  at t = ([\d.]+)", told)
    # The target has rank 2 at every node: all first components come before any second one.
    assert [component for component, _, _ in learnt] == list("000111")
    assert sorted(node for _, node, _ in learnt) == list("001122")
    times = [float(time) for _, _, time in learnt]
    assert times == sorted(times) and times[2] - times[0] < 0.1 * (times[3] - times[0])
    loss, held_out = map(float, re.search(r"done \(loss\) .*loss (\S+), held out (\S+),",
                                          told).groups())
    assert loss <= 1e-6 and held_out < 1e-4
    rows = [list(map(float, row.split())) for row in
            told.split("components\n")[1].split("\n\n")[0].splitlines()]
    assert rows[0][2] < 1e-2 < 1 < rows[-1][3] and rows[-1][4] < 1e-2

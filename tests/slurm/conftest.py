# SPDX-License-Identifier: BSD-3-Clause
"""Sweeps are made, killed and judged as tests/faults does; the cluster is one for all tests."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

TESTS = pathlib.Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / "faults"), str(TESTS / "program")]


def obstacle():
    """Why there can be no cluster here; empty if there can. As root all must be there."""
    if os.geteuid() != 0:
        return "nodes are made of namespaces, which wants root"
    absent = [name for name in ("slurmctld", "slurmd", "munged", "sbatch")
              if shutil.which(name) is None]
    assert not absent, f"jobs/setup.sh --tests installs what is missing: {absent}"
    tried = subprocess.run(["unshare", "--uts", "--mount", "--pid", "--fork", "true"],
                           capture_output=True, text=True, check=False)
    return "" if tried.returncode == 0 else f"nodes need namespaces: {tried.stderr.strip()}"


@pytest.fixture(scope="session")
def possible():
    """Skips where there can be no cluster."""
    why = obstacle()
    if why:
        pytest.skip(why)


@pytest.fixture(scope="session")
def cluster(possible):
    """Three nodes of two processors."""
    from cluster import Cluster, processes

    def ended(*_):
        raise KeyboardInterrupt  # a time limit's TERM, so that the cluster is stopped
    signal.signal(signal.SIGTERM, ended)
    made = Cluster()
    yield made
    made.stop()
    assert processes(made.root) == [], "processes outlive the cluster"
    assert not made.root.exists()

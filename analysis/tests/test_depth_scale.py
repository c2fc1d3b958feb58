# SPDX-License-Identifier: BSD-3-Clause
"""The small form of the study of depth and scale: its sweep, its phase diagram, its findings."""
import os
import subprocess

import numpy as np
import pytest

from conftest import PROGRAM, ROOT

from htflow import open_results, phase_diagram

NEAR, FAR = "data/chain-near-8.h5", "data/chain-far-8.h5"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Results of jobs/depth-scale-small.yaml, from two ranks."""
    out = tmp_path_factory.mktemp("study") / "out"
    done = subprocess.run(["mpirun", "-n", "2", PROGRAM, "run", "jobs/depth-scale-small.yaml",
                           "--out", out], cwd=ROOT, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, env={**os.environ, "OMPI_MCA_rmaps_base_"
                                                         "oversubscribe": "1"})
    assert done.returncode in (0, 4), done.stderr
    return open_results(out / "results.h5")


def diagram(study, target, value, x="initial_norm"):
    return phase_diagram(study.sel(problem_file=target), value, x, "tree_depth")


def test_the_three_decades_are_there_at_each_depth(study):
    found = diagram(study, NEAR, "effective_rank")
    assert list(found.tree_depth) == [1, 2, 3]
    for depth in (1, 2, 3):
        norms = found.initial_norm.values[found.ended.sel(tree_depth=depth).values > 0]
        assert norms.max() / norms.min() >= 999
    assert int(found.ended.sum()) == 36


def test_deep_trees_complete_the_near_chain_and_flat_ones_do_not(study):
    errors = study.sel(problem_file=NEAR).final("least_reconstruction_error")
    best = errors.groupby("tree_depth").min()
    assert best.sel(tree_depth=2) < 0.06 and best.sel(tree_depth=3) < 0.06
    assert best.sel(tree_depth=1) > 0.12


def test_only_deep_trees_tell_near_from_far(study):
    """The flat tree knows no order of modes: its errors on both are alike, the deep one's not."""
    least = {target: study.sel(problem_file=target).final("least_reconstruction_error")
             .groupby("tree_depth").median() for target in (NEAR, FAR)}
    ratio = least[FAR] / least[NEAR]
    assert ratio.sel(tree_depth=3) > 1.5 and ratio.sel(tree_depth=2) > 2
    assert 0.6 < ratio.sel(tree_depth=1) < 1.6


def test_the_smaller_the_start_the_lower_the_rank(study):
    """Of the far chain, which needs many components, within the same number of steps."""
    rank = study.sel(problem_file=FAR, tree_depth=3).final("effective_rank").groupby("init_std")
    medians = rank.median().values
    assert np.all(np.diff(medians) > -0.05) and medians[-1] > medians[0] + 0.4, medians

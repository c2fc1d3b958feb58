# SPDX-License-Identifier: BSD-3-Clause
"""Exponents and scalings."""
import json

import numpy as np
import pytest

from conftest import program, run_sweep

from htflow import exponents, open_results, scaling, when

KINDS = """\
problem: {shape: [4, 4, 4], samples: 48, test: 16, target: {tree: flat, width: 2, norm: 8}}
model: {width: 4}
init: {kind: balanced, std: 0.05}
stop: {loss: 1e-3}
record: {points: 60, components: 4}
axes:
  - {key: model, values: [{kind: htf, tree: binary}, {kind: cp}]}
  - {seeds: 2}
"""


@pytest.mark.parametrize("text", [None, KINDS], ids=["trees", "kinds"])
def test_exponents_are_those_of_check(text, path, tmp_path):
    """A frozen root has one vector less: cp's is 2 - 2/3 here, the flat tree's 2 - 2/4."""
    path = path if text is None else run_sweep(tmp_path, text)
    found = exponents(open_results(path))
    said = [(run["run"], fit) for run in json.loads(program("check", path, "--json"))["runs"]
            for fit in run["exponents"]]
    assert found.run.values.tolist() == [run for run, _ in said]
    assert found.node.values.tolist() == [fit["node"] for _, fit in said]
    for key in ("exponent", "expected", "factor", "points"):
        theirs = np.array([fit[key] for _, fit in said], float)  # null is NaN
        assert np.allclose(found[key], theirs, rtol=1e-9, atol=0, equal_nan=True), key
    assert np.isfinite(found.exponent).sum() >= 4
    if text is not None:
        assert set(np.round(found.expected.values, 12)) == {round(2 - 2 / 3, 12)}


def made(results, slope, noise, random):
    """A number of the runs that scales as init.std^slope, with seeds that share their luck."""
    luck = random.normal(size=1000)[results.runs.seed.values]
    own = 0.2 * random.normal(size=results.runs.sizes["run"])
    return 3 * results.runs.init_std.values ** slope * np.exp(noise * (luck + own))


def test_a_slope_is_exact_without_noise(path):
    results = open_results(path)
    found = scaling(results, made(results, -2, 0, np.random.default_rng(0)), by="model_tree")
    for name in ("slope", "low", "high"):
        assert np.allclose(found[name], -2, atol=1e-12)
    assert np.allclose(found.intercept, np.log(3)) and (found.points == 4).all()


def test_the_interval_covers_as_often_as_it_says(tmp_path):
    """Of 100 made data sets of 16 seeds; the bootstrap is known to be a little too narrow."""
    text = "problem: {shape: [2, 2], samples: 4, test: 0, target: {tree: flat, width: 1}}\n" \
        "model: {tree: flat, width: 1}\nstop: {steps: 1}\nrecord: {points: 2}\naxes:\n" \
        "  - {key: init.std, values: [0.1, 0.2, 0.4]}\n  - {seeds: 16}\n"
    results = open_results(run_sweep(tmp_path, text))
    random = np.random.default_rng(5)
    fits = [scaling(results, made(results, 1.5, 0.5, random), draws=200) for _ in range(100)]
    covered = sum(bool(f.low <= 1.5 <= f.high) for f in fits)
    assert 85 <= covered <= 99
    # Seeds' luck is common to all scales, so it moves no slope: drawing single runs would give
    # intervals five times as wide.
    width = np.median([f.high - f.low for f in fits])
    assert width < 4 * 0.5 * 0.2 / np.sqrt(48) / np.std(np.log([0.1, 0.2, 0.4]))


def test_the_first_component_comes_as_late_as_the_theory_says(tmp_path):
    """From zero, a product of L matrices grows as std^L with rate std^(L-2) (L = 4 and 5)."""
    text = KINDS[:KINDS.index("init:")] + "stop: {loss: 0.1}\nrecord: {points: 60}\naxes:\n" \
        "  - {key: model.tree, values: [flat, binary]}\n" \
        "  - {key: init.std, values: [0.003, 0.01]}\n  - {seeds: 2}\n"
    results = open_results(run_sweep(tmp_path, text))
    found = scaling(results, when(results, 0, "time"), by="model_tree")
    assert found.model_tree.values.tolist() == ["flat", "binary"]
    assert np.allclose(found.slope, [-2, -3], atol=0.02)
    assert (found.low - 1e-9 <= found.slope).all() and (found.slope <= found.high + 1e-9).all()


def test_a_key_with_one_value_has_no_slope(path):
    found = scaling(open_results(path).sel(init_std=0.2), "flow_time")
    assert np.isnan(found.slope) and int(found.points) == 4

# SPDX-License-Identifier: BSD-3-Clause
"""Figures: what is on their axes, and the numbers that feed them."""
import json
import os
import subprocess

import numpy as np
import pytest

from conftest import BASE, ROOT, program, run_sweep

from htflow import aligned, open_results
from htflow.figures import FIGURES, descent, dynamics, order, phase, residuals, save, seeds
from htflow.figures.descent import pairs
from htflow.figures.labels import class_labels, column_key, node_label
from htflow.learning import learnt
from htflow.phases import phase_diagram
from htflow.physics import residuals as of_runs


def test_dynamics_draws_the_norms_of_each_tree_and_scale(path):
    results = open_results(path)
    axes = np.array(dynamics(results, seed=1).axes).reshape(4, 2)
    for i, tree in enumerate(("flat", "binary")):  # from shallow to deep
        assert axes[2 * i, 1].get_title() == f"model.tree {tree}\ninit.std 0.2"
        data = next(d for d in results.trajectories.values() if d.model_tree[0] == tree)
        run = data.where((data.init_std == 0.2) & (data.seed == 1), drop=True).isel(run=0)
        lines = axes[2 * i, 1].get_lines()
        assert len(lines) == 4
        for k, line in enumerate(lines):
            norm = run.local_component_norm.isel(node=0, component=k)[:int(run.samples)]
            assert np.array_equal(line.get_ydata(), norm)
            assert np.array_equal(line.get_xdata(), run.arc_length[:int(run.samples)])


def test_a_phase_diagram_is_the_median_of_each_cell(path):
    results = open_results(path)
    found = phase_diagram(results, "reconstruction_error", reduce="median")
    assert found.value.dims == ("model_tree", "init_std") and found.value.shape == (2, 2)
    for tree, std in (("flat", 0.05), ("binary", 0.2)):
        last = []
        for data in results.trajectories.values():
            for run in range(data.sizes["run"]):
                one = data.isel(run=run)
                if one.model_tree == tree and one.init_std == std:
                    last.append(float(one.reconstruction_error[int(one.samples) - 1]))
        assert len(last) == 2
        assert float(found.value.sel(model_tree=tree, init_std=std)) == np.median(last)
    assert (found.done == 2).all() and (found.failed == 0).all()


def test_failed_and_pending_runs_are_told_and_not_reduced(mixed):
    results = open_results(mixed)
    found = phase_diagram(results, "final_train_loss", "flow_lr", "model_tree")
    assert found.done.sel(flow_lr=0.1).values.tolist() == [2, 2]
    assert found.failed.sel(flow_lr=0.1).values.tolist() == [0, 0]
    assert found.failed.sel(flow_lr=1e6).values.tolist() == [1, 1]
    assert (found.pending == 2).all()
    assert np.isnan(found.value.sel(flow_lr=1e6)).all()
    both = phase_diagram(results, "final_train_loss", "model_tree", "seed")
    assert both.failed.sel(seed=0).values.tolist() == [0.5, 0.5]
    assert np.isnan(both.failed.sel(seed=1)).all()  # pending
    texts = [text.get_text() for text in phase(results, x="flow_lr").axes[0].texts]
    assert sum("100% failed" in text for text in texts) == 2


def test_a_phase_figure_shows_its_numbers(path):
    figure = phase(open_results(path), ["effective_rank"], reduce="mean")
    found = phase_diagram(open_results(path), "effective_rank", reduce="mean").value.values
    axis = figure.axes[0]
    assert np.array_equal(axis.collections[0].get_array().reshape(2, 2), found)
    assert [text.get_text() for text in axis.texts] == [f"{v:.3g}" for v in found.ravel()]
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["flat", "binary"]
    assert [tick.get_text() for tick in axis.get_xticklabels()] == ["0.05", "0.2"]


def test_quantiles_and_unknown_names(path):
    results = open_results(path)
    low, high = (phase_diagram(results, "flow_time", reduce=q).value for q in (0, "1"))
    assert (low < high).all()
    with pytest.raises(ValueError, match="nothing is not recorded"):
        phase(results, ["nothing"])


def test_the_order_of_learning_is_that_of_check(path):
    """Every number of `htflow check --json`, of every run."""
    found = learnt(open_results(path))
    said = json.loads(program("check", path, "--json"))["runs"]
    assert len(said) == 8
    for run in said:
        mine = found.isel(learnt=found.run.values == run["run"])
        assert mine.place.values.tolist() == list(range(len(run["learnt"])))
        for key in ("node", "component", "sample", "time", "arc_length", "norm"):
            assert mine[key].values.tolist() == [entry[key] for entry in run["learnt"]]


def test_the_order_figure_shows_every_component_learnt(path):
    results = open_results(path)
    found, figure = learnt(results), order(results)
    drawn = [np.sort(figure.axes[i].collections[0].get_offsets()[:, 0]) for i in (0, 2)]
    for tree, lengths in zip(("flat", "binary"), drawn):
        assert np.array_equal(lengths, np.sort(found.arc_length[found.model_tree == tree]))
    shares = figure.axes[1].collections[0].get_array()
    assert np.allclose(np.ma.getdata(shares).reshape(-1, found.place[
        found.model_tree == "flat"].max().item() + 1)[:, 0].sum(), 1)


def test_residuals_are_those_of_check(path, tmp_path):
    found = of_runs(open_results(path))
    said = json.loads(program("check", path, "--json"))
    for run in said["runs"]:
        mine = found.isel(run=run["run"])
        assert float(mine.unbalancedness_drift) == run["unbalancedness_drift"]
        assert float(mine.law_residual) == run["law_residual"]
    assert found.law_broken.any() == any("law_residual" in f["finding"]
                                         for f in said["findings"])
    assert (found.rtol == 1e-6).all()


@pytest.fixture(scope="module")
def methods(tmp_path_factory):
    """Results of two seeds by three methods."""
    text = BASE + "axes: [{seeds: 2}, {key: flow, values: [{method: bdf, rtol: 1e-3}, " \
        "{method: bdf, rtol: 1e-5}, {method: gd, lr: 0.1}]}]\n"
    return open_results(run_sweep(tmp_path_factory.mktemp("methods"), text, "--set",
                                  "stop.steps=200"))


def test_residuals_lie_over_rtol_where_it_is_swept(methods):
    results = methods.sel(seed=0)
    assert np.array_equal(of_runs(results).rtol, [1e-3, 1e-5, np.nan], equal_nan=True)
    axis = residuals(results).axes[0]
    assert axis.collections[0].get_offsets()[:, 0].tolist() == [1e-3, 1e-5]
    assert axis.collections[0].get_offsets()[:, 1].tolist() == \
        results.runs.unbalancedness_drift[:2].values.tolist()


def test_methods_are_compared_from_the_same_weights(methods):
    names = ["bdf, rtol 0.001", "bdf, rtol 1e-05", "gd, lr 0.1"]
    assert pairs(methods, 1) == {"c0": dict(zip(names, [3, 4, 5]))}
    losses, norms, costs = descent(methods, 1).axes
    assert [text.get_text() for text in losses.get_legend().get_texts()] == names
    for line, run in zip(losses.get_lines()[::2], [3, 4, 5]):
        data = methods.trajectories["c0"].sel(run=run)
        assert np.array_equal(line.get_ydata(), data.train_loss[:int(data.samples)])
        assert data.train_loss[0] == methods.trajectories["c0"].sel(run=3).train_loss[0]
    runs = methods.runs.sel(run=[3, 4, 5])
    assert [bar.get_width() for bar in costs.patches] == \
        (runs.gradients + runs.jacobian_products).values.tolist()
    with pytest.raises(ValueError, match="differ in flow alone"):
        descent(methods.sel(run=[0, 4]))


def test_nodes_have_short_names():
    names = {"0_1_2_3": "0-3", "0_1": "0_1", "0_2_4_5_6": "0_2_4-6", "10_11_12+": "10-12+",
             "0++": "0++"}
    assert {name: node_label(name) for name in names} == names


def test_columns_are_of_a_key_that_varies_within_a_class(mixed, path, tmp_path):
    text = BASE + "axes: [{key: model.width, values: [3, 5]}, {key: problem.samples, values: " \
        "[40, 48]}]\n"
    widths = open_results(run_sweep(tmp_path, text, "--set", "stop.steps=5"))
    assert column_key(widths) == "problem_samples"
    assert list(class_labels(widths, ["problem_samples"]).values()) == \
        ["model.width 3", "model.width 5"]
    assert column_key(open_results(path)) == "init_std"
    assert column_key(open_results(mixed)) == "flow_lr"
    assert column_key(open_results(path).sel(init_std=0.2)) is None
    shown = [axis.get_title() for axis in dynamics(widths).axes[::4]]
    assert shown == ["model.width 3\nproblem.samples 40", "model.width 5\nproblem.samples 40"]


def test_seeds_are_drawn_aligned(path):
    results = open_results(path)
    axis = np.array(seeds(results).axes).reshape(2, 2)[1, 0]
    assert axis.get_title() == "model.tree binary\ninit.std 0.05: 2 runs"
    data = results.sel(model_tree="binary", init_std=0.05).trajectories["c0"]
    line = axis.get_lines()[0]
    found = aligned(data, "local_component_norm", grid=line.get_xdata(), log=True)
    assert np.allclose(line.get_ydata(), found.local_component_norm.sel(quantile=0.5)[:, 0, 0])
    assert found["count"].min() == 2


def test_every_figure_takes_every_kind_of_results(mixed, tmp_path):
    """A figure, or a text that says what is missing; never another error."""
    one = run_sweep(tmp_path / "one", BASE)
    none = run_sweep(tmp_path / "none", BASE + "axes: [{seeds: 2}]\n", "--shard", "1/2",
                     "--set", "stop.steps=1", "--set", "record.observables=[train_loss]")
    for results in map(open_results, (mixed, one, none)):
        for entry in FIGURES:
            if entry.of_any_results:
                try:
                    assert entry.draw(results).axes
                except ValueError as error:
                    assert "no" in str(error)


@pytest.mark.parametrize("entry", [e for e in FIGURES if e.of_any_results],
                         ids=lambda entry: entry.name)
def test_figures_are_light(entry, path, tmp_path):
    try:
        figure = entry.draw(open_results(path))
    except ValueError as error:
        assert entry.name == "descent" and "no axis over flow" in str(error)
        return
    paths = [tmp_path / f"a.{form}" for form in ("png", "pdf", "svg")]
    save(figure, *paths)
    for path in paths:
        assert 5_000 < path.stat().st_size < 200_000


def test_the_same_results_give_the_same_bytes(path, tmp_path):
    made = [[tmp_path / f"{k}.{form}" for form in ("svg", "pdf")] for k in range(2)]
    for paths in made:
        save(residuals(open_results(path)), *paths)
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(*made))


def test_figures_are_drawn_from_the_command_line(path, tmp_path):
    def draw(*words):
        return subprocess.run(["/usr/bin/python3", "-m", "htflow", *words], text=True,
                              env={**os.environ, "PYTHONPATH": str(ROOT / "analysis")},
                              capture_output=True, stdin=subprocess.DEVNULL)
    done = draw("phase", path, "-o", tmp_path / "a.png", "-o", tmp_path / "a.svg", "--values",
                "final_test_loss", "flow_time", "--x", "seed", "--reduce", "0.9")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    text = (tmp_path / "a.svg").read_text()
    assert "flow time at the end" in text and "quantile 0.9 of 2 runs" in text
    done = draw("phase", path, "-o", tmp_path / "b.png", "--x", "nothing")
    assert done.returncode == 1 and "htflow phase: " in done.stderr
    assert "Traceback" not in done.stderr

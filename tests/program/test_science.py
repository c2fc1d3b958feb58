# SPDX-License-Identifier: BSD-3-Clause
"""The science, from the program's results: laws, exponents, conservation, tasks and starts.

Each sweep's results also pass `htflow check`. theory.md section 3 has the formulas.
"""
import h5py
import numpy as np
import pytest

from program import htflow, write


def results_of(folder, text, name="out"):
    """Run a sweep given as text, check its results, and return them open."""
    ran = htflow("run", write(folder / f"{name}.yaml", text), "--out", folder / name)
    assert ran.returncode == 0, ran.stderr
    path = folder / name / "results.h5"
    checked = htflow("check", path)
    assert checked.returncode == 0 and "is sound" in checked.stdout, checked.stdout
    return h5py.File(path)


def trajectory(file, run, name):
    """An observable of a run, as long as the run has samples."""
    group = file["trajectories"][file["runs/trajectory"][run].decode()]
    row = file["runs/row"][run]
    return group[name][row, :group["samples"][row]]


def runs_of(file):
    """The numbers of all runs."""
    return range(len(file["runs/run"]))


def slope(x, y):
    """Of the line through (log x, log y) by least squares."""
    return np.polyfit(np.log(x), np.log(y), 1)[0]


# Models of each kind, with a problem they fit: sizes, and lines of the sweep.
MODELS = {
    "contiguous": ([4, 3, 5, 2], "{kind: htf, tree: binary, width: 4}"),
    "non-contiguous": ([4, 3, 5, 2], '{kind: htf, tree: "((0,2)4,(1,3)3)4;"}'),
    "deep": ([4, 3, 5, 2], '{kind: htf, tree: "(((0,3)4,1)3,2)4;"}'),
    "cp": ([4, 3, 5, 2], "{kind: cp, tree: flat, width: 6}"),
    "mf": ([8, 7], "{kind: mf, depth: 3, width: 5}"),
}
NORM = 8


def sweep(model, task="completion", init="{std: 0.6}", rest=""):
    """The text of a sweep of one of the models above."""
    shape, line = MODELS[model]
    counts = {"completion": "samples: 0.6, test: 0.1", "sensing": "samples: 150, test: 20",
              "full": ""}[task]
    parts = [f"task: {task}", f"shape: {shape}", f"target: {{kind: htf, tree: binary, "
             f"width: 2, norm: {NORM}}}", counts]
    problem = ", ".join(p for p in parts if p)
    return f"name: science\nproblem: {{{problem}}}\nmodel: {line}\ninit: {init}\n{rest}"


# ---- the law --------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
def test_the_exact_law_holds_at_every_sample(tmp_path, model):
    """An identity: what is left is rounding, relative to the largest rate."""
    with results_of(tmp_path, sweep(model, rest="""\
flow: {lr: 0.05}
stop: {loss: 1e-3, steps: 3000}
axes: [{key: flow.method, values: [bdf, gd]}]
""")) as file:
        for run in runs_of(file):
            residual = trajectory(file, run, "law_residual")
            assert len(residual) > 20 and np.all(residual <= 1e-10), residual.max()
            assert np.nanmax(np.abs(trajectory(file, run, "local_component_rate"))) > 1e-3


@pytest.mark.parametrize("model", ["deep", "cp", "mf"])
def test_recorded_rates_are_those_of_the_recorded_norms(tmp_path, model):
    """By differences over single short steps, whose own error is of the step's order."""
    with results_of(tmp_path, sweep(model, rest="""\
flow: {method: gd, lr: 1e-3}
stop: {loss: 0, steps: 200}
record: {every: 1}
""")) as file:
        norm = trajectory(file, 0, "local_component_norm")[:, :, 0]
        rate = trajectory(file, 0, "local_component_rate")[:, :, 0]
        time = trajectory(file, 0, "time")
        measured = np.diff(norm, axis=0) / np.diff(time)[:, None]
        np.testing.assert_allclose(measured, rate[:-1], rtol=0, atol=1e-2 * np.abs(rate).max())


# Shape and model, and how many vectors each component has.
BALANCED = {2: ([8, 7], "{kind: mf, depth: 2, width: 6}"),
            3: ([4, 4, 4, 4], "{kind: htf, tree: binary, width: 5}"),
            5: ([4, 4, 4, 4], "{kind: htf, tree: flat, width: 8}")}


@pytest.mark.parametrize("vectors", BALANCED)
def test_the_exponent_of_balanced_components_is_2_minus_2_over_k(tmp_path, vectors):
    """Fitted over components and samples; components small against the drift are left out."""
    shape, model = BALANCED[vectors]
    with results_of(tmp_path, f"""\
name: exponent
problem: {{shape: {shape}, samples: 0.7, test: 0, target: {{width: 2, norm: {NORM}}}}}
model: {model}
init: {{kind: balanced, std: 0.1}}
flow: {{rtol: 1e-9}}
stop: {{loss: 1e-3}}
axes: [{{seeds: 3}}]
""") as file:
        norms, ratios = [], []
        for run in runs_of(file):
            norm = trajectory(file, run, "local_component_norm")
            drift = trajectory(file, run, "unbalancedness").max()
            ratio = (trajectory(file, run, "local_component_rate") /
                     trajectory(file, run, "local_component_drive"))
            used = norm ** (2 / vectors) > 1e3 * drift  # unbalanced by less than 1e-3
            norms.append(norm[used])
            ratios.append(ratio[used])
        norms, ratios = np.concatenate(norms), np.concatenate(ratios)
        assert norms.max() / norms.min() > 30 and norms.size > 200
        assert slope(norms, ratios) == pytest.approx(2 - 2 / vectors, rel=0.02)
        # and the factor before it is K
        factor = ratios / norms ** (2 - 2 / vectors)
        np.testing.assert_allclose(factor, vectors, rtol=1e-2)


# ---- conservation and exactness ---------------------------------------------------------


@pytest.mark.parametrize("model", ["non-contiguous", "cp", "mf"])
def test_drift_under_descent_is_linear_in_the_step(tmp_path, model):
    with results_of(tmp_path, sweep(model, rest="""\
flow: {method: gd}
stop: {loss: 0, time: 16}
axes: [{key: flow.lr, values: [4e-3, 2e-3, 1e-3]}]
""")) as file:
        np.testing.assert_allclose(file["runs/flow_time"][:], 16, rtol=1e-12)
        drift = file["runs/unbalancedness_drift"][:]
        assert slope(file["runs/flow_lr"][:], drift) == pytest.approx(1, abs=0.1), drift


@pytest.mark.parametrize("model", ["non-contiguous", "cp", "mf"])
def test_drift_under_bdf_falls_with_the_tolerance(tmp_path, model):
    with results_of(tmp_path, sweep(model, rest="""\
stop: {loss: 0, time: 50}
axes: [{key: flow.rtol, values: [1e-4, 1e-5, 1e-6, 1e-7, 1e-8]}]
""")) as file:
        drift = file["runs/unbalancedness_drift"][:]
        assert np.all(np.diff(drift) < 0), drift
        assert slope(file["runs/flow_rtol"][:], drift) > 0.6, drift


@pytest.mark.parametrize("model", ["deep", "cp", "mf"])
def test_methods_of_the_flow_agree(tmp_path, model):
    with results_of(tmp_path, sweep(model, rest="""\
flow: {rtol: 1e-8}
stop: {loss: 0, time: 10}
axes: [{key: flow.method, values: [bdf, adams, erk]}]
""")) as file:
        assert np.all(file["runs/flow_time"][:] == 10)
        loss = file["runs/final_train_loss"][:]
        assert loss[0] < 0.95 * trajectory(file, 0, "train_loss")[0]  # it did move
        np.testing.assert_allclose(loss, loss[0], rtol=1e-5)


def final_weights(file):
    """The last weights of every run, [run, parameter]."""
    group = file["weights/c0"]
    names = [name for name in group if name.startswith("w_")]
    runs = group[names[0]].shape[0]
    return np.concatenate([group[name][:].reshape(runs, -1) for name in names], axis=1)


@pytest.mark.parametrize("model", ["deep", "non-contiguous"])
def test_the_error_of_bdf_is_proportional_to_the_tolerance(tmp_path, model):
    """Against erk at 1e-12, past the plateau; conserved quantities keep 20 times rtol.

    The errors are geometric means over four starts: of one alone they scatter by a factor of 3.
    """
    rest, starts = "stop: {loss: 0, time: 30}\nrecord: {weights: final}\n", "{seeds: 4}"
    with results_of(tmp_path, sweep(model, rest=rest + f"""\
flow: {{method: erk, rtol: 1e-12}}
axes: [{starts}]
"""), name="reference") as file:
        reference = final_weights(file)
    with results_of(tmp_path, sweep(model, rest=rest + f"""\
axes: [{{key: flow.rtol, log: [1e-9, 1e-4, 6]}}, {starts}]
""")) as file:
        rtol, drift = file["runs/flow_rtol"][:], file["runs/unbalancedness_drift"][:]
        error = np.linalg.norm(final_weights(file) - reference[file["runs/seed"][:]], axis=1)
    means = [np.exp(np.mean(np.log(error[rtol == each]))) for each in np.unique(rtol)]
    assert slope(np.unique(rtol), means) == pytest.approx(1, abs=0.15), means
    fine = means[:4] / np.unique(rtol)[:4]
    assert fine.max() < 2 * fine.min(), fine  # 1e-9 to 1e-6
    assert np.all(drift < 20 * rtol), drift / rtol


# ---- tasks and losses -------------------------------------------------------------------


@pytest.mark.parametrize("task", ["sensing", "full"])
@pytest.mark.parametrize("model", ["non-contiguous", "cp", "mf"])
def test_tasks_reach_their_loss(tmp_path, task, model):
    """A loss far below the target's mean square, which is of order 1."""
    with results_of(tmp_path, sweep(model, task, rest="stop: {loss: 1e-4}\n")) as file:
        first = trajectory(file, 0, "train_loss")[0]
        assert file["runs/final_train_loss"][0] <= 1e-4 < 1e-2 * first
        if task == "full":  # every entry is a sample: mean square is the error's square
            entries = np.prod(MODELS[model][0])
            error = trajectory(file, 0, "reconstruction_error")
            np.testing.assert_allclose((NORM * error) ** 2 / entries,
                                       trajectory(file, 0, "train_loss"), rtol=1e-8)


@pytest.mark.parametrize("model", ["non-contiguous", "cp", "mf"])
def test_robust_losses_fall_under_descent(tmp_path, model):
    with results_of(tmp_path, sweep(model, rest="""\
loss: {delta: 0.1}
flow: {method: gd, lr: 1e-2}
stop: {loss: 0, steps: 6000}
axes: [{key: loss.kind, values: [l1, huber]}]
""")) as file:
        for run in runs_of(file):
            values = trajectory(file, run, "train_loss")
            assert values[-1] < 0.7 * values[0]


# ---- starts -----------------------------------------------------------------------------

# Of the non-contiguous tree: a component's vectors: children, each a column, and the node, a row.
NODES = {"0_2": ("0", "2"), "1_3": ("1", "3"), "0_2_1_3": ("0_2", "1_3")}


def start_of(folder, kind, rest=""):
    """A run of one step: its first sample's unbalancedness, norms and weights."""
    with results_of(folder, sweep("non-contiguous", init=f"{{kind: {kind}, std: 0.3{rest}}}",
                                  rest="flow: {method: gd, lr: 1e-6}\nstop: {steps: 1}\n"
                                       "record: {weights: first}\n")) as file:
        group = file["weights/c0"]
        names = ["0", "1", "2", "3", *NODES]
        weights = {name: group["w_" + name][0] for name in names}
        return (trajectory(file, 0, "unbalancedness")[0],
                trajectory(file, 0, "local_component_norm")[0], weights)


def unbalancedness(weights):
    """By its definition, from the weights."""
    worst = 0
    for node, children in NODES.items():
        vectors = [weights[c].T for c in children] + [weights[node]]
        norms2 = np.array([np.sum(v ** 2, axis=1) for v in vectors])
        worst = max(worst, np.max(norms2.max(axis=0) - norms2.min(axis=0)))
    return worst


@pytest.mark.parametrize("kind", ["gaussian", "orthogonal", "identity"])
def test_a_start_is_as_unbalanced_as_its_weights(tmp_path, kind):
    told, _, weights = start_of(tmp_path, kind)
    assert told == pytest.approx(unbalancedness(weights), rel=1e-13) and told > 1e-3
    for node, w in weights.items():
        if kind == "identity":
            assert np.array_equal(w, 0.3 * np.eye(*w.shape)), node
        if kind == "orthogonal":
            gram = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
            np.testing.assert_allclose(gram, 0.09 * np.eye(len(gram)), atol=1e-15)


def test_a_balanced_start_is_balanced(tmp_path):
    told, norms, weights = start_of(tmp_path, "balanced")
    assert told < 1e-12 and unbalancedness(weights) < 1e-12
    assert np.nanmin(norms) > 0


def test_zero_components_have_no_rate_and_the_others_obey_the_law(tmp_path):
    """The identity's last columns are zero where a matrix is wider than high."""
    with results_of(tmp_path, sweep("non-contiguous", init="{kind: identity, std: 0.6}",
                                    rest="stop: {steps: 30}\n")) as file:
        norm = trajectory(file, 0, "local_component_norm")
        rate = trajectory(file, 0, "local_component_rate")
        drive = trajectory(file, 0, "local_component_drive")
        assert np.any(norm == 0) and np.any(norm > 0)
        assert np.array_equal(np.isfinite(rate), norm > 0)
        assert np.array_equal(np.isfinite(drive), norm > 0)
        assert np.all(trajectory(file, 0, "law_residual") <= 1e-10)


@pytest.mark.parametrize("delta", [0.1, 1])
def test_an_unbalanced_start_is_so_within_its_bounds(tmp_path, delta):
    """model.h's bounds; every component has three vectors."""
    told, norms, _ = start_of(tmp_path, "unbalanced", f", unbalance: {delta}")
    largest, a = np.nanmax(norms) ** (2 / 3), 1 + delta
    assert (1 - a ** -2) * largest <= told <= (a ** 4 - a ** -4) * largest


@pytest.mark.parametrize("model, kept", [("deep", "first"), ("deep", "final"),
                                         ("cp", "final"), ("mf", "first")])
def test_recorded_weights_go_on_where_they_were(tmp_path, model, kept):
    """Another run, started with the kept weights, begins with the loss they had."""
    (tmp_path / "next").mkdir()
    with results_of(tmp_path, sweep(model, rest=f"""\
stop: {{loss: 1e-2}}
record: {{weights: {kept}}}
axes: [{{seeds: 3}}]
""")) as file:
        losses = [trajectory(file, run, "train_loss")[0 if kept == "first" else -1]
                  for run in runs_of(file)]
        source = file.filename
    init = f"{{kind: file, file: {source}, run: 2}}"
    with results_of(tmp_path / "next", sweep(model, init=init, rest="stop: {steps: 3}\n")) as f:
        found = trajectory(f, 0, "train_loss")[0]
    assert found == pytest.approx(losses[2], rel=1e-12)
    assert all(abs(found / other - 1) > 1e-9 for other in losses[:2])


# ---- rest -------------------------------------------------------------------------------

# More samples than this width can fit: the loss has a minimum.
UNFIT = """\
problem: {shape: [4, 5, 3, 4], samples: 0.8, test: 10, noise: 0.3, target: {width: 3}}
init: {std: 0.3}
"""


def reasons(file):
    """Why each run stopped."""
    kinds = file["runs/stop_reason"]
    words = kinds.attrs["flag_meanings"].split()
    return [words[code] for code in kinds]


def test_a_run_rests_at_a_minimum_before_rounding_moves_it(tmp_path):
    """Going on, the first of these drifted by 0.8 and took 34,000 products."""
    with results_of(tmp_path, UNFIT + """\
stop: {loss: 0, time: 1e100, steps: 3000}
axes:
  - zip:
    - {key: model.tree, values: [flat, flat, binary, binary]}
    - {key: model.width, values: [2, 2, 2, 6]}
    - {key: problem.noise, values: [0.3, 0.3, 0.3, 0]}
    - {key: flow.rtol, values: [1e-4, 1e-8, 1e-6, 1e-5]}
""") as file:
        assert reasons(file) == ["stationary"] * 4
        drift, rtol = file["runs/unbalancedness_drift"][:], file["runs/flow_rtol"][:]
        assert np.all(drift < 20 * rtol), drift / rtol
        assert np.all(file["runs/jacobian_products"][:] < 3000)
        assert np.all(file["runs/final_train_loss"][:3] > 0.1)
        assert file["runs/final_train_loss"][3] < 1e-18  # width 6 fits them all


def test_a_run_comes_to_its_minimum_along_a_curved_valley(tmp_path):
    """There predictions lie where the Hessian is indefinite, or another one over a step."""
    with results_of(tmp_path, UNFIT + """\
model: {width: 2}
flow: {rtol: 1e-4}
stop: {loss: 0, time: 1e100, steps: 3000}
axes: [{key: model.tree, values: [binary, flat]}, {seeds: 4}]
""") as file:
        drift = file["runs/unbalancedness_drift"][:]
        assert np.all(drift < 20e-4), drift
        assert np.all(file["runs/jacobian_products"][:] < 1000)


@pytest.mark.parametrize("init", ["{std: 0.0005}", "{kind: identity, std: 0.003}"])
def test_a_plateau_is_no_rest(tmp_path, init):
    """The flow waits for times of 1e7 and more, and leaves each of them."""
    with results_of(tmp_path, f"""\
problem: {{shape: [6, 6, 6], samples: 0.7, test: 10, target: {{width: 3}}}}
model: {{width: 6}}
init: {init}
stop: {{loss: 1e-6, time: 1e40, steps: 5000}}
axes: [{{key: flow.rtol, values: [1e-4, 1e-8]}}]
""") as file:
        assert reasons(file) == ["loss", "loss"]

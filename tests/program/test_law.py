# SPDX-License-Identifier: BSD-3-Clause
"""The laws in every run, as `htflow check` tells them; and what a run can be asked to record."""
import json
import shutil

import h5py
import numpy as np
import pytest

from program import htflow, write

# Even in arc length: by growth a sample falls on a saddle (gradient norm 2e-6 beside a loss of
# 0.04), where the residual, relative to rates that cancel, is rounding of 1e-8.
SWEEP = """\
name: law
seed: 2
problem:
  shape: [5, 5, 5, 5]
  samples: 300
  test: 50
  target: {kind: htf, width: 2, norm: 25}
model: {tree: binary, width: 6}
init: {kind: balanced, std: 0.03}
stop: {loss: 1e-6}
record: {points: 60, spacing: arc, components: 1000000}
axes:
  - {key: model.kind, values: [htf, cp]}
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("law")
    text = SWEEP.replace("  - {key: model.kind, values: [htf, cp]}\n",
                         "  - {key: model, values: [{kind: htf, tree: binary}, {kind: cp}]}\n"
                         ).replace("model: {tree: binary, width: 6}", "model: {width: 6}")
    ran = htflow("run", write(folder / "sweep.yaml", text), "--out", folder / "out")
    assert ran.returncode == 0, ran.stderr
    return folder / "out" / "results.h5"


def check(path):
    done = htflow("check", path, "--json")
    return done.returncode, json.loads(done.stdout)


def physics(told):
    return [f["finding"] for f in told["findings"] if f["severity"] == "physics"]


def test_a_balanced_run_obeys_the_law_and_its_exponents(results):
    code, told = check(results)
    assert code == 0 and told["findings"] == [], told["findings"]
    assert len(told["runs"]) == 2
    for run, expected in zip(told["runs"], ([2 - 2 / 3], [2 - 2 / 4])):
        assert run["law_residual"] < 1e-9 and run["unbalancedness_drift"] < 1e-3
        fits = [fit for fit in run["exponents"] if fit["exponent"] is not None]
        assert fits
        for fit in fits:
            assert fit["expected"] == pytest.approx(expected[0])
            assert fit["exponent"] == pytest.approx(expected[0], abs=0.02)
            assert fit["factor"] == pytest.approx(1, abs=0.02)
    assert told["summary"]["exponents"] >= 2 and told["summary"]["exponent_off"] < 0.02


def test_components_are_told_in_the_order_they_were_learnt(results):
    _, told = check(results)
    with h5py.File(results) as f:
        for run in told["runs"]:
            group = f["trajectories"][f["runs/trajectory"][run["run"]].decode()]
            row = f["runs/row"][run["run"]]
            count = group["samples"][row]
            norm = group["local_component_norm"][row, :count]
            arc = group["arc_length"][row, :count]
            nodes = [n.decode() for n in group["node"][()]]
            assert [l["arc_length"] for l in run["learnt"]] == sorted(
                l["arc_length"] for l in run["learnt"])
            assert len({l["sample"] for l in run["learnt"]}) > 1
            for learnt in run["learnt"]:
                path = norm[:, nodes.index(learnt["node"]), learnt["component"]]
                first = int(np.argmax(path >= path[-1] / 2))
                assert learnt["sample"] == first
                assert learnt["arc_length"] == pytest.approx(arc[first])


def test_text_tells_each_run_and_a_summary(results):
    told = htflow("check", results).stdout
    assert "run 0: drift" in told and "run 1: drift" in told
    assert "component 0 learnt" in told and "2 runs: conserved quantities" in told


def steeper(f, group):
    group["local_component_rate"][...] *= np.sqrt(group["local_component_norm"][...])


FAULTS = [
    (steeper, "expected 1 and 1.333"),
    (lambda f, g: g["local_component_drive"].__setitem__(..., 2 * g["local_component_drive"][...]),
     "grow as 0.5 times K sigma^"),
    (lambda f, g: g["law_residual"].__setitem__((0, 3), 0.01), "law_residual of run 0 is 0.01 at"),
    (lambda f, g: f["runs/unbalancedness_drift"].__setitem__(0, 0.1), "drifted by 0.1"),
]


@pytest.mark.parametrize("fault,finding", FAULTS)
def test_a_file_whose_physics_is_wrong_is_flagged(results, tmp_path, fault, finding):
    path = shutil.copy(results, tmp_path / "wrong.h5")
    with h5py.File(path, "r+") as f:
        fault(f, f["trajectories/c0"])
    code, told = check(path)
    assert code == 7
    assert any(finding in text for text in physics(told)), told["findings"]


def test_what_is_left_of_rates_that_cancel_breaks_no_law(results, tmp_path):
    path = shutil.copy(results, tmp_path / "plateau.h5")
    with h5py.File(path, "r+") as f:
        group = f["trajectories/c0"]
        for key in ("local_component_rate", "local_component_drive"):
            group[key][0, 3] *= 1e-13
        group["law_residual"][0, 3] = 0.01
    assert not [text for text in physics(check(path)[1]) if "law_residual" in text]


# ---- what is recorded ------------------------------------------------------------------

ASKED = """\
name: asked
seed: 2
problem: {shape: [4, 4, 4], samples: 40, test: 10, target: {width: 2}}
model: {tree: binary, width: 4}
stop: {steps: 30}
record:
  points: 8
  observables: [standard, sharpness, nuclear_norm, truncation_high, weight_vector_norm, local_component_cosine, target_overlap]
  entries: [0_1_2, 3_3_3]
  partitions: [0_2]
"""


def test_a_run_records_what_it_is_asked_for(tmp_path):
    ran = htflow("run", write(tmp_path / "a.yaml", ASKED), "--out", tmp_path / "a")
    assert ran.returncode == 0, ran.stderr
    checked = htflow("check", tmp_path / "a/results.h5")
    assert checked.returncode == 0, checked.stdout
    with h5py.File(tmp_path / "a/results.h5") as f:
        group = f["trajectories/c0"]
        n = group["samples"][0]
        assert np.all(np.isfinite(group["sharpness"][0, :n]))
        assert group["prediction"].shape[2] == 2
        values = group["singular_value"][0, :n]
        assert np.allclose(group["nuclear_norm"][0, :n], np.nansum(values, axis=2))
        cut = group["cut_singular_value"][0, :n, 0]
        leaf = list(group["partition"][()]).index(b"1")  # modes 0 and 2 stand against it
        assert np.allclose(cut[:, :4], values[:, leaf, :4], atol=1e-12)
        assert "entanglement_entropy" not in group
        cosine = group["local_component_cosine"][0, :n]
        assert np.nanmax(np.abs(cosine)) <= 1 + 1e-9 and np.nanmax(np.abs(cosine)) > 0.01
        overlap = group["target_overlap"][0, :n]
        assert np.all((overlap >= 0) & (overlap <= 1 + 1e-9))
        assert group["sharpness"].attrs["comment"]


def test_a_run_can_record_little(tmp_path):
    text = "\n".join("  observables: []" if "observables" in line else line
                     for line in ASKED.splitlines())
    assert htflow("run", write(tmp_path / "a.yaml", text), "--out", tmp_path / "a").returncode == 0
    assert htflow("check", tmp_path / "a/results.h5").returncode == 0
    with h5py.File(tmp_path / "a/results.h5") as f:
        group = f["trajectories/c0"]
        assert "train_loss" in group and "prediction" in group
        assert "singular_value" not in group and "local_component_norm" not in group


@pytest.mark.parametrize("old,new,message", [
    ("nuclear_norm", "nuclear_nrom", "did you mean nuclear_norm?"),
    ("3_3_3", "3_3_4", "index 4 of \"3_3_4\" is outside mode 2 of size 4"),
    ("3_3_3", "3_3", "wants 3 indices joined by _, got \"3_3\""),
    ("[0_2]", "[0_3]", "\"0_3\" has mode 3 of a tensor of order 3"),
    ("[0_2]", "[0_1_2]", "wants 1 to 2 modes"),
])
def test_what_cannot_be_recorded_is_an_error_of_the_plan(tmp_path, old, new, message):
    planned = htflow("plan", write(tmp_path / "a.yaml", ASKED.replace(old, new)))
    assert planned.returncode == 3 and message in planned.stderr, planned.stderr


def test_a_partition_that_is_too_dear_is_refused_with_its_cost(tmp_path):
    text = ASKED.replace("[4, 4, 4]", "[" + "4, " * 31 + "4]").replace(
        "[0_1_2, 3_3_3]", "[]").replace("[0_2]", "[" + "_".join(
            str(n) for n in range(0, 32, 2)) + "]")
    planned = htflow("plan", write(tmp_path / "a.yaml", text))
    assert planned.returncode == 3, planned.stdout
    assert "the dense way takes one of 4.29e+09 x 4.29e+09" in planned.stderr


def test_plan_says_what_a_row_costs(tmp_path):
    cheap = ASKED.replace("sharpness, ", "")
    costs = [json.loads(htflow("plan", write(tmp_path / "a.yaml", text), "--json").stdout)
             for text in (cheap, ASKED)]
    dearer = costs[1]["flops_a_row"] - costs[0]["flops_a_row"]
    assert costs[0]["flops_a_row"] > 0
    assert dearer > 40 * costs[0]["flops_a_gradient"]
    told = htflow("plan", tmp_path / "a.yaml").stdout
    assert "one row " in told and "Hessian-vector products" in told


def test_help_lists_every_observable():
    told = htflow("help", "observables").stdout
    listed = json.loads(htflow("help", "observables", "--json").stdout)
    assert "sharpness [sample] (asked)" in told
    assert {"name", "formula", "units", "shape", "cost", "recorded"} <= set(listed[0])
    assert all(f"\n{entry['name']} " in "\n" + told for entry in listed)

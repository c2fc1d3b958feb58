# SPDX-License-Identifier: BSD-3-Clause
"""A sound file of each kind has no findings; one damaged in each way has its finding."""

import os
import pathlib
import shutil
import subprocess

import h5py
import numpy as np
import pytest

from test_readers import content_checksum

ROOT = pathlib.Path(__file__).resolve().parents[2]
TESTS = pathlib.Path(os.environ.get("HTF_BUILD", ROOT / "build"), "tests")
TRAJECTORY = "trajectories/c0"


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    path = tmp_path_factory.mktemp("sound") / "results.h5"
    subprocess.run([TESTS / "make_flow", path], check=True)
    return path


def findings(path):
    done = subprocess.run([TESTS / "list_findings", path], check=True, capture_output=True,
                          text=True)
    assert not done.stderr
    return [tuple(line.split("|", 2)) for line in done.stdout.splitlines()]


def damaged(sound, tmp_path, damage, seal=True):
    """A copy of a file after damage(file); its checksum made good again."""
    path = tmp_path / "damaged.h5"
    shutil.copy(sound, path)
    with h5py.File(path, "r+") as f:
        damage(f)
    if seal:
        checksum = content_checksum(path)
        with h5py.File(path, "r+") as f:
            f.attrs["content_checksum"] = checksum
    return path


def setting(name, place, value):
    def damage(f):
        f[name][place] = value
    return damage


def deleting(name):
    def damage(f):
        del f[name]
    return damage


def without(name, attribute):
    def damage(f):
        del f[name].attrs[attribute]
    return damage


def with_attribute(name, attribute, value):
    def damage(f):
        f[name].attrs[attribute] = value
    return damage


def detached(name, axis):
    def damage(f):
        d = f[name]
        d.dims[axis].detach_scale(d.dims[axis][0])
    return damage


def foreign_scale(f):
    d = f["runs/steps"]
    d.dims[0].detach_scale(d.dims[0][0])
    d.dims[0].attach_scale(f["timings/run"])


def as_type(name, dtype):
    """The same numbers in another type, scales attached again."""
    def damage(f):
        old = f[name]
        attributes = {k: v for k, v in old.attrs.items()
                      if k not in ("DIMENSION_LIST", "_FillValue")}
        scales = [dim[0].name for dim in old.dims]
        values = old[()]
        for axis, dim in enumerate(old.dims):
            dim.detach_scale(dim[0])
        del f[name]
        new = f.create_dataset(name, data=np.nan_to_num(values).astype(dtype))
        new.attrs.update(attributes)
        for axis, scale in enumerate(scales):
            new.dims[axis].attach_scale(f[scale])
    return damage


def test_sound_results_have_no_findings(sound):
    assert findings(sound) == []


DAMAGES = [
    # the root
    (deleting("timings"), "error", "/", "group timings is missing"),
    (deleting("trajectories"), "error", "/", "group trajectories is missing"),
    (without("/", "Conventions"), "error", "/", "root attribute Conventions is missing"),
    (with_attribute("/", "Conventions", "COARDS"), "error", "/", "is \"COARDS\", expected CF"),
    (without("/", "sweep_resolved"), "error", "/", "root attribute sweep_resolved is missing"),
    (without("/", "plan_hash"), "error", "/", "root attribute plan_hash is missing"),
    (lambda f: f.create_group("notes"), "warning", "notes", "nothing that a results file has"),
    # variables
    (deleting("runs/status"), "error", "/runs/status", "dataset status is missing"),
    (deleting("runs/identity"), "error", "/runs/identity", "dataset identity is missing"),
    (deleting("timings/wall"), "error", "/timings/wall", "dataset wall is missing"),
    (as_type("runs/steps", "f8"), "error", "/runs/steps", "its elements should be integers"),
    (as_type("runs/flow_time", "i8"), "error", "/runs/flow_time",
     "its elements should be floating-point numbers"),
    (deleting("runs/run"), "error", "/runs", "dataset run is missing"),
    (setting("runs/run", 2, 7), "error", "/runs/run", "run[2] is 7"),
    (setting("timings/run", 0, 1), "error", "/timings/run", "run[0] is 1"),
    (without("runs/steps", "units"), "error", "/runs/steps", "attribute units is missing"),
    (with_attribute("runs/steps", "long_name", ""), "error", "/runs/steps",
     "attribute long_name is empty"),
    (without("runs/flow_time", "_FillValue"), "error", "/runs/flow_time", "_FillValue"),
    (without("runs/status", "flag_values"), "error", "/runs/status", "flag_values is missing"),
    (with_attribute("runs/status", "flag_meanings", "a b c"), "error", "/runs/status",
     "flag_meanings is \"a b c\", expected \"pending done failed\""),
    (without("runs", "coordinates"), "error", "/runs", "attribute coordinates is missing"),
    (with_attribute("runs", "coordinates", "init_std seed"), "error", "/runs",
     "coordinates names seed, which is missing"),
    # scales
    (detached("runs/steps", 0), "error", "/runs/steps", "axis 0 has 0 dimension scales"),
    (detached(f"{TRAJECTORY}/local_component_norm", 2), "error",
     f"/{TRAJECTORY}/local_component_norm", "axis 2 has 0 dimension scales"),
    (foreign_scale, "error", "/runs/steps", "axis 0 has its dimension scale in another group"),
    # states and references
    (setting("runs/status", 1, 9), "error", "/runs/status", "status[1] is 9, expected 0 to 2"),
    (setting("runs/status", 1, 0), "error", "/runs/stop_reason",
     "run 1 is pending, but its stop_reason loss"),
    (setting("runs/stop_reason", 0, 99), "error", "/runs/stop_reason",
     "stop_reason[0] is 99, expected 0 to "),
    (setting("runs/stop_reason", 0, 0), "error", "/runs/stop_reason",
     "run 0 is not pending, but its stop_reason none"),
    (setting("runs/row", 2, -1), "error", "/runs/row", "row[2] is -1, its trajectory \"c0\""),
    (setting("runs/row", 2, 3), "error", "/runs/trajectory",
     "run 2 should be in row 3 of \"c0\", which has 3 rows"),
    (setting("runs/trajectory", 1, "c7"), "error", "/runs/trajectory",
     "run 1 should be in row 1 of \"c7\", which has 0 rows"),
    (setting(f"{TRAJECTORY}/run", 0, 2), "error", f"/{TRAJECTORY}",
     "run[0] is 2, which /runs has in row 2 of \"c0\""),
    (setting(f"{TRAJECTORY}/run", 0, 5), "error", f"/{TRAJECTORY}", "run[0] is 5, of 5 runs"),
    # classes
    (with_attribute(TRAJECTORY, "tree", "((0,1)2,2"), "error", f"/{TRAJECTORY}",
     "its attribute tree: column 10"),
    (with_attribute(TRAJECTORY, "tree", "((0,2)2,1)2;"), "error", f"/{TRAJECTORY}",
     "its attribute nodes names 1 where the tree has 2"),
    (without(TRAJECTORY, "nodes"), "error", f"/{TRAJECTORY}", "attribute nodes is missing"),
    (setting(f"{TRAJECTORY}/node", 0, "0_2"), "error", f"/{TRAJECTORY}",
     "node names 0_2 where the tree has 0_1"),
    (setting(f"{TRAJECTORY}/partition", 3, "0"), "error", f"/{TRAJECTORY}",
     "partition names 0 where the tree has 2"),
    (deleting(f"{TRAJECTORY}/time_low"), "error", f"/{TRAJECTORY}",
     "dataset time_low is missing"),
    (setting(f"{TRAJECTORY}/samples", 1, 0), "error", f"/{TRAJECTORY}",
     "samples[1] is 0, expected 1 to 4"),
    # samples
    (setting(f"{TRAJECTORY}/time_low", (2, 2), 0.5), "error", f"/{TRAJECTORY}",
     "time falls by 0.5 in run 2 at sample 2"),
    (setting(f"{TRAJECTORY}/arc_length", (2, 3), 0.25), "error", f"/{TRAJECTORY}",
     "arc_length falls by 0.25 in run 2 at sample 3"),
    (setting(f"{TRAJECTORY}/step", (1, 1), -1), "error", f"/{TRAJECTORY}",
     "step falls by 1 in run 1 at sample 1"),
    (setting(f"{TRAJECTORY}/arc_length", (2, 1), np.nan), "error", f"/{TRAJECTORY}",
     "arc_length is missing in run 2 at sample 1"),
    (setting(f"{TRAJECTORY}/train_loss", (0, 2), 0.1), "error", f"/{TRAJECTORY}",
     "train_loss has a value in run 0 at sample 2, of 2 samples"),
    (setting("runs/final_train_loss", 1, 0.25), "error", f"/{TRAJECTORY}",
     "final_train_loss of run 1 is 0.25, its last sample 0.33"),
    (setting("runs/flow_time", 1, 5), "error", f"/{TRAJECTORY}", "flow_time of run 1 is 5"),
    (setting("runs/steps", 1, 5), "error", f"/{TRAJECTORY}", "steps of run 1 is 5"),
    # physics
    (setting(f"{TRAJECTORY}/train_loss", (2, 1), 1.001), "physics", f"/{TRAJECTORY}",
     "train_loss rises from 1 to 1.001 in run 2 at sample 1 (rtol 1e-06)"),
    (setting("runs/unbalancedness_drift", 2, 0.01), "physics", "/runs/unbalancedness_drift",
     "run 2 drifted by 0.01, more than 0.0005 (rtol 1e-06)"),
    # weights
    (setting("weights/c0/w_0_1", (1, 1, 0), np.inf), "error", "/weights/c0",
     "w_0_1[1, 1, 0] is not finite"),
    (deleting("weights/c0/w_2"), "error", "/weights/c0", "dataset w_2 is missing"),
    (setting("weights/c0/run", 0, 8), "error", "/weights/c0", "run[0] is 8, of 5 runs"),
    (setting("weights/c0/w_0_1_2", 2, np.nan), "error", "/weights/c0",
     "row 2 keeps no weights of the root"),
    (with_attribute("weights", "which", "some"), "error", "/weights",
     "its attribute which is \"some\", expected first, final or best"),
]


@pytest.mark.parametrize("damage, severity, what, text", DAMAGES,
                         ids=[f"{d[2]}:{d[3]}"[:60] for d in DAMAGES])
def test_damaged_results_have_their_finding(sound, tmp_path, damage, severity, what, text):
    found = findings(damaged(sound, tmp_path, damage))
    assert any(f[0] == severity and f[1] == what and text in f[2] for f in found), found


def test_one_rule_broken_often_is_one_finding(sound, tmp_path):
    found = findings(damaged(sound, tmp_path, setting("runs/status", slice(0, 3), 7)))
    assert ("error", "/runs/status", "status[0] is 7, expected 0 to 2, and 2 more") in found


def test_a_small_rise_is_rounding(sound, tmp_path):
    small = setting(f"{TRAJECTORY}/train_loss", (2, 1), 1 + 1e-6)
    assert findings(damaged(sound, tmp_path, small)) == []


def test_the_reasons_of_an_earlier_htflow_are_sound(sound, tmp_path):
    meanings = "none loss time steps wall gradient integrator overflow error"
    damage = with_attribute("runs/stop_reason", "flag_meanings", meanings)
    assert findings(damaged(sound, tmp_path, damage)) == []
    damage = with_attribute("runs/stop_reason", "flag_meanings", meanings[:-1])
    assert [f[:2] for f in findings(damaged(sound, tmp_path, damage))] == [
        ("error", "/runs/stop_reason")]


@pytest.mark.parametrize("change", [
    ("method: bdf", "method: gd"), ("method: bdf", "method: grouprmsprop"),
    ("\nstop:\n", "\nloss:\n  kind: l1\nstop:\n"),
])
def test_descent_and_l1_may_rise_and_drift(sound, tmp_path, change):
    def damage(f):
        text = f.attrs["sweep_resolved"]
        assert change[0] in text
        f.attrs["sweep_resolved"] = text.replace(*change)
        f[f"{TRAJECTORY}/train_loss"][2, 1] = 1.5
        f[f"{TRAJECTORY}/unbalancedness_drift"][2, 3] = 0.5
        f["runs/unbalancedness_drift"][2] = 0.5
    assert findings(damaged(sound, tmp_path, damage)) == []


def test_a_swept_method_counts_run_by_run(sound, tmp_path):
    def damage(f):
        methods = ["gd", "gd", "adams", "gd", "gd"]
        d = f["runs"].create_dataset("flow_method", data=methods,
                                     dtype=h5py.string_dtype("utf-8"))
        d.attrs.update({"units": "1", "long_name": "method", "comment": "swept"})
        d.dims[0].attach_scale(f["runs/run"])
        f[f"{TRAJECTORY}/train_loss"][1, 1] = 1.5
        f[f"{TRAJECTORY}/train_loss"][2, 1] = 1.5
    found = findings(damaged(sound, tmp_path, damage))
    assert [f[:2] for f in found] == [("physics", f"/{TRAJECTORY}")]
    assert "in run 2 at sample 1" in found[0][2] and "more" not in found[0][2]


def test_a_changed_value_breaks_the_checksum(sound, tmp_path):
    change = setting("runs/init_std", 0, 0.7)
    found = findings(damaged(sound, tmp_path, change, seal=False))
    assert len(found) == 1 and "content_checksum is" in found[0][2]
    timing = setting("timings/wall", 0, 0.7)
    assert findings(damaged(sound, tmp_path, timing, seal=False)) == []
    assert findings(damaged(sound, tmp_path, change)) == []


def test_a_compound_is_no_column(sound, tmp_path):
    def damage(f):
        f.create_dataset("runs/odd", data=np.zeros(5, dtype=[("a", "i4"), ("b", "f8")]))
    found = findings(damaged(sound, tmp_path, damage, seal=False))
    assert ("error", "/runs/odd") in [f[:2] for f in found]


# ---- problems and weights ----------------------------------------------------------------

def make_problem(path):
    with h5py.File(path, "w") as f:
        f.attrs["kind"], f.attrs["task"] = "problem", "completion"
        f["shape"] = np.array([3, 4])
        f["train/indices"] = np.array([[0, 0], [2, 3]])
        f["train/values"] = np.array([1.0, 2.0])


def make_weights(path):
    with h5py.File(path, "w") as f:
        f.attrs["kind"], f.attrs["tree"] = "weights", "(0,1)2;"
        for name, shape in [("0", (3, 2)), ("1", (4, 2)), ("0_1", (2, 1))]:
            f[f"weights/{name}"] = np.ones(shape)


OTHERS = [
    (make_problem, None, "", ""),
    (make_problem, setting("train/values", 1, np.nan), "error", "train/values[1] is not finite"),
    (make_problem, setting("train/indices", (1, 1), 4), "error", "train/indices[1, 1] is 4"),
    (make_problem, lambda f: f.create_group("notes"), "warning",
     "nothing that a problem file has"),
    (make_problem, with_attribute("/", "kind", "puzzle"), "error",
     "kind is \"puzzle\", expected"),
    (make_weights, None, "", ""),
    (make_weights, deleting("weights/0_1"), "", ""),  # CP
    (make_weights, deleting("weights/1"), "error", "dataset weights/1 is missing"),
    (make_weights, setting("weights/1", (3, 1), np.nan), "error",
     "weights/1[3, 1] is not finite"),
    (make_weights, lambda f: f.create_group("notes"), "warning",
     "nothing that a weights file has"),
    (make_weights, without("/", "kind"), "error", "neither a results file"),
]


@pytest.mark.parametrize("make, damage, severity, text", OTHERS)
def test_problem_and_weights_files(tmp_path, make, damage, severity, text):
    path = tmp_path / "file.h5"
    make(path)
    if damage:
        with h5py.File(path, "r+") as f:
            damage(f)
    found = findings(path)
    if severity:
        assert len(found) == 1 and found[0][0] == severity and text in found[0][2], found
    else:
        assert found == []


def test_text_files(tmp_path):
    path = tmp_path / "file.tns"
    path.write_text("1 1 2.5\n2 1 3\n")
    assert findings(path) == []
    path.write_text("1 1 2.5\n0 1 3\n")
    assert [f[:2] for f in findings(path)] == [("error", "/")]


def test_what_is_no_file(tmp_path, sound):
    path = tmp_path / "file.h5"
    path.write_text("nothing")
    assert findings(path) == [("error", "/", "not an HDF5 file")]
    missing = subprocess.run([TESTS / "list_findings", tmp_path / "none.h5"],
                             capture_output=True, text=True)
    assert missing.returncode == 6 and "No such file" in missing.stderr
    data = sound.read_bytes()
    path.write_bytes(data[:len(data) // 2])
    assert findings(path)[0][0] == "error"

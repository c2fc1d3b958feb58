# SPDX-License-Identifier: BSD-3-Clause
"""Commands that only look, and requests that cannot be met."""
import json
import subprocess

import h5py
import numpy as np
import pytest

from program import SWEEP, command, htflow, write


def test_help_is_there_for_all_and_each():
    assert "commands:" in htflow("--help").stdout
    for name in ("plan", "run", "doctor", "version"):
        result = htflow(name, "--help")
        assert result.returncode == 0 and "usage: htflow " + name in result.stdout


def test_version_names_every_library():
    told = json.loads(htflow("version", "--json").stdout)
    assert set(told) == {"version", "commit", "compiler", "flags", "libraries"}
    assert "HDF5 1." in told["libraries"]["hdf5"]
    assert "Open MPI" in htflow("version").stdout


def test_doctor_finds_and_cures(tmp_path):
    result = htflow("doctor", "--json", "--out", tmp_path)
    findings = {f["what"]: f for f in json.loads(result.stdout)}
    assert {"blas", "dgemm", "blas threads", "cores", "mpi", "hdf5", "directory", "locks",
            "fsync", "space"} <= set(findings)
    assert all(f["verdict"] == "ok" or f["cure"] for f in findings.values())
    wrong = any(f["verdict"] == "WRONG" for f in findings.values())
    assert result.returncode == (6 if wrong else 0)
    assert list(tmp_path.iterdir()) == []
    text = htflow("doctor", "--out", tmp_path).stdout
    assert "GFLOP/s" in text


def test_doctor_calls_narrow_kernels_by_name(tmp_path, monkeypatch):
    """OpenBLAS's oldest kernels, forced: a finding with its cure."""
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    found = json.loads(htflow("doctor", "--json", "--out", tmp_path).stdout)
    blas = next(f for f in found if f["what"] == "blas")
    assert "Prescott" in blas["finding"] and "OPENBLAS_CORETYPE" in blas["cure"]


def test_output_that_cannot_be_written_is_an_error():
    with open("/dev/full", "w") as full:
        result = subprocess.run(command("version"), stdout=full, stderr=subprocess.PIPE)
    assert result.returncode == 6 and b"cannot write the output" in result.stderr


def test_plan_tells_and_writes_nothing(tmp_path):
    sweep = write(tmp_path / "sweep.yaml", SWEEP)
    result = htflow("plan", sweep)
    assert result.returncode == 0 and "small: 8 runs" in result.stdout
    told = json.loads(htflow("plan", sweep, "--json").stdout)
    assert told["runs"] == 8 and [a["label"] for a in told["axes"]] == [
        "model_tree", "init_std", "seed"]
    assert list(tmp_path.iterdir()) == [sweep]


def test_the_resolved_sweep_is_the_same_plan(tmp_path):
    sweep = write(tmp_path / "sweep.yaml", SWEEP)
    resolved = write(tmp_path / "resolved.yaml", htflow("plan", sweep, "--resolved").stdout)
    hashes = [json.loads(htflow("plan", f, "--json").stdout)["plan_hash"]
              for f in (sweep, resolved)]
    assert hashes[0] == hashes[1]


def test_set_changes_the_base(tmp_path):
    sweep = write(tmp_path / "sweep.yaml", SWEEP)
    resolved = htflow("plan", sweep, "--set", "model.width=7", "--set", "stop.loss=0.5",
                      "--resolved").stdout
    assert "width: 7" in resolved and "loss: 0.5" in resolved


def problem_file(path, **changes):
    """Write a small completion problem, with parts replaced or, if None, left out."""
    parts = {"shape": np.array([4, 5, 3]), "train/values": np.array([1.0, 2.0]),
             "train/indices": np.array([[0, 0, 0], [1, 1, 1]])}
    parts.update(changes)
    with h5py.File(path, "w") as file:
        file.attrs["kind"], file.attrs["task"] = "problem", "completion"
        for name, value in parts.items():
            if value is not None:
                file[name] = value
    return path


FROM_FILE = SWEEP[:SWEEP.index("problem:")] + "problem: {file: %s}\n" + \
    SWEEP[SWEEP.index("model:"):]

BAD_SWEEPS = {
    "unknown key": (SWEEP.replace("width: 5", "widht: 5"), ":8:23:", "did you mean width"),
    "wrong type": (SWEEP.replace("width: 5", "width: five"), ":8:30:", "whole number"),
    "out of range": (SWEEP.replace("norm: 8", "norm: -8"), ":7:51:", "outside"),
    "bad newick": (SWEEP.replace("values: [binary, flat]", 'values: [binary, "((0,1)2,2"]'),
                   ":12:40:", "column"),
    "tree that does not fit": (SWEEP.replace("flat]", '"(0,1)4;"]'), ":12:40:", "modes"),
    "too many samples": (SWEEP.replace("samples: 40", "samples: 51"), ":5:12:", "60"),
    "no yaml": ("name: [", ":1:", ""),
}


@pytest.mark.parametrize("name", BAD_SWEEPS)
def test_a_bad_sweep_file_is_told_with_its_place(tmp_path, name):
    text, place, words = BAD_SWEEPS[name]
    sweep = write(tmp_path / "sweep.yaml", text)
    for arguments in (["plan", sweep], ["run", sweep, "--out", tmp_path / "out"]):
        result = htflow(*arguments)
        assert result.returncode == 3, result.stderr
        assert str(sweep) + place in result.stderr and words in result.stderr, result.stderr
        assert result.stdout == ""
    assert not (tmp_path / "out").exists()


BAD_FILES = {
    "index out of range": ({"train/indices": np.array([[0, 0, 0], [1, 7, 1]])},
                           "train/indices"),
    "negative index": ({"train/indices": np.array([[0, 0, 0], [-1, 1, 1]])}, "train/indices"),
    "nan": ({"train/values": np.array([1.0, np.nan])}, "train/values"),
    "missing dataset": ({"train/values": None}, "train/values"),
    "wrong shape": ({"train/values": np.zeros(3)}, "train/values"),
    "wrong type": ({"train/indices": np.zeros((2, 3))}, "train/indices"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_data_file_is_told_with_its_place(tmp_path, name):
    changes, place = BAD_FILES[name]
    data = problem_file(tmp_path / "data.h5", **changes)
    sweep = write(tmp_path / "sweep.yaml", FROM_FILE % data)
    for ranks in (None, 2):
        result = htflow("run", sweep, "--out", tmp_path / "out", ranks=ranks)
        assert result.returncode == 7, result.stderr
        assert place in result.stderr and str(data) in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_missing_data_file_is_an_environment_error(tmp_path):
    sweep = write(tmp_path / "sweep.yaml", FROM_FILE % (tmp_path / "no.h5"))
    result = htflow("run", sweep, "--out", tmp_path / "out")
    assert result.returncode in (6, 7) and "no.h5" in result.stderr, result.stderr
    assert not (tmp_path / "out").exists()


def test_data_from_hdf5_and_frostt_are_the_same_problem(tmp_path):
    """One list of entries in both formats: equal shapes, and equal losses at the start."""
    indices = np.array([[0, 0, 0], [3, 4, 2], [1, 2, 1], [2, 3, 0]])
    values = np.array([1.0, -2.0, 0.5, 3.0])
    data = problem_file(tmp_path / "data.h5", **{"train/indices": indices,
                                                 "train/values": values})
    lines = (f"{i + 1} {j + 1} {k + 1} {v}" for (i, j, k), v in zip(indices, values))
    frostt = write(tmp_path / "data.tns", "# made\n" + "\n".join(lines) + "\n")
    losses = []
    for number, path in enumerate((data, frostt)):
        out = tmp_path / f"out{number}"
        sweep = write(tmp_path / f"sweep{number}.yaml", FROM_FILE % path)
        result = htflow("run", sweep, "--out", out)
        assert result.returncode == 0, result.stderr
        with h5py.File(out / "results.h5") as file:
            losses.append(file["trajectories/c0/train_loss"][:, 0])
    assert np.allclose(losses[0], losses[1], rtol=1e-14)


def test_an_unwritable_directory_is_an_environment_error(tmp_path):
    sweep = write(tmp_path / "sweep.yaml", SWEEP)
    result = htflow("run", sweep, "--out", sweep / "out", ranks=2)
    assert result.returncode == 6, result.stderr
    assert result.stderr.count("htflow: ") == 1  # one rank speaks for all


def test_a_directory_of_another_sweep_is_refused(tmp_path):
    sweep = write(tmp_path / "sweep.yaml", SWEEP)
    other = write(tmp_path / "other.yaml", SWEEP.replace("width: 5", "width: 4"))
    assert htflow("run", sweep, "--out", tmp_path / "out").returncode == 0
    result = htflow("run", other, "--out", tmp_path / "out")
    assert result.returncode == 3 and "width" in result.stderr


@pytest.mark.parametrize("arguments", [
    [], ["no-such-command"], ["run"], ["run", "a.yaml"], ["plan"], ["plan", "a", "b"],
    ["plan", "a", "--nonsense"], ["run", "a", "--out"], ["run", "a", "--out", "b", "--deadline",
                                                         "soon"]])
def test_wrong_usage_is_exit_code_2(arguments):
    result = htflow(*arguments)
    assert result.returncode == 2


def test_a_missing_sweep_file_is_an_environment_error(tmp_path):
    result = htflow("plan", tmp_path / "none.yaml")
    assert result.returncode == 6 and "none.yaml" in result.stderr

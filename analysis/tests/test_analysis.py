# SPDX-License-Identifier: BSD-3-Clause
"""The analysis package on results of the program itself."""
import subprocess

import numpy as np
import pytest

from conftest import PROGRAM

from htflow import end_tensor, open_results, read_tensor, write_problem
from htflow.clocks import time_since_activation
from htflow.tensor import parse_tree

def test_runs_are_found_by_their_swept_keys(path):
    results = open_results(path)
    assert results.axes == ["model_tree", "init_std", "seed"]
    assert results.runs.final_train_loss.groupby("init_std").median().shape == (2,)
    assert set(results.trajectories) == {"c0", "c1"}
    flat = results.trajectories["c1"]
    assert (flat.model_tree == "flat").all()
    assert flat.where(flat.init_std == 0.2, drop=True).sizes["run"] == 2


def test_weights_fit_the_recorded_error(path):
    """The norm of NumPy's end tensor, within what the recorded error allows."""
    results = open_results(path)
    for run in (0, 7):
        data = results.trajectories[str(results.runs.trajectory.values[run])]
        one = data.isel(run=int(results.runs.row[run]))
        best = int(one.test_loss.argmin("sample"))
        tensor = end_tensor(results.tree(run), results.weights(run))
        target_norm = 8
        # ||W||^2 between the triangle bounds of the recorded relative error
        error = float(one.reconstruction_error[best])
        assert abs(np.linalg.norm(tensor) - target_norm) <= error * target_norm * (1 + 1e-9)


def test_end_tensor_is_the_definition():
    """A tree with non-contiguous nodes against einsum written out."""
    rng = np.random.default_rng(0)
    w = {"0": rng.normal(size=(3, 2)), "2": rng.normal(size=(5, 2)),
         "0_2": rng.normal(size=(2, 4)), "1": rng.normal(size=(6, 4)),
         "0_2_1": rng.normal(size=(4, 1))}
    expected = np.einsum("as,cs,sr,br,rz->abc", w["0"], w["2"], w["0_2"], w["1"], w["0_2_1"])
    assert np.allclose(end_tensor("((0,2)2,1)4;", w), expected, rtol=1e-13)


def test_end_tensors_of_cp_and_of_deep_matrix_factorization():
    rng = np.random.default_rng(0)
    a, b, c = (rng.normal(size=(d, 3)) for d in (4, 5, 6))
    assert np.allclose(end_tensor("(0,1,2)3;", {"0": a, "1": b, "2": c}),
                       np.einsum("ir,jr,kr->ijk", a, b, c), rtol=1e-13)
    middle = rng.normal(size=(3, 3))
    assert np.allclose(end_tensor("((0)3,1)3;", {"0": a, "0+": middle, "1": b}),
                       a @ middle @ b.T, rtol=1e-13)


def test_numpy_tensors_become_problems(tmp_path):
    tensor = np.arange(24.0).reshape(2, 3, 4)
    np.save(tmp_path / "a.npy", tensor)
    np.savez(tmp_path / "b.npz", x=tensor, y=tensor[0])
    assert (read_tensor(tmp_path / "b.npz", "x") == read_tensor(tmp_path / "a.npy")).all()
    with pytest.raises(ValueError, match="name one"):
        read_tensor(tmp_path / "b.npz")
    tensor[1, 2, 3] = np.nan
    np.save(tmp_path / "c.npy", tensor)
    with pytest.raises(ValueError, match=r"\(1, 2, 3\) is nan"):
        read_tensor(tmp_path / "c.npy")
    write_problem(tmp_path / "a.h5", read_tensor(tmp_path / "a.npy"))
    told = subprocess.run([PROGRAM, "check", tmp_path / "a.h5"], capture_output=True, text=True)
    assert told.returncode == 0 and "is sound" in told.stdout, told.stdout + told.stderr
    (tmp_path / "s.yaml").write_text(f"problem: {{file: {tmp_path / 'a.h5'}, task: full}}\n"
                                     "model: {width: 3}\nstop: {steps: 10}\n")
    subprocess.run([PROGRAM, "run", tmp_path / "s.yaml", "--out", tmp_path / "out"], check=True,
                   capture_output=True, stdin=subprocess.DEVNULL)


def test_newick_is_read():
    assert parse_tree("((0,4)16,(2,3)16,1)8;") == [[0, 4], [2, 3], 1]


def test_time_since_activation_uses_both_parts_of_the_time(path):
    run = open_results(path).trajectories["c0"].isel(run=0)
    run = run.isel(sample=slice(0, int(run.samples)))
    since = time_since_activation(run)
    assert (np.diff(since) > 0).all() and since[0] < 0 <= since[-1]
    low = run.assign(time=run.time * 0 + 1e16, time_low=run.time)
    assert np.allclose(time_since_activation(low), since, rtol=1e-12)

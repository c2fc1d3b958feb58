# SPDX-License-Identifier: BSD-3-Clause
"""Sweeps run to their end, stopped and gone on with (tests/faults kills them)."""
import os
import signal
import subprocess
import time

import h5py
import numpy as np
import pytest

from program import SWEEP, checkpoints, checksum, command, htflow, write

# Long enough to be interrupted: descents of a tenth of a second, by a count of steps.
LONG = SWEEP.replace("stop: {loss: 1e-3}",
                     "flow: {method: gd, lr: 1e-3}\nstop: {loss: 0, steps: 40000}")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The small sweep, done by a lone process."""
    folder = tmp_path_factory.mktemp("done")
    result = htflow("run", write(folder / "sweep.yaml", SWEEP), "--out", folder / "out")
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == str(folder / "out" / "results.h5")
    return folder / "out"


def test_every_run_is_done_and_described(done):
    with h5py.File(done / "results.h5") as file:
        runs = file["runs"]
        assert runs["run"].shape == (8,)
        assert [s.decode() for s in runs["model_tree"][:]] == ["binary"] * 4 + ["flat"] * 4
        assert runs["init_std"][:].tolist() == [0.1, 0.1, 0.4, 0.4] * 2
        assert runs["seed"][:].tolist() == [0, 1] * 4
        assert (runs["status"][:] == 1).all()
        assert (runs["final_train_loss"][:] <= 1e-3).all()
        assert (runs["unbalancedness_drift"][:] < 1e-3).all()
        assert set(file["trajectories"]) == {"c0", "c1"}
        assert file["trajectories/c0"].attrs["tree"] == "((0,1)5,2)5;"
        assert file["weights/c1/w_0_1_2"].shape == (4, 5, 1)


def test_weights_give_the_recorded_error(done):
    """The weights kept, by a NumPy evaluation, against the trajectory's last entry."""
    import sys
    sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "analysis"))
    from htflow import end_tensor, open_results
    results = open_results(done / "results.h5")
    tensor = end_tensor(results.tree(0), results.weights(0))
    assert tensor.shape == (4, 5, 3)
    last = results.trajectories["c0"].isel(run=0)
    error = last.reconstruction_error.values[int(last.samples) - 1]
    # ||W - W*|| <= error ||W*|| with ||W*|| = 8 bounds the norm.
    assert abs(np.linalg.norm(tensor) - 8) <= 8 * error + 1e-12


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_any_number_of_ranks_gives_the_same_content(done, tmp_path, ranks):
    sweep = write(tmp_path / "sweep.yaml", SWEEP)
    result = htflow("run", sweep, "--out", tmp_path / "out", ranks=ranks)
    assert result.returncode == 0, result.stderr
    assert checksum(tmp_path / "out") == checksum(done)


def test_a_second_call_runs_nothing_and_gives_the_same(done):
    before = checksum(done)
    result = htflow("run", done.parent / "sweep.yaml", "--out", done)
    assert result.returncode == 0
    assert "0 done and 0 failed" in result.stderr and "8 done before" in result.stderr
    assert checksum(done) == before


def test_ranks_say_an_error_once_whoever_ends_first(tmp_path):
    sweep = write(tmp_path / "sweep.yaml", SWEEP.replace("width: 5", "width: five"))
    for _ in range(4):
        result = htflow("run", sweep, "--out", tmp_path / "out", ranks=2)
        assert result.returncode == 3
        assert result.stderr.count("sweep.yaml:8:") == 1, result.stderr


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["plan", "--help"], [],
                                   ["help", "status"]])
def test_ranks_say_help_once(words):
    result = htflow(*words, ranks=3)
    assert result.stdout.count("usage: htflow") == 1
    assert result.returncode == (0 if words else 2)


@pytest.fixture(scope="module")
def long_done(tmp_path_factory):
    """The long sweep, uninterrupted on two ranks."""
    folder = tmp_path_factory.mktemp("long")
    result = htflow("run", write(folder / "sweep.yaml", LONG), "--out", folder / "out", ranks=2)
    assert result.returncode == 0, result.stderr
    return folder / "out"


def start(sweep, out, ranks):
    """Start a sweep and wait until its first journal is there."""
    process = subprocess.Popen(command("run", sweep, "--out", out, ranks=ranks),
                               stderr=subprocess.PIPE, text=True, start_new_session=True)
    end = time.monotonic() + 30
    while not list(out.glob("journal/*")) and time.monotonic() < end:
        time.sleep(0.01)
    return process


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGUSR1])
def test_a_signal_stops_and_the_same_command_goes_on(long_done, tmp_path, how):
    sweep, out = write(tmp_path / "sweep.yaml", LONG), tmp_path / "out"
    process = start(sweep, out, None)
    time.sleep(0.2)
    process.send_signal(how)
    _, log = process.communicate(timeout=30)
    assert process.returncode == 5, log
    assert "stopped early" in log
    assert not (out / "results.h5").exists()
    assert htflow("run", sweep, "--out", out, ranks=2).returncode == 0
    assert checksum(out) == checksum(long_done)


def test_a_deadline_stops_and_the_same_command_goes_on(long_done, tmp_path):
    sweep, out = write(tmp_path / "sweep.yaml", LONG), tmp_path / "out"
    assert htflow("run", sweep, "--out", out, "--deadline", "0.3", ranks=2).returncode == 5
    assert htflow("run", sweep, "--out", out).returncode == 0
    assert checksum(out) == checksum(long_done)


def test_the_end_of_a_slurm_job_stops_and_a_later_one_goes_on(long_done, tmp_path,
                                                              monkeypatch):
    sweep = write(tmp_path / "sweep.yaml", LONG)
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    for seconds in (1, 2, 4):  # a loaded machine may not come to a run in the first
        out = tmp_path / f"out-{seconds}"
        monkeypatch.setenv("SLURM_JOB_END_TIME", f"{time.time() + seconds:.3f}")
        result = htflow("run", sweep, "--out", out)
        assert result.returncode == 5, result.stderr
        assert "SLURM ends this job" in result.stderr and "stopped early" in result.stderr
        if checkpoints(out) > 0:
            break
    assert checkpoints(out) > 0 and not (out / "results.h5").exists()
    monkeypatch.setenv("SLURM_JOB_END_TIME", str(int(time.time()) + 600))
    result = htflow("run", sweep, "--out", out)
    assert result.returncode == 0, result.stderr
    assert checksum(out) == checksum(long_done)


def test_a_run_that_fails_is_data_and_the_rest_finishes(tmp_path):
    sweep = write(tmp_path / "sweep.yaml", SWEEP.replace("stop:", "flow: {method: gd}\nstop:")
                  .replace("  - {seeds: 2}", "  - {key: flow.lr, values: [0.01, 1e6]}")
                  .replace("loss: 1e-3", "loss: 1e-3, steps: 200"))
    result = htflow("run", sweep, "--out", tmp_path / "out", ranks=2)
    assert result.returncode == 4, result.stderr
    with h5py.File(tmp_path / "out" / "results.h5") as file:
        runs = file["runs"]
        wild = runs["flow_lr"][:] > 1
        assert (runs["status"][:][wild] == 2).all() and (runs["status"][:][~wild] == 1).all()
        assert all(b"not finite" in m for m in runs["message"][:][wild])
    again = htflow("run", sweep, "--out", tmp_path / "out")
    assert again.returncode == 4 and "0 done and 0 failed" in again.stderr
    retried = htflow("run", sweep, "--out", tmp_path / "out", "--retry-failed")
    assert retried.returncode == 4 and "0 done and 4 failed" in retried.stderr


@pytest.mark.parametrize("method", ["bdf", "gd", "erk"])
def test_a_start_of_zeros_ends(tmp_path, method):
    """Nothing moves from there, and no unit of arc length can be taken from it."""
    with h5py.File(tmp_path / "zeros.h5", "w") as file:
        file.attrs["kind"], file.attrs["tree"] = "weights", "(0,1)2;"
        for name, shape in {"0": (3, 2), "1": (3, 2), "0_1": (2, 1)}.items():
            file[f"weights/{name}"] = np.zeros(shape)
    sweep = write(tmp_path / "sweep.yaml", f"""\
problem: {{shape: [3, 3], samples: 5, test: 2}}
model: {{width: 2, tree: flat}}
init: {{kind: file, file: {tmp_path / "zeros.h5"}}}
flow: {{method: {method}}}
stop: {{steps: 5}}
""")
    assert htflow("run", sweep, "--out", tmp_path / "out", timeout=20).returncode == 0

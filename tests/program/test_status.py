# SPDX-License-Identifier: BSD-3-Clause
"""A sweep directory looked at: status, explain, gather; beside live, stopped and dead sweeps."""
import hashlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest

from program import SWEEP, checksum, command, htflow, write

# Descents of some tenths of a second, that end by a count of steps.
LONG = SWEEP.replace("stop: {loss: 1e-3}",
                     "flow: {method: gd, lr: 1e-3}\nstop: {loss: 0, steps: 60000}")
FAILING = SWEEP.replace("stop: {loss: 1e-3}",
                        "flow: {method: gd, lr: 1e6}\nstop: {loss: 1e-3}")


def status(directory):
    result = htflow("status", directory, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def snapshot(directory):
    """Names, times and bytes of all that is in a directory."""
    return {str(path): (path.stat().st_mtime_ns, path.is_file() and
                        hashlib.sha256(path.read_bytes()).hexdigest())
            for path in sorted(directory.rglob("*"))}


def start(sweep, out, *more):
    return subprocess.Popen(command("run", sweep, "--out", out, *more), stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, start_new_session=True)


def wait_for(directory, fact, seconds=60):
    """The first status of which the fact holds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if list(directory.glob("log/*.jsonl")):
            now = status(directory)
            if fact(now):
                return now
        time.sleep(0.05)
    raise AssertionError("it never came to be")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("done")
    result = htflow("run", write(folder / "sweep.yaml", SWEEP), "--out", folder / "out", ranks=2)
    assert result.returncode == 0, result.stderr
    return folder / "out"


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A sweep killed when some of its runs are done."""
    folder = tmp_path_factory.mktemp("killed")
    process = start(write(folder / "sweep.yaml", LONG), folder / "out")
    try:
        wait_for(folder / "out", lambda now: 2 <= now["done"] <= 6 and now["running"])
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=10)
    return folder


@pytest.fixture
def half(killed, tmp_path):
    """The killed sweep, a copy for each test."""
    shutil.copytree(killed, tmp_path, dirs_exist_ok=True)
    return tmp_path / "out"


# ---- status ------------------------------------------------------------------------------

def test_a_done_sweep_is_said_to_be_done(done):
    now = status(done)
    assert [now[k] for k in ("name", "runs", "done", "failed", "running", "pending")] == \
        ["small", 8, 8, 0, 0, 0]
    assert now["seconds_left"] is None and now["utilisation"] is None
    assert len(now["writers"]) == 2 and sum(w["done"] for w in now["writers"]) == 8
    assert {w["state"] for w in now["writers"]} == {"ended"}
    text = htflow("status", done).stdout
    assert "8 done, 0 failed, 0 running, 0 pending\n" in text and "no process" not in text


def test_a_live_sweep_is_seen_at_work_to_its_end(tmp_path):
    process = start(write(tmp_path / "s.yaml", LONG), tmp_path / "out")
    now = wait_for(tmp_path / "out", lambda now: now["running"] and now["done"] >= 2)
    assert now["done"] + now["running"] + now["pending"] == 8
    writer, = now["writers"]
    assert writer["state"] == "works" and 0 <= writer["run"] < 8 and writer["run_seconds"] >= 0
    assert abs(writer["last_sign_of_life"] - now["time"]) < 30
    assert 0.3 < now["utilisation"] <= 1 and now["runs_a_second"] > 0
    assert now["seconds_left"] > 0
    watch = htflow("status", tmp_path / "out", "--watch", "--interval", "0.1")
    assert watch.returncode == 0 and watch.stdout.count("small: 8 runs") >= 2
    assert "8 done, 0 failed, 0 running, 0 pending" in watch.stdout.split("small: 8 runs")[-1]
    assert process.wait(timeout=30) == 0


def test_looking_disturbs_no_writer(tmp_path):
    process = start(write(tmp_path / "s.yaml", LONG), tmp_path / "out")
    wait_for(tmp_path / "out", lambda now: now["done"] >= 1)
    lookers = [subprocess.Popen(command("status", tmp_path / "out", "--watch", "--interval", "0.05"),
                                stdout=subprocess.DEVNULL) for _ in range(3)]
    assert process.wait(timeout=60) == 0
    assert all(looker.wait(timeout=30) == 0 for looker in lookers)
    assert status(tmp_path / "out")["done"] == 8


def test_a_killed_sweep_is_seen_to_be_dead(half):
    now = status(half)
    assert now["running"] == 0 and now["done"] + now["pending"] == 8
    assert [w["state"] for w in now["writers"]] == ["died"]
    text = htflow("status", half).stdout
    assert "no process works on it" in text and re.search(r"died in run \d", text)


def test_looking_writes_nothing(half, tmp_path):
    before = snapshot(half)
    assert htflow("status", half).returncode == 0
    assert htflow("explain", half, "0").returncode == 0
    assert htflow("gather", half, "--partial", "-o", tmp_path / "p.h5").returncode == 0
    assert htflow("gather", half).returncode == 5  # runs are pending
    assert snapshot(half) == before


# Pages of a transaction in the database, and no commit: what a writer leaves that is killed
# amid one.
HALF_DONE = """
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA journal_mode = PERSIST")
db.execute("PRAGMA cache_size = 2")
db.execute("BEGIN")
for i in range(500):
    db.execute("INSERT INTO content VALUES (NULL, zeroblob(20000))")
db.execute("DELETE FROM run")
os.kill(os.getpid(), 9)
"""


def test_a_half_done_commit_is_read_past_and_left_to_the_next_writer(half, tmp_path):
    path, = (half / "journal").glob("*.sqlite")
    size = path.stat().st_size
    subprocess.run([sys.executable, "-c", HALF_DONE, str(path)], check=False)
    assert path.stat().st_size > size  # it is in the file
    before = snapshot(half)
    result = htflow("status", half, "--json")
    assert result.returncode == 0, result.stderr
    assert snapshot(half) == before
    assert htflow("run", half.parent / "sweep.yaml", "--out", half).returncode == 0
    assert status(half)["done"] == 8


def test_status_of_what_is_no_sweep_is_an_error(tmp_path):
    result = htflow("status", tmp_path)
    assert result.returncode == 6 and "no sweep directory" in result.stderr


# ---- gather ------------------------------------------------------------------------------

def timeless(path):
    """A file's bytes without the dates of /timings."""
    data = re.sub(rb"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"date", path.read_bytes())
    return data


def test_gather_gives_the_bytes_that_run_gave(done, tmp_path):
    first, second = tmp_path / "a.h5", tmp_path / "b.h5"
    assert htflow("gather", done, "-o", first).stdout.strip() == str(first)
    assert htflow("gather", done, "--output", second).returncode == 0
    assert timeless(first) == timeless(second)
    with h5py.File(first) as ours, h5py.File(done / "results.h5") as theirs:
        assert ours.attrs["content_checksum"] == theirs.attrs["content_checksum"]
        assert dict(ours.attrs) == dict(theirs.attrs)
        assert ours.attrs["sweep"] == SWEEP


def test_gather_on_ranks_gives_the_same_content(done, tmp_path):
    assert htflow("gather", done, "-o", tmp_path / "r.h5", ranks=2).returncode == 0
    with h5py.File(tmp_path / "r.h5") as file:
        assert file.attrs["content_checksum"] == checksum(done)


def test_a_partial_file_says_which_runs_are_pending_and_is_sound(half, tmp_path):
    partial = tmp_path / "partial.h5"
    assert htflow("gather", half, "--partial", "-o", partial).returncode == 0
    now = status(half)
    with h5py.File(partial) as file:
        runs = file["runs"]
        assert list(runs["status"][:]).count(0) == now["pending"]
        assert list(runs["status"][:]).count(1) == now["done"]
        pending = runs["status"][:] == 0
        assert np.isnan(runs["final_train_loss"][:][pending]).all()
        assert (runs["row"][:][pending] == -1).all()
    checked = htflow("check", partial)
    assert checked.returncode == 0, checked.stdout


def test_gather_says_by_its_exit_code_that_runs_failed(tmp_path):
    sweep, out = write(tmp_path / "s.yaml", FAILING), tmp_path / "out"
    assert htflow("run", sweep, "--out", out).returncode == 4
    assert htflow("gather", out).returncode == 4
    assert htflow("check", out / "results.h5").returncode == 0


# ---- explain -----------------------------------------------------------------------------

def test_explain_tells_one_run_by_index_or_identity(done):
    with h5py.File(done / "results.h5") as file:
        identity = file["runs/identity"][5].decode()
        loss, steps = file["runs/final_train_loss"][5], file["runs/steps"][5]
    text = htflow("explain", done, "5").stdout
    assert text == htflow("explain", done, identity[:10]).stdout
    assert f"run 5 of 8 of small, identity {identity}" in text
    assert re.search(r"init\.std +0\.1\n", text) and re.search(r"model\.tree +flat\n", text)
    assert re.search(rf"steps +{steps}\n", text) and f"{loss:.9g}" in text
    assert "done: the training loss reached stop.loss" in text
    assert re.search(r"on +\S+, rank [01], journal \S+-0000[01]\n", text)


@pytest.mark.parametrize("run", ["8", "00ff00", "xyz", "ab", "-1"])
def test_explain_of_no_run_is_wrong_usage(done, run):
    assert htflow("explain", done, run).returncode == 2


def test_explain_says_why_a_run_failed(tmp_path):
    out = tmp_path / "out"
    htflow("run", write(tmp_path / "s.yaml", FAILING), "--out", out)
    text = htflow("explain", out, "0").stdout
    assert "failed: " in text and "not finite" in text and "--retry-failed" in text


def test_explain_of_a_pending_run_says_so(half):
    with_record = {w["name"] for w in status(half)["writers"]}
    assert with_record
    assert "pending: it has no record yet" in htflow("explain", half, "7").stdout


@pytest.mark.parametrize("run", [0, 3, 6])
def test_a_run_alone_is_the_same_run_to_the_last_bit(done, tmp_path, run):
    alone = write(tmp_path / "alone.yaml", htflow("explain", done, run, "--yaml").stdout)
    assert htflow("run", alone, "--out", tmp_path / "out").returncode == 0
    with h5py.File(tmp_path / "out" / "results.h5") as a, h5py.File(done / "results.h5") as b:
        assert a["runs/identity"][0] == b["runs/identity"][run]
        group = b["trajectories"][b["runs/trajectory"][run].decode()]
        row, n = b["runs/row"][run], a["trajectories/c0/samples"][0]
        assert group["samples"][row] == n
        assert (a["trajectories/c0/train_loss"][0] == group["train_loss"][row, :n]).all()


def test_a_run_alone_keeps_sections_trees_and_texts(tmp_path):
    sweep = write(tmp_path / "s.yaml", """\
problem: {shape: [3, 3, 3], samples: 20, test: 5, target: {tree: flat}}
stop: {steps: 3}
axes:
  - {key: model, values: [{kind: cp, width: 2}, {kind: htf, tree: "((0,1)2,2)3;"}]}
  - {key: problem.target, values: [{kind: cp, width: 1}, {kind: htf, width: 2}]}
""")
    out = tmp_path / "out"
    assert htflow("run", sweep, "--out", out).returncode == 0
    for run in range(4):
        alone = write(tmp_path / f"{run}.yaml", htflow("explain", out, run, "--yaml").stdout)
        assert htflow("run", alone, "--out", tmp_path / f"{run}").returncode == 0

# SPDX-License-Identifier: BSD-3-Clause
"""Sweeps lose nothing: each fault is caused, and the same command goes on.

faults.py holds the sweep and the killing; tests/faults.sh the long form.
"""
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing

import h5py
import pytest

import faults
from program import BUILD, checkpoints, checksum, command, htflow, write


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The sweep, uninterrupted on one rank."""
    folder = tmp_path_factory.mktemp("reference")
    faults.reference_checksum(folder)
    return folder / "reference"


@pytest.fixture
def sweep(tmp_path):
    """The sweep's file."""
    return write(tmp_path / "sweep.yaml", faults.SWEEP)


def copy(done, tmp_path):
    """The sweep directory, done, to be damaged."""
    shutil.copytree(done, tmp_path / "out")
    return tmp_path / "out"


def events(out, name):
    """The runs that an event of the logs names."""
    found = []
    for path in out.glob("log/*.jsonl"):
        for line in path.read_text().splitlines():
            event = json.loads(line)
            if event["event"] == name:
                found.append(event["run"])
    return found


def opened(out):
    """How many ranks have begun to work, in all jobs so far."""
    return sum(path.read_text().count('"open"') for path in out.glob("log/*.jsonl"))


def wait_until(condition):
    """Wait for what comes within seconds."""
    limit = time.monotonic() + 30
    while not condition() and time.monotonic() < limit:
        time.sleep(0.01)
    assert condition()


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_kill_9_at_any_instant_loses_nothing(done, tmp_path, ranks):
    hits, _ = faults.kill_until_done(tmp_path, ranks, 3, random.Random(ranks),
                                     checksum(done))
    assert hits > 0


# Flat trees at order 10 come into narrow, curved valleys within a few hundred steps, and stay.
VALLEYS = """\
seed: 1
problem: {shape: [2, 2, 2, 2, 2, 2, 2, 2, 2, 2], samples: 100, test: 10, target: {width: 2}}
model: {tree: flat, width: 4}
init: {kind: balanced, std: 0.05}
flow: {rtol: 1e-4}
stop: {loss: 0, time: 1e100, steps: 1100}
record: {points: 20, components: 2, weights: final}
axes: [{seeds: 3}]
"""


def kill_in_valley(sweep, out, marker):
    """Kill -9 in a valley; the steps at the checkpoint and at the kill, None where it ended."""
    process = subprocess.Popen(
        command("run", sweep, "--out", out, "--checkpoint", "0"), stderr=subprocess.DEVNULL,
        env=dict(os.environ, HTF_IN_VALLEY=str(marker),
                 LD_PRELOAD=str(BUILD / "tests" / "libin_valley.so")))
    limit = time.monotonic() + 100
    while process.poll() is None and not marker.exists() and time.monotonic() < limit:
        time.sleep(0.01)
    process.kill()
    if process.wait() == 0:
        return None
    assert process.returncode == -signal.SIGKILL and marker.exists()
    steps = [int(word) for word in marker.read_text().split()]
    marker.unlink()
    return steps


def test_kill_9_in_a_narrow_valley_changes_nothing(tmp_path):
    """Killed in a valley, and gone on with from a checkpoint that lies in it as well."""
    sweep, out = write(tmp_path / "sweep.yaml", VALLEYS), tmp_path / "out"
    assert htflow("run", sweep, "--out", tmp_path / "whole").returncode == 0
    kills = 0
    while (steps := kill_in_valley(sweep, out, tmp_path / "marker")) is not None:
        kills += 1
        assert steps[0] > 0 and steps[0] % 500 == 0 and steps[0] < steps[1] < steps[0] + 500
        assert checkpoints(out) == 1 and kills < 10
    assert kills > 0 and set(events(out, "checkpoint")) == {0, 1, 2}
    with h5py.File(out / "results.h5") as file:
        attempts = file["timings/attempts"][:]
    assert attempts.sum() == len(attempts) + kills  # each went on from its checkpoint
    assert checksum(out) == checksum(tmp_path / "whole")


@pytest.mark.parametrize("how, ranks", [(signal.SIGTERM, None), (signal.SIGUSR2, 2),
                                        ("deadline", 2)])
def test_runs_go_on_from_where_they_were_stopped(done, tmp_path, sweep, how, ranks):
    """Stopped after fractions of a second, no sweep would end that begins its runs anew."""
    choice, out, stops, kept = random.Random(str(how)), tmp_path / "out", 0, 0
    for _ in range(2):
        seconds = choice.uniform(0.1, 0.4)
        options = ["--deadline", seconds] if how == "deadline" else []
        before = opened(out)
        process = faults.start(sweep, out, ranks, *options)
        if how != "deadline":
            wait_until(lambda: opened(out) == before + (ranks or 1))
            time.sleep(seconds)
            pids = faults.processes(out)
            if pids:  # one rank hears of it, the other from that one
                os.kill(pids[-1], how)
        code = process.wait(timeout=60)
        faults.end(process, out)
        assert code in (0, 5), (tmp_path / "out.log").read_text()
        stops += code == 5
        kept += checkpoints(out) > 0  # a stop may fall between two runs
        assert code == 0 or not (out / "results.h5").exists()
    assert stops > 0 and kept > 0
    assert htflow("run", sweep, "--out", out, timeout=300).returncode == 0
    attempts = faults.check_done(out, checksum(done))
    assert attempts.max() > 1
    assert faults.records(out)[1] == faults.RUNS  # nothing done twice
    assert set(events(out, "leave")) <= set(events(out, "start"))


def test_one_run_longer_than_every_job_ends(tmp_path):
    """Each job is too short for the run; its checkpoints carry it on."""
    text = faults.SWEEP.split("axes:")[0].replace("steps: 16000", "steps: 60000")
    sweep = write(tmp_path / "sweep.yaml", text.replace("flow: {", "flow: {method: gd, "))
    assert htflow("run", sweep, "--out", tmp_path / "whole").returncode == 0
    for job in range(60):
        code = htflow("run", sweep, "--out", tmp_path / "out", "--deadline", 0.15).returncode
        if code == 0:
            break
        assert code == 5
    assert code == 0 and job > 0
    assert checksum(tmp_path / "out") == checksum(tmp_path / "whole")


def test_a_second_signal_leaves_at_once(done, tmp_path, sweep):
    """A run whose segment never ends: the first signal waits for it, the second does not."""
    slow = faults.SWEEP.replace("[4, 5, 3]", "[60, 60, 60]").replace(
        "samples: 40", "samples: 100000").replace("[gd, momentum, bdf, erk]", "[gd]").replace(
        "[3, 6]", "[60, 61]").replace("binary, width: 5", "binary")
    out = tmp_path / "out"
    process = faults.start(write(sweep, slow), out, None)
    wait_until(lambda: events(out, "start"))
    process.send_signal(signal.SIGTERM)
    time.sleep(2.5)
    assert process.poll() is None, "left before the end of the segment"
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    assert process.wait(timeout=30) == 128 + signal.SIGTERM
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("seed", range(2))
def test_a_torn_journal_costs_what_it_lost(done, tmp_path, sweep, seed):
    choice, out = random.Random(seed), copy(done, tmp_path)
    [path] = out.glob("journal/*.sqlite")
    os.truncate(path, choice.randrange(path.stat().st_size))
    kept = None
    result = htflow("run", sweep, "--out", out, timeout=300)
    assert result.returncode == 0, result.stderr
    assert "is damaged" in result.stderr and "whole and kept" in result.stderr
    kept = int(result.stderr.split(" records in it are whole and kept")[0].split()[-1])
    assert f"{faults.RUNS - kept} done and 0 failed" in result.stderr
    assert checksum(out) == checksum(done)
    assert list(out.glob("journal/*.damaged-1.sqlite"))


@pytest.mark.parametrize("seed", range(3))
def test_a_flipped_byte_costs_the_run_it_hit(done, tmp_path, sweep, seed):
    choice, out = random.Random(seed), copy(done, tmp_path)
    [path] = out.glob("journal/*.sqlite")
    at = choice.randrange(50000, path.stat().st_size)
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ (1 << choice.randrange(8))]))
    before = checksum(out)
    result = htflow("run", sweep, "--out", out, timeout=300)
    assert result.returncode == 0, result.stderr
    if "damaged" in result.stderr:
        assert "1 done and 0 failed" in result.stderr, result.stderr
    else:  # it hit bytes that hold nothing
        assert f"{faults.RUNS} done before" in result.stderr
    assert checksum(out) == before == checksum(done)


def test_two_jobs_share_one_directory(done, tmp_path, sweep):
    """The first waits, stopped at its first run, until the second is there too."""
    out = tmp_path / "out"
    jobs = [faults.start(sweep, out, None)]
    wait_until(lambda: events(out, "start"))
    jobs[0].send_signal(signal.SIGSTOP)
    jobs.append(faults.start(sweep, out, 2))
    wait_until(lambda: opened(out) == 3)
    jobs[0].send_signal(signal.SIGCONT)
    assert [job.wait(timeout=200) for job in jobs] == [0, 0], \
        (tmp_path / "out.log").read_text()
    faults.check_done(out, checksum(done))
    ended = events(out, "end")
    assert sorted(ended) == list(range(faults.RUNS)), "not each run once"
    logs = [path for path in out.glob("log/*.jsonl") if '"end"' in path.read_text()]
    assert len(logs) >= 2


def stop_unreadable(job, lock):
    """Stop a job where its journal is free, and lock that as a commit would."""
    for _ in range(100):
        job.send_signal(signal.SIGSTOP)
        try:
            lock.execute("BEGIN EXCLUSIVE")
            return
        except sqlite3.OperationalError:  # it was amid a commit itself
            job.send_signal(signal.SIGCONT)
            time.sleep(0.02)
    raise AssertionError("always amid a commit")


def test_a_job_takes_over_from_one_that_hangs(done, tmp_path, sweep):
    """Stopped processes of this host still hold their locks: only their silence tells.

    It is stopped amid a commit, at worst: then its journal cannot be read either.
    """
    out = tmp_path / "out"
    hung = faults.start(sweep, out, None)
    wait_until(lambda: events(out, "start"))
    try:
        with closing(sqlite3.connect(next(out.glob("journal/*.sqlite")), timeout=0)) as lock:
            stop_unreadable(hung, lock)
            result = htflow("run", sweep, "--out", out, "--patience", 1, ranks=2, timeout=200)
        assert "seems to hang" in result.stderr
        assert result.returncode == 0, result.stderr
        assert "taken over" in result.stderr
        assert checksum(out) == checksum(done)
        hung.send_signal(signal.SIGCONT)  # it finds the rest done
        assert hung.wait(timeout=100) == 0
        assert checksum(out) == checksum(done)
    finally:
        hung.kill()  # where it is still there


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MB; and what takes its space away and gives it back."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk],
                      check=False).returncode != 0:
        pytest.skip("mounting needs root")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def leave(disk, free):
    """Fill a disk but for so many bytes."""
    facts = os.statvfs(disk)
    size = facts.f_bavail * facts.f_frsize - free
    (disk / "filler").write_bytes(bytes(size))


@pytest.mark.parametrize("free, ranks", [(0, 2), (20_000, None), (150_000, 2)])
def test_a_full_disk_stops_the_sweep_and_loses_nothing(done, small_disk, tmp_path, sweep,
                                                       free, ranks):
    leave(small_disk, free)
    result = htflow("run", sweep, "--out", small_disk / "out", ranks=ranks, timeout=300)
    assert result.returncode == 6, result.stderr
    assert "full" in result.stderr or "No space" in result.stderr
    (small_disk / "filler").unlink()
    result = htflow("run", sweep, "--out", small_disk / "out", ranks=ranks, timeout=300)
    assert result.returncode == 0, result.stderr
    faults.check_done(small_disk / "out", checksum(done))


def test_a_disk_full_at_gathering_leaves_the_journal(done, small_disk, sweep):
    out = small_disk / "out"
    shutil.copytree(done, out, ignore=shutil.ignore_patterns("results.h5"))
    leave(small_disk, 60_000)
    result = htflow("run", sweep, "--out", out)
    assert result.returncode == 6, result.stderr
    assert not list(out.glob("*.part")) and not (out / "results.h5").exists()
    (small_disk / "filler").unlink()
    result = htflow("run", sweep, "--out", out)
    assert result.returncode == 0 and "0 done and 0 failed" in result.stderr
    assert checksum(out) == checksum(done)


def test_memory_that_ends_is_an_error_at_every_place(tmp_path):
    """The nth allocation fails, for n over all a sweep makes, in steps that grow."""
    small = faults.SWEEP.replace("steps: 16000", "steps: 1500").replace("[3, 6]", "[3]")
    sweep = write(tmp_path / "sweep.yaml",
                  small.replace("[gd, momentum, bdf, erk]", "[gd, bdf]").replace(
                      "seeds: 3", "seeds: 1"))
    nth, codes, outs = 1, [], []
    while not codes or codes[-1] != 0:
        out = tmp_path / str(nth)
        outs.append(out)
        result = subprocess.run(
            [BUILD / "bin" / "htflow", "run", sweep, "--out", out, "--checkpoint", "0"],
            env=dict(os.environ, HTF_FAIL_AT=str(nth),
                     LD_PRELOAD=str(BUILD / "tests" / "libfail_at.so")),
            capture_output=True, text=True, timeout=100, check=False)
        codes.append(result.returncode)
        assert result.returncode in (0, 6), f"allocation {nth}: {result.stderr}"
        assert result.returncode != 6 or "no memory" in result.stderr, result.stderr
        nth = nth * 3 // 2 + 1
    assert codes.count(6) > 12 and nth < 20_000
    for failed in outs[-4:-1]:  # in its runs, or as it gathered
        result = htflow("run", sweep, "--out", failed)
        assert result.returncode == 0, result.stderr
        assert checksum(failed) == checksum(out)


def test_fail_fast_gives_up_and_max_fails_counts(tmp_path):
    wild = faults.SWEEP.split("axes:")[0].replace("lr: 1e-3", "method: gd, lr: 1e6")
    sweep = write(tmp_path / "sweep.yaml",
                  wild.replace("time: 1000", "time: 1e90") + "axes:\n  - {seeds: 12}\n")
    result = htflow("run", sweep, "--out", tmp_path / "fast", "--fail-fast")
    assert result.returncode == 4 and "given up after 1 failed" in result.stderr
    result = htflow("run", sweep, "--out", tmp_path / "three", "--max-fails", 3)
    assert result.returncode == 4 and "given up after 3 failed" in result.stderr
    assert not (tmp_path / "three" / "results.h5").exists()
    result = htflow("run", sweep, "--out", tmp_path / "three")
    assert result.returncode == 4 and "9 failed" in result.stderr
    with h5py.File(tmp_path / "three" / "results.h5") as file:
        assert (file["runs/status"][:] == 2).all()
        assert all(b"not finite" in m for m in file["runs/message"][:])


def test_shards_do_their_part_and_the_last_gathers(done, tmp_path, sweep):
    out = tmp_path / "out"
    for shard in (2, 1, 3):
        assert not (out / "results.h5").exists()
        result = htflow("run", sweep, "--out", out, "--shard", f"{shard}/3", timeout=200)
        assert result.returncode == 0, result.stderr
        assert "8 done and 0 failed" in result.stderr
    assert checksum(out) == checksum(done)
    assert htflow("run", sweep, "--out", out, "--shard", "4/3").returncode == 2


def test_a_sweep_that_grows_or_is_merged_runs_only_what_is_new(done, tmp_path):
    bigger = write(tmp_path / "bigger.yaml", faults.SWEEP.replace("seeds: 3", "seeds: 4"))
    shutil.copytree(done, tmp_path / "grown")
    refused = htflow("run", bigger, "--out", tmp_path / "grown")
    assert refused.returncode == 3 and "seeds" in refused.stderr
    for out, options in ((tmp_path / "grown", ["--grow"]),
                         (tmp_path / "merged", ["--reuse", done])):
        result = htflow("run", bigger, "--out", out, *options, timeout=200)
        assert result.returncode == 0, result.stderr
        assert "8 done and 0 failed" in result.stderr and "24 done before" in result.stderr
    assert checksum(tmp_path / "grown") == checksum(tmp_path / "merged")
    again = htflow("run", bigger, "--out", tmp_path / "grown")
    assert again.returncode == 0 and "0 done and 0 failed" in again.stderr

# SPDX-License-Identifier: BSD-3-Clause
"""Sweeps that are killed and gone on with, until they are done: the short form is part of
test_faults.py, the long one `tests/faults.sh KILLS`."""
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

import h5py

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "program"))
from program import checksum, command, htflow, write  # noqa: E402

# 24 runs: descents of a tenth of a second, exact and adaptive flow of less, of two sizes.
SWEEP = """\
name: faults
seed: 11
problem:
  shape: [4, 5, 3]
  samples: 40
  test: 10
  target: {kind: htf, tree: "((0,2)2,1)2;", norm: 8}
model: {tree: binary, width: 5}
flow: {lr: 1e-3, rtol: 1e-7}
init: {std: 0.05}
stop: {loss: 0, steps: 16000, time: 1000}
record: {points: 20, components: 3, weights: final}
axes:
  - {key: model.width, values: [3, 6]}
  - {key: flow.method, values: [gd, momentum, bdf, erk]}
  - {seeds: 3}
"""
RUNS = 24


def processes(out):
    """Pids of the ranks that work on a directory."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it ended meanwhile
        if words[0].endswith(b"htflow") and str(out).encode() in words:
            found.append(int(folder.name))
    return sorted(found)


def start(sweep, out, ranks, *options):
    """A sweep in the background; checkpoints at every boundary, to meet many of them."""
    log = open(f"{out}.log", "a", encoding="utf-8")
    return subprocess.Popen(
        command("run", sweep, "--out", out, "--checkpoint", "0", *options, ranks=ranks),
        stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)


def end(process, out):
    """Wait until every process of a job is gone."""
    process.wait(timeout=60)
    limit = time.monotonic() + 20
    while processes(out) and time.monotonic() < limit:
        time.sleep(0.02)
    assert not processes(out), "a rank outlives its mpirun"


def kill(process, out, all_ranks, choice):
    """Kill -9 of one rank (mpirun then ends the others), or of mpirun and all ranks."""
    pids = processes(out)
    if all_ranks:
        os.killpg(process.pid, signal.SIGKILL)
    for pid in pids if all_ranks else pids and [choice.choice(pids)]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    end(process, out)


def records(out):
    """Identities of the runs that the journals call done, and how many rows say so."""
    identities, rows = set(), 0
    for path in out.glob("journal/*.sqlite"):
        with sqlite3.connect(path, timeout=30) as db:  # undoes what was half done
            found = db.execute("SELECT identity FROM run WHERE state = 1").fetchall()
        db.close()
        identities |= {row[0] for row in found}
        rows += len(found)
    return identities, rows


def check_done(out, reference):
    """All runs are there, once, and as the uninterrupted sweep had them."""
    with h5py.File(out / "results.h5") as file:
        assert (file["runs/status"][:] == 1).all()
        identities = file["runs/identity"][:].tolist()
        assert len(set(identities)) == len(identities) == RUNS
        attempts = file["timings/attempts"][:]
    assert checksum(out) == reference
    assert not list(out.glob("leases/*")), "leases are left over"
    return attempts


def kill_until_done(folder, ranks, kills, choice, reference):
    """Kill a sweep so often, at random instants; then let it end. Returns how many kills hit
    it while it ran, and how many rows the journals hold more than there are runs."""
    sweep, out = write(folder / "sweep.yaml", SWEEP), folder / "out"
    hits, before, longest = 0, set(), 1.5
    for _ in range(kills):
        process = start(sweep, out, ranks)
        limit = time.monotonic() + choice.uniform(0.2, longest)
        while process.poll() is None and time.monotonic() < limit:
            time.sleep(0.01)
        if process.poll() is not None and hits > 0:
            break
        if process.poll() is not None:  # too fast a machine: anew, and sooner
            shutil.rmtree(out)
            longest = max(0.3, longest / 2)
            continue
        kill(process, out, choice.random() < 0.5, choice)
        hits += 1
        now, _ = records(out)
        assert before <= now, "a run that was done is done no more"
        before = now
    process = start(sweep, out, ranks)
    assert process.wait(timeout=300) == 0, (folder / "out.log").read_text()
    check_done(out, reference)
    identities, rows = records(out)
    assert len(identities) == RUNS
    return hits, rows - RUNS


def reference_checksum(folder):
    """content_checksum of the sweep, uninterrupted on one rank."""
    result = htflow("run", write(folder / "sweep.yaml", SWEEP), "--out", folder / "reference",
                    timeout=300)
    assert result.returncode == 0, result.stderr
    return checksum(folder / "reference")


def main(wanted, seed):
    """The long form: so many kills, at 1, 2 and 4 ranks in turn."""
    choice = random.Random(seed)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="htf-faults-"))
    reference = reference_checksum(folder)
    hits = doubled = sweeps = 0
    began = time.monotonic()
    while hits < wanted:
        ranks = (1, 2, 4)[sweeps % 3]
        here = folder / str(sweeps)
        here.mkdir()
        new, more = kill_until_done(here, ranks, min(12, wanted - hits), choice, reference)
        hits, doubled, sweeps = hits + new, doubled + more, sweeps + 1
        print(f"{hits} of {wanted} kills, {sweeps} sweeps of {RUNS} runs: none lost, "
              f"content_checksum equal; {doubled} done twice and counted once; "
              f"{time.monotonic() - began:.0f} s", flush=True)
        shutil.rmtree(here)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)

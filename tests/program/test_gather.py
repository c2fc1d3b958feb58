# SPDX-License-Identifier: BSD-3-Clause
"""Gathering on many ranks: the others compress, and the file does not show it."""
import os
import signal
import subprocess
import time

import h5py
import numpy as np

from program import BUILD, command, htflow, write

SWEEP = """\
name: gathered
problem: {{shape: [4, 4, 4], samples: 20, test: 5}}
model: {{tree: binary, width: 2}}
stop: {{steps: 1}}
axes:
  - {{key: init.std, log: [1e-3, 1e-1, 10]}}
  - {{seeds: {seeds}}}
"""


def finished(folder, runs):
    """A sweep directory that says of its runs that they are done, 80 samples each."""
    sweep, out = write(folder / "sweep.yaml", SWEEP.format(seeds=runs // 10)), folder / "out"
    assert htflow("run", sweep, "--out", out, "--deadline", 0.001).returncode == 5
    subprocess.run([BUILD / "tests" / "make_finished", sweep, out, str(runs), "3"], check=True)
    return out


def read_all(path):
    """Every dataset, which has HDF5 check every chunk; and content_checksum."""
    with h5py.File(path) as file:
        count = []
        file.visititems(lambda _, item: count.append(
            np.size(item[()])) if isinstance(item, h5py.Dataset) else None)
        return sum(count), file.attrs["content_checksum"]


def test_any_number_of_ranks_writes_the_same_bytes(tmp_path):
    out, files = finished(tmp_path, 4000), []
    for ranks in (None, 2, 4):
        path = tmp_path / f"{ranks}.h5"
        result = htflow("gather", out, "-o", path, ranks=ranks)
        assert result.returncode == 0, result.stderr
        files.append(path)
    contents = [np.frombuffer(path.read_bytes(), np.uint8) for path in files]
    assert len({len(c) for c in contents}) == 1 and len({read_all(p) for p in files}) == 1
    assert read_all(files[0])[0] > 4000 * 80
    for other in contents[1:]:  # in /timings stand a date and the number of ranks
        differ = np.flatnonzero(other != contents[0])
        assert 0 < len(differ) < 24 and np.ptp(differ) < 4096


def test_a_helper_killed_while_it_helps_leaves_the_old_file(tmp_path):
    out = finished(tmp_path, 4000)
    (out / "results.h5").write_text("older")
    process = subprocess.Popen(command("gather", out, ranks=2), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    limit = time.monotonic() + 60
    while not list(out.glob("results.h5.*.part")) and time.monotonic() < limit:
        time.sleep(0.001)
    ranks = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True,
                           check=True).stdout.split()
    os.kill(int(ranks[-1]), signal.SIGKILL)
    assert process.wait(timeout=60) != 0
    assert (out / "results.h5").read_text() == "older"
    assert htflow("gather", out, ranks=2).returncode == 0
    assert read_all(out / "results.h5")[0] > 4000 * 80

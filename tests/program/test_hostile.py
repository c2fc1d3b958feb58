# SPDX-License-Identifier: BSD-3-Clause
"""Files with bytes changed: HDF5 itself may crash or hang on them, the program may not."""
import random
import subprocess

import h5py
import numpy as np
import pytest

from program import BUILD, write

VARIANTS = 15


def problem(path):
    with h5py.File(path, "w") as file:
        file.attrs["kind"], file.attrs["task"] = "problem", "completion"
        file["shape"] = [3, 3, 3]
        file["train/indices"] = [[0, 0, 0], [1, 2, 1], [2, 2, 2], [0, 1, 0]]
        file["train/values"] = [1.0, 2, 3, 4]


def weights(path):
    with h5py.File(path, "w") as file:
        file.attrs["kind"], file.attrs["tree"] = "weights", "(0,1)2;"
        for name, shape in {"0": (3, 2), "1": (3, 2), "0_1": (2, 1)}.items():
            file.create_dataset(f"weights/{name}", data=np.ones(shape), chunks=shape,
                                compression="gzip", fletcher32=True)


def results(path):
    subprocess.run([BUILD / "tests" / "make_flow", path], check=True)


def damage(data, chance):
    """Some bytes changed, most of them near the beginning, where the structures are."""
    data = bytearray(data)
    for _ in range(chance.choice([1, 3, 10, 40])):
        at = chance.randrange(len(data) if chance.random() < 0.5 else min(len(data), 3000))
        data[at] = chance.choice([0, 1, 0x7f, 0x80, 0xff, chance.randrange(256)])
    return bytes(data) if chance.random() < 0.9 else bytes(data[:chance.randrange(len(data))])


@pytest.mark.parametrize("make", [problem, weights, results])
def test_a_damaged_file_is_sound_or_an_error_and_never_a_crash(tmp_path, make):
    chance, seen = random.Random(make.__name__), set()
    make(tmp_path / "sound.h5")
    data, path = (tmp_path / "sound.h5").read_bytes(), tmp_path / "damaged.h5"
    for _ in range(VARIANTS):
        path.write_bytes(damage(data, chance))
        result = subprocess.run([BUILD / "bin" / "htflow", "check", path], capture_output=True,
                                timeout=300)
        assert result.returncode in (0, 7), (result.returncode, result.stderr)
        seen.add(result.returncode)
    assert seen == {0, 7}


def test_a_crash_of_hdf5_is_an_error_of_the_file(tmp_path):
    """One that HDF5 1.10 does not survive stops a plan with a message and exit code 7."""
    chance, crashes = random.Random(5), 0
    problem(tmp_path / "sound.h5")
    data = (tmp_path / "sound.h5").read_bytes()
    sweep = write(tmp_path / "sweep.yaml", "problem: {file: damaged.h5}\nstop: {steps: 1}\n")
    for _ in range(150):
        (tmp_path / "damaged.h5").write_bytes(damage(data, chance))
        result = subprocess.run([BUILD / "bin" / "htflow", "plan", sweep], cwd=tmp_path,
                                capture_output=True, timeout=100)
        assert result.returncode in (0, 3, 7), (result.returncode, result.stderr)
        crashes += b"in a process made for it" in result.stderr
        if crashes == 2:
            return
    pytest.fail("HDF5 survived them all: has it been mended? Then the guard may go")

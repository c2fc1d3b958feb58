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


def replace(name, **dataset):
    """Another dataset of a name."""
    def change(file):
        del file[name]
        file.create_dataset(name, **dataset)
    return change


def link_to_itself(file):
    del file["weights/c0/w_1"]
    file["weights/c0/w_1"] = h5py.SoftLink("/weights/c0/w_1")


def poke(name, at, value):
    def change(file):
        file[name][at] = value
    return change


# What HDF5 finds sound and nobody wrote: all that the readers of a run's weights look at.
STRANGE = {
    "no weights": lambda file: file.pop("weights"),
    "no runs of the class": lambda file: file.pop("weights/c0/run"),
    "runs that are texts": replace("weights/c0/run", data=["a", "b", "c"]),
    "runs of another class": poke("weights/c0/run", slice(None), 2**62),
    "no tree": lambda file: file["weights/c0"].attrs.pop("tree"),
    "a tree that is none": lambda file: file["weights/c0"].attrs.modify("tree", "((0,1"),
    "another tree": lambda file: file["weights/c0"].attrs.modify("tree", "((0,1)3,2)3;"),
    "a tree of a number": lambda file: file["weights/c0"].attrs.create("tree", 7),
    "a node that is missing": lambda file: file.pop("weights/c0/w_0_1"),
    "a node that is a group": lambda file: (file.pop("weights/c0/w_1"),
                                            file.create_group("weights/c0/w_1")),
    "a node that is nowhere": link_to_itself,
    "a node of no runs": replace("weights/c0/w_1", shape=(0, 3, 2), dtype="f8"),
    "a node of two dimensions": replace("weights/c0/w_1", data=np.ones((3, 3))),
    "a node that is huge": replace("weights/c0/w_1", shape=(3, 2**33, 2**33), dtype="f8",
                                   chunks=(1, 64, 64)),
    "a node of texts": replace("weights/c0/w_1", shape=(3, 3, 2), dtype=h5py.string_dtype()),
    "a weight that is not finite": poke("weights/c0/w_2", (slice(None), 1, 1), np.inf),
    "a row that is all missing": poke("weights/c0/w_0_1", slice(None), np.nan),
}


@pytest.mark.parametrize("name", STRANGE)
def test_weights_that_nobody_wrote_are_told_by_every_reader(tmp_path, name):
    results(tmp_path / "strange.h5")
    with h5py.File(tmp_path / "strange.h5", "r+") as file:
        run = int(file["weights/c0/run"][0])
        STRANGE[name](file)
    sweep = write(tmp_path / "sweep.yaml", f"""\
problem: {{shape: [2, 3, 2], samples: 8, test: 2}}
model: {{width: 2, tree: "((0,1)2,2)2;"}}
init: {{kind: file, file: strange.h5, run: {run}}}
""")
    for code, words, *command in ((7, "error", "check", "strange.h5"),
                                  (7, "strange.h5", "plan", sweep),
                                  (7, "strange.h5", "rank", "strange.h5", "--run", str(run))):
        result = subprocess.run([BUILD / "bin" / "htflow", *command], cwd=tmp_path,
                                capture_output=True, text=True, timeout=60)
        assert result.returncode == code, (command, result.returncode, result.stderr)
        assert words in result.stdout + result.stderr
        assert "a process made for it" not in result.stderr, result.stderr

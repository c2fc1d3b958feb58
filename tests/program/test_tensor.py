# SPDX-License-Identifier: BSD-3-Clause
"""htflow tensor against NumPy, and a target written out against the sweep that plants it."""
import h5py
import numpy as np
import pytest

from program import SWEEP, htflow, write
from test_rank import NEWICK, ranked, weights_file


def written(path):
    with h5py.File(path) as file:
        assert file.attrs["kind"] == "problem" and file.attrs["task"] == "full"
        assert list(file["shape"]) == list(file["tensor"].shape)
        return file["tensor"][()]


def test_the_end_tensor_is_written_by_any_number_of_ranks(tmp_path):
    """NumPy's entries to 1e-13 of the norm, and the same bits from 1, 2 and 4 ranks."""
    source, expected = weights_file(tmp_path / "weights.h5")
    tensors = []
    for ranks in (1, 2, 4):
        out = tmp_path / f"tensor{ranks}.h5"
        result = htflow("tensor", source, "--out", out, ranks=ranks)
        assert result.returncode == 0, result.stderr
        tensors.append(written(out))
    assert np.linalg.norm(tensors[0] - expected) <= 1e-13 * np.linalg.norm(expected)
    assert all((tensor == tensors[0]).all() for tensor in tensors)
    assert htflow("check", tmp_path / "tensor1.h5").returncode == 0
    factored = ranked(source)["nodes"]
    dense = ranked(tmp_path / "tensor4.h5", "--tree", NEWICK, ranks=2)["nodes"]
    for name, node in factored.items():
        got, other = node["singular_values"], dense[name]["singular_values"]
        assert np.abs(np.subtract(got, other[:len(got)])).max() <= 1e-12 * got[0]


# More than one block of entries on each rank.
def test_a_larger_end_tensor_is_numpys(tmp_path):
    rng = np.random.default_rng(2)
    w = {"0": rng.standard_normal((70, 3)), "1": rng.standard_normal((90, 3)),
         "2": rng.standard_normal((101, 3)), "0_1_2": rng.standard_normal((3, 1))}
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.attrs["kind"], file.attrs["tree"] = "weights", "(0,1,2)3;"
        for name, values in w.items():
            file[f"weights/{name}"] = values
    result = htflow("tensor", tmp_path / "w.h5", "--out", tmp_path / "t.h5", ranks=2)
    assert result.returncode == 0, result.stderr
    expected = np.einsum("ar,br,cr,r->abc", w["0"], w["1"], w["2"], w["0_1_2"][:, 0])
    error = np.linalg.norm(written(tmp_path / "t.h5") - expected)
    assert error <= 1e-13 * np.linalg.norm(expected)


def test_what_a_run_has_learnt_is_written(tmp_path):
    """The last weights of a run give a tensor as far from the target as the record says."""
    sweep = write(tmp_path / "sweep.yaml", SWEEP)
    assert htflow("run", sweep, "--out", tmp_path / "out").returncode == 0
    results = tmp_path / "out/results.h5"
    for run in (1, 6):
        for source, name in ((results, "end"), (sweep, "target")):
            result = htflow("tensor", source, "--run", run, "--out", tmp_path / f"{name}.h5",
                            ranks=2)
            assert result.returncode == 0, result.stderr
        end, target = written(tmp_path / "end.h5"), written(tmp_path / "target.h5")
        assert abs(np.linalg.norm(target) / 8 - 1) < 1e-13
        told = np.nan
        with h5py.File(results) as file:
            for group in file["trajectories"].values():
                if run in group["run"][()]:
                    row = list(group["run"][()]).index(run)
                    errors = group["reconstruction_error"][row]
                    told = errors[np.isfinite(errors)][-1]
        error = np.linalg.norm(end - target) / np.linalg.norm(target)
        assert abs(error - told) <= 1e-9 * max(1, told), (error, told)


@pytest.mark.parametrize("task", ["completion", "full"])
def test_a_target_written_out_is_the_one_that_is_learnt(tmp_path, task):
    """The same seed and mask: a sweep of the file starts from the same losses."""
    planted = SWEEP.replace("shape: [4, 5, 3]", f"task: {task}\n  shape: [4, 5, 3]")
    if task == "full":
        planted = planted.replace("  samples: 40\n  test: 10\n", "")
    sweep = write(tmp_path / "planted.yaml", planted)
    target = tmp_path / "target.h5"
    assert htflow("tensor", sweep, "--run", 0, "--out", target).returncode == 0
    begin, end = planted.index("  shape:"), planted.index("  samples:" if "samples" in planted
                                                           else "  target:")
    given = planted[:begin] + f"  file: {target}\n" + planted[end:]
    given = given.replace('  target: {kind: htf, tree: "((0,2)2,1)2;", norm: 8}\n', "")
    other = write(tmp_path / "given.yaml", given)
    losses = []
    for file in (sweep, other):
        out = tmp_path / file.stem
        result = htflow("run", file, "--out", out, "--set", "stop.steps=2")
        assert result.returncode == 0, result.stderr
        with h5py.File(out / "results.h5") as results:
            losses.append(results["trajectories/c0/train_loss"][:, 0])
    assert np.allclose(losses[0][0], losses[1][0], rtol=1e-12)


# ---- what is refused --------------------------------------------------------------------

def refused(code, words, *arguments, ranks):
    result = htflow("tensor", *arguments, ranks=ranks, timeout=60)
    assert result.returncode == code, result.stderr
    assert result.stderr.count("htflow: ") == 1, result.stderr
    assert words in result.stderr, result.stderr


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_a_tensor_that_no_disk_holds_is_refused_with_its_bytes(tmp_path, ranks):
    """Order 32, mode 4: 2^64 entries; and an order beyond what HDF5 has dimensions for."""
    for order, size in ((32, 4), (40, 4)):
        with h5py.File(tmp_path / "w.h5", "w") as file:
            modes = [str(n) for n in range(order)]
            file.attrs["kind"] = "weights"
            file.attrs["tree"] = "(" + ",".join(modes) + ")1;"
            for mode in modes:
                file[f"weights/{mode}"] = np.ones((size, 1))
            file["weights/" + "_".join(modes)] = np.ones((1, 1))
        refused(6, f"the tensor has {8.0 * size ** order:.15g} bytes", tmp_path / "w.h5",
                "--out", tmp_path / "t.h5", ranks=ranks)
    assert [path.name for path in tmp_path.iterdir()] == ["w.h5"]


def test_requests_that_cannot_be_met_are_refused(tmp_path):
    source, _ = weights_file(tmp_path / "weights.h5")
    sweep = write(tmp_path / "sweep.yaml", SWEEP)
    out = tmp_path / "t.h5"
    refused(2, "--out", source, ranks=2)
    refused(2, "--run", sweep, "--out", out, ranks=2)
    refused(2, "--run 8", sweep, "--run", 8, "--out", out, ranks=2)
    refused(2, "--run", source, "--run", 0, "--out", out, ranks=None)
    refused(7, ".h5", source, "--out", tmp_path / "t.txt", ranks=2)
    refused(6, "none", source, "--out", tmp_path / "none/t.h5", ranks=4)
    refused(6, "none.yaml", tmp_path / "none.yaml", "--run", 0, "--out", out, ranks=2)
    bad = write(tmp_path / "bad.yaml", SWEEP.replace("width: 5", "widht: 5"))
    refused(3, "did you mean width", bad, "--run", 0, "--out", out, ranks=2)
    assert htflow("tensor", source, "--out", out).returncode == 0
    refused(2, "a dense tensor already", out, "--out", tmp_path / "u.h5", ranks=2)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"weights.h5", "sweep.yaml", "bad.yaml", "t.h5"}, "no part is left"

# SPDX-License-Identifier: BSD-3-Clause
"""htflow rank against NumPy, on 1, 2 and 4 ranks; and what it refuses, once for all ranks."""
import json

import h5py
import numpy as np
import pytest

from program import SWEEP, htflow, write

RANKS = [1, 2, 4]
SHAPE = (5, 4, 6, 3)
NEWICK = "((0,2)4,(3,1)3)2;"
NODES = {"0": [0], "2": [2], "0_2": [0, 2], "3": [3], "1": [1], "3_1": [1, 3]}


def dense_file(path, tensor, **more):
    """Write a problem file of a dense tensor."""
    with h5py.File(path, "w") as file:
        file.attrs["kind"], file.attrs["task"] = "problem", "full"
        file["shape"] = np.array(tensor.shape)
        file.create_dataset("tensor", data=tensor, **more)
    return path


def random_tensor(*shape):
    return np.random.default_rng(3).standard_normal(shape)


def weights_file(path):
    """Write random weights on NEWICK, and return their end tensor too."""
    rng = np.random.default_rng(5)
    rows = {"0": 5, "1": 4, "2": 6, "3": 3, "0_2": 4, "3_1": 3, "0_2_3_1": 2}
    cols = {"0": 4, "2": 4, "3": 3, "1": 3, "0_2": 2, "3_1": 2, "0_2_3_1": 1}
    w = {name: rng.standard_normal((rows[name], cols[name])) for name in rows}
    with h5py.File(path, "w") as file:
        file.attrs["kind"], file.attrs["tree"] = "weights", NEWICK
        for name, values in w.items():
            file[f"weights/{name}"] = values
    tensor = np.einsum("ar,cr,rx,bs,ds,sx,x->abcd", w["0"], w["2"], w["0_2"], w["1"], w["3"],
                       w["3_1"], w["0_2_3_1"][:, 0])
    return path, tensor


def singular_values(tensor, modes):
    """NumPy's, of the matricization with these modes as rows."""
    others = [n for n in range(tensor.ndim) if n not in modes]
    matrix = tensor.transpose(modes + others).reshape(
        int(np.prod([tensor.shape[n] for n in modes])), -1)
    return np.linalg.svd(matrix, compute_uv=False)


def ranked(*arguments, ranks=None):
    result = htflow("rank", *arguments, "--json", ranks=ranks)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def compare(told, tensor, parts):
    """Each value within 1e-12 of the largest, ranks and errors as NumPy's say."""
    assert set(told) == set(parts)
    for name, modes in parts.items():
        expected, got = singular_values(tensor, modes), told[name]
        values = np.zeros(len(expected))
        values[:len(got["singular_values"])] = got["singular_values"]
        assert np.abs(values - expected).max() <= 1e-12 * expected[0], name
        assert got["rank"] == (expected > 1e-6 * expected[0]).sum()
        left = np.sqrt(np.maximum(0, np.cumsum(expected[::-1] ** 2)[::-1]))
        left = np.append(left[1:], 0) / left[0]
        errors = got["truncation_errors"]
        assert np.allclose(errors, left[:len(errors)], rtol=1e-9, atol=1e-12)
        assert abs(got["truncation_error"] - left[got["rank"] - 1]) < 1e-12


@pytest.mark.parametrize("ranks", RANKS)
def test_a_dense_tensor_has_numpys_values_at_every_node(tmp_path, ranks):
    tensor = random_tensor(*SHAPE)
    path = dense_file(tmp_path / "tensor.h5", tensor)
    told = ranked(path, "--tree", "((0,2),(3,1))", "--modes", "0,1", "--modes", "3,0,2",
                  ranks=ranks)
    compare(told["nodes"], tensor, NODES)
    compare(told["partitions"], tensor, {"0_1": [0, 1], "3_0_2": [0, 2, 3]})
    assert told["shape"] == list(SHAPE) and told["ranks"] == ranks
    assert abs(told["norm"] / np.linalg.norm(tensor) - 1) < 1e-13


@pytest.mark.parametrize("grid, ranks", [("auto", 1), ("auto", 2), ("1x2", 2), ("2x2", 4),
                                         ("3x1", 4)])
def test_a_process_grid_gives_the_same_values(tmp_path, grid, ranks):
    tensor = random_tensor(*SHAPE)
    path = dense_file(tmp_path / "tensor.h5", tensor)
    told = ranked(path, "--tree", "((0,2),(3,1))", "--grid", grid, ranks=ranks)
    compare(told["nodes"], tensor, NODES)
    assert {node["way"] for node in told["nodes"].values()} == {"pdgesvd"}


# Three shares hold neither all of the tensor on one of four ranks nor a second copy.
def test_what_no_rank_can_hold_is_done_by_all(tmp_path):
    tensor = random_tensor(24, 24, 24, 48)
    path = dense_file(tmp_path / "tensor.h5", tensor)
    share = 8 * tensor.size // 4
    told = ranked(path, "--tree", "binary", "--memory", 3 * share, ranks=4)
    compare(told["nodes"], tensor, {"0": [0], "1": [1], "2": [2], "3": [3], "0_1": [0, 1],
                                    "2_3": [2, 3]})
    assert told["nodes"]["0"]["way"] == "TSQR" and told["nodes"]["0_1"]["way"] == "pdgesvd"


@pytest.mark.parametrize("tree", ["binary", "flat", "{arity: 2, pattern: half}", "depth 2",
                                  "{pattern: half, arity: 2}"])
def test_trees_are_named_as_in_a_sweep_file(tmp_path, tree):
    tensor = random_tensor(2, 3, 4, 2)
    path = dense_file(tmp_path / "tensor.h5", tensor)
    if tree.startswith("{pattern"):  # the words are read in their order
        assert htflow("rank", path, "--tree", tree).returncode == 2
        return
    nodes = {"0": [0], "1": [1], "2": [2], "3": [3]}
    if tree != "flat":
        half = "half" in tree
        nodes |= {"0_2": [0, 2], "1_3": [1, 3]} if half else {"0_1": [0, 1], "2_3": [2, 3]}
    compare(ranked(path, "--tree", tree)["nodes"], tensor, nodes)


# Chunks, compression, another type and another byte order.
@pytest.mark.parametrize("more", [{"chunks": (2, 3, 2, 2), "compression": "gzip"},
                                  {"dtype": ">f4"}, {"dtype": "int16"}])
def test_any_layout_of_the_file_is_read(tmp_path, more):
    tensor = np.round(100 * random_tensor(*SHAPE))
    path = dense_file(tmp_path / "tensor.h5", tensor, **more)
    compare(ranked(path, "--tree", NEWICK, ranks=2)["nodes"], tensor, NODES)


@pytest.mark.parametrize("ranks", RANKS)
def test_factors_and_their_dense_tensor_check_each_other(tmp_path, ranks):
    path, tensor = weights_file(tmp_path / "weights.h5")
    factored, dense = ranked(path, ranks=ranks), ranked(path, "--dense", ranks=ranks)
    assert {node["way"] for node in factored["nodes"].values()} == {"factors"}
    compare(factored["nodes"], tensor, NODES)
    compare(dense["nodes"], tensor, NODES)
    other = ranked(path, "--dense", "--tree", "binary", ranks=ranks)
    compare(other["nodes"], tensor, {"0": [0], "1": [1], "2": [2], "3": [3], "0_1": [0, 1],
                                     "2_3": [2, 3]})


def test_the_last_weights_of_a_run_are_ranked(tmp_path):
    """--run R is the row of run R, whose spectra the record has too."""
    sweep = write(tmp_path / "sweep.yaml", SWEEP)
    assert htflow("run", sweep, "--out", tmp_path / "out").returncode == 0
    results = tmp_path / "out/results.h5"
    for run in (0, 5):
        factored = ranked(results, "--run", run)["nodes"]
        dense = ranked(results, "--run", run, "--dense", ranks=2)["nodes"]
        for name, node in factored.items():
            got, other = node["singular_values"], dense[name]["singular_values"]
            size = min(len(got), len(other))
            assert np.abs(np.subtract(got[:size], other[:size])).max() <= 1e-12 * other[0]
    result = htflow("rank", results, "--run", 99, ranks=2)
    assert result.returncode == 7 and "99" in result.stderr
    assert htflow("rank", results).returncode == 2


def test_text_says_the_same_as_json(tmp_path):
    path = dense_file(tmp_path / "tensor.h5", random_tensor(2, 3, 4))
    told = ranked(path, "--tree", "flat", "--tolerance", 0.5, "--top", 1)
    lines = htflow("rank", path, "--tree", "flat", "--tolerance", 0.5,
                   "--top", 1).stdout.splitlines()[3:]
    assert len(lines) == 3
    for line in lines:
        name, way, rank, error, value = line.split()
        node = told["nodes"][name]
        assert (way, int(rank)) == (node["way"], node["rank"])
        assert len(node["singular_values"]) == 1
        assert f"{node['singular_values'][0]:.6g}" == value
        assert abs(float(error) - node["truncation_error"]) <= 5e-3 * float(error)  # three digits


# ---- what is refused --------------------------------------------------------------------

def refused(code, words, *arguments, ranks):
    """The exit code, and one message for all ranks."""
    result = htflow("rank", *arguments, ranks=ranks, timeout=60)
    assert result.returncode == code, result.stderr
    assert result.stderr.count("htflow: ") == 1, result.stderr
    assert words in result.stderr, result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("ranks", RANKS)
@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_an_entry_that_is_not_finite_is_told_with_its_place(tmp_path, value, ranks):
    tensor = random_tensor(3, 4, 5, 2)
    tensor[2, 3, 1, 0] = value
    path = dense_file(tmp_path / "tensor.h5", tensor)
    way = [] if np.isnan(value) else ["--grid", "auto"]
    refused(7, f"tensor.h5: tensor[2, 3, 1, 0] is {value}" if ranks == 1 else
            f"tensor[2, 3, 1, 0] is {value}", path, "--tree", "binary", *way, ranks=ranks)


@pytest.mark.parametrize("ranks", RANKS)
def test_requests_that_cannot_be_met_are_refused(tmp_path, ranks):
    path = dense_file(tmp_path / "tensor.h5", random_tensor(3, 4, 5, 2))
    refused(2, "the tree has 3 modes, the shape 4", path, "--tree", "((0,1),2)", ranks=ranks)
    refused(2, f"needs 10 ranks, there are {ranks}", path, "--tree", "flat", "--grid", "5x2",
            ranks=ranks)
    refused(6, "1000 are allowed", path, "--tree", "flat", "--memory", 1000, ranks=ranks)


def test_requests_that_make_no_sense_are_refused(tmp_path):
    path = dense_file(tmp_path / "tensor.h5", random_tensor(3, 4, 5, 2))
    refused(2, "flta", path, "--tree", "flta", ranks=None)
    refused(2, "--tree T or --modes", path, ranks=2)
    refused(2, "--modes 0,4", path, "--modes", "0,4", ranks=None)
    refused(2, "--grid 2", path, "--tree", "flat", "--grid", "2", ranks=None)
    refused(6, "none.h5", tmp_path / "none.h5", "--tree", "flat", ranks=4)


def test_a_process_grid_larger_than_the_matrix_is_refused(tmp_path):
    path = dense_file(tmp_path / "tensor.h5", random_tensor(3, 4, 5, 2))
    refused(2, "a process grid of 4 x 1 is larger than the matricization, 3 x 40", path,
            "--tree", "flat", "--grid", "4x1", ranks=4)


BAD_FILES = {
    "no tensor": ({"task": "completion"}, {"shape": np.array([2, 2])}, "without dataset"),
    "wrong shape": ({}, {"shape": np.array([2, 3]), "tensor": np.zeros((2, 2))}, "size 2"),
    "wrong order": ({}, {"shape": np.array([2, 3]), "tensor": np.zeros(6)}, "dimensions"),
    "wrong type": ({}, {"shape": np.array([1, 1]), "tensor": np.zeros((1, 1), "S2")}, "texts"),
    "no shape": ({}, {"tensor": np.zeros((2, 2))}, "shape is missing"),
    "other kind": ({"kind": "poem"}, {"tensor": np.zeros((2, 2))}, "poem"),
    "no kind": ({"kind": None}, {"tensor": np.zeros((2, 2))}, "no attribute kind"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_is_no_tensor_is_told(tmp_path, name):
    attributes, datasets, words = BAD_FILES[name]
    path = tmp_path / "bad.h5"
    with h5py.File(path, "w") as file:
        for key, value in ({"kind": "problem", "task": "full"} | attributes).items():
            if value is not None:
                file.attrs[key] = value
        for key, value in datasets.items():
            file[key] = value
    refused(7, words, path, "--tree", "flat", ranks=2)
    refused(7, str(path), path, "--tree", "flat", ranks=None)


def test_a_file_that_ends_early_is_told_on_every_rank(tmp_path):
    path = dense_file(tmp_path / "tensor.h5", random_tensor(8, 8, 8, 8))
    path.write_bytes(path.read_bytes()[:20000])
    refused(7, str(path), path, "--tree", "binary", ranks=2)


def test_a_tensor_that_no_memory_holds_is_refused_with_the_bytes(tmp_path):
    """A sparse file: 3 TB of entries that were never written."""
    path, shape = tmp_path / "tensor.h5", (800,) * 4
    create = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    create.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    create.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    with h5py.File(path, "w") as file:
        file.attrs["kind"], file.attrs["task"], file["shape"] = "problem", "full", shape
        h5py.h5d.create(file.id, b"tensor", h5py.h5t.IEEE_F64LE,
                        h5py.h5s.create_simple(shape), create)
    refused(6, "bytes on each of 2 ranks", path, "--tree", "flat", ranks=2)

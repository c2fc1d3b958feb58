# SPDX-License-Identifier: BSD-3-Clause
"""What other programs make of a results file: every reader a user may come with."""

import hashlib
import math
import os
import pathlib
import struct
import subprocess

import h5py
import netCDF4
import numpy as np
import pytest
import xarray as xr

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAKE_RESULTS = pathlib.Path(os.environ.get("HTF_BUILD", ROOT / "build"), "tests/make_results")
RUNS, SAMPLES = 60, 6
TREES = ["((0,2)2,1,(3,4)3)2;", "(0,1,2,3)3;"]
ENGINES = ["h5netcdf", "netcdf4"]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    path = tmp_path_factory.mktemp("results") / "results.h5"
    made = subprocess.run(
        [MAKE_RESULTS, str(path), str(RUNS), str(SAMPLES)],
        check=True, capture_output=True, text=True)
    return str(path), made.stdout.strip()


def datasets(path):
    """Absolute paths and datasets of a file, in no order that matters."""
    found = {}
    with h5py.File(path) as f:
        f.visititems(lambda name, o: found.__setitem__("/" + name, o)
                     if isinstance(o, h5py.Dataset) else None)
        for name in found:
            yield name, f[name]


def element_bytes(d):
    values = d[()]
    if h5py.check_string_dtype(d.dtype):
        parts = [v if isinstance(v, bytes) else v.encode() for v in values.ravel()]
        return "s", b"".join(struct.pack("<Q", len(p)) + p for p in parts)
    if d.dtype.kind == "f":
        reals = np.asarray(values, "<f8")
        bits = reals.view("<u8").copy()
        bits[np.isnan(reals)] = 0x7FF8000000000000
        return "f", bits.tobytes()
    return "i", np.asarray(values, "<i8").tobytes()


def content_checksum(path):
    """The definition in results.h, word for word."""
    lines = []
    for name, d in datasets(path):
        if not name.startswith("/timings/"):
            kind, data = element_bytes(d)
            shape = "x".join(str(n) for n in d.shape)
            digest = hashlib.sha256(data).hexdigest()
            lines.append(f"{name} {kind} {shape} {digest}\n".encode())
    return hashlib.sha256(b"".join(sorted(lines))).hexdigest()


# ---- the made-up sweep, told again -------------------------------------------------------

def pending(run):
    return run % 7 == 6


def failed_early(run):
    return not pending(run) and run % 5 == 4


def has_columns(run):
    return not pending(run) and not failed_early(run)


def runs_of(tree):
    return [r for r in range(RUNS) if has_columns(r) and r % 2 == tree]


def longest(tree):
    return max(1 + r % SAMPLES for r in runs_of(tree))


def shape_of(run):
    shape = [[2, 3, 4, 2, 3], [3, 2, 2, 4]][run % 2][:]
    shape[0] += run % 4 // 2
    return shape


# ---- the layout --------------------------------------------------------------------------

def test_checksum_can_be_recomputed(results):
    path, checksum = results
    assert content_checksum(path) == checksum
    with h5py.File(path) as f:
        assert f.attrs["content_checksum"] == checksum


def test_checksum_sees_a_changed_value(results, tmp_path):
    path, checksum = results
    copy = tmp_path / "copy.h5"
    copy.write_bytes(open(path, "rb").read())
    with h5py.File(copy, "r+") as f:
        f["timings/wall"][3] = 77
    assert content_checksum(copy) == checksum
    with h5py.File(copy, "r+") as f:
        f["runs/status"][3] += 1
    assert content_checksum(copy) != checksum


def test_every_axis_has_a_scale_in_its_own_group(results):
    for name, d in datasets(results[0]):
        for axis in range(d.ndim):
            if h5py.h5ds.is_scale(d.id):
                assert d.ndim == 1
                continue
            assert len(d.dims[axis]) == 1, name
            scale = d.dims[axis][0]
            assert h5py.h5ds.is_scale(scale.id) and scale.shape == (d.shape[axis],)
            assert scale.parent.name == d.parent.name


def test_every_variable_says_what_it_is(results):
    for name, d in datasets(results[0]):
        for key in ["units", "long_name", "comment"]:
            assert isinstance(d.attrs[key], str) and d.attrs[key], name
        if d.dtype.kind == "f":
            assert d.attrs["_FillValue"].dtype == d.dtype and np.isnan(d.attrs["_FillValue"])
            assert np.isnan(d.fillvalue)


def test_types_are_those_every_reader_knows(results):
    for name, d in datasets(results[0]):
        info = h5py.check_string_dtype(d.dtype)
        assert d.dtype.kind in "fi" or (info and info.length is None
                                        and info.encoding == "utf-8"), name
        references = set(d.attrs) & {"DIMENSION_LIST", "REFERENCE_LIST"}
        for key in set(d.attrs) - references:
            assert not isinstance(d.attrs[key], (h5py.Reference, np.void)), (name, key)


def test_large_numbers_are_compressed_and_summed(results, tmp_path):
    big = str(tmp_path / "big.h5")
    subprocess.run([MAKE_RESULTS, big, "3000", "60"], check=True,
                   capture_output=True)
    with h5py.File(big) as f:
        d = f["trajectories/c0/local_component_norm"]
        assert d.compression == "gzip" and d.shuffle and d.fletcher32
        assert 65536 < np.prod(d.chunks) * 8 <= 262144
        assert f["runs/message"].chunks is None
        assert f["trajectories/c0/sample"].chunks is None
    assert content_checksum(big) == subprocess.run(
        [MAKE_RESULTS, big, "3000", "60"], check=True,
        capture_output=True, text=True).stdout.strip()


def in_order(group):
    names = []
    group.id.links.iterate(lambda n: names.append(n.decode()),
                           idx_type=h5py.h5.INDEX_CRT_ORDER)
    return names


def test_order_of_creation_is_kept_and_no_time(results):
    with h5py.File(results[0]) as f:
        runs = f["runs"]
        assert in_order(f) == ["runs", "timings", "trajectories", "weights"]
        names = in_order(runs)
        assert names[:6] == ["run", "init_std", "model_tree", "problem_samples", "status",
                             "stop_reason"]
        assert names[-3:] == ["trajectory", "row", "identity"]
        order = h5py.h5p.CRT_ORDER_TRACKED | h5py.h5p.CRT_ORDER_INDEXED
        for group in [f["/"], runs, f["trajectories/c0"], f["weights/c1"]]:
            made = group.id.get_create_plist()
            assert made.get_link_creation_order() == order and not made.get_obj_track_times()
        for _, d in datasets(results[0]):
            assert d.id.get_create_plist().get_attr_creation_order() == order
            assert not d.id.get_create_plist().get_obj_track_times()


# ---- readers -----------------------------------------------------------------------------

def test_h5py_reads_runs(results):
    with h5py.File(results[0]) as f:
        runs = f["runs"]
        assert f.attrs["Conventions"] == "CF-1.10"
        assert f.attrs["sweep"] == "name: schön\nseed: 1\n"
        assert f.attrs["empty"] == ""
        assert f["timings"].attrs["finished"] == "2026-11-23T18:30:00Z"
        for r in range(RUNS):
            tree = runs["trajectory"][r].decode()
            assert runs["model_tree"][r].decode() == TREES[r % 2]
            assert runs["identity"][r].decode() == hashlib.sha256(struct.pack("<q", r)).hexdigest()
            if has_columns(r):
                assert tree == f"c{r % 2}"
                assert f[f"trajectories/{tree}/run"][runs["row"][r]] == r
                assert runs["steps"][r] == 100 * r
            else:
                assert tree == "" and runs["row"][r] == -1
            assert (runs["status"][r] == 0) == pending(r)
            if failed_early(r):
                assert runs["message"][r].decode() == f"π is not finite ? {r}"
                assert math.isnan(runs["final_train_loss"][r])
        assert f["timings/host"][1] == b"node1" and math.isnan(f["timings/started"][6])


def test_h5py_reads_padded_trajectories(results):
    with h5py.File(results[0]) as f:
        for tree, interior in [(0, 3), (1, 1)]:
            c = f[f"trajectories/c{tree}"]
            assert c.attrs["tree"] == TREES[tree]
            assert list(c["run"]) == runs_of(tree)
            assert c["local_component_norm"].shape == (len(c["run"]), longest(tree), interior, 3)
            for row, run in enumerate(c["run"]):
                n, partitions = 1 + run % SAMPLES, 3 + run % 4 // 2
                assert c["samples"][row] == n
                assert list(c["train_loss"][row, :n]) == [run + i for i in range(n)]
                assert np.isnan(c["train_loss"][row, n:]).all()
                s = c["singular_value"][row]
                expected = 1e-6 + np.arange(n * partitions * 2).reshape(n, partitions, 2)
                assert (s[:n, :partitions] == expected).all()
                assert np.isnan(s[n:]).all() and np.isnan(s[:, partitions:]).all()
        assert "hierarchical_rank" not in f["trajectories/c1"]
        assert "empty" not in f["trajectories/c0"]
        assert list(f["trajectories/c0/node"].asstr()) == ["0_2", "3_4", "0_2_1_3_4"]
        assert list(f["trajectories/c1"].attrs["nodes"]) == ["0", "1", "2", "3", "0_1_2_3"]


# Node order, with the shapes of W^(v); leaves as (mode, columns).
LAYOUT = [[("0", 0, 2), ("2", 2, 2), ("0_2", None, (2, 2)), ("1", 1, 2), ("3", 3, 3),
           ("4", 4, 3), ("3_4", None, (3, 2)), ("0_2_1_3_4", None, (2, 1))],
          [("0", 0, 3), ("1", 1, 3), ("2", 2, 3), ("3", 3, 3)]]


def test_h5py_reads_weights(results):
    with h5py.File(results[0]) as f:
        for tree in [0, 1]:
            c = f[f"weights/c{tree}"]
            assert list(c["run"]) == [r for r in runs_of(tree) if r % 3 != 0]
            for row, run in enumerate(c["run"]):
                at = 1000 * run
                for name, mode, shape in LAYOUT[tree]:
                    rows, cols = shape if mode is None else (shape_of(run)[mode], shape)
                    w = c[f"w_{name}"][row]
                    expected = at + np.arange(rows * cols).reshape(rows, cols)
                    assert (w[:rows, :cols] == expected).all(), (run, name)
                    assert np.isnan(w[rows:]).all()
                    at += rows * cols
        assert "w_0_1_2_3" not in f["weights/c1"]  # CP: the root is no weight


@pytest.mark.parametrize("engine", ENGINES)
def test_xarray_opens_every_group(results, engine):
    groups = ["runs", "timings", "trajectories/c0", "trajectories/c1", "weights/c0",
              "weights/c1"]
    for group in groups:
        with xr.open_dataset(results[0], engine=engine, group=group) as d:
            d.load()
            assert "run" in d.coords
            for v in d.variables.values():
                assert not any(n.startswith("phony") for n in v.dims)
            assert set(d.dims) <= set(d.coords)


@pytest.mark.parametrize("engine", ENGINES)
def test_xarray_joins_runs_and_trajectories(results, engine):
    with xr.open_dataset(results[0], engine=engine, group="runs") as runs, \
            xr.open_dataset(results[0], engine=engine, group="trajectories/c0") as c:
        mine = runs.sel(run=c.run)
        assert (mine.trajectory == "c0").all() and (mine.row == np.arange(c.sizes["run"])).all()
        assert c.local_component_norm.sel(run=2, sample=0, node="3_4").shape == (3,)
        assert c.time.attrs["units"] == "1" and c.time.attrs["long_name"] == "flow time"
        assert runs.status.attrs["flag_meanings"] == "pending done failed"
        assert list(runs.status.attrs["flag_values"]) == [0, 1, 2]
        assert runs.status.dtype == np.int8 and runs.steps.dtype == np.int64
        assert float(runs.init_std.sel(run=1)) == 0.1
        assert {"init_std", "model_tree", "problem_samples"} <= set(runs.coords)
        assert runs.problem_samples.dtype == np.int64


@pytest.mark.parametrize("engine", ENGINES)
def test_xarray_decodes_dates(results, engine):
    with xr.open_dataset(results[0], engine=engine, group="timings") as t:
        assert t.started.dtype.kind == "M" and t.wall.dtype.kind == "f"
        assert str(t.started.values[0]).startswith("2023-11-14T22:13:20")
        assert np.isnat(t.started.values[6])


def test_netcdf4_reads_all(results):
    with netCDF4.Dataset(results[0]) as f:
        assert f.Conventions == "CF-1.10"
        assert list(f.groups) == ["runs", "timings", "trajectories", "weights"]
        c = f["trajectories/c0"]
        assert c["local_component_norm"].dimensions == ("run", "sample", "node", "component")
        assert {n: len(d) for n, d in c.dimensions.items()} == {
            "run": len(runs_of(0)), "sample": longest(0), "node": 3, "component": 3,
            "cut": 4, "value": 2}
        assert c["node"][2] == "0_2_1_3_4"
        assert f["runs"]["model_tree"][1] == TREES[1]
        assert c["train_loss"][0, 0] == 0 and np.ma.is_masked(c["train_loss"][0, 1])
        assert f["weights/c0"]["w_0_2"].dimensions == ("run", "row_0_2", "column_0_2")


def test_ncdump_and_h5dump_print_all(results):
    header = subprocess.run(["ncdump", "-h", results[0]], check=True, capture_output=True,
                            text=True).stdout
    assert "phony" not in header
    assert "double singular_value(run, sample, cut, value) ;" in header
    assert "byte status(run) ;" in header and "string message(run) ;" in header
    full = subprocess.run(["ncdump", results[0]], check=True, capture_output=True, text=True)
    assert '"((0,2)2,1,(3,4)3)2;"' in full.stdout and not full.stderr
    dump = subprocess.run(["h5dump", results[0]], check=True, capture_output=True, text=True)
    assert "H5T_COMPOUND" in dump.stdout and not dump.stderr  # REFERENCE_LIST alone


def test_nccopy_can_rewrite_it(results, tmp_path):
    copy = str(tmp_path / "copy.nc")
    subprocess.run(["nccopy", results[0], copy], check=True)
    with netCDF4.Dataset(results[0]) as a, netCDF4.Dataset(copy) as b:
        x, y = (f["trajectories/c1"]["singular_value"][:] for f in (a, b))
        assert (x.mask == y.mask).all() and (x == y).all()

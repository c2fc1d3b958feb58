# SPDX-License-Identifier: BSD-3-Clause
"""Results files of every kind of sweep, opened by every reader a user may come with."""
import shutil
import subprocess

import h5py
import netCDF4
import numpy as np
import pytest
import xarray as xr

from program import SWEEP, htflow, write

PENDING, DONE, FAILED = 0, 1, 2
ENGINES = ["h5netcdf", "netcdf4"]


def without_axes(text):
    return text[:text.index("axes:")]


def swept(out, text, code=0, more=()):
    result = htflow("run", write(out.parent / f"{out.name}.yaml", text), "--out", out, *more)
    assert result.returncode == code, result.stderr
    return out


def gathered(out, code=0):
    path = out.parent / f"{out.name}.h5"
    result = htflow("gather", out, "--partial", "-o", path)
    assert result.returncode == code, result.stderr
    return path


def one_run(out):
    return gathered(swept(out, without_axes(SWEEP)))


def classes(out):
    return gathered(swept(out, SWEEP.replace("[binary, flat]", '[binary, flat, "((0,2)5,1)5;"]')))


def events(out):
    return gathered(swept(out, SWEEP + "events: {loss: [0.5, 0.1]}\n"))


def partial(out):
    return gathered(swept(out, SWEEP, more=["--shard", "1/2"]))


def none_done(out):
    swept(out, SWEEP)
    shutil.rmtree(out / "journal")
    (out / "journal").mkdir()
    return gathered(out)


def all_failed(out):
    text = SWEEP.replace("stop: {loss: 1e-3}", "flow: {method: gd, lr: 1e6}\nstop: {loss: 1e-3}")
    return gathered(swept(out, text, 4), 4)


# What is in each: runs pending, done and failed; runs of each class of trajectories.
KINDS = {
    one_run: ([0, 1, 0], [1]),
    classes: ([0, 12, 0], [4, 4, 4]),
    events: ([0, 8, 0], [4, 4]),
    partial: ([4, 4, 0], [2, 2]),
    none_done: ([8, 0, 0], []),
    all_failed: ([0, 0, 8], [4, 4]),
}


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.__name__)
def made(request, tmp_path_factory):
    """A results file, counts of its runs by status, and runs of each class of trajectories."""
    path = request.param(tmp_path_factory.mktemp("sweep") / "out")
    return str(path), *KINDS[request.param]


def groups_and_values(path):
    """By group, the values of its datasets as h5py reads them."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.__setitem__(
            name, {key: (v.asstr() if h5py.check_string_dtype(v.dtype) else v)[()]
                   for key, v in item.items() if isinstance(v, h5py.Dataset)})
            if isinstance(item, h5py.Group) else None)
    return found


def same(ours, theirs):
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    real = ours.dtype.kind == "f" and theirs.dtype.kind == "f"
    return np.array_equal(ours, theirs, equal_nan=real)


def groups_of_datasets(path):
    return [name for name, values in groups_and_values(path).items() if values]


def text_of(*program):
    done = subprocess.run(program, check=True, capture_output=True, text=True, timeout=60)
    assert not done.stderr
    return done.stdout


def test_h5py_finds_every_run_in_its_class(made):
    path, states, rows = made
    values = groups_and_values(path)
    runs = values["runs"]
    assert [list(runs["status"]).count(s) for s in (PENDING, DONE, FAILED)] == states
    names = [name for name in values if name.startswith("trajectories/")]
    assert [len(values[name]["run"]) for name in names] == rows
    for run, (group, row) in enumerate(zip(runs["trajectory"], runs["row"])):
        assert (group == "" and row == -1) == (runs["status"][run] == PENDING)
        assert (runs["message"][run] != "") == (runs["status"][run] == FAILED)
        if group:
            mine = values[f"trajectories/{group}"]
            n = mine["samples"][row]
            assert mine["run"][row] == run and n > 0
            assert np.isfinite(mine["train_loss"][row, :n]).all()
            assert np.isnan(mine["train_loss"][row, n:]).all()
            assert np.isfinite(mine["event_time"][row]).sum() == runs["events"][run]


@pytest.mark.parametrize("engine", ENGINES)
def test_xarray_reads_what_h5py_reads(made, engine):
    for group, values in groups_and_values(made[0]).items():
        with xr.open_dataset(made[0], engine=engine, group=group, decode_times=False) as d:
            assert set(d.variables) == set(values)
            assert not values or "run" in d.coords
            assert set(d.dims) <= set(d.coords)
            assert all(same(values[name], d[name].values) for name in values)


@pytest.mark.parametrize("engine", ENGINES)
def test_xarray_joins_trajectories_and_runs(made, engine):
    path, _, rows = made
    with xr.open_dataset(path, engine=engine, group="runs") as runs:
        runs.load()  # netCDF4 1.6.2 takes no string variable by strides, of any file
        for i, count in enumerate(rows):
            with xr.open_dataset(path, engine=engine, group=f"trajectories/c{i}") as c:
                mine = runs.sel(run=c.run)
                assert (mine.trajectory == f"c{i}").all()
                assert (mine.row == np.arange(count)).all()
        with xr.open_dataset(path, engine=engine, group="timings") as timings:
            assert timings.started.dtype.kind == "M"  # NaT where pending
            assert (np.isnat(timings.started.values) == (runs.status.values == PENDING)).all()


def test_netcdf4_reads_what_h5py_reads(made):
    with netCDF4.Dataset(made[0]) as file:
        file.set_auto_mask(False)
        for group, values in groups_and_values(made[0]).items():
            variables = file[group].variables
            assert set(variables) == set(values)
            for name, ours in values.items():
                assert same(ours, variables[name][...]), name
                assert all(n in file[group].dimensions for n in variables[name].dimensions)


def test_ncdump_prints_every_group(made):
    header, full = text_of("ncdump", "-h", made[0]), text_of("ncdump", made[0])
    assert "phony" not in header and full.count("data:") >= len(groups_of_datasets(made[0]))
    for group in groups_of_datasets(made[0]):
        assert f"group: {group.split('/')[-1]} {{" in header


def test_h5dump_prints_every_dataset(made):
    dump = text_of("h5dump", made[0])
    for group, values in groups_and_values(made[0]).items():
        assert all(f'DATASET "{name}"' in dump for name in values), group


def test_it_is_sound(made):
    result = htflow("check", made[0])
    assert result.returncode == 0, result.stdout + result.stderr

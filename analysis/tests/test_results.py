# SPDX-License-Identifier: BSD-3-Clause
"""Results as xarray: selecting, grouping and reducing runs of every kind."""
import h5py
import numpy as np
import pytest
import xarray as xr

from conftest import BASE, run_sweep

from htflow import open_results
from htflow.storage import read_group


def values_of(path, name, run):
    """A variable of one run, by h5py alone."""
    with h5py.File(path) as file:
        runs = file["runs"]
        group = file["trajectories"][runs["trajectory"].asstr()[run]]
        row = runs["row"][run]
        return group[name][row, :group["samples"][row]]


def test_runs_are_selected_by_value_list_and_slice(path):
    results = open_results(path)
    assert results.sel(init_std=0.05).runs.run.values.tolist() == [0, 1, 4, 5]
    assert results.sel(init_std=0.05, seed=[1]).runs.run.values.tolist() == [1, 5]
    assert results.sel(model_tree="flat").sel(init_std=slice(0.1, None)).runs.run.values.tolist() \
        == [6, 7]
    assert results.sel(init_std=0.06, method="nearest", seed=0).runs.run.values.tolist() == [0, 4]
    assert results.sel(tree_depth=1).runs.model_tree.values.tolist() == ["flat"] * 4
    assert results.sel(run=[3, 4]).runs.seed.values.tolist() == [1, 0]


@pytest.mark.parametrize("labels, text", [
    ({"init_std": 0.06}, "no run has init_std 0.06; there are 0.05, 0.2"),
    ({"model_tree": "deep"}, "no run has model_tree deep; there are binary, flat"),
    ({"width": 3}, "width is no key of the runs"),
    ({"init_std": 0.1, "method": "nearest", "tolerance": 0.01}, "within 0.01 of 0.1")])
def test_what_no_run_has_is_an_error(path, labels, text):
    with pytest.raises(KeyError, match=text):
        open_results(path).sel(**labels)


def test_selected_trajectories_are_those_of_the_selected_runs(path):
    """Of scattered runs of two classes, against h5py."""
    results = open_results(path)
    some = results.sel(run=[1, 2, 6])
    assert set(some.trajectories) == {"c0", "c1"}
    for name, numbers in (("c0", [1, 2]), ("c1", [6])):
        data = some.trajectories[name]
        assert data.run.values.tolist() == numbers
        for run in numbers:
            loss = data.train_loss.sel(run=run).values
            mine = values_of(path, "train_loss", run)
            assert np.array_equal(loss[:len(mine)], mine) and np.isnan(loss[len(mine):]).all()
            assert float(data.init_std.sel(run=run)) == [0.05, 0.2][run // 2 % 2]
    assert set(results.sel(model_tree="flat").trajectories) == {"c1"}
    assert some.final("train_loss").values.tolist() == \
        [values_of(path, "train_loss", run)[-1] for run in (1, 2, 6)]
    assert some.tree(6) == results.trees["c1"]


def test_runs_are_grouped_by_strings_and_numbers(path):
    runs = open_results(path).runs
    grouped = runs.flow_time.groupby("model_tree").max()
    assert grouped.model_tree.values.tolist() == ["binary", "flat"]
    assert grouped.values.tolist() == [runs.flow_time[:4].max(), runs.flow_time[4:].max()]
    gap = runs.assign(gap=runs.final_test_loss - runs.final_train_loss).gap
    less = gap.groupby("init_std").map(lambda group: group - group.mean("run"))
    assert np.allclose(less.groupby("init_std").sum(), 0, atol=1e-12)


def test_trajectories_are_grouped_and_joined_with_runs(path):
    results = open_results(path)
    data = results.trajectories["c1"]
    medians = data.train_loss.groupby("init_std").median("run")
    assert medians.dims == ("init_std", "sample")
    assert (data.samples * results.runs.seed.sel(run=data.run)).values.tolist() == \
        (data.samples * data.seed).values.tolist()


def test_a_grid_has_the_swept_keys_as_dimensions(path):
    results = open_results(path)
    grid = results.grid("effective_rank", over="max")
    assert grid.dims == ("model_tree", "init_std", "seed") and grid.shape == (2, 2, 2)
    for run in (0, 3, 6):
        of_run = results.runs.isel(run=run)
        cell = grid.sel({key: of_run[key].item() for key in results.axes})
        assert float(cell) == np.max(values_of(path, "effective_rank", run)[-1])
    assert results.grid("trajectory").sel(model_tree="flat", init_std=0.2, seed=1) == "c1"
    assert np.isnan(results.sel(run=[0, 1, 2, 4]).grid("flow_time").sel(
        model_tree="flat", init_std=0.2)).all()


def test_keys_that_move_together_are_no_grid(tmp_path):
    text = BASE + "axes: [{zip: [{key: init.std, linear: [0.1, 0.9, 9]}, {key: init.seed, " \
        "range: [1, 9, 1]}, {key: problem.samples, range: [40, 48, 1]}]}]\n"
    results = open_results(run_sweep(tmp_path, text, "--set", "stop.steps=1"))
    assert results.runs.sizes["run"] == 9
    with pytest.raises(ValueError, match="they are no grid"):
        results.grid("flow_time")


def test_failed_and_pending_runs_are_entries_as_well(mixed):
    results = open_results(mixed)
    words = results.words("status")
    assert words.groupby(words).count().to_series().to_dict() == {"done": 4, "failed": 4,
                                                                  "pending": 8}
    failed = results.runs.isel(run=(words == "failed").values)
    assert set(results.words("stop_reason").sel(run=failed.run).values) <= {"overflow", "loss_rise"}
    assert (failed.flow_lr == 1e6).all() and (failed.message != "").all()
    pending = results.runs.isel(run=(words == "pending").values)
    assert (pending.tree_depth == 0).all() and (pending.row == -1).all()
    last = results.final("train_loss")
    assert np.isnan(last.sel(run=pending.run)).all()
    for run in failed.run.values:
        assert float(last.sel(run=run)) == values_of(mixed, "train_loss", run)[-1]


def test_parameters_come_from_axes_sections_and_base(tmp_path, mixed):
    assert open_results(mixed).parameter("flow.lr") == [0.1] * 8 + [1e6] * 8
    assert open_results(mixed).parameter("problem.target.norm") == [8] * 16
    assert open_results(mixed).parameter("flow.nothing") == [None] * 16
    text = BASE + "axes: [{key: flow, values: [{method: bdf, rtol: 1e-3}, {method: gd, lr: 0.1}]}]\n"
    results = open_results(run_sweep(tmp_path, text, "--set", "stop.steps=1"))
    assert results.parameter("flow.rtol") == [1e-3, 1e-6]
    assert results.parameter("flow.method") == ["bdf", "gd"]


def test_other_files_and_unknown_names_are_told(path, tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["kind"] = "problem"
    with pytest.raises(ValueError, match="holds no results .problem."):
        open_results(tmp_path / "a.h5")
    results = open_results(path)
    with pytest.raises(KeyError, match="no class c7; there are c0, c1"):
        results.trajectories["c7"]
    with pytest.raises(KeyError, match="nothing is not recorded"):
        results.final("nothing")


def test_classes_are_read_when_they_are_used(path):
    with open_results(path) as results:
        assert not results.trajectories._loaded
        data = results.trajectories["c1"]
        assert list(results.trajectories._loaded) == ["c1"]
        row = data.isel(run=2).local_component_norm
        assert not data.local_component_norm.variable._in_memory
        assert np.array_equal(row[:int(data.samples[2])].values,
                              values_of(path, "local_component_norm", 6))


def test_groups_are_read_as_xarray_reads_them(path):
    """Dimensions, coordinates, values and attributes, against xarray's own backend."""
    with h5py.File(path) as file:
        groups = ["runs", "timings", "trajectories/c0", "trajectories/c1", "weights/c0"]
        assert set(groups) < set(_groups(file))
        for name in groups:
            ours = read_group(file[name])
            with xr.open_dataset(path, engine="h5netcdf", group=name, decode_times=False) as theirs:
                assert set(ours.variables) == set(theirs.variables)
                assert set(ours.coords) == set(theirs.coords)
                assert ours.attrs.keys() == theirs.attrs.keys()
                xr.testing.assert_equal(ours, theirs)
                for key, variable in ours.variables.items():
                    assert variable.dims == theirs[key].dims
                    assert variable.dtype == theirs[key].dtype
                    assert variable.attrs.keys() == theirs[key].attrs.keys()


def _groups(file):
    found = []
    file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Group) else None)
    return found


def test_parts_of_a_variable_are_read_as_numpy_takes_them(path):
    data = open_results(path).trajectories["c0"].local_component_norm
    with h5py.File(path) as file:
        whole = file["trajectories/c0/local_component_norm"][()]
    for key in (np.s_[2], np.s_[1:3, ::2], np.s_[[3, 0]], np.s_[:, -1, 1], np.s_[..., [1, 0]]):
        assert np.array_equal(data[key], whole[key], equal_nan=True)

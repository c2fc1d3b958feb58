# SPDX-License-Identifier: BSD-3-Clause
"""Results files as xarray datasets."""
import copy
from collections.abc import Mapping
from functools import cached_property

import h5py
import numpy as np
import xarray as xr

from . import selection, sweep
from .derived import DERIVED
from .storage import attributes, read_group
from .tensor import depth_of

PENDING, DONE, FAILED = 0, 1, 2
LEAST = "least_"


class Trajectories(Mapping):
    """The classes of a results file by name, each opened when it is first asked for.

    Iterates over names; ``[name]`` is an xarray.Dataset whose values are read when they are
    used: ``trajectories["c0"].isel(run=3).train_loss`` reads one row of one variable.
    """

    def __init__(self, names, load):
        self._names, self._load, self._loaded = list(names), load, {}

    def __getitem__(self, name):
        if name not in self._names:
            raise KeyError(f"no class {name}; there are {', '.join(self._names) or 'none'}")
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def __iter__(self):
        return iter(self._names)

    def __len__(self):
        return len(self._names)

    def __repr__(self):
        return f"<trajectories of classes {', '.join(self._names) or '(none)'}>"


class Results:
    """A results file, or those of its runs that were selected.

    Attributes
    ----------
    runs : xarray.Dataset
        One entry a run, in memory: swept keys (coordinates, dots as underscores), how it
        ended, its final numbers. The coordinate ``tree_depth`` is the depth of the run's
        mode tree (flat: 1), 0 where the run has no trajectory.
    axes : list of str
        The swept keys.
    trajectories : Trajectories
        By class name, the runs of one mode tree. The dimension ``run`` has the swept keys as
        coordinates; samples that a run does not have are NaN.
    trees : dict of str
        By class name, the mode tree as Newick text with widths.
    attributes : dict
        The file's root attributes.
    path : str
    """

    def __init__(self, path):
        self.path = str(path)
        self._file = h5py.File(self.path, "r")
        self.attributes = attributes(self._file)
        if "runs" not in self._file:
            self._file.close()
            kind = self.attributes.get("kind", "of another kind")
            raise ValueError(f"{self.path} holds no results ({kind})")
        classes = self._file.get("trajectories", {})
        self.trees = {name: group.attrs["tree"] for name, group in classes.items()}
        runs = read_group(self._file["runs"]).load()
        self.axes = [name for name in runs.coords if name != "run"]
        depths = {name: depth_of(tree) for name, tree in self.trees.items()}
        depth = [depths.get(str(name), 0) for name in runs.trajectory.values]
        self.runs = runs.assign_coords(tree_depth=("run", np.array(depth, int), {
            "long_name": "depth of the mode tree", "units": "1"}))
        self.trajectories = Trajectories(self.trees, self._trajectories)

    def __repr__(self):
        states = [int((self.runs.status == s).sum()) for s in (DONE, FAILED, PENDING)]
        return (f"<htflow results {self.path}: {states[0]} runs done, {states[1]} failed, "
                f"{states[2]} pending; axes {', '.join(self.axes) or '(none)'}; classes "
                f"{', '.join(f'{k} {v}' for k, v in self.trees.items()) or '(none)'}>")

    def _trajectories(self, name):
        data = read_group(self._file[f"trajectories/{name}"])
        if not np.isin(data.run.values, self.runs.run.values).all():  # of a selection
            data = data.isel(run=np.isin(data.run.values, self.runs.run.values))
        of_class = self.runs.isel(run=self.rows_of(data))
        return data.assign_coords({key: ("run", of_class[key].values, of_class[key].attrs)
                                   for key in self.keys})

    @property
    def keys(self):
        """Coordinates of the runs: the swept keys, and ``tree_depth``."""
        return [*self.axes, "tree_depth"]

    @cached_property
    def sweep(self):
        """The resolved sweep: its base experiment and axes, as nested dicts."""
        return sweep.read(self.attributes.get("sweep_resolved", ""))

    def with_key(self, key):
        """The same results with a derived key as a coordinate of the runs.

        Parameters
        ----------
        key : str
            One of ``htflow.derived.DERIVED``, such as ``"initial_norm"``; a key that the runs
            have already changes nothing.

        Returns
        -------
        Results

        Raises
        ------
        ValueError
            If there is no such key.
        """
        if key in self.runs.coords:
            return self
        if key not in DERIVED:
            raise ValueError(f"{key} is no key of the runs: "
                             f"{', '.join([*map(str, self.runs.coords), *DERIVED])}")
        find, long_name = DERIVED[key]
        changed = copy.copy(self)
        changed.runs = self.runs.assign_coords(
            {key: ("run", find(self), {"long_name": long_name, "units": "1"})})
        return changed

    def rows_of(self, data):
        """Where the runs of a dataset lie in ``runs``.

        Parameters
        ----------
        data : xarray.Dataset
            With the coordinate ``run``.

        Returns
        -------
        ndarray of int
            Indices along ``runs``, which are not the runs' numbers in a selection.
        """
        return np.searchsorted(self.runs.run.values, np.asarray(data.run))

    def parameter(self, key):
        """Value of a key of the sweep file in each run, swept or not.

        Parameters
        ----------
        key : str
            With dots: ``"flow.rtol"``.

        Returns
        -------
        list, one a run
            Numbers, text, or None where neither the base experiment nor an axis has the key.
        """
        return sweep.parameter(self.sweep, self.runs, key)

    def sel(self, method=None, tolerance=None, **labels):
        """The results of some of the runs: ``results.sel(init_std=0.1, seed=[0, 1])``.

        Parameters
        ----------
        method : {None, "nearest"}
            Whether a value is to be there, or stands for the one nearest to it.
        tolerance : float, optional
            How near.
        **labels
            By swept key, ``run`` or ``tree_depth``: a value, a list of values or a slice
            (both ends included). A run is kept if it fits all.

        Returns
        -------
        Results

        Raises
        ------
        KeyError
            For a key that the runs do not have, or a value that none of them has.
        """
        chosen = copy.copy(self)
        chosen.runs = self.runs.isel(run=selection.rows(self.runs, labels, method, tolerance))
        left = set(chosen.runs.trajectory.values.astype(str))
        chosen.trees = {name: tree for name, tree in self.trees.items() if name in left}
        chosen.trajectories = Trajectories(chosen.trees, chosen._trajectories)
        return chosen

    def grid(self, name, over="mean"):
        """A number of the runs at their end as an array over the swept keys.

        So that xarray's own ways serve: ``grid("flow_time").sel(init_std=0.1)
        .median("seed")``.

        Parameters
        ----------
        name, over : str
            See ``final``.

        Returns
        -------
        xarray.DataArray, a dimension for each swept key
            NaN where there is no run, and where `final` is.

        Raises
        ------
        KeyError
            If no class has it.
        ValueError
            If the swept keys are no grid, such as those of a ``zip``.
        """
        number = self.final(name, over)
        text = number.dtype.kind == "O"
        array, coordinates = selection.unstack(self.runs, self.axes, number.values,
                                               "" if text else np.nan)
        found = xr.DataArray(array, coordinates, self.axes, name, number.attrs)
        for key in self.axes:
            found[key].attrs = self.runs[key].attrs
        return found

    def words(self, name):
        """A variable of flags in words.

        Parameters
        ----------
        name : {"status", "stop_reason"}

        Returns
        -------
        xarray.DataArray of str, shape (run,)
        """
        flags = self.runs[name]
        meanings = dict(zip(np.atleast_1d(flags.attrs["flag_values"]).tolist(),
                            flags.attrs["flag_meanings"].split()))
        return flags.copy(data=np.array([meanings[int(v)] for v in flags.values], str))

    def final(self, name, over="mean"):
        """A number of each run at its end.

        Parameters
        ----------
        name : str
            A variable of ``runs``, or one of the trajectories, whose value at the run's last
            sample is taken; with ``least_`` before it, its least value of all samples.
        over : {"mean", "max", "min", "median"}
            How its other dimensions (partition, or node and component) become one number;
            NaN are left out.

        Returns
        -------
        xarray.DataArray, shape (run,)
            NaN for runs without trajectory and for classes that did not record it.

        Raises
        ------
        KeyError
            If no class has it.
        """
        if name in self.runs:
            return self.runs[name]
        values = np.full(self.runs.sizes["run"], np.nan)
        told = None
        variable = name[len(LEAST):] if name.startswith(LEAST) else name
        for data in self.trajectories.values():
            if variable in data and data[variable].dims[:2] == ("run", "sample"):
                values[self.rows_of(data)] = _of_run(data, variable, name != variable, over)
                told = data[variable].attrs
        if told is None:
            raise KeyError(f"{name} is not recorded in {self.path}")
        return xr.DataArray(values, {key: self.runs[key] for key in ["run", *self.keys]},
                            ["run"], name, told)

    def weights(self, run):
        """Weight matrices kept for a run.

        Parameters
        ----------
        run : int

        Returns
        -------
        dict of ndarray
            By node name (its modes joined by ``_``), shape (R_v, R_parent).

        Raises
        ------
        KeyError
            If the run kept none.
        """
        for group in self._file.get("weights", {}).values():
            rows = np.flatnonzero(group["run"][:] == run)
            if rows.size:
                return {name[2:]: group[name][rows[0]] for name in group
                        if name.startswith("w_")}
        raise KeyError(f"run {run} kept no weights; set record.weights")

    def tree(self, run):
        """Mode tree of a run's model.

        Parameters
        ----------
        run : int

        Returns
        -------
        str
            Newick text; the label of an interior node is its width.
        """
        return self.trees[str(self.runs.trajectory.sel(run=run).values)]

    def close(self):
        """Close the file; what was not read yet can no longer be."""
        self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _of_run(data, variable, least, over):
    """[run]: a variable at the last sample of each run, or its least of all samples."""
    values = data[variable].values
    count, samples = values.shape[:2]
    if not least:
        last = values[np.arange(count), data.samples.values - 1]
        return _reduce(last.reshape(count, -1), over)
    each = _reduce(values.reshape(count * samples, -1), over).reshape(count, samples)
    return _reduce(each, "min")


def _reduce(values, over):
    """[run] from [run, anything]: a reduction that leaves NaN out, NaN where all are."""
    known = np.isfinite(values).any(axis=1)
    reduced = np.full(len(values), np.nan)
    reduced[known] = getattr(np, f"nan{over}")(values[known], axis=1)
    return reduced


def open_results(path):
    """Open a results file.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    Results

    Raises
    ------
    ValueError
        If the file holds no runs.
    """
    return Results(path)

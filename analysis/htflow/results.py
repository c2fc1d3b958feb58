# SPDX-License-Identifier: BSD-3-Clause
"""Results files as xarray datasets."""
from collections.abc import Mapping
from functools import cached_property

import h5py
import numpy as np
import xarray as xr

from . import sweep
from .tensor import depth_of

PENDING, DONE, FAILED = 0, 1, 2


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
    """A results file.

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
    attributes : dict
        The file's root attributes.
    path : str
    """

    def __init__(self, path):
        self.path = str(path)
        with h5py.File(self.path, "r") as file:
            self.attributes = {k: v for k, v in file.attrs.items() if not k.startswith("_")}
            if "runs" not in file:
                kind = self.attributes.get("kind", "no results")
                raise ValueError(f"{self.path} is no results file ({kind})")
            classes = file.get("trajectories", {})
            self.trees = {name: group.attrs["tree"] for name, group in classes.items()}
        with self._open("runs") as runs:
            self.runs = runs.load()
        self.axes = [name for name in self.runs.coords if name != "run"]
        depths = {name: depth_of(tree) for name, tree in self.trees.items()}
        depth = [depths.get(str(name), 0) for name in self.runs.trajectory.values]
        self.runs = self.runs.assign_coords(tree_depth=("run", np.array(depth, int), {
            "long_name": "depth of the mode tree", "units": "1"}))
        self.trajectories = Trajectories(self.trees, self._trajectories)

    def __repr__(self):
        states = [int((self.runs.status == s).sum()) for s in (DONE, FAILED, PENDING)]
        return (f"<htflow results {self.path}: {states[0]} runs done, {states[1]} failed, "
                f"{states[2]} pending; axes {', '.join(self.axes) or '(none)'}; classes "
                f"{', '.join(f'{k} {v}' for k, v in self.trees.items()) or '(none)'}>")

    def _open(self, group):
        return xr.open_dataset(self.path, engine="h5netcdf", group=group, decode_times=False)

    def _trajectories(self, name):
        data = self._open(f"trajectories/{name}")
        of_class = self.runs.isel(run=data.run.values)
        return data.assign_coords({key: ("run", of_class[key].values, of_class[key].attrs)
                                   for key in [*self.axes, "tree_depth"]})

    @cached_property
    def sweep(self):
        """The resolved sweep: its base experiment and axes, as nested dicts."""
        return sweep.read(self.attributes.get("sweep_resolved", ""))

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

    def final(self, name, over="mean"):
        """A number of each run at its end.

        Parameters
        ----------
        name : str
            A variable of ``runs``, or one of the trajectories, whose value at the run's last
            sample is taken.
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
        attributes = None
        for data in self.trajectories.values():
            if name in data and data[name].dims[:2] == ("run", "sample"):
                last = data[name].values[np.arange(data.sizes["run"]), data.samples.values - 1]
                axes = tuple(range(1, last.ndim))
                values[data.run.values] = getattr(np, f"nan{over}")(last, axis=axes)
                attributes = data[name].attrs
        if attributes is None:
            raise KeyError(f"{name} is not recorded in {self.path}")
        return xr.DataArray(values, self.runs.run.coords, ["run"], name, attributes) \
            .assign_coords({key: self.runs[key] for key in [*self.axes, "tree_depth"]})

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
        with h5py.File(self.path, "r") as file:
            for group in file.get("weights", {}).values():
                rows = np.flatnonzero(group["run"][:] == run)
                if rows.size:
                    return {name[2:]: group[name][rows[0]] for name in group
                            if name.startswith("w_")}
        raise KeyError(f"run {run} kept no weights; set record.weights")

    def tree(self, run):
        """Mode tree of a run's model, as Newick text with widths."""
        return self.trees[str(self.runs.trajectory.values[run])]

    def close(self):
        """Close the file; what was not read yet can no longer be."""
        for data in self.trajectories._loaded.values():
            data.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


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

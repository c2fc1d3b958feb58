# SPDX-License-Identifier: BSD-3-Clause
"""Results files as xarray datasets."""
import h5py
import numpy as np
import xarray as xr


class Results:
    """A results file, read into memory.

    Attributes
    ----------
    runs : xarray.Dataset
        One entry a run: swept keys (coordinates), how it ended, its final numbers.
    trajectories : dict of xarray.Dataset
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
            classes = list(file["trajectories"])
        self.runs = self._load("runs")
        self.axes = [name for name in self.runs.coords if name != "run"]
        self.trajectories = {name: self._trajectories(name) for name in classes}

    def _load(self, group):
        with xr.open_dataset(self.path, engine="h5netcdf", group=group) as data:
            return data.load()

    def _trajectories(self, name):
        data = self._load(f"trajectories/{name}")
        of_class = self.runs.isel(run=data.run.values)
        return data.assign_coords({key: ("run", of_class[key].values) for key in self.axes})

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
        name = str(self.runs.trajectory.values[run])
        return self.trajectories[name].attrs["tree"]


def open_results(path):
    """Open a results file.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    Results
    """
    return Results(path)

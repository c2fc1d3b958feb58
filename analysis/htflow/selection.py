# SPDX-License-Identifier: BSD-3-Clause
"""Selection of runs by the labels of their swept keys."""
import numpy as np


def rows(runs, labels, method=None, tolerance=None):
    """Which runs fit every label.

    Parameters
    ----------
    runs : xarray.Dataset
        With the keys as coordinates of the dimension ``run``.
    labels : dict
        By key: a value, a list of values, a slice (from .. to, both included).
    method : {None, "nearest"}
        Whether a value is to be there, or stands for the one nearest to it.
    tolerance : float, optional
        How near.

    Returns
    -------
    ndarray of int, ascending

    Raises
    ------
    KeyError
        For a key that the runs do not have, or a value that none of them has.
    """
    keep = np.ones(runs.sizes["run"], bool)
    for key, label in labels.items():
        if key not in runs.coords:
            raise KeyError(f"{key} is no key of the runs: {', '.join(map(str, runs.coords))}")
        keep &= _fits(key, runs[key].values, label, method, tolerance)
    return np.flatnonzero(keep)


def _fits(key, column, label, method, tolerance):
    """[run]: whether a column has the label."""
    if isinstance(label, slice):
        if label.step is not None:
            raise ValueError(f"{key}: a slice of labels has no step")
        keep = np.ones(len(column), bool)
        if label.start is not None:
            keep &= column >= label.start
        if label.stop is not None:
            keep &= column <= label.stop
        return keep
    wanted = np.atleast_1d(np.asarray(label)).ravel()
    if method not in (None, "nearest"):
        raise ValueError(f"there is no method {method}, but nearest")
    keep = np.zeros(len(column), bool)
    for value in wanted:
        value = _nearest(key, column, value, tolerance) if method == "nearest" else value
        found = column == value
        if not np.any(found):
            raise KeyError(f"no run has {key} {value}; there are {_listed(column)}")
        keep |= found
    return keep


def _nearest(key, column, value, tolerance):
    if column.dtype.kind not in "if":
        return value
    distance = np.abs(column - value)
    if not len(column) or (tolerance is not None and distance.min() > tolerance):
        raise KeyError(f"no run has {key} within {tolerance} of {value}")
    return column[distance.argmin()]


def _listed(column, most=12):
    values = [str(value) for value in np.unique(column)]
    return ", ".join(values[:most] + ["..."] * (len(values) > most)) or "no runs"


def levels(runs, key):
    """The values of a key, as an axis shows them.

    Parameters
    ----------
    runs : xarray.Dataset
        With coordinates ``key`` and ``tree_depth``.
    key : str

    Returns
    -------
    values : ndarray
        Numbers ascending; mode trees from shallow to deep; other text in the order of runs.
    index : ndarray of int, shape (run,)
        Which of them each run has.
    """
    column = runs[key].values
    column = column.astype(str) if column.dtype.kind == "O" else column
    values, first, index = np.unique(column, return_index=True, return_inverse=True)
    if values.dtype.kind == "U":
        depth = [int(runs.tree_depth.values[index == k].max()) for k in range(len(values))]
        order = np.lexsort((first, depth if key == "model_tree" else first))
        values, index = values[order], np.argsort(order)[index]
    return values, index


def unstack(runs, keys, values, fill=np.nan):
    """Values of the runs as an array over their keys.

    Parameters
    ----------
    runs : xarray.Dataset
    keys : list of str
    values : ndarray, shape (run, ..)
    fill : float or str
        Where the keys have no run.

    Returns
    -------
    array : ndarray, shape (values of keys[0], values of keys[1], .., ..)
    coordinates : dict of ndarray
        By key.

    Raises
    ------
    ValueError
        If the keys do not tell the runs apart, or are so far from independent (of a ``zip``)
        that nearly all of the array were empty.
    """
    found = [levels(runs, key) for key in keys]
    shape = tuple(len(at) for at, _ in found)
    cell = np.zeros(len(values), int)
    for (at, index) in found:
        cell = cell * len(at) + index
    cells = int(np.prod(shape, dtype=float))
    if cells > 16 * len(values) + 64:
        raise ValueError(f"{' x '.join(map(str, shape))} values of {', '.join(keys)} for "
                         f"{len(values)} runs: they are no grid; select or group them")
    if len(np.unique(cell)) < len(cell):
        raise ValueError(f"several runs have the same {', '.join(keys) or 'keys (none)'}")
    array = np.full((cells, *values.shape[1:]), fill,
                    values.dtype if cells == len(values) or values.dtype == object else float)
    array[cell] = values
    return array.reshape(shape + values.shape[1:]), {k: at for k, (at, _) in zip(keys, found)}

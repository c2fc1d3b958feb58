# SPDX-License-Identifier: BSD-3-Clause
"""Phase diagrams: a number of the runs over two of their axes."""
import numpy as np
import xarray as xr

from .results import DONE, FAILED
from .selection import levels

SEEDS = ("seed", "init_seed", "problem_seed")


def default_axes(results):
    """The two axes a phase diagram is drawn over if none are named.

    Parameters
    ----------
    results : Results

    Returns
    -------
    x, y : str or None
        x is the initialisation scale if it is swept, else the first numeric key; y the mode
        tree if it is swept, else the next key. Seeds are for reducing over.
    """
    keys = [key for key in results.axes if key not in SEEDS]
    numeric = [key for key in keys if results.runs[key].dtype.kind in "if"]
    x = "init_std" if "init_std" in keys else next(iter(numeric or keys), None)
    others = [key for key in keys if key != x]
    y = "model_tree" if "model_tree" in others else next(iter(others), None)
    return x, y


def _reducer(reduce):
    if callable(reduce):
        return reduce
    if reduce in ("median", "mean"):
        return getattr(np, reduce)
    return lambda values: np.quantile(values, float(reduce))


def phase_diagram(results, value, x=None, y=None, reduce="median", over="mean"):
    """A number of the runs over two axes, reduced over all others.

    Parameters
    ----------
    results : Results
    value : str or array, shape (run,)
        What ``Results.final`` takes, such as ``"effective_rank"``; or a number for each run.
    x, y : str, optional
        Coordinates of the runs: swept keys, ``tree_depth`` or a derived key such as
        ``initial_norm``; see ``default_axes`` and ``Results.with_key``.
    reduce : {"median", "mean"}, float or callable
        How the finite values of the done runs of a cell become one; a float is a quantile.
    over : str
        See ``Results.final``.

    Returns
    -------
    xarray.Dataset, dimensions (y, x) by the names of the keys
        ``value`` (NaN where no run is done); ``failed``, the share of the runs that failed
        among those that ended; ``done``, ``ended`` and ``pending``, counts of runs.
    """
    defaults = default_axes(results)
    x, y = x or defaults[0], y or (defaults[1] if x is None or x != defaults[1] else defaults[0])
    for key in (x, y):
        results = results if key is None else results.with_key(key)
    runs = results.runs
    number = results.final(value, over) if isinstance(value, str) else value
    number = np.asarray(number, float)
    axes, index = {}, []
    for key in (y, x):
        if key is None:
            axes["all runs"], at = np.array([0]), np.zeros(runs.sizes["run"], int)
        else:
            axes[key], at = levels(runs, key)
        index.append(at)
    if len(axes) < 2:
        raise ValueError(f"a phase diagram wants two different axes, not {x} and {y}")
    shape = tuple(len(values) for values in axes.values())
    cell = np.ravel_multi_index(index, shape)
    status = runs.status.values
    counts = {name: np.bincount(cell[status == state], minlength=shape[0] * shape[1])
              for name, state in (("done", DONE), ("failed", FAILED))}
    ended = counts["done"] + counts["failed"]
    total = np.bincount(cell, minlength=len(ended))
    data = {"value": _reduce_cells(number, cell, status == DONE, len(ended), _reducer(reduce)),
            "failed": np.where(ended > 0, counts["failed"] / np.maximum(ended, 1), np.nan),
            "done": counts["done"], "ended": ended, "pending": total - ended}
    found = xr.Dataset({name: (tuple(axes), values.reshape(shape))
                        for name, values in data.items()}, axes)
    for key in axes:
        if key in runs:
            found[key].attrs = runs[key].attrs
    name = value if isinstance(value, str) else getattr(value, "name", None) or "value"
    found.value.attrs = {**getattr(value, "attrs", {}), "name": name, "reduced_by": str(reduce)}
    return found


def _reduce_cells(number, cell, use, count, reducer):
    """[cells]: the reduced number of each cell; NaN where it has none."""
    use = use & np.isfinite(number)
    order = np.argsort(cell[use], kind="stable")
    cells, numbers = cell[use][order], number[use][order]
    bounds = np.searchsorted(cells, np.arange(count + 1))
    return np.array([reducer(numbers[a:b]) if b > a else np.nan
                     for a, b in zip(bounds, bounds[1:])], float)

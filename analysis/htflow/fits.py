# SPDX-License-Identifier: BSD-3-Clause
"""Exponents: of the growth of components, and of numbers of the runs against a swept key."""
import numpy as np
import xarray as xr

from .learning import BLOCK
from .results import DONE
from .selection import levels
from .tensor import children_of

# As `htflow check` has them: points are balanced enough for the power law where the
# unbalancedness is below this share of sigma^(2/K); a fit wants so many points over so much of
# a range of log sigma.
BALANCED, POINTS, RANGE = 0.1, 5, np.log(10)
FROZEN = ("cp", "mf")
SEED = "seed"


def exponents(results):
    """Exponent of the growth of local components at each node of each run.

    Least squares of log(rate / drive) against log sigma over the balanced samples of all
    components of a node; under balanced flow d sigma/dt = K sigma^(2 - 2/K) drive (theory.md
    section 3). The definition is that of `htflow check`.

    Parameters
    ----------
    results : Results

    Returns
    -------
    xarray.Dataset
        Dimension ``fit``: an entry for each interior node of each run. Coordinates ``run``,
        ``node``, the swept keys and ``tree_depth``; variables ``exponent`` (NaN where it is not
        defined), ``expected`` (2 - 2/K), ``factor`` (of the rates over the law's, 1 expected),
        ``points``.

    Raises
    ------
    ValueError
        If no class has norms, rates, drives and unbalancedness.
    """
    kinds = np.array([str(kind) for kind in results.parameter("model.kind")])
    wanted = {"local_component_norm", "local_component_rate", "local_component_drive",
              "unbalancedness"}
    parts = []
    for name, data in results.trajectories.items():
        if wanted <= set(data) and data.sizes["run"]:
            children = children_of(results.trees[name])
            count = np.array([children[str(node)] for node in data.node.values])
            frozen = np.isin(kinds[results.rows_of(data)], FROZEN)
            parts += [_of_block(data.isel(run=slice(row, row + BLOCK)),
                                count, frozen[row:row + BLOCK])
                      for row in range(0, data.sizes["run"], BLOCK)]
    if not parts:
        raise ValueError("no component rates and drives are recorded")
    columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    order = np.argsort(columns["run"], kind="stable")
    found = xr.Dataset({key: ("fit", column[order]) for key, column in columns.items()}) \
        .set_coords(["run", "node"])
    of_run = results.runs.isel(run=results.rows_of(found))
    return found.assign_coords({key: ("fit", of_run[key].values) for key in results.keys})


def _of_block(data, children, frozen):
    vectors = np.tile(children + 1, (data.sizes["run"], 1))  # K of [run, node]; the root is last
    vectors[frozen, -1] -= 1
    norm = data.local_component_norm.values
    power = vectors[:, None, :, None].astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = data.local_component_rate.values / data.local_component_drive.values
        use = (norm > 0) & (ratio > 0) & np.isfinite(ratio) & (
            data.unbalancedness.values[:, :, None, None] <= BALANCED * norm ** (2 / power))
        x, y = np.log(norm), np.log(ratio)
    x, y = np.where(use, x, 0), np.where(use, y, 0)

    def total(values):
        return np.where(use, values, 0).sum(axis=(1, 3))
    expected = 2 - 2 / vectors
    n = use.sum(axis=(1, 3))
    wide = np.where(use, x, -np.inf).max(axis=(1, 3)) - np.where(use, x, np.inf).min(axis=(1, 3))
    defined = (n >= POINTS) & (wide >= RANGE)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (n * total(x * y) - total(x) * total(y)) / (n * total(x * x) - total(x) ** 2)
        off = total(y - np.log(power) - (2 - 2 / power) * x) / n
    columns = {"run": np.repeat(data.run.values, data.sizes["node"]),
               "node": np.tile(data.node.values.astype(str), data.sizes["run"]),
               "exponent": np.where(defined, slope, np.nan), "expected": expected,
               "factor": np.where(defined, np.exp(off), np.nan), "points": n}
    return {key: np.ravel(column) for key, column in columns.items()}


def _slopes(x, y, cluster, times):
    """Least-squares slopes with each cluster of points counted so many times.

    Parameters
    ----------
    x, y : ndarray, shape (point,)
    cluster : ndarray of int, shape (point,)
    times : ndarray, shape (draw, cluster)

    Returns
    -------
    ndarray, shape (draw,)
        NaN where all x that count are equal.
    """
    x, y = x - x.mean(), y - y.mean()
    sums = np.stack([np.bincount(cluster, values, times.shape[1])
                     for values in (np.ones(len(x)), x, y, x * x, x * y)])
    n, sx, sy, sxx, sxy = sums @ times.T
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = n * sxx - sx ** 2
        return np.where(spread > 1e-9 * n * sxx, (n * sxy - sx * sy) / spread, np.nan)


def scaling(results, value, key="init_std", by=None, confidence=0.95, draws=1000, seed=0):
    """Slope of log(value) against log(key) over the runs, with a bootstrap interval.

    Parameters
    ----------
    results : Results
    value : str or array, shape (run,)
        What ``Results.final`` takes, or a number for each run, such as
        ``when(results, 0, "time")``.
    key : str
        A positive swept key.
    by : str, optional
        A key, such as ``"model_tree"``, for each of whose values there is a fit.
    confidence : float
        Of the interval.
    draws : int
        Of the bootstrap: whole seeds are drawn, since runs of the same seed start from the same
        draw; runs if there are no seeds.
    seed : int
        Of the bootstrap.

    Returns
    -------
    xarray.Dataset, dimension ``by`` (or none)
        ``slope``, its ``low`` and ``high``, ``intercept`` (log(value) at key 1), ``points``
        (done runs with a positive value); NaN where fewer than two values of the key are left.
    """
    number = results.final(value) if isinstance(value, str) else value
    number = np.asarray(number, float)
    runs = results.runs
    groups, index = levels(runs, by) if by is not None else (np.array([""]),
                                                             np.zeros(len(number), int))
    x = runs[key].values.astype(float)
    with np.errstate(invalid="ignore"):
        use = (runs.status.values == DONE) & (number > 0) & np.isfinite(number) & (x > 0)
    cluster = levels(runs, SEED)[1] if SEED in runs.coords else np.arange(len(number))
    fits = []
    for k in range(len(groups)):
        chosen = use & (index == k)
        fits.append(_fit(np.log(x[chosen]), np.log(number[chosen]), cluster[chosen],
                         confidence, draws, np.random.default_rng(seed)))
    names = ("slope", "low", "high", "intercept", "points")
    dims = () if by is None else (by,)
    columns = {name: (dims, column[0] if by is None else np.array(column))
               for name, column in zip(names, zip(*fits))}
    return xr.Dataset(columns, {} if by is None else {by: groups},
                      {"key": key, "confidence": confidence, "draws": draws})


def _fit(x, y, cluster, confidence, draws, random):
    if len(np.unique(x)) < 2:
        return np.nan, np.nan, np.nan, np.nan, len(x)
    members, cluster = np.unique(cluster, return_inverse=True)
    slope, = _slopes(x, y, cluster, np.ones((1, len(members))))
    even = np.full(len(members), 1 / len(members))
    slopes = _slopes(x, y, cluster, random.multinomial(len(members), even, size=draws))
    low, high = np.nanquantile(slopes, [(1 - confidence) / 2, (1 + confidence) / 2])
    return slope, low, high, y.mean() - slope * x.mean(), len(x)

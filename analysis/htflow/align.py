# SPDX-License-Identifier: BSD-3-Clause
"""Averages over runs, aligned by an event.

Seeds jump at different times. An average at equal times mixes runs before and after their jump
and shows a slow rise that no run has; counted from the jump, the runs lie on each other.
"""
import numpy as np
import xarray as xr

from .clocks import CLOCKS, when_placed

POINTS = 200
QUANTILES = (0.25, 0.5, 0.75)


def interpolate(clock, values, grid, log=False):
    """A series at given readings of its clock.

    Parameters
    ----------
    clock : ndarray, shape (sample,)
        Samples at which it does not grow, or is NaN, are left out.
    values : ndarray, shape (sample, ..)
    grid : ndarray, shape (point,)
    log : bool
        Whether the logarithm is linear between samples; for positive values.

    Returns
    -------
    ndarray, shape (point, ..)
        NaN outside of the clock's range.
    """
    reached = np.fmax.accumulate(np.concatenate([[-np.inf], clock[:-1]]))
    with np.errstate(invalid="ignore"):
        use = np.isfinite(clock) & (clock > reached)
    clock, values = clock[use], values[use]
    out = np.full((len(grid), *values.shape[1:]), np.nan)
    if not len(clock):
        return out
    inside = (grid >= clock[0]) & (grid <= clock[-1])
    at = np.clip(np.searchsorted(clock, grid[inside], side="right") - 1, 0, len(clock) - 1)
    after = np.minimum(at + 1, len(clock) - 1)
    width = np.where(after > at, clock[after] - clock[at], 1)
    part = ((grid[inside] - clock[at]) / width).reshape(-1, *[1] * (values.ndim - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.log(values) if log else values
        between = np.where(part > 0, scaled[at] + part * (scaled[after] - scaled[at]), scaled[at])
        out[inside] = np.exp(between) if log else between
    return out


def _grid(clocks, points, least):
    """Readings between which at least the share ``least`` of the runs have samples."""
    has = np.isfinite(clocks).any(axis=1)
    if not has.any():
        raise ValueError("the event happened in no run")
    starts, ends = np.nanmin(clocks[has], axis=1), np.nanmax(clocks[has], axis=1)
    return np.linspace(np.quantile(starts, least, method="higher"),
                       np.quantile(ends, 1 - least, method="lower"), points)


def aligned(data, name, event=when_placed, clock="arc_length", grid=None, points=POINTS,
            quantiles=QUANTILES, least=0.5, log=False):
    """Median and quantiles over runs of a variable, by a clock that starts at an event.

    Parameters
    ----------
    data : xarray.Dataset
        Trajectories of a class; of its runs those that are to be averaged over, such as
        ``results.sel(init_std=0.01).trajectories["c0"]``.
    name : str
        A variable of dimensions (run, sample, ..).
    event : callable or ndarray, shape (run,)
        ``event(data)`` gives positions: the first component learnt by default;
        ``lambda d: when_learnt(d, 1)``, ``lambda d: when_below(d, "train_loss", 0.1)``, or
        zeros for the start.
    clock : {"arc_length", "time", "log_time", "step", "loss"}
        ``log_time`` shows what is after the event alone; ``loss`` needs no event.
    grid : ndarray, optional
        Readings of the clock; evenly spaced ones by default.
    points : int
        How many.
    quantiles : sequence of float
    least : float
        The default grid spans what this share of the runs has reached.
    log : bool
        Whether logarithms are interpolated and averaged, for values over several decades.

    Returns
    -------
    xarray.Dataset, dimensions (the clock, quantile, ..)
        ``name`` (quantiles over runs), ``mean`` (geometric if ``log``), and ``count`` (runs
        that have a value there); outside of its samples a run does not count.

    Raises
    ------
    ValueError
        For another clock, or if the event happened in no run.
    """
    if clock not in CLOCKS:
        raise ValueError(f"there is no clock {clock}, but {', '.join(CLOCKS)}")
    positions = np.asarray(event(data) if callable(event) else event, float)
    readings = CLOCKS[clock][1](data, positions)
    grid = _grid(readings, points, least) if grid is None else np.asarray(grid, float)
    values = data[name].values
    series = np.stack([interpolate(readings[run], values[run], grid, log)
                       for run in range(len(values))])
    return _summary(data[name], series, grid, clock, quantiles, log)


def _summary(variable, series, grid, clock, quantiles, log):
    known = np.isfinite(series)
    count = known.sum(axis=0)
    quantile = np.full((len(quantiles), *series.shape[1:]), np.nan)
    mean = np.full(series.shape[1:], np.nan)
    some = count > 0
    columns = series[:, some]
    quantile[:, some] = np.nanquantile(columns, quantiles, axis=0)
    with np.errstate(divide="ignore"):
        mean[some] = np.exp(np.nanmean(np.log(columns), axis=0)) if log else \
            np.nanmean(columns, axis=0)
    rest = variable.dims[2:]
    coordinates = {clock: (clock, grid, {"long_name": CLOCKS[clock][0], "units": "1"}),
                   "quantile": list(quantiles),
                   **{dim: variable[dim].values for dim in rest if dim in variable.coords}}
    return xr.Dataset({variable.name: (("quantile", clock, *rest), quantile, variable.attrs),
                       "mean": ((clock, *rest), mean, variable.attrs),
                       "count": ((clock, *rest), count, {"long_name": "runs", "units": "1"})},
                      coordinates)

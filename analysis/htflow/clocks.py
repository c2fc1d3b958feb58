# SPDX-License-Identifier: BSD-3-Clause
"""Events of trajectories, and clocks that are read from them.

An event is a *position* along the samples of a run: 3.25 is a quarter of the way from sample 3
to sample 4. So it can be told in any clock.
"""
import numpy as np

from .learning import LEARNT, learnt_of_class

ACTIVE = LEARNT


def largest_component(trajectory):
    """Largest local component norm over all nodes, at each sample.

    Parameters
    ----------
    trajectory : xarray.Dataset
        Of a class, or one run of it.

    Returns
    -------
    xarray.DataArray, shape (run, sample) or (sample,)
    """
    norms = trajectory.local_component_norm
    return norms.max(dim=[d for d in norms.dims if d not in ("run", "sample")])


def time_since_activation(trajectory, share=ACTIVE):
    """Flow time since the first component was learnt.

    Learning is a burst, late on a long clock, so differences are taken of both parts of the
    time.

    Parameters
    ----------
    trajectory : xarray.Dataset
        One run of a class: dimension ``sample``.
    share : float
        A component counts as learnt when the largest norm over all nodes passes this share of
        its final value.

    Returns
    -------
    ndarray, shape (sample,)
    """
    return since_activation(largest_component(trajectory).values, trajectory.time.values,
                            trajectory.time_low.values, share)


def since_activation(largest, high, low, share=ACTIVE):
    """`time_since_activation` of arrays [sample]: the largest norm, both parts of the time."""
    final = largest[np.isfinite(largest)][-1]
    first = int(np.argmax(largest >= share * final))
    return (high - high[first]) + (low - low[first])


def _logarithms(values):
    """log of positive values, for interpolation; others as they are."""
    known = values[np.isfinite(values)]
    return np.log(values) if known.size and (known > 0).all() else values


def crossing(values, level, falling=False):
    """Where series first cross a level.

    Parameters
    ----------
    values : ndarray, shape (run, sample)
        NaN after the end of a run. Between samples their logarithm is linear, if all are
        positive.
    level : float or ndarray, shape (run,)
    falling : bool
        Whether it is crossed from above.

    Returns
    -------
    ndarray, shape (run,)
        Positions; 0 for a series that starts beyond the level, NaN for one that never is.
    """
    level = np.broadcast_to(np.asarray(level, float), len(values))
    found = np.full(len(values), np.nan)
    for run, (series, wanted) in enumerate(zip(values, level)):
        with np.errstate(invalid="ignore"):
            beyond = series <= wanted if falling else series >= wanted
        if beyond.any():
            at = int(beyond.argmax())
            found[run] = at
            if at > 0:
                before, after, goal = _logarithms(np.array([series[at - 1], series[at], wanted]))
                found[run] = at - 1 + (goal - before) / (after - before)
    return found


def when_learnt(data, component=0, node=None):
    """When a component has passed half its last norm.

    Parameters
    ----------
    data : xarray.Dataset
        Trajectories of a class.
    component : int
        0 is the largest of its node.
    node : str, optional
        Its name; the class's first if none is given.

    Returns
    -------
    ndarray, shape (run,)
        Positions.
    """
    norms = data.local_component_norm.isel(component=component)
    norms = (norms.isel(node=0) if node is None else norms.sel(node=node)).values
    last = norms[np.arange(len(norms)), data.samples.values - 1]
    return crossing(norms, LEARNT * last)


def when_placed(data, place=0):
    """When the run learnt its first component, its second, ...

    Parameters
    ----------
    data : xarray.Dataset
        Trajectories of a class.
    place : int
        0 for the first.

    Returns
    -------
    ndarray, shape (run,)
        Positions; NaN for runs that learnt fewer. See ``learnt`` for what counts.
    """
    found = learnt_of_class(data)
    positions = np.full(data.sizes["run"], np.nan)
    use = found["place"] == place
    norms, nodes = data.local_component_norm.values, data.node.values.astype(str).tolist()
    rows = {run: row for row, run in enumerate(data.run.values.tolist())}
    for run, node, component, last in zip(*(found[key][use] for key in
                                            ("run", "node", "component", "norm"))):
        row = rows[run]
        series = norms[row:row + 1, :, nodes.index(node), component]
        positions[row] = crossing(series, LEARNT * last)[0]
    return positions


def when_below(data, name="train_loss", level=0.1):
    """When a variable falls below a level.

    Parameters
    ----------
    data : xarray.Dataset
        Trajectories of a class.
    name : str
        A variable of dimensions (run, sample).
    level : float or ndarray, shape (run,)

    Returns
    -------
    ndarray, shape (run,)
        Positions.
    """
    return crossing(data[name].values, level, falling=True)


def at_position(series, positions):
    """Values of series at positions, linear between samples.

    Parameters
    ----------
    series : ndarray, shape (run, sample)
    positions : ndarray, shape (run,)

    Returns
    -------
    ndarray, shape (run,)
        NaN where the position is.
    """
    rows = np.arange(len(series))
    known = np.isfinite(positions)
    before = np.where(known, positions, 0).astype(int)
    after = np.minimum(before + 1, series.shape[1] - 1)
    part = positions - before
    step = series[rows, after] - series[rows, before]
    return series[rows, before] + np.where(part > 0, part * step, np.where(known, 0, np.nan))


def _time_since(data, positions):
    """Both parts of the time are subtracted apart: late bursts would vanish in their sum."""
    high, low = data.time.values, data.time_low.values
    rows = np.arange(len(high))
    before = np.where(np.isfinite(positions), positions, 0).astype(int)
    since = (high - high[rows, before][:, None]) + (low - low[rows, before][:, None])
    return since - at_position(since, positions)[:, None]


def _log_time_since(data, positions):
    since = _time_since(data, positions)
    return np.log10(np.where(since > 0, since, np.nan))


def _plain(name):
    def since(data, positions):
        values = data[name].values
        return values - at_position(values, positions)[:, None]
    return since


def _loss_level(data, _positions):
    return -np.log10(np.fmin.accumulate(data.train_loss.values, axis=1))


# name: (what it is, function of (data, positions) -> [run, sample], growing along a run)
CLOCKS = {
    "arc_length": ("arc length of the weights since the event", _plain("arc_length")),
    "time": ("flow time since the event", _time_since),
    "log_time": ("log10 of the flow time since the event", _log_time_since),
    "step": ("steps since the event", _plain("step")),
    "loss": ("- log10 of the lowest training loss so far", _loss_level),
}

# SPDX-License-Identifier: BSD-3-Clause
"""When local components were learnt, and in which order (as `htflow check` says it)."""
import numpy as np
import xarray as xr

LEARNT = 0.5   # a component is learnt when its norm passes this share of its last,
COUNTS = 0.1   # and counts if that is at least this share of the largest at its node
BLOCK = 256    # runs read at a time


def learnt(results):
    """Local components in the order in which each run learnt them.

    A component is learnt at the first sample at which its norm has passed half its last
    value; it counts if that is a tenth of the largest at its node at least.

    Parameters
    ----------
    results : Results

    Returns
    -------
    xarray.Dataset
        Dimension ``learnt``: an entry for each component learnt in each run, by run and then
        by place. Coordinates ``run``; ``node`` (its name); ``component`` (index, 0 the largest);
        the swept keys and ``tree_depth`` of the run. Variables ``place`` (0 for the first of its
        run); ``sample``; ``time`` (flow time); ``arc_length`` (of the weights); ``norm`` (the
        last).

    Raises
    ------
    ValueError
        If no class has component norms.
    """
    parts = [learnt_of_class(data) for data in results.trajectories.values()
             if "local_component_norm" in data and data.sizes["run"]]
    if not parts:
        raise ValueError("no component norms: record.observables has no local_component_norm")
    columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    order = np.lexsort((columns["place"], columns["run"]))
    data = xr.Dataset({key: ("learnt", column[order]) for key, column in columns.items()}) \
        .set_coords(["run", "node", "component"])
    of_run = results.runs.isel(run=results.rows_of(data))
    return data.assign_coords({key: ("learnt", of_run[key].values) for key in results.keys})


def learnt_of_class(data):
    """The columns of ``learnt`` for the trajectories of one class, as a dict of ndarray."""
    rows = range(0, data.sizes["run"], BLOCK)
    blocks = [_of_block(data.isel(run=slice(row, row + BLOCK))) for row in rows]
    return {key: np.concatenate([block[key] for block in blocks]) for key in blocks[0]}


def _of_block(data):
    norms = data.local_component_norm.values  # [run, sample, node, component]
    last = norms[np.arange(len(norms)), data.samples.values - 1]
    with np.errstate(invalid="ignore"):
        counts = (last > 0) & np.isfinite(last) & (last >= COUNTS * last[:, :, :1])
        sample = (norms >= LEARNT * last[:, None]).argmax(axis=1)
    run, node, component = np.nonzero(counts)
    sample, norm = sample[counts], last[counts]
    order = np.lexsort((component, node, -norm, sample, run))
    run, node, component = run[order], node[order], component[order]
    sample, norm = sample[order], norm[order]
    starts = np.searchsorted(run, np.arange(len(norms)))
    clocks = {name: data[name].values[run, sample] if name in data else np.full(len(run), np.nan)
              for name in ("time", "arc_length")}
    return {"run": data.run.values[run], "node": data.node.values.astype(str)[node],
            "component": component, "place": np.arange(len(run)) - starts[run],
            "sample": sample, **clocks, "norm": norm}


def when(results, place=0, what="time"):
    """When each run learnt its first component, its second, ...

    Parameters
    ----------
    results : Results
    place : int
        0 for the first.
    what : {"time", "arc_length", "sample", "norm"}
        What is told of it.

    Returns
    -------
    xarray.DataArray, shape (run,)
        NaN for runs that learnt fewer.
    """
    found = learnt(results)
    found = found.isel(learnt=found.place.values == place)
    values = np.full(results.runs.sizes["run"], np.nan)
    values[results.rows_of(found)] = found[what].values
    return xr.DataArray(values, {key: results.runs[key] for key in ["run", *results.keys]},
                        ["run"], f"{what}_of_component_{place + 1}",
                        {"long_name": f"{what.replace('_', ' ')} at which component number "
                                      f"{place + 1} was learnt", "units": "1"})

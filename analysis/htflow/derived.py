# SPDX-License-Identifier: BSD-3-Clause
"""Keys of the runs that no sweep file has, found from their trajectories."""
import numpy as np


def initial_norm(results):
    """Norm of a run's local components at its start, to the nearest decade.

    The scale that runs on different mode trees share: a component's norm is the product of
    K weight vectors, K - 1 being the number of a node's children, so one ``init.std`` stands
    for starts that are many decades apart (theory.md section 3).

    Parameters
    ----------
    results : Results

    Returns
    -------
    values : ndarray, shape (run,)
        10^k, k whole: nearest to the geometric mean, over nodes, of each node's largest
        recorded component; NaN for runs without trajectory or recorded components.
    """
    values = np.full(results.runs.sizes["run"], np.nan)
    for data in results.trajectories.values():
        if "local_component_norm" in data:
            first = data.local_component_norm.isel(sample=0).max("component").values
            with np.errstate(divide="ignore", invalid="ignore"):
                logs = np.log10(first).mean(axis=1)
            values[results.rows_of(data)] = 10.0 ** np.round(logs)
    return values


# By key: what finds it, and its long name.
DERIVED = {"initial_norm": (initial_norm, "initial local component norm")}

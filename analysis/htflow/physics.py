# SPDX-License-Identifier: BSD-3-Clause
"""What must hold along an exact flow (theory.md section 3), run by run."""
import numpy as np
import xarray as xr

FLOWS = ("bdf", "adams", "erk")
ROUNDING = 1e-8, 1e-11


def residuals(results):
    """Drift of the conserved quantities and residual of the exact law of every run.

    Parameters
    ----------
    results : Results

    Returns
    -------
    xarray.Dataset, dimension run
        ``unbalancedness_drift``: relative, zero under exact flow. ``law_residual``: the largest
        over the run's samples; NaN if not recorded. ``law_broken``: whether it is anywhere
        beyond what rounding of a nearly cancelling gradient explains, 1e-8 + 1e-11 of the
        run's largest gradient norm over that of the sample (as `htflow check` has it).
        ``rtol``: of the integrator, NaN for descents. Coordinates: the swept keys.
    """
    runs = results.runs
    methods, rtol = results.parameter("flow.method"), results.parameter("flow.rtol")
    rtol = [r if m in FLOWS and r is not None else np.nan for m, r in zip(methods, rtol)]
    residual = np.full(runs.sizes["run"], np.nan)
    broken = np.zeros(runs.sizes["run"], bool)
    for data in results.trajectories.values():
        if "law_residual" in data and data.sizes["run"]:
            at = results.rows_of(data)
            residual[at], broken[at] = _of_class(data)
    drift = runs.unbalancedness_drift if "unbalancedness_drift" in runs else residual * np.nan
    return xr.Dataset(
        {"unbalancedness_drift": ("run", np.asarray(drift, float)),
         "law_residual": ("run", residual), "law_broken": ("run", broken),
         "rtol": ("run", np.array(rtol, float))},
        {key: runs[key] for key in ["run", *results.keys]})


def _of_class(data):
    values = data.law_residual.values
    room = 1e-6
    if "gradient_norm" in data:
        norm = data.gradient_norm.values
        largest = np.fmax.reduce(norm, axis=1)[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            room = np.where(norm > 0, ROUNDING[0] + ROUNDING[1] * largest / norm, room)
    return np.fmax.reduce(values, axis=1), (values > room).any(axis=1)

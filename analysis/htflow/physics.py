# SPDX-License-Identifier: BSD-3-Clause
"""What must hold along an exact flow (theory.md section 3), run by run."""
import numpy as np
import xarray as xr

FLOWS = ("bdf", "adams", "erk")
# The law holds to the first of these, and to the second of the run's largest rates; the third
# is of its largest gradient norm, where rates are not recorded.
LAW, OF_RATES, OF_GRADIENT = 1e-8, 1e-13, 1e-9
BLOCK = 256  # runs read at a time


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
        beyond what rounding explains where rates nearly cancel, 1e-8 + 1e-13 of the run's
        largest rate over that of the sample (as `htflow check` has it).
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
    scale, rounding = _scale(data)
    largest = np.fmax.reduce(scale, axis=1)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(scale > 0, LAW + rounding * largest / scale, 1e-6)
    return np.fmax.reduce(values, axis=1), (values > room).any(axis=1)


def _scale(data):
    """What the law is relative to [run, sample], and how much of its largest is rounding."""
    if "local_component_rate" in data:
        blocks = (data.local_component_rate[i:i + BLOCK].values
                  for i in range(0, data.sizes["run"], BLOCK))
        return np.concatenate([np.fmax.reduce(np.abs(rates), axis=(2, 3))
                               for rates in blocks]), OF_RATES
    if "gradient_norm" in data:
        return data.gradient_norm.values, OF_GRADIENT
    return np.zeros(data.law_residual.shape), 0

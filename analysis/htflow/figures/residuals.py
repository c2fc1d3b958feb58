# SPDX-License-Identifier: BSD-3-Clause
"""How well the runs keep what exact flow keeps."""
import numpy as np

from ..physics import residuals as of_runs
from . import style


def _place_runs(found):
    """Where the runs lie: at their rtol if they differ in it, else at their index."""
    rtol = found.rtol.values
    if len(np.unique(rtol[np.isfinite(rtol)])) > 1:
        return np.where(np.isfinite(rtol), rtol, np.nan), "relative tolerance of the flow"
    return found.run.values, "run"


def _draw(axis, x, y, colour, label, **more):
    use = np.isfinite(x) & np.isfinite(y) & (y > 0)
    if use.any():
        axis.scatter(x[use], y[use], 10, colour, linewidths=0, label=f"{label}: {use.sum()}",
                     rasterized=use.sum() > style.DENSE, **more)
    return use.any()


def _draw_rtol(axis, found, x, by_rtol):
    rtol = found.rtol.values
    known = np.isfinite(rtol)
    if by_rtol:
        ends = np.nanmin(rtol), np.nanmax(rtol)
        axis.plot(ends, ends, "--", color=style.BLACK, linewidth=0.8, label="rtol")
        axis.set_xscale("log")
    elif known.any():
        axis.axhline(rtol[known][0], linestyle="--", color=style.BLACK, linewidth=0.8,
                     label=f"rtol {rtol[known][0]:g}")


def _log(axis, drawn, label, results_label):
    axis.set(xlabel=results_label, ylabel=label)
    if drawn:
        axis.set_yscale("log")
        axis.legend(loc="best")
    else:
        axis.text(0.5, 0.5, "not recorded, or zero in all runs", ha="center", va="center",
                  transform=axis.transAxes)


@style.styled
def residuals(results):
    """Drift of the conserved quantities and residual of the law, of every run.

    On the left the relative drift of ||w||^2 - ||w'||^2 against the integrator's rtol if it is
    swept, else over the runs, with rtol itself dashed; on the right the largest residual of the
    exact law in each run, in vermillion where rounding does not explain it.

    Parameters
    ----------
    results : Results

    Returns
    -------
    matplotlib.figure.Figure
    """
    found = of_runs(results)
    x, label = _place_runs(found)
    by_rtol = label != "run"
    figure, axes = style.new(1, 2, (7.2, 2.8))
    drift, law = axes[0]
    flows = np.isfinite(found.rtol.values)
    y = found.unbalancedness_drift.values
    drawn = _draw(drift, x, np.where(flows, y, np.nan), style.BLUE, "exact flow")
    if not by_rtol:
        drawn |= _draw(drift, x, np.where(flows, np.nan, y), style.ORANGE, "descent", marker="s")
    _draw_rtol(drift, found, x, by_rtol)
    _log(drift, drawn, "drift of the conserved quantities,\nrelative", label)
    broken, y = found.law_broken.values, found.law_residual.values
    drawn = _draw(law, x, np.where(broken, np.nan, y), style.BLUE, "within rounding")
    drawn |= _draw(law, x, np.where(broken, y, np.nan), style.VERMILLION, "beyond it",
                   marker="s")
    if by_rtol:
        law.set_xscale("log")
    _log(law, drawn, "largest residual of the law,\nrelative", label)
    return figure

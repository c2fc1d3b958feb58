# SPDX-License-Identifier: BSD-3-Clause
"""Phase diagrams as heat maps."""
import numpy as np
from matplotlib import colors

from ..phases import phase_diagram
from . import style

SHOWN = ("effective_rank", "hierarchical_rank", "reconstruction_error")
NAMES = {"effective_rank": "effective rank,\nmean over nodes",
         "hierarchical_rank": "hierarchical rank,\nmean over nodes",
         "reconstruction_error": "relative\nreconstruction error",
         "least_reconstruction_error": "least relative\nreconstruction error"}
TOLD = 48       # most cells whose numbers are written in them
TICKS = 10


def _norm(values):
    """A colour scale: logarithmic where the values are positive and span a decade."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return colors.Normalize(0, 1)
    low, high = finite.min(), finite.max()
    return colors.LogNorm(low, high) if low > 0 and high > 10 * low else colors.Normalize(low, high)


def _tick_labels(axis, which, key, values):
    at = np.arange(0, len(values), -(-len(values) // TICKS))
    getattr(axis, f"set_{which}ticks")(at, [style.short(values[i]) for i in at])
    if key != "all runs":
        getattr(axis, f"set_{which}label")(style.key_name(key))
    else:
        axis.set_yticks([])


def _tell(axis, found, norm):
    """The number of each cell, and the share of failed runs where there are some."""
    values, failed = found.value.values, found.failed.values
    for i, j in np.ndindex(values.shape):
        text = f"{values[i, j]:.3g}" if np.isfinite(values[i, j]) else ""
        if failed[i, j] > 0:
            text += f"\n{failed[i, j]:.0%} failed"
        dark = np.isfinite(values[i, j]) and norm(values[i, j]) < 0.6
        axis.text(j, i, text.strip(), ha="center", va="center", fontsize=6,
                  color="white" if dark else "black")


def _draw(figure, axis, found, label):
    values = found.value.values
    norm = _norm(values)
    edges = [np.arange(n + 1) - 0.5 for n in values.shape]
    mesh = axis.pcolormesh(edges[1], edges[0], np.ma.masked_invalid(values), norm=norm,
                           cmap=style.NUMBERS, rasterized=values.size > style.DENSE)
    y, x = found.value.dims
    _tick_labels(axis, "x", x, found[x].values)
    _tick_labels(axis, "y", y, found[y].values)
    if values.size <= TOLD:
        _tell(axis, found, norm)
    else:
        at = np.argwhere(found.failed.values > 0)
        share = found.failed.values[tuple(at.T)]
        axis.scatter(at[:, 1], at[:, 0], 4 + 20 * share, style.VERMILLION, "x", linewidths=0.7,
                     rasterized=len(at) > style.DENSE)
    figure.colorbar(mesh, ax=axis, location="top", label=label)


@style.styled
def phase(results, values=None, x=None, y=None, reduce="median"):
    """Numbers of the runs at their end over two axes.

    Cells hold the number itself and the share of failed runs, if they are few; of many cells
    those with failed runs bear a vermillion cross, the larger the more failed.

    Parameters
    ----------
    results : Results
    values : list of str, optional
        What is shown, a panel each; see ``Results.final``. Effective rank, hierarchical rank
        and reconstruction error where they are recorded, else the held-out loss.
    x, y : str, optional
        Swept keys (``init_std``), ``tree_depth`` or ``initial_norm``; the scale and the mode
        tree if they are swept.
    reduce : str or float
        Over seeds and all other axes: ``"median"``, ``"mean"`` or a quantile in [0, 1].

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If none of the values is recorded, or an axis is no key.
    """
    shown = []
    for value in values or SHOWN:
        try:
            shown.append((value, results.final(value)))
        except KeyError as missing:
            if values:
                raise ValueError(missing.args[0]) from None
    shown = shown or [("final_test_loss", results.final("final_test_loss"))]
    found = [phase_diagram(results, number, x, y, reduce) for _, number in shown]
    rows, columns = found[0].value.shape
    size = max(2.4, min(0.45 * columns + 1.2, 7)), max(1.9, min(0.35 * rows + 1.5, 6))
    stacked = size[0] > 5
    figure, axes = style.new(*((len(shown), 1) if stacked else (1, len(shown))),
                             (size[0], size[1] * len(shown)) if stacked else
                             (size[0] * len(shown), size[1]), sharex=True, sharey=True)
    for axis, (value, number), data in zip(axes.ravel(), shown, found):
        _draw(figure, axis, data, NAMES.get(value, number.attrs.get("long_name", value)))
    for axis in axes.ravel():
        axis.label_outer()
    how = f"quantile {reduce}" if reduce not in ("median", "mean") else reduce
    figure.suptitle(f"at the end of the runs; {how} of {int(found[0].done.max())} runs a cell "
                    "at most", fontsize=7)
    return figure

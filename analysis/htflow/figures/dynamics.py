# SPDX-License-Identifier: BSD-3-Clause
"""Local components being learnt one after another."""
import numpy as np

from ..clocks import time_since_activation
from ..results import DONE
from . import style
from .labels import Layout, node_label

SHOWN = 5          # components


def _draw_components(axis, clock, norms):
    """Lines of the largest components, the first darkest."""
    for k, colour in enumerate(style.colours(SHOWN)[:norms.shape[1]]):
        axis.plot(clock, norms[:, k], color=colour, linewidth=1.2, label=f"{k + 1}")


def _rise(clock, norms):
    """Time in which the first component rises from a tenth of its last value to half of it,
    or a thousandth of the clock where it is there from the start."""
    share = norms[:, 0] / norms[np.isfinite(norms[:, 0]), 0][-1]
    low, high = np.argmax(share >= 0.1), np.argmax(share >= 0.5)
    return clock[high] - clock[low] or 1e-3 * (clock[-1] - clock[0]) or 1


def _scale_around_zero(axis, clock, norms):
    """A time axis that is linear through the first burst and logarithmic on both sides."""
    linear = 10.0 ** np.ceil(np.log10(_rise(clock, norms)))
    axis.set_xscale("symlog", linthresh=linear)
    decades = np.ceil(np.log10(clock[-1] / linear)) if clock[-1] > linear else 1
    ticks = linear * 10.0 ** np.arange(0, decades + 1, max(1, decades // 3))
    axis.set_xticks(np.concatenate([[-ticks[0], 0], ticks]))
    axis.set_xlim(max(-30 * linear, min(1.5 * clock[0], -0.1 * linear)),
                  max(1.5 * clock[-1], 0.1 * linear))
    axis.minorticks_off()


def _choose(results, data, column, value, seed):
    """The first run that has the value and the seed, a done one if there is; None if none."""
    fits = np.ones(data.sizes["run"], bool)
    if column is not None:
        fits &= data[column].values == value
    if "seed" in results.axes and (data.seed.values[fits] == seed).any():
        fits &= data.seed.values == seed
    rows = np.flatnonzero(fits)
    if not rows.size:
        return None
    done = results.runs.status.values[results.rows_of(data.isel(run=rows))] == DONE
    run = data.isel(run=rows[np.argmax(done)])
    return run.isel(sample=slice(0, int(run.samples)))


def _draw_run(above, below, run):
    norms = run.local_component_norm.isel(node=0).values
    since = time_since_activation(run)
    _draw_components(above, run.arc_length.values, norms)
    _draw_components(below, since, norms)
    below.set_title(f"the first comes at flow time {-since[0]:.3g}" if since[0] < 0 else
                    "the first is there at the start")
    _scale_around_zero(below, since, norms)
    for axis in (above, below):
        if (norms[:, 0] > 0).any():
            axis.set_yscale("log")


@style.styled
def dynamics(results, seed=0):
    """Local components being learnt one after another.

    For each class of trajectories (mode tree and widths) a row against arc length and a row
    against the time since the first component was learnt; a column for each initialisation
    scale, or value of another key if the scale is not swept. Of more than 3 classes
    and 5 columns an even choice is drawn; of the other axes the first value.

    Parameters
    ----------
    results : Results
    seed : int
        Which of the seeds is drawn, if there are some.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If no component norms were recorded.
    """
    layout = Layout(results)
    rows, values = layout.names, layout.values
    if not rows:
        raise ValueError("no component norms: record.observables has no local_component_norm")
    figure, axes = style.new(2 * len(rows), len(values), sharey="row",
                             size=(2.6 * len(values) + 0.4, 3.6 * len(rows)))
    for i, name in enumerate(rows):
        data = results.trajectories[name]
        for j, value in enumerate(values):
            above, below = axes[2 * i, j], axes[2 * i + 1, j]
            above.set(xlabel="arc length of the weights", title=layout.title(name, value))
            below.set(xlabel="flow time since the first component")
            run = _choose(results, data, layout.column, value, seed)
            if run is not None:
                _draw_run(above, below, run)
            above.set_visible(run is not None)
            below.set_visible(run is not None)
        for row in axes[2 * i:2 * i + 2]:
            style.label_row(row, f"component norms\nat node {node_label(data.node.values[0])}")
    shown = [axis for axis in axes[::2].ravel() if axis.get_visible()]
    shown[min(len(values), len(shown)) - 1].legend(title="component", loc="best", fontsize=6,
                                                   title_fontsize=6, ncol=2)
    return figure

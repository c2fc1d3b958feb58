# SPDX-License-Identifier: BSD-3-Clause
"""All seeds at once, aligned by their first component."""
import numpy as np

from ..align import aligned
from ..clocks import when_placed
from . import style
from .labels import Layout, node_label

SHOWN, AT_LEAST = 3, 2


def _draw(axis, data, event):
    data = data.isel(node=[0], component=slice(0, SHOWN))
    found = aligned(data, "local_component_norm", event, log=True, quantiles=(0.1, 0.5, 0.9),
                    least=0.9)
    norms = found.local_component_norm.isel(node=0)
    for k, colour in enumerate(style.colours(SHOWN)[:norms.sizes["component"]]):
        low, middle, high = norms.isel(component=k).values
        axis.fill_between(found.arc_length, low, high, color=colour, alpha=0.25, linewidth=0)
        axis.plot(found.arc_length, middle, color=colour, linewidth=1.2, label=f"{k + 1}")
    axis.axvline(0, color=style.BLACK, linewidth=0.6, linestyle=":")
    if (norms > 0).any():
        axis.set_yscale("log")


@style.styled
def seeds(results):
    """Component norms of all seeds, aligned at the first component each of them learnt.

    Medians and bands from the tenth to the ninth decile, against the arc length of the weights
    since then; a row for each class of trajectories (at most 3), a column for each initialisation
    scale (at most 5).

    Parameters
    ----------
    results : Results

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If no component norms were recorded, or there are no two runs of any class and scale.
    """
    layout = Layout(results)
    names, values, column = layout.names, layout.values, layout.column
    drawn = []
    for i, name in enumerate(names):
        data = results.trajectories[name]
        event = when_placed(data)
        for j, value in enumerate(values):
            use = np.isfinite(event) & (column is None or data[column].values == value)
            if use.sum() >= AT_LEAST:
                drawn.append((i, j, data.isel(run=use), event[use]))
    if not drawn:
        raise ValueError("no two runs of any class and scale learnt a component")
    figure, axes = style.new(len(names), len(values), sharey="row",
                             size=(2.6 * len(values) + 0.4, 2.2 * len(names)))
    for axis in axes.ravel():
        axis.set_visible(False)
    for i, j, data, event in drawn:
        axes[i, j].set_visible(True)
        axes[i, j].set_title(f"{layout.title(names[i], values[j])}: {len(event)} runs")
        axes[i, j].set_xlabel("arc length since the first component")
        _draw(axes[i, j], data, event)
    for i, name in enumerate(names):
        node = node_label(results.trajectories[name].node.values[0])
        style.label_row(axes[i], f"component norms\nat node {node}")
    first = axes[drawn[0][0], drawn[0][1]]
    first.legend(title="component", fontsize=6, title_fontsize=6, loc="best")
    return figure

# SPDX-License-Identifier: BSD-3-Clause
"""In which order components were learnt."""
import numpy as np
from matplotlib import colors

from ..learning import learnt
from ..phases import default_axes
from ..selection import levels
from . import style
from .labels import class_labels, node_label

CLASSES, ROWS, PLACES = 4, 16, 16


def frequent(found, most):
    """The components learnt most often, in the order of their median place.

    Parameters
    ----------
    found : xarray.Dataset
        Of ``learnt``.
    most : int

    Returns
    -------
    names : list of (node, component)
    which : ndarray of int, shape (learnt,)
        Index into names; -1 for others.
    """
    pairs = list(zip(found.node.values, found.component.values.tolist()))
    names, which, count = np.unique([f"{node} {c}" for node, c in pairs], return_inverse=True,
                                    return_counts=True)
    place = np.array([np.median(found.place.values[which == k]) for k in range(len(names))])
    kept = np.argsort(-count, kind="stable")[:most]
    kept = kept[np.lexsort((-count[kept], place[kept]))]
    index = np.full(len(names), -1)
    index[kept] = np.arange(len(kept))
    split = [name.rsplit(" ", 1) for name in names[kept]]
    return [(node, int(component)) for node, component in split], index[which]


def place_shares(found, which, rows, runs):
    """Share of the runs in which each component was learnt at each place.

    Parameters
    ----------
    found : xarray.Dataset
        Of ``learnt``.
    which : ndarray of int, shape (learnt,)
        Row of each entry; -1 for none.
    rows : int
    runs : int
        How many runs there are.

    Returns
    -------
    ndarray, shape (rows, places)
    """
    shares = np.zeros((rows, int(found.place.max()) + 1))
    use = which >= 0
    np.add.at(shares, (which[use], found.place.values[use]), 1 / runs)
    return shares


def _draw_when(axis, found, which, names, runs, shade):
    use = which >= 0
    dense = use.sum() > style.DENSE
    spread = (found.run.values * 0.618034 % 1 - 0.5) * 0.6  # runs lie beside each other
    axis.scatter(found.arc_length.values[use], (which + spread)[use], 3 if dense else 9,
                 shade(found)[use], linewidths=0, alpha=0.8, rasterized=dense)
    for k in range(len(names)):
        median = np.nanmedian(found.arc_length.values[which == k])
        axis.plot([median, median], [k - 0.42, k + 0.42], color=style.BLACK, linewidth=1)
    shares = np.bincount(which[use], minlength=len(names)) / runs
    axis.set_yticks(range(len(names)), [f"{node_label(node)} : {c + 1}   {_percent(share)}"
                                        for (node, c), share in zip(names, shares)])
    axis.set(xlabel="arc length of the weights when learnt", ylim=(len(names) - 0.5, -0.5))


def _percent(share):
    return f"{100 * share:.0f} %" if share == 0 or share > 0.01 else "<1 %"


def _draw_places(figure, axis, shares):
    shares = shares[:, :PLACES]
    mesh = axis.pcolormesh(np.arange(shares.shape[1] + 1) + 0.5, np.arange(len(shares) + 1) - 0.5,
                           shares, cmap="Blues", vmin=0, vmax=1)
    axis.set(xlabel="place in the order", ylim=(len(shares) - 0.5, -0.5))
    axis.set_xticks(style.evenly(np.arange(1, shares.shape[1] + 1), 8))
    axis.set_yticks([])
    figure.colorbar(mesh, ax=axis, label="share of runs")


def _shading(results):
    """A colour for each run: by the initialisation scale or first numeric axis."""
    key = default_axes(results)[0]
    if key is None:
        return (lambda found: np.full(found.sizes["learnt"], style.BLUE)), None
    values, index = levels(results.runs, key)
    shades = style.colours(len(values))
    marks = [(style.short(values[i]), shades[i]) for i in
             style.evenly(np.arange(len(values)), 6)]
    return (lambda found: shades[index[results.rows_of(found)]]), (style.key_name(key), marks)


@style.styled
def order(results):
    """Which component of which node was learnt when, and in which order, over all runs.

    For each class of trajectories (at most 4) the components learnt most often (at most 16),
    from top to bottom in the order of their median place, with the share of the runs that learnt
    them: on the left the arc length at which each run did, coloured by initialisation scale,
    with the median; on the right the share of the runs in which it came first, second, ...

    Parameters
    ----------
    results : Results

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If no component norms were recorded.
    """
    every = learnt(results)
    trajectory = results.runs.trajectory.values.astype(str)[results.rows_of(every)]
    labels = class_labels(results)
    names = style.evenly([name for name in labels if (trajectory == name).any()], CLASSES)
    if not names:
        raise ValueError("no run has learnt a component")
    parts = [every.isel(learnt=trajectory == name) for name in names]
    kept = [frequent(part, ROWS) for part in parts]
    heights = [max(len(k[0]), 3) for k in kept]
    figure, axes = style.new(len(names), 2, (7.2, 1.1 * len(names) + 0.2 * sum(heights)),
                             width_ratios=[2, 1], height_ratios=heights)
    shade, legend = _shading(results)
    for row, name, part, (components, which) in zip(axes, names, parts, kept):
        runs = results.trajectories[name].sizes["run"]
        _draw_when(row[0], part, which, components, runs, shade)
        _draw_places(figure, row[1], place_shares(part, which, len(components), runs))
        row[0].set_title(f"{labels[name]}: {runs} runs\nnode : component, share of the runs that "
                         "learnt it", loc="left")
    if legend is not None:
        for label, colour in legend[1]:
            axes[0, 0].plot([], [], "o", color=colors.to_hex(colour), markersize=4, label=label)
        axes[0, 0].legend(title=legend[0], loc="center left", bbox_to_anchor=(1, 0.5))
    return figure

# SPDX-License-Identifier: BSD-3-Clause
"""Descent against exact flow from the same weights."""
import numpy as np

from ..sweep import read
from . import style
from .labels import class_labels
from .ranked import ranked

ROWS, SHOWN = 4, 3
DASHES = ("-", "--", ":", "-.")


def method_keys(results):
    """The swept keys that change the method and nothing else."""
    return [key for key in results.axes if key == "flow" or key.startswith("flow_")]


def method_names(results):
    """What the method of each run is called.

    Returns
    -------
    list of str, one a run
    """
    keys = method_keys(results)
    columns = [results.runs[key].values for key in keys]
    named = []
    for values in zip(*columns):
        parts = []
        for key, value in zip(keys, values):
            told = read(str(value)) if key == "flow" else {key[5:]: value}
            parts += [style.short(v) if k == "method" else f"{k} {style.short(v)}"
                      for k, v in told.items()]
        named.append(", ".join(parts))
    return named


def pairs(results, seed=0):
    """Runs that differ in their method alone, of each class.

    Parameters
    ----------
    results : Results
    seed : int
        Of which seed, if seeds are swept.

    Returns
    -------
    dict of dict of int
        By class name, the run of each method by the method's name: those whose other keys are
        the first that have all methods, or most of them.
    """
    names = method_names(results)
    others = [key for key in results.axes if key not in method_keys(results)]
    found = {}
    for row, name in enumerate(names):
        run = results.runs.isel(run=row)
        trajectory = str(run.trajectory.values)
        if trajectory and ("seed" not in others or int(run.seed) == seed):
            key = trajectory, tuple(str(run[other].values) for other in others)
            found.setdefault(key, {})[name] = int(run.run)
    best = {}
    for (trajectory, _), runs in found.items():
        if len(runs) > len(best.get(trajectory, {})):
            best[trajectory] = runs
    return {name: runs for name, runs in best.items() if len(runs) > 1}


def _scale(axis, curves):
    """Arc length in decades, three at most: those in which the methods end, and the rise."""
    lengths = [run.arc_length.values for _, run, _ in curves]
    first = min(values[values > 0].min(initial=np.inf) for values in lengths)
    ends = [np.nanmax(values) for values in lengths]
    axis.set(xscale="log", xlabel="arc length of the weights")
    if 0 < first < max(ends):
        axis.set_xlim(max(first, 1e-3 * max(ends), min(0.05 * min(ends), 1e-2 * max(ends))),
                      1.3 * max(ends))


def _make_room(axis, above):
    """Room for a legend, beside what is drawn in decades."""
    low, high = axis.get_ylim()
    room = (high / low) ** 0.4
    axis.set_ylim((low, high * room) if above else (low / room, high))


def _draw_losses(axis, curves):
    for (name, run, _), colour in zip(curves, style.KINDS):
        axis.plot(run.arc_length, run.train_loss, color=colour, linewidth=1.2, label=name)
        axis.plot(run.arc_length[-1], run.train_loss[-1], "o", color=colour, markersize=4)
    axis.set(yscale="log", ylabel="training loss")
    _scale(axis, curves)
    _make_room(axis, above=False)
    axis.legend(loc="lower left")


def _draw_components(axis, curves):
    label = ""
    for (_, run, _), dash in zip(curves, DASHES):
        values, label = ranked(run)
        for k, colour in enumerate(style.colours(SHOWN)[:values.shape[1]]):
            axis.plot(run.arc_length, values[:, k], dash, color=colour, linewidth=1.2)
    for (name, _, _), dash in zip(curves, DASHES):
        axis.plot([], [], dash, color=style.BLACK, linewidth=1.2, label=name)
    axis.set(yscale="log", ylabel=label)
    _scale(axis, curves)
    _make_room(axis, above=True)
    axis.legend(loc="upper left")


def _draw_cost(axis, curves):
    costs = [int(end.gradients) + int(end.jacobian_products) for _, _, end in curves]
    axis.barh(range(len(curves)), costs, color=style.KINDS[:len(curves)], height=0.6)
    for k, ((_, _, end), cost) in enumerate(zip(curves, costs)):
        axis.text(cost, k, f" {cost:,}\n loss {float(end.final_train_loss):.2g}", va="center",
                  fontsize=7)
    axis.set_yticks(range(len(curves)), [name for name, _, _ in curves])
    axis.set(xlabel="gradients and Hessian-vector products", xlim=(0, 1.5 * max(costs)),
             ylim=(len(curves) - 0.5, -0.5))
    axis.locator_params(axis="x", nbins=4)


@style.styled
def descent(results, seed=0):
    """Descent against exact flow from the same weights.

    A row for each class of trajectories (at most 4), of runs that differ in ``flow`` alone: the
    training loss and the largest component norms (or singular values) against the arc length
    of the weights, which does not depend on the method where it follows the flow; and what each
    method spent.

    Parameters
    ----------
    results : Results
        Of a sweep with an axis over ``flow`` or one of its keys, as jobs/paper-htf.yaml.
    seed : int
        Which of the seeds is drawn, if there are some.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If no two runs differ in their method alone.
    """
    if not method_keys(results):
        raise ValueError("no axis over flow: there is no descent beside a flow")
    chosen = pairs(results, seed)
    labels = class_labels(results, but=method_keys(results))
    rows = style.evenly([name for name in labels if name in chosen], ROWS)
    if not rows:
        raise ValueError("no two runs differ in flow alone")
    figure, axes = style.new(len(rows), 3, (9.6, 2.7 * len(rows)))
    for row, name in zip(axes, rows):
        curves = []
        for method, number in chosen[name].items():
            run = results.trajectories[name].sel(run=number)
            curves.append((method, run.isel(sample=slice(0, int(run.samples))),
                           results.runs.sel(run=number)))
        curves = curves[:len(DASHES)]
        _draw_losses(row[0], curves)
        _draw_components(row[1], curves)
        _draw_cost(row[2], curves)
        row[0].set_title(labels[name], loc="left")
    return figure

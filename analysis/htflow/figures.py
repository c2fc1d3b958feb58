# SPDX-License-Identifier: BSD-3-Clause
"""Figures of results files. Colours are from Okabe and Ito's palette or viridis."""
import h5py
import matplotlib
import matplotlib.pyplot as plt
import numpy as np

from .clocks import time_since_activation
from .tensor import end_tensor

matplotlib.use("Agg")
plt.rcParams.update({"font.size": 8, "axes.titlesize": 8, "axes.spines.top": False,
                     "axes.spines.right": False, "svg.fonttype": "none",
                     "figure.constrained_layout.use": True})

SHOWN = 5


def _draw_components(axis, clock, norms):
    """Lines of the largest components, the first darkest."""
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.9, SHOWN))
    for k in range(min(SHOWN, norms.shape[1])):
        axis.plot(clock, norms[:, k], color=colours[k], linewidth=1.2, label=f"{k + 1}")


def _rise(clock, norms):
    """Time in which the first component rises from a tenth of its largest value to nine."""
    share = norms[:, 0] / norms[:, 0].max()
    low, high = np.argmax(share >= 0.1), np.argmax(share >= 0.9)
    return max(clock[high] - clock[low], 1e-12)


def _scale_around_zero(axis, clock, norms):
    """A time axis that is linear through the first burst and logarithmic on both sides."""
    linear = 10.0 ** np.ceil(np.log10(_rise(clock, norms)))
    axis.set_xscale("symlog", linthresh=linear)
    decades = np.ceil(np.log10(clock[-1] / linear)) if clock[-1] > linear else 1
    ticks = linear * 10.0 ** np.arange(0, decades + 1, max(1, decades // 3))
    axis.set_xticks(np.concatenate([[-ticks[0], 0], ticks]))
    axis.set_xlim(-30 * linear, 1.5 * max(clock[-1], linear))
    axis.minorticks_off()


def _panel_rows(results):
    """The trajectory classes in the order of their mode trees' labels."""
    rows = []
    for name, data in results.trajectories.items():
        label = str(data.model_tree.values[0]) if "model_tree" in data.coords else ""
        rows.append((label or data.attrs["tree"], name))
    return sorted(rows)


def _choose(data, scale, seed):
    chosen = data.where((data.init_std == scale) & (data.seed == seed), drop=True).isel(run=0)
    return chosen.isel(sample=slice(0, int(chosen.samples)))


def dynamics(results, seed=0):
    """Local components being learnt one after another.

    A column for each initialisation scale; for each mode tree a row against arc length and a
    row against the time since the first component was learnt.

    Parameters
    ----------
    results : Results
        Of a sweep over ``init.std``, ``seed`` and, if it likes, ``model.tree``.
    seed : int
        Which of the seeds is drawn.

    Returns
    -------
    matplotlib.figure.Figure
    """
    scales = np.unique(results.runs.init_std.values)
    rows = _panel_rows(results)
    figure, axes = plt.subplots(2 * len(rows), len(scales), squeeze=False,
                                figsize=(2.6 * len(scales) + 0.4, 3.6 * len(rows)),
                                sharey="row")
    for i, (label, name) in enumerate(rows):
        data = results.trajectories[name]
        for j, scale in enumerate(scales):
            run = _choose(data, scale, seed)
            norms = run.local_component_norm.isel(node=0).values
            node = str(run.node.values[0])
            above, below = axes[2 * i, j], axes[2 * i + 1, j]
            since = time_since_activation(run)
            _draw_components(above, run.arc_length.values, norms)
            _draw_components(below, since, norms)
            above.set(yscale="log", xlabel="arc length of the weights",
                      title=f"{label} tree, std {scale:g}")
            below.set(yscale="log", xlabel="flow time since the first component",
                      title=f"the first comes at flow time {-since[0]:.3g}")
            _scale_around_zero(below, since, norms)
            if j == 0:
                for axis in (above, below):
                    axis.set_ylabel(f"component norms\nat node {node}")
    axes[0, -1].legend(title="component", loc="lower right", fontsize=6, title_fontsize=6,
                       frameon=False, ncol=2)
    return figure


def photograph(results, problem):
    """A completed photograph beside its observed entries and the true one.

    Parameters
    ----------
    results : Results
        Of a sweep over ``init.std`` with ``record.weights: best``.
    problem : path-like
        The problem file, with attributes ``mean`` and ``deviation``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    with h5py.File(problem, "r") as file:
        mean, deviation = file.attrs["mean"], file.attrs["deviation"]
        parts = {name: (file[f"{name}/indices"][:], file[f"{name}/values"][:])
                 for name in ("train", "test")}
        shape = tuple(file["shape"][:])
    true, observed = np.zeros(shape), np.full(shape, np.nan)
    for indices, values in parts.values():
        true[tuple(indices.T)] = values
    observed[tuple(parts["train"][0].T)] = parts["train"][1]
    # an unobserved colour channel is drawn black
    images = [("observed: a quarter of the entries", np.nan_to_num(observed, nan=-mean / deviation))]
    held = parts["test"]
    for scale in np.unique(results.runs.init_std.values)[::-1]:
        run, error = _best_run(results, scale)
        image = end_tensor(results.tree(run), results.weights(run))
        check = np.mean((image[tuple(held[0].T)] - held[1]) ** 2)
        assert np.isclose(check, error, rtol=1e-6), "weights and held-out loss disagree"
        images.append((f"std {scale:g}: held-out error {error:.3f}", image))
    images.append(("true", true))
    figure, axes = plt.subplots(1, len(images), figsize=(2.4 * len(images), 2.2))
    for axis, (title, image) in zip(axes, images):
        axis.imshow(np.clip(image * deviation + mean, 0, 1), interpolation="nearest")
        axis.set_title(title)
        axis.set_axis_off()
    return figure


def _best_run(results, scale):
    """The run of this scale with the lowest held-out loss at any sample, and that loss."""
    best = (np.inf, -1)
    for data in results.trajectories.values():
        chosen = data.where(data.init_std == scale, drop=True)
        if chosen.run.size:
            lowest = chosen.test_loss.min("sample")
            k = int(lowest.argmin())
            best = min(best, (float(lowest[k]), int(chosen.run[k])))
    return best[1], best[0]

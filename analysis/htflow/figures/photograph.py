# SPDX-License-Identifier: BSD-3-Clause
"""A completed photograph."""
import h5py
import numpy as np

from ..tensor import end_tensor
from . import style


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


@style.styled
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
    figure, axes = style.new(1, len(images), (2.4 * len(images), 2.2))
    for axis, (title, image) in zip(axes[0], images):
        axis.imshow(np.clip(image * deviation + mean, 0, 1), interpolation="nearest")
        axis.set_title(title)
        axis.set_axis_off()
    return figure

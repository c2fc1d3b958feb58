# SPDX-License-Identifier: BSD-3-Clause
"""Clocks by which trajectories can be drawn."""
import numpy as np

ACTIVE = 0.5


def largest_component(trajectory):
    """Largest local component norm over all nodes, at each sample."""
    norms = trajectory.local_component_norm
    return norms.max(dim=[d for d in norms.dims if d not in ("run", "sample")])


def time_since_activation(trajectory, share=ACTIVE):
    """Flow time since the first component was learnt.

    Learning is a burst, late on a long clock, so differences are taken of both parts of the
    time.

    Parameters
    ----------
    trajectory : xarray.Dataset
        One run of a class: dimension ``sample``.
    share : float
        A component counts as learnt when the largest norm over all nodes passes this share of
        its final value.

    Returns
    -------
    ndarray, shape (sample,)
    """
    largest = largest_component(trajectory).values
    final = largest[np.isfinite(largest)][-1]
    first = int(np.argmax(largest >= share * final))
    high, low = trajectory.time.values, trajectory.time_low.values
    return (high - high[first]) + (low - low[first])

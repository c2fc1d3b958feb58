# SPDX-License-Identifier: BSD-3-Clause
"""What is learnt one after another in a class of trajectories."""
from .labels import node_label


def ranked(data):
    """Singular values of a matrix factorization, else component norms at the first node.

    Parameters
    ----------
    data : xarray.Dataset
        One run.

    Returns
    -------
    values : ndarray, shape (sample, value or component)
        Largest first.
    label : str
        What they are.
    """
    if "+" in " ".join(data.attrs["nodes"]):
        return data.singular_value.isel(partition=0).values, "singular values"
    label = "component norms" if data.sizes["node"] == 1 else \
        f"local component norms\nat node {node_label(data.node.values[0])}"
    return data.local_component_norm.isel(node=0).values, label

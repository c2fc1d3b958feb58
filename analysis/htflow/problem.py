# SPDX-License-Identifier: BSD-3-Clause
"""Problem files from NumPy arrays."""
import h5py
import numpy as np


def read_tensor(path, name=None):
    """Read a dense tensor from a ``.npy`` or ``.npz`` file.

    Parameters
    ----------
    path : path-like
    name : str, optional
        Which array of a ``.npz``; needed if it holds several.

    Returns
    -------
    ndarray of float64

    Raises
    ------
    ValueError
        For several arrays and no name, an array that is not numeric, has fewer than two modes
        or a value that is not finite.
    """
    with np.load(path) if str(path).endswith(".npz") else _Single(np.load(path)) as file:
        if name is None and len(file.files) != 1:
            raise ValueError(f"{path} holds {', '.join(file.files)}: name one")
        array = file[name or file.files[0]]
    if array.dtype.kind not in "fiu" or array.ndim < 2:
        raise ValueError(f"{path}: {array.dtype} with {array.ndim} modes is no tensor of reals")
    tensor = array.astype(np.float64)
    if not np.isfinite(tensor).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(tensor))[0])
        raise ValueError(f"{path}: entry {place} is {tensor[place]}")
    return tensor


class _Single:
    """A ``.npy`` array in the manner of a ``.npz`` file."""

    def __init__(self, array):
        self.array, self.files = array, ["array"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def __getitem__(self, _):
        return self.array


def write_problem(path, tensor):
    """Write a dense tensor as a problem file, which serves every task.

    Parameters
    ----------
    path : path-like
        Ends in ``.h5``.
    tensor : ndarray
    """
    with h5py.File(path, "w") as file:
        file.attrs["kind"], file.attrs["task"] = "problem", "full"
        file["shape"] = np.array(tensor.shape, np.int64)
        file["tensor"] = np.asarray(tensor, np.float64)

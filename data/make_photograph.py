#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Make data/photograph.h5, a colour photograph as a tensor completion problem.

    /usr/bin/python3 data/make_photograph.py PHOTOGRAPH.jpg

The photograph is reduced to 48 x 64 pixels by averaging equal blocks of its central part,
standardised to mean zero and variance one over all entries, and a quarter of the entries is
given as training samples; the others are held out. The file that ships was made from
``flower.jpg`` of scikit-learn (Debian: python3-sklearn); this needs python3-pil.
"""
import pathlib
import sys

import h5py
import numpy as np
from PIL import Image

ROWS, COLUMNS, SEED, OBSERVED = 48, 64, 20220717, 0.25
ORIGIN = ("'flower.jpg' of scikit-learn's sample images, retrieved by Robert Layton from "
          "https://www.flickr.com/photos/vultilion/6056698931/ (scikit-learn's README: 'Some "
          "rights reserved by danielbuechele'); reduced to 48 x 64 pixels by averaging")
LICENCE = "Creative Commons Attribution 2.0, https://creativecommons.org/licenses/by/2.0/"


def reduce(image):
    """Average equal blocks of the central part of an image.

    Parameters
    ----------
    image : ndarray, shape (height, width, 3)

    Returns
    -------
    ndarray, shape (ROWS, COLUMNS, 3)
    """
    block = np.array([image.shape[0] // ROWS, image.shape[1] // COLUMNS])
    size = block * (ROWS, COLUMNS)
    top, left = (np.array(image.shape[:2]) - size) // 2
    centre = image[top:top + size[0], left:left + size[1]]
    return centre.reshape(ROWS, block[0], COLUMNS, block[1], 3).mean(axis=(1, 3))


def write(path, tensor, mean, deviation):
    """Write the completion problem (shared layout: kind "problem").

    Parameters
    ----------
    path : path-like
    tensor : ndarray
        Standardised.
    mean, deviation : float
        What takes it back to pixel values from 0 to 1.
    """
    entries = np.argwhere(np.ones(tensor.shape, bool))
    order = np.random.default_rng(SEED).permutation(len(entries))
    observed = int(OBSERVED * len(entries))
    split = {"train": np.sort(order[:observed]), "test": np.sort(order[observed:])}
    with h5py.File(path, "w") as file:
        file.attrs.update(kind="problem", task="completion", origin=ORIGIN, licence=LICENCE,
                          mean=mean, deviation=deviation)
        file["shape"] = np.array(tensor.shape, np.int64)
        for name, rows in split.items():
            indices = entries[rows].astype(np.int64)
            options = dict(compression="gzip", shuffle=True, fletcher32=True)
            file.create_dataset(f"{name}/indices", data=indices, **options)
            file.create_dataset(f"{name}/values", data=tensor[tuple(indices.T)], **options)


def main():
    """Read the photograph named on the command line; write the file beside this script."""
    image = np.asarray(Image.open(sys.argv[1]).convert("RGB"), float) / 255
    small = reduce(image)
    mean, deviation = float(small.mean()), float(small.std())
    write(pathlib.Path(__file__).with_name("photograph.h5"), (small - mean) / deviation, mean,
          deviation)


if __name__ == "__main__":
    main()

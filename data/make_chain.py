#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes the targets of jobs/depth-scale.yaml: ``/usr/bin/python3 data/make_chain.py``.

An entry is the Boltzmann weight exp(beta sum s s') of a configuration of N spins +-1, the sum
over the bonds of an open chain. In ``near`` the chain runs through the modes in their order, so
that a set of adjacent modes is cut from the others at two bonds at most: the matricizations of
the adjacent mode trees have rank 4 at most. In ``far`` it runs through them in bit-reversed
order, and neighbours of the chain are far apart in these trees; for a flat tree, which knows no
order, the two are alike. Entries have mean square 1.
"""
import pathlib

import h5py
import numpy as np

BETA = 0.15


def bit_reversed(order):
    """0 .. order - 1 by their binary digits read backwards; order a power of two."""
    digits = order.bit_length() - 1
    return [int(f"{i:0{digits}b}"[::-1], 2) for i in range(order)]


def chain(sites):
    """Boltzmann weights of an open chain through the modes as listed, shape (2, .., 2)."""
    spin = 1 - 2 * np.indices((2,) * len(sites))
    bonds = sum(spin[a] * spin[b] for a, b in zip(sites, sites[1:]))
    weight = np.exp(BETA * bonds)
    return weight / np.sqrt(np.mean(weight**2))


def main():
    """Write the four problem files beside this script."""
    for order in (8, 16):
        for name, sites in (("near", list(range(order))), ("far", bit_reversed(order))):
            path = pathlib.Path(__file__).parent / f"chain-{name}-{order}.h5"
            with h5py.File(path, "w") as file:
                file.attrs["kind"], file.attrs["task"] = "problem", "full"
                file.attrs["origin"] = "htflow's data/make_chain.py, BSD-3-Clause"
                file["shape"] = np.full(order, 2, np.int64)
                file.create_dataset("tensor", data=chain(sites), shuffle=True,
                                    compression="gzip", compression_opts=9)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Spectra of all nodes, against forming the tensor and torch's svd of each matricization.

    tests/bench/spectra_against_torch.py [--rounds 5] [--plot FILE.png] [--json]

Both in one process on one thread in float64, in turn, from the same weights: htflow's
library through ctypes, and what a user would write in PyTorch, einsum over the tree and
torch.linalg.svdvals of each matricization, of which the largest differences are told. Of
each the least CPU time of all rounds counts. Then order 64, where no tensor can be formed,
and time against order with the exponent of its growth (--plot draws it). Needs a built htflow
(build/, or HTF_BUILD) and Debian's python3-torch: jobs/setup.sh --bench. It prints, it
judges nothing.
"""
import argparse
import ctypes
import json
import os
import pathlib
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HTF_BUILD", ROOT / "build"))
# The BLAS, which both share, with the kernels that htflow chooses.
told = json.loads(subprocess.run([BUILD / "bin" / "htflow", "version", "--json"], check=True,
                                 capture_output=True, text=True).stdout)
os.environ["OPENBLAS_CORETYPE"] = told["libraries"]["blas_core"]
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402
import torch  # noqa: E402

# order, mode, width: how much faster than torch it is to be
TARGETS = {(10, 4, 16): 100, (4, 16, 512): 1, (4, 8, 64): None, (8, 4, 32): None}
MOST_64 = 0.2  # seconds of (64, 4, 32)


class Library:
    """The doors that are called, by their headers."""

    def __init__(self, path):
        self.c = ctypes.CDLL(path)
        self.c.htf_error_message.restype = ctypes.c_char_p
        for name in ("htf_spectra_count", "htf_model_parameters", "htf_model_rows",
                     "htf_model_cols", "htf_model_offset"):
            getattr(self.c, name).restype = ctypes.c_int64
        self.c.htf_spectra_values.restype = ctypes.POINTER(ctypes.c_double)
        self.c.htf_model_tree.restype = ctypes.c_void_p
        self.c.htf_blas_start(1)

    def call(self, name, *arguments):
        if getattr(self.c, name)(*arguments) != 0:
            raise RuntimeError(self.c.htf_error_message().decode())


class Spectra:
    """A balanced binary model with random weights, and its spectra."""

    def __init__(self, library, order, mode, width):
        c, self.library = library.c, library
        tree, self.model, self.spectra = (ctypes.c_void_p() for _ in range(3))
        library.call("htf_tree_from_label", b"binary", order, width, ctypes.byref(tree))
        shape = (ctypes.c_int64 * order)(*[mode] * order)
        library.call("htf_model_create", 0, tree, shape, ctypes.byref(self.model))
        library.call("htf_spectra_create", self.model, ctypes.byref(self.spectra))
        self.tree = ctypes.c_void_p(c.htf_model_tree(self.model))
        self.root = c.htf_tree_root(self.tree)
        self.order, self.mode = order, mode
        rng = np.random.default_rng(1)
        self.theta = rng.standard_normal(c.htf_model_parameters(self.model)) * 0.3
        self.pointer = self.theta.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
        c.htf_tree_destroy(ctypes.byref(tree))

    def compute(self):
        self.library.call("htf_spectra_compute", self.spectra, self.pointer)

    def values(self, node):
        count = self.library.c.htf_spectra_count(self.spectra, node)
        return np.ctypeslib.as_array(
            self.library.c.htf_spectra_values(self.spectra, node), (count,)).copy()

    def weights(self, node):
        c = self.library.c
        rows, cols = c.htf_model_rows(self.model, node), c.htf_model_cols(self.model, node)
        at = c.htf_model_offset(self.model, node)
        return torch.from_numpy(self.theta[at:at + rows * cols].reshape(rows, cols))

    def modes(self, node):
        modes = ctypes.POINTER(ctypes.c_int)()
        count = self.library.c.htf_tree_modes(self.tree, node, ctypes.byref(modes))
        return [modes[i] for i in range(count)]

    def children(self, node):
        c = self.library.c
        return [c.htf_tree_child(self.tree, node, i)
                for i in range(c.htf_tree_children(self.tree, node))]

    def close(self):
        self.library.c.htf_spectra_destroy(ctypes.byref(self.spectra))
        self.library.c.htf_model_destroy(ctypes.byref(self.model))


def torch_tables(spectra, node):
    """[tuples of the node's modes, R_parent]; at the root without its weights' product."""
    children = spectra.children(node)
    if not children:
        return spectra.weights(node)
    left, right = (torch_tables(spectra, child) for child in children)
    if node == spectra.root:  # the tensor, rows by the left child's tuples
        return (left * spectra.weights(node)[:, 0]) @ right.T
    product = (left[:, None, :] * right[None, :, :]).reshape(-1, left.shape[1])
    return product @ spectra.weights(node)


def torch_spectra(spectra):
    """Singular values of every node's matricization; adjacent modes keep their order."""
    order, mode = spectra.order, spectra.mode
    tensor = torch_tables(spectra, spectra.root).reshape([mode] * order)
    found = []
    for node in range(spectra.root):
        rows = spectra.modes(node)
        others = [n for n in range(order) if n not in rows]
        matrix = tensor.permute(*rows, *others).reshape(mode ** len(rows), -1)
        found.append(torch.linalg.svdvals(matrix))
    return found


def seconds(work, least=0.2):
    """Least CPU time of a call, over calls that take `least` seconds together."""
    best, end = float("inf"), time.process_time() + least
    while True:
        start = time.process_time()
        work()
        now = time.process_time()
        best = min(best, now - start)
        if now > end:
            return best


def compare(library, problem, rounds):
    spectra = Spectra(library, *problem)
    ours = theirs = float("inf")
    for _ in range(rounds):
        ours = min(ours, seconds(spectra.compute))
        theirs = min(theirs, seconds(lambda: torch_spectra(spectra)))
    worst = 0
    for node, expected in enumerate(torch_spectra(spectra)):
        values = np.zeros(len(expected))
        own = spectra.values(node)
        values[:len(own)] = own
        worst = max(worst, np.max(np.abs(values - expected.numpy())) / float(expected[0]))
    spectra.close()
    return {"problem": problem, "torch_ms": 1e3 * theirs, "ours_ms": 1e3 * ours,
            "ratio": theirs / ours, "ratio_wanted": TARGETS[problem], "difference": worst}


def growth(library, rounds):
    """Seconds against order at mode 4, width 32, and the exponent of the growth."""
    times = {}
    for order in (4, 8, 16, 32, 64):
        spectra = Spectra(library, order, 4, 32)
        times[order] = min(seconds(spectra.compute, 0.1) for _ in range(rounds))
        spectra.close()
    orders = [n for n in times if n >= 16]
    slope = np.polyfit(np.log(orders), np.log([times[n] for n in orders]), 1)[0]
    return times, slope


def draw(times, path):
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    figure, axes = plt.subplots(figsize=(5, 3.4), layout="constrained")
    orders, ms = list(times), [1e3 * t for t in times.values()]
    axes.loglog(orders, ms, "o-", label="spectra of all nodes")
    axes.loglog(orders, [ms[-1] * n / orders[-1] for n in orders], "k:", label="linear")
    axes.set(xlabel="order", ylabel="milliseconds on one core",
             title="Mode 4, width 32, binary tree")
    axes.set_xticks(orders, [str(n) for n in orders])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--plot", type=pathlib.Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    library = Library(BUILD / "lib" / "libhtflow.so")
    found = [compare(library, problem, options.rounds) for problem in TARGETS]
    times, slope = growth(library, options.rounds)
    if options.plot is not None:
        draw(times, options.plot)
    if options.json:
        print(json.dumps({"against_torch": found, "seconds_by_order": times,
                          "exponent": slope, "order_64_wanted": MOST_64}, indent=2))
        return
    for one in found:
        wanted = one["ratio_wanted"]
        good = "" if wanted is None else f" of {wanted}{' ' if one['ratio'] >= wanted else '!'}"
        print(f"order {one['problem'][0]:2}, mode {one['problem'][1]:2}, width "
              f"{one['problem'][2]:3}: torch {one['torch_ms']:9.2f} ms, ours "
              f"{one['ours_ms']:8.3f} ms, ratio {one['ratio']:8.1f}{good:8}"
              f" largest difference {one['difference']:.1e} of the largest value")
    print(f"order 64, mode 4, width 32: {1e3 * times[64]:.1f} ms of {1e3 * MOST_64:.0f}")
    print("by order", ", ".join(f"{n}: {1e3 * t:.2f} ms" for n, t in times.items()),
          f"; exponent {slope:.2f} from order 16 on")


if __name__ == "__main__":
    main()

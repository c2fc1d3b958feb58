# SPDX-License-Identifier: BSD-3-Clause
"""Descent on sensing data against NumPy: tensors by einsum, gradients by differences."""
import pathlib
import sys

import h5py
import numpy as np

from program import htflow, write

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "analysis"))

from htflow import end_tensor  # noqa: E402

SIZES, TREE, LR, STEPS, SAMPLES = [3, 2, 4, 2, 3], "((0,3,4)3,(1,2)2)3;", 0.05, 3, 40
SHAPES = {"0": (3, 3), "3": (2, 3), "4": (3, 3), "0_3_4": (3, 3), "1": (2, 2), "2": (4, 2),
          "1_2": (2, 3), "0_3_4_1_2": (3, 1)}


def loss(weights, inputs, values):
    """Mean square of the errors of rank-one measurements of the end tensor."""
    tensor = end_tensor(TREE, weights)
    vectors = [inputs[:, n, :size] for n, size in enumerate(SIZES)]
    found = np.einsum("abcde,ka,kb,kc,kd,ke->k", tensor, *vectors, optimize=True)
    return np.mean((found - values) ** 2)


def descend(weights, inputs, values):
    """One step of descent, its gradient by central differences."""
    step = 1e-5
    gradients = {name: np.zeros_like(w) for name, w in weights.items()}
    for name, matrix in weights.items():
        for place in np.ndindex(matrix.shape):
            kept = matrix[place]
            matrix[place] = kept + step
            above = loss(weights, inputs, values)
            matrix[place] = kept - step
            gradients[name][place] = (above - loss(weights, inputs, values)) / (2 * step)
            matrix[place] = kept
    return {name: w - LR * gradients[name] for name, w in weights.items()}


def test_descent_on_sensing_data_with_a_ternary_non_contiguous_tree(tmp_path):
    rng = np.random.default_rng(1)
    weights = {name: 0.6 * rng.normal(size=shape) for name, shape in SHAPES.items()}
    inputs, values = np.zeros((SAMPLES, len(SIZES), max(SIZES))), rng.normal(size=SAMPLES)
    for n, size in enumerate(SIZES):
        inputs[:, n, :size] = rng.normal(size=(SAMPLES, size)) / np.sqrt(size)
    with h5py.File(tmp_path / "problem.h5", "w") as file:
        file.attrs["kind"], file.attrs["task"] = "problem", "sensing"
        file["shape"], file["train/inputs"], file["train/values"] = SIZES, inputs, values
        file["test/inputs"], file["test/values"] = inputs[:5], values[:5]
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file.attrs["kind"], file.attrs["tree"] = "weights", TREE
        for name, matrix in weights.items():
            file[f"weights/{name}"] = matrix
    expected = [loss(weights, inputs, values)]
    for _ in range(STEPS):
        weights = descend(weights, inputs, values)
        expected.append(loss(weights, inputs, values))
    sweep = write(tmp_path / "sweep.yaml", f"""\
problem: {{file: {tmp_path / "problem.h5"}}}
model: {{tree: "{TREE}"}}
init: {{kind: file, file: {tmp_path / "weights.h5"}}}
flow: {{method: gd, lr: {LR}}}
stop: {{loss: 0, steps: {STEPS}}}
record: {{every: 1, weights: final}}
""")
    result = htflow("run", sweep, "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    with h5py.File(tmp_path / "out" / "results.h5") as file:
        np.testing.assert_allclose(file["trajectories/c0/train_loss"][0], expected, rtol=1e-11)
        for name, matrix in weights.items():  # differences are good to 1e-10 or so
            np.testing.assert_allclose(file[f"weights/c0/w_{name}"][0], matrix, atol=1e-10)

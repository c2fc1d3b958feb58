# SPDX-License-Identifier: BSD-3-Clause
"""Agreement with the paper's own code, to rounding.

tests/fixtures/ holds experiments of the authors' PyTorch code in float64: the problem, the
initial weights, and what came out. Fed to htflow through its files they must give the same
training loss at every step, the same components and spectra, and the same final weights.
"""
import pathlib

import h5py
import numpy as np
import pytest

from program import htflow, write

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures"
NAMES = sorted(f.name for f in FIXTURES.iterdir())
METHODS = {"sgd": "gd", "gd": "gd", "momentum": "momentum", "grouprmsprop": "grouprmsprop",
           "adam": "adam"}


@pytest.fixture(scope="module", params=NAMES)
def pair(request, tmp_path_factory):
    """A fixture's expected values, and htflow's results for it."""
    folder, out = FIXTURES / request.param, tmp_path_factory.mktemp(request.param)
    with h5py.File(folder / "expected.h5") as expected:
        told = dict(expected.attrs)
        sweep = write(out / "sweep.yaml", f"""\
problem: {{file: {folder / "problem.h5"}}}
model: {{tree: "{told["tree"]}"}}
init: {{kind: file, file: {folder / "weights.h5"}}}
flow: {{method: {METHODS[told["optimizer"]]}, lr: {float(told["lr"])!r}}}
stop: {{loss: 0, steps: {told["steps"]}}}
record: {{every: 1, components: 6, singular_values: 6, weights: final}}
""")
        result = htflow("run", sweep, "--out", out / "out")
        assert result.returncode == 0, result.stderr
        with h5py.File(out / "out" / "results.h5") as found:
            yield expected, found


def close(found, expected):
    """Agreement to 1e-9, relative."""
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-300)


def test_the_training_loss_agrees_at_every_step(pair):
    expected, found = pair
    close(found["trajectories/c0/train_loss"][0], expected["train_loss"][:])


def test_the_final_weights_agree(pair):
    expected, found = pair
    for node, weights in expected["final_weights"].items():
        scale = np.abs(weights[:]).max()
        np.testing.assert_allclose(found[f"weights/c0/w_{node}"][0] / scale,
                                   weights[:] / scale, rtol=0, atol=1e-9)


def test_singular_values_and_effective_ranks_agree(pair):
    expected, found = pair
    steps = expected["record/step"][:]
    values, ranks = (found[f"trajectories/c0/{name}"][0][steps]
                     for name in ("singular_value", "effective_rank"))
    for place, node in enumerate(found["trajectories/c0/partition"][:]):
        name = f"record/mat_{node.decode()}"
        close(ranks[:, place], expected[f"{name}_eff_rank"][:])
        largest = values[:, place, 0]
        for k in range(values.shape[2]):
            if f"{name}_sing_val_{k}" in expected:
                np.testing.assert_allclose(values[:, place, k] / largest,
                                           expected[f"{name}_sing_val_{k}"][:] / largest,
                                           rtol=0, atol=1e-9)


def test_component_norms_agree(pair):
    """l_<layer>_f_<factors>: the components of the node that pools those factors."""
    expected, found = pair
    steps = expected["record/step"][:]
    norms = found["trajectories/c0/local_component_norm"][0][steps]
    seen = 0
    for place, node in enumerate(found["trajectories/c0/node"][:]):
        name = PAPER_NAMES[node.decode()]
        for k in range(norms.shape[2]):
            close(norms[:, place, k], expected[f"record/{name}_top_{k}_local_comp_norm"][:])
            seen += 1
    assert seen == norms.shape[1] * norms.shape[2]


# The paper's code numbers layers from the leaves, and within a layer the nodes.
PAPER_NAMES = {"0_1": "l_0_f_0_1", "2_3": "l_0_f_2_3", "0_1_2_3": "l_1_f_0_1"}

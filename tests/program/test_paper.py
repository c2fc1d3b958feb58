# SPDX-License-Identifier: BSD-3-Clause
"""The paper's dynamics figure, in its small form."""
import os
import pathlib
import subprocess

import h5py
import numpy as np

from program import BUILD

ROOT = pathlib.Path(__file__).parents[2]


def test_the_figure_is_made_and_shows_what_the_paper_shows(tmp_path):
    """Components are learnt one after another, and exact flow is the cheaper one."""
    (tmp_path / "bin").symlink_to(BUILD / "bin")
    subprocess.run([ROOT / "jobs" / "paper.sh", "small"], check=True, capture_output=True,
                   stdin=subprocess.DEVNULL, env={**os.environ, "HTF_BUILD": str(tmp_path)})
    out = tmp_path / "paper-small"
    assert (out / "paper.png").stat().st_size > 20_000
    for part in ("mf", "cp", "htf"):
        with h5py.File(out / part / "results.h5") as file:
            runs = file["runs"]
            assert (runs["status"][:] == 1).all()
            descent, flow = runs["gradients"][:] + runs["jacobian_products"][:]
            assert flow < descent
            assert runs["final_train_loss"][1] <= 5e-5
    with h5py.File(out / "mf" / "results.h5") as file:
        values = file["trajectories/c0/singular_value"][1, :, 0, :3]
        half = [int((values[:, k] >= 0.5 * np.nanmax(values[:, k])).argmax()) for k in range(3)]
        assert half[0] < half[1] < half[2]

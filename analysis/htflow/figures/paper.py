# SPDX-License-Identifier: BSD-3-Clause
"""The paper's dynamics figure: three factorizations, by its descent and by exact flow."""
from . import style
from .ranked import ranked

SHOWN = 8
PARTS = {"mf": "matrix factorization, depth 3", "cp": "tensor factorization",
         "htf": "hierarchical tensor factorization"}


def _draw(axis, clock, values):
    for k, colour in enumerate(style.colours(SHOWN)[:values.shape[1]]):
        axis.plot(clock, values[:, k], color=colour, linewidth=1.2)


@style.styled
def paper(parts):
    """Draw the figure.

    Parameters
    ----------
    parts : dict of Results
        By title; each a sweep over ``flow`` with one descent and one exact flow.

    Returns
    -------
    matplotlib.figure.Figure
        A column for each part; above the descent against its iterations, below the exact
        flow against arc length of the weights.
    """
    figure, axes = style.new(2, len(parts), (3.3 * len(parts), 5.2))
    for column, (title, results) in enumerate(parts.items()):
        data = next(iter(results.trajectories.values()))
        for run in range(data.sizes["run"]):
            one = data.isel(run=run)
            one = one.isel(sample=slice(0, int(one.samples)))
            exact = "bdf" in str(one.flow.values)
            axis = axes[int(exact), column]
            values, label = ranked(one)
            _draw(axis, (one.arc_length if exact else one.step).values, values)
            axis.set(xlabel="arc length of the weights" if exact else "iterations",
                     ylabel=label)
            cost = results.runs.sel(run=int(one.run))
            spent = int(cost.gradients) + int(cost.jacobian_products)
            axis.set_title(f"{title}\n{'exact flow' if exact else 'descent'}: {spent:,} "
                           f"gradients{' and products' if exact else ''}\n"
                           f"held-out loss {float(cost.final_test_loss):.1e}")
    return figure

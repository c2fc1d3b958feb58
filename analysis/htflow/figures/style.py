# SPDX-License-Identifier: BSD-3-Clause
"""How figures look: their settings, colours and labels.

Colours of kinds are of Okabe and Ito's palette, those of numbers of viridis; both are told
apart with any colour vision, and viridis in grey too.
"""
import functools

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from ..derived import DERIVED

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILLION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
KINDS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION, YELLOW, BLACK)
NUMBERS = "viridis"
LONGEST = 28    # letters of a label
DENSE = 400     # from so many points on they are drawn as pixels in vector files
DPI = 150

SETTINGS = {"font.size": 8, "axes.titlesize": 8, "axes.spines.top": False,
            "axes.spines.right": False, "svg.fonttype": "none", "pdf.fonttype": 42,
            "legend.frameon": False, "legend.fontsize": 7, "legend.title_fontsize": 7}


def styled(draw):
    """Decorator of figure functions: the settings hold while they draw, and no longer."""
    @functools.wraps(draw)
    def with_settings(*arguments, **named):
        with matplotlib.rc_context(SETTINGS):
            return draw(*arguments, **named)
    return with_settings


def new(rows, columns, size, **options):
    """A figure and its axes [rows, columns].

    It belongs to no window and to nobody but the caller, so that a thousand can be drawn.
    """
    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def label_row(row, label):
    """Label the y axis that a row shares, at the first of its axes that is shown."""
    first = next((axis for axis in row if axis.get_visible()), row[0])
    first.set_ylabel(label)
    first.tick_params(labelleft=True)


def save(figure, *paths):
    """Write a figure in each form asked for.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    paths : path-like
        End in .png, .pdf or .svg. None holds a date: what is drawn again has the same bytes.
    """
    undated = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
    engine = figure.get_layout_engine()
    with matplotlib.rc_context({**SETTINGS, "svg.hashsalt": "htflow"}):
        for path in paths:
            figure.savefig(path, dpi=DPI, metadata=undated.get(str(path).rsplit(".", 1)[-1]))
            figure.set_layout_engine("none")  # where things lie, the first form has found
    figure.set_layout_engine(engine)


def colours(count):
    """So many steps of viridis, without its yellow end, which is faint on white."""
    return matplotlib.colormaps[NUMBERS](np.linspace(0, 0.9, max(count, 1)))


def key_name(key):
    """A swept key as the sweep file has it: ``init_std`` is ``init.std``."""
    if key in DERIVED:
        return DERIVED[key][1]
    if key == "tree_depth":
        return "tree depth"
    return key.replace("_", ".", 1)


def short(value):
    """A value as a label."""
    if isinstance(value, (float, np.floating)):
        return f"{value:.3g}"
    text = str(value)
    return text if len(text) <= LONGEST else text[:LONGEST - 1] + "…"


def evenly(values, most):
    """At most so many of the values, the first and the last among them."""
    if len(values) <= most:
        return list(values)
    return [values[i] for i in np.unique(np.linspace(0, len(values) - 1, most).round().astype(int))]

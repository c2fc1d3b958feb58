# SPDX-License-Identifier: BSD-3-Clause
"""The figures of the analysis package, drawn for the page."""
import base64
import inspect
import io

import matplotlib

from ..figures import FIGURES

LARGEST = 400e3  # bytes of an SVG; a larger figure is embedded as PNG
DPI = 160
PIXELS = 116     # of an inch on the screen: texts of 8 points, seen as 13 pixels


def draw(results):
    """Draw what can be drawn of these results.

    Parameters
    ----------
    results : Results

    Returns
    -------
    list of dict
        name and caption, with image (a data URI), width and height in CSS pixels, or with
        why (it was not drawn).
    """
    drawn = []
    for entry in FIGURES:
        if not entry.of_any_results:
            continue
        picture = {"name": entry.name, "caption": caption(entry)}
        try:
            figure = entry.draw(results)
        except ValueError as reason:
            drawn.append({**picture, "why": str(reason)})
            continue
        width, height = figure.get_size_inches() * PIXELS
        drawn.append({**picture, "image": embed(figure), "width": round(width),
                      "height": round(height)})
    return drawn


def caption(entry):
    """What a figure shows: what its function says of itself before its parameters."""
    said = inspect.getdoc(entry.draw).partition("\nParameters\n")[0]
    return " ".join(said.replace("^2", "\u00b2").split())


def embed(figure):
    """A figure as a data URI: SVG, or PNG where that is lighter to open."""
    # glyphs as paths, since a reader need not have the font; a fixed salt for equal bytes
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "htflow"}):
        svg = io.BytesIO()
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    if svg.tell() <= LARGEST:
        return f"data:image/svg+xml;base64,{base64.b64encode(svg.getvalue()).decode()}"
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=DPI, metadata={"Software": None})
    return f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"

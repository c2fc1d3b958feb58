# SPDX-License-Identifier: BSD-3-Clause
"""One static HTML page from a results file: ``htflow report results.h5 -o report.html``.

``collect`` gathers a plain dict from the file, ``page`` makes the page of it. The page holds
all it needs, asks the network for nothing, and is the same bytes for the same file.
"""
from .collect import NotResults, collect
from .page import make_page

__all__ = ["NotResults", "collect", "make_page"]

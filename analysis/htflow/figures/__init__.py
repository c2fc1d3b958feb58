# SPDX-License-Identifier: BSD-3-Clause
"""Figures of results files, each a function that returns a matplotlib Figure.

``FIGURES`` lists them for the command line and the report.
"""
from dataclasses import dataclass
from typing import Callable, Tuple

from .descent import descent
from .dynamics import dynamics
from .order import order
from .paper import PARTS, paper
from .phase import phase
from .photograph import photograph
from .residuals import residuals
from .seeds import seeds
from .style import save

__all__ = ["FIGURES", "Entry", "descent", "dynamics", "order", "paper", "phase", "photograph",
           "residuals", "save", "seeds"]


@dataclass(frozen=True)
class Entry:
    """A figure as the command line and the report know it.

    Attributes
    ----------
    name : str
    draw : callable
        ``draw(results, **options) -> Figure``; ``draw(parts, **options)`` with a dict of
        Results if there are several. Raises ValueError, with a text for the user, where the
        results do not hold what it shows.
    help : str
    options : tuple of (str, dict)
        Flags and what argparse wants to know of them; the names are those of the function's
        arguments. Without one that is ``required`` there is nothing to draw.
    results : tuple of (str, str)
        The results files wanted: the argument's name and the title of each.
    """
    name: str
    draw: Callable
    help: str
    options: Tuple = ()
    results: Tuple = (("results", "results"),)

    @property
    def of_any_results(self):
        """Whether one results file and no options are enough to draw it."""
        return len(self.results) == 1 and not any(o.get("required") for _, o in self.options)


SEED = ("--seed", {"type": int, "default": 0, "help": "which seed is drawn (%(default)s)"})

FIGURES = (
    Entry("dynamics", dynamics, "components learnt one after another", (SEED,)),
    Entry("seeds", seeds, "components of all seeds, aligned at the first one learnt"),
    Entry("phase", phase, "final ranks and reconstruction error over two axes", (
        ("--values", {"nargs": "+", "metavar": "NAME", "help": "what is shown, a panel each"}),
        ("--x", {"metavar": "KEY", "help": "such as init_std"}),
        ("--y", {"metavar": "KEY", "help": "such as model_tree or tree_depth"}),
        ("--reduce", {"default": "median", "metavar": "HOW",
                      "help": "median, mean or a quantile such as 0.9 (%(default)s)"}))),
    Entry("order", order, "which component was learnt when, and in which order"),
    Entry("residuals", residuals, "drift of the conserved quantities and residual of the law"),
    Entry("descent", descent, "descent against exact flow from the same weights", (SEED,)),
    Entry("photograph", photograph, "a completed photograph",
          (("--problem", {"required": True, "help": "the problem file"}),)),
    Entry("paper", paper, "the paper's dynamics figure", results=tuple(PARTS.items())),
)

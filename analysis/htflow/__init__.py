# SPDX-License-Identifier: BSD-3-Clause
"""Offline analysis of htflow's results files.

>>> from htflow import open_results
>>> results = open_results("build/quickstart/results.h5")
>>> results.runs.final_train_loss.groupby("init_std").median()
>>> results.sel(model_tree="binary", init_std=0.1).runs
>>> results.grid("flow_time").median("seed").sel(init_std=0.1)

Figures are in ``htflow.figures``, and on the command line: ``python3 -m htflow --help``.
"""
from .align import aligned
from .clocks import when_below, when_learnt, when_placed
from .fits import exponents, scaling
from .learning import learnt, when
from .phases import phase_diagram
from .physics import residuals
from .problem import read_tensor, write_problem
from .results import Results, open_results
from .tensor import end_tensor

__all__ = ["Results", "aligned", "end_tensor", "exponents", "learnt", "open_results",
           "phase_diagram", "read_tensor", "residuals", "scaling", "when", "when_below",
           "when_learnt", "when_placed", "write_problem"]

# SPDX-License-Identifier: BSD-3-Clause
"""Offline analysis of htflow's results files.

>>> from htflow import open_results
>>> results = open_results("build/quickstart/results.h5")
>>> results.runs.final_train_loss.groupby("init_std").median()
"""
from .learning import learnt
from .phases import phase_diagram
from .physics import residuals
from .problem import read_tensor, write_problem
from .results import Results, open_results
from .tensor import end_tensor

__all__ = ["Results", "end_tensor", "learnt", "open_results", "phase_diagram", "read_tensor",
           "residuals", "write_problem"]

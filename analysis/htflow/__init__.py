# SPDX-License-Identifier: BSD-3-Clause
"""Offline analysis of htflow's results files.

>>> from htflow import open_results
>>> results = open_results("build/quickstart/results.h5")
>>> results.runs.final_train_loss.groupby("init_std").median()
"""
from .problem import read_tensor, write_problem
from .results import Results, open_results
from .tensor import end_tensor

__all__ = ["Results", "end_tensor", "open_results", "read_tensor", "write_problem"]

# SPDX-License-Identifier: BSD-3-Clause
"""Faults are caused to the program as test_run.py of tests/program drives it."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "program"))

# SPDX-License-Identifier: BSD-3-Clause
"""The physics of a results file, as ``htflow check`` finds it.

The program holds the one definition of these numbers (check.h); they are asked of it.
"""
import collections
import json
import subprocess

import numpy as np

COLUMNS = {"law_residual": ("law residual", "largest residual of the exact law, over the samples"),
           "exponent_off": ("exponent off", "largest distance of a fitted exponent from 2 - 2/K")}
ORDERS = 3


def check(path, program):
    """What ``htflow check --json`` says of a file; None where it can say nothing."""
    done = subprocess.run([program, "check", "--json", "--", path], capture_output=True,
                          stdin=subprocess.DEVNULL, check=False)
    if done.returncode not in (0, 7):
        raise OSError(f"{program} check failed: {done.stderr.decode(errors='replace').strip()}")
    return json.loads(done.stdout) if done.stdout.strip() else None


def columns(verdict, count, column):
    """The columns of the table of runs that the laws fill; NaN where they say nothing."""
    made = []
    for key, (label, meaning) in COLUMNS.items():
        values = np.full(count, np.nan)
        for law in verdict["runs"]:
            if 0 <= law["run"] < count and law[key] is not None:
                values[law["run"]] = law[key]
        if np.isfinite(values).any():
            made.append({**column(key, label, values), "help": meaning})
    return made


def summarise(verdict, rtol):
    """The laws over all runs.

    Parameters
    ----------
    verdict : dict
        Of `check`.
    rtol : ndarray, shape (run,)
        Of the runs that follow the flow to a tolerance; NaN of others.

    Returns
    -------
    dict
        findings; worst: the largest drift (also of exact flow alone, and in units of rtol),
        residual and distance from the exponent, each with its run; nodes: the fits at each
        node; orders: the commonest orders of learning.
    """
    laws = [law for law in verdict["runs"] if 0 <= law["run"] < len(rtol)]
    return {"findings": verdict["findings"], "summary": verdict["summary"],
            "worst": _worst(laws, rtol), "nodes": _nodes(laws), "orders": _orders(laws)}


def _worst(laws, rtol):
    worst = {}

    def offer(key, value, run):
        if value is not None and np.isfinite(value) and value > worst.get(key, (-1, 0))[0]:
            worst[key] = (float(value), run)

    for law in laws:
        run, drift = law["run"], law["unbalancedness_drift"]
        for key in ("unbalancedness_drift", "law_residual", "exponent_off"):
            offer(key, law[key], run)
        if drift is not None and np.isfinite(rtol[run]):
            offer("drift_of_exact", drift, run)
            offer("drift_over_rtol", drift / rtol[run], run)
    return worst


def _nodes(laws):
    """By node and expected exponent: fitted exponents and factors over all runs."""
    groups = collections.defaultdict(list)
    for law in laws:
        for fit in law["exponents"]:
            groups[fit["node"], round(fit["expected"], 12)].append(fit)
    nodes = []
    for (node, expected), fits in sorted(groups.items()):
        exponents = [fit["exponent"] for fit in fits if fit["exponent"] is not None]
        factors = [fit["factor"] for fit in fits if fit["factor"] is not None]
        nodes.append({"node": node, "expected": expected, "runs": len(fits),
                      "fits": len(exponents),
                      "exponent": _spread(exponents), "factor": _spread(factors),
                      "points": sum(fit["points"] for fit in fits)})
    return nodes


def _spread(values):
    """(least, median, largest), or None of nothing."""
    return (min(values), float(np.median(values)), max(values)) if values else None


def _orders(laws):
    """The commonest orders in which components were learnt, with their runs."""
    groups = collections.defaultdict(list)
    for law in laws:
        order = tuple(f"{at['node']}#{at['component'] + 1}" for at in law["learnt"]
                      if at["sample"] > 0)
        if order:
            groups[order].append(law["run"])
    listed = sorted(groups.items(), key=lambda item: (-len(item[1]), item[1]))
    return {"distinct": len(listed), "runs": sum(map(len, groups.values())),
            "listed": [{"order": list(order), "runs": runs} for order, runs in listed[:ORDERS]]}

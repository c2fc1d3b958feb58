# SPDX-License-Identifier: BSD-3-Clause
"""What the report tells of a results file, as a plain dict."""
import collections
import os

import h5py
import numpy as np

from ..physics import FLOWS
from ..results import open_results
from . import cost, physics, trajectories

STATES = {"status": "status", "stop_reason": "stopped by"}
# Numbers of /runs that the table of runs shows, in this order, with short headings.
NUMBERS = {
    "final_train_loss": "training loss",
    "final_test_loss": "held-out loss",
    "flow_time": "flow time",
    "steps": "steps",
    "events": "events",
    "gradients": "gradients",
    "jacobian_products": "Hessian products",
    "unbalancedness_drift": "drift",
}
# Observables whose last sample the table shows, over what is not run and sample.
LAST = {
    "reconstruction_error": ("reconstruction error", "mean"),
    "hierarchical_rank": ("largest rank", "max"),
    "effective_rank": ("mean effective rank", "mean"),
}
MESSAGES = 5


class NotResults(ValueError):
    """The file is not a results file, or is one that cannot be read."""


def collect(path, program, limit=20e6):
    """Gather what the report tells of a results file.

    Parameters
    ----------
    path : path-like
    program : path-like
        The htflow that checks the file.
    limit : float
        Bytes that trajectories may take in the page.

    Returns
    -------
    dict
        Of dicts, lists, texts, numbers and one-dimensional arrays; `columns` has an entry
        for each column of the table of runs.

    Raises
    ------
    NotResults
    OSError
        If the file or the program cannot be read or run.
    """
    with open(path, "rb"):  # says why it cannot, as HDF5 does not
        pass
    verdict = physics.check(path, program)
    if verdict is None or verdict["findings"] and not h5py.is_hdf5(path):
        raise NotResults(f"{path} is not a results file")
    try:
        with h5py.File(path, "r") as file:
            if "kind" in file.attrs:
                raise NotResults(f"{path} is a {file.attrs['kind']} file, not one of results")
            if "runs" not in file or "sweep_resolved" not in file.attrs:
                raise NotResults(f"{path} is not a results file")
            with open_results(path) as results:
                return _gather(file, results, verdict, limit)
    except (KeyError, IndexError, OSError, RuntimeError, TypeError) as error:
        broken = next((f for f in verdict["findings"] if f["severity"] == "error"), None)
        if broken is None:
            raise
        raise NotResults(f"{path} cannot be read as results: {broken['what']}: "
                         f"{broken['finding']}") from error


def _gather(file, results, verdict, limit):
    attributes = {key: text(value) for key, value in results.attributes.items()}
    columns = _columns(file, results, verdict)
    report = {
        "name": attributes.get("title") or os.path.basename(results.path),
        "file": os.path.basename(results.path),
        "bytes": os.path.getsize(results.path),
        "attributes": attributes,
        "base": dict(_flat(results.sweep)),
        "axes": _axes(columns),
        "columns": columns,
        "counts": dict(collections.Counter(column(columns, "status")["values"])),
        "failures": _failures(file["runs"], columns),
        "classes": _classes(file),
        "physics": physics.summarise(verdict, _tolerance(results)),
        "cost": cost.of(file.get("timings"), columns),
    }
    report["trajectories"] = trajectories.pack(file, report, verdict, limit)
    return report


# ---- reading --------------------------------------------------------------------------

def text(value):
    """A text attribute, or a list of them, as Python has it."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, np.ndarray):
        return [text(item) for item in value.tolist()]
    return str(value)


def values_of(dataset):
    """A one-dimensional dataset: flags as their meanings, texts as str."""
    if dataset.dtype.kind == "O":
        return np.array([text(value) for value in dataset[:]], dtype=object)
    values = dataset[:]
    if "flag_meanings" in dataset.attrs:
        meanings = text(dataset.attrs["flag_meanings"]).split()
        names = dict(zip(dataset.attrs["flag_values"].tolist(), meanings))
        return np.array([names.get(value, f"{value}?") for value in values.tolist()],
                        dtype=object)
    return values


def _flat(settings, above=""):
    """The settings of the base experiment by their keys with dots, without the axes."""
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{key}.")
        elif above or key not in ("axes", "blocks", "where"):
            yield above + key, value


def column(columns, key):
    """The column of this key, or None."""
    return next((c for c in columns if c["key"] == key), None)


# ---- the table of runs ----------------------------------------------------------------

def _column(key, label, values, dataset=None, **more):
    attributes = dataset.attrs if dataset is not None else {}
    return {"key": key, "label": label, "values": values,
            "kind": "text" if values.dtype.kind == "O" else "number",
            "help": text(attributes.get("long_name", label)), **more}


def _columns(file, results, verdict):
    runs, count = file["runs"], results.runs.sizes["run"]
    dotted = {key.replace(".", "_"): key for key, _ in _flat(results.sweep)}
    columns = [_column(key, dotted.get(key, key), values_of(runs[key]), runs[key], swept=True)
               for key in results.axes]
    columns += [_column(key, label, values_of(runs[key]), runs[key])
                for key, label in STATES.items()]
    columns += [_column(key, label, runs[key][:], runs[key])
                for key, label in NUMBERS.items() if key in runs]
    at = len(results.axes) + 4  # after the losses
    columns[at:at] = _last(results)
    columns += physics.columns(verdict, count, _column)
    if "timings" in file:
        columns.append(_column("wall", "wall s", file["timings/wall"][:], file["timings/wall"]))
    messages = values_of(runs["message"])
    if any(messages):
        columns.append(_column("message", "message", messages, runs["message"]))
    return columns


def _last(results):
    """Columns of what was measured at the last sample, of what was recorded."""
    for key, (label, over) in LAST.items():
        try:
            final = results.final(key, over)
        except KeyError:
            continue
        yield _column(key, label, final.values, final)


def _classes(file):
    """The mode trees, and how many runs each has."""
    found = []
    for name, group in file.get("trajectories", {}).items():
        found.append({"name": name, "tree": text(group.attrs["tree"]),
                      "runs": int(group["run"].shape[0])})
    return found


def _axes(columns):
    """The swept keys and their values in order of appearance."""
    axes = []
    for c in columns:
        if c.get("swept"):
            seen = list(dict.fromkeys(c["values"].tolist()))
            axes.append({"key": c["key"], "label": c["label"], "help": c["help"],
                         "values": sorted(seen) if c["kind"] == "number" else seen})
    return axes


def _tolerance(results):
    """rtol of the runs that follow the flow to one, [run]; NaN of others."""
    methods, rtols = results.parameter("flow.method"), results.parameter("flow.rtol")
    return np.array([rtol if method in FLOWS and rtol is not None else np.nan
                     for method, rtol in zip(methods, rtols)], float)


def _failures(runs, columns):
    """Failed runs by reason, the most frequent first, with their commonest messages."""
    status, reason = (column(columns, key)["values"] for key in ("status", "stop_reason"))
    messages = values_of(runs["message"])
    failed = np.flatnonzero(status == "failed")
    groups = collections.defaultdict(lambda: collections.defaultdict(list))
    for run in failed.tolist():
        groups[reason[run]][messages[run]].append(run)
    failures = []
    for name, by_message in groups.items():
        listed = sorted(by_message.items(), key=lambda item: (-len(item[1]), item[1]))
        failures.append({
            "reason": name, "count": sum(map(len, by_message.values())),
            "distinct": len(listed),
            "messages": [{"text": message, "runs": of_message}
                         for message, of_message in listed[:MESSAGES]]})
    return sorted(failures, key=lambda failure: -failure["count"])

# SPDX-License-Identifier: BSD-3-Clause
"""Trajectories packed for the page: quantised, compressed, a block a run.

A block is zlib's of: the length of its head in bytes (uint32), the head (JSON), the codes of
all series and the clocks. A code is 0 for a number that is missing, and else a level of the
quantity's scale in this run: of its logarithm where the quantity is nowhere negative (then 1
is for zero), of itself where it is. Codes are stored as differences along the samples and
all codes and clocks byte by byte, least first, since alike bytes side by side compress well.
"""
import base64
import json
import zlib

import numpy as np

from ..clocks import since_activation
from ..phases import SEEDS

LOSSES = ("train_loss", "test_loss", "reconstruction_error")
FIRST = ("local_component_norm", "singular_value", "effective_rank", "hierarchical_rank",
         "unbalancedness_drift", "gradient_norm", "law_residual", "unbalancedness")
# What belongs to a clock, or is there for the checks.
LEFT_OUT = {"time", "time_low", "arc_length", "step", "reconstruction_entries",
            "local_component_rate", "local_component_drive"}
CLOCKS = {"arc_length": "arc length of the weights", "since": "flow time since activation",
          "time": "flow time", "step": "accepted steps"}
CLOCK_TYPES = {"arc_length": "<f4", "since": "<f8", "time": "<f8", "step": "<f4"}
LEVELS = 65533
MISSING, ZERO, BASE = 0, 1, 2
SAMPLES, FEWER = 200, 100  # the most of a run, and where not all runs fit
AHEAD = 64                 # rows read at a time
TRIED = 8                  # runs that tell how large a block is
EVENTS = 60
FAILED = 100


def pack(file, report, verdict, limit):
    """Pack the trajectories of as many runs as fit.

    Parameters
    ----------
    file : h5py.File
    report : dict
        What has been collected so far.
    verdict : dict
        Of `physics.check`.
    limit : float
        Bytes that all blocks may take, in base64.

    Returns
    -------
    dict
        quantities by class, clocks, runs and blocks (base64) of what is kept, in step, and
        what was left out: with_samples (those runs), recorded (how many), samples (the most
        of a run).
    """
    classes = [_Class(file, c["name"], verdict) for c in report["classes"]]
    place = {run: (c, row) for c in classes for row, run in enumerate(c.runs.tolist())
             if c.samples[row] > 0}
    order = [run for run in _order(report) if run in place]
    samples, kept = SAMPLES, order
    if order:
        tried = order[::max(1, len(order) // TRIED)]

        def mean():
            return np.mean([len(c.block(row, samples)) for c, row in map(place.get, tried)])

        if mean() * len(order) > limit:
            samples = FEWER
            kept = order[:int(limit / mean())]
    blocks = {run: place[run][0].block(place[run][1], samples)
              for run in sorted(kept, key=lambda run: (place[run][0].name, place[run][1]))}
    while kept and sum(len(blocks[run]) for run in kept) > limit:
        kept = kept[:-max(1, len(kept) // 50)]
    return {"classes": {c.name: c.quantities for c in classes}, "clocks": CLOCKS,
            "types": CLOCK_TYPES, "runs": sorted(kept), "recorded": len(order),
            "with_samples": sorted(order),
            "blocks": [blocks[run] for run in sorted(kept)], "samples": samples,
            "limit": limit}


def _order(report):
    """All runs, those first that a reader may look for: failed ones, the worst of the checks,
    the first draw of each point of the sweep, then the second, ..."""
    columns = report["columns"]
    status = next(c["values"] for c in columns if c["key"] == "status")
    first = np.flatnonzero(status == "failed")[:FAILED].tolist()
    first += [run for _, run in report["physics"]["worst"].values()]
    points, draws = {}, []
    keys = [c["values"].tolist() for c in columns
            if c.get("swept") and c["key"] not in SEEDS]
    for run in range(len(status)):
        point = tuple(values[run] for values in keys)
        draws.append(points.get(point, 0))
        points[point] = draws[-1] + 1
    return list(dict.fromkeys(first + np.argsort(draws, kind="stable").tolist()))


# ---- a class --------------------------------------------------------------------------

class _Class:
    """The runs of one mode tree, read row by row."""

    def __init__(self, file, name, verdict):
        self.name, self.group = name, file["trajectories"][name]
        self.runs, self.samples = self.group["run"][:], self.group["samples"][:]
        self.identity = file["runs/identity"][:]
        self.laws = {law["run"]: law for law in verdict["runs"]}
        self.quantities = _quantities(self.group)
        self.event_kinds, self.nodes, self.partitions = {}, [], []
        if "event_kind" in self.group:
            kinds = self.group["event_kind"].attrs
            meanings = _text(kinds["flag_meanings"]).split()
            self.event_kinds = {value: meaning.replace("_", " ") for value, meaning
                                in zip(kinds["flag_values"].tolist(), meanings)}
            self.nodes, self.partitions = (
                [_text(name) for name in self.group[key][:]] if key in self.group else []
                for key in ("node", "partition"))
        self._read_ahead = {}

    def _row(self, key, row):
        """A run's row of a dataset; those after it are read along."""
        first, rows = self._read_ahead.get(key, (0, ()))
        if not first <= row < first + len(rows):
            first, rows = row, self.group[key][row:row + AHEAD]
            self._read_ahead[key] = first, rows
        return rows[row - first]

    def block(self, row, most):
        """The block of a run, in base64, with at most so many samples."""
        count = int(self.samples[row])
        chosen = np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))
        clocks = self._clocks(row, count)
        codes, scales = [], []
        for quantity in self.quantities:
            data = np.concatenate([self._row(key, row)[chosen].reshape(len(chosen), -1)
                                   for key in quantity["of"]], axis=1)
            scaled, scale = quantise(data)
            codes.append(scaled)
            scales.append(scale)
        codes = np.concatenate(codes, axis=1).T
        head = {"class": self.name, "n": len(chosen), "all": count, "scales": scales,
                "clocks": list(clocks),
                "identity": _text(self.identity[int(self.runs[row])]),
                "events": self._events(row, clocks), "law": self._law(row)}
        head = json.dumps(head, separators=(",", ":"), allow_nan=False).encode()
        parts = [np.uint32(len(head)).tobytes(), head,
                 _planes(np.diff(codes, axis=1, prepend=np.uint16(0)).astype("<u2"))]
        parts += [_planes(clock[chosen].astype(CLOCK_TYPES[key]))
                  for key, clock in clocks.items()]
        return base64.b64encode(zlib.compress(b"".join(parts))).decode()

    def _clocks(self, row, count):
        """The clocks that this run has, [sample]."""
        clocks = {key: self._row(key, row)[:count]
                  for key in ("arc_length", "time", "step") if key in self.group}
        since = self._since(row, count) if "time" in clocks else None
        if since is not None:
            clocks["since"] = since
        return {key: clocks[key] for key in CLOCKS if key in clocks}

    def _since(self, row, count):
        """Flow time since the first component was learnt; None if none was recorded."""
        if "local_component_norm" not in self.group:
            return None
        norms = self._row("local_component_norm", row)[:count].reshape(count, -1)
        if not np.isfinite(norms).any():
            return None
        return since_activation(np.fmax.reduce(norms, axis=1),
                                *(self._row(key, row)[:count] for key in ("time", "time_low")))

    def _events(self, row, clocks):
        """[what, arc length, flow time since activation, flow time, step] of each event."""
        if "event_kind" not in self.group:
            return []
        kinds, high, low, arc, step, node, partition, component = (
            self._row(f"event_{key}", row) for key in
            ("kind", "time", "time_low", "arc_length", "step", "node", "partition", "component"))
        since = (high - clocks["time"][0]) + low + clocks["since"][0] \
            if "since" in clocks else np.full(len(high), np.nan)
        found = []
        for i in np.flatnonzero(kinds)[:EVENTS].tolist():
            words = [self.event_kinds[int(kinds[i])]]
            words += [f"at {names[int(place)]}" for names, place in
                      ((self.nodes, node[i]), (self.partitions, partition[i]))
                      if np.isfinite(place) and place < len(names)]
            if np.isfinite(component[i]):
                words.append(f"#{int(component[i]) + 1}")
            found.append([" ".join(words), *map(_number, (arc[i], since[i], high[i], step[i]))])
        return found

    def _law(self, row):
        law = self.laws.get(int(self.runs[row]))
        if law is None:
            return None
        return {"exponents": [[f["node"], f["exponent"], f["expected"], f["factor"], f["points"]]
                              for f in law["exponents"]],
                "learnt": [[at["node"], at["component"], at["sample"], at["arc_length"],
                            at["time"], at["norm"]] for at in law["learnt"]]}


def _quantities(group):
    """What can be drawn: of which variables, in which panels, by which lines."""
    length = group["sample"].shape[0]
    drawn = [key for key, data in group.items() if data.shape[:2] ==
             (group["run"].shape[0], length) and 2 <= data.ndim <= 4 and _over_samples(data)]
    listed = [key for key in FIRST if key in drawn]
    listed += [key for key in drawn if key not in LEFT_OUT | set(FIRST) | set(LOSSES)]
    losses = [key for key in LOSSES if key in drawn]
    found = [_quantity(group, key) for key in listed]
    if losses:
        found.insert(1, {"key": "losses", "label": "losses", "of": losses, "panels": [""],
                         "lines": [_text(group[key].attrs["long_name"]) for key in losses],
                         "ordered": False})
    return found


def _quantity(group, key):
    data, label = group[key], _text(group[key].attrs["long_name"])
    scales = [_scale(data, i) for i in range(2, data.ndim)]
    panel, panels = scales[0] if len(scales) == 2 else ("", [""])
    line, lines = scales[-1] if scales else ("", [label])
    return {"key": key, "label": label, "of": [key], "panel": panel, "panels": panels,
            "line": line, "lines": lines, "ordered": line in ("component", "value")}


def _over_samples(data):
    scales = data.dims[1]
    return len(scales) > 0 and scales[0].name.rsplit("/", 1)[-1] == "sample"


def _scale(data, axis):
    """The name of a dimension, and what its places are called: numbers from 1."""
    scale = data.dims[axis][0]
    name = scale.name.rsplit("/", 1)[-1]
    if scale.dtype.kind == "O":
        return name, [_text(value) for value in scale[:]]
    return name, [str(i + 1) for i in range(scale.shape[0])]


# ---- numbers --------------------------------------------------------------------------

def quantise(data):
    """Codes of numbers, and their scale.

    Parameters
    ----------
    data : ndarray

    Returns
    -------
    codes : ndarray of uint16, of the shape of `data`
    scale : list
        [low, high, logarithmic]: code c >= 2 is low + (c - 2) (high - low) / LEVELS, of the
        natural logarithm of the number if logarithmic.
    """
    finite = np.isfinite(data)
    logarithmic = not (data[finite] < 0).any()
    levelled = finite & (data > 0) if logarithmic else finite
    codes = np.full(data.shape, MISSING, dtype=np.uint16)
    codes[finite] = ZERO
    if not levelled.any():
        return codes, [0, 0, int(logarithmic)]
    values = np.log(data[levelled]) if logarithmic else data[levelled]
    low, high = float(values.min()), float(values.max())
    step = (high - low) / LEVELS
    codes[levelled] = BASE + (np.round((values - low) / step) if step > 0 else 0)
    return codes, [low, high, int(logarithmic)]


def _planes(values):
    """The bytes of little-endian numbers, all least bytes first."""
    return np.ascontiguousarray(values).view(np.uint8).reshape(-1, values.itemsize).T.tobytes()


def _number(value):
    return float(value) if np.isfinite(value) else None


def _text(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

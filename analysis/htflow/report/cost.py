# SPDX-License-Identifier: BSD-3-Clause
"""What a sweep cost, from /timings."""
import numpy as np

from ..phases import SEEDS

SHOWN = 64


def of(timings, columns):
    """Utilisation and cost.

    Parameters
    ----------
    timings : h5py.Group or None
    columns : list of dict
        Of the table of runs.

    Returns
    -------
    dict or None
        seconds busy and span (the first start to the last end, pauses between executions
        within), core_hours, utilisation (busy seconds over span times ranks), ranks: the
        busiest SHOWN workers, started and wall of each run (for the chart), and by_axis: the
        share of the cost of each value of each axis.
    """
    if timings is None or "wall" not in timings:
        return None
    wall, cpu, started = (timings[key][:] for key in ("wall", "cpu", "started"))
    rank, attempts = timings["rank"][:], timings["attempts"][:]
    host = [h.decode() if isinstance(h, bytes) else h for h in timings["host"][:]]
    ran = np.flatnonzero(np.isfinite(wall) & np.isfinite(started))
    if ran.size == 0:
        return None
    span = float(np.max(started[ran] + wall[ran]) - np.min(started[ran]))
    workers, of_run = _workers(ran, host, rank)
    busy = float(wall[ran].sum())
    return {
        "span": span, "busy": busy, "cpu": float(np.nansum(cpu[ran])),
        "core_hours": busy / 3600, "workers": len(workers),
        "utilisation": busy / (span * len(workers)) if span > 0 else float("nan"),
        "attempts": int(attempts[ran].sum()), "ran": int(ran.size),
        "ranks": _busiest(workers, wall, cpu),
        "chart": {"run": ran, "worker": of_run, "wall": wall[ran],
                  "start": started[ran] - started[ran].min()},
        "longest": (float(wall[ran].max()), int(ran[wall[ran].argmax()])),
        "by_axis": _by_axis(columns, wall),
        "attributes": {key: str(value) for key, value in timings.attrs.items()
                       if not key.startswith("_")},
    }


def _workers(ran, host, rank):
    """Runs of each (host, rank) that did any, in order, and each run's place among them."""
    pairs = [(host[run], int(rank[run])) for run in ran]
    runs = {pair: [] for pair in sorted(set(pairs))}
    for run, pair in zip(ran.tolist(), pairs):
        runs[pair].append(run)
    place = {pair: i for i, pair in enumerate(runs)}
    return runs, np.array([place[pair] for pair in pairs])


def _busiest(workers, wall, cpu):
    rows = [{"host": host, "rank": rank, "runs": len(runs),
             "busy": float(wall[runs].sum()), "cpu": float(np.nansum(cpu[runs]))}
            for (host, rank), runs in workers.items()]
    return sorted(rows, key=lambda row: -row["busy"])[:SHOWN]


def _by_axis(columns, wall):
    """Of axes with a few values: runs, gradients and products, and seconds of each value."""
    work = sum((c["values"] for c in columns if c["key"] in ("gradients", "jacobian_products")),
               np.zeros(len(wall)))
    tables = []
    for c in columns:
        if not c.get("swept") or c["key"] in SEEDS:
            continue
        seen = list(dict.fromkeys(c["values"].tolist()))
        if not 2 <= len(seen) <= 12:
            continue
        rows = []
        for value in sorted(seen) if c["kind"] == "number" else seen:
            chosen = c["values"] == value
            rows.append({"value": value, "runs": int(chosen.sum()),
                         "work": float(work[chosen].sum()),
                         "seconds": float(np.nansum(wall[chosen]))})
        tables.append({"label": c["label"], "rows": rows})
    return tables

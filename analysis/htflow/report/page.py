# SPDX-License-Identifier: BSD-3-Clause
"""The page: the sections, the data and the scripts put into one HTML text."""
import base64
import hashlib
import json
import math
import pathlib
import string

import numpy as np

from . import sections
from .markup import element, framed, join, plural
from .trajectories import LEVELS

HERE = pathlib.Path(__file__).parent
SCRIPTS = ("data.js", "scale.js", "plot.js", "table.js", "report.js")
CHOICES = 60  # values of a swept key that a menu of the filter may have
PARTS = {"question": "Question", "failures": "Failures", "runs": "Runs",
         "trajectory": "Trajectory", "figures": "Figures", "physics": "Physics",
         "cost": "Cost", "provenance": "Provenance"}


def make_page(report, drawn):
    """The report as HTML.

    Parameters
    ----------
    report : dict
        Of `collect`.
    drawn : list of dict
        Of `pictures.draw`.

    Returns
    -------
    str
    """
    script = "\n".join((HERE / name).read_text() for name in SCRIPTS)
    style = (HERE / "report.css").read_text()
    template = string.Template((HERE / "template.html").read_text())
    return template.substitute(
        policy=_policy(script, style), title=element("title", report["name"])[7:-8],
        style=style, body=_body(report, drawn), data=_data(report),
        blocks="\n".join(report["trajectories"]["blocks"]), script=script)


def _policy(script, style):
    """Nothing from anywhere, and no script or style but those of the page."""
    def digest(text):
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return (f"default-src 'none'; img-src data:; script-src 'sha256-{digest(script)}'; "
            f"style-src 'sha256-{digest(style)}'")


# ---- body -----------------------------------------------------------------------------

def _body(report, drawn):
    links = [element("li", element("a", title, href=f"#{identity}"))
             for identity, title in PARTS.items()]
    attributes = report["attributes"]
    return join([
        element("header", element("h1", report["name"]),
                element("p", f"htflow report of {report['file']}: "
                        f"{plural(sum(report['counts'].values()), 'run')} in "
                        f"{report['bytes'] / 1e6:.3g} MB, content_checksum ",
                        element("code", attributes.get("content_checksum", "missing")[:12]),
                        "\u2026", class_="quiet"),
                sections.verdict(report)),
        element("nav", element("ul", *links), aria_label="Sections"),
        element("main", sections.question(report), sections.failures(report), _runs(report),
                _trajectory(report), sections.pictures(drawn), sections.physics(report),
                sections.cost(report), sections.provenance(report)),
        element("footer", element("p", "Made by htflow "
                                  f"{attributes.get('htflow_version', '')} from "
                                  f"{report['file']} alone; this page asks the network for "
                                  "nothing."))])


def _runs(report):
    menus = []
    for c in report["columns"]:
        values = list(dict.fromkeys(c["values"].tolist()))
        if not (c.get("swept") or c["key"] in ("status", "stop_reason")) or \
                not 2 <= len(values) <= CHOICES:
            continue
        values = sorted(values, key=lambda v: (isinstance(v, str), v))
        options = [element("option", "any", value="")]
        options += [element("option", _tell(value), value=i, data_value=_key(value))
                    for i, value in enumerate(values)]
        menus.append(element("label", c["label"], element("select", *options,
                                                          data_key=c["key"])))
    filters = element(
        "div", element("label", "Filter: words, or conditions such as final_test_loss<0.01",
                       element("input", type="search", placeholder="failed  init.std<0.1",
                               spellcheck="false", autocomplete="off"), class_="wide"),
        *menus, class_="controls")
    return sections.section(
        "runs", "Runs", filters,
        element("p", element("span", data_part="count", role="status"),
                ". Click a heading to sort, a run to draw it; arrow keys move, Enter draws.",
                class_="quiet small"),
        element("div", element("table", element("thead", element("tr")), element("tbody"),
                               aria_label="Runs"), class_="runs", tabindex="-1"),
        element("noscript", element("p", "The table and the plot need JavaScript.")))


def _key(value):
    """A value as JavaScript's String() writes it after the trip through JSON."""
    return value if isinstance(value, str) else json.dumps(_plain(value))


def _tell(value):
    return value if isinstance(value, str) else sections.number(value, 6)


def _select(name, label, extra=None):
    return element("label", label, extra, element("select", data_part=name))


def _check(name, label, on):
    return element("label", element("input", type="checkbox", data_part=name, checked=on), label,
                   class_="check")


def _trajectory(report):
    kept = report["trajectories"]
    left = kept["recorded"] - len(kept["runs"])
    note = f"The page holds the trajectories of {len(kept['runs']):,} of {kept['recorded']:,} " \
           f"runs, at most {kept['samples']} samples each, so as to stay below " \
           f"{kept['limit'] / 1e6:g} MB: failed runs, those with the worst checks, and the " \
           "first draws of every point of the sweep." if left > 0 else None
    choose = element(
        "div", element("button", "\u2190", type="button", data_part="previous",
                       aria_label="run before, in the order of the table"),
        element("label", "Run", element("input", type="number", min="0", data_part="number")),
        element("button", "\u2192", type="button", data_part="next",
                aria_label="run after, in the order of the table"),
        _select("quantity", "Quantity"),
        element("label", element("span", data_part="panel-name"),
                element("select", data_part="panel")),
        _select("clock", "Clock"), _check("logx", "log clock", False),
        _check("logy", "log values", True), _check("events", "events", True), class_="controls")
    zoom = [("in", "+", "zoom in"), ("out", "\u2212", "zoom out"),
            ("left", "\u25c0", "to the left"), ("right", "\u25b6", "to the right"),
            ("all", "all", "show the whole trajectory")]
    return sections.section(
        "trajectory", "Trajectory of a run",
        element("p", note, data_part="note") if note else None, choose,
        element("div", element("div", class_="plot", data_part="plot"),
                element("div", [element("button", text, type="button", data_zoom=key,
                                        aria_label=meaning, title=meaning)
                                for key, text, meaning in zoom],
                        element("span", data_part="drawn", class_="quiet small"),
                        class_="controls"),
                element("ul", class_="legend", data_part="legend", aria_live="off"),
                element("p", "Drag to zoom into a range or a box, Shift and drag to pan, double "
                        "click for all; the wheel zooms once the plot is clicked. Touch: one "
                        "finger pans, two zoom. Keys: arrows read out, Shift and arrows pan, "
                        "+ \u2212 zoom, 0 all.", class_="quiet small screen", id="plot-help"),
                data_part="drawing"),
        element("p", data_part="nothing", class_="message", hidden=True),
        element("div", _law(), data_part="law", hidden=True),
        element("details", element("summary", "All numbers of the run"),
                element("table", element("tbody", data_part="facts"), class_="plain")))


def _law():
    def grid(part, heads, caption, numeric):
        cells = [element("th", head, scope="col", class_="n" if i in numeric else None)
                 for i, head in enumerate(heads)]
        return framed(caption, element("thead", element("tr", *cells)),
                      element("tbody", data_part=part))
    return [grid("exponents", ["node", "exponent", "expected", "factor", "points"],
                 "Growth of this run's components: fitted exponent against 2 \u2212 2/K",
                 {1, 2, 3, 4}),
            grid("learnt", ["node", "component", "arc length", "flow time", "norm at the end"],
                 "Components in the order in which this run learnt them", {1, 2, 3, 4})]


# ---- data -----------------------------------------------------------------------------

def _data(report):
    kept = report["trajectories"]
    runs = sum(report["counts"].values())
    has_samples = np.zeros(runs, dtype=int)
    has_samples[kept["with_samples"]] = 1
    status = next(c["values"] for c in report["columns"] if c["key"] == "status")
    data = {
        "runs": runs, "hasSamples": has_samples.tolist(),
        "columns": [{**{key: c[key] for key in ("key", "label", "help", "kind")},
                     "whole": c["values"].dtype.kind in "iu", "values": _values(c)}
                    for c in report["columns"]],
        "trajectories": {**{key: kept[key] for key in ("classes", "clocks", "types", "runs",
                                                       "recorded")}, "levels": LEVELS},
        "chart": _chart(report["cost"]),
        "first": next((run for run in kept["runs"] if status[run] == "done"),
                      kept["runs"][0] if kept["runs"] else 0),
    }
    text = json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    # within a script element nothing is escaped, so nothing may look like its end
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028")


def _plain(value):
    """A number as JSON has it: none where it is not finite, no more than six digits."""
    if isinstance(value, int):
        return value
    if not math.isfinite(value):
        return None
    short = float(f"{value:.6g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def _values(column):
    values = column["values"].tolist()
    if column["kind"] != "text":
        return [_plain(value) for value in values]
    texts = {text: code for code, text in enumerate(dict.fromkeys(values))}
    return {"texts": list(texts), "codes": [texts[text] for text in values]}


def _chart(cost):
    if not cost:
        return None
    chart = cost["chart"]
    return {"workers": cost["workers"], "run": chart["run"].tolist(),
            "worker": chart["worker"].tolist(),
            **{key: [_plain(v) for v in chart[key].tolist()] for key in ("start", "wall")}}

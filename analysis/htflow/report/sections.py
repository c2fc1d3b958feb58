# SPDX-License-Identifier: BSD-3-Clause
"""The sections of the page that say something by themselves, of what `collect` gathered."""
from .markup import element, join, number, plural, run_link, seconds, table

SHOWN = 12     # values of an axis
RUN_LINKS = 5


def section(identity, title, *content):
    """A section with its heading."""
    return element("section", element("h2", title, id=f"{identity}-title"), *content,
                   id=identity, aria_labelledby=f"{identity}-title")


def total(report, *keys):
    """The sum of columns of the table of runs."""
    return sum(int(c["values"].sum()) for c in report["columns"] if c["key"] in keys)


# ---- verdict --------------------------------------------------------------------------

def verdict(report):
    """How it went, in a line and a few numbers."""
    counts = report["counts"]
    runs = sum(counts.values())
    failed, pending = counts.get("failed", 0), counts.get("pending", 0)
    done = counts.get("done", 0)
    broken = [f for f in report["physics"]["findings"] if f["severity"] != "warning"]
    kind = "bad" if failed or broken else "wait" if pending else ""
    mark = {"bad": "\u2715", "wait": "\u2026", "": "\u2713"}[kind]
    if done == runs:
        said = f"All {plural(runs, 'run')} are done." if runs > 1 else "The run is done."
    else:
        said = f"{number(done)} of {plural(runs, 'run')} done"
        said += f", {number(failed)} failed" if failed else ""
        said += f", {number(pending)} not run yet." if pending else "."
    checks = element("a", f"The checks of the file and of its physics have "
                     f"{plural(len(broken), 'finding')}.", href="#physics") if broken else \
        "The checks of the file and of its physics find nothing wrong."
    return join([element("div", element("p", f"{mark} {said} ", checks),
                         class_=f"verdict {kind}".strip(), role="status"), _numbers(report)])


def _numbers(report):
    worst, spent = report["physics"]["worst"], report["cost"]
    rtol = worst.get("drift_over_rtol")
    items = []

    def item(value, meaning):
        items.append(element("li", element("b", value), element("span", meaning)))

    if rtol:
        drift, run = worst["drift_of_exact"]
        item(number(drift), ["worst drift of conserved quantities under exact flow, ",
                             run_link(run), f"; {number(rtol[0])} × rtol at most"])
    elif "unbalancedness_drift" in worst:
        drift, run = worst["unbalancedness_drift"]
        item(number(drift), ["worst drift of conserved quantities, ", run_link(run)])
    if "law_residual" in worst:
        residual, run = worst["law_residual"]
        item(number(residual), ["worst residual of the exact law, ", run_link(run)])
    if "exponent_off" in worst:
        off, run = worst["exponent_off"]
        item(number(off), ["worst distance from exponent 2 \u2212 2/K, ", run_link(run)])
    item(number(total(report, "gradients", "jacobian_products")),
         "gradients and Hessian-vector products")
    if spent:
        item(number(spent["core_hours"]),
             f"core-hours, in {seconds(spent['span'])} on {plural(spent['workers'], 'rank')}")
    return element("ul", *items, class_="numbers")


# ---- question -------------------------------------------------------------------------

def question(report):
    """What was asked: the axes, and the experiment they vary."""
    runs = sum(report["counts"].values())
    axes, trees = report["axes"], len(report["classes"])
    product = " × ".join(number(len(axis["values"])) for axis in axes)
    opening = element("p", plural(runs, "run"),
                      f": {product} values of {plural(len(axes), 'swept key')}." if axes else
                      ", nothing swept.",
                      f" {plural(trees, 'mode tree')}." if trees else None)
    rows = [[element("code", axis["label"]), number(len(axis["values"])), _values(axis),
             element("span", axis["help"], class_="quiet")] for axis in axes]
    swept = {axis["label"] for axis in axes}
    base = [[element("code", key), element("s", _tell(value)) if key in swept else _tell(value)]
            for key, value in report["base"].items() if value not in ("", None, [])]
    given = report["attributes"].get("sweep", "")
    return section(
        "question", "The question", opening,
        table(["swept key", "values", "which", "what it is"], rows, {1}, "Axes of the sweep")
        if rows else None,
        _trees(report),
        element("h3", "The sweep as it was asked for"), element("pre", given, tabindex="0"),
        element("details", element("summary", "Every setting of the base experiment, defaults "
                                   "included"),
                table(["setting", "value"], base, (), "Base experiment; struck out: swept")))


def _tell(value):
    """A setting as text."""
    if isinstance(value, bool):
        return str(value).lower()
    return number(value, 6) if isinstance(value, (int, float)) else str(value)


def _values(axis):
    values = axis["values"]
    texts = [_tell(value) for value in values]
    if len(texts) > SHOWN:
        half = SHOWN // 2
        texts = texts[:half] + ["\u2026"] + texts[-half:]
    return element("span", ", ".join(texts))


def _trees(report):
    rows = [[element("code", c["tree"]), number(c["runs"])] for c in report["classes"]]
    return table(["mode tree, with widths", "runs"], rows, {1},
                 "Models that recorded a trajectory") if rows else None


# ---- failures -------------------------------------------------------------------------

def failures(report):
    """Failed runs by reason, with what they said."""
    if not report["failures"]:
        return section("failures", "Failures", element("p", "No run failed."))
    parts = []
    for failure in report["failures"]:
        rows = [[message["text"] or "(no message)", number(len(message["runs"])),
                 _links(message["runs"])] for message in failure["messages"]]
        more = failure["distinct"] - len(failure["messages"])
        parts.append(element("h3", element("span", "\u2715 ", class_="bad"),
                             element("code", failure["reason"]),
                             f": {plural(failure['count'], 'run')}"))
        parts.append(table(["message", "runs", "which"], rows, {1},
                           f"What runs ended by {failure['reason']} said"))
        if more > 0:
            parts.append(element("p", f"{plural(more, 'further message')}: filter the table of "
                                 f"runs by {failure['reason']}.", class_="quiet"))
    return section("failures", "Failures", *parts)


def _links(runs):
    links = [[", " if i else None, run_link(run, str(run))]
             for i, run in enumerate(runs[:RUN_LINKS])]
    return join([links, ", \u2026" if len(runs) > RUN_LINKS else None])


# ---- figures --------------------------------------------------------------------------

def pictures(drawn):
    """The figures of the analysis package, and why others were not drawn."""
    shown = [element("figure", element("div", element(
        "img", src=p["image"], alt=p["caption"], width=p["width"], height=p["height"]),
        class_="picture"),
                     element("figcaption", p["caption"])) for p in drawn if "image" in p]
    missing = [element("li", f"{p['name']}: {p['why']}") for p in drawn if "why" in p]
    return section("figures", "Figures", *shown,
                   element("div", element("p", "Not drawn:", class_="quiet"),
                           element("ul", *missing, class_="quiet small")) if missing else None,
                   None if drawn else element("p", "None was asked for."))


# ---- physics --------------------------------------------------------------------------

def physics(report):
    """What the checks say of all runs together."""
    found = report["physics"]
    findings = [[element("span", f["severity"],
                         class_="wait" if f["severity"] == "warning" else "bad"),
                 element("code", f["what"]), f["finding"]] for f in found["findings"]]
    summary = found["summary"]
    rows = [[element("code", node["node"]), number(2 / (2 - node["expected"])),
             f"{node['expected']:.4f}", _spread(node["exponent"]), _spread(node["factor"]),
             f"{number(node['fits'])} of {number(node['runs'])}", number(node["points"])]
            for node in found["nodes"]]
    return section(
        "physics", "Physics checks",
        element("p", "As ", element("code", "htflow check"), " finds them in "
                f"{plural(summary['runs'], 'run')} with samples. Under exact flow the differences "
                "of squared norms within a local component are conserved, the norms follow an "
                "exact law at every sample, and in a balanced model they grow as the power "
                "2 \u2212 2/K of themselves, K the vectors of the component."),
        table(["kind", "where", "finding"], findings, (), "Findings") if findings else
        element("p", element("span", "\u2713 ", class_="good"), "No findings."),
        table(["node", "K", "expected", "fitted exponent", "factor, expected 1", "runs fitted",
               "points"], rows, {1, 2, 3, 4, 5, 6},
              "Growth of local components: median, least to largest over the runs")
        if rows else element("p", "No exponents: rates and drives of components were not "
                             "recorded."),
        _orders(found["orders"]))


def _spread(spread):
    if spread is None:
        return "not defined"
    low, median, high = (f"{value:.4f}" for value in spread)
    return median if low == high else [median, element("span", f" ({low} to {high})",
                                                       class_="quiet")]


def _orders(orders):
    if not orders["listed"]:
        return None
    rows = [[element("span", " \u2192 ".join(order["order"]), class_="mono"),
             number(len(order["runs"])), _links(order["runs"])] for order in orders["listed"]]
    return table(["components in the order learnt (node#number)", "runs", "which"], rows, {1},
                 f"Order of learning: {plural(orders['distinct'], 'order')} in "
                 f"{plural(orders['runs'], 'run')}, the commonest first")


# ---- cost -----------------------------------------------------------------------------

def cost(report):
    """Who computed what, and what it was spent on."""
    spent = report["cost"]
    if not spent:
        return section("cost", "Utilisation and cost", element("p", "The file has no timings."))
    utilisation = f"{100 * spent['utilisation']:.0f} %"
    restarts = spent["attempts"] - spent["ran"]
    longest, run = spent["longest"]
    ranks = [[row["host"], number(row["rank"]), number(row["runs"]), seconds(row["busy"]),
              _meter(row["busy"] / spent["span"] if spent["span"] else 0),
              seconds(row["cpu"])] for row in spent["ranks"]]
    return section(
        "cost", "Utilisation and cost",
        element("p", f"{number(spent['core_hours'])} core-hours of runs in "
                f"{seconds(spent['span'])} between the first start and the last end, on "
                f"{plural(spent['workers'], 'rank')}: {utilisation} of their time",
                " (pauses between executions count as time)" if restarts else None,
                f". {plural(restarts, 'run')} were begun again after an interruption. "
                if restarts > 0 else ". ",
                "The longest took ", seconds(longest), " (", run_link(run), ")."),
        element("canvas", class_="chart", data_part="chart", role="img",
                aria_label="When each rank computed which run"),
        element("p", "Each row a rank, each bar a run, from the first start to the last end; "
                "failed runs in the other colour.", class_="quiet small"),
        table(["host", "rank", "runs", "busy", "share of the time", "processor time"], ranks,
              {1, 2, 3, 5}, "The busiest ranks" if spent["workers"] > len(ranks) else "Ranks"),
        [_axis_cost(axis, spent) for axis in spent["by_axis"]])


def _axis_cost(axis, spent):
    rows = [[_tell(row["value"]), number(row["runs"]), number(row["work"]),
             seconds(row["seconds"]),
             _meter(row["seconds"] / spent["busy"] if spent["busy"] else 0)]
            for row in axis["rows"]]
    return table([axis["label"], "runs", "gradients and products", "time", "share"], rows,
                 {1, 2, 3}, f"Cost by {axis['label']}")


def _meter(share):
    share = min(max(share, 0), 1)
    bar = element("svg", element("rect", width=f"{100 * share:.1f}", height="10"),
                  viewBox="0 0 100 10", preserveAspectRatio="none", aria_hidden="true")
    return element("span", element("span", bar, class_="meter"), f" {100 * share:.0f} %",
                   class_="share")


# ---- provenance -----------------------------------------------------------------------

TOLD = {"sweep", "sweep_resolved", "Conventions"}


def provenance(report):
    """What made the file, and how to make it again."""
    attributes = report["attributes"]
    rows = [[element("code", key), element("code", value) if len(str(value)) > 30 else value]
            for key, value in attributes.items() if key not in TOLD]
    timings = report["cost"]["attributes"] if report["cost"] else {}
    rows += [[element("code", f"timings: {key}"), value] for key, value in timings.items()]
    rows.append([element("code", "file"), f"{report['file']}, {report['bytes'] / 1e6:.3g} MB"])
    ranks = report["cost"]["workers"] if report["cost"] else 1
    return section(
        "provenance", "Provenance",
        table(["what", "value"], rows, (), "Of the results file"),
        element("h3", "To make it again"),
        element("p", "With the same build and BLAS kernels the results have the same "
                "content_checksum on any number of ranks; with others the numbers differ in "
                "their last digits."),
        element("pre", _commands(report, ranks), tabindex="0"),
        element("button", "Save sweep.yaml", type="button", data_save="sweep.yaml",
                data_from="resolved"),
        element("details", element("summary", "sweep.yaml: the resolved sweep, with defaults"),
                element("pre", attributes.get("sweep_resolved", ""), id="resolved",
                        tabindex="0")))


def _commands(report, ranks):
    attributes = report["attributes"]
    name = "".join(letter if letter.isalnum() or letter in "-_" else "-"
                   for letter in report["name"]) or "sweep"
    return f"""\
# htflow {attributes.get('htflow_version')}, in its source folder
git checkout {attributes.get('htflow_commit')}
jobs/setup.sh
cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release && cmake --build build

# sweep.yaml: save it by the button below, or take it out of the results file
python3 -c 'import h5py, sys; print(h5py.File(sys.argv[1]).attrs["sweep_resolved"], end="")' \\
  {report['file']} > sweep.yaml

mpirun -n {ranks} build/bin/htflow run sweep.yaml --out {name}
build/bin/htflow check {name}/results.h5
build/bin/htflow report {name}/results.h5 -o report.html
# content_checksum should be
# {attributes.get('content_checksum')}
"""

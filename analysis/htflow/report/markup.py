# SPDX-License-Identifier: BSD-3-Clause
"""HTML built of elements: whatever is no element is text, and escaped."""
import html


class Markup(str):
    """Text that is HTML already."""


def element(name, *children, **attributes):
    """An element of children and attributes.

    A trailing underscore of an attribute's name is dropped and inner ones become hyphens, so
    that ``class_`` and ``data_run`` are what they say. True stands for an attribute without
    value; None and False leave it out.
    """
    written = ""
    for key, value in attributes.items():
        key = key.rstrip("_").replace("_", "-")
        if value is True:
            written += f" {key}"
        elif value is not None and value is not False:
            written += f' {key}="{html.escape(str(value), quote=True)}"'
    end = "" if name in ("img", "br", "input") else f"</{name}>"
    return Markup(f"<{name}{written}>{join(children)}{end}")


def join(children):
    """Children one after another; lists among them are joined, None is left out."""
    parts = []
    for child in children:
        if isinstance(child, Markup):
            parts.append(child)
        elif isinstance(child, (list, tuple)):
            parts.append(join(child))
        elif child is not None:
            parts.append(html.escape(str(child), quote=True))
    return Markup("".join(parts))


def table(heads, rows, numeric, caption):
    """A plain table; columns in `numeric` are set to the right."""
    def cell(i, value, name):
        style = "n" if i in numeric else "key" if i == 0 and name == "td" else None
        return element(name, value, class_=style, scope="col" if name == "th" else None)

    head = element("tr", *(cell(i, text, "th") for i, text in enumerate(heads)))
    body = [element("tr", *(cell(i, value, "td") for i, value in enumerate(row)))
            for row in rows]
    return framed(caption, element("thead", head), element("tbody", *body))


def framed(caption, *content):
    """A table that scrolls by itself where it is too wide, under its caption."""
    return join([element("p", caption, class_="caption"),
                 element("div", element("table", *content, class_="plain"), class_="scroll",
                         tabindex="0", role="group", aria_label=caption)])


def run_link(run, text=None):
    """A link that shows a run in the plot."""
    return element("a", text or f"run\u00a0{run}", href="#trajectory", data_run=run)


def number(value, digits=3):
    """A number as a reader wants it."""
    if value is None or value != value:
        return "NaN"
    if isinstance(value, (int,)) or float(value).is_integer() and abs(value) < 1e9:
        return f"{int(value):,}".replace(",", "\u202f")
    if value != 0 and (abs(value) < 1e-3 or abs(value) >= 1e6):
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    if abs(value) >= 10 ** digits - 0.5:
        return number(round(value))
    return f"{value:.{digits}g}"


def plural(count, noun):
    """A count and its noun."""
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def seconds(value):
    """A time span in words."""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 120:
        return f"{value:.3g} s"
    if value < 7200:
        return f"{value / 60:.3g} min"
    return f"{value / 3600:.3g} h"

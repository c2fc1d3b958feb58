#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A door as doxygen reads it: the INPUT_FILTER of the target `docs` (docs.cmake).

The doors of include/htflow are documented by plain `//` comments. Their rules:

- The comment that opens a door is about the file, and about types that have none.
- A comment above a declaration is about it, and about those that follow it without a blank
  line or another comment between; a type's comment is about its members likewise.
- A comment behind a declaration, on its line, is about that one.
- A function that only destroys, closes or clears needs none: the pointer becomes NULL.
- Lines that are indented are formulas and tables and stay as they are.

A function about which no comment is, doxygen reports.
"""

import re
import sys

# Members by way of a table, which are told where the table is.
BY_TABLE = re.compile(r"\s*HTF_\w+\(\w+\)")
ENDS = re.compile(r"void htf_\w+_(destroy|close)\(\w+ \*\*\w+\);")


def escape(text):
    """Text in which doxygen sees no command, tag or reference."""
    return re.sub(r"([\\@#%\"])", r"\\\1", text.replace("&", "&amp;").replace("<", "&lt;"))


def block(lines, command=""):
    """A doxygen comment of comment lines; indented ones are verbatim."""
    out, verbatim = ["/**" + command], False
    for line in lines:
        indented = line.startswith("  ") or (verbatim and not line)
        if indented != verbatim:
            out.append("@verbatim" if indented else "@endverbatim")
        verbatim = indented
        out.append(line if indented else escape(line))
    return out + ["@endverbatim"] * verbatim + ["*/"]


def split(line):
    """The code of a line, and the comment behind it ("" if there is none)."""
    found = re.match(r'((?:"(?:\\.|[^"\\])*"|[^"/]|/(?!/))*)//\s?(.*)$', line)
    return (found.group(1).rstrip(), found.group(2)) if found else (line.rstrip(), "")


def statements(lines):
    """("comment", lines), ("blank", []) or ("code", [(code, tail)]) in turn; of code each
    declaration is one, so is each member, and each line that opens or closes a body."""
    code = []
    for line in lines:
        text = line.strip()
        macro = bool(code) and code[0][0].startswith("#")
        if not code and text.startswith("//"):
            yield "comment", [text[3:]]
        elif not code and not text:
            yield "blank", []
        else:
            code.append(split(line))
            last, whole = code[-1][0], "".join(part for part, _ in code)
            done = not last.endswith("\\") if macro or last.startswith("#") else \
                whole.count("(") == whole.count(")") and (
                    last.endswith((";", ",", "{", "}")) or BY_TABLE.match(whole) or
                    re.match(r"\w+$", whole))
            if done:
                yield "code", code
                code = []
    if code:
        yield "code", code


def is_function(code):
    return not code.startswith(("typedef", "#")) and \
        re.search(r"\bhtf_\w+\(.*\)[^()]*;$", code, re.S) is not None


def about(code, comment, first, owner):
    """The comment on a declaration: its own, a shared one, or where there is more. None on
    a function that there is no comment about."""
    if ENDS.match(code) and not first:
        return ["Destroys it and sets the pointer to NULL; NULL is fine."]
    if comment:
        return comment
    if owner:
        return [f"See {owner}."]
    return [] if is_function(code) else ["The file's comment tells of it."]


def members(code):
    """`double a, *b;` as a declaration each."""
    found = re.match(r"\s*((?:const )?\w+) (\**\w+[^(,]*(?:, ?\**\w+[^(,]*)+);$", code)
    return [f"{found.group(1)} {name};" for name in found.group(2).split(", ")] if found \
        else [code]


def translate(text):
    """The door's text with doxygen's comments."""
    lines = text.splitlines()
    body = next(i for i, line in enumerate(lines) if not line.startswith("//"))
    out = block([line[3:] for line in lines[1:body]], " @file")
    comment, outer, first, fresh, depth, owner = [], [], True, False, 0, ""
    for kind, parts in statements(lines[body:]):
        if kind == "comment":
            comment, fresh, first = (comment if fresh else []) + parts, True, True
            continue
        if kind == "blank":
            comment, fresh = [], False
            out.append("")
            continue
        code = "\n".join(part for part, _ in parts)
        if depth and (code.startswith("#") or BY_TABLE.match(code)):
            continue
        tails = [tail for _, tail in parts if tail]
        for each in members(code) if depth else [code]:
            if not re.match(r"#(?!define)|HTF_BEGIN|HTF_END|\s*\}", each):
                words = tails or about(each, comment, first, owner)
                out += block(words) if words else []
            out.append(each)
        opens = depth == 0 and code.endswith("{")
        depth += 0 if code.startswith("#") else code.count("{") - code.count("}")
        if opens:
            owner, outer, comment = re.findall(r"\w+", code)[-1], comment, []
        elif depth == 0 and owner:
            owner, comment = "", outer
        fresh, first = False, False
    if depth:
        raise ValueError(f"a brace that opens at {owner} is not closed")
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as door:
        sys.stdout.write(translate(door.read()))

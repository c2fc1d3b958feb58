# SPDX-License-Identifier: BSD-3-Clause
"""``htflow report FILE -o HTML``: exit codes 0, 2 (usage), 6 (environment), 7 (no results)."""
import argparse
import os
import pathlib
import shutil
import sys

from ..results import open_results
from .collect import NotResults, collect
from .page import make_page

ENVIRONMENT, DATA = 6, 7


def add_arguments(parser):
    """The options of the command; those of src/cli/report.c."""
    parser.add_argument("results")
    parser.add_argument("-o", "--output", help="the page; default: report.html beside FILE")
    parser.add_argument("--limit", type=float, default=20,
                        help="megabytes that trajectories may take in the page")


def run(arguments):
    """Make the page; the exit code."""
    path = pathlib.Path(arguments.results)
    output = pathlib.Path(arguments.output or path.with_name("report.html"))
    part = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        with open(part, "w", encoding="utf-8") as file:
            report = collect(path, program(), arguments.limit * 1e6)
            from . import pictures  # takes a second, which a wrong file need not wait for
            with open_results(path) as results:
                file.write(make_page(report, pictures.draw(results)))
        part.replace(output)  # whole, or not at all
    except NotResults as reason:
        return complain(reason, DATA)
    except OSError as reason:
        where = reason.filename if reason.filename != str(part) else output
        return complain(f"{where}: {reason.strerror}" if where else reason, ENVIRONMENT)
    except MemoryError:
        return complain("out of memory", ENVIRONMENT)
    finally:
        part.unlink(missing_ok=True)
    kept = report["trajectories"]
    print(f"{output}: {output.stat().st_size / 1e6:.3g} MB, trajectories of "
          f"{len(kept['runs'])} of {kept['recorded']} runs")
    return 0


def complain(reason, code):
    """Say why there is no page."""
    print(f"htflow: {reason}", file=sys.stderr)
    return code


def program():
    """The htflow that called us, that of the build beside this package, or that on the path."""
    built = pathlib.Path(__file__).resolve().parents[3] / "build" / "bin" / "htflow"
    found = os.environ.get("HTFLOW_PROGRAM") or \
        (str(built) if built.exists() else shutil.which("htflow"))
    if not found:
        raise FileNotFoundError("the checks need the program htflow: put it on the PATH, or "
                                "name it in HTFLOW_PROGRAM")
    return found


def main(arguments):
    """The command line without the program's name; the exit code."""
    parser = argparse.ArgumentParser(prog="htflow report", description=__doc__)
    add_arguments(parser)
    return run(parser.parse_args(arguments))

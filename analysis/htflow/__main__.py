# SPDX-License-Identifier: BSD-3-Clause
"""Figures from the command line: ``python3 -m htflow FIGURE results.h5 -o FILE.png``."""
import argparse
import sys

from .figures import FIGURES, save
from .problem import read_tensor, write_problem
from .results import open_results


def _parser():
    parser = argparse.ArgumentParser(prog="htflow", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for entry in FIGURES:
        command = commands.add_parser(entry.name, help=entry.help, description=entry.help)
        command.set_defaults(entry=entry)
        for name, title in entry.results:
            command.add_argument(name, metavar=f"{name}.h5", help=f"results of the {title}"
                                 if len(entry.results) > 1 else "a results file")
        for flag, described in entry.options:
            command.add_argument(flag, **described)
        command.add_argument("--only", nargs="+", default=[], metavar="KEY=VALUE",
                             help="runs that have these, such as model_tree=flat")
        command.add_argument("-o", "--output", action="append", required=True,
                             help=".png, .pdf or .svg; may be repeated")
    problem = commands.add_parser("problem", help="a .npy or .npz tensor as a problem file")
    problem.add_argument("tensor")
    problem.add_argument("--name", help="which array of a .npz")
    problem.add_argument("-o", "--output", required=True, help="the .h5 to write")
    return parser


def _select(results, only):
    """The runs that have the values given as ``KEY=VALUE``."""
    labels = {}
    for text in only:
        key, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"--only {text}: wants KEY=VALUE")
        number = key in results.runs and results.runs[key].dtype.kind in "if"
        labels.setdefault(key, []).append(float(value) if number else value)
    try:
        return results.sel(**labels)
    except KeyError as missing:
        raise ValueError(missing.args[0]) from None


def _draw(entry, arguments):
    found = {title: _select(open_results(getattr(arguments, name)), arguments.only)
             for name, title in entry.results}
    what = found if len(found) > 1 else next(iter(found.values()))
    options = {flag[2:]: getattr(arguments, flag[2:]) for flag, _ in entry.options}
    save(entry.draw(what, **options), *arguments.output)


def main():
    """Read the command line; draw a figure in each format asked for, or write a problem."""
    arguments = _parser().parse_args()
    try:
        if arguments.command == "problem":
            write_problem(arguments.output, read_tensor(arguments.tensor, arguments.name))
        else:
            _draw(arguments.entry, arguments)
    except (OSError, ValueError) as error:
        sys.exit(f"htflow {arguments.command}: {error}")


if __name__ == "__main__":
    main()

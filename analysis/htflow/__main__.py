# SPDX-License-Identifier: BSD-3-Clause
"""Figures from the command line: ``python3 -m htflow FIGURE results.h5 -o FILE.png``."""
import argparse

from . import figures
from .results import open_results


def main():
    """Read the command line, draw one figure, write it in each format asked for."""
    parser = argparse.ArgumentParser(prog="htflow", description=__doc__)
    commands = parser.add_subparsers(dest="figure", required=True)
    dynamics = commands.add_parser("dynamics", help="components learnt one after another")
    dynamics.add_argument("--seed", type=int, default=0)
    photograph = commands.add_parser("photograph", help="a completed photograph")
    photograph.add_argument("--problem", required=True, help="the problem file")
    for command in (dynamics, photograph):
        command.add_argument("results")
        command.add_argument("-o", "--output", action="append", required=True,
                             help=".png, .pdf or .svg; may be repeated")
    arguments = parser.parse_args()
    results = open_results(arguments.results)
    if arguments.figure == "dynamics":
        figure = figures.dynamics(results, arguments.seed)
    else:
        figure = figures.photograph(results, arguments.problem)
    for path in arguments.output:
        figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: BSD-3-Clause
"""Figures from the command line: ``python3 -m htflow FIGURE results.h5 -o FILE.png``."""
import argparse

from . import figures, paper
from .problem import read_tensor, write_problem
from .results import open_results


def main():
    """Read the command line, draw one figure, write it in each format asked for."""
    parser = argparse.ArgumentParser(prog="htflow", description=__doc__)
    commands = parser.add_subparsers(dest="figure", required=True)
    dynamics = commands.add_parser("dynamics", help="components learnt one after another")
    dynamics.add_argument("--seed", type=int, default=0)
    photograph = commands.add_parser("photograph", help="a completed photograph")
    photograph.add_argument("--problem", required=True, help="the problem file")
    paper_figure = commands.add_parser("paper", help="the paper's dynamics figure")
    for command in (dynamics, photograph):
        command.add_argument("results")
    for part in paper.PARTS:
        paper_figure.add_argument(part, help=f"results of jobs/paper-{part}.yaml")
    for command in (dynamics, photograph, paper_figure):
        command.add_argument("-o", "--output", action="append", required=True,
                             help=".png, .pdf or .svg; may be repeated")
    problem = commands.add_parser("problem", help="a .npy or .npz tensor as a problem file")
    problem.add_argument("tensor")
    problem.add_argument("--name", help="which array of a .npz")
    problem.add_argument("-o", "--output", required=True, help="the .h5 to write")
    arguments = parser.parse_args()
    if arguments.figure == "problem":
        write_problem(arguments.output, read_tensor(arguments.tensor, arguments.name))
        return
    if arguments.figure == "dynamics":
        figure = figures.dynamics(open_results(arguments.results), arguments.seed)
    elif arguments.figure == "photograph":
        figure = figures.photograph(open_results(arguments.results), arguments.problem)
    else:
        parts = {title: open_results(getattr(arguments, part))
                 for part, title in paper.PARTS.items()}
        figure = paper.dynamics(parts)
    for path in arguments.output:
        figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: BSD-3-Clause
"""How soon a sweep of many finished runs goes on, and what a manager of many runs holds.

    /usr/bin/python3 tests/bench/resume.py

Starts the program with --deadline 0.001, so that it plans, reads the journals, and stops;
the time and the memory (peak of the resident set) of that, less those of a sweep of one run,
best of three. Needs the program and the tests in build/ (or $HTF_BUILD).
"""
import os
import pathlib
import subprocess
import tempfile
import time

BUILD = pathlib.Path(os.environ.get("HTF_BUILD", pathlib.Path(__file__).parents[2] / "build"))
SWEEP = """\
problem: {{shape: [4, 4, 4], samples: 20, test: 5}}
model: {{tree: binary, width: 2}}
stop: {{steps: 1}}
axes:
  - {{key: init.std, log: [1e-3, 1e-1, 10]}}
  - {{seeds: {seeds}}}
"""


def run(sweep, out):
    """One start: seconds, and MB at the peak."""
    began = time.monotonic()
    child = subprocess.Popen(
        [BUILD / "bin" / "htflow", "run", sweep, "--out", out, "--deadline", "0.001"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    child.stderr.read()
    _, code, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(code)
    assert child.returncode == 5, f"exit code {child.returncode}"
    return time.monotonic() - began, usage.ru_maxrss / 1000


def measure(folder, name, seeds, finished):
    """The best of three starts of a sweep of 10 x seeds runs, of which some are finished."""
    sweep, out = folder / f"{name}.yaml", folder / name
    sweep.write_text(SWEEP.format(seeds=seeds))
    if finished:
        run(sweep, out)
        subprocess.run([BUILD / "tests" / "make_finished", sweep, out, str(finished), "8"],
                       check=True)
    starts = [run(sweep, out) for _ in range(3)]
    return min(s for s, _ in starts), min(m for _, m in starts)


def main():
    with tempfile.TemporaryDirectory(prefix="htf-bench-", dir=os.environ.get("TMPDIR")) as name:
        folder = pathlib.Path(name)
        seconds, memory = measure(folder, "one", 1, 0)
        print(f"a sweep of 10 runs:               {seconds:6.2f} s, {memory:6.1f} MB")
        for label, seeds, finished in (("10^5 runs, all but 10 finished", 10_001, 100_000),
                                       ("10^6 runs, none finished", 100_000, 0),
                                       ("10^6 runs, all but 10 finished", 100_001, 1_000_000)):
            more, held = measure(folder, str(seeds + finished), seeds, finished)
            print(f"{label:32s}  {more:6.2f} s, {held:6.1f} MB: "
                  f"{more - seconds:.2f} s and {held - memory:.1f} MB more", flush=True)


if __name__ == "__main__":
    main()

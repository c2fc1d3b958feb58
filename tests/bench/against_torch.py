#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A gradient of htflow against one of PyTorch, the five problems of theory.md section 6.

    tests/bench/against_torch.py [--torch torch_htf.py] [--rounds 3] [--json]

Runs shared/bench/torch_htf.py, which lies beside the repository and is what a user would
write instead, and `htflow bench` in turn, both on one thread in float64, the torch's BLAS
with the kernels that htflow chose. Of both the fastest block of calls counts, in CPU time.
Needs a built htflow (build/, or HTF_BUILD) and Debian's python3-torch: jobs/setup.sh
--bench. Takes a minute and a half. Exit code 0 whatever comes out: it prints, it judges
nothing.
"""
import argparse
import contextlib
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import types

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("HTF_BUILD", ROOT / "build")) / "bin" / "htflow"

# order, mode, width, samples: torch time over ours, share of the dgemm's rate, at least
TARGETS = {
    (4, 16, 512, 2048): (18, 0.80),
    (4, 8, 64, 2048): (120, None),
    (4, 8, 16, 1024): (100, None),
    (8, 4, 32, 2048): (150, None),
    (16, 2, 16, 2048): (250, None),
}
MOST_PRODUCT = 2.2  # a Hessian-vector product, in gradients


def ask(*arguments):
    """What htflow prints as JSON."""
    done = subprocess.run([PROGRAM, *map(str, arguments), "--json"], check=True,
                          capture_output=True, text=True)
    return json.loads(done.stdout)


def load(path):
    """The torch program as a module that counts CPU time and takes the fastest block."""
    module = types.ModuleType("torch_htf")
    exec(compile(path.read_text(), path, "exec"), module.__dict__)  # imports torch
    module.time = types.SimpleNamespace(perf_counter=time.process_time)
    module.statistics = types.SimpleNamespace(median=min)
    return module


def torch_milliseconds(module, problem):
    """Milliseconds of a loss and its gradient, as the torch program prints them."""
    sys.argv = ["torch_htf.py", *map(str, problem), "float64", "1"]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        module.main()
    return float(printed.getvalue())


def compare(module, problem, rounds, directory):
    """Both in turn; the best of each."""
    best = None
    torch = float("inf")
    for _ in range(rounds):
        ours = ask("bench", "--rounds", 1, "--out", directory, "--problem",
                   ",".join(map(str, problem)))["problems"][0]
        torch = min(torch, torch_milliseconds(module, problem))
        if best is None:
            best = ours
        for key in ("gradient_ms", "product_ms"):
            best[key] = min(best[key], ours[key])
        best["dgemm_gflops"] = max(best["dgemm_gflops"], ours["dgemm_gflops"])
    ratio, share = TARGETS[problem]
    return {"problem": problem, "torch_ms": torch, "gradient_ms": best["gradient_ms"],
            "ratio": torch / best["gradient_ms"], "ratio_wanted": ratio,
            "product_in_gradients": best["product_ms"] / best["gradient_ms"],
            "product_wanted": MOST_PRODUCT,
            "share_of_dgemm": best["flops"] * 1e-6 / best["gradient_ms"]
            / best["dgemm_gflops"], "share_wanted": share}


def line(found):
    """A row of the table; what misses its target is marked."""
    def mark(good):
        return " " if good else "!"
    share, wanted = found["share_of_dgemm"], found["share_wanted"]
    return (f"{'%d, %d, %d, %d' % found['problem']:>17}  {found['torch_ms']:9.3f}"
            f"  {found['gradient_ms']:8.4f}  {found['ratio']:6.1f} of"
            f" {found['ratio_wanted']:3}{mark(found['ratio'] >= found['ratio_wanted'])}"
            f"  {found['product_in_gradients']:5.2f} of {MOST_PRODUCT}"
            f"{mark(found['product_in_gradients'] <= MOST_PRODUCT)}"
            f"  {share:5.2f}" + (f" of {wanted:.2f}{mark(share >= wanted)}" if wanted else ""))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torch", type=pathlib.Path,
                        default=ROOT.parent / "shared" / "bench" / "torch_htf.py")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    os.environ["OPENBLAS_CORETYPE"] = ask("version")["libraries"]["blas_core"]
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
    module = load(options.torch)
    if not options.json:
        print(f"PyTorch {module.torch.__version__}, kernels {os.environ['OPENBLAS_CORETYPE']};"
              " ! misses its target\n"
              f"{'problem':>17}  {'torch ms':>9}  {'ours ms':>8}  {'ratio':>13}"
              f"  {'product':>12}  {'share of dgemm':>14}")
    all_found = []
    with tempfile.TemporaryDirectory() as directory:
        for problem in TARGETS:
            all_found.append(compare(module, problem, options.rounds, directory))
            if not options.json:
                print(line(all_found[-1]), flush=True)
    if options.json:
        print(json.dumps(all_found, indent=2))


if __name__ == "__main__":
    main()

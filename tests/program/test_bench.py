# SPDX-License-Identifier: BSD-3-Clause
"""htflow bench: what it says, never how fast."""
import json
import math

import pytest

from program import htflow


def bench(tmp_path, *arguments):
    return htflow("bench", "--rounds", 1, "--out", tmp_path, *arguments)


def test_bench_measures_the_problems_asked_for(tmp_path):
    asked = {"order": 4, "mode": 4, "width": 6, "samples": 256}
    result = bench(tmp_path, "--json", "--problem", "4,4,6,256", "--problem", "3,5,2,20")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    first, second = found["problems"]
    assert {key: first[key] for key in asked} == asked and second["order"] == 3
    # Every entry is a sample: of each half of the modes there are 16 distinct tuples. One
    # half's table is multiplied by the product of the three matrices at the root.
    assert first["flops"] == 6 * (16 * 6 * 6 + 6 * 6 * 6)
    assert first["parameters"] == 4 * 4 * 6 + 2 * 6 * 6 + 6
    assert first["table_bytes"] == 8 * 2 * 16 * (6 + 6)
    assert first["parameter_bytes"] == 8 * first["parameters"]
    for problem in found["problems"]:
        assert problem["evaluation_bytes"] > problem["table_bytes"]
        times = [problem[key] for key in ("gradient_ms", "product_ms", "row_ms")]
        assert all(0 < time < 1e4 for time in times)
        assert problem["gflops"] == pytest.approx(
            problem["flops"] / problem["gradient_ms"] * 1e-6)
        assert problem["share_of_dgemm"] == pytest.approx(
            problem["gflops"] / problem["dgemm_gflops"])
        assert problem["product_in_gradients"] == pytest.approx(
            problem["product_ms"] / problem["gradient_ms"])
        least = max(problem["flops"] / problem["dgemm_gflops"],
                    problem["traffic_bytes"] / problem["bandwidth_gbytes"]) * 1e-6
        assert problem["roofline_ms"] == pytest.approx(least)
    assert found["journal_puts_per_second"] > 0 and math.isfinite(found["peak_gflops"])
    assert found["small_products"].startswith("libxsmm")
    assert not list(tmp_path.iterdir())  # the journal that was tried is gone


def test_bench_prints_a_line_for_each_problem(tmp_path):
    result = bench(tmp_path, "--problem", "2,7,3,30")
    assert result.returncode == 0, result.stderr
    rows = [line.split()[:4] for line in result.stdout.splitlines()]
    assert ["order", "mode", "width", "samples"] in rows and ["2", "7", "3", "30"] in rows
    assert "records of 50 kB a second" in result.stdout


@pytest.mark.parametrize("arguments, code, message", [
    (("--problem", "4,8,16"), 2, "--problem 4,8,16: wants ORDER,MODE,WIDTH,SAMPLES"),
    (("--problem", "4,8,16,100x"), 2, "wants ORDER,MODE,WIDTH,SAMPLES"),
    (("--problem", "1,8,16,100"), 2, "wants ORDER,MODE,WIDTH,SAMPLES"),
    (("--problem", "2,3,4,10"), 3, "9"),
    (("--rounds", "0"), 2, "--rounds 0: wants a number from 1 to 1000"),
    (("--problem", "2,7,3,30", "--out", "/nowhere"), 6, "/nowhere"),
])
def test_bench_says_what_it_cannot_measure(tmp_path, arguments, code, message):
    result = bench(tmp_path, *arguments)
    assert result.returncode == code
    assert message in result.stderr

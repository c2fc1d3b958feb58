# SPDX-License-Identifier: BSD-3-Clause
"""htflow plan: what a sweep would run, and what that takes."""
import json
import re
import subprocess

import h5py
import pytest

from program import SWEEP, htflow, write


def told(path, *arguments):
    result = htflow("plan", path, "--json", *arguments)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_points_that_are_dropped_are_counted(tmp_path):
    text = SWEEP + "where: init.std < 0.2 or model.tree == binary\nflow: {lr: 3}\n"
    text = text.replace("{seeds: 2}", "{key: init.seed, values: [5, 6, 5]}")
    sweep = write(tmp_path / "sweep.yaml", text)
    plan = told(sweep)
    assert [plan[k] for k in ("points", "excluded", "duplicates", "runs")] == [12, 3, 3, 6]
    assert plan["first"] == {"model_tree": "binary", "init_std": "0.1", "init_seed": "5"}
    assert plan["last"] == {"model_tree": "flat", "init_std": "0.1", "init_seed": "6"}
    assert len(plan["warnings"]) == 2 and plan["warnings"][0].startswith("flow.lr")
    text = htflow("plan", sweep)
    assert "of 12 points; where drops 3, 3 are equal to earlier ones" in text.stdout
    assert "first run          model_tree=binary init_std=0.1 init_seed=5" in text.stdout
    assert "flow.lr changes nothing" in text.stderr


def test_time_is_predicted_for_ranks(tmp_path):
    sweep = write(tmp_path / "sweep.yaml", SWEEP)
    plan = told(sweep, "--ranks", "1,3,20")
    assert plan["sizes"] == plan["sizes_measured"] == 2
    assert plan["core_seconds"] > plan["longest_seconds"] > 0
    one, three, twenty = plan["ranks"]
    assert one["makespan"] == pytest.approx(plan["core_seconds"])
    assert one["efficiency"] == pytest.approx(1)
    assert plan["core_seconds"] / 3 <= three["makespan"] <= one["makespan"]
    assert twenty["makespan"] == pytest.approx(plan["longest_seconds"])  # 19 work on 8 runs
    assert re.fullmatch(r"sbatch -n \d+ -t \d\d:\d0:00 --mem-per-cpu=\d+00M "
                        r"jobs/sweep.sbatch \S+ DIR", plan["sbatch"])
    assert plan["gradients"] > 0 and plan["products"] > 0 and plan["bytes_of_records"] > 0


def test_finished_runs_correct_it(tmp_path):
    sweep = write(tmp_path / "sweep.yaml", SWEEP)
    directory = tmp_path / "out"
    assert htflow("run", sweep, "--out", directory).returncode == 0
    plan = told(sweep, "--out", directory)
    assert plan["finished"] == 8 and plan["left"] == 0 and plan["core_seconds"] == 0
    assert plan["correction"] > 0 and plan["correction"] != 1
    grown = write(tmp_path / "grown.yaml", SWEEP.replace("seeds: 2", "seeds: 3"))
    plan = told(grown, "--out", directory)
    assert plan["finished"] == 8 and plan["left"] == 4 and plan["core_seconds"] > 0
    assert "finished           8 runs" in htflow("plan", grown, "--out", directory).stdout


def test_it_writes_nothing(tmp_path):
    sweep = write(tmp_path / "sweep.yaml", SWEEP)
    assert htflow("plan", sweep).returncode == 0
    result = htflow("plan", sweep, "--out", tmp_path / "none")
    assert result.returncode == 6 and "none" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["sweep.yaml"]


@pytest.mark.parametrize("axes", [
    "{seeds: 1000000000}",
    "{seeds: 40000}, {key: problem.seed, range: [0, 40000, 1]}",
    "{key: init.std, linear: [1, 2, 1000001]}"])
def test_a_sweep_that_is_too_large_is_refused_at_once(tmp_path, axes):
    result = htflow("plan", write(tmp_path / "s.yaml", f"axes: [{axes}]\n"), timeout=20)
    assert result.returncode == 3 and "s.yaml:1:" in result.stderr


@pytest.mark.parametrize("text, message", [
    ("where: init.sdt < 1\n", 's.yaml:1:8: unknown key "init.sdt"; did you mean init.std?'),
    ("where: init.std < 1 and\n", "where: wants a key or a value at its end"),
    ("where: init.std > 1\n", "where drops all of the sweep's 1 points"),
    ("blocks: [{seeds: 2}]\n", "a block wants a list of axes"),
    ("axes: [zip: [{seeds: 2}, {key: init.std, values: [1]}]]\n", "axes of a zip"),
    ("axes: [{key: init.std, uniform: [2, 1, 3]}]\n", "uniform wants")])
def test_bad_sweeps_end_in_a_message_and_code_3(tmp_path, text, message):
    result = htflow("plan", write(tmp_path / "s.yaml", text))
    assert result.returncode == 3 and message in result.stderr
    assert "    1 | " + text.split("\n")[0] in result.stderr


@pytest.mark.parametrize("ranks", ["0", "1,x", "2.5", "1,,2"])
def test_senseless_ranks_are_refused(tmp_path, ranks):
    sweep = write(tmp_path / "sweep.yaml", SWEEP)
    assert htflow("plan", sweep, "--ranks", ranks).returncode == 2


def test_blocks_conditions_and_equal_points_come_out_in_the_results(tmp_path):
    sweep = write(tmp_path / "sweep.yaml", SWEEP[:SWEEP.index("axes:")] + """\
where: init.seed != 1 or model.tree == flat
axes: [{key: init.std, values: [0.2, 0.3]}]
blocks:
  - [{key: model.tree, values: [binary, flat]}, {seeds: 2}]
  - [{key: model.width, values: [5, 4]}]   # 5 is the base: in the first block already
""")
    directory = tmp_path / "out"
    assert htflow("run", sweep, "--out", directory).returncode == 0
    with h5py.File(directory / "results.h5") as file:
        runs = {name: file["runs"][name][()] for name in
                ("init_std", "model_tree", "model_width", "seed", "status")}
    runs = [(std, tree.decode(), int(width), int(seed), int(status))
            for std, tree, width, seed, status in zip(*runs.values())]
    assert runs == [(std, *rest) for std in (0.2, 0.3) for rest in [
        ("binary", 5, 0, 1), ("flat", 5, 0, 1), ("flat", 5, 1, 1)]] + \
        [(0.2, "binary", 4, 0, 1), (0.3, "binary", 4, 0, 1)]
    # The same again from the resolved text, as every other rank reads it.
    resolved = write(tmp_path / "resolved.yaml", htflow("plan", sweep, "--resolved").stdout)
    assert told(resolved)["plan_hash"] == told(sweep)["plan_hash"]
    assert told(resolved, "--out", directory)["left"] == 0


def minutes(text):
    """Of HH:MM:SS."""
    hours, rest, _ = map(int, text.split(":"))
    return 60 * hours + rest


def test_it_writes_a_job_script_with_what_it_predicts(tmp_path):
    sweep, job = write(tmp_path / "it's.yaml", SWEEP), tmp_path / "job.sbatch"
    site = write(tmp_path / "site.conf", "##SBATCH --account=x\n#SBATCH --account=y\nagain=no\n")
    out = tmp_path / "not there"
    wanted = told(sweep)["sbatch"].split()
    assert htflow("plan", sweep, "--out", out, "--site", site, "--set", "problem.seed=7",
                  "--sbatch", job).stdout == f"sbatch {job}\n"
    text = job.read_text()
    head = text[:text.index("again=no")]  # sbatch reads no further than the first command
    options = re.findall(r"^#SBATCH --([\w-]+)=?(.*)$", head, re.MULTILINE)
    assert [word for name, word in options if name == "account"] == ["y"]
    options = dict(options)
    # Each prediction times the machine anew, and ranks go by powers of two.
    assert 0.5 <= int(options["ntasks"]) / int(wanted[2]) <= 2
    assert 0.2 < minutes(options["time"]) / minutes(wanted[4]) < 5
    assert f"--mem-per-cpu={options['mem-per-cpu']}" == wanted[5]
    assert options["signal"].startswith("B:USR1@") and options["open-mode"] == "append"
    assert "requeue" in options and not out.exists()
    [arguments] = re.findall(r"^set -- .*$", text, re.MULTILINE)
    words = subprocess.run(["bash", "-c", f"{arguments}; printf '%s\\n' \"$@\"", job, "more"],
                           capture_output=True, text=True, check=True).stdout.splitlines()
    assert words == [str(sweep), str(out), "--set", "problem.seed=7", "more"]
    assert subprocess.run(["bash", "-n", job], check=False).returncode == 0


def test_a_job_script_goes_to_stdout_and_overwrites_nothing(tmp_path):
    sweep, there = write(tmp_path / "sweep.yaml", SWEEP), write(tmp_path / "job", "mine")
    text = htflow("plan", sweep, "--out", tmp_path, "--sbatch", "-").stdout
    assert text.startswith("#!/bin/bash\n") and "@ARGUMENTS@" not in text
    result = htflow("plan", sweep, "--out", tmp_path, "--sbatch", there)
    assert result.returncode == 2 and "is there already" in result.stderr
    assert there.read_text() == "mine"
    result = htflow("plan", sweep, "--sbatch", "-")
    assert result.returncode == 2 and "--sbatch wants --out DIR" in result.stderr

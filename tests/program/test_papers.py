# SPDX-License-Identifier: BSD-3-Clause
"""Man pages and citation: complete, sound, and of one mind with the program."""
import functools
import json
import pathlib
import re
import shlex
import subprocess

import h5py
import pytest

from program import htflow, write

ROOT = pathlib.Path(__file__).parents[2]
COMMANDS = [line.split()[0] for line in
            htflow("--help").stdout.split("commands:\n")[1].split("\n\n")[0].splitlines()]
PAGES = ["htflow", "sweep", "results", *COMMANDS]
SMALL = """\
problem: {shape: [3, 3, 3], samples: 20, test: 5}
model: {width: 2}
stop: {steps: 20}
record: {observables: [all], entries: [0_1_2], partitions: [0_2]}
events: {component: [1e-3], loss: [0.5]}
axes: [{key: init.std, values: [0.1, 0.2]}]
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """topic -> the page's file, as an installation has it."""
    share = tmp_path_factory.mktemp("papers")
    assert htflow("help", "--papers", share).returncode == 0
    found = {path.name.split(".")[0].removeprefix("htflow-"): path
             for path in share.glob("man/man?/*")}
    assert sorted(found) == sorted(PAGES)
    return found


def read(page):
    """A page as a reader sees it, without line breaks, hyphenation and columns."""
    text = subprocess.run(["mandoc", "-Tutf8", "-Owidth=900", page], check=True, text=True,
                          capture_output=True).stdout
    return re.sub("(.)\b", "", text)


@functools.cache
def usage(command):
    return htflow(command, "--help").stdout


def options(command):
    return re.findall(r"^  (?:-\w, )?(--[\w-]+)", usage(command), re.M)


@pytest.mark.parametrize("topic", PAGES)
def test_a_page_is_sound(pages, topic):
    done = subprocess.run(["mandoc", "-Tlint", "-W", "style", pages[topic]], text=True,
                          capture_output=True)
    assert done.returncode == 0 and done.stdout + done.stderr == ""
    assert htflow("help", "--man", topic).stdout == pages[topic].read_text()
    headings = re.findall(r"^\.SH (.*)", pages[topic].read_text(), re.M)
    wanted = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "ENVIRONMENT",
              "FILES", "EXAMPLES", "SEE ALSO"]
    if topic in ("sweep", "results"):
        wanted = [name for name in wanted if name[0] not in "OF" and name[:2] not in ("EN", "EX")
                  or name == "EXAMPLES"]
    elif topic != "htflow" and "DIR" not in usage(topic):
        wanted.remove("FILES")
    assert [name for name in headings if name in wanted] == wanted


@pytest.mark.parametrize("command", COMMANDS)
def test_a_page_has_every_option(pages, command):
    text = read(pages[command])
    for option in options(command):
        assert re.search(rf"^ +(-\w, )?{option}\b", text, re.M), option
    assert "--help" in options(command)


def test_examples_are_command_lines_that_parse(pages):
    """Each command has one. --help ends a command once its options are read."""
    lines = re.findall(r"^\.EX\n(.*)\n\.EE$", pages["htflow"].read_text(), re.M)
    seen = set()
    for line in lines:
        line = line.replace(r"\-", "-").replace(r"\(aq", "'")
        words = re.sub(r"^.*(?=htflow )|[|>].*|\)$", "", line)
        command, *rest = shlex.split(words)[1:]
        assert htflow(command, *rest, "--help").returncode == 0, line
        assert usage(command).split("\nexamples:\n")[1].count(f"  {line}\n") == 1
        seen.add(command)
    assert seen == set(COMMANDS)


def test_the_sweep_page_has_every_key_and_default(pages):
    text = read(pages["sweep"])
    properties = json.loads(htflow("init", "--schema").stdout)["properties"]
    keys = [key for key in properties if "." in key] + ["seed", "name", "axes", "blocks", "where"]
    assert len(keys) > 50
    for key in keys:
        assert re.search(rf"^ +{re.escape(key)}\b", text, re.M), key
    assert "problem.shape — a list of mode sizes like [8, 8, 8, 8]; default [8, 8, 8, 8]" in text
    assert "From 1e-13 to 0.1" in text and "bdf | gd | adams" in text
    axis = json.loads(htflow("init", "--schema").stdout)["definitions"]["axis"]["properties"]
    for form in set(axis) - {"key"}:
        assert re.search(rf"^ +{form}: ", text, re.M), form


def test_the_results_page_has_all_that_is_in_a_file(pages, tmp_path):
    assert htflow("run", write(tmp_path / "s.yaml", SMALL), "--out",
                  tmp_path / "d").returncode == 0
    named = {word.rstrip("/") for word in re.findall(r"[\w/]+", read(pages["results"]))}
    with h5py.File(tmp_path / "d/results.h5") as file:
        known = set(file["runs"].attrs["coordinates"].split())  # what is swept
        found = set(file.attrs) | {"/" + name for name in file}
        for group in (file["runs"], file["timings"], file["trajectories/c0"]):
            found |= set(group) | set(group.attrs)
        assert len(found) > 80
        assert found - named - known == set()
        weights = {re.sub("_.*", "_", name) for name in file["weights/c0"]}
        assert weights <= {"w_", "row_", "column_", "run"}
    files = read(pages["htflow"]).split("FILES\n")[1].split("EXAMPLES\n")[0]
    patterns = [line.strip().removeprefix("DIR/") for line in files.splitlines()
                if line.strip().startswith("DIR/")]
    left = [path.relative_to(tmp_path / "d") for path in (tmp_path / "d").rglob("*")
            if path.is_file()]
    assert len(left) >= 4
    for path in left:
        assert any(path.match(pattern) for pattern in patterns), path


def test_help_of_a_command_is_its_help():
    assert htflow("help", "plan").stdout == usage("plan")


def test_wrong_topics_are_refused():
    for words in (["--man", "nope"], ["--completion", "csh"], ["nope"], [],
                  ["observables", "--man", "run"]):
        told = htflow("help", *words)
        assert told.returncode == (2 if words else 0)
        assert bool(told.stderr) == bool(words)


def entries(text):
    """The BibTeX entries of a text, however it is indented."""
    lines = [line.strip() for line in text.splitlines()]
    return re.findall(r"^@\w+\{.*?^\}$", "\n".join(lines), re.S | re.M)


def test_readme_cites_as_the_program_does():
    told = entries(htflow("version", "--cite").stdout)
    assert [re.match(r"@\w+\{(\w+)", entry).group(1) for entry in told] == [
        "htflow", "razin2022implicit"]
    assert f"version = {{{htflow('version').stdout.split()[1]}}}" in told[0]
    assert entries((ROOT / "README.md").read_text()) == told

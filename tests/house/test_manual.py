# SPDX-License-Identifier: BSD-3-Clause
"""What the tables of src/cli/manual.c owe to the rest of the sources."""
import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HTF_BUILD", ROOT / "build"))
TABLES = (ROOT / "src/cli/manual.c").read_text()


def test_every_variable_that_is_read_is_told():
    sources = "\n".join(path.read_text() for path in ROOT.glob("src/*/*.c"))
    names = set(re.findall(r'getenv\("(\w+)"\)', sources))
    names |= set(re.findall(r'"(\w+)"', re.search(
        r"htf_sweep_launched\(void\) \{(.*?)\};", sources, re.S).group(1)))
    assert len(names) >= 10
    told = TABLES[TABLES.index("variables[] = {"):].split("};")[0]
    assert {name for name in names if not re.search(rf"\b{name}\b", told)} == set(), \
        "src/cli/manual.c: htf_manual__variables does not tell of these"


def test_every_command_has_an_example():
    text = subprocess.run([BUILD / "bin/htflow", "--help"], check=True, text=True,
                          capture_output=True).stdout
    commands = re.findall(r"^  (\w+) ", text.split("commands:")[1].split("\n\n")[0], re.M)
    shown = re.findall(r'^    \{"(\w+)", ', TABLES[TABLES.index("examples[] = {"):], re.M)
    assert len(commands) > 10
    assert set(commands) - set(shown) == set(), "src/cli/manual.c: no example of these"

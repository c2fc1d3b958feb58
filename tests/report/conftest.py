# SPDX-License-Identifier: BSD-3-Clause
"""Results files of every kind, their reports, and a browser to look at these."""
import os
import pathlib
import re
import subprocess
import sys

import h5py
import numpy as np
import pytest

from browser import Browser

ROOT = pathlib.Path(__file__).parents[2]
PROGRAM = pathlib.Path(os.environ.get("HTF_BUILD", ROOT / "build")) / "bin" / "htflow"
sys.path.insert(0, str(ROOT / "analysis"))

BASE = """\
problem: {shape: [4, 4, 4], samples: 48, test: 16, target: {tree: flat, width: 2, norm: 8}}
model: {tree: binary, width: 4}
record: {points: 60, components: 4}
"""
# what a careless page would run, or show as less than it is
NAME = "<script>alert(1)</script> & \\\"quoted\\\" </script><img src=x onerror=alert(2)>"
# of two trees; descent with a rate of 1e6 leaves the range of doubles
MIXED = f'name: "{NAME}"\n' + BASE + """\
flow: {lr: 1e6}
stop: {loss: 1e-4, steps: 300}
axes:
  - {key: model.tree, values: [binary, flat]}
  - {key: flow.method, values: [bdf, gd]}
  - {key: init.std, values: [0.05, 0.2]}
  - {seeds: 2}
"""


def htflow(*words, **environment):
    """Run htflow; what became of it."""
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, env={**os.environ, **environment})


def results(folder, text, *more):
    """Results of a sweep."""
    folder.mkdir(parents=True)
    (folder / "sweep.yaml").write_text(text)
    done = htflow("run", folder / "sweep.yaml", "--out", folder / "out", *more)
    assert done.returncode in (0, 4, 5), done.stderr
    return folder / "out" / "results.h5"


def page_of(path, output, limit=20e6, pictures=()):
    """The page of a results file, made in this process and without figures."""
    from htflow.report import collect, make_page
    report = collect(path, PROGRAM, limit)
    output.write_text(make_page(report, list(pictures)), encoding="utf-8")
    return output


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="session")
def mixed(folder):
    """Results of two trees, half of whose runs failed."""
    return results(folder / "mixed", MIXED)


@pytest.fixture(scope="session")
def page(mixed, folder):
    """Their report, by the program itself."""
    done = htflow("report", mixed, "-o", folder / "mixed.html")
    assert done.returncode == 0, done.stderr
    return folder / "mixed.html"


@pytest.fixture(scope="session")
def browser(folder):
    browser = Browser(folder / "profile")
    browser.size(1280, 900)
    yield browser
    browser.close()


# ---- many runs ------------------------------------------------------------------------

def tile(source, target, times):
    """A results file with the runs of another repeated, their numbers run on."""
    with h5py.File(source) as old, h5py.File(target, "w") as new:
        runs = old["runs/run"].shape[0]

        def copy(name, item):
            if isinstance(item, h5py.Group):
                new.require_group(name)
            else:
                group = item.parent.name
                along = item.dims and item.shape[:1] == old[f"{group}/run"].shape and \
                    not re.search(r"/(node|component|partition|value|sample|event)$", item.name)
                data = np.concatenate([item[:]] * times) if along else item[:]
                if name.endswith("/run") and group != "/runs" or name == "runs/run":
                    data += np.repeat(np.arange(times), item.shape[0]) * runs
                if name == "runs/row":
                    sizes = {of: old[f"trajectories/{of}/run"].shape[0]
                             for of in old["trajectories"]}
                    step = np.array([sizes.get(of.decode(), 0)
                                     for of in old["runs/trajectory"][:]])
                    data += np.concatenate([step * i for i in range(times)])
                new.create_dataset(name, data=data, dtype=item.dtype)
            for key, value in item.attrs.items():
                if key not in ("DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME"):
                    new[name].attrs[key] = value

        old.visititems(copy)
        for key, value in old.attrs.items():
            new.attrs[key] = value
        scales(old, new)


def scales(old, new):
    """The dimension scales of one file in another."""
    pairs = []

    def note(name, item):
        if isinstance(item, h5py.Dataset):
            if h5py.h5ds.is_scale(item.id):
                new[name].make_scale(name.rsplit("/", 1)[-1])
            pairs.extend((name, i, old[dim[0].name].name) for i, dim in enumerate(item.dims)
                         if len(dim))

    old.visititems(note)
    for name, i, scale in pairs:
        new[name].dims[i].attach_scale(new[scale])


@pytest.fixture(scope="session")
def many(folder):
    """Results of 10^4 runs: 100 real ones, a hundred times over."""
    text = BASE.replace("points: 60", "points: 24") + """\
stop: {loss: 1e-3}
axes:
  - {key: model.tree, values: [binary, flat]}
  - {key: init.std, log: [0.05, 0.4, 5]}
  - {seeds: 10}
"""
    small = results(folder / "many", text.replace("[4, 4, 4], samples: 48, test: 16",
                                                  "[3, 3, 3], samples: 20, test: 7"))
    tile(small, folder / "many.h5", 100)
    return folder / "many.h5"

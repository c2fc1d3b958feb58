# SPDX-License-Identifier: BSD-3-Clause
"""The package as users get it: the notebook of the first hour, and an installation by pip."""
import os
import shutil
import subprocess
import sys

import nbclient
import nbformat

from conftest import BASE, ROOT, run_sweep

NOTEBOOK = ROOT / "analysis" / "first-hour.ipynb"
SWEEP = BASE.replace("weights: best", "weights: final") + """\
axes:
  - {key: model.tree, values: [binary, flat]}
  - {key: init.std, values: [0.01, 0.03]}
  - {seeds: 2}
"""


def outputs(notebook):
    """Texts and pictures of a notebook that was executed."""
    found = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    texts = [output.get("text") or output["data"].get("text/plain", "") for output in found
             if output.output_type in ("stream", "execute_result", "display_data")]
    pictures = [output for output in found if "image/png" in output.get("data", {})]
    return "\n".join(texts), pictures


def test_the_notebook_of_the_first_hour_runs(tmp_path, monkeypatch):
    """From the program's file to the dense tensor, whose singular values a cell compares."""
    monkeypatch.setenv("HTF_RESULTS", str(run_sweep(tmp_path, SWEEP)))
    monkeypatch.setenv("HTF_ANALYSIS", str(ROOT / "analysis"))
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / "jupyter"))
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    notebook = nbformat.read(NOTEBOOK, 4)
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3",
                            resources={"metadata": {"path": str(tmp_path)}}).execute()
    text, pictures = outputs(notebook)
    assert "8 runs done, 0 failed, 0 pending; axes model_tree, init_std, seed" in text
    assert "of the dense tensor" in text
    assert len(pictures) == 7


def test_the_notebook_is_light_and_holds_no_outputs():
    notebook = nbformat.read(NOTEBOOK, 4)
    nbformat.validate(notebook)
    assert NOTEBOOK.stat().st_size < 300_000
    assert all(not cell.get("outputs") and cell.get("execution_count") is None
               for cell in notebook.cells)


def test_pip_installs_the_package_without_network(path, tmp_path):
    """And its command runs where the source is not."""
    source, target = tmp_path / "source", tmp_path / "target"
    shutil.copytree(ROOT / "analysis", source, ignore=shutil.ignore_patterns("tests", "*.pyc"))
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--no-index",
         "--disable-pip-version-check", "--target", target, source], capture_output=True, text=True,
        stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    ours = {p.relative_to(source).as_posix() for p in (source / "htflow").rglob("*") if p.is_file()}
    theirs = {p.relative_to(target).as_posix() for p in (target / "htflow").rglob("*")}
    assert ours <= theirs
    told = subprocess.run(
        [sys.executable, "-c", "import htflow; print(htflow.__file__, htflow.open_results("
         f"{str(path)!r}).runs.sizes['run'])"], capture_output=True, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(target)}, stdin=subprocess.DEVNULL)
    assert told.stdout.split() == [str(target / "htflow" / "__init__.py"), "8"], told.stderr

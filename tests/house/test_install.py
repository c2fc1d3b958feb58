# SPDX-License-Identifier: BSD-3-Clause
"""What `cmake --install` leaves is enough for those who run htflow and those who build on it."""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HTF_BUILD", ROOT / "build"))
USER = """#include <htflow/version.h>
#include <htflow/random.h>
#include <stdio.h>
int main(void) {
  htf_random stream = htf_random_open(1, HTF_RANDOM_TEST, 0);
  printf("%s %g\\n", htf_version(), htf_random_uniform(&stream));
}
"""
CMAKE = """cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES C)
find_package(htflow 0.1 REQUIRED)
add_executable(user user.c)
target_link_libraries(user htflow::htflow)
"""


def output(*command, **more):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE,
                          **more).stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """Installed into one place and moved to another: nothing may remember where it was."""
    first = tmp_path_factory.mktemp("install") / "first"
    output("cmake", "--install", BUILD, "--prefix", first)
    return first.rename(first.with_name("second"))


@pytest.fixture
def user(tmp_path):
    (tmp_path / "user.c").write_text(USER)
    (tmp_path / "CMakeLists.txt").write_text(CMAKE)
    return tmp_path


def test_bin_lib_and_headers_are_there(prefix):
    doors = {path.name for path in (ROOT / "include/htflow").iterdir()}
    assert {path.name for path in (prefix / "include/htflow").iterdir()} == doors
    assert (prefix / "bin/htflow").exists()
    assert (prefix / "lib/libhtflow.so").is_symlink()
    assert not list(prefix.glob("**/*.a")), "the rooms are no libraries of their own"


def test_papers_and_examples_are_there(prefix):
    share = prefix / "share"
    pages = {path.name for path in share.glob("man/man?/*")}
    assert {"htflow.1", "htflow-run.1", "htflow-sweep.5", "htflow-results.5"} <= pages
    page = share / "man/man1/htflow-plan.1"
    assert page.read_text() == output(prefix / "bin/htflow", "help", "--man", "plan")
    for path in ("bash-completion/completions/htflow", "zsh/site-functions/_htflow",
                 "fish/vendor_completions.d/htflow.fish", "doc/htflow/README.md",
                 "doc/htflow/LICENSE"):
        assert (share / path).is_file(), path
    for picture in set(re.findall(r"\]\((data/[^)]*)\)", (ROOT / "README.md").read_text())):
        assert (share / "doc/htflow" / picture).is_file(), picture
    sweeps = {path.name for path in (share / "htflow/examples").iterdir()}
    assert sweeps == {path.name for path in (ROOT / "jobs").glob("*.yaml")}
    for sweep in sorted(share.glob("htflow/examples/quickstart-*.yaml")):
        output(prefix / "bin/htflow", "plan", sweep, "--resolved", cwd=ROOT)
    scripts = {path.name for path in (share / "htflow/jobs").iterdir()}
    assert not scripts & {"setup.sh", "quickstart.sh", "paper.sh"}  # which want the sources


def test_the_installed_program_runs(prefix):
    linked = output("ldd", prefix / "bin/htflow")
    assert f"{prefix}/bin/../lib/libhtflow.so" in linked
    assert f"{BUILD}/lib" not in linked
    assert "0.1.0" in output(prefix / "bin/htflow", "version")


def test_pkg_config_finds_the_library(prefix, user):
    path = {**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}
    flags = output("pkg-config", "--cflags", "--libs", "htflow", env=path).split()
    version = output("pkg-config", "--modversion", "htflow", env=path).strip()
    output("gcc", user / "user.c", *flags, f"-Wl,-rpath,{prefix}/lib", "-o", user / "user")
    assert output(user / "user").split()[0] == version


def test_cmake_finds_the_package(prefix, user):
    output("cmake", "-G", "Ninja", "-S", user, "-B", user / "build",
           f"-DCMAKE_PREFIX_PATH={prefix}")
    output("cmake", "--build", user / "build")
    assert output(user / "build/user").startswith("0.1.0 0.")

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


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The Debian package that cpack makes."""
    folder = tmp_path_factory.mktemp("package")
    output("cpack", "-G", "DEB", "--config", BUILD / "CPackConfig.cmake", "-B", folder)
    return next(folder.glob("htflow_*.deb"))


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
    for sweep in share.glob("htflow/examples/*.yaml"):
        output(prefix / "bin/htflow", "plan", sweep, "--resolved", cwd=share / "htflow")
    scripts = {path.name for path in (share / "htflow/jobs").iterdir()}
    assert {"sweep.sbatch", "array.sbatch", "chain.sh", "site.conf", "README.md"} <= scripts
    assert not scripts & {"setup.sh", "quickstart.sh", "paper.sh"}  # which want the sources
    assert os.access(share / "htflow/jobs/chain.sh", os.X_OK)
    assert (share / "htflow/python/htflow/__init__.py").is_file()
    assert not list(prefix.glob("**/__pycache__"))


def test_the_installed_program_runs(prefix):
    linked = output("ldd", prefix / "bin/htflow")
    assert f"{prefix}/bin/../lib/libhtflow.so" in linked
    assert f"{BUILD}/lib" not in linked
    assert "0.1.0" in output(prefix / "bin/htflow", "version")


def test_the_installed_program_finds_its_python(prefix, tmp_path):
    assert not list(prefix.glob("**/__pycache__"))
    (tmp_path / "no.h5").write_text("no results")
    done = subprocess.run([prefix / "bin/htflow", "report", tmp_path / "no.h5"], text=True,
                          capture_output=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 7 and "is not a results file" in done.stderr


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


def test_the_package_says_what_it_is(package):
    control = output("dpkg-deb", "--field", package)
    field = dict(line.split(": ", 1) for line in control.splitlines() if line[:1].strip())
    assert field["Package"] == "htflow" and field["Version"] == "0.1.0"
    assert field["Section"] == "science"
    assert re.fullmatch(r".+ <\S+@\S+>", field["Maintainer"])
    depends = {words.split()[0] for words in field["Depends"].split(", ")}
    assert {"openmpi-bin", "libopenmpi3", "libfyaml0", "libsqlite3-0"} <= depends
    assert any(name.startswith("libhdf5-openmpi") for name in depends)
    assert field["Description"][0].islower() and len(field["Description"]) < 80
    lines = re.findall(r"^ .*$", control.split("Description: ")[1], re.M)
    assert len(lines) > 5 and all(re.match(r" [.\w]", line) for line in lines)


def test_the_package_runs_where_it_is_unpacked(package, tmp_path):
    """Without a RUNPATH: as Debian wants it, the library is found in /usr/lib."""
    output("dpkg", "-x", package, tmp_path)
    usr = tmp_path / "usr"
    library = {**os.environ, "LD_LIBRARY_PATH": str(usr / "lib")}
    assert f"{usr}/lib/libhtflow.so" in output("ldd", usr / "bin/htflow", env=library)
    assert "PATH" not in output("objdump", "-p", usr / "bin/htflow").replace("R_PATH", "")
    told = output(usr / "bin/htflow", "version", env=library)
    assert told.startswith("htflow 0.1.0")
    page = output("gzip", "-dc", usr / "share/man/man1/htflow-run.1.gz")
    assert page == output(usr / "bin/htflow", "help", "--man", "run", env=library)
    doc = usr / "share/doc/htflow"
    licence = " ".join((ROOT / "LICENSE").read_text().split()[3:])
    copyright_ = " ".join((doc / "copyright").read_text().replace("\n .\n", "\n").split())
    assert licence.split("Redistribution", 1)[1] in copyright_
    assert output("gzip", "-dc", doc / "changelog.gz").startswith("htflow (0.1.0) ")

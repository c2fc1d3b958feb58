# SPDX-License-Identifier: BSD-3-Clause
"""The tree obeys the rules of the house, and each rule catches a tree that does not.

The libraries are looked at in $HTF_BUILD (build/ by default): build first.
"""

import os
import pathlib
import subprocess

import pytest

import built
import rules

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HTF_BUILD", ROOT / "build"))
SPDX = "// SPDX-License-Identifier: BSD-3-Clause\n"
BASE = SPDX + "// x.h: (room: base)\n#pragma once\n"
FLOW = SPDX + "// y.h: (room: flow)\n#pragma once\n"

OF_SOURCES = [
    rules.doors_name_their_rooms,
    rules.includes_follow_the_map,
    rules.foreign_headers_stay_home,
    rules.link_graph_is_the_include_graph,
    rules.tests_are_registered,
    rules.files_begin_well,
    rules.sizes_are_human,
    rules.nothing_is_marked_unfinished,
    rules.greater_is_written_as_less,
    rules.heap_and_terminal_have_one_door,
    rules.top_level_is_as_designed,
    built.doors_compile_alone,
    built.doors_are_documented,
]
OF_LIBRARIES = [built.symbols_bear_their_prefix, built.library_is_its_doors]

needs_formatter = pytest.mark.skipif(not built.formatter_present(),
                                     reason="no clang-format 14")


def plant(root, tree):
    for path, text in tree.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def obeys(found):
    if found:
        pytest.fail("\n".join(["the house finds:", *found]), pytrace=False)


@pytest.mark.parametrize("rule", OF_SOURCES, ids=lambda rule: rule.__name__)
def test_the_tree_obeys(rule):
    obeys(rule(ROOT))


@pytest.mark.parametrize("rule", OF_LIBRARIES, ids=lambda rule: rule.__name__)
def test_the_libraries_obey(rule):
    assert (BUILD / "lib/libhtflow.so").exists(), f"nothing is built in {BUILD}"
    obeys(rule(ROOT, BUILD))


@needs_formatter
def test_the_tree_is_formatted():
    obeys(built.sources_are_formatted(ROOT))


def caught(rule, count, tree):
    return pytest.param(rule, count, tree, id=f"{rule.__name__}-{'-'.join(tree)}")


@pytest.mark.parametrize("rule, count, tree", [
    caught(rules.doors_name_their_rooms, 2,
           {"include/htflow/x.h": SPDX + "// x.h: no room\n#pragma once\n",
            "include/htflow/y.h": SPDX + "// y.h: (room: cellar)\n#pragma once\n"}),
    # A lower room looks up; a door does; a door, a header that do not exist; another's x_impl.h.
    caught(rules.includes_follow_the_map, 5,
           {"include/htflow/x.h": BASE + '#include "htflow/y.h"\n',
            "include/htflow/y.h": FLOW + '#include "htflow/x.h"\n',
            "src/base/x.c": '#include "htflow/x.h"\n#include "htflow/y.h"\n',
            "src/flow/y.c": '#include "htflow/x.h"\n#include "htflow/z.h"\n'
                            '#include "y.h"\n#include "x_impl.h"\n',
            "src/base/x_impl.h": ""}),
    # Two floors down is allowed only where the map says so.
    caught(rules.includes_follow_the_map, 1,
           {"include/htflow/y.h": FLOW, "src/sweep/a.c": '#include "htflow/y.h"\n'}),
    caught(rules.foreign_headers_stay_home, 4,
           {"include/htflow/x.h": BASE + "#include <mpi.h>\n#include <stdint.h>\n",
            "src/base/x.c": "#include <hdf5.h>\n#include <unistd.h>\n#include <sys/wait.h>\n",
            "src/dense/grid.c": "#include <mpi.h>\n",
            "src/dense/dense.c": "#include <mpi.h>\n#include <cblas.h>\n",
            "src/flow/y.c": "#include <cvode/cvode.h>\n#include <gsl/gsl_odeiv2.h>\n"}),
    caught(rules.tests_are_registered, 2,
           {"tests/base/test_x.c": "", "tests/base/test_y.c": "",
            "tests/base/CMakeLists.txt": "htf_test(base x)\nhtf_test(base z)\n"}),
    caught(rules.files_begin_well, 3,
           {"include/htflow/x.h": SPDX, "src/base/x.c": "int x;\n", "jobs/a.sh": "#!/bin/sh\n",
            "tests/a.py": SPDX.replace("//", "#")}),
    caught(rules.sizes_are_human, 2,
           {"src/base/x.c": "// {\n" * 451,
            "src/base/y.c": "struct y {\n" + "  int y;\n" * 90 + "};\n" + 'int s(void) {\n'
                            + "  // }\n  s('}', \"}\");\n" * 41 + "}\n"}),
    caught(rules.nothing_is_marked_unfinished, 2,
           {"src/base/x.c": "// TO" "DO: later\n#if 0\nint todo;\n#endif\n"}),
    caught(rules.greater_is_written_as_less, 1,
           {"tests/base/test_x.c": "cr_assert(gt(int, 1, 0));\n"
                                   "cr_assert(lt(int, 0, 1)); // gt(\n"}),
    caught(rules.heap_and_terminal_have_one_door, 2,
           {"src/base/x.c": "int *x = malloc(4); // malloc(4)\n", "src/base/memory.c":
            "x = malloc(4);\n", "src/cli/x.c": "printf(s);\n", "src/flow/y.c":
            "fprintf(stderr, s);\nfprintf(file, s);\nsnprintf(s, 4, t);\n"}),
    caught(built.doors_compile_alone, 2,  # in C and in C++; the second in C++ alone
           {"include/htflow/x.h": BASE + "int32_t x;\n"}),
    # Of a comment, above or behind, one blank line below it, and none.
    caught(built.doors_are_documented, 2,
           {"include/htflow/x.h": BASE + "// Gets @x <it>.\nint htf_x_get(int a,\n  int b);\n"
            "int htf_x_shared(void);\n\nint htf_x_behind(void); // said\n\n// Of what?\n\n"
            "int htf_x_below(void);\n\nint htf_x_bare(void);\n"
            "void htf_x_close(htf_x **x);\n"}),
    caught(built.doors_compile_alone, 1, {"include/htflow/y.h": FLOW + "int new(void);\n"}),
])
def test_a_bad_tree_is_caught(rule, count, tree, tmp_path):
    plant(tmp_path, tree)
    found = rule(tmp_path)
    assert len(found) == count, found


def test_a_bad_link_graph_is_caught(tmp_path):
    plant(tmp_path, {f"src/{room}/CMakeLists.txt": f"htf_room({room})" for room in rules.MAP})
    assert rules.link_graph_is_the_include_graph(tmp_path) == []
    plant(tmp_path, {"include/htflow/x.h": BASE, "include/htflow/y.h": FLOW,
                     "src/run/run.c": '#include "htflow/x.h"\n', "src/run/more.c": "",
                     "src/run/CMakeLists.txt": "htf_room(run\n  SOURCES run.c # more.c\n"
                                               "  ROOMS flow base LIBRARIES m)"})
    found = rules.link_graph_is_the_include_graph(tmp_path)
    assert found == ["src/run/CMakeLists.txt: links flow, includes nothing of it"]
    plant(tmp_path, {"src/run/CMakeLists.txt": "htf_room(run SOURCES run.c)"})
    (tmp_path / "src/base/CMakeLists.txt").unlink()
    assert rules.link_graph_is_the_include_graph(tmp_path) == [
        "src/base: not declared by htf_room",
        "src/run/CMakeLists.txt: does not list more.c",
        "src/run/CMakeLists.txt: includes base, links it not"]


def test_a_bad_top_level_is_caught(tmp_path):
    plant(tmp_path, {"README.md": "", "docs/x.md": "", ".gitignore": "build/\n",
                     "build/x": "", "src/x.c": ""})
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    found = rules.top_level_is_as_designed(tmp_path)
    assert "docs: should not be there" in found
    assert "LICENSE: missing" in found
    assert not any(entry in "".join(found) for entry in ("build", "README", ".gitignore"))


@pytest.fixture
def small_build(tmp_path):
    """A room with a door and its library; tell which functions it is to define."""
    def build(*functions):
        plant(tmp_path, {
            "include/htflow/x.h": BASE + "typedef struct htf_part { int n; } htf_part;\n"
            "int htf_x_get(void); int htf_part_get(void); int htf_alien(void);\n",
            "src/base/helper.c": "".join(f"int {function}(void) {{ return 0; }}\n"
                                         for function in functions)})
        (tmp_path / "lib").mkdir(exist_ok=True)
        compiled = tmp_path / "x.o"
        archive = tmp_path / "lib/libhtf_base.a"
        archive.unlink(missing_ok=True)
        built.output("gcc", "-fPIC", "-c", tmp_path / "src/base/helper.c", "-o", compiled)
        built.output("ar", "cr", archive, compiled)
        built.output("gcc", "-shared", compiled, "-o", tmp_path / "lib/libhtflow.so")
        return tmp_path
    return build


def test_a_bad_symbol_is_caught(small_build):
    root = small_build("htf_x_get", "htf_part_get", "htf_x__inner", "htf_helper__inner",
                       "htf_x_undeclared", "htf_y__inner", "htf_alien", "helper")
    assert built.symbols_bear_their_prefix(root, root) == [
        f"libhtf_base.a: {symbol}" for symbol in
        ("helper", "htf_alien", "htf_x_undeclared", "htf_y__inner")]


def test_a_library_that_is_not_its_doors_is_caught(small_build):
    root = small_build("htf_x_get", "htf_part_get", "htf_x__inner")
    assert built.library_is_its_doors(root, root) == [
        "libhtflow.so: htf_x__inner: in no door",
        "libhtflow.so: htf_alien: declared, not defined"]


@needs_formatter
def test_a_badly_formatted_source_is_caught(tmp_path):
    plant(tmp_path, {"src/base/x.c": "int   x ;\n", "src/base/y.c": "int y;\n",
                     ".clang-format": (ROOT / ".clang-format").read_text()})
    assert built.sources_are_formatted(tmp_path) == ["src/base/x.c"]

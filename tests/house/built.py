# SPDX-License-Identifier: BSD-3-Clause
"""The rules of the house that need a compiler, or what the compiler made."""

import pathlib
import re
import shutil
import subprocess
import tempfile

from rules import OTHER_STEMS, bare, doors, files, name


def output(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True,
                          **more).stdout


def compile_alone(root, door, *compiler):
    """What a compiler says to a file that includes this door and nothing else."""
    done = subprocess.run([*compiler, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I",
                           root / "include", "-"], input=f'#include "htflow/{door}.h"\n',
                          text=True, capture_output=True)
    return [f"include/htflow/{door}.h: {compiler[0]}: {done.stderr}"] * (done.returncode != 0)


def doors_compile_alone(root):
    """In C17, and in C++ where there is a C++ compiler."""
    bad = []
    for path in files(root, "include/htflow/*.h"):
        bad += compile_alone(root, path.stem, "gcc", "-std=c17", "-x", "c")
        if shutil.which("g++"):
            bad += compile_alone(root, path.stem, "g++", "-std=c++17", "-x", "c++")
    return bad


def promised(root, door):
    """(names, functions) that a door declares."""
    text = bare((root / "include/htflow" / f"{door}.h").read_text())
    text = re.sub(r"\btypedef\b[^;{]*\([^;]*;", "", text)  # types of functions
    names = set(re.findall(r"\bhtf_\w+", text))
    within = re.sub(r"\{[^{}]*\}", "", re.sub(r"\{[^{}]*\}", "", text))
    return names, set(re.findall(r"\b(htf_\w+)\s*\(", within))


def doors_are_documented(root):
    """There is a comment about each public function, and doxygen can read them all."""
    ours = pathlib.Path(__file__).resolve().parents[2] / "src"
    with tempfile.TemporaryDirectory() as folder:
        config = (ours / "Doxyfile.in").read_text() + "GENERATE_HTML=NO\nGENERATE_XML=YES\n"
        for name_, value in {"HTF_DOORS": root / "include/htflow", "HTF_DOCS": folder,
                             "HTF_FILTER": ours / "doxygen.py", "PROJECT_VERSION": "0",
                             "PROJECT_DESCRIPTION": ""}.items():
            config = config.replace(f"@{name_}@", str(value))
        said = subprocess.run(["doxygen", "-"], input=config, text=True,
                              capture_output=True).stderr
        shown = "".join(path.read_text() for path in pathlib.Path(folder).glob("xml/*_8h.xml"))
    bad = [line.replace(f"{root}/", "") for line in said.splitlines() if re.search(": (warning|error): ", line)]
    seen = set(re.findall(r'kind="function".*?<name>(\w+)</name>', shown, re.S))
    wanted = {(door.stem, function) for door in files(root, "include/htflow/*.h")
              for function in promised(root, door.stem)[1]}
    return bad + [f"include/htflow/{door}.h: {function}: doxygen does not see it"
                  for door, function in sorted(wanted) if function not in seen]


def defined(library, *options):
    """The external symbols that a library defines."""
    return {words[-1] for words in
            (line.split() for line in
             output("nm", "-g", "--defined-only", *options, library).splitlines())
            if len(words) == 3}


def symbols_bear_their_prefix(root, build):
    """In the library of a room: htf_<door>_x or htf_<type>_x, declared in that door; or,
    internal, htf_<door or file of the room>__x."""
    bad = []
    room_of = doors(root)
    for library in files(build, "lib/libhtf_*.a"):
        room = library.stem[len("libhtf_"):]
        public, stems = set(), {path.stem.removesuffix("_impl")
                                for path in files(root, f"src/{room}/*.[ch]")}
        for door in (door for door in room_of if room_of[door] == room):
            stems |= {door, door.removesuffix("s")}
            if door == "door":
                continue
            names, _ = promised(root, door)
            starts = {door, door.removesuffix("s")} | OTHER_STEMS.get(door, set())
            starts |= {other[len("htf_"):] for other in names}
            public |= {symbol for symbol in names if any(
                symbol == f"htf_{start}" or symbol.startswith(f"htf_{start}_")
                for start in starts if f"htf_{start}" != symbol or start == door)}
        for symbol in defined(library):
            inner = re.fullmatch(r"htf_(\w+?)__\w+", symbol)
            if not (inner and inner.group(1) in stems) and symbol not in public:
                bad.append(f"{library.name}: {symbol}")
    return sorted(bad)


def library_is_its_doors(root, build):
    """libhtflow shows what the doors declare: nothing else, and all of it."""
    shown = defined(build / "lib/libhtflow.so", "-D")
    names, functions = set(), set()
    for path in files(root, "include/htflow/*.h"):
        more_names, more_functions = promised(root, path.stem)
        names |= more_names
        functions |= more_functions
    return [f"libhtflow.so: {symbol}: in no door" for symbol in sorted(shown - names)] + \
        [f"libhtflow.so: {symbol}: declared, not defined" for symbol in
         sorted(functions - shown)]


def sources_are_formatted(root):
    """clang-format 14, Debian 12's, would change nothing; others format a little otherwise."""
    sources = files(root, "src/*/*.[ch]", "include/htflow/*.h", "tests/**/*.[ch]")
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *sources], cwd=root,
                          text=True, capture_output=True)
    return sorted({line.split(":")[0].removeprefix(f"{root}/")
                   for line in done.stderr.splitlines() if ": error:" in line})


def formatter_present():
    return shutil.which("clang-format") is not None and \
        "version 14." in output("clang-format", "--version")

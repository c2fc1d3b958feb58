# SPDX-License-Identifier: BSD-3-Clause
"""The rules of the house that can be read off the sources.

A rule takes the root of a tree and returns what breaks it, one text a place; an empty list
is a tree that obeys. So a rule can be shown a bad tree as well as the real one.
"""

import re
import subprocess

# room -> the rooms whose doors it may include, floor by floor; it may always include its own.
MAP = {
    "base": "",
    "dense": "base",
    "ledger": "base",
    "flow": "base",
    "model": "base dense",
    "problem": "base model",
    "plan": "base ledger model",
    "probe": "base dense ledger model problem",
    "run": "base dense ledger flow model problem plan probe",
    "sweep": "base dense ledger run",
    "store": "base ledger model problem",
    "cli": "base dense ledger flow model problem plan probe run sweep store",
}
MAP = {room: set(may.split()) for room, may in MAP.items()}

# foreign headers (start of the name in <>) -> the sources that may include them
FOREIGN = {
    "mpi.h": ("sweep/", "dense/grid"),
    "hdf5": ("store/",),
    "H5": ("store/",),
    "sqlite3.h": ("store/",),
    "libdeflate.h": ("store/",),
    "sundials/": ("flow/",),
    "cvode": ("flow/",),
    "arkode": ("flow/",),
    "nvector": ("flow/",),
    "sunlinsol": ("flow/",),
    "sunnonlinsol": ("flow/",),
    "sunmatrix": ("flow/",),
    "cblas.h": ("dense/",),
    "lapacke.h": ("dense/",),
    "libxsmm": ("dense/",),
    "libfyaml.h": ("plan/",),
    "Random123/": ("base/",),
    "openssl/": ("base/",),
    "jansson.h": ("cli/",),
}
ISO_C = """assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp
    signal stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string
    tgmath threads time uchar wchar wctype"""
POSIX = """dirent dlfcn execinfo fcntl fnmatch ftw getopt glob immintrin langinfo libgen
    link netdb poll pthread pwd regex sched semaphore spawn strings syslog termios unistd
    utime"""
ISO_C = {name + ".h" for name in ISO_C.split()}
SYSTEM = ISO_C | {name + ".h" for name in POSIX.split()}

# Names that begin with neither their door's name nor that of a type it declares.
OTHER_STEMS = {"status": {"error"}}


def files(root, *patterns):
    return sorted(path for pattern in patterns for path in root.glob(pattern)
                  if path.is_file())


def name(root, path):
    return path.relative_to(root).as_posix()


def doors(root):
    """door -> room; a door says in its opening comment which room it is of."""
    found = {}
    for path in files(root, "include/htflow/*.h"):
        opening = path.read_text().split("#pragma once")[0].replace("\n// ", " ")
        room = re.search(r"\(room: (\w+)", opening)
        found[path.stem] = room and room.group(1)
    found["door"] = "base"
    return found


def bare(text):
    """C without comments, strings and preprocessor lines; lines keep their numbers."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())
    text = re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank,
                  text, flags=re.S)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", blank, text, flags=re.M)


def includes(path):
    """(line, bracket, header) of each include."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if found:
            yield number, *found.groups()


def room_sources(root):
    """(room, path) of each C file of a room."""
    for path in files(root, "src/*/*.[ch]"):
        yield path.parent.name, path


def doors_name_their_rooms(root):
    return [f"include/htflow/{door}.h: names no room of the map: (room: {room})"
            for door, room in doors(root).items() if room not in MAP]


def includes_follow_the_map(root):
    """A door or a source includes doors of its own room and of rooms below it alone."""
    room_of = doors(root)
    every = list(room_sources(root))
    every += [(room_of[path.stem], path) for path in files(root, "include/htflow/*.h")]
    bad = []
    for room, path in every:
        for line, bracket, header in includes(path):
            if bracket == "<":
                continue
            place = f"{name(root, path)}:{line}"
            if header.startswith("htflow/"):
                other = room_of.get(header[len("htflow/"):-2])
                if other is None:
                    bad.append(f"{place}: there is no door {header}")
                elif other != room and other not in MAP.get(room, ()):
                    bad.append(f"{place}: {room} may not include {header} of {other}")
            elif not header.endswith("_impl.h") or "/" in header:
                bad.append(f"{place}: \"{header}\" is neither a door nor an x_impl.h")
            elif not (path.parent / header).exists():
                bad.append(f"{place}: {header} is not of the room {room}")
    return bad


def foreign_headers_stay_home(root):
    """A foreign library is seen by the room that owns it alone, and by no door."""
    bad = []
    for path in files(root, "src/*/*.[ch]", "include/htflow/*.h"):
        within = path.relative_to(root / "src").as_posix() if path.is_relative_to(
            root / "src") else ""
        for line, bracket, header in includes(path):
            place = f"{name(root, path)}:{line}"
            if bracket == '"':
                continue
            if not within:
                if header not in ISO_C:
                    bad.append(f"{place}: a door includes <{header}>")
            elif header not in SYSTEM and not header.startswith(("sys/", "linux/")):
                owners = next((owners for start, owners in FOREIGN.items()
                               if header.startswith(start)), None)
                if owners is None:
                    bad.append(f"{place}: nobody owns <{header}>")
                elif not within.startswith(owners):
                    bad.append(f"{place}: <{header}> belongs to {' '.join(owners)}")
    return bad


def calls(text, function):
    """The argument lists of the calls of a CMake function."""
    text = re.sub(r"#[^\n]*", "", text)
    return [found.split() for found in
            re.findall(rf"(?<!\w)(?<!\(){function}\(([^)]*)\)", text)]


def declared_rooms(root):
    """room -> rooms it links, from the htf_room calls."""
    found = {}
    for path in files(root, "src/*/CMakeLists.txt"):
        for words in calls(path.read_text(), "htf_room"):
            rooms = " ".join(words).partition("ROOMS ")[2].partition("LIBRARIES")[0]
            found[words[0]] = set(rooms.split())
    return found


def link_graph_is_the_include_graph(root):
    """Each room but cli, which stands on libhtflow, is declared by htf_room; it lists all its
    sources and links the rooms it includes, and no others."""
    room_of = doors(root)
    declared = declared_rooms(root)
    bad = [f"src/{room}: not declared by htf_room" for room in MAP
           if room not in declared and room != "cli"]
    for room, linked in declared.items():
        place = f"src/{room}/CMakeLists.txt"
        listing = (root / place).read_text()
        bad += [f"{place}: does not list {path.name}" for path in
                files(root, f"src/{room}/*.c") if path.name not in listing]
        own = [path for path in files(root, f"src/{room}/*.[ch]")]
        own += [root / f"include/htflow/{door}.h" for door in room_of
                if room_of[door] == room]
        used = {room_of.get(header[len("htflow/"):-2]) for path in own if path.exists()
                for _, _, header in includes(path) if header.startswith("htflow/")}
        used -= {room, None}
        bad += [f"{place}: includes {other}, links it not" for other in used - linked]
        bad += [f"{place}: links {other}, includes nothing of it" for other in linked - used]
    return sorted(bad)


def tests_are_registered(root):
    """Each tests/<room>/test_*.c is built and run by CMake, and each one named is there."""
    bad = []
    for folder in sorted({path.parent for path in root.glob("tests/*/test_*.c")}):
        listing = folder / "CMakeLists.txt"
        text = listing.read_text() if listing.exists() else ""
        named = {f"test_{words[1]}.c" for words in calls(text, "htf_test")}
        named |= {f"test_{words[0]}.c" for words in calls(text, "htf_mpi_test")}
        present = {path.name for path in files(folder, "test_*.c")}
        bad += [f"{name(root, folder / file)}: never run" for file in present - named]
        bad += [f"{name(root, folder / file)}: named, but missing" for file in named - present]
    return sorted(bad)


def files_begin_well(root):
    """The SPDX line first; `#pragma once` in headers."""
    bad = []
    for path in files(root, "src/**/*", "include/**/*", "tests/**/*", "jobs/*",
                      "analysis/**/*"):
        if path.suffix not in (".c", ".h", ".sh", ".py", ".cmake") and \
                path.name != "CMakeLists.txt":
            continue
        text = path.read_text()
        mark = "//" if path.suffix in (".c", ".h") else "#"
        opening = text.splitlines()[:2]
        if opening and opening[0].startswith("#!"):
            opening = opening[1:]
        if opening[:1] != [f"{mark} SPDX-License-Identifier: BSD-3-Clause"]:
            bad.append(f"{name(root, path)}: the first line is not the SPDX line")
        if path.suffix == ".h" and not re.search(r"^#pragma once$", text, re.M):
            bad.append(f"{name(root, path)}: no #pragma once")
    return bad


def functions(text):
    """(first line, lines) of each function body of a C file."""
    depth, start, before = 0, None, ""
    for number, line in enumerate(bare(text).splitlines(), 1):
        for letter in line:
            if letter == "{":
                if depth == 0:
                    start = number if before == ")" else None
                depth += 1
            elif letter == "}":
                depth -= 1
                if depth == 0 and start is not None:
                    yield start, number - start + 1
            if not letter.isspace():
                before = letter


def sizes_are_human(root, file_lines=450, function_lines=80):
    bad = []
    for path in files(root, "src/*/*.[ch]", "include/htflow/*.h", "tests/**/*.[ch]",
                      "tests/**/*.py", "analysis/**/*.py"):
        text = path.read_text()
        lines = text.count("\n")
        if lines > file_lines:
            bad.append(f"{name(root, path)}: {lines} lines")
        if path.suffix != ".py":
            bad += [f"{name(root, path)}:{first}: a function of {count} lines"
                    for first, count in functions(text) if count > function_lines]
    return bad


def nothing_is_marked_unfinished(root):
    marks = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b|^\s*#\s*if 0\b")
    return [f"{name(root, path)}:{number}: {line.strip()}"
            for path in files(root, "src/**/*", "include/**/*", "tests/**/*", "jobs/*",
                              "analysis/**/*")
            if path.suffix in (".c", ".h", ".sh", ".py", ".txt", ".in")
            for number, line in enumerate(path.read_text().splitlines(), 1)
            if marks.search(line)]


def greater_is_written_as_less(root):
    """Criterion 2.4.1's gt(T, a, b) holds where a = b too, so that it may hold of nothing."""
    return [f"{name(root, path)}:{number}: gt is ge: write lt"
            for path in files(root, "tests/**/*.c", "tests/**/*.h")
            for number, line in enumerate(bare(path.read_text()).splitlines(), 1)
            if re.search(r"\bgt\s*\(", line)]


def heap_and_terminal_have_one_door(root):
    """Memory comes from htf_memory_get; only cli, the log and the abort of base print."""
    heap = r"\b(malloc|calloc|realloc|aligned_alloc|strdup|strndup|asprintf)\s*\("
    print_ = r"\b(printf|puts|putchar|perror)\s*\(|\bfprintf\s*\(\s*std(err|out)"
    bad = []
    for room, path in room_sources(root):
        for number, line in enumerate(bare(path.read_text()).splitlines(), 1):
            place = f"{name(root, path)}:{number}"
            if re.search(heap, line) and name(root, path) != "src/base/memory.c":
                bad.append(f"{place}: memory by another way than memory.h")
            if re.search(print_, line) and room != "cli" and \
                    name(root, path) != "src/base/status.c":
                bad.append(f"{place}: prints")
    return bad


def top_level_is_as_designed(root):
    """Nine visible entries, no more, no fewer; dotfiles beside them."""
    wanted = {"CMakeLists.txt", "README.md", "LICENSE", "src", "include", "jobs", "tests",
              "analysis", "data"}
    # The tree may belong to somebody else than who tests it.
    listed = subprocess.run(["git", "-c", f"safe.directory={root}", "ls-files"], cwd=root,
                            check=True, capture_output=True, text=True).stdout
    top = {path.split("/")[0] for path in listed.splitlines()}
    top = {entry for entry in top if not entry.startswith(".")}
    return [f"{entry}: should not be there" for entry in sorted(top - wanted)] + \
        [f"{entry}: missing" for entry in sorted(wanted - top)]

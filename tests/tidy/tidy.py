#!/usr/bin/env python3
"""Checks the tree: what the compiler and the formatter do not see.

Usage: tidy.py [ROOT]      prints `path:line: [rule] message` for each finding; status 1 if any.
"""

import os
import re
import subprocess
import sys

# The house: which rooms a room may include (its own is always allowed).
ROOMS = {
    "core": [],
    "strategies": ["core"],
    "policies": ["core"],
    "stores": ["core"],
    "durability": ["core"],
    "observers": ["core"],
    "testing": ["core"],
    "advisor": ["core", "strategies"],
    "simulator": ["core", "strategies"],
    "config": ["core", "strategies", "policies", "stores", "durability", "observers"],
}
ROOMS["demo"] = [room for room in ROOMS if room != "testing"]
ROOMS["interview"] = ROOMS["demo"] + ["demo"]
ROOMS["cli"] = ROOMS["interview"] + ["interview"]

# Which folders may include a library's headers. The first prefix that fits decides.
SOURCES = tuple(f"{room}/src/" for room in ROOMS)
LIBRARIES = [
    ("boost/signals2", ("core/src/",)),
    ("boost/", ("core/",) + SOURCES),
    ("fmt/", SOURCES),
    ("spdlog/", ("demo/src/", "cli/src/")),
    ("nlohmann/", ("stores/src/", "observers/src/", "config/src/", "simulator/src/",
                   "demo/src/", "interview/src/", "cli/src/")),
    ("prometheus/", ("observers/",)),
    ("CivetServer.h", ("observers/src/",)),
    ("civetweb.h", ("observers/src/",)),
    ("yaml-cpp/", ("config/src/",)),
    ("zstd", ("simulator/src/", "durability/src/")),
    ("zlib.h", ("simulator/src/",)),
    ("emmintrin.h", ("core/include/tarmac/core/internal/",)),
    ("xxhash.h", ("core/src/", "durability/src/")),
    ("urcu", ("core/src/",)),
    ("sqlite3.h", ("stores/src/",)),
    ("hiredis/", ("stores/src/",)),
    ("CLI/", ("cli/src/",)),
    ("gtest/", ("testing/",)),
    ("gmock/", ("testing/",)),
    ("rapidcheck", ("testing/src/",)),
    ("benchmark/", ()),
]
SYSTEM_HEADERS = re.compile(
    r"^(sys|net|netinet|arpa|linux)/|^(arm_acle|dirent|dlfcn|fcntl|malloc|netdb|poll|pthread|sched|signal|spawn|termios|unistd)\.h$")

SIZE_LIMITS = {"header": 250, "source": 400, "test": 500}

# Where the time may be read: the clock, measurements, and the progress bar, which people watch.
NOW_ALLOWED = re.compile(r"^(core/src/clock\.cpp|bench/.*|demo/src/progress[^/]*)$")
NOW = re.compile(
    r"::now\s*\(\s*\)(?!\s*(const|noexcept|override|final|\{))"
    r"|\b(gettimeofday|clock_gettime|timespec_get)\s*\(|\btime\s*\(\s*(nullptr|NULL|0|&)")
SLEEP = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep)\b|(?<![\w.>])sleep\s*\(")
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")
MACHINE_PATH = re.compile(r"(?<![\w.:}])/(work|home|root|Users)/[\w.]|/tmp/tarm" r"ac\b")

# A constant of a source's namespace: where sources are compiled together, no compiler says that nobody
# needs it; those that are not compiled so (the fuzzers) fail.
CONSTANT = re.compile(r"^(?:static )?const(?:expr|init)?\b[^=({;]*\b(k[A-Z]\w*)\s*[=({[;]", re.MULTILINE)

CODE = (".h", ".cpp")
TEXT = CODE + (".py", ".sh", ".md", ".txt", ".yaml", ".yml", ".json", ".cmake", ".in", ".html", "")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def files_of(root):
    """The files of the tree: what git knows or would add; without git, everything but build/."""
    listed = subprocess.run(
        ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, check=False)
    if listed.returncode == 0:
        paths = listed.stdout.decode().split("\0")
    else:
        paths = []
        for folder, folders, names in os.walk(root):
            folders[:] = [name for name in folders if name not in ("build", ".git", "__pycache__")]
            paths += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(path for path in paths if path and os.path.isfile(os.path.join(root, path)))


def without_comments(text):
    """The code with comments and string contents blanked out, line by line."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)

    def blank(match):
        found = match.group(0)
        if found.startswith('"'):
            return '""'
        return re.sub(r"[^\n]", " ", found)

    return pattern.sub(blank, text)


def kind_of(path):
    if path.startswith("tests/"):
        return "test"
    return "header" if path.endswith(".h") else "source"


class Tree:
    def __init__(self, root):
        self.root = root
        self.files = files_of(root)
        self.findings = []
        self._texts = {}

    def text(self, path):
        if path not in self._texts:
            with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
                self._texts[path] = file.read()
        return self._texts[path]

    def report(self, rule, path, line, message):
        self.findings.append((path, line, rule, message))

    def code(self):
        return [path for path in self.files if path.endswith(CODE)]

    def search(self, rule, paths, pattern, message, view=lambda text: text):
        for path in paths:
            for number, line in enumerate(view(self.text(path)).split("\n"), 1):
                found = pattern.search(line)
                if found:
                    self.report(rule, path, number, message.format(found.group(0)))


def check_includes(tree):
    for path in tree.code():
        room = path.split("/")[0]
        for number, line in enumerate(tree.text(path).split("\n"), 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            quoted, header = found.group(1) == '"', found.group(2)
            if quoted and ".." in header.split("/"):
                tree.report("include-room", path, number, f"'{header}' climbs out of its folder")
            elif header.startswith("tarmac/"):
                check_room(tree, path, number, room, header)
            elif not quoted and room in ROOMS:
                check_library(tree, path, number, header)


def check_room(tree, path, number, room, header):
    target = header.split("/")[1]
    if room not in ROOMS or target == room:
        return  # Tests, benchmarks and examples may include anything.
    if target not in ROOMS[room]:
        tree.report("include-room", path, number, f"the room '{room}' may not include '{header}'")


def check_library(tree, path, number, header):
    for prefix, allowed in LIBRARIES:
        if header.startswith(prefix):
            if not path.startswith(allowed):
                tree.report("include-library", path, number,
                            f"'{header}' belongs to {', '.join(allowed) or 'no room'}")
            return
    if ("/" in header or "." in header) and not SYSTEM_HEADERS.search(header):
        tree.report("include-library", path, number,
                    f"'{header}' is in no table of tests/tidy/tidy.py: say which room it belongs to")


def check_headers(tree):
    for path in tree.code():
        if path.endswith(".h") and "#pragma once" not in tree.text(path):
            tree.report("pragma-once", path, 1, "a header without #pragma once")


def check_sizes(tree):
    for path in tree.code():
        lines = tree.text(path).count("\n")
        limit = SIZE_LIMITS[kind_of(path)]
        if lines > limit:
            tree.report("size", path, limit + 1, f"{lines} lines, and the limit is {limit}")


def check_registered(tree):
    """Every test, source and public header is named by the CMakeLists.txt above it."""
    for path in tree.code():
        parts = path.split("/")
        if path.endswith("_test.cpp"):
            folder = os.path.dirname(path)
        elif parts[0] in ROOMS and len(parts) > 2 and (
                parts[1] == "include" or (parts[1] == "src" and path.endswith(".cpp"))):
            folder = parts[0]
        else:
            continue
        while folder and f"{folder}/CMakeLists.txt" not in tree.files:
            folder = os.path.dirname(folder)
        name = os.path.relpath(path, folder) if folder else path
        lists = f"{folder}/CMakeLists.txt" if folder else "CMakeLists.txt"
        listed = re.sub(r"#[^\n]*", "", tree.text(lists)) if lists in tree.files else ""
        if not re.search(rf"(?<![\w/.]){re.escape(name)}(?![\w/.])", listed):
            tree.report("unregistered", path, 1, f"not named in {lists}")


def check_time(tree):
    watched = [path for path in tree.code() if not NOW_ALLOWED.match(path)]
    tree.search("now", watched, NOW, "'{}': time is passed in, as a Clock", without_comments)
    tree.search("sleep", tree.code(), SLEEP, "'{}': wait for a condition, or move a ManualClock",
                without_comments)


def check_used(tree):
    for path in tree.code():
        if not path.endswith(".cpp"):
            continue
        code = without_comments(tree.text(path))
        for found in CONSTANT.finditer(code):
            if len(re.findall(rf"\b{found.group(1)}\b", code)) == 1:
                tree.report("unused", path, code.count("\n", 0, found.start()) + 1,
                            f"nobody needs {found.group(1)}")


def check_text(tree):
    texts = [path for path in tree.files if os.path.splitext(path)[1] in TEXT]
    tree.search("unfinished", texts, UNFINISHED, "'{}': finish it, or open an issue")
    tree.search("machine-path", texts, MACHINE_PATH, "'{}': a path of one machine")


def catalog_names(tree):
    """The names of the shipped strategies, with their lines: the rows of the catalog's table."""
    path = "strategies/src/catalog.cpp"
    if path not in tree.files:
        return []
    names = []
    for number, line in enumerate(tree.text(path).split("\n"), 1):
        found = re.search(r'\{\s*(?:\.name\s*=\s*)?"([a-z0-9_]+)"', line)
        if found:
            names.append((found.group(1), number))
    return names


def check_catalog(tree):
    """Every strategy a file can name has a paragraph for people: a heading or a table row."""
    catalog, documentation = "strategies/src/catalog.cpp", "docs/strategies.md"
    if catalog not in tree.files:
        return
    names = catalog_names(tree)
    if not names:
        tree.report("catalog", catalog, 1, 'no row {"name", …} found: has the table changed its form?')
    if names and documentation not in tree.files:
        tree.report("catalog", catalog, 1, f"{documentation} is missing")
        return
    for name, number in names:
        if not re.search(rf"^(#+|\|).*`{name}`", tree.text(documentation), re.MULTILINE):
            tree.report("catalog", catalog, number, f"'{name}' is not described in {documentation}")


CHECKS = [check_includes, check_headers, check_sizes, check_registered, check_time, check_used,
          check_text, check_catalog]


def findings_of(root):
    tree = Tree(root)
    for check in CHECKS:
        check(tree)
    return sorted(tree.findings), len(tree.files)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(here))
    findings, count = findings_of(root)
    for path, line, rule, message in findings:
        print(f"{path}:{line}: [{rule}] {message}")
    print(f"{count} files checked, {len(findings)} findings")
    if count == 0:
        print("nothing to check is an error")
        return 1
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""An include against the arrows does not compile, and one along them does.

For every pair of rooms, a line that includes a public header of the one is compiled exactly as the
sources of the other are: with the include directories that the build gives them.

Usage: arrows_test.py BUILD_FOLDER
"""

import json
import os
import shlex
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "tidy"))
import tidy  # noqa: E402


def commands_of(build_folder):
    """For each room with sources: the compiler and the include flags of its first source."""
    with open(os.path.join(build_folder, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    commands = {}
    for entry in entries:
        words = shlex.split(entry["command"])
        room, *rest = words[words.index("-o") + 1].split(os.sep)
        if room not in tidy.ROOMS or rest[1] != f"tarmac_{room}.dir" or room in commands:
            continue
        compiler = next(word for word in words if os.path.basename(word).startswith(("c++", "g++", "clang++")))
        flags = ["-std=c++20"]
        for position, word in enumerate(words):
            if word.startswith(("-I", "-D")):
                flags.append(word)
            elif word == "-isystem":
                flags += ["-isystem", words[position + 1]]
        commands[room] = [compiler, *flags]
    return commands


def header_of(room):
    folder = os.path.join(ROOT, room, "include", "tarmac", room)
    headers = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return f"tarmac/{room}/{headers[0]}" if headers else None


def compile_include(command, header):
    return subprocess.run(
        [*command, "-x", "c++", "-E", "-o", os.devnull, "-"],
        input=f"#include <{header}>\n", capture_output=True, text=True, check=False)


def main():
    commands = commands_of(sys.argv[1])
    wrong, refused, accepted = [], 0, 0
    for room, command in commands.items():
        for other in commands:
            header = header_of(other)
            if header is None:
                continue
            result = compile_include(command, header)
            compiles = result.returncode == 0
            missing = "No such file or directory" in result.stderr or "file not found" in result.stderr
            if other == room and not compiles:
                wrong.append(f"{room}: cannot include its own <{header}>:\n{result.stderr}")
            elif other != room and other not in tidy.ROOMS[room] and compiles:
                wrong.append(f"{room}: could include <{header}>, against the arrows")
            elif not compiles and not missing:
                wrong.append(f"{room}: <{header}> fails for another reason:\n{result.stderr}")
            accepted += compiles
            refused += not compiles
    print("\n".join(wrong + [f"{len(commands)} rooms: {accepted} includes compile, {refused} do not"]))
    if accepted == 0 or refused == 0:
        print("a test that sees only one kind of answer proves nothing")
        return 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Runs clang-tidy over the sources and public headers of every room; WORK_FOLDER keeps what is clean.

A file is looked at again when it, a header of this project that it includes, its command, the checks
or the linter itself changed.

Usage: lint.py WORK_FOLDER [PART_OF_A_PATH …]
"""

import concurrent.futures
import hashlib
import json
import os
import shlex
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LINTER = "clang-tidy-14"


def configure(work):
    """Configures the rooms with Clang, and gives the compile commands of what is to be looked at."""
    subprocess.run(
        ["cmake", "-S", os.path.join(HERE, "lint"), "-B", work, "-G", "Ninja",
         "-DCMAKE_CXX_COMPILER=clang++-14", "-DCMAKE_BUILD_TYPE=Debug",
         "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"],
        check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(work, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    return [entry for entry in entries if "verify_interface_header_sets" not in entry["file"]]


def own_headers(entry):
    """The files of this project that the source includes, as the compiler sees them."""
    words = shlex.split(entry["command"])
    words = words[next(i for i, word in enumerate(words) if "clang++" in os.path.basename(word)):]
    output = words.index("-o")
    del words[output:output + 2]
    found = subprocess.run([*words, "-MM", "-MF", "-"], cwd=entry["directory"],
                           capture_output=True, text=True, check=False)
    paths = found.stdout.replace("\\\n", " ").split(":", 1)[-1].split()
    return sorted(set(paths) | {entry["file"]})


def key_of(entry, common):
    digest = hashlib.sha256(common)
    digest.update(entry["command"].encode())
    for path in own_headers(entry):
        digest.update(path.encode())
        with open(os.path.join(entry["directory"], path), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def look_at(entry, work, common):
    """Gives (path, output of the linter, or None if it was clean before)."""
    stamp = os.path.join(work, "clean", key_of(entry, common))
    if os.path.exists(stamp):
        return entry["file"], None, True
    result = subprocess.run(
        [LINTER, "--quiet", "-p", work, f"--config-file={ROOT}/.clang-tidy", entry["file"]],
        cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        with open(stamp, "w", encoding="utf-8"):
            pass
    return entry["file"], result.stdout + result.stderr, result.returncode == 0


def main():
    work, wanted = os.path.abspath(sys.argv[1]), sys.argv[2:]
    os.makedirs(os.path.join(work, "clean"), exist_ok=True)
    entries = configure(work)
    if wanted:
        entries = [entry for entry in entries if any(part in entry["file"] for part in wanted)]
    if not entries:
        print("found no source to look at")
        return 1
    common = subprocess.run([LINTER, "--version"], capture_output=True, check=True).stdout
    with open(os.path.join(ROOT, ".clang-tidy"), "rb") as file:
        common += file.read()

    looked_at, unclean = 0, []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, output, clean in pool.map(lambda entry: look_at(entry, work, common), entries):
            looked_at += output is not None
            if not clean:
                unclean.append(os.path.relpath(path, ROOT))
                print(output, flush=True)
    print(f"{len(entries)} files, {looked_at} of them looked at, {len(unclean)} with findings")
    for path in unclean:
        print(f"  {path}")
    return 1 if unclean else 0


if __name__ == "__main__":
    sys.exit(main())

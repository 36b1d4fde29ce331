#!/usr/bin/env python3
"""Runs clang-tidy over the sources and public headers of every room; WORK_FOLDER keeps what is clean.

A file is looked at again when it, a header of this project that it includes, its command, the checks
or the linter itself changed. Files of one room are looked at together, as one source, for most of
the time goes into the headers that they share; where something is found, or two files do not compile
together, in halves, until it is clear which file is meant.

The analyzer looks at the functions of a source, and not of what it includes; so the headers, and the
templates in them, have a source of their own (lint/headers.cpp.in), where it is told to look at all.

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
MOST_IN_BATCH = 30


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


def stamp_of(entry, work, common):
    """The file that says that `entry`, as it is now, was found clean."""
    digest = hashlib.sha256(common)
    digest.update(entry["command"].encode())
    for path in own_headers(entry):
        digest.update(path.encode())
        with open(os.path.join(entry["directory"], path), "rb") as file:
            digest.update(file.read())
    return os.path.join(work, "clean", digest.hexdigest())


def batches(entries):
    """Groups files of one folder that are compiled alike."""
    alike = {}
    for entry in entries:
        folder = os.path.dirname(entry["file"])
        words = [word for word in shlex.split(entry["command"]) if not word.endswith((".cpp", ".o"))]
        alike.setdefault((folder, tuple(words)), []).append(entry)
    together = []
    for group in alike.values():
        count = -(-len(group) // MOST_IN_BATCH)
        together += (group[i::count] for i in range(count))
    # The headers first, then what takes longest, so that the last ones are short.
    return sorted(together, key=lambda batch: (os.path.dirname(batch[0]["file"]).endswith("/src"), -len(batch)))


def run_linter(batch, work):
    """Runs the linter over one file, or over several as one; gives (exit status, output)."""
    command = [LINTER, "--quiet", f"--config-file={ROOT}/.clang-tidy"]
    if batch[0]["file"].startswith(work):
        command += ["--extra-arg=-Xclang", "--extra-arg=-analyzer-opt-analyze-headers"]
    if len(batch) == 1:
        command += ["-p", work, batch[0]["file"]]
    else:
        name = hashlib.sha256("".join(entry["file"] for entry in batch).encode()).hexdigest()
        source = os.path.join(work, f"together_{name[:16]}.cpp")
        with open(source, "w", encoding="utf-8") as together:
            for entry in batch:
                with open(entry["file"], encoding="utf-8") as file:
                    together.write(f'#line 1 "{entry["file"]}"\n{file.read()}\n')
        words = shlex.split(batch[0]["command"])
        words = words[next(i for i, word in enumerate(words) if "clang++" in word) + 1:]
        output = words.index("-o")
        del words[output:output + 2]
        words = [word for word in words if word not in ("-c", batch[0]["file"])]
        command += [source, "--", *words, "-iquote", os.path.dirname(batch[0]["file"])]
    result = subprocess.run(command, cwd=batch[0]["directory"], capture_output=True, text=True,
                            check=False)
    return result.returncode, result.stdout + result.stderr


def look_at(batch, work):
    """Gives [(entry, output of the linter, or None if it is clean)]."""
    status, output = run_linter(batch, work)
    if status == 0:
        return [(entry, None) for entry in batch]
    if len(batch) == 1:
        return [(batch[0], output)]
    half = len(batch) // 2
    return look_at(batch[:half], work) + look_at(batch[half:], work)


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

    unclean = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        stamps = dict(zip((entry["file"] for entry in entries),
                          pool.map(lambda entry: stamp_of(entry, work, common), entries)))
        changed = [entry for entry in entries if not os.path.exists(stamps[entry["file"]])]
        for results in pool.map(lambda batch: look_at(batch, work), batches(changed)):
            for entry, output in results:
                if output is None:
                    with open(stamps[entry["file"]], "w", encoding="utf-8"):
                        continue
                unclean.append(os.path.relpath(entry["file"], ROOT))
                print(output, flush=True)
    print(f"{len(entries)} files, {len(changed)} of them looked at, {len(unclean)} with findings")
    for path in unclean:
        print(f"  {path}")
    return 1 if unclean else 0


if __name__ == "__main__":
    sys.exit(main())

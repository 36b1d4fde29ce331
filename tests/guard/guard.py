#!/usr/bin/env python3
"""Counts the instructions of the cache's operations, and holds them to recorded numbers.

    guard.py PROGRAM NUMBERS            compares; fails where an operation takes more instructions
                                        than NUMBERS (a JSON file) allows, or far fewer
    guard.py PROGRAM NUMBERS --record   writes what it counts to NUMBERS

Instructions, unlike time, are the same on a busy machine and on an idle one. PROGRAM is the target
guard_operations, run under callgrind. After a change that is meant to change the numbers, record
them and commit them with it:

    cmake --build build/dev --target guard_record
"""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

TOLERANCE_PERCENT = 10
# Two runs of few instructions may differ by this many without meaning anything.
TOLERANCE_INSTRUCTIONS = 2
RUN_SECONDS_MAX = 120
MEASURED = "measured"  # The function of operations.cpp that callgrind looks at.


class GuardError(Exception):
    """Nothing could be counted."""


def run_callgrind(program, folder):
    """Returns what the program printed and, for each call of measured(), its instructions."""
    out = os.path.join(folder, "out")
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}",
               f"--toggle-collect={MEASURED}", f"--dump-after={MEASURED}", program]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECONDS_MAX,
                              check=False)
    except FileNotFoundError as error:
        raise GuardError("valgrind is not installed; `./run setup` does it") from error
    except subprocess.TimeoutExpired as error:
        raise GuardError(f"still running after {RUN_SECONDS_MAX} s: {' '.join(command)}") from error
    if done.returncode != 0:
        raise GuardError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    totals = []
    for number in range(1, len(glob.glob(out + ".*")) + 1):
        with open(f"{out}.{number}", encoding="utf-8") as dump:
            found = re.search(r"^totals: (\d+)$", dump.read(), re.MULTILINE)
        if found is None:
            raise GuardError(f"the dump {number} of callgrind has no total")
        totals.append(int(found.group(1)))
    return done.stdout.splitlines(), totals


def count(program):
    """Instructions of one operation, by its name: "lru integers hit" and so on."""
    with tempfile.TemporaryDirectory() as folder:
        lines, totals = run_callgrind(program, folder)
    if not lines or len(lines) != len(totals):
        raise GuardError(f"{len(lines)} operations, but {len(totals)} dumps:\n" + "\n".join(lines))
    counts = {}
    for line, total in zip(lines, totals):
        name, times = line.rsplit(" ", 1)
        if not times.isdigit() or name in counts:
            raise GuardError(f"not an operation and how often it was done: {line}")
        counts[name] = round(total / int(times), 1)
    return counts


def compare(counts, recorded):
    """What is wrong, a line each."""
    wrong = []
    for name in sorted(set(counts) | set(recorded)):
        if name not in counts or name not in recorded:
            where = "recorded" if name in recorded else "counted"
            wrong.append(f"{name}: only {where}")
            continue
        now, before = counts[name], recorded[name]
        if abs(now - before) > max(before * TOLERANCE_PERCENT / 100, TOLERANCE_INSTRUCTIONS):
            wrong.append(f"{name}: {now} instructions, recorded {before} "
                         f"({100 * (now / before - 1):+.0f} %)")
    return wrong


def main():
    arguments = [a for a in sys.argv[1:] if a != "--record"]
    if len(arguments) != 2:
        print(__doc__)
        return 2
    program, numbers = arguments
    try:
        counts = count(program)
    except GuardError as error:
        print(f"guard: {error}")
        return 1
    if "--record" in sys.argv[1:]:
        with open(numbers, "w", encoding="utf-8") as out:
            json.dump(counts, out, indent=2, sort_keys=True)
            out.write("\n")
        print(f"{len(counts)} numbers written to {numbers}")
        return 0
    with open(numbers, encoding="utf-8") as recorded:
        wrong = compare(counts, json.load(recorded))
    for name, instructions in counts.items():
        print(f"{instructions:8.1f}  {name}")
    if wrong:
        print(f"\nmore than {TOLERANCE_PERCENT} % from the recorded numbers:", *wrong, sep="\n  ")
        print("If the change is meant: cmake --build build/dev --target guard_record")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

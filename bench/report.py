#!/usr/bin/env python3
"""Runs the benchmarks in interleaved rounds and reports medians, ratios, and the figures reached.

`./run bench` builds the programs and calls this.
"""

import argparse
import datetime
import json
import pathlib
import shlex
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from reporting.figures import figures_of  # noqa: E402
from reporting.machine import commit_of, machine_of  # noqa: E402
from reporting.pages import Page  # noqa: E402
from reporting.plot import plot  # noqa: E402
from reporting.runner import Runner  # noqa: E402
from reporting.samples import Samples  # noqa: E402
from reporting import durability, simulator, stores  # noqa: E402

ROOT = HERE.parent
PAGES = ROOT / "docs" / "benchmarks"
# Entries, shortest seconds of a cell, requests timed one by one.
FULL = {"entries": 1_000_000, "seconds": 0.03, "timed": 300_000}
QUICK = {"entries": 200_000, "seconds": 0.015, "timed": 50_000}
# Of a cell in which threads write to a disk.
DURABLE_SECONDS, DURABLE_SECONDS_QUICK = 3, 0.2


def options():
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__.split("\n\n")[0])
    parser.add_argument("--peers", action="store_true",
                        help="measure other libraries' caches too (installs them)")
    parser.add_argument("--quick", action="store_true",
                        help="one short round with smaller caches: whether it works, not how fast")
    parser.add_argument("--rounds", type=int, metavar="N", help="interleaved rounds (default 5)")
    parser.add_argument("--filter", metavar="REGEX", default="",
                        help="only the cells that match, for example 'get_or_insert/ints'")
    parser.add_argument("--subjects", metavar="NAME,…",
                        help="only these caches, for example bound,tarmac:lru,textbook")
    parser.add_argument("--entries", type=int, metavar="N", help="entries of a cache")
    parser.add_argument("--save", action="store_true",
                        help="write results.md, results.svg and results.json to docs/benchmarks/")
    parser.add_argument("--from", dest="source", type=pathlib.Path, metavar="JSON",
                        help="report on an earlier run instead of measuring")
    parser.add_argument("--to", type=pathlib.Path, metavar="FOLDER", default=PAGES,
                        help="where --save writes")
    parser.add_argument("--seconds", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--programs", type=pathlib.Path, help=argparse.SUPPRESS)
    return parser


def command_line(words):
    """The command as a user types it: without what the launcher adds, and without folders."""
    kept, skip = [], False
    for word in words:
        if not skip and word.split("=")[0] not in ("--programs", "--to"):
            kept.append(shlex.quote(word))
        skip = word in ("--programs", "--to")
    return " ".join(["./run bench", *kept])


def measure(arguments):
    sizes = dict(QUICK if arguments.quick else FULL)
    for name in ("entries", "seconds"):
        if getattr(arguments, name):
            sizes[name] = getattr(arguments, name)
    runner = Runner(arguments.programs, {
        "rounds": arguments.rounds or (1 if arguments.quick else 5),
        "filter": arguments.filter,
        "sizes": [f"--{name}={value}" for name, value in sizes.items()],
        "subjects": arguments.subjects.split(",") if arguments.subjects else None,
        # Part of whole runs only, or alone: `--filter simulator`.
        "simulator_trace": simulator.trace_for(ROOT, arguments.quick)
                           if arguments.filter in ("", "simulator") and not arguments.subjects else None,
        "durability": durability_sizes(arguments, sizes),
    }, lambda line: print(line, file=sys.stderr, flush=True))
    machine = machine_of(arguments.programs.parent)  # Before: the load is that of the others.
    data = runner.run()
    if arguments.filter in ("", "stores") and not arguments.subjects:
        measured = stores.measure(arguments.programs, runner.settings["rounds"], arguments.quick, runner.say)
        data.update({"stores": measured} if measured else {})
    data.update(command=command_line(sys.argv[1:]), date=str(datetime.date.today()),
                commit=commit_of(ROOT), entries=sizes["entries"], machine=machine)
    return data


def durability_sizes(arguments, sizes):
    """Part of whole runs, or alone: `--filter durability`."""
    if arguments.filter not in ("", "durability") or arguments.subjects:
        return None
    seconds = DURABLE_SECONDS_QUICK if arguments.quick else DURABLE_SECONDS
    return {"entries": sizes["entries"], "durable_seconds": seconds}


def own_pages(data):
    """Name → text of the pages beside the results."""
    machine = data.get("machine", {})
    about = (f"{data['date']}, {machine['processor']}, load before {machine.get('load before', '?')}."
             if machine.get("processor") else "")
    pages = {}
    if "simulator" in data:
        pages["simulator"] = simulator.page(data["simulator"], about)
    if "stores" in data:
        pages["stores"] = stores.page(data["stores"], about)
    if "durability" in data:
        pages["durability"] = durability.page(data["durability"], about)
    return pages


def save(samples, folder):
    folder.mkdir(parents=True, exist_ok=True)
    pages = own_pages(samples.data)
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    for name in ("stores", "durability"):
        if name in samples.data:
            numbers = json.dumps(samples.data[name], indent=1)
            (folder / f"{name}.json").write_text(numbers + "\n", encoding="utf-8")
    if pages and not samples.cells:
        print(f"wrote {', '.join(pages)} to {folder}", file=sys.stderr)
        return
    drawing = plot(samples)
    if drawing:
        (folder / "results.svg").write_text(drawing, encoding="utf-8")
    page = Page(samples).text("results.svg" if drawing else "")
    (folder / "results.md").write_text(page, encoding="utf-8")
    lines = json.dumps(samples.data, ensure_ascii=False, separators=(",", ":"))
    # A line for each cell, so that a newer run can be compared with diff.
    lines = lines.replace('"cells":{', '"cells":{\n').replace("},\"", "},\n\"")
    (folder / "results.json").write_text(lines + "\n", encoding="utf-8")
    print(f"wrote {folder}/results.md", file=sys.stderr)


def main():
    parser = options()
    arguments = parser.parse_args()
    if arguments.source:
        try:
            data = json.loads(arguments.source.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            parser.exit(2, f"bench: {arguments.source}: {error}\n")
    elif arguments.programs:
        try:
            data = measure(arguments)
        except (RuntimeError, ValueError) as error:
            parser.exit(1, f"bench: {error}\n")
    else:
        parser.error("--programs or --from is needed; `./run bench` gives the first")
    samples = Samples(data)
    if arguments.save:
        save(samples, arguments.to)
    else:
        if samples.cells:
            print(Page(samples).text())
        for text in own_pages(samples.data).values():
            print(text)
    rows = figures_of(samples) + durability.judged(samples.data.get("durability", {"cells": {}}))
    open_figures = [row for row in rows if row.verdict == "not reached"]
    print(f"{len(open_figures)} figures not reached", file=sys.stderr)


if __name__ == "__main__":
    main()

"""What durable mode costs: the rounds, the figures to reach, and the page about them."""

import json
import pathlib
import shutil
import statistics
import tempfile

from .redis_peer import RedisServer, is_there

ROUNDS = 3
PROGRAM = "durability_bench"

# Title, cell, metric, cell of the yardstick, its metric, limit, kind. "more": cell ÷ yardstick, at
# least. "sooner": yardstick ÷ cell, at least. "cost": cell ÷ yardstick (or the cell by itself), at
# most. "alone": the cell by itself, at least. "seconds": the cell by itself, at most.
FIGURES = [
    ("`always`, 1 thread: writes a second, against a bare append and `fdatasync`",
     "always_1", "ops", "bare", "ops", 0.85, "more"),
    ("`always`, 1 thread: against RocksDB, `sync=true`", "always_1", "ops", "rocksdb_1", "ops", 1.2, "more"),
    ("`always`, 8 threads: against RocksDB, `sync=true`", "always_8", "ops", "rocksdb_8", "ops", 2, "more"),
    ("`always`, 32 threads: against Redis, `appendfsync always`, 32 clients",
     "always_32", "ops", "redis_always", "ops", 1, "more"),
    ("`always`, 8 threads, batches of 64: writes a second", "batches", "ops", None, None, 400_000, "alone"),
    ("`interval` of 1 s, 2 threads: against Redis, `everysec`, pipelines of 16",
     "interval", "ops", "redis_everysec", "ops", 1.5, "more"),
    ("coming back from the log: against Redis from its AOF",
     "recover_log", "seconds", "redis_aof", "seconds", 2, "sooner"),
    ("coming back from a log of 100 MB", "recover_log", "seconds_per_100_mb", None, None, 2, "seconds"),
    ("reading and checking a log, 1 thread: bytes a second", "read_log", "bytes_per_second", None, None,
     500e6, "alone"),
    ("loading a snapshot file: against Redis from its RDB",
     "load_snapshot", "seconds", "redis_rdb", "seconds", 1.5, "sooner"),
    ("p99.9 of `get` while a snapshot file is written, against quiet",
     "get_beside_snapshot", "during_p99_9", "get_beside_snapshot", "quiet_p99_9", 2, "cost"),
    ("`get` of a durable cache, against one without a log", "get_durable", "ratio", None, None,
     1.05, "cost"),
]

ROCKSDB = ["rocksdb_1", "rocksdb_8"]
WRITES = ["bare", "always_1", *ROCKSDB[:1], "always_8", *ROCKSDB[1:], "always_32", "batches", "interval"]
READS = ["get_beside_snapshot", "get_durable"]


class Measuring:
    """`call(program, options)` runs a program and gives what it prints."""

    def __init__(self, programs, call, sizes, say):
        self.programs, self.call, self.sizes, self.say = pathlib.Path(programs), call, sizes, say
        self.cells = {}

    def run(self, rounds):
        listed = self.call(PROGRAM, ["--list"]).split()
        peers = ROCKSDB[0] in listed and is_there()
        for number in range(rounds):
            for cell in [*WRITES, *READS]:
                if cell in listed:
                    self.one(cell)
            with self.folder() as folder:  # The same files for all of them.
                for cell in ("leave_files", "recover_log", "read_log", "load_snapshot"):
                    self.add(cell, self.cell(cell, folder))
            if peers:
                self.redis()
            self.say(f"round {number + 1} of {rounds}: durability")
        return {"rounds": rounds, "entries": self.sizes["entries"], "cells": self.cells}

    def folder(self):
        # Beside the programs: folders for temporary files are in memory on many machines.
        return tempfile.TemporaryDirectory(prefix="durability-", dir=self.programs)

    def cell(self, name, folder):
        seconds, entries = self.sizes["durable_seconds"], self.sizes["entries"]
        return json.loads(self.call(PROGRAM, [name, folder, str(seconds), str(entries)]))

    def add(self, name, found):
        for metric, value in found.items():
            self.cells.setdefault(name, {}).setdefault(metric, []).append(value)

    def one(self, name):
        with self.folder() as folder:
            self.add(name, self.cell(name, folder))

    def redis(self):
        # As long as a cell takes, at the speed that is to be expected.
        seconds, entries = self.sizes["durable_seconds"], self.sizes["entries"]
        with self.folder() as folder, RedisServer(folder, "--appendonly", "yes", "--appendfsync",
                                                  "always") as server:
            self.add("redis_always", {"ops": server.sets_per_second(
                int(50_000 * seconds), "-c", "32")})
        with self.folder() as folder, RedisServer(folder, "--appendonly", "yes", "--appendfsync",
                                                  "everysec") as server:
            self.add("redis_everysec", {"ops": server.sets_per_second(
                int(500_000 * seconds), "-P", "16")})
        with self.folder() as folder:
            log = ["--appendonly", "yes", "--appendfsync", "no", "--auto-aof-rewrite-percentage", "0"]
            with RedisServer(folder, *log) as server:
                server.fill(entries)
                server.call("redis-cli", "-s", "s", "save")
            with RedisServer(folder, *log) as server:
                self.add("redis_aof", {"seconds": server.seconds_of_loading()})
            shutil.rmtree(pathlib.Path(folder) / "appendonlydir")
            with RedisServer(folder) as server:
                self.add("redis_rdb", {"seconds": server.seconds_of_loading()})


class Row:
    def __init__(self, figure, wanted, measured, verdict):
        self.figure, self.wanted, self.measured, self.verdict = figure, wanted, measured, verdict


def values_of(data, cell, metric):
    return data["cells"].get(cell, {}).get(metric, [])


def judged(data):
    """Every figure with its verdict: ratios within each round, and the median of them."""
    rows = []
    for title, cell, metric, beside, beside_metric, limit, kind in FIGURES:
        values = values_of(data, cell, metric)
        if beside:
            pairs = zip(values, values_of(data, beside, beside_metric))
            values = [b / a if kind == "sooner" else a / b for a, b in pairs]
        form = {"alone": "{:,.0f}", "seconds": "{:.2f} s"}.get(kind, "{:.2f} ×")
        at_most = kind in ("cost", "seconds")
        wanted = ("≤ " if at_most else "≥ ") + form.format(limit)
        if not values:
            rows.append(Row(title, wanted, "–", "open"))
            continue
        value = statistics.median(values)
        good = value <= limit if at_most else value >= limit
        rows.append(Row(title, wanted, form.format(value), "reached" if good else "not reached"))
    return rows


NUMBERS = [
    ("bare append and `fdatasync`", "bare", "ops"), ("`always`, 1 thread", "always_1", "ops"),
    ("RocksDB, `sync=true`, 1 thread", "rocksdb_1", "ops"), ("`always`, 8 threads", "always_8", "ops"),
    ("RocksDB, `sync=true`, 8 threads", "rocksdb_8", "ops"), ("`always`, 32 threads", "always_32", "ops"),
    ("Redis, `appendfsync always`, 32 clients", "redis_always", "ops"),
    ("`always`, 8 threads, batches of 64", "batches", "ops"),
    ("`interval` of 1 s, 2 threads", "interval", "ops"),
    ("Redis, `everysec`, 50 clients, pipelines of 16", "redis_everysec", "ops"),
    ("coming back from the log, s", "recover_log", "seconds"), ("Redis from its AOF, s", "redis_aof", "seconds"),
    ("loading a snapshot file, s", "load_snapshot", "seconds"), ("Redis from its RDB, s", "redis_rdb", "seconds"),
    ("p99.9 of `get`, quiet, ns", "get_beside_snapshot", "quiet_p99_9"),
    ("p99.9 of `get`, a snapshot file is written, ns", "get_beside_snapshot", "during_p99_9"),
    ("`get` of a durable cache, ns", "get_durable", "ns"),
]


def page(data, about):
    """The page, or what `./run bench` prints of it. `about` says where and when."""
    lines = ["# Benchmarks: durable mode", "", "Written by `bench/report.py`: do not edit.", "",
             f"Keys of 16 characters, values of 64, {data['entries']:,} entries where all come back or are "
             f"written; rounds: {data['rounds']}, everything in turn in each. A ratio is taken within a round, "
             f"and the median of the rounds is shown. {about}", "",
             "| figure | to reach | measured | |", "| --- | ---: | ---: | --- |"]
    for row in judged(data):
        verdict = f"**{row.verdict}**" if row.verdict == "not reached" else row.verdict
        lines.append(f"| {row.figure} | {row.wanted} | {row.measured} | {verdict} |")
    lines += ["", "## Numbers", "", "Acknowledged writes a second, unless it says otherwise.", "",
              "| | median | least | most |", "| --- | ---: | ---: | ---: |"]
    for title, cell, metric in NUMBERS:
        values = values_of(data, cell, metric)
        if values:
            digits = ".3f" if metric == "seconds" else ",.0f"
            shown = [format(value, digits) for value in (statistics.median(values), min(values), max(values))]
            lines.append(f"| {title} | {' | '.join(shown)} |")
    return "\n".join(lines + [""])

#!/usr/bin/env python3
"""Feeds the report rounds whose medians, ratios and verdicts can be told by hand."""

import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml
from unittest import mock

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
from reporting import durability, figures, pages, plot, samples  # noqa: E402
from reporting.runner import Runner  # noqa: E402


def row(name, operations=None, threads=1, label="", **counters):
    """A row as Google Benchmark writes it."""
    made = {"name": f"{name}/min_time:0.050/real_time/threads:{threads}", "run_name": name,
            "run_type": "iteration", "threads": threads, "iterations": 1000, "real_time": 1.0,
            "cpu_time": 1.0, "time_unit": "ns", **counters}
    if operations:
        made["items_per_second"] = operations
    if label:
        made["label"] = label
    return made


def run_of(*rounds, entries=1_000_000):
    """A run from lists of processes, each a list of rows; one list for each round."""
    data = {"rounds": len(rounds), "subjects": {}, "cells": {}, "entries": entries,
            "command": "./run bench", "date": "2030-01-01", "commit": "abc", "machine": {}}
    for number, processes in enumerate(rounds):
        for rows in processes:
            samples.add_round(data, number, {"benchmarks": rows})
    return samples.Samples(data)


def reads(lru, fifo, textbook, bound=100e6):
    """A round of resident reads: the bound runs in each process, at its own speed there."""
    return [
        [row("resident_get/ints/bound", bound)],
        [row("resident_get/ints/bound", bound),
         row("resident_get/ints/tarmac:lru", lru, label="ordered"),
         row("resident_get/ints/tarmac:lru", 1.6 * lru, threads=2, label="ordered")],
        [row("resident_get/ints/bound", bound / 2),
         row("resident_get/ints/tarmac:fifo", fifo, label="none")],
        [row("resident_get/ints/bound", bound), row("resident_get/ints/textbook", textbook)],
    ]


def verdicts(run, words):
    """Strategy → (measured, verdict, note) of the one figure that has these words."""
    rows = [row for row in figures.figures_of(run) if words in row.figure]
    assert len({row.figure for row in rows}) == 1, words
    return {row.strategy: (row.measured, row.verdict, row.note) for row in rows}


class SamplesTest(unittest.TestCase):
    def setUp(self):
        self.run_ = run_of(reads(40e6, 20e6, 10e6), reads(50e6, 25e6, 5e6), reads(20e6, 10e6, 8e6))

    def test_a_median_is_the_middle_of_the_rounds(self):
        cell = self.run_.cell("resident_get", "tarmac:lru")
        self.assertEqual(self.run_.values(cell), [40e6, 50e6, 20e6])
        self.assertEqual(self.run_.median(cell), 40e6)
        self.assertEqual(self.run_.nanoseconds("resident_get", "tarmac:lru"), 25)
        self.assertEqual(self.run_.nanoseconds("resident_get", "tarmac:lru", threads=2), 31.25)

    def test_a_ratio_is_taken_within_each_round(self):
        # 4, 10 and 2.5: the ratio of the medians would be 5.
        self.assertEqual(self.run_.ratio(self.run_.cell("resident_get", "tarmac:lru"),
                                         self.run_.cell("resident_get", "textbook")), 4)

    def test_the_bound_is_the_one_of_the_same_process(self):
        # fifo's process had a machine half as fast: 50 / 20 and so on, not 100 / 20.
        self.assertEqual(self.run_.times_the_bound(self.run_.cell("resident_get", "tarmac:fifo")), 2.5)
        self.assertEqual(self.run_.times_the_bound(self.run_.cell("resident_get", "bound")), 1)

    def test_a_round_without_one_side_does_not_count(self):
        run = run_of(reads(40e6, 20e6, 10e6), reads(50e6, 25e6, 5e6)[:3], reads(20e6, 10e6, 8e6))
        self.assertEqual(run.values(run.cell("resident_get", "textbook")), [10e6, None, 8e6])
        self.assertEqual(run.ratio(run.cell("resident_get", "tarmac:lru"),
                                   run.cell("resident_get", "textbook")), (4 + 2.5) / 2)
        self.assertEqual(run.rounds_of("textbook"), 2)

    def test_what_was_not_measured_has_no_value(self):
        cell = self.run_.cell("mix_95_5", "tarmac:lru")
        self.assertIsNone(self.run_.median(cell))
        self.assertIsNone(self.run_.ratio(cell, cell))

    def test_a_cell_that_failed_is_an_error(self):
        with self.assertRaisesRegex(ValueError, "slot.*did not answer"):
            run_of([[row("slot/ints/tarmac:lru", error_occurred=True,
                         error_message="the endpoint did not answer")]])


class FiguresTest(unittest.TestCase):
    def test_each_side_of_a_limit(self):
        run = run_of(reads(40e6, 20e6, 10e6))
        self.assertEqual(verdicts(run, "reads, 1 thread: time"),
                         {"lru": ("2.50 ×", "reached", ""),
                          "fifo": ("2.50 ×", "not reached", "")})

    def test_scaling_compares_two_threads_with_one(self):
        self.assertEqual(verdicts(run_of(reads(40e6, 20e6, 10e6)), "resident reads: throughput of 2"),
                         {"lru": ("1.60 ×", "not reached", ""),
                          "": ("–", "open", "not measured in this run")})

    def test_a_peer_that_is_missing_leaves_a_figure_open_but_one_that_wins_does_not(self):
        found = verdicts(run_of(reads(40e6, 20e6, 10e6)), "reads, 1 thread: throughput")
        self.assertEqual(found, {"lru": ("4.00 ×", "open", "without 5 peers"),
                                 "fifo": ("2.00 ×", "not reached", "without 5 peers")})

    def test_the_closest_of_all_peers_decides(self):
        others = [[row(f"resident_get/ints/{name}", speed)] for name, speed in
                  zip(samples.PEERS[1:], (15e6, 4e6, 3e6, 2e6, 1e6))]
        found = verdicts(run_of(reads(45e6, 40e6, 10e6) + others), "reads, 1 thread: throughput")
        self.assertEqual(found["lru"], ("3.00 ×", "reached", "closest: rocksdb_lru"))

    def test_the_worst_of_the_strategies_that_are_not_told_in_order_is_shown(self):
        rows = [[row("latency/ints/tarmac:lru", label="ordered", p99_9=900.0)],
                [row("latency/ints/tarmac:fifo", label="none", p99_9=950.0)],
                [row("latency/ints/tarmac:sieve", label="mark", p99_9=1001.0)]]
        self.assertEqual(verdicts(run_of(rows), "10 %: p99.9"),
                         {"lru": ("900 ns", "reached", ""),
                          "sieve (worst of 2)": ("1,001 ns", "not reached", "")})

    def test_memory_is_counted_beyond_key_and_value(self):
        rows = [[row("memory_1x/ints/tarmac:lru", label="ordered", bytes_per_entry=72.0)]]
        self.assertEqual(verdicts(run_of(rows), "memory")["lru"], ("56.0 bytes", "reached", ""))

    def test_time_added_becomes_throughput_lost(self):
        rows = [[row(f"{name}/ints/tarmac:lru", label="ordered", added=0.25)
                 for name in ("exporter_scraped", "scraped_in_a_loop")]]
        self.assertEqual(verdicts(run_of(rows), "tight loop")["lru"], ("20.0 %", "not reached", ""))
        self.assertEqual(verdicts(run_of(rows), "once a second")["lru"], ("25.0 %", "not reached", ""))

    def test_nothing_measured_reaches_nothing(self):
        self.assertEqual({row.verdict for row in figures.figures_of(run_of([]))}, {"open"})


class OutputTest(unittest.TestCase):
    def setUp(self):
        self.run_ = run_of(reads(40e6, 20e6, 10e6), reads(50e6, 25e6, 5e6))

    def test_the_plot_is_well_formed_and_has_a_dot_for_each_cache(self):
        drawing = xml.fromstring(plot.plot(self.run_))
        dots = [element.get("class") for element in drawing.iter("{http://www.w3.org/2000/svg}circle")]
        # The legend has one of each; one thread has four caches, two threads one.
        self.assertEqual(sorted(dots), ["bound"] * 2 + ["peer"] * 2 + ["tarmac"] * 4)
        width, height = float(drawing.get("width")), float(drawing.get("height"))
        for element in drawing.iter("{http://www.w3.org/2000/svg}circle"):
            self.assertTrue(0 < float(element.get("cx")) < width)
            self.assertTrue(0 < float(element.get("cy")) < height)

    def test_dots_stand_in_the_order_of_the_times(self):
        drawing = xml.fromstring(plot.plot(self.run_))
        dots = [float(element.get("cx"))
                for element in drawing.iter("{http://www.w3.org/2000/svg}circle")][3:7]
        self.assertEqual(dots, sorted(dots))
        self.assertEqual(len(set(dots)), 4)

    def test_nothing_measured_draws_nothing(self):
        self.assertEqual(plot.plot(run_of([])), "")

    def test_the_page_holds_the_numbers_and_leaves_empty_columns_out(self):
        page = pages.Page(self.run_).text("results.svg")
        self.assertIn("![Time of an operation of each cache in eight workloads](results.svg)", page)
        self.assertIn("| lru | ordered | 2.25 × |\n", page)  # No column of texts.
        self.assertIn("| lru | 7.00 × |\n", page)            # Against the textbook: 4 and 10.
        self.assertIn("| lru | 22.2 | 27.8 |\n", page)
        self.assertNotIn("Bytes for each entry", page)
        self.assertIn("no more than a hint", page)

    def test_saving_writes_what_an_earlier_run_is_read_from(self):
        import importlib.util
        spec = importlib.util.spec_from_file_location("program", ROOT / "bench" / "report.py")
        program = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(program)
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
            folder = pathlib.Path(folder)
            program.save(self.run_, folder)
            self.assertEqual(json.loads((folder / "results.json").read_text()), self.run_.data)
            xml.parse(folder / "results.svg")
            self.assertIn("Figures to reach", (folder / "results.md").read_text())
        self.assertEqual(
            program.command_line(["--programs", "/a/b", "--peers", "--to=/c", "--filter", "a b"]),
            "./run bench --peers --filter 'a b'")


class DurabilityTest(unittest.TestCase):
    def verdicts(self, cells, words):
        rows = [row for row in durability.judged({"cells": cells}) if words in row.figure]
        return [(row.measured, row.verdict) for row in rows]

    def test_a_ratio_is_taken_within_each_round(self):
        # 0.9, 0.5 and 0.8: of the medians alone it would be 1.
        cells = {"always_1": {"ops": [9e3, 5e3, 8e3]}, "bare": {"ops": [10e3, 10e3, 10e3]}}
        self.assertEqual(self.verdicts(cells, "bare append"), [("0.80 ×", "not reached")])

    def test_of_times_less_is_better(self):
        cells = {"recover_log": {"seconds": [0.5], "seconds_per_100_mb": [2.01]},
                 "read_log": {"bytes_per_second": [499e6]}, "redis_aof": {"seconds": [1.0]}}
        self.assertEqual(self.verdicts(cells, "from its AOF"), [("2.00 ×", "reached")])
        self.assertEqual(self.verdicts(cells, "100 MB"), [("2.01 s", "not reached")])
        self.assertEqual(self.verdicts(cells, "bytes a second"), [("499,000,000", "not reached")])

    def test_of_costs_less_is_better(self):
        for ratio, verdict in ((1.05, "reached"), (1.06, "not reached")):
            cells = {"get_durable": {"ratio": [ratio], "ns": [50]}}
            self.assertEqual(self.verdicts(cells, "without a log"), [(f"{ratio:.2f} ×", verdict)])

    def test_what_was_not_measured_stays_open(self):
        self.assertEqual({row.verdict for row in durability.judged({"cells": {}})}, {"open"})

    def test_the_page_has_figures_and_numbers(self):
        page = durability.page({"rounds": 1, "entries": 10, "cells": {
            "recover_log": {"seconds": [0.5, 0.7, 0.6]}}}, "Somewhere.")
        self.assertIn("| coming back from the log, s | 0.600 | 0.500 | 0.700 |", page)
        self.assertIn("Somewhere.", page)


class RunnerTest(unittest.TestCase):
    """The rounds, with programs that only say what they are asked."""

    def rounds(self, count, seconds):
        said, clock = [], [0.0]
        settings = {"rounds": count, "filter": "", "sizes": [], "subjects": None}
        runner = Runner("nowhere", settings, lambda line: None)

        def call(_, options):
            if options == ["--list"]:
                return "\n".join(seconds)
            name = options[0].removeprefix("--subject=")
            if "--memory" not in options:
                said.append(name)
            clock[0] += seconds[name]
            return json.dumps({"benchmarks": [row(f"hot_get/ints/{name}", 1e6)]})

        with mock.patch.object(runner, "call", call), \
                mock.patch("reporting.runner.time.monotonic", lambda: clock[0]):
            runner.run()
        return said

    def test_every_other_round_goes_backwards(self):
        self.assertEqual(self.rounds(3, {"a": 1, "b": 1, "c": 1}), list("abc" "cba" "abc"))

    def test_who_is_far_behind_sits_rounds_out(self):
        said = self.rounds(5, {"a": 1, "slow": 3, "c": 1})
        self.assertEqual((said.count("a"), said.count("slow"), said.count("c")), (5, 2, 5))


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""Feeds the page about stores rounds whose figures can be told by hand."""

import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
from reporting import stores  # noqa: E402


def one(plain, back, loop, flush, redis=None):
    """A round; `redis` is (rate of 50 clients, of one, of a flush, wait clean, wait poisoned); a second
    flush is as quick as the first, and redis-benchmark then half as quick as before. A loop with many
    rows in a statement takes half of the other's time."""
    kinds = {name: {"plain_ns": plain, "write_back_ns": back} for name in ("ints", "texts")}
    made = {"set": kinds, "sqlite": {"loop_seconds": loop, "loop_of_many_seconds": loop / 2,
                                       "flush_seconds": flush}}
    if redis:
        made["redis"] = {"rate_of_50": redis[0], "rate_of_1": redis[1], "flush_rate": redis[2],
                         "rate_again": redis[0] / 2, "flush_rate_again": redis[2]}
        made["poison"] = {"clean_wait": redis[3], "poisoned_wait": redis[4]}
    return made


def rows(*rounds):
    """The rows of the table, cell by cell."""
    page = stores.page({"rounds": list(rounds), "sizes": {"sqlite": 1000}}, "")
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines()
            if line.startswith("| ")][1:]


class StoresPageTest(unittest.TestCase):
    def test_the_median_of_the_rounds_decides(self):
        # 1, 1.4 and 3 times; 100, 50 and 80 %.
        found = rows(one(100, 100, 1, 1), one(100, 140, 1, 2), one(100, 300, 0.8, 1))
        self.assertEqual(found[0][1:], ["≤ 1.50 ×", "1.40 ×", "1.00 × to 3.00 ×", "reached"])
        self.assertEqual(found[2][1:], ["≥ 80 %", "80 %", "50 % to 100 %", "reached"])

    def test_each_side_of_a_limit(self):
        found = rows(one(100, 151, 0.79, 1, (1e6, 2e6, 0.79e6, 1, 2.1)))
        self.assertEqual([row[-1] for row in found],
                         ["**not reached**"] * 3 + ["", "**not reached**", "", "", "**not reached**"])
        found = rows(one(100, 150, 0.81, 1, (1e6, 2e6, 0.8e6, 1, 2)))
        self.assertEqual([row[-1] for row in found], ["reached"] * 3 + ["", "reached", "", "", "reached"])
        self.assertEqual(found[3][1:4], ["–", "40 %", "40 % to 40 %"])
        self.assertEqual(found[5][1:4], ["–", "40 %", "40 % to 40 %"])
        self.assertEqual(found[6][1:4], ["–", "160 %", "160 % to 160 %"])

    def test_what_was_not_measured_has_no_verdict(self):
        found = rows(one(100, 100, 1, 1))
        self.assertEqual([row[-1] for row in found[4:]], ["not measured"] * 4)


if __name__ == "__main__":
    unittest.main()

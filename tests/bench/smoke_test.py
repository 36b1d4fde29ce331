#!/usr/bin/env python3
"""Runs everything that `./run bench` runs, with caches so small that it takes seconds.

Usage: smoke_test.py FOLDER_OF_THE_PROGRAMS WORK_FOLDER
"""

import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    programs, work = sys.argv[1:]
    subprocess.run(
        [sys.executable, "-B", ROOT / "bench" / "report.py", "--programs", programs, "--quick",
         "--entries=2000", "--seconds=0.001", "--save", "--to", work], check=True)
    data = json.loads((pathlib.Path(work) / "results.json").read_text(encoding="utf-8"))
    page = (pathlib.Path(work) / "results.md").read_text(encoding="utf-8")

    listed = subprocess.run([f"{programs}/cache_bench", "--list"], check=True, capture_output=True,
                            text=True).stdout.split()
    assert sorted(data["subjects"]) == sorted(listed), data["subjects"]
    for subject in listed:
        reads = data["cells"][f"resident_get/ints/1/{subject}"]
        assert reads["ops"][0] > 0 and reads["hit_ratio"] == [1.0], (subject, reads)
    # A run without peers leaves their figures open; the others are all judged.
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| ") and " | open" in line]
    unjudged = [row[0] for row in rows if "without" not in row[-1] and "advisor" not in row[0]]
    assert not unjudged, unjudged
    durable = data["durability"]["cells"]
    cells = subprocess.run([f"{programs}/durability_bench", "--list"], check=True, capture_output=True,
                           text=True).stdout.split()
    assert set(cells) <= set(durable), (cells, list(durable))
    assert all(value > 0 for metric in ("ops", "seconds") for metrics in durable.values()
               for value in metrics.get(metric, [])), durable
    page = (pathlib.Path(work) / "durability.md").read_text(encoding="utf-8")
    assert "coming back from the log, s" in page, page
    print(f"{len(listed)} subjects, {len(data['cells'])} cells, {len(durable)} of durable mode")


if __name__ == "__main__":
    main()
